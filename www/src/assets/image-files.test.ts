import { zipSync, zlibSync } from 'fflate';
import { expect, test } from 'vitest';
import { readImageFiles, readZip, writeZip } from './image-files.ts';
import { readPng, writePng } from './png.ts';

const CLASSES = ['T-shirt/top', 'Trouser', 'Bag'];
/** Every level, in no smooth order. */
const pixels = Uint8Array.from({ length: 784 }, (_, at) => (at * 37) & 255);

const idx = (shape: readonly number[], data: Uint8Array) => {
  const bytes = new Uint8Array(4 + 4 * shape.length + data.length);
  bytes.set([0, 0, 8, shape.length]);
  shape.forEach((size, at) => new DataView(bytes.buffer).setUint32(4 + 4 * at, size));
  bytes.set(data, 4 + 4 * shape.length);
  return bytes;
};

/** A PNG file with other parts in place of its own: its header's bytes 8 to 12 and its rows. */
function png(kind: readonly number[], rows: Uint8Array): Uint8Array {
  const plain = writePng(pixels, 28);
  // The checksum of the header is recomputed by writing it anew with a table of the test's own.
  const crc = (bytes: Uint8Array) => {
    let value = -1;
    for (const byte of bytes) {
      value ^= byte;
      for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (0xedb88320 & -(value & 1));
    }
    return ~value >>> 0;
  };
  const chunk = (type: string, data: Uint8Array) => {
    const bytes = new Uint8Array(12 + data.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, data.length);
    bytes.set(new TextEncoder().encode(type), 4);
    bytes.set(data, 8);
    view.setUint32(8 + data.length, crc(bytes.subarray(4, 8 + data.length)));
    return bytes;
  };
  const head = plain.slice(16, 29);
  head.set(kind, 8);
  const parts = [
    plain.subarray(0, 8),
    chunk('IHDR', head),
    chunk('IDAT', zlibSync(rows)),
    chunk('IEND', new Uint8Array()),
  ];
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

test('a PNG gives back the very levels', () => {
  expect(readPng(writePng(pixels, 28), 28)).toEqual(pixels);
});

test('every filter of the format, colours and what is transparent are read as on the command line', () => {
  const grey = new Uint8Array(28 * 29);
  // A gradient by differences: each filter predicts from its neighbours.
  for (let row = 0; row < 28; row += 1) grey.set([row % 5, ...Array<number>(28).fill(3)], row * 29);
  const levels = readPng(png([8, 0, 0, 0, 0], grey), 28);
  expect(levels.slice(0, 3)).toEqual(Uint8Array.from([3, 3, 3]));
  // Left: each pixel is 3 more than the one before. Up: 3 more than the one above. The mean, Paeth.
  expect(levels.slice(28, 31)).toEqual(Uint8Array.from([3, 6, 9]));
  expect(levels.slice(56, 59)).toEqual(Uint8Array.from([6, 9, 12]));
  expect(levels.slice(84, 86)).toEqual(Uint8Array.from([6, 10]));
  expect(levels.slice(112, 114)).toEqual(Uint8Array.from([9, 13]));

  const coloured = new Uint8Array(28 * (1 + 28 * 4));
  coloured.set([0, 255, 0, 0, 255, 200, 200, 200, 128], 0);
  expect(readPng(png([8, 6, 0, 0, 0], coloured), 28).slice(0, 3)).toEqual(
    Uint8Array.from([76, 100, 0]),
  );
});

test('a damaged, short or other PNG is refused', () => {
  const file = writePng(pixels, 28);
  const damaged = file.slice();
  damaged[60] = (damaged[60] ?? 0) ^ 1;
  expect(() => readPng(damaged, 28)).toThrow();
  expect(() => readPng(file.subarray(0, 100), 28)).toThrow();
  expect(() => readPng(file, 32)).toThrow('28');
  expect(() => readPng(png([16, 0, 0, 0, 0], new Uint8Array(28 * 57)), 28)).toThrow();
});

test('images come back from a zip with their classes, whose names may have slashes', () => {
  const images = [0, 2, 1].map((label) => ({
    label,
    pixels: pixels.map((level) => level ^ label),
  }));
  const { images: read, problems } = readZip('mine.zip', writeZip(images, CLASSES), CLASSES);
  expect(problems).toEqual([]);
  expect(read).toHaveLength(3);
  expect(read).toEqual(expect.arrayContaining(images));
});

test('what cannot be read in a zip is named, and the rest is read', () => {
  const good = writePng(pixels, 28);
  const zip = zipSync({
    'Bag/one.png': good,
    'Shoe/two.png': good,
    'Bag/three.png': good.subarray(0, 50),
    'Bag/huge.png': new Uint8Array(200_000),
    'notes.txt': new Uint8Array(9),
  });
  const { images, problems } = readZip('mine.zip', zip, CLASSES);
  expect(images).toEqual([{ pixels, label: 2 }]);
  expect(problems).toHaveLength(3);
  for (const name of ['two.png', 'three.png', 'huge.png']) {
    expect(problems.some((problem) => problem.includes(name))).toBe(true);
  }
});

test('a pair of IDX files is read in either order, and a label that is none is left out', async () => {
  const files = [
    { name: 'labels', bytes: idx([2], Uint8Array.from([1, 9])) },
    { name: 'images', bytes: idx([2, 28, 28], new Uint8Array([...pixels, ...pixels])) },
  ];
  for (const pair of [files, files.toReversed()]) {
    const { images, problems } = await readImageFiles(pair, CLASSES, 100);
    expect(images).toEqual([{ pixels, label: 1 }]);
    expect(problems).toHaveLength(1);
  }
  // What has no partner, or is cut, is named.
  const [labels, images] = files;
  if (!labels || !images) throw new Error('there are two');
  const alone = await readImageFiles([labels], CLASSES, 100);
  expect(alone).toMatchObject({ images: [], failed: [expect.stringContaining('labels')] });
  const cut = { name: 'images', bytes: images.bytes.slice(0, 900) };
  const read = await readImageFiles([labels, cut], CLASSES, 100);
  expect(read).toMatchObject({ images: [], failed: [expect.stringContaining('images')] });
});

test('of several files each that is bad is named, and all others are read', async () => {
  const zip = (label: number) => new Uint8Array(writeZip([{ pixels, label }], CLASSES));
  const pair = (stem: string, label: number) => [
    { name: `${stem}-images-idx3-ubyte`, bytes: idx([1, 28, 28], pixels) },
    { name: `${stem}-labels-idx1-ubyte`, bytes: idx([1], Uint8Array.of(label)) },
  ];
  const [lonely] = pair('lonely', 0);
  if (!lonely) throw new Error('there are two');
  const { images, problems, failed } = await readImageFiles(
    [
      { name: 'cut.zip', bytes: zip(0).slice(0, 60) },
      { name: 'good.zip', bytes: zip(0) },
      ...pair('train', 1),
      lonely,
      { name: 'packed.gz', bytes: Uint8Array.of(0x1f, 0x8b, 8, 0, 1) },
      { name: 'notes.txt', bytes: Uint8Array.of(1, 2, 3) },
      ...pair('t10k', 2),
    ],
    CLASSES,
    100,
  );
  expect(images.map(({ label }) => label)).toEqual([0, 1, 2]);
  expect(problems).toEqual([]);
  const named = ['cut.zip', 'packed.gz', 'notes.txt', 'lonely-images-idx3-ubyte'];
  expect(failed).toHaveLength(named.length);
  for (const name of named) expect(failed.filter((one) => one.includes(name))).toHaveLength(1);
});
