/** Files that are picked or dropped, with the folders that they lie in. */
import { count } from '../copy.ts';
import type { PathedFile } from '../workers/import-protocol.ts';

/** More files than this are not looked for in a folder. */
const MOST_FILES = 200_000;

/** What is said where there are more. */
export const BEYOND_MOST = `Only the first ${count(MOST_FILES)} files were looked at.`;

export interface Dropped {
  files: readonly PathedFile[];
  /** Whether there are more, which were not looked for. */
  isCut: boolean;
}

/** The files of an input, by their paths. */
export const pickedFiles = (files: FileList | null): PathedFile[] =>
  Array.from(files ?? [], pathed);

const pathed = (file: File): PathedFile => ({ path: file.webkitRelativePath || file.name, file });

/** Finds the files of an entry. Says whether there was room for all. */
async function walk(entry: FileSystemEntry, found: PathedFile[]): Promise<boolean> {
  const path = entry.fullPath.replace(/^\//, '');
  if (entry.isFile) {
    if (found.length >= MOST_FILES) return false;
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    found.push({ path, file });
    return true;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return true;
    for (const one of some) if (!(await walk(one, found))) return false;
  }
}

/** The files that were dropped, those in folders among them. Throws what the browser throws. */
export async function droppedFiles({ items }: DataTransfer): Promise<Dropped> {
  // Entries and files are gone after the first wait.
  const given = Array.from(items, (item) => item.webkitGetAsEntry() ?? item.getAsFile());
  const files: PathedFile[] = [];
  let isCut = false;
  for (const one of given) {
    if (one instanceof File) files.push(pathed(one));
    else if (one && !(await walk(one, files))) isCut = true;
  }
  files.sort((one, other) => (one.path < other.path ? -1 : 1));
  return { files, isCut };
}
