"""The same exact integer network in ONNX Runtime, its dense form: subtraction, absolute value and
maximum, layer by layer.

Integers or floats (which hold every number of the net exactly), some images at a time, inputs
along the rows or the columns: the best of all is its figure. The logits' SHA-256 is that of
`linf bench` if the bits are the same.
"""

import peer

args = peer.arguments()

import hashlib
import itertools
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(peer.ROOT / "tools"))
import check

IMAGES = 512


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


file = args.model.read_bytes()
net = check.Net(file)
layers, bias = list(dense_layers(net)), net.bias[:, 0]
images, _ = check.read_test_set(peer.ROOT / "data/mnist", check.TEST_FILES["mnist"])
units = images[:IMAGES].astype(np.int32) * net.scale

rows = []
for dtype, across in itertools.product(["int32", "float32"], [False, True]):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model(layers, bias, dtype, across), options, providers=["CPUExecutionProvider"]
    )
    x = units.astype(dtype)
    run = lambda rows: session.run(None, {"x": rows})[0]
    logits = np.concatenate([run(x[at : at + 8]) for at in range(0, IMAGES, 8)])
    assert (logits == np.round(logits)).all()
    sha256 = hashlib.sha256(logits.astype("<i4").tobytes()).hexdigest()
    for batch in [1, 8]:
        time = peer.best(args.threads, args.seconds, lambda: run(x[:batch]))
        rows.append(
            {
                "threads": args.threads,
                "dtype": dtype,
                "inputs_along": "columns" if across else "rows",
                "batch": batch,
                "time_per_image": {
                    key: value if key == "threads" else value / batch
                    for key, value in time.items()
                },
                "images": IMAGES,
                "logits_sha256": sha256,
            }
        )
peer.report({"onnxruntime": onnxruntime.__version__}, rows)
