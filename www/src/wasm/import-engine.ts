/** The importer of images, in a Worker. */
import init, { ImageImporter, mostBytes } from '../../../pkg/import/import.js';
import type { ImportOptions, LabelledOutcome } from './types.ts';

export type { ImageImporter };

/** An importer, and the most bytes of a file that it reads. */
export async function openImporter(
  program: WebAssembly.Module,
  options: ImportOptions,
): Promise<{ importer: ImageImporter; most: number }> {
  await init({ module_or_path: program });
  return { importer: new ImageImporter(options), most: mostBytes() };
}

/** Images as they are: of their levels nothing is changed, and what is transparent is black. */
const AS_THEY_ARE: ImportOptions = {
  transposed: false,
  ink: 'bright',
  centred: false,
  split_seed: 0,
};

/** The images of known classes in files. */
export async function readLabelled(
  program: WebAssembly.Module,
  files: readonly { name: string; bytes: Uint8Array }[],
  classes: readonly string[],
): Promise<LabelledOutcome> {
  await init({ module_or_path: program });
  const importer = ImageImporter.ofClasses(AS_THEY_ARE, [...classes]);
  for (const { name, bytes } of files) importer.add(name, bytes);
  return importer.finishLabelled();
}
