#!/usr/bin/env python3
"""Tests what `linf export` writes for others, with their own programs.

    python3 tests/interop/formats.py --linf PATH/TO/linf

ONNX Runtime computes both forms of ONNX on 1,000 test images: the logits must be the integers of the
model, bit for bit, which `tools/check.py` computes. `onnx.checker` accepts the files. `vnnlib` parses the
properties of both versions. Two readers of plain numbers, one of them ten lines long and without NumPy,
give the logits of the model. Needs numpy, onnx, onnxruntime and vnnlib.
"""

import argparse
import csv
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import vnnlib

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import check  # noqa: E402

MODELS = ROOT / "www/public/models"
COUNT = 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--linf", type=Path, required=True)
    parser.add_argument("--data-dir", type=Path, default=ROOT / "data")
    args = parser.parse_args()
    args.linf = args.linf.resolve()
    with tempfile.TemporaryDirectory() as folder:
        args.folder = Path(folder)
        small = small_model(args)
        for model in [*sorted(MODELS.glob("*.safetensors")), small]:
            runtime_gives_the_bits(args, model, "compact")
        runtime_gives_the_bits(args, small, "verifier")
        large = MODELS / "mnist-eps0.3.safetensors"
        assert export(args, large, "--onnx", "too-large.onnx", "--form", "verifier").returncode == 2
        properties_say_the_box(args, small, "verifier")
        properties_say_the_box(args, large, "compact")
        plain_numbers_are_the_model(args, small)
    print("6 passed, 0 failed")


def small_model(args):
    """A model so small that its verifier form fits: what decides 30 training images alone."""
    small = args.folder / "small.safetensors"
    member = args.folder / "member.safetensors"
    run(args, "member", MODELS / "mnist-eps0.1.safetensors", 1, member)
    run(args, "prune", member, small, "--radius", 0, "--min-support", 300, "--data-dir", args.data_dir)
    return small


def runtime_gives_the_bits(args, model, form):
    """ONNX Runtime's logits are the integers, on a thousand test images."""
    path = args.folder / f"{model.stem}-{form}.onnx"
    assert export(args, model, "--onnx", path, "--form", form).returncode == 0
    onnx.checker.check_model(onnx.load(path), full_check=True)
    operators = {node.op_type for node in onnx.load(path).graph.node}
    assert form == "compact" or operators == {"Gemm", "Relu"}, operators
    net, images = network(model), test_images(args, model)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    batch = 100 if form == "compact" else 1
    found = [
        session.run(None, {"levels": images[at : at + batch].astype(np.float32)})[0]
        for at in range(0, COUNT, batch)
    ]
    found = np.concatenate(found)
    expected = net.logits(images.T.astype(np.int32) * net.scale).T
    assert found.dtype == np.float32 and (found == expected).all(), model
    print(f"{model.stem}, {form}: {COUNT} images, {path.stat().st_size} bytes")


def properties_say_the_box(args, model, form):
    """The folder is that of VNN-COMP, its files parse, and each network is the model in its box."""
    folder = args.folder / f"{model.stem}-{form}-properties"
    options = ["--images", "0..5", "--epsilon", "0.02", "--timeout", 77, "--form", form]
    assert export(args, model, "--vnnlib", folder, *options).returncode == 0
    net, images = network(model), test_images(args, model)
    radius = -(-255 * net.scale * 2 // 100)
    rng = np.random.default_rng(5)
    for name, version in [("instances.csv", 1), ("instances-2.0.csv", 2)]:
        rows = list(csv.reader((folder / name).open()))
        assert rows and all(row[2] == "77" for row in rows)
        for network_file, property_file, _ in rows:
            index = int(property_file.split("image_")[1].split("_")[0])
            text = (folder / property_file).read_text()
            if version == 2:
                query = vnnlib.parse_query_string(text)
                assert len(query.networks) == 1
                assert len(query.assertions) == 2 * 784 + 1
            pixel = "X[0,{}]" if version == 2 else "X_{}"
            for at in [0, 200, 783]:
                low = max(int(images[index, at]) * net.scale - radius, 0) / net.scale
                high = min(int(images[index, at]) * net.scale + radius, net.top) / net.scale
                for sign, end in [(">=", low), ("<=", high)]:
                    shown = repr(end) if version == 2 else f"{end:.12f}".rstrip("0").rstrip(".")
                    assert f"(assert ({sign} {pixel.format(at)} {shown}))" in text, (at, sign, shown)
            if version == 1:
                box_of_network(net, folder / network_file, images[index], radius, rng)


def box_of_network(net, path, image, radius, rng):
    """In the box, at whole ticks, the network gives the integers."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    x = image.astype(np.int32) * net.scale
    moves = [np.zeros(784, int), np.full(784, radius), np.full(784, -radius)]
    moves += [rng.integers(-radius, radius + 1, 784) for _ in range(20)]
    for move in moves:
        moved = np.clip(x + move, 0, net.top).astype(np.int32)
        levels = (moved / net.scale).astype(np.float32)[None]
        found = session.run(None, {"levels": levels})[0][0]
        assert (found == net.logits(moved[:, None])[:, 0]).all()


def plain_numbers_are_the_model(args, model):
    floats, text = args.folder / "floats.safetensors", args.folder / "net.json"
    assert export(args, model, "--safetensors-f32", floats).returncode == 0
    assert export(args, model, "--json", text).returncode == 0
    net, image = network(model), test_images(args, model)[7]
    expected = net.logits(image.astype(np.int32)[:, None] * net.scale)[:, 0]
    reader = ROOT / "examples/read_floats.py"
    raw = args.folder / "image.raw"
    raw.write_bytes(image.tobytes())
    found = subprocess.run([sys.executable, reader, floats, raw], capture_output=True, check=True)
    assert json.loads(found.stdout) == [z / net.scale for z in expected.tolist()]

    written = json.loads(text.read_text())
    x = [int(level) * written["scale"] for level in image]
    for layer in written["layers"]:
        x = [max(abs(x[i] - w) for i, w in unit) for unit in layer["units"]]
    assert [-(u + b) for u, b in zip(x, written["bias"])] == expected.tolist()


def network(path):
    return check.Net(check.read_model(path))


def test_images(args, model):
    length = struct.unpack("<Q", check.read_model(model)[:8])[0]
    header = json.loads(check.read_model(model)[8 : 8 + length])
    dataset = check.DATASETS[header["__metadata__"]["dataset"]]
    return check.read_test_set(args.data_dir, dataset)[0][:COUNT]


def export(args, model, *options):
    return subprocess.run([args.linf, "export", model, *map(str, options)], cwd=args.folder)


def run(args, *arguments):
    subprocess.run([args.linf, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
