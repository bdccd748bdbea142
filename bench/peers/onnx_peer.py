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

import numpy as np
import onnxruntime
from onnx_net import check, dense_layers, model

IMAGES = 512


file = args.model.read_bytes()
net = check.Net(file)
layers, bias = list(dense_layers(net)), net.bias[:, 0]
images, _ = check.read_test_set(peer.ROOT / "data", check.DATASETS["mnist"])
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
