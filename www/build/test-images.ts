/**
 * Ships a few real test images of each data set for those who cannot draw: two of each class, the
 * first found in its test set. They are taken from the data set at build time and never committed.
 * A data set that scripts/data.sh could not fetch is left out; MNIST has to be there.
 *
 * A file is a list of records of 787 bytes: the image's number in the test set (u16, little
 * endian), its label (u8), its 28×28 pixels row by row (0 background to 255 ink).
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin, ResolvedConfig } from 'vite';
import { readIdx } from './idx.ts';
import { answerWith } from './serve.ts';

const MODULE = 'virtual:test-images';
const DATASETS = ['mnist', 'fashion-mnist'];
const CLASSES = 10;
const PER_CLASS = 2;
const PIXELS = 28 * 28;

/** The records of two images of each class, ordered 0 … 9, 0 … 9. */
function pickImages(folder: string): Buffer {
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

export function testImages(): Plugin {
  let config: ResolvedConfig;
  const files = new Map<string, { path: string; records: Buffer }>();

  return {
    name: 'test-images',
    configResolved(resolved) {
      config = resolved;
    },
    buildStart() {
      for (const dataset of DATASETS) {
        const folder = join(config.root, 'data', dataset);
        const there = existsSync(join(folder, 't10k-images-idx3-ubyte'));
        if (!there && dataset !== 'mnist') continue;
        const records = pickImages(folder);
        const hash = createHash('sha256').update(records).digest('hex').slice(0, 8);
        files.set(dataset, { path: `test-images-${dataset}-${hash}.bin`, records });
      }
    },
    resolveId(id) {
      return id === MODULE ? `\0${MODULE}` : undefined;
    },
    load(id) {
      if (id !== `\0${MODULE}`) return undefined;
      const entries = [...files].map(([dataset, { path, records }]) => {
        if (config.command === 'build') {
          this.emitFile({ type: 'asset', fileName: path, source: records });
        }
        return [dataset, { path, count: CLASSES * PER_CLASS }];
      });
      return `export default ${JSON.stringify(Object.fromEntries(entries))};`;
    },
    configureServer(server) {
      answerWith(server, () =>
        [...files.values()].map(({ path, records }) => ({ path, bytes: records })),
      );
    },
  };
}
