#!/usr/bin/env python3
"""The distance and its gradients in other libraries, in the unit of `cargo bench --bench norm_dist`.

    pip install -r bench/peers/requirements.txt
    cargo bench --bench norm_dist -- --json > ours.json
    python3 bench/peers/norm_dist.py --ours ours.json

Everything runs on one processor, and what counts is the processor time of the whole process, the
best of several runs, so that other programs disturb little. A term is one `x - w`; forward and
backward take one each for every input, output and image. JAX may compute everything at once or
some outputs at a time (the whole does not fit a cache): the better of the two is its figure.
"""

import os

# One thread each, before the libraries look at the machine.
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

import argparse
import functools
import json
import time

import faiss
import jax
import jax.numpy as jnp
import numpy as np
from scipy.spatial.distance import cdist

BATCH, OUTPUTS, INPUTS = 128, 1024, 1024
# The powers of `cargo bench`; JAX takes an integer power by multiplications where it knows how.
EXPONENTS = [8, 30, 98, 322, "inf"]
CHUNK = 32


def distances(p, x, w):
    """`||x[b] - w[o]||_p`, the largest difference factored out where powers could overflow."""
    d = jnp.abs(x[:, None, :] - w[None, :, :])
    if p == "inf":
        return d.max(-1)
    if p <= 8:
        return (d**p).sum(-1) ** (1 / p)
    largest = jax.lax.stop_gradient(d.max(-1))
    return largest * ((d / largest[..., None]) ** p).sum(-1) ** (1 / p)


def chunked(p, x, w):
    """The same, some outputs at a time."""
    parts = w.reshape(-1, CHUNK, w.shape[1])
    u = jax.lax.map(jax.checkpoint(lambda part: distances(p, x, part)), parts)
    return jnp.moveaxis(u, 0, 1).reshape(x.shape[0], -1)


def rate(terms, run, patience):
    """1e9 terms per second of processor time, the best run within some seconds."""
    run()
    best, begun = float("inf"), time.monotonic()
    while time.monotonic() - begun < patience:
        start = time.process_time()
        run()
        best = min(best, time.process_time() - start)
    return terms / best / 1e9


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ours", help="what `cargo bench --bench norm_dist -- --json` printed")
    parser.add_argument("--patience", type=float, default=10, help="seconds for each figure")
    args = parser.parse_args()

    random = np.random.default_rng(1)
    x, w, grad = (
        random.standard_normal(shape, np.float32)
        for shape in [(BATCH, INPUTS), (OUTPUTS, INPUTS), (BATCH, OUTPUTS)]
    )
    terms = BATCH * OUTPUTS * INPUTS
    report = {"unit": "1e9 terms per second of one thread's processor time", "jax": jax.__version__}

    rows = []
    for p in EXPONENTS:
        row = {"p": p}
        for name, function in [("whole", distances), ("chunked", chunked)]:
            forward = jax.jit(functools.partial(function, p))

            @jax.jit
            def both(x, w, function=functools.partial(function, p)):
                u, back = jax.vjp(function, x, w)
                return u, back(grad)

            row[name] = {
                "forward": rate(terms, lambda: jax.block_until_ready(forward(x, w)), args.patience),
                "both": rate(2 * terms, lambda: jax.block_until_ready(both(x, w)), args.patience),
            }
        rows.append(row)
    report["rows"] = rows

    # The p = infinity forward pass is also what these libraries call a distance.
    report["scipy_inf"] = rate(terms, lambda: cdist(x, w, "chebyshev"), args.patience)
    linf = faiss.METRIC_Linf
    report["faiss_inf"] = rate(terms, lambda: faiss.pairwise_distances(x, w, linf), args.patience)

    if args.ours:
        with open(args.ours) as file:
            compare(report, json.load(file)["rows"])
    print(json.dumps(report, indent=2))


def compare(report, ours):
    """Adds how many times faster this project's kernels are, on random weights."""
    ours = {
        row["p"]: row for row in ours if (row["weights"], row["inputs"]) == ("random", INPUTS)
    }
    for row in report["rows"]:
        forward, backward = ours[row["p"]]["forward"], ours[row["p"]]["backward"]
        both = 2 / (1 / forward + 1 / backward)
        best = {key: max(row["whole"][key], row["chunked"][key]) for key in ("forward", "both")}
        row["times_faster"] = {"forward": forward / best["forward"], "both": both / best["both"]}
    at_infinity = ours["inf"]["forward"]
    report["times_faster_than_scipy_inf"] = at_infinity / report["scipy_inf"]
    report["times_faster_than_faiss_inf"] = at_infinity / report["faiss_inf"]


if __name__ == "__main__":
    main()
