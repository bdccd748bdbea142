/** The images of the data sets, fetched in shards: no more of them than somebody asks for. */
import shards from 'virtual:image-shards';
import type { Shard } from '../wasm/types.ts';
import { DownloadError, download, type DownloadOptions } from './download.ts';
import { isGzip, unzip } from './gzip.ts';

/** Which images of a data set: those that training may use, or those that are only ever evaluated. */
export type Split = 'training' | 'test';

/** A part of them, as the build cut it. */
export interface ShardFile {
  /** Address of the gzipped file, relative to the page. */
  path: string;
  images: number;
  gzipBytes: number;
  rawBytes: number;
  /** SHA-256 of the unpacked bytes, in hexadecimal. */
  sha256: string;
}

/** Names of the data sets that this page was built with. */
export const DATASETS: readonly string[] = Object.keys(shards.training);

/** All shards of a split; none, if the page was built without it. */
export const allShards = (dataset: string, split: Split): readonly ShardFile[] =>
  shards[split][dataset] ?? [];

/** How many images there are of a split. */
export const imageCount = (dataset: string, split: Split) =>
  allShards(dataset, split).reduce((sum, { images }) => sum + images, 0);

/** The shards that hold the last `images` images of a data set, in their order. */
export function shardsOf(dataset: string, images: number): readonly ShardFile[] {
  const all = shards.training[dataset] ?? [];
  let first = all.length;
  for (let found = 0; first > 0 && found < images; first -= 1) {
    found += all[first - 1]?.images ?? 0;
  }
  return all.slice(first);
}

/** The bytes of a run's shards. Their digests are checked where they are used, in the session. */
export async function fetchShards(
  dataset: string,
  images: number,
  { onProgress = () => {}, anew = false }: DownloadOptions,
): Promise<Shard[]> {
  const files = shardsOf(dataset, images);
  if (files.length === 0) {
    throw new DownloadError(`This page was built without the images of ${dataset}.`);
  }
  const fractions = files.map(() => 0);
  const total = files.reduce((sum, file) => sum + file.gzipBytes, 0);
  return Promise.all(
    files.map(async (file, index) => {
      const bytes = await download(
        file.path,
        'the training images',
        (head) => (isGzip(head) ? file.gzipBytes : file.rawBytes),
        {
          anew,
          onProgress(fraction) {
            fractions[index] = fraction;
            const done = files.reduce((sum, { gzipBytes }, at) => {
              return sum + gzipBytes * (fractions[at] ?? 0);
            }, 0);
            onProgress(done / total);
          },
        },
      );
      return { sha256: file.sha256, bytes: await unzip(bytes, 'the training images') };
    }),
  );
}
