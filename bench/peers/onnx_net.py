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
    """Weights, [outputs, inputs]; where one was dropped stands the middle of what its input can be,
    whose distance can decide nothing."""
    low = np.zeros((net.inputs, 1), np.int64)
    high = low + net.top
    for layer in net.layers:
        dense = np.repeat((low + high).T // 2, len(layer), axis=0)
        for row, (kept, weights) in zip(dense, layer):
            row[kept] = weights[:, 0]
        yield dense
        low, high = check.layer_bounds(layer, low, high)


def model(layers, bias, dtype, across):
    """The ONNX model, from [images, pixels] in units to [images, classes]."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    constants, nodes = [], []

    def constant(name, array):
        constants.append(numpy_helper.from_array(array, name))
        return name

    inner, outer = (1, 2) if across else (2, 1)
    x = "x"
    for index, weights in enumerate(layers):
        # x is [images, 1, inputs] or [images, inputs, 1], the weights [outputs, inputs] or across.
        array = (weights.T if across else weights).astype(dtype)
        w = constant(f"w{index}", np.ascontiguousarray(array))
        outer_axis = constant(f"outer{index}", np.array([outer]))
        inner_axis = constant(f"inner{index}", np.array([inner]))
        nodes += [
            helper.make_node("Unsqueeze", [x, outer_axis], [f"x{index}"]),
            helper.make_node("Sub", [f"x{index}", w], [f"d{index}"]),
            helper.make_node("Abs", [f"d{index}"], [f"a{index}"]),
            helper.make_node("ReduceMax", [f"a{index}", inner_axis], [f"u{index}"], keepdims=0),
        ]
        x = f"u{index}"
    nodes += [
        helper.make_node("Add", [x, constant("bias", bias.astype(dtype))], ["sum"]),
        helper.make_node("Neg", ["sum"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "exact",
        [helper.make_tensor_value_info("x", kind, ["images", layers[0].shape[1]])],
        [helper.make_tensor_value_info("logits", kind, ["images", len(bias)])],
        constants,
    )
    opset = helper.make_opsetid("", 18)
    return helper.make_model(graph, opset_imports=[opset], ir_version=10).SerializeToString()


def main():
    model_file, folder = map(Path, sys.argv[1:])
    net = check.Net(model_file.read_bytes())
    layers, bias = list(dense_layers(net)), net.bias[:, 0]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "exact.onnx").write_bytes(model(layers, bias, "float32", False))
    # Layer after layer, [outputs, inputs] each, then the bias.
    arrays = [*layers, bias]
    (folder / "weights.bin").write_bytes(b"".join(a.astype("<f4").tobytes() for a in arrays))


if __name__ == "__main__":
    main()
