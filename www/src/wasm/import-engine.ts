/** The importer of images, in a Worker. */
import init, { ImageImporter, mostBytes } from '../../../pkg/import/import.js';
import type { ImportOptions } from './types.ts';

export type { ImageImporter };

/** An importer, and the most bytes of a file that it reads. */
export async function openImporter(
  program: WebAssembly.Module,
  options: ImportOptions,
): Promise<{ importer: ImageImporter; most: number }> {
  await init({ module_or_path: program });
  return { importer: new ImageImporter(options), most: mostBytes() };
}
