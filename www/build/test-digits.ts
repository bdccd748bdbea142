/**
 * Ships a few real test digits for those who cannot draw: two of each class, the first found in
 * MNIST's test set. They are taken from the data set at build time and never committed.
 *
 * The file is a list of records of 787 bytes: the image's number in the test set (u16, little
 * endian), its label (u8), its 28×28 pixels row by row (0 background to 255 ink).
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Plugin, ResolvedConfig } from 'vite';
import { readIdx } from './idx.ts';

const MODULE = 'virtual:test-digits';
const CLASSES = 10;
const PER_CLASS = 2;
const PIXELS = 28 * 28;

/** The records of two digits of each class, ordered 0 … 9, 0 … 9. */
function pickDigits(folder: string): Buffer {
  const images = readIdx(join(folder, 't10k-images-idx3-ubyte'), 2051, 4, PIXELS);
  const labels = readIdx(join(folder, 't10k-labels-idx1-ubyte'), 2049, 2, 1);
  const found: number[][] = Array.from({ length: CLASSES }, () => []);
  labels.forEach((label, index) => {
    const ofClass = found[label];
    if (ofClass && ofClass.length < PER_CLASS) ofClass.push(index);
  });
  const records: Buffer[] = [];
  for (let turn = 0; turn < PER_CLASS; turn += 1) {
    found.forEach((ofClass, label) => {
      const index = ofClass[turn];
      if (index === undefined) throw new Error(`the test set has too few images of class ${label}`);
      const head = Buffer.alloc(3);
      head.writeUInt16LE(index, 0);
      head.writeUInt8(label, 2);
      records.push(head, images.subarray(index * PIXELS, (index + 1) * PIXELS));
    });
  }
  return Buffer.concat(records);
}

export function testDigits(): Plugin {
  let config: ResolvedConfig;
  let digits: { path: string; records: Buffer };

  return {
    name: 'test-digits',
    configResolved(resolved) {
      config = resolved;
    },
    buildStart() {
      const records = pickDigits(join(config.root, 'data/mnist'));
      const hash = createHash('sha256').update(records).digest('hex').slice(0, 8);
      digits = { path: `test-digits-${hash}.bin`, records };
    },
    resolveId(id) {
      return id === MODULE ? `\0${MODULE}` : undefined;
    },
    load(id) {
      if (id !== `\0${MODULE}`) return undefined;
      const { path, records } = digits;
      if (config.command === 'build') {
        this.emitFile({ type: 'asset', fileName: path, source: records });
      }
      return `export default ${JSON.stringify({ path, count: CLASSES * PER_CLASS })};`;
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        if (!request.url?.endsWith(`/${digits.path}`)) return next();
        response.setHeader('Content-Type', 'application/octet-stream');
        response.end(digits.records);
      });
    },
  };
}
