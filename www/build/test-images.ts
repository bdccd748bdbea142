/**
 * Ships a few real test images of each data set for those who cannot draw: two of each class, the
 * first found in its test set. They are taken from the data set at build time and never committed.
 * A data set that scripts/data.sh could not fetch is left out, unless it is required.
 *
 * A file is a list of records of 787 bytes: the image's number in the test set (u16, little
 * endian), its label (u8), its 28×28 pixels row by row (0 background to 255 ink).
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin, ResolvedConfig } from 'vite';
import { datasets, type Dataset } from './datasets.ts';
import { readIdx } from './idx.ts';
import { answerWith } from './serve.ts';

const MODULE = 'virtual:test-images';
const PER_CLASS = 2;

/** The records of two images of each class, ordered by class, twice. */
function pickImages(folder: string, { shape, classes, files }: Dataset): Buffer {
  const pixels = shape[0] * shape[1];
  const images = readIdx(join(folder, files.test_images.name), 2051, 4, pixels);
  const labels = readIdx(join(folder, files.test_labels.name), 2049, 2, 1);
  const found: number[][] = classes.map(() => []);
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
      records.push(head, images.subarray(index * pixels, (index + 1) * pixels));
    });
  }
  return Buffer.concat(records);
}

export function testImages(): Plugin {
  let config: ResolvedConfig;
  const files = new Map<string, { path: string; count: number; records: Buffer }>();

  return {
    name: 'test-images',
    configResolved(resolved) {
      config = resolved;
    },
    buildStart() {
      for (const dataset of datasets(config.root)) {
        const folder = join(config.root, 'data', dataset.name);
        const isThere = existsSync(join(folder, dataset.files.test_images.name));
        if (!isThere && !dataset.required) continue;
        const records = pickImages(folder, dataset);
        const hash = createHash('sha256').update(records).digest('hex').slice(0, 8);
        const path = `test-images-${dataset.name}-${hash}.bin`;
        files.set(dataset.name, { path, count: dataset.classes.length * PER_CLASS, records });
      }
    },
    resolveId(id) {
      return id === MODULE ? `\0${MODULE}` : undefined;
    },
    load(id) {
      if (id !== `\0${MODULE}`) return undefined;
      const entries = [...files].map(([dataset, { path, count, records }]) => {
        if (config.command === 'build') {
          this.emitFile({ type: 'asset', fileName: path, source: records });
        }
        return [dataset, { path, count }];
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
