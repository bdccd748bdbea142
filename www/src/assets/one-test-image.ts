/** Any image of a test set, by its number. */
import { sha256, startModule } from '../wasm/certify.ts';
import { pixelsOf, shardOf } from './labelled-images.ts';
import type { TestImage } from './test-images.ts';

/** Fetches the shard that holds the image. Throws a `DownloadError` where there is none. */
export async function fetchTestImage(dataset: string, index: number): Promise<TestImage> {
  await startModule();
  const shard = await shardOf(dataset, 'test', index, sha256);
  const label = shard.labels[index - shard.first] ?? 0;
  return { index, label, pixels: pixelsOf(shard, index).slice() };
}
