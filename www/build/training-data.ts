/**
 * Ships the training images in shards, so that a quick run fetches a quarter of a data set only.
 *
 * The shards are cut from the data sets at build time and never committed. Unpacked, a shard holds
 * the pixels of its images, 784 bytes each, and then their labels, a byte each. A data set that
 * scripts/data.sh could not fetch is left out, and the page says so.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Plugin, ResolvedConfig } from 'vite';
import { datasets, type Dataset } from './datasets.ts';
import { readIdx } from './idx.ts';
import { answerWith } from './serve.ts';

const MODULE = 'virtual:training-data';
const SHARD_IMAGES = 15_000;

/** A shard, as the build emits it and the development server answers it. */
interface Packed {
  /** Path below the page's own address. */
  path: string;
  gzip: Buffer;
  images: number;
  rawBytes: number;
  sha256: string;
}

function cut(folder: string, { name, shape, files }: Dataset): Packed[] {
  const pixels = shape[0] * shape[1];
  const images = readIdx(join(folder, files.train_images.name), 2051, 4, pixels);
  const labels = readIdx(join(folder, files.train_labels.name), 2049, 2, 1);
  const packed: Packed[] = [];
  for (let first = 0; first < labels.length; first += SHARD_IMAGES) {
    const end = Math.min(first + SHARD_IMAGES, labels.length);
    const raw = Buffer.concat([
      images.subarray(first * pixels, end * pixels),
      labels.subarray(first, end),
    ]);
    const sha256 = createHash('sha256').update(raw).digest('hex');
    packed.push({
      path: `training/${name}-${packed.length}-${sha256.slice(0, 8)}.bin`,
      gzip: gzipSync(raw),
      images: end - first,
      rawBytes: raw.length,
      sha256,
    });
  }
  return packed;
}

export function trainingData(): Plugin {
  let config: ResolvedConfig;
  const packed = new Map<string, Packed[]>();

  return {
    name: 'training-data',
    configResolved(resolved) {
      config = resolved;
    },
    buildStart() {
      for (const dataset of datasets(config.root)) {
        const folder = join(config.root, 'data', dataset.name);
        if (existsSync(join(folder, dataset.files.train_images.name))) {
          packed.set(dataset.name, cut(folder, dataset));
        }
      }
    },
    resolveId(id) {
      return id === MODULE ? `\0${MODULE}` : undefined;
    },
    load(id) {
      if (id !== `\0${MODULE}`) return undefined;
      const entries = [...packed].map(([dataset, shards]) => [
        dataset,
        shards.map(({ path, gzip, images, rawBytes, sha256 }) => {
          if (config.command === 'build') {
            this.emitFile({ type: 'asset', fileName: path, source: gzip });
          }
          return { path, images, gzipBytes: gzip.length, rawBytes, sha256 };
        }),
      ]);
      return `export default ${JSON.stringify(Object.fromEntries(entries))};`;
    },
    configureServer(server) {
      answerWith(server, () =>
        [...packed.values()].flat().map(({ path, gzip }) => ({ path, bytes: gzip })),
      );
    },
  };
}
