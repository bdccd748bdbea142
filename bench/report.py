#!/usr/bin/env python3
"""Makes the tables of README.md, docs/performance.md, docs/performance/ and docs/models/, and the plot
docs/performance/growth.svg, from what was measured, so that no figure is typed by hand.

    bench/report.py            # rewrites them
    bench/report.py --check    # fails if they are not what the measurements say

A table stands between `<!-- table NAME -->` and `<!-- end -->`. It is made from bench/results/,
from the shipped models' own metadata, or from what the page shows of `linf compare`.
"""

import argparse
import hashlib
import json
import math
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench/results"
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "docs/performance.md",
    *sorted((ROOT / "docs/performance").glob("*.md")),
    *sorted((ROOT / "docs/models").glob("*.md")),
]
PLOT = ROOT / "docs/performance/growth.svg"
MODELS = ROOT / "www/public/models"
DATASETS = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
KINDS = {
    "linf-dist": "ℓ∞-dist net",
    "standard": "baseline, trained plainly",
    "adversarial": "baseline, adversarial training (PGD)",
    "ibp": "baseline, certified training (IBP)",
}
# Published results at the same ε, in percent, the best last; those marked are in the README's table too.
AUTHORS_2021 = "[authors' repository](https://github.com/zbh2047/L_inf-dist-net)"
AUTHORS_2022 = "[authors' repository](https://github.com/zbh2047/L_inf-dist-net-v2)"
SORTNET = "[authors' logs](https://github.com/zbh2047/SortNet/tree/main/logs)"
LITERATURE = {
    ("mnist", "0.3"): [
        ("", "IBP (Gowal et al., 2018)", "–", "91.95 %", "[arXiv](https://arxiv.org/abs/1810.12715), not checked again"),
        ("*", "ℓ∞-dist net (ICLR 2022)", "98.56 %", "93.20 %", AUTHORS_2022),
        ("", "SortNet, mean of eight seeds", "98.59 %", "93.33 %", SORTNET),
        ("*", "SortNet, best of eight seeds", "98.46 %", "93.40 %", SORTNET),
        ("", "MTL-IBP", "98.74 %", "93.90 %", "[arXiv](https://arxiv.org/abs/2305.13991), not checked again"),
        ("", "TAPS in CTBench", "98.56 %", "93.95 %", "[arXiv](https://arxiv.org/abs/2406.04848), unverified"),
        ("*", "ParamRamp with CROWN-IBP", "98.24 %", "94.02 %", "[arXiv](https://arxiv.org/abs/2104.00447), not checked again"),
    ],
    ("mnist", "0.1"): [
        ("*", "ℓ∞-dist net (ICLR 2022)", "98.93 %", "97.95 %", AUTHORS_2022),
        ("", "SortNet, mean of eight seeds", "–", "98.07 %", SORTNET),
        ("*", "SortNet, best of eight seeds", "99.01 %", "98.14 %", SORTNET),
        ("", "SABR", "–", "98.22 %", "as collected for this project, not checked again"),
        ("", "CC-IBP", "–", "98.43 %", "[arXiv](https://arxiv.org/abs/2305.13991), not checked again"),
        ("*", "TAPS in CTBench", "99.16 %", "98.52 %", "[arXiv](https://arxiv.org/abs/2406.04848), unverified"),
    ],
    ("fashion-mnist", "0.1"): [
        ("", "IBP", "–", "77.63 %", "as collected for this project, not checked again"),
        ("", "CROWN-IBP", "–", "78.73 %", "as collected for this project, not checked again"),
        ("*", "ℓ∞-dist net with an MLP head (ICML 2021)", "87.91 % (unverified)", "79.23 %", AUTHORS_2021),
    ],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()

    stale = []

    def put(path, text):
        if not path.exists() or path.read_text() != text:
            stale.append(path)
            if not args.check:
                path.write_text(text)

    for path in DOCUMENTS:
        put(path, filled(path.read_text()))
    if growth := read("growth.json"):
        put(PLOT, plot(growth["growth"]))
    for path in stale:
        print(path.relative_to(ROOT), "is not" if args.check else "was not", "up to date")
    sys.exit(1 if args.check and stale else 0)


def filled(document):
    """The document with its tables made anew; one that nothing was measured for stays."""

    def table(match):
        lines = TABLES[match[1]]()
        return match[0] if not lines else "\n".join(
            [f"<!-- table {match[1]} -->", *lines, "<!-- end -->"]
        )

    pattern = r"<!-- table (\S+) -->\n.*?<!-- end -->"
    return re.sub(pattern, table, document, flags=re.DOTALL)


def read(name):
    path = RESULTS / name
    return json.loads(path.read_text()) if path.exists() else None


def table(head, rows):
    return [line(head), line("---" for _ in head), *map(line, rows)]


def line(cells):
    return "| " + " | ".join(map(str, cells)) + " |"


def number(value):
    """Three digits, or all before the point."""
    if value is None:
        return "–"
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{min(digits, 3)}f}"


def times(value):
    return "–" if value is None else f"{number(value)}×"


def percent(share, digits=0):
    return f"{100 * share:.{digits}f} %"


def p_name(p):
    return "∞" if p in ("inf", None) else f"{float(p):g}"


def measured(name):
    """Makes a table of what a file of bench/results/ holds; none, if it is not there."""

    def of(make):
        def made():
            report = read(name)
            return report and make(report)

        return made

    return of


# By bench/run.py, bench/web/cpu.js and bench/web/attacks.js, `linf bench --only growth`,
# `linf bench --only gpu` and bench/web/gpu.js.
from_cpu = measured("cpu.json")
from_web = measured("web.json")
from_attacks = measured("attacks.json")
from_growth = measured("growth.json")
from_gpu = measured("gpu.json")
from_webgpu = measured("webgpu.json")


@from_cpu
def machine(report):
    m, versions = report["machine"], report["versions"]
    names = {
        "jax": "JAX",
        "torch": "PyTorch",
        "scipy": "SciPy",
        "faiss": "FAISS",
        "onnxruntime": "ONNX Runtime",
    }
    peers = ", ".join(f"{names[name]} {versions[name]}" for name in names if name in versions)
    rounds = f"{report['rounds']} round{'s' if report['rounds'] > 1 else ''}"
    load = " and ".join(f"{load:.1f}" for load in report["load"])
    return [
        f"{m['cpu']} (family {m['family']}, model {m['model']}; {', '.join(m['vectors'])}), "
        f"{m['processors']} virtual processors (load {load} at the beginning and the end of the run, "
        f"of {rounds}). {peers}."
    ]


@from_cpu
def norm_dist(report):
    head = ["p", "threads", "ours", "JAX", "ours / JAX", "`torch.cdist`", "ours / torch"]
    rows = []
    for row in report["ratios"]["norm_dist"]:
        if "jax" not in row:
            continue
        overflows = " (overflows)" if row.get("torch_overflows") else ""
        rows.append(
            [
                p_name(row["p"]),
                row["threads"],
                number(row["ours"]),
                number(row["jax"]),
                times(row["times_jax"]),
                number(row.get("torch")) + overflows,
                times(row.get("times_torch")),
            ]
        )
    return table(head, rows)


@from_cpu
def kernels(report):
    names = {"random": "random", "identity": "as training begins"}
    head = ["weights", "inputs", "p", "threads", "forward", "backward", "both"]
    rows = []
    for row in report["ours"]["norm_dist"]["rows"]:
        of_roofline = row.get("of_roofline", {})
        figures = [
            number(row[pass_]) + (f" ({percent(of_roofline[pass_])})" if of_roofline else "")
            for pass_ in ("forward", "backward", "both")
        ]
        rows.append(
            [names[row["weights"]], row["inputs"], p_name(row["p"]), row["threads"], *figures]
        )
    return table(head, rows)


@from_cpu
def limits(report):
    rows = report["ours"]["norm_dist"]["rows"]

    def best(p, pass_, count):
        same = [row for row in rows if row["p"] == p and row["threads"] == count]
        return number(max(row["roofline"][pass_] for row in same))

    columns = [("inf", "forward"), ("8", "forward"), ("8", "backward")]
    return table(
        ["threads", "largest difference", "sum at p = 8", "both gradients at p = 8"],
        [
            [count, *(best(p, pass_, count) for p, pass_ in columns)]
            for count in sorted({row["threads"] for row in rows})
        ],
    )


@from_cpu
def dense_inf(report):
    names = {"jax": "JAX", "torch": "`torch.cdist`", "scipy": "SciPy", "faiss": "FAISS"}
    rows = []
    for row in report["ratios"]["dense_inf_forward"]:
        if "jax" in row:
            others = [
                f"{number(row[name])} ({times(row[f'times_{name}'])})" if name in row else "–"
                for name in names
            ]
            rows.append([row["threads"], number(row["ours"]), *others])
    return table(["threads", "ours", *names.values()], rows)


@from_cpu
def exact(report):
    rows = [
        [
            ("**ours**: " if not row["name"].startswith("ONNX") else "") + row["name"],
            row["threads"],
            number(row["microseconds_per_image"]),
            times(row["ratio"]),
        ]
        for row in report["ratios"]["exact"]
    ]
    return table(["evaluation", "threads", "µs per image", "times a batch of 16"], rows)


@from_cpu
def steps(report):
    found = report["ratios"]["steps"]
    names = {"jax": "JAX", "torch": "torch"}
    names = {name: shown for name, shown in names.items() if any(name in row for row in found)}
    rows = []
    for row in found:
        cells = [p_name(row["p"]), row["threads"], number(row["ours"])]
        for name in names:
            cells += [number(row.get(name)), times(row.get(f"times_{name}"))]
        rows.append(cells)
    head = [cell for shown in names.values() for cell in (f"{shown}, ms", f"{shown} / ours")]
    return table(["p", "threads", "ours, ms", *head], rows)


@from_cpu
def targets(report):
    def figure(target, value):
        return percent(value) if target["goal"] < 1 else times(value)

    rows = [
        [
            target["what"].replace("inf", "∞"),
            "≥ " + figure(target, target["goal"]),
            figure(target, target["worst"]),
            "met" if target["met"] else "**missed**",
        ]
        for target in report["ratios"]["targets"]
    ]
    return table(["target", "goal", "worst case measured", ""], rows)


@from_cpu
def speed(report):
    """The README's: the range over what was measured."""
    ratios = report["ratios"]

    def span(values):
        values = list(values)
        if not values:
            return "–"
        least, most = times(min(values)), times(max(values))
        return least if least == most else f"{least} to {most}"

    def of(part, name):
        return span(row[f"times_{name}"] for row in ratios[part] if f"times_{name}" in row)

    one = [row for row in ratios["exact"] if row["threads"] == 1]
    onnx = span(row["ratio"] for row in one if row["name"].startswith("ONNX"))
    ours = [row for row in one if not row["name"].startswith("ONNX")]
    fastest = min(row["microseconds_per_image"] for row in ours)
    rows = [
        ["the distance and both gradients, p = 8 … ∞", of("norm_dist", "jax"), "JAX"],
        ["the same", of("norm_dist", "torch"), "`torch.cdist`"],
        ["the dense distance at p = ∞", of("dense_inf_forward", "scipy"), "SciPy"],
        ["the same", of("dense_inf_forward", "faiss"), "FAISS"],
        ["whole training steps, p = 8 … ∞", of("steps", "jax"), "JAX"],
        ["the same", of("steps", "torch"), "PyTorch with `torch.cdist`"],
        [
            f"an exact network of one member, 16 images in a batch: {number(fastest)} µs each on one thread",
            onnx,
            "ONNX Runtime, the same bits",
        ],
    ]
    return table(["what", "times as fast as", "peer"], [row for row in rows if row[1] != "–"])


@from_growth
def growth(report):
    found = report["growth"]
    epochs = [f"epoch at p = {p_name(epoch['p'])}, s" for epoch in found["rows"][0]["epochs"]]
    head = ["width", "weights", *epochs, "clean", "kept", "µs per image", "file, kB (gzip)"]
    rows = [
        [
            row["width"],
            f"{row['weights']:,}",
            *(number(epoch["seconds"]) for epoch in row["epochs"]),
            percent(row["clean"], 1),
            percent(row["weights_kept"], 2),
            number(row["microseconds_per_image"]),
            f"{row['bytes'] / 1000:,.0f} ({row['gzip_bytes'] / 1000:,.0f})",
        ]
        for row in found["rows"]
    ]
    return table(head, rows)


@from_gpu
def gpu(report):
    report = report["gpu"]
    kernels = {}
    for row in report["timings"]:
        shape = row["batch"], row["inputs"], row["outputs"], row["p"]
        kernels.setdefault(shape, {})[row["kernel"]] = row

    def speed(row):
        share = row["share_of_roofline"]
        return number(row["terms_per_second"] / 1e9) + (f" ({percent(share)})" if share else "")

    rows = [
        [f"{batch}, {inputs} → {outputs}", p_name(p), speed(row["forward"]), speed(row["both gradients"])]
        for (batch, inputs, outputs, p), row in kernels.items()
        if "forward" in row
    ]
    return [
        f"{adapter(report)}; 10⁹ terms per second, and their share of the roofline:",
        "",
        *table(["batch, layer", "p", "forward", "both gradients"], rows),
        "",
        f"{against_burn(report)} {steps_per_second(report)}",
    ]


def adapter(report):
    return report["adapter"] + (" (a program that imitates a GPU)" if report["software"] else "")


def against_burn(report):
    """How much longer Burn's own operations take for the layer that they have the memory for."""
    rows = {(row["kernel"], row["p"]): row for row in report["timings"]}
    pairs = [
        (p, ours, rows["Burn's operations, forward and gradients", p])
        for (kernel, p), ours in rows.items()
        if kernel == "ours, forward and gradients"
    ]
    ratios = [
        f"{times(theirs['seconds'] / ours['seconds'])} at p = {p_name(p)}" for p, ours, theirs in pairs
    ]
    layer = pairs[0][1]
    return (
        f"Burn's own operations take {', '.join(ratios)} as long as ours, forward and gradients of "
        f"{layer['inputs']} → {layer['outputs']} in batches of {layer['batch']}."
    )


def steps_per_second(report):
    steps = [
        f"{number(step['steps_per_second'])} at p = {p_name(step['p'])}"
        for step in report["steps"]
    ]
    hidden = "-".join(map(str, report["steps"][0]["hidden"]))
    batch = report["steps"][0]["batch"]
    return f"Training steps per second of 784-{hidden}-10, batch {batch}: {', '.join(steps)}."


@from_webgpu
def webgpu(report):
    peers = list(dict.fromkeys(peer["name"] for peer in report["peers"]))
    ours = "ours, forward and gradients"
    seconds = {}
    for row in report["timings"]:
        seconds[row["kernel"], row["p"]] = row["seconds"]
    shape = None
    rows = []
    for row in report["timings"]:
        if row["kernel"] != ours:
            continue
        shape = f"batch {row['batch']}, {row['inputs']} → {row['outputs']}"
        others = {"Burn's operations": seconds["Burn's operations, forward and gradients", row["p"]]}
        for peer in report["peers"]:
            if peer["p"] == row["p"]:
                others[peer["name"]] = peer.get("seconds")
        cells = [
            f"{number(1e3 * time)} ({times(time / row['seconds'])})" if time else "–"
            for time in (others.get(name) for name in ["Burn's operations", *peers])
        ]
        rows.append([p_name(row['p']), number(1e3 * row["seconds"]), *cells])
    head = ["p", "ours, ms", *(f"{name}, ms (times ours)" for name in ["Burn's operations", *peers])]
    shares = [
        f"{row['kernel']} at p = {p_name(row['p'])}: {percent(row['share_of_roofline'])}"
        for row in report["timings"]
        if row["share_of_roofline"] is not None
    ]
    return [
        f"{adapter(report)}; forward and gradients, {shape}:",
        "",
        *table(head, rows),
        "",
        f"Shares of the roofline: {'; '.join(shares)}. {steps_per_second(report)}",
    ]


def metadata_of(path):
    """What a model file says of itself."""
    file = path.read_bytes()
    header = json.loads(file[8 : 8 + int.from_bytes(file[:8], "little")])
    metadata = header["__metadata__"]
    weights = {name: tensor for name, tensor in header.items() if name.endswith(".weight")}
    metadata["weights"] = sum(tensor["shape"][1] for tensor in weights.values())
    return metadata


def trained_for(metadata):
    return f"{DATASETS[metadata['dataset']]}, ε = {metadata['epsilon']}"


def accuracy(metadata, name):
    return percent(float(metadata[name]), 2) if name in metadata else "–"


def shipped():
    return sorted(MODELS.glob("*.safetensors"))


def models():
    """The shipped networks, from what their files say of themselves."""
    rows = []
    for path in shipped():
        metadata = metadata_of(path)
        rows.append(
            [
                trained_for(metadata),
                metadata["members"],
                accuracy(metadata, "clean"),
                accuracy(metadata, "certified_lipschitz"),
                accuracy(metadata, "certified_ibp"),
                f"{gzip_size(path) / 1000:.0f} kB",
                f"`{path.name}`",
            ]
        )
    head = ["trained for", "members", "clean", "certified (Lipschitz)", "certified (IBP)", "gzip"]
    return table([*head, "file in `www/public/models/`"], rows)


def model(name):
    """Makes the table of a model card: what is in the file, and what it says of itself."""

    def made():
        path = MODELS / f"{name}.safetensors"
        metadata = metadata_of(path)
        rows = [
            ["file", f"`{path.relative_to(ROOT)}`"],
            ["trained for", trained_for(metadata)],
            ["members", metadata["members"]],
            ["layers", metadata["architecture"]],
            ["weights", f"{metadata['weights']:,}"],
            ["ticks per pixel level", metadata["scale"]],
            ["size", f"{path.stat().st_size / 1000:,.0f} kB, {gzip_size(path) / 1000:,.0f} kB with gzip"],
            ["SHA-256", f"`{hashlib.sha256(path.read_bytes()).hexdigest()}`"],
            ["clean accuracy, test set", accuracy(metadata, "clean")],
            ["certified accuracy (Lipschitz), test set", accuracy(metadata, "certified_lipschitz")],
            ["certified accuracy (IBP), test set", accuracy(metadata, "certified_ibp")],
        ]
        return table(["", ""], rows)

    return made


def literature(cards, whole):
    """Makes a table of the shipped networks beside published results; `cards` is where their cards are."""

    def made():
        rows = []
        for path in reversed(shipped()):
            metadata = metadata_of(path)
            figures = [accuracy(metadata, name) for name in ("clean", "certified_ibp")]
            card = f"[model card]({cards}{path.stem}.md)"
            rows.append([trained_for(metadata), "**this project**", *figures, card])
            published = LITERATURE.get((metadata["dataset"], metadata["epsilon"]), [])
            rows += [["", *row] for mark, *row in published if whole or mark]
        return table(["", "method", "clean", "certified", "source"], rows)

    return made


def gzip_size(path):
    """Bytes of a file with gzip, by Node as in scripts/test.sh: not every Python packs alike."""
    program = "zlib.gzipSync(fs.readFileSync(process.argv[1]), { level: 9 }).length"
    done = subprocess.run(["node", "-p", program, path], check=True, stdout=subprocess.PIPE)
    return int(done.stdout)


def comparison():
    """What `linf compare` printed, which the page shows too."""
    (path,) = (ROOT / "www/src").rglob("comparison.json")
    return json.loads(path.read_text())


def shipped_hashes():
    """The SHA-256 of every file that the page ships."""
    files = (ROOT / "www/public/models").rglob("*.safetensors")
    return {hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def networks():
    rows = []
    for network in comparison()["networks"]:
        if network["model_sha256"] not in shipped_hashes():
            sys.exit(
                f"comparison.json measured another {network['name']} than the page ships: "
                "run linf compare --dataset mnist --epsilon 0.3 --json again"
            )
    for network in comparison()["networks"]:
        rows.append(
            [
                f"{KINDS[network['kind']]}: {network['architecture']}",
                percent(network["clean"], 2),
                percent(network["empirical_robust"], 2),
                percent(network["certified"], 2),
                network["certificate"],
                f"{network['bytes'] / 1000:.0f} kB",
                f"{math.floor(network['microseconds_per_image'] + 0.5)} µs",
            ]
        )
    head = ["network", "clean", "empirical robust (PGD)", "certified", "certificate"]
    return table([*head, "file", "time per image"], rows)


def sizes_of(layer):
    return f"batch {layer['batch']}, {layer['inputs']} → {layer['outputs']}"


@from_web
def web_kernels(report):
    layer = report["layer"]
    terms = layer["batch"] * layer["outputs"] * layer["inputs"] / 1e9
    rows = []
    for row in report["kernels"]:
        cells = [p_name(row["p"])]
        for pass_ in ("forward", "backward"):
            native, wasm = row["native"][pass_], row["wasm"][pass_]
            cells += [number(terms / native), f"{number(terms / wasm)} ({times(wasm / native)})"]
        rows.append(cells)
    places = ("native", "in Chromium")
    passes = [f"{pass_}, {where}" for pass_ in ("forward", "backward") for where in places]
    return [
        f"{report['cpu']}, Chromium {report['browser']}; {sizes_of(layer)}, random weights, 1e9 terms "
        "per second, in brackets how many times the native time:",
        "",
        *table(["p", *passes], rows),
    ]


@from_web
def web_peers(report):
    rows = [
        [
            p_name(row["p"]),
            number(1e3 * row["ours"]),
            f"{number(1e3 * row['tensorFlow'])} ({times(row['tensorFlow'] / row['ours'])})",
        ]
        for row in report["peers"]
    ]
    head = ["p", "ours, ms", "TensorFlow.js, ms (times ours)"]
    return [
        f"Forward and both gradients, {sizes_of(report['shared_layer'])}:",
        "",
        *table(head, rows),
    ]


@from_web
def web_exact(report):
    names = {
        "ours": "**ours**: logits, both radii, critical pixels",
        "onnxRuntime": "ONNX Runtime Web: logits",
        "tensorFlow": "TensorFlow.js: logits",
    }
    rows = [
        [name, number(1e6 * report["exact"][key]), times(report["exact"][key] / report["exact"]["ours"])]
        for key, name in names.items()
    ]
    return table(["in WebAssembly, one thread", "µs per image", "times ours"], rows)


@from_attacks
def attacks(rows):
    head = list(rows[0])
    return table(head, [[row["attack"], *(number(row[key]) for key in head[1:])] for row in rows])


TABLES = {
    "machine": machine,
    "norm-dist": norm_dist,
    "kernels": kernels,
    "limits": limits,
    "dense-inf": dense_inf,
    "exact": exact,
    "steps": steps,
    "targets": targets,
    "speed": speed,
    "growth": growth,
    "models": models,
    "literature": literature("docs/models/", whole=False),
    "literature-whole": literature("", whole=True),
    **{f"model-{path.stem}": model(path.stem) for path in shipped()},
    "networks": networks,
    "attacks": attacks,
    "web-kernels": web_kernels,
    "web-peers": web_peers,
    "web-exact": web_exact,
    "gpu": gpu,
    "webgpu": webgpu,
}


def plot(found):
    """Three panels over the width, both axes logarithmic."""
    rows = found["rows"]
    widths = [row["width"] for row in rows]
    epochs = {
        f"p = {p_name(epoch['p'])}": [row["epochs"][index]["seconds"] for row in rows]
        for index, epoch in enumerate(rows[0]["epochs"])
    }
    panels = [
        ("training epoch, s", epochs),
        (
            "exact inference, µs per image",
            {"early exit": [row["microseconds_per_image"] for row in rows]},
        ),
        ("model file with gzip, kB", {"file": [row["gzip_bytes"] / 1000 for row in rows]}),
    ]
    wide, high, gap, left, top = 230, 220, 80, 60, 40
    total = left + len(panels) * wide + (len(panels) - 1) * gap + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {high + 100}" '
        'font-family="sans-serif" font-size="12" role="img">',
        "<title>Cost against the width of three hidden layers, logarithmic on both axes</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    colours = ["#1b5e9e", "#b3541e", "#2f7d32"]
    for index, (title, lines) in enumerate(panels):
        x0 = left + index * (wide + gap)
        values = [value for series in lines.values() for value in series]
        low, most = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        span = max(1, most - low)

        def x(width):
            across = math.log(width / widths[0]) / max(math.log(widths[-1] / widths[0]), 1e-9)
            return x0 + across * wide

        def y(value):
            return top + high - (math.log10(value) - low) / span * high

        parts.append(f'<text x="{x0}" y="{top - 16}" font-weight="bold">{title}</text>')
        for exponent in range(low, low + span + 1):
            at = y(10**exponent)
            label = f"{10**exponent:,}" if exponent >= 0 else f"{10.0**exponent:g}"
            parts.append(f'<path d="M{x0} {at:.1f}h{wide}" stroke="#ddd"/>')
            parts.append(
                f'<text x="{x0 - 6}" y="{at + 4:.1f}" text-anchor="end">{label}</text>'
            )
        for width in widths:
            parts.append(
                f'<text x="{x(width):.1f}" y="{top + high + 18}" text-anchor="end" '
                f'transform="rotate(-40 {x(width):.1f} {top + high + 18})">{width}</text>'
            )
        for entry, (colour, (name, series)) in enumerate(zip(colours, lines.items())):
            points = " ".join(f"{x(w):.1f},{y(v):.1f}" for w, v in zip(widths, series))
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
            )
            for w, v in zip(widths, series):
                parts.append(f'<circle cx="{x(w):.1f}" cy="{y(v):.1f}" r="3" fill="{colour}"/>')
            if len(lines) > 1:
                parts.append(
                    f'<text x="{x0 + wide}" y="{top + high - 10 - 16 * (len(lines) - 1 - entry)}" '
                    f'text-anchor="end" fill="{colour}">{name}</text>'
                )
        # What growing in proportion to the width, and to its square, would look like.
        base = next(iter(lines.values()))[0]
        for power, dash in [(1, "4 3"), (2, "1 3")]:
            ends = [(w, base * (w / widths[0]) ** power) for w in (widths[0], widths[-1])]
            limit = 10.0 ** (low + span)
            if ends[1][1] > limit:
                ends[1] = (widths[0] * (limit / base) ** (1 / power), limit)
            points = " ".join(f"{x(w):.1f},{y(v):.1f}" for w, v in ends)
            parts.append(
                f'<polyline points="{points}" fill="none" stroke="#888" stroke-dasharray="{dash}"/>'
            )
    parts.append(
        f'<text x="{left}" y="{high + 90}">width of each of three hidden layers; grey: '
        "in proportion to the width (dashes) and to its square (dots)</text>"
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    main()
