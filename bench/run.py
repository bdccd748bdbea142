#!/usr/bin/env python3
"""Measures this project and its peers side by side, in one run, into one JSON file.

    bench/run.py                      # half an hour; writes bench/results/cpu.json
    linf bench --only growth --json   # some minutes; goes into bench/results/growth.json
    bench/report.py                   # makes the documents' tables and the plot from both

`linf bench` and the peers take turns, for some rounds; what counts is the best of each, and the
median of the shares of the roofline. The peers are installed at the versions of
bench/peers/requirements.txt into a virtual environment in the cache. PyTorch is Debian's
`python3-torch`, where that is installed: it is left out otherwise.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / "bench/peers"
CACHE = Path(
    os.environ.get("LINF_CACHE")
    or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "linf-dist-net"
)
# Of its members the first is measured, ours and theirs.
MODEL = ROOT / "www/public/models/mnist-eps0.3.safetensors"
TORCH_PYTHON = Path("/usr/bin/python3")

# Numbers of which the smaller one is the better one; of other numbers that are measured, the larger.
SMALLER = {"wall", "processor", "milliseconds", "mean_milliseconds", "seconds"}
SMALLER |= {"microseconds_per_image"}
LARGER = {"forward", "backward", "both"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.3, help="for each figure of ours")
    parser.add_argument("--peer-seconds", type=float, default=1, help="for each figure of theirs")
    parser.add_argument("--steps", type=int, default=3, help="training steps of the peers, at each p")
    parser.add_argument("--linf", type=Path, help="a built linf; else cargo builds it")
    parser.add_argument("--out", type=Path, default=ROOT / "bench/results/cpu.json")
    parser.add_argument("--again", action="store_true", help="only work out the ratios of --out anew")
    args = parser.parse_args()

    if args.again:
        report = json.loads(args.out.read_text())
        report["ratios"] = ratios(report)
        args.out.write_text(json.dumps(report, indent=1) + "\n")
        return

    if sys.platform != "linux":
        sys.exit("bench/run.py asks Linux what computes and how many processors there are; run it there")
    python = environment()
    linf = args.linf or build()
    threads = sorted({1, len(os.sched_getaffinity(0))})
    scratch = tempfile.TemporaryDirectory()
    head = Path(scratch.name) / "head.safetensors"
    subprocess.run([linf, "member", MODEL, "1", head], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    report = {"machine": machine(), "load": [load()], "versions": {}, "peers": {}}

    def ours(*arguments):
        command = [linf, "bench", "--json", "--model", MODEL, *arguments]
        found = output(command)
        for row in found.get("norm_dist", {"rows": []})["rows"]:
            if "of_roofline" in row:
                row["shares_of_roofline"] = {key: [share] for key, share in row.pop("of_roofline").items()}
        report["ours"] = better(report.get("ours", {}), found)

    def peer(python, name, part, *arguments):
        found = output([python, PEERS / f"{name}_peer.py", "--only", part, *arguments])
        report["versions"].update(found["versions"])
        known = report["peers"].setdefault(name, {})
        known[part] = better(known.get(part, []), found["rows"], append=True)

    has_torch = TORCH_PYTHON.exists() and not subprocess.run(
        [TORCH_PYTHON, "-c", "import torch"], capture_output=True
    ).returncode
    for round_ in range(args.rounds):
        print(f"round {round_ + 1} of {args.rounds}", file=sys.stderr)
        for count in threads:
            common = ["--threads", str(count), "--seconds", str(args.peer_seconds)]
            ours("--only", "norm-dist", "--seconds", str(args.seconds))
            peer(python, "jax", "norm-dist", *common)
            peer(python, "cdist", "norm-dist", *common)
            # It takes minutes, and is far behind: once is enough.
            if has_torch and round_ == 0:
                peer(TORCH_PYTHON, "torch", "norm-dist", *common)
            ours("--only", "exact", "--seconds", str(args.seconds))
            peer(python, "onnx", "exact", *common, "--model", str(head))
        common += ["--steps", str(args.steps)]
        ours("--only", "steps")
        peer(python, "jax", "steps", *common)
        if has_torch and round_ == 0:
            peer(TORCH_PYTHON, "torch", "steps", *common)
        # After every round, so that a run that is cut short leaves something.
        report["rounds"] = round_ + 1
        report["load"] = [report["load"][0], load()]
        report["ratios"] = ratios(report)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report["ratios"], indent=1))


def environment():
    """The Python of the virtual environment, made if it is not there."""
    folder = CACHE / "bench-venv"
    requirements = (PEERS / "requirements.txt").read_text()
    stamp = folder / "installed.txt"
    if not stamp.exists() or stamp.read_text() != requirements:
        if not folder.exists():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [folder / "bin/pip", "install", "--quiet", "-r", PEERS / "requirements.txt"]
        subprocess.run(pip, check=True)
        stamp.write_text(requirements)
    return folder / "bin/python"


def build():
    """Builds `linf` without the parts for the GPU, of which nothing is measured here."""
    features = ["--no-default-features", "--features", "cli"]
    subprocess.run(["cargo", "build", "--release", *features], cwd=ROOT, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target") / "release/linf"


def output(command):
    """The JSON that a command prints."""
    done = subprocess.run(
        [str(part) for part in command], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout)


def machine():
    """What computes, without names of hosts or users."""
    info = Path("/proc/cpuinfo").read_text()

    def field(name):
        found = re.search(rf"^{name}\s*: (.*)$", info, re.MULTILINE)
        return found.group(1) if found else "unknown"

    flags = field("flags").split()
    return {
        "cpu": field("model name"),
        "family": field("cpu family"),
        "model": field("model"),
        "vectors": [flag for flag in ["avx2", "fma", "avx512f"] if flag in flags],
        "processors": len(os.sched_getaffinity(0)),
    }


def load():
    """How many programs wanted a processor in the last minute, ours included."""
    return os.getloadavg()[0]


def better(a, b, append=False):
    """The better of two measurements of the same, number by number; rows that only one of them has
    are kept, and lists of numbers continued."""
    if isinstance(a, dict) and isinstance(b, dict):
        return {
            key: better_number(key, a[key], b[key]) if key in a and key in b else {**a, **b}[key]
            for key in {**a, **b}
        }
    if isinstance(a, list) and isinstance(b, list):
        if append or not a or isinstance(a[0], dict):
            rows = {identity(row): row for row in a}
            for row in b:
                rows[identity(row)] = better(rows.get(identity(row), {}), row)
            return list(rows.values())
        # Shares, of each time that they were measured.
        if isinstance(a[0], float):
            return a + b
    return b


def better_number(key, a, b):
    if isinstance(a, (int, float)) and key in SMALLER:
        return min(a, b)
    if isinstance(a, (int, float)) and key in LARGER:
        return max(a, b)
    return better(a, b)


def identity(row):
    """What is measured, without what came out."""
    return tuple(
        (key, str(value))
        for key, value in row.items()
        if not isinstance(value, (dict, float, list))
    )


def seconds(time):
    """As in `linf bench`: processor time of one thread, the wall's of several."""
    return time["processor" if time["threads"] == 1 else "wall"]


def ratios(report):
    """How many times as fast this project is as its peers, and its share of the roofline."""
    ours, peers = report["ours"], report["peers"]
    found = {"norm_dist": [], "dense_inf_forward": [], "steps": [], "exact": []}

    for row in ours["norm_dist"]["rows"]:
        terms = ours["norm_dist"]["batch"] * ours["norm_dist"]["outputs"] * row["inputs"] / 1e9
        row |= rates(row, "time", terms)
        if shares := row.get("shares_of_roofline"):
            row["roofline"] = rates(row, "roofline_time", terms)
            row["of_roofline"] = {pass_: statistics.median(shares[pass_]) for pass_ in shares}
        if row["weights"] != "random":
            continue
        same = {key: row[key] for key in ("inputs", "p", "threads")}
        entry = {**same, "ours": row["both"]}
        for name in ("jax", "torch"):
            theirs = matching(peers.get(name, {}).get("norm-dist", []), same)
            if theirs:
                rate = 2 * terms / seconds(theirs[0]["both"])
                entry[name], entry[f"times_{name}"] = rate, row["both"] / rate
                if not theirs[0].get("finite", True):
                    entry[f"{name}_overflows"] = True
        found["norm_dist"].append(entry)
        if row["p"] == "inf":
            entry = {**same, "ours": row["forward"]}
            theirs = [
                ({"jax": "jax", "torch": "torch"}.get(name) or other["library"], other)
                for name in ("jax", "torch", "cdist")
                for other in matching(peers.get(name, {}).get("norm-dist", []), same)
            ]
            for name, other in theirs:
                rate = terms / seconds(other["forward"])
                entry[name], entry[f"times_{name}"] = rate, row["forward"] / rate
            found["dense_inf_forward"].append(entry)

    for row in ours["steps"]["rows"]:
        row["milliseconds"] = 1e3 * seconds(row["time"])
        same = {key: row[key] for key in ("p", "threads")}
        entry = {**same, "ours": row["milliseconds"]}
        for name in ("jax", "torch"):
            theirs = matching(peers.get(name, {}).get("steps", []), same)
            if theirs:
                time = 1e3 * seconds(theirs[0]["time"])
                entry[name], entry[f"times_{name}"] = time, time / row["milliseconds"]
                if not theirs[0].get("finite", True):
                    entry[f"{name}_overflows"] = True
        found["steps"].append(entry)

    exact = ours["exact"]
    # The last row is the fastest form: batches of 16 images.
    ours_batched = exact["rows"][-1]["microseconds_per_image"]
    for row in exact["rows"]:
        row["ratio"] = row["microseconds_per_image"] / ours_batched
        found["exact"].append({"name": row["name"], "threads": 1, **pick(row)})
    for count in sorted({row["threads"] for row in peers["onnx"]["exact"]}):
        rows = matching(peers["onnx"]["exact"], {"threads": count})
        best = min(rows, key=lambda row: seconds(row["time_per_image"]))
        time = 1e6 * seconds(best["time_per_image"])
        name = f"ONNX Runtime, dense: {best['dtype']}, inputs along {best['inputs_along']}"
        name += f", batch {best['batch']}"
        entry = {"name": name, "threads": count, "microseconds_per_image": time}
        found["exact"].append({**entry, "ratio": time / ours_batched})
    found["same_bits"] = exact["same_bits"] and all(
        row["logits_sha256"] == exact["logits_sha256"] for row in peers["onnx"]["exact"]
    )
    found["targets"] = list(targets(found, ours))
    return found


def rates(row, of, terms):
    """Terms per second of each pass, and of both one after the other."""
    forward, backward = (seconds(row[f"{pass_}_{of}"]) for pass_ in ("forward", "backward"))
    return {
        "forward": terms / forward,
        "backward": terms / backward,
        "both": 2 * terms / (forward + backward),
    }


def pick(row):
    return {key: row[key] for key in ("microseconds_per_image", "ratio")}


def matching(rows, same):
    return [row for row in rows if all(row.get(key) == value for key, value in same.items())]


def targets(found, ours):
    """Each target, the worst figure that it is measured by, and whether that meets it."""

    def target(what, goal, figures):
        figures = list(figures)
        if figures:
            yield {"what": what, "goal": goal, "worst": min(figures), "met": min(figures) >= goal}

    def times(part, name):
        return [row[f"times_{name}"] for row in found[part] if f"times_{name}" in row]

    for count in sorted({row["threads"] for row in found["norm_dist"]}):
        rows = matching(found["norm_dist"], {"threads": count})
        on = f"{count} thread{'s' if count > 1 else ''}"
        figures = [row["times_jax"] for row in rows if "times_jax" in row]
        yield from target(f"norm_dist, times JAX, every p, {on}", 30, figures)
    for p in ("8", "inf"):
        rows = matching(ours["norm_dist"]["rows"], {"p": p})
        for pass_ in ("forward", "backward", "both"):
            shares = [row["of_roofline"][pass_] for row in rows]
            yield from target(f"share of the roofline at p = {p}, {pass_}", 0.6, shares)
    yield from target("p = inf forward, times JAX", 2, times("dense_inf_forward", "jax"))
    yield from target("p = inf forward, times SciPy", 5, times("dense_inf_forward", "scipy"))
    one = matching(found["exact"], {"threads": 1})
    onnx = [row["ratio"] for row in one if row["name"].startswith("ONNX")]
    yield from target("exact network on one thread, times ONNX Runtime", 20, onnx)
    yield from target("training steps, times JAX", 20, times("steps", "jax"))


if __name__ == "__main__":
    main()
