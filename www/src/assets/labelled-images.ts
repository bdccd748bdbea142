/**
 * Images with their labels, a shard at a time, each checked against its SHA-256 before a pixel is used.
 *
 * A shard stays in memory once it has come: one set of 10,000 images takes 8 MB.
 */
import { digestOf, type Digest } from './digest.ts';
import { DownloadError, download, type DownloadOptions } from './download.ts';
import { isGzip, unzip } from './gzip.ts';
import { allShards, type ShardFile, type Split } from './image-shards.ts';
import { SIDE, type Pixels } from './pixels.ts';

const PIXELS = SIDE * SIDE;

export interface LabelledImages {
  /** Number of the first in its split. */
  first: number;
  count: number;
  /** `[count, 784]`. */
  pixels: Uint8Array<ArrayBuffer>;
  /** `[count]`. */
  labels: Uint8Array<ArrayBuffer>;
}

const WHAT: Record<Split, string> = { test: 'the test images', training: 'the training images' };

async function fetchShard(
  file: ShardFile,
  first: number,
  split: Split,
  digest: Digest,
  options: DownloadOptions,
): Promise<LabelledImages> {
  const what = WHAT[split];
  const expected = (head: Uint8Array) => (isGzip(head) ? file.gzipBytes : file.rawBytes);
  const bytes = await unzip(await download(file.path, what, expected, options), what);
  if (bytes.length !== file.rawBytes || (await digestOf(bytes, digest)) !== file.sha256) {
    throw new DownloadError(`The file of ${what} is not the one that this page was built with.`);
  }
  const end = file.images * PIXELS;
  return {
    first,
    count: file.images,
    pixels: bytes.subarray(0, end),
    labels: bytes.subarray(end),
  };
}

const loaded = new Map<ShardFile, Promise<LabelledImages>>();

/** The shard of a split that holds image `index`. Throws a `DownloadError`. */
export async function shardOf(
  dataset: string,
  split: Split,
  index: number,
  digest: Digest,
  options: DownloadOptions = {},
): Promise<LabelledImages> {
  let first = 0;
  for (const file of allShards(dataset, split)) {
    if (index < first + file.images) {
      let shard = loaded.get(file);
      if (!shard) {
        shard = fetchShard(file, first, split, digest, options);
        loaded.set(file, shard);
        // What failed is asked for again.
        shard.catch(() => loaded.delete(file));
      }
      return shard;
    }
    first += file.images;
  }
  throw new DownloadError(
    first === 0
      ? `This page was built without ${WHAT[split]} of ${dataset}.`
      : `There is no image ${index} among ${WHAT[split]} of ${dataset}.`,
  );
}

/** The pixels of image `index` of a split, which lies in this shard. */
export function pixelsOf(shard: LabelledImages, index: number): Pixels {
  const at = (index - shard.first) * PIXELS;
  return shard.pixels.subarray(at, at + PIXELS);
}
