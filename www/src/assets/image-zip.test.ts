import { unzipSync, unzlibSync } from 'fflate';
import { expect, test } from 'vitest';
import { writeZip } from './image-zip.ts';

const CLASSES = ['T-shirt/top', 'Trouser'];
/** Every level, in no smooth order. */
const pixels = Uint8Array.from({ length: 784 }, (_, at) => (at * 37) & 255);

test('images are written as PNG into folders of their classes, whose names may have slashes', () => {
  const images = [0, 1].map((label) => ({ label, pixels: pixels.map((level) => level ^ label) }));
  const files = unzipSync(writeZip(images, CLASSES));
  expect(Object.keys(files)).toEqual(['T-shirt-top/0001.png', 'Trouser/0002.png']);
  Object.values(files).forEach((file, at) => {
    // The signature and the header take 33 bytes; then come the rows, each behind its filter.
    const length = new DataView(file.buffer, file.byteOffset).getUint32(33);
    const rows = unzlibSync(file.subarray(41, 41 + length));
    const read = Uint8Array.from({ length: 784 }, (_, pixel) => {
      return rows[Math.floor(pixel / 28) * 29 + 1 + (pixel % 28)] ?? 0;
    });
    expect(read).toEqual(images[at]?.pixels);
  });
});
