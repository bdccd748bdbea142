#!/usr/bin/env python3
"""Tests the proofs and the extracted checker, and compares it with `linf certify` on test images.

    proof/test.py --linf PATH/TO/linf

`make -C proof` comes before it. For every shipped model, image by image: the label, the margin and
both radii that `linf` prints are accepted, and the same with one of them changed is refused. Two
small models made here are a tie and none that can be run. Definitions that are a little wrong, such
as a tie that counts as a label, have no proof. The standard library is enough.
"""

import argparse
import json
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHECKER = ROOT / "proof/_build/linf-check"
DATASETS = json.loads((ROOT / "src/data/datasets.json").read_bytes())
# Definitions that would be wrong: file, what stands there, what would.
WRONG = [
    ("Bounds", "upper <? nth k lowers", "upper <=? nth k lowers"),  # a tie as a label
    ("Bounds", "Z.max 0 (Z.max (fst b - w) (w - snd b))", "Z.max 0 (Z.max (fst b - w) (w - fst b))"),
    ("Bounds", "Z.min (pixel + r) (top net))", "Z.min (pixel + r) (top net - 1))"),
    ("Lipschitz", "(margin - 1) / (2 *", "margin / (2 *"),
    ("Lipschitz", "(margin - 1) / (2 * Z.of_nat (members net))", "(margin - 1) / 2"),
    ("Pruning", "floor x r <=? reach_of x w", "floor x r <? reach_of x w"),
    ("Evaluation", "if reach b <=? fst most then", "if reach b <=? snd most then"),
    ("Evaluation", "fst b <=? fst a.", "fst a <=? fst b."),
    ("Checker", "(label c) (ibp c + 1))", "(label c) (ibp c + 2))"),
]
CHANGES = {
    "label": [1],
    "margin_ticks": [1, -1],
    "lipschitz_radius_ticks": [1, -1],
    "ibp_radius_ticks": [1, -1],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--linf", type=Path, required=True, help="the program to compare with")
    parser.add_argument("--model", type=Path, action="append", help="(default: every shipped one)")
    parser.add_argument("--count", type=int, default=100, help="test images per model (default 100)")
    parser.add_argument("--data-dir", type=Path, default=ROOT / "data")
    args = parser.parse_args()
    args.linf = args.linf.resolve()
    with tempfile.TemporaryDirectory() as folder:
        args.folder = Path(folder)
        readme_lists_the_theorems()
        wrong_definitions_have_no_proof(args)
        new_axioms_are_refused(args)
        ties_have_no_label(args)
        broken_models_are_refused(args)
        for model in args.model or sorted((ROOT / "www/public/models").glob("*.safetensors")):
            agrees_with_linf(args, model)


def agrees_with_linf(args, model):
    """The claims of `linf certify` are accepted, and changed claims are refused."""
    metadata = metadata_of(model)
    dataset = next(d for d in DATASETS if d["name"] == metadata["dataset"])
    idx = args.data_dir / dataset["name"] / dataset["files"]["test_images"]["name"]
    if not idx.exists():
        print(f"{model.name}: left out, as {idx} is not there")
        return
    rows, columns = dataset["shape"]
    pixels = idx.read_bytes()[16:]
    size = rows * columns
    images = [pixels[size * i : size * (i + 1)] for i in range(args.count)]

    def certify(index):
        png = args.folder / f"{model.stem}-{index}.png"
        png.write_bytes(png_of(images[index], rows, columns))
        return claim_of(index, linf_certify(args, model, png), metadata)

    with ThreadPoolExecutor() as pool:
        claims = list(pool.map(certify, range(args.count)))
    answers = check(args, model, ["--idx", idx], claims)
    assert answers == [{"image": c["image"], "accepted": True} for c in claims], answers

    # What the checker finds by itself, without being told.
    few = min(10, args.count)
    assert lines(run(model, "--idx", idx, "--count", few)) == claims[:few]

    # One number of each claim is wrong, every way there is by turns.
    ways = [(key, by) for key, changes in CHANGES.items() for by in changes]
    wrong = []
    for claim in claims:
        key, by = ways[claim["image"] % len(ways)]
        if claim["label"] is None:
            wrong.append(claims[0] | {"image": claim["image"]})
        elif key == "label":
            wrong.append(claim | {key: (claim[key] + by) % 10})
        else:
            wrong.append(claim | {key: claim[key] + by})
    wrong.append({"image": claims[0]["image"], "label": None})
    answers = check(args, model, ["--idx", idx], wrong)
    assert answers == [{"image": c["image"], "accepted": False} for c in wrong], answers

    # A radius alone: that of the first image is proved, and the next one is not.
    radius = claims[0]["ibp_radius_ticks"]
    for more, accepted in [(0, True), (1, False)]:
        raw = args.folder / "raw"
        raw.write_bytes(images[0])
        result = run(model, "--raw", raw, "--radius", radius + more)
        expected = {"image": 0, "label": claims[0]["label"], "radius_ticks": radius + more}
        assert lines(result) == [expected | {"accepted": accepted}], result.stdout
        assert result.returncode == (0 if accepted else 1)
    certificate_files(args, model, f"{model.stem}-0.png")
    print(f"{model.name}: {len(claims)} certificates accepted, {len(wrong)} changed ones refused")


def certificate_files(args, model, image):
    """The file that `linf certify --out` writes is accepted, and refused with any claim changed."""
    path = args.folder / f"{model.stem}.json"
    command = [args.linf, "certify", "--model", model, args.folder / image, "--out", path]
    subprocess.run(command, check=True, capture_output=True)
    written = json.loads(path.read_bytes())
    changes = {key: written[key] + 1 for key in ["label", "radius_ticks", *list(CHANGES)[1:]]}
    changes["logits_ticks"] = [written["logits_ticks"][0] + 1, *written["logits_ticks"][1:]]
    changes["bounds_ticks"] = written["bounds_ticks"][:-1]
    changes["image"] = "00" + written["image"][2:-2] + "ff"
    for changed in [{}, *({key: value} for key, value in changes.items())]:
        path.write_text(json.dumps(written | changed))
        result = run(model, "--certificate", path)
        expected = {"certificate": str(path), "accepted": not changed}
        assert lines(result) == [expected], (changed, result.stdout, result.stderr)
        assert result.returncode == (1 if changed else 0)


def ties_have_no_label(args):
    """Two classes with the same weights tie, here and in `linf`."""
    model = args.folder / "tie.safetensors"
    model.write_bytes(small_model([[3, 5, 7, 9], [3, 5, 7, 9]]))
    image, png = args.folder / "raw", args.folder / "tie.png"
    image.write_bytes(bytes([0, 50, 100, 150]))
    png.write_bytes(png_of(image.read_bytes(), 2, 2))
    assert linf_certify(args, model, png)["label"] is None
    assert lines(run(model, "--raw", image)) == [{"image": 0, "label": None}]
    raw = ["--raw", image]
    assert check(args, model, raw, [{"image": 0, "label": None}])[0]["accepted"]
    claim = {"label": 0, "margin_ticks": 0, "lipschitz_radius_ticks": 0, "ibp_radius_ticks": 0}
    assert not check(args, model, raw, [{"image": 0} | claim])[0]["accepted"]
    print("a tie has no label")


def broken_models_are_refused(args):
    """Nothing is said about a file that is no network."""
    whole = small_model([[3, 5, 7, 9], [3, 5, 7, 9]])
    broken = {
        "whole": whole,
        "cut": whole[:-1],
        "longer": whole + b"\0",
        "overflow": small_model([[2**30 + 1, 5, 7, 9], [3, 5, 7, 9]]),
        "empty unit": small_model([[3, 5, 7, 9]], outputs=2),
        "beyond the last unit": small_model([[3, 5, 7, 9]] * 3, outputs=2),
        "bias": small_model([[3, 5, 7, 9]] * 2, bias=[0, 0, 0]),
        "scale": small_model([[3, 5, 7, 9]] * 2, scale="3"),
        "members": small_model([[3, 5, 7, 9]] * 2, members="2"),
        "version": small_model([[3, 5, 7, 9]] * 2, format_version="3"),
    }
    image = args.folder / "raw"
    image.write_bytes(bytes(4))
    for name, file in broken.items():
        model = args.folder / "broken.safetensors"
        model.write_bytes(file)
        result = run(model, "--raw", image)
        expected = 0 if name == "whole" else 2
        assert result.returncode == expected, (name, result)
        refused = not result.stdout and result.stderr.startswith("error: ")
        assert name == "whole" or refused, (name, result)
    image.write_bytes(bytes(5))
    model.write_bytes(whole)
    assert run(model, "--raw", image).returncode == 2
    print(f"{len(broken) - 1} broken models and an image of another size are refused")

    # Bytes changed at random: an answer or a sentence, never an exception.
    generator = random.Random(1)
    image.write_bytes(bytes(4))
    for _ in range(500):
        file = bytearray(whole)
        for _ in range(generator.randint(1, 3)):
            file[generator.randrange(len(file))] = generator.randrange(256)
        model.write_bytes(file)
        result = run(model, "--raw", image)
        refused = result.returncode == 2 and result.stderr.startswith("error: ")
        assert result.returncode == 0 or refused, (bytes(file), result)
    print("500 damaged models get an answer or are refused")


def wrong_definitions_have_no_proof(args):
    """The theorems say something: a definition that is a little wrong stops the build."""
    for file, right, wrong in [("Checker", "", "")] + WRONG:
        theories = args.folder / "theories"
        shutil.copytree(CHECKER.parent / "theories", theories)
        theory = (ROOT / f"proof/theories/{file}.v").read_text()
        assert right in theory, (file, right)
        (theories / f"{file}.v").write_text(theory.replace(right, wrong, 1) if right else theory)
        command = ["coqc", "-q", "-Q", ".", "Linf", f"{file}.v"]
        result = subprocess.run(command, cwd=theories, capture_output=True)
        assert (result.returncode == 0) == (right == wrong), (file, wrong, result)
        shutil.rmtree(theories)
    print(f"{len(WRONG)} wrong definitions have no proof")


def new_axioms_are_refused(args):
    """The build would fail if a theorem rested on an axiom of its own, or on an admitted lemma."""
    printed = (ROOT / "proof/_build/theories/assumptions.txt").read_text()
    for more, expected in [("", 0), ("Linf.Bounds.hope : False\n", 1), ("trust_me\n  : True\n", 1)]:
        file = args.folder / "assumptions.txt"
        file.write_text(printed + more)
        result = subprocess.run([ROOT / "proof/axioms.sh", file], capture_output=True)
        assert result.returncode == expected, result
    file.write_text("")
    assert subprocess.run([ROOT / "proof/axioms.sh", file], capture_output=True).returncode == 1
    print("new axioms are refused")


def readme_lists_the_theorems():
    """The README names each theorem whose axioms are listed, with the file that it is in."""
    table = re.findall(r"^\| (`[\w`, ]+`) \| (\w+) \|", (ROOT / "proof/README.md").read_text(), re.M)
    listed = [(name, file) for names, file in table for name in re.findall(r"\w+", names)]
    for name, file in listed:
        theory = (ROOT / f"proof/theories/{file}.v").read_text()
        assert re.search(rf"\b(Theorem|Lemma) {name} :", theory), (name, file)
    assumptions = (ROOT / "proof/theories/Assumptions.v").read_text()
    tuple_ = re.search(r"Definition theorems := \((.*?)\)\.", assumptions, re.S).group(1)
    assert re.findall(r"\w+", tuple_) == [name for name, _ in listed]
    print(f"the README lists {len(listed)} theorems, whose axioms are known")


def check(args, model, images, claims):
    """The checker's answers to claims; its exit code says whether all were accepted."""
    file = args.folder / "claims.jsonl"
    file.write_text("".join(json.dumps(claim) + "\n" for claim in claims))
    result = run(model, *images, "--claims", file)
    answers = lines(result)
    assert result.returncode == (0 if all(a["accepted"] for a in answers) else 1), result
    return answers


def run(model, *arguments):
    command = [str(word) for word in [CHECKER, model, *arguments]]
    return subprocess.run(command, capture_output=True, text=True)


def lines(result):
    assert result.returncode in (0, 1), result
    return [json.loads(line) for line in result.stdout.splitlines()]


def linf_certify(args, model, png):
    command = [args.linf, "certify", "--json", "--model", model, png]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def claim_of(index, report, metadata):
    """What `linf certify` printed, in ticks. Its margin is a mean over the members."""
    if report["label"] is None:
        return {"image": index, "label": None}
    scale, members = int(metadata["scale"]), int(metadata["members"])
    return {
        "image": index,
        "label": report["label"],
        "margin_ticks": whole(report["margin_levels"] * scale * members),
        "lipschitz_radius_ticks": whole(report["lipschitz_radius_levels"] * scale),
        "ibp_radius_ticks": whole(report["ibp_radius_levels"] * scale),
    }


def whole(number):
    """The integer that a product of rounded numbers stands for."""
    assert abs(number - round(number)) < 1e-6, number
    return round(number)


def metadata_of(model):
    file = model.read_bytes()
    length = int.from_bytes(file[:8], "little")
    return json.loads(file[8 : 8 + length])["__metadata__"]


def small_model(rows, outputs=None, bias=None, **metadata):
    """A model file of one layer with these weights."""
    outputs = outputs or len(rows)
    inputs = len(rows[0])
    bias = bias or [0] * outputs
    weights = [weight for row in rows for weight in row]
    low_bytes_first = zip(*(struct.pack("<i", weight) for weight in weights))
    tensors = {
        "layers.0.gap": ("U8", [len(weights)], bytes(len(weights))),
        "layers.0.weight": ("U8", [4, len(weights)], b"".join(map(bytes, low_bytes_first))),
        "bias": ("I16", [len(bias)], struct.pack(f"<{len(bias)}h", *bias)),
    }
    header, data = {}, b""
    for name, (dtype, shape, content) in tensors.items():
        offsets = [len(data), len(data) + len(content)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        data += content
    lineage = {"operation": "test", "arguments": {}, "parents": []}
    header["__metadata__"] = {
        "format": "linf-dist-net",
        "format_version": "4",
        "architecture": f"{inputs}-{outputs}",
        "scale": "4",
        "members": "1",
        "dataset": "mnist",
        "epsilon": "0.3",
        "lineage": json.dumps(lineage),
    } | metadata
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def png_of(levels, rows, columns):
    """A grey PNG."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    lines = b"".join(b"\0" + levels[columns * r : columns * (r + 1)] for r in range(rows))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


if __name__ == "__main__":
    if not CHECKER.exists():
        sys.exit("error: proof/_build/linf-check is not there: run make -C proof")
    main()
