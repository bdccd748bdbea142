"""Logits, in pixel levels, of an image of raw bytes, by what `linf export MODEL --safetensors-f32` wrote.

    python3 examples/read_floats.py FLOATS.safetensors IMAGE
"""
import json, struct, sys

file, x = open(sys.argv[1], "rb").read(), list(open(sys.argv[2], "rb").read())
start = 8 + struct.unpack("<Q", file[:8])[0]
header = json.loads(file[8:start])
def numbers(name):
    begin, end = header[name]["data_offsets"]
    kind = {"F32": "f", "I32": "i"}[header[name]["dtype"]]
    return struct.unpack(f"<{(end - begin) // 4}{kind}", file[start + begin : start + end])
for layer in range(header["__metadata__"]["architecture"].count("-")):
    starts, inputs, weights = (numbers(f"layers.{layer}.{what}") for what in ("starts", "inputs", "weights"))
    x = [max(abs(x[inputs[k]] - weights[k]) for k in range(a, b)) for a, b in zip(starts, starts[1:])]
biased = [u + b for u, b in zip(x, numbers("bias"))]
classes = len(biased) // int(header["__metadata__"]["members"])
print([-sum(biased[k::classes]) for k in range(classes)])
