"""The exact integer network as ONNX: its dense form, by subtraction, absolute value and maximum.

    python3 bench/peers/onnx_net.py MODEL FOLDER    # exact.onnx and weights.bin, for bench/web/
"""

import sys
from pathlib import Path

import numpy as np
from onnx import helper, numpy_helper

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import check


def dense_layers(net):
    """Weights, [outputs, inputs], and gaps, of the same shape or None. Where a weight was dropped
    stands the middle of what its input can be; where even its distance could decide, as in a few
    units of a net that was trained on after it was pruned, is a gap: it must take no part."""
    low = np.zeros((net.inputs, 1), np.int64)
    high = low + net.top
    for layer in net.layers:
        least, most = check.layer_bounds(layer, low, high)
        middle = (low + high).T // 2
        dense = np.repeat(middle, len(layer), axis=0)
        gaps = np.maximum(high.T - middle, middle - low.T) > least
        for row, gap, (kept, weights) in zip(dense, gaps, layer):
            row[kept] = weights[:, 0]
            gap[kept] = False
        yield dense, gaps if gaps.any() else None
        low, high = least, most


def model(layers, bias, dtype, across):
    """The ONNX model, from [images, pixels] in units to [images, classes]."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    constants, nodes = [], []

    def constant(name, array):
        constants.append(numpy_helper.from_array(array, name))
        return name

    inner, outer = (1, 2) if across else (2, 1)
    x = "x"
    for index, (weights, gaps) in enumerate(layers):
        # x is [images, 1, inputs] or [images, inputs, 1], the weights [outputs, inputs] or across.
        turned = lambda array: np.ascontiguousarray((array.T if across else array).astype(dtype))
        w = constant(f"w{index}", turned(weights))
        outer_axis = constant(f"outer{index}", np.array([outer]))
        inner_axis = constant(f"inner{index}", np.array([inner]))
        nodes += [
            helper.make_node("Unsqueeze", [x, outer_axis], [f"x{index}"]),
            helper.make_node("Sub", [f"x{index}", w], [f"d{index}"]),
            helper.make_node("Abs", [f"d{index}"], [f"a{index}"]),
        ]
        x = f"a{index}"
        if gaps is not None:
            # A distance of 0 takes no part.
            present = constant(f"present{index}", turned(~gaps))
            nodes.append(helper.make_node("Mul", [x, present], [f"m{index}"]))
            x = f"m{index}"
        nodes.append(helper.make_node("ReduceMax", [x, inner_axis], [f"u{index}"], keepdims=0))
        x = f"u{index}"
    nodes += [
        helper.make_node("Add", [x, constant("bias", bias.astype(dtype))], ["sum"]),
        helper.make_node("Neg", ["sum"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "exact",
        [helper.make_tensor_value_info("x", kind, ["images", layers[0][0].shape[1]])],
        [helper.make_tensor_value_info("logits", kind, ["images", len(bias)])],
        constants,
    )
    opset = helper.make_opsetid("", 18)
    return helper.make_model(graph, opset_imports=[opset], ir_version=10).SerializeToString()


def main():
    model_file, folder = map(Path, sys.argv[1:])
    net = check.Net(model_file.read_bytes())
    if net.members > 1:
        sys.exit("a net of several members is not written: take one of them with `linf member`")
    layers, bias = list(dense_layers(net)), net.bias[:, 0]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "exact.onnx").write_bytes(model(layers, bias, "float32", False))
    # Layer after layer, [outputs, inputs] each, no numbers at gaps; then the bias.
    filled = [weights if gaps is None else np.where(gaps, np.nan, weights) for weights, gaps in layers]
    arrays = [*filled, bias]
    (folder / "weights.bin").write_bytes(b"".join(a.astype("<f4").tobytes() for a in arrays))


if __name__ == "__main__":
    main()
