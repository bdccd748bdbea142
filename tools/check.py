#!/usr/bin/env python3
"""Checks a model's certificates without the program that made them.

Written from docs/model-format.md alone, with NumPy and no line shared with the Rust code: it reads
the model file, labels the whole test set, proves both radii of every image, and prints the
same JSON object as `linf eval --json`. `src/data/datasets.json` says where the test set's files are
and what their SHA-256 is. The plainest way that is still minutes, not hours: every kept weight is
visited for every image, nothing is skipped.

    python3 tools/check.py --model MODEL.safetensors --dataset mnist --epsilon 0.3

Given the file of a certificate instead, it verifies or refutes that, from docs/certificate-format.md
alone: it exits with 0, with 1 where the certificate is refuted, and with 2 where a file is no model.

    python3 tools/check.py CERT.json MODEL.safetensors
"""

import argparse
import gzip
import hashlib
import json
import multiprocessing
import re
import sys
from fractions import Fraction
from math import ceil, prod
from pathlib import Path

import numpy as np

LIMIT = 2**30
# What the project knows of each data set: names, image shape, files with their SHA-256.
DATASETS = {
    dataset["name"]: dataset
    for dataset in json.loads(
        (Path(__file__).resolve().parent.parent / "src/data/datasets.json").read_bytes()
    )
}


class Refused(Exception):
    """A sentence that says what is wrong with a file."""


class Refuted(Exception):
    """The first member of a certificate that is wrong, and what is wrong with it."""

    def __init__(self, member, reason):
        super().__init__(reason)
        self.member = member


class Net:
    """An integer net: `layers[l][o]` holds the kept input indices and weights of a unit."""

    def __init__(self, file):
        header, tensors = read_safetensors(file)
        metadata = header.get("__metadata__", {})
        found = metadata.get("format"), metadata.get("format_version")
        if found != ("linf-dist-net", "4"):
            raise Refused("the model file is not of format linf-dist-net, version 4")
        self.scale = plain_number(metadata, "scale")
        if self.scale not in [2**k for k in range(1, 13)]:
            raise Refused(f"the scale {self.scale} is not a power of two from 2 to 4096")
        self.top = 255 * self.scale
        architecture = metadata["architecture"]
        if not re.fullmatch(r"[1-9][0-9]*(-[1-9][0-9]*)+", architecture):
            raise Refused(f"the architecture {architecture} is none")
        widths = [int(width) for width in architecture.split("-")]
        possible = all(width <= 65536 for width in widths)
        countable = all(inputs * outputs <= 2**31 for inputs, outputs in zip(widths, widths[1:]))
        self.members = plain_number(metadata, "members")
        if not possible or not countable or self.members < 1:
            raise Refused(f"the architecture {architecture} is none")
        if widths[-1] % self.members or widths[-1] // self.members < 2:
            raise Refused(f"{widths[-1]} units are no {self.members} members of two classes or more")
        self.names = read_names(metadata.get("classes"), widths[-1] // self.members)
        self.dataset = metadata["dataset"]

        self.layers = []
        for index, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
            bits, weight = kept_weights(tensors, f"layers.{index}", inputs, outputs)
            if not bits.any(axis=1).all():
                raise Refused(f"layer {index} has a unit without weights")
            ends = np.cumsum(bits.sum(axis=1))
            self.layers.append(
                [(np.nonzero(row)[0], w[:, None]) for row, w in zip(bits, np.split(weight, ends))]
            )
        self.bias = integers(tensors, "bias", widths[-1])[:, None]
        self.inputs = widths[0]
        self.refuse_overflow()

    def refuse_overflow(self):
        """The bounds over the whole domain, in 64 bits."""
        low = np.zeros((self.inputs, 1), np.int64)
        high = low + self.top
        magnitudes = [self.top]
        for layer in self.layers:
            magnitudes += [np.abs(w).max() for _, w in layer]
            low, high = layer_bounds(layer, low, high)
            magnitudes.append(high.max())
        ends = np.maximum(np.abs(low + self.bias), np.abs(high + self.bias))
        magnitudes.append(self.over_members(ends).max())
        if max(magnitudes) > LIMIT:
            raise Refused("some image could reach a value beyond 2^30")
        # From here on 32 bits hold everything.
        self.bias = self.bias.astype(np.int32)
        self.layers = [[(i, w.astype(np.int32)) for i, w in layer] for layer in self.layers]

    def logits(self, x):
        """Logits, [classes, batch], of inputs in ticks, [inputs, batch]."""
        for layer in self.layers:
            x = np.stack([np.abs(x[i] - w).max(axis=0) for i, w in layer])
        return -self.over_members(x + self.bias)

    def logit_bounds(self, x, radius):
        """Lower and upper bounds, [classes, batch] each, for a radius in ticks, [batch]."""
        low, high = np.maximum(x - radius, 0), np.minimum(x + radius, self.top)
        for layer in self.layers:
            low, high = layer_bounds(layer, low, high)
        return -self.over_members(high + self.bias), -self.over_members(low + self.bias)

    def over_members(self, values):
        """Sums over the members, [classes, batch], of what belongs to the last layer's units."""
        return values.reshape(self.members, -1, values.shape[1]).sum(axis=0, dtype=values.dtype)

    def proves(self, x, label, radius):
        """For each image of the batch, whether IBP proves its label at its radius."""
        lower, upper = self.logit_bounds(x, radius)
        batch = np.arange(len(label))
        upper[label, batch] = np.iinfo(np.int32).min
        return lower[label, batch] > upper.max(axis=0)

    def proves_pairwise(self, low, high, label):
        """Whether pairwise-margin bounds prove a label in a box, [inputs] each."""
        low, high = low[:, None], high[:, None]
        for layer in self.layers[:-1]:
            low, high = layer_bounds(layer, low, high)
        last = self.layers[-1]
        floors = layer_bounds(last, low, high)[0][:, 0]
        low, high = low[:, 0].astype(np.int64), high[:, 0].astype(np.int64)
        classes = len(last) // self.members
        for other in set(range(classes)) - {label}:
            excess = bias = 0
            for first in range(0, len(last), classes):
                excess += self.most_above(first + label, first + other, low, high, floors)
                bias += int(self.bias[first + other, 0]) - int(self.bias[first + label, 0])
            if excess >= bias:
                return False
        return True

    def most_above(self, own, other, low, high, floors):
        """The most that a unit of the last layer can be above another, biases left out."""
        kept, weight = self.layers[-1][own]
        weight, floor = weight[:, 0].astype(np.int64), int(floors[other])
        # Where the other unit has no weight, only its floor counts: so does one that is at no distance.
        theirs = dict(zip(self.layers[-1][other][0].tolist(), self.layers[-1][other][1][:, 0].tolist()))
        has = np.array([k in theirs for k in kept.tolist()])
        other_weight = np.array([theirs.get(k, 0) for k in kept.tolist()], np.int64)
        low, high = low[kept], high[kept]
        most = []
        for t in [low, high, other_weight - floor, other_weight + floor]:
            t = np.clip(t, low, high)
            distance = np.where(has, np.abs(t - other_weight), floor)
            most.append((np.abs(t - weight) - np.maximum(floor, distance)).max())
        return int(max(most))

    def radii(self, x, labels):
        """Of the images that are labelled rightly: the Lipschitz and the IBP radii."""
        logits = self.logits(x)
        ordered = np.sort(logits, axis=0)
        margin = ordered[-1] - ordered[-2]
        right = (logits.argmax(axis=0) == labels) & (margin > 0)
        x, label, margin = x[:, right], labels[right], margin[right]
        lipschitz = np.minimum((margin - 1) // (2 * self.members), self.top)

        # The radii that are proved are 0..R. R is usually close above the margin's radius:
        # double the step until a radius is not proved, then halve what is left.
        proved = lipschitz.copy()
        beyond = np.full_like(proved, self.top + 1)
        step = 1
        while (open_ := np.nonzero(proved + 1 < beyond)[0]).size:
            p, b = proved[open_], beyond[open_]
            radius = np.where(b > self.top, np.minimum(p + step, self.top), (p + b) // 2)
            holds = self.proves(x[:, open_], label[open_], radius)
            proved[open_] = np.where(holds, radius, p)
            beyond[open_] = np.where(holds, b, radius)
            step = min(2 * step, self.top)
        # The search began at the Lipschitz radius; IBP must prove that too.
        assert self.proves(x, label, lipschitz).all()
        return lipschitz, proved


# A certificate's members, in their order, with the types of their values.
MEMBERS = {
    "format": str,
    "format_version": int,
    "program": str,
    "model_sha256": str,
    "dataset": str,
    "scale": int,
    "members": int,
    "width": int,
    "height": int,
    "image": str,
    "label": int,
    "label_name": (str, type(None)),
    "logits_ticks": list,
    "margin_ticks": int,
    "lipschitz_radius_ticks": int,
    "ibp_radius_ticks": int,
    "radius_ticks": int,
    "method": str,
    "bounds_ticks": list,
    "splits": (list, type(None)),
    "sha256": str,
}


def read_certificate(file):
    """The members of a certificate's file, which is written in the one way there is."""
    try:
        claimed = json.loads(file)
    except (ValueError, RecursionError) as error:
        raise Refuted(None, f"the file is no JSON: {error}")
    if not isinstance(claimed, dict):
        raise Refuted(None, "the file is no JSON object")
    if claimed.get("format") != "linf-dist-net certificate":
        raise Refuted("format", "the file is no certificate")
    if claimed.get("format_version") != 1:
        raise Refuted("format_version", "the certificate is not of version 1")
    for name, type_ in MEMBERS.items():
        value = claimed.get(name, ...)
        if not isinstance(value, type_) or isinstance(value, bool):
            raise Refuted(name, f"`{name}` is missing, or of another type")
    if list(claimed) != list(MEMBERS):
        raise Refuted(None, "the members are not those of a certificate, in their order")
    lines = [f"  {compact(name)}: {compact(value)}" for name, value in claimed.items()]
    written = ("{\n" + ",\n".join(lines) + "\n}\n").encode("utf-8", "surrogatepass")
    if written != file:
        raise Refuted(None, "the file is not written as a certificate is")
    body = file[: -len(f"{lines[-1]}\n}}\n".encode())]
    expect(claimed, "sha256", hashlib.sha256(body).hexdigest())
    return claimed


def compact(value):
    """JSON without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def expect(claimed, name, value):
    """Refutes a member that is not what it must be; 1.0 and True are not 1."""
    if compact(claimed[name]) != compact(value):
        raise Refuted(name, f"`{name}` is {compact(claimed[name])}, but it is {compact(value)}")


def check_certificate(file, model):
    """Verifies a certificate, or says what is wrong with it first of all. `model` is a model's file."""
    net = Net(model)
    claimed = read_certificate(file)
    expect(claimed, "model_sha256", hashlib.sha256(model).hexdigest())
    expect(claimed, "dataset", net.dataset)
    expect(claimed, "scale", net.scale)
    expect(claimed, "members", net.members)
    described = DATASETS.get(net.dataset)
    if described:
        expect(claimed, "width", described["shape"][1])
        expect(claimed, "height", described["shape"][0])
    if claimed["width"] < 0 or claimed["width"] * claimed["height"] != net.inputs:
        raise Refuted("width", "`width` times `height` is not the number of pixels of the model")
    if not re.fullmatch(f"([0-9a-f]{{2}}){{{net.inputs}}}", claimed["image"]):
        raise Refuted("image", f"`image` is not {net.inputs} pixels")
    pixels = np.frombuffer(bytes.fromhex(claimed["image"]), np.uint8)
    x = pixels.astype(np.int32)[:, None] * net.scale

    logits = net.logits(x)[:, 0]
    label, ordered = int(logits.argmax()), np.sort(logits)
    margin = int(ordered[-1]) - int(ordered[-2])
    if margin == 0:
        raise Refuted("label", "`label` is claimed, but there is a tie, so there is no label")
    expect(claimed, "label", label)
    names = net.names or (described["classes"] if described else None)
    expect(claimed, "label_name", names[label] if names else None)
    expect(claimed, "logits_ticks", logits.tolist())
    expect(claimed, "margin_ticks", margin)
    lipschitz, ibp = (int(radii[0]) for radii in net.radii(x, np.array([label])))
    expect(claimed, "lipschitz_radius_ticks", lipschitz)
    expect(claimed, "ibp_radius_ticks", ibp)
    radius = claimed["radius_ticks"]
    if not 0 <= radius <= net.top:
        raise Refuted("radius_ticks", f"`radius_ticks` is {radius}, not from 0 to {net.top}")
    method = "lipschitz" if radius <= lipschitz else "ibp" if radius <= ibp else "branch-and-bound"
    expect(claimed, "method", method)
    lower, upper = net.logit_bounds(x, radius)
    expect(claimed, "bounds_ticks", np.concatenate([lower, upper], axis=1).tolist())
    if method != "branch-and-bound":
        expect(claimed, "splits", None)
    else:
        check_splits(net, x[:, 0], label, radius, claimed["splits"])
    return claimed


def check_splits(net, x, label, radius, splits):
    """Refutes splits that are none, and boxes in which pairwise-margin bounds do not prove the label."""
    if splits is None:
        raise Refuted("splits", "`splits` lists no boxes, and IBP does not prove the radius")
    waiting = [(np.maximum(x - radius, 0), np.minimum(x + radius, net.top))]
    for entry, split in enumerate(splits):
        if not waiting:
            raise Refuted("splits", f"entry {entry} of `splits` stands after the last box")
        low, high = waiting.pop()
        if split is None:
            if not net.proves_pairwise(low, high, label):
                raise Refuted("splits", f"the box of entry {entry} of `splits` is not proved")
            continue
        whole = isinstance(split, list) and len(split) == 2 and all(type(n) is int for n in split)
        if not whole or not 0 <= split[0] < net.inputs or not low[split[0]] < split[1] < high[split[0]]:
            raise Refuted("splits", f"entry {entry} of `splits` splits no pixel inside its box")
        pixel, at = split
        below, above = high.copy(), low.copy()
        below[pixel] = above[pixel] = at
        waiting += [(above, high), (low, below)]
    if waiting:
        raise Refuted("splits", "`splits` ends before its last box")


def layer_bounds(layer, low, high):
    """Bounds of a layer's units, [outputs, batch] each, from those of its inputs."""
    lows, highs = [], []
    for i, w in layer:
        below, above = low[i] - w, w - high[i]
        lows.append(np.maximum(np.maximum(below, above).max(axis=0), 0))
        highs.append(np.maximum(-above.min(axis=0), -below.min(axis=0)))
    return np.stack(lows), np.stack(highs)


def read_safetensors(file):
    """The header and the tensors of a safetensors file."""
    length = int.from_bytes(file[:8], "little")
    if len(file) < 8 or length > len(file) - 8:
        raise Refused("the model file ends within its header")
    header, data = json.loads(file[8 : 8 + length]), file[8 + length :]
    dtypes = {"U8": "u1", "I16": "<i2", "I32": "<i4"}
    tensors, covered = {}, 0
    entries = [(name, info) for name, info in header.items() if name != "__metadata__"]
    for name, info in sorted(entries, key=lambda entry: entry[1]["data_offsets"]):
        begin, end = info["data_offsets"]
        if info["dtype"] not in dtypes:
            # Tensors of other types mean nothing here.
            if begin != covered:
                raise Refused(f"the data of {name} are not where the header says")
            covered = end
            continue
        dtype = np.dtype(dtypes[info["dtype"]])
        size = dtype.itemsize * int(np.prod(info["shape"], dtype=object))
        if begin != covered or end - begin != size or end > len(data):
            raise Refused(f"the data of {name} are not where the header says")
        covered = end
        tensors[name] = np.frombuffer(data[begin:end], dtype).reshape(info["shape"])
    if covered != len(data):
        raise Refused("the model file has bytes that belong to no tensor")
    return header, tensors


def kept_weights(tensors, layer, inputs, outputs):
    """Which weights are kept, [outputs, inputs], and these, row after row, in 64 bits."""
    gaps, planes = tensors[f"{layer}.gap"], tensors[f"{layer}.weight"]
    if gaps.dtype != np.uint8 or gaps.ndim != 1:
        raise Refused(f"{layer}.gap is {gaps.dtype} {gaps.shape}")
    # A byte 255 says that so many are left out; every other one that many, and then one is kept.
    ends = gaps != 255
    positions = np.cumsum(gaps.astype(np.int64) + ends)[ends] - 1
    if positions.size and positions[-1] >= inputs * outputs:
        raise Refused(f"{layer}.gap keeps a weight beyond the last row")
    bits = np.zeros(inputs * outputs, bool)
    bits[positions] = True
    count = positions.size
    if planes.dtype != np.uint8 or planes.shape not in [(2, count), (4, count)]:
        raise Refused(f"{layer}.weight is {planes.dtype} {planes.shape}, not 2 or 4 bytes of {count}")
    little_endian = f"<i{len(planes)}"
    weight = np.ascontiguousarray(planes.T).view(little_endian)[:, 0].astype(np.int64)
    return bits.reshape(outputs, inputs), weight


def plain_number(metadata, key):
    """A whole number in plain digits, without sign or leading zero."""
    if not re.fullmatch(r"0|[1-9][0-9]*", metadata[key]):
        raise Refused(f"the metadata say that `{key}` is {metadata[key]}")
    return int(metadata[key])


def integers(tensors, name, count):
    """A list of integers, in 64 bits."""
    tensor = tensors[name]
    if tensor.dtype not in (np.dtype("<i2"), np.dtype("<i4")) or tensor.shape != (count,):
        raise Refused(f"{name} is {tensor.dtype} {tensor.shape}, not {count} integers")
    return tensor.astype(np.int64)


def read_names(text, classes):
    """The names of the classes where the metadata have them, else none: different, one for each class."""
    if text is None:
        return None
    names = json.loads(text)
    plain = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not plain or len(names) != classes or len(set(names)) != classes:
        raise Refused(f"the metadata do not name {classes} different classes")
    if not all(1 <= len(name) <= 64 and name == name.strip() for name in names):
        raise Refused("the name of a class is empty, too long or has spaces at its ends")
    return names


def read_test_set(data_dir, dataset):
    """Pixels, [n, rows · columns], and labels, [n]."""
    contents = []
    for kind in ["test_images", "test_labels"]:
        raw = data_dir / dataset["name"] / dataset["files"][kind]["name"]
        file = raw.read_bytes() if raw.exists() else gzip.open(f"{raw}.gz").read()
        if hashlib.sha256(file).hexdigest() != dataset["files"][kind]["sha256"]:
            raise Refused(f"{raw} is not the published file")
        contents.append(file)
    images, labels = contents
    images = np.frombuffer(images[16:], np.uint8).reshape(-1, prod(dataset["shape"]))
    return images, np.frombuffer(labels[8:], np.uint8).astype(np.int64)


def measure(batch):
    """Counts and sums of one batch of images."""
    net, images, labels, epsilon = batch
    x = np.ascontiguousarray(images.T).astype(np.int32) * net.scale
    lipschitz, ibp = net.radii(x, labels)
    return np.array(
        [
            lipschitz.size,
            (lipschitz >= epsilon).sum(),
            (ibp >= epsilon).sum(),
            lipschitz.sum(),
            ibp.sum(),
        ]
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        usage="%(prog)s --model MODEL --dataset NAME --epsilon E | %(prog)s CERT.json MODEL",
    )
    parser.add_argument("certificate", type=Path, nargs="?", help="the file of a certificate")
    parser.add_argument("certified", type=Path, nargs="?", help="the model that it is of")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--dataset", choices=sorted(DATASETS))
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument("--epsilon", help="such as 0.3")
    parser.add_argument("--json", action="store_true", help="always so; taken as by `linf eval`")
    args = parser.parse_args()
    measured = [args.model, args.dataset, args.epsilon]
    if args.certified and not any(measured):
        verify(args.certificate.read_bytes(), args.certified)
        return
    if args.certificate or not all(measured):
        parser.error("give a certificate and its model, or --model, --dataset and --epsilon")

    if not re.fullmatch(r"\d+(\.\d+)?", args.epsilon) or Fraction(args.epsilon) > 1:
        raise Refused(f"ε is a decimal from 0 to 1, such as 0.3, not {args.epsilon}")
    exact = Fraction(args.epsilon)
    file = read_model(args.model)
    net = Net(file)
    images, labels = read_test_set(args.data_dir, DATASETS[args.dataset])
    if net.inputs != images.shape[1]:
        raise Refused(f"the net takes {net.inputs} pixels, not {images.shape[1]}")
    epsilon = ceil(net.top * exact)

    size = 500
    batches = [
        (net, images[start : start + size], labels[start : start + size], epsilon)
        for start in range(0, len(images), size)
    ]
    with multiprocessing.Pool() as pool:
        totals = sum(pool.imap_unordered(measure, batches))
    clean, by_lipschitz, by_ibp, lipschitz_radii, ibp_radii = (int(t) for t in totals)
    n = len(images)
    report = {
        "images": n,
        "dataset": args.dataset,
        "epsilon": decimal(exact),
        "clean": clean / n,
        "certified_lipschitz": by_lipschitz / n,
        "certified_ibp": by_ibp / n,
        "mean_lipschitz_radius_levels": lipschitz_radii / (n * net.scale),
        "mean_ibp_radius_levels": ibp_radii / (n * net.scale),
        "model_sha256": hashlib.sha256(file).hexdigest(),
    }
    print(json.dumps(report, separators=(",", ":")))


def verify(certificate, model):
    """Prints what is found of a certificate, and leaves the program with 1 where it is refuted."""
    try:
        found = check_certificate(certificate, read_model(model))
    except Refuted as refuted:
        report = {"verified": False, "member": refuted.member, "reason": str(refuted)}
        print(compact(report))
        sys.exit(1)
    shown = ["label", "label_name", "radius_ticks", "scale", "method"]
    print(compact({"verified": True} | {name: found[name] for name in shown}))


def read_model(path):
    """The bytes of a model's file, unpacked."""
    file = path.read_bytes()
    return gzip.decompress(file) if file.startswith(b"\x1f\x8b") else file


def decimal(epsilon):
    """The shortest decimal string of a fraction that has one."""
    digits = 0
    while (epsilon * 10**digits).denominator > 1:
        digits += 1
    shown = str(epsilon * 10**digits).rjust(digits + 1, "0")
    return f"{shown[:-digits]}.{shown[-digits:]}" if digits else shown


if __name__ == "__main__":
    try:
        main()
    except KeyError as error:
        print(f"error: the model file has no {error}", file=sys.stderr)
        sys.exit(2)
    except (Refused, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        # Left alone, Python exits with 1, which says of a certificate that it is refuted.
        print(f"error: a file is not what it must be: {type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(2)
