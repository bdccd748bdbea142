#!/usr/bin/env python3
"""Writes the checkpoints that `tests/interop.rs` imports, with PyTorch itself.

    python3 tests/interop/checkpoints.py    # writes tests/interop/*.pth and expected.json

Small random nets under the keys that the authors' programs save (L_inf-dist-net and
L_inf-dist-net-v2), with an optimizer's state beside them. `expected.json` has, of a few images, the
logits and the bounds of the logits as those programs define them, computed here in 64-bit floats. PyTorch
of any version writes them; those that are committed were written by 1.13.
"""

import json
import os
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

FOLDER = Path(__file__).resolve().parent
MEAN, STD = 0.1307, 0.3081
WIDTHS = [784, 8, 8, 10]
EPSILON = 0.1


def layers(seed):
    """Weights, running means and the last bias of a small net."""
    generator = torch.Generator().manual_seed(seed)
    normal = lambda *shape: torch.randn(*shape, generator=generator)
    weights = [normal(o, i) for i, o in zip(WIDTHS, WIDTHS[1:])]
    for unit in range(8):
        weights[1][unit, unit] = -10
    means = [3 + normal(width) / 4 for width in WIDTHS[1:-1]]
    return weights, means, normal(WIDTHS[-1]) / 8


def v1(weights, means, bias):
    state = OrderedDict()
    for index, mean in enumerate(means):
        state[f"feature.fc.{index}.weight"] = weights[index][:, :, None, None].clone()
        state[f"feature.fc.{index}.normalize.running_mean"] = mean
    state["feature.fc_last.weight"] = weights[-1][:, :, None, None].clone()
    state["feature.fc_last.bias"] = bias
    return state


def v2(weights, means, bias, scalar=None):
    state = OrderedDict()
    if scalar is not None:
        state["scalar"] = torch.tensor([scalar])
    for index, weight in enumerate(weights):
        state[f"fc_dist.{index}.weight"] = weight
        if index < len(means):
            state[f"fc_dist.{index}.mean_shift.running_mean"] = means[index]
    state[f"fc_dist.{len(means)}.bias"] = bias
    return state


def save(name, state, parallel=False):
    if parallel:
        state = OrderedDict((f"module.{key}", value) for key, value in state.items())
    first = torch.nn.Parameter(torch.zeros(3))
    optimizer = torch.optim.Adam([first], lr=0.02, betas=(0.9, 0.99), eps=1e-10)
    first.grad = torch.ones(3)
    optimizer.step()
    torch.save({"state_dict": state, "optimizer": optimizer.state_dict()}, FOLDER / name)


def outcome(weights, means, bias, image):
    """Logits and their bounds, in 64-bit floats, in units of the normalised input."""
    numbers = lambda tensor: tensor.numpy().astype(np.float64)
    x = (image.astype(np.float64) / 255 - MEAN) / STD
    low = np.maximum(x - EPSILON / STD, -MEAN / STD)
    high = np.minimum(x + EPSILON / STD, (1 - MEAN) / STD)
    for index, weight in enumerate(map(numbers, weights)):
        below, above = low - weight, high - weight
        least = np.minimum(np.abs(below), np.abs(above))
        least[(below < 0) & (above > 0)] = 0
        x = np.abs(x - weight).max(axis=1)
        low, high = least.max(axis=1), np.maximum(np.abs(below), np.abs(above)).max(axis=1)
        shift = -numbers(means[index]) if index < len(means) else numbers(bias)
        x, low, high = x + shift, low + shift, high + shift
    return {"logits": (-x).tolist(), "lower": (-high).tolist(), "upper": (-low).tolist()}


class RunsACommand:
    """A pickle of it runs a command when Python reads it."""

    def __reduce__(self):
        return os.system, ("touch /tmp/linf-a-pickle-was-run",)


def main():
    images = np.random.default_rng(3).integers(0, 256, (6, 784))
    images[0], images[1], images[2] = 0, 255, np.arange(784) % 28 * 9
    expected = {
        "torch": torch.__version__,
        "epsilon": str(EPSILON),
        "level": 255 * STD,
        "images": [image.tolist() for image in images],
        "nets": {},
    }
    for seed, name in enumerate(["v1", "v2", "v2-parallel"]):
        net = layers(seed)
        if name == "v1":
            save("v1.pth", v1(*net))
        else:
            save(f"{name}.pth", v2(*net, scalar=1.5 if seed == 1 else None), parallel=seed == 2)
        expected["nets"][name] = [outcome(*net, image) for image in images]
    (FOLDER / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")

    weights, means, bias = layers(9)
    state = v2(weights, means, bias)
    torch.save({"state_dict": state, "hook": RunsACommand()}, FOLDER / "hostile.pth")
    small = {"fc_final.weight": bias, "fc_final.bias": bias}
    torch.save({"state_dict": OrderedDict(small)}, FOLDER / "hybrid.pth")
    conv = {"feature.conv.0.weight": bias, "feature.fc_last.weight": bias}
    torch.save({"state_dict": OrderedDict(conv)}, FOLDER / "conv.pth")


if __name__ == "__main__":
    main()
