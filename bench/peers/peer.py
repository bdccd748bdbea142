"""What the peers share: their arguments, the problem, and the clocks of `linf bench`.

Import this before the library that is measured: how many processors there are must be known before
it looks at the machine.
"""

import argparse
import json
import os
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BATCH, OUTPUTS = 128, 1024
INPUTS = 1024
EXPONENTS = ["8", "30", "98", "100", "300", "322", "inf"]
STEP_EXPONENTS = ["8", "30", "100", "300", "inf"]
# The net whose training steps are timed.
WIDTHS = [784, 1024, 1024, 1024, 10]


def arguments():
    """The arguments; the process has as many processors from here on."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=1, help="for each figure")
    parser.add_argument("--steps", type=int, default=3, help="training steps at each p; 0 for none")
    parser.add_argument("--only", choices=["norm-dist", "steps", "exact"], required=True)
    parser.add_argument("--model", type=Path)
    args = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: args.threads])
    for name in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]:
        os.environ[name] = str(args.threads)
    return args


def once(threads, run):
    """The time of one run, by both clocks."""
    wall, processor = time.perf_counter(), time.process_time()
    run()
    processor = time.process_time() - processor
    return {"threads": threads, "wall": time.perf_counter() - wall, "processor": processor}


def best(threads, seconds, run):
    """The shortest of many runs, by both clocks; the first one of all is not timed."""
    run()
    begun, runs, shortest = time.monotonic(), 0, None
    while runs < 1 or time.monotonic() - begun < seconds:
        shortest = shorter(shortest, once(threads, run))
        runs += 1
    return shortest


def shorter(a, b):
    """The shorter of two times by each clock."""
    if a is None or b is None:
        return a or b
    return {key: min(a[key], b[key]) for key in a}


def layer():
    """x, w and the gradient of u: N(0, 1), as in `linf bench`."""
    import numpy

    random = numpy.random.default_rng(1)
    shapes = [(BATCH, INPUTS), (OUTPUTS, INPUTS), (BATCH, OUTPUTS)]
    return [random.standard_normal(shape).astype(numpy.float32) for shape in shapes]


def first_weights():
    """The weights that training begins with: N(0, 1) and the identity start."""
    import numpy

    random = numpy.random.default_rng(2)
    weights = []
    for inputs, outputs in zip(WIDTHS, WIDTHS[1:]):
        w = random.standard_normal((outputs, inputs)).astype(numpy.float32)
        if inputs <= outputs:
            w[numpy.arange(outputs), numpy.arange(outputs) % inputs] = -10
        weights.append(w)
    return weights


def first_batch():
    """A batch of MNIST's training images, normalised, and its labels."""
    import numpy

    folder = ROOT / "data/mnist"
    pixels = numpy.fromfile(folder / "train-images-idx3-ubyte", numpy.uint8)[16:]
    labels = numpy.fromfile(folder / "train-labels-idx1-ubyte", numpy.uint8)[8:]
    x = pixels.reshape(-1, 784)[:BATCH].astype(numpy.float32)
    return (x / 255 - numpy.float32(0.1307)) / numpy.float32(0.3081), labels[:BATCH]


def report(versions, rows):
    """Prints what was measured."""
    print(json.dumps({"versions": versions, "rows": rows}))
