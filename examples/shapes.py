#!/usr/bin/env python3
"""Makes a small data set of one's own: circles, crosses and triangles, each drawn anew with a shaky hand.

    examples/shapes.py examples/shapes.zip [IMAGES A CLASS] [SEED]

The zip has a folder of PNG files for each class, which is what `linf train --data` and the page's view
Train read. The same seed gives the same bytes. Needs nothing but Python.
"""

import math
import random
import struct
import sys
import zipfile
import zlib

SIDE = 40
SAMPLES = 3


def circle(rng):
    stretch = rng.uniform(0.8, 1.25)
    start = rng.uniform(0, 2 * math.pi)
    steps = [start + 2 * math.pi * step / 24 for step in range(25)]
    return [[(math.cos(at), stretch * math.sin(at)) for at in steps]]


def cross(rng):
    lean = rng.uniform(-0.2, 0.2)
    return [[(-1, -1 + lean), (1, 1 - lean)], [(-1, 1 + lean), (1, -1 - lean)]]


def triangle(rng):
    top = rng.uniform(-0.3, 0.3)
    return [[(top, -1), (1, 0.9), (-1, 0.9), (top, -1)]]


SHAPES = {"circle": circle, "cross": cross, "triangle": triangle}


def drawing(shape, rng):
    """The strokes of a shape, moved, turned, scaled and shaken, in pixels."""
    turn = rng.uniform(-0.25, 0.25)
    radius = SIDE * rng.uniform(0.26, 0.38)
    middle = [SIDE / 2 + rng.uniform(-3, 3) for _ in range(2)]
    shake = rng.uniform(0, 0.05)

    def place(point):
        x, y = (value + rng.gauss(0, shake) for value in point)
        return (
            middle[0] + radius * (x * math.cos(turn) - y * math.sin(turn)),
            middle[1] + radius * (x * math.sin(turn) + y * math.cos(turn)),
        )

    return [[place(point) for point in stroke] for stroke in shape(rng)]


def distance(point, start, end):
    """From a point to a straight line between two others."""
    (px, py), (ax, ay), (bx, by) = point, start, end
    dx, dy = bx - ax, by - ay
    squared = dx * dx + dy * dy
    along = ((px - ax) * dx + (py - ay) * dy) / squared if squared else 0
    along = min(1, max(0, along))
    return math.hypot(px - ax - along * dx, py - ay - along * dy)


def image(strokes, pen):
    """Rows of grey levels: bright ink on black, the share of a pixel that the pen covers."""
    lines = [pair for stroke in strokes for pair in zip(stroke, stroke[1:])]
    places = [(sample + 0.5) / SAMPLES for sample in range(SAMPLES)]

    def level(x, y):
        middle = (x + 0.5, y + 0.5)
        near = [line for line in lines if distance(middle, *line) < pen / 2 + 1]
        covered = sum(
            any(distance((x + dx, y + dy), *line) < pen / 2 for line in near)
            for dx in places
            for dy in places
        )
        return round(255 * covered / SAMPLES**2)

    return [bytes(level(x, y) for x in range(SIDE)) for y in range(SIDE)]


def png(rows):
    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", SIDE, len(rows), 8, 0, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def main(path, each=80, seed=1):
    rng = random.Random(seed)
    with zipfile.ZipFile(path, "w") as archive:
        for name, shape in SHAPES.items():
            for number in range(each):
                picture = png(image(drawing(shape, rng), rng.uniform(2.6, 4.2)))
                # A date of its own would make other bytes each time.
                entry = zipfile.ZipInfo(f"shapes/{name}/{number:03}.png", (2026, 1, 1, 0, 0, 0))
                archive.writestr(entry, picture)


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    main(sys.argv[1], *map(int, sys.argv[2:]))
