/**
 * Ships the images of the data sets in shards, test and training images apart, so that a quick run
 * fetches a quarter of a training set only and one test image a quarter of a test set.
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

const MODULE = 'virtual:image-shards';

/** Where the shards of a split lie below the page's own address, and how many images they hold. */
const SPLITS = {
  training: { folder: 'training', images: 'train_images', labels: 'train_labels', most: 15_000 },
  test: { folder: 'testing', images: 'test_images', labels: 'test_labels', most: 2_500 },
} as const;
type Split = keyof typeof SPLITS;

/** A shard, as the build emits it and the development server answers it. */
interface Packed {
  /** Path below the page's own address. */
  path: string;
  gzip: Buffer;
  images: number;
  rawBytes: number;
  sha256: string;
}

function cut(root: string, { name, shape, files }: Dataset, split: Split): Packed[] {
  const { folder, images: imagesOf, labels: labelsOf, most } = SPLITS[split];
  const data = join(root, 'data', name);
  if (!existsSync(join(data, files[imagesOf].name))) return [];
  const pixels = shape[0] * shape[1];
  const images = readIdx(join(data, files[imagesOf].name), 2051, 4, pixels);
  const labels = readIdx(join(data, files[labelsOf].name), 2049, 2, 1);
  const packed: Packed[] = [];
  for (let first = 0; first < labels.length; first += most) {
    const end = Math.min(first + most, labels.length);
    const raw = Buffer.concat([
      images.subarray(first * pixels, end * pixels),
      labels.subarray(first, end),
    ]);
    const sha256 = createHash('sha256').update(raw).digest('hex');
    packed.push({
      path: `${folder}/${name}-${packed.length}-${sha256.slice(0, 8)}.bin`,
      gzip: gzipSync(raw),
      images: end - first,
      rawBytes: raw.length,
      sha256,
    });
  }
  return packed;
}

export function imageShards(): Plugin {
  let config: ResolvedConfig;
  const packed: Record<Split, Map<string, Packed[]>> = { training: new Map(), test: new Map() };
  const each = Object.entries(packed) as [Split, Map<string, Packed[]>][];

  return {
    name: 'image-shards',
    configResolved(resolved) {
      config = resolved;
    },
    buildStart() {
      for (const [split, ofSplit] of each) {
        for (const dataset of datasets(config.root)) {
          const shards = cut(config.root, dataset, split);
          if (shards.length > 0) ofSplit.set(dataset.name, shards);
        }
      }
    },
    resolveId(id) {
      return id === MODULE ? `\0${MODULE}` : undefined;
    },
    load(id) {
      if (id !== `\0${MODULE}`) return undefined;
      const listed = ({ path, gzip, images, rawBytes, sha256 }: Packed) => {
        if (config.command === 'build') {
          this.emitFile({ type: 'asset', fileName: path, source: gzip });
        }
        return { path, images, gzipBytes: gzip.length, rawBytes, sha256 };
      };
      const splits = each.map(([split, ofSplit]) => {
        const sets = [...ofSplit].map(([dataset, shards]) => [dataset, shards.map(listed)]);
        return [split, Object.fromEntries(sets) as unknown];
      });
      return `export default ${JSON.stringify(Object.fromEntries(splits))};`;
    },
    configureServer(server) {
      answerWith(server, () =>
        each.flatMap(([, ofSplit]) =>
          [...ofSplit.values()].flat().map(({ path, gzip }) => ({ path, bytes: gzip })),
        ),
      );
    },
  };
}
