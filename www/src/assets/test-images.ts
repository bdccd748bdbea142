/** The real test images that the page offers to those who cannot draw. */
import files from 'virtual:test-images';
import { download, type DownloadOptions } from './download.ts';
import { SIDE, type Pixels } from './pixels.ts';

/** One image of a test set. */
export interface TestImage {
  /** Its number in the test set, counted from 0. */
  index: number;
  /** Its label in the data set. */
  label: number;
  pixels: Pixels;
}

const RECORD = 3 + SIDE * SIDE;

/** How many there are of a data set: known before they come. */
export function testImageCount(dataset: string): number {
  return files[dataset]?.count ?? 0;
}

/** Those of a data set, in the order in which the build stored them; none, if it was not there. */
export async function fetchTestImages(
  dataset: string,
  options: DownloadOptions,
): Promise<TestImage[]> {
  const file = files[dataset];
  if (!file) return [];
  const what = dataset === 'mnist' ? 'the test digits' : 'the test images';
  const bytes = await download(file.path, what, () => file.count * RECORD, options);
  const view = new DataView(bytes.buffer);
  return Array.from({ length: file.count }, (_, record) => {
    const at = record * RECORD;
    return {
      index: view.getUint16(at, true),
      label: view.getUint8(at + 2),
      pixels: bytes.subarray(at + 3, at + RECORD),
    };
  });
}
