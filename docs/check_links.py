#!/usr/bin/env python3
"""Fails if a relative link in the repository's Markdown leads nowhere.

    docs/check_links.py

A link is to a file or folder of the repository, or to a heading of a Markdown file by GitHub's rule for
anchors. Links to other hosts are not followed. The standard library is enough.
"""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]*(?:\([^()]*\)[^()\s]*)*)\)")


def main():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
    )
    paths = [ROOT / name for name in listed.stdout.splitlines()]
    paths = [path for path in paths if path.exists()]
    dead = [found for path in paths for found in dead_links(path)]
    print("\n".join(dead) or f"{len(paths)} Markdown files, no dead link")
    sys.exit(1 if dead else 0)


def dead_links(path):
    """A line for each link of a file that leads nowhere."""
    for target in LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        there = (path.parent / name).resolve() if name else path
        link = f"{path.relative_to(ROOT)}: {target}"
        if not there.exists() or not there.is_relative_to(ROOT):
            yield f"{link} is not there"
        elif anchor and there.suffix == ".md" and anchor not in anchors(there):
            yield f"{link} has no such heading"


def prose(path):
    """The text of a file without code, in which brackets are no links."""
    text = re.sub(r"^ *```.*?^ *```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`(?!\])", "", text)


def anchors(path):
    """The anchors of a Markdown file's headings, as GitHub makes them."""
    text = re.sub(r"^ *```.*?^ *```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    seen, found = {}, set()
    for heading in re.findall(r"^#{1,6} +(.*?) *#*$", text, flags=re.MULTILINE):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        count = seen.get(slug, 0)
        seen[slug] = count + 1
        found.add(f"{slug}-{count}" if count else slug)
    return found


if __name__ == "__main__":
    main()
