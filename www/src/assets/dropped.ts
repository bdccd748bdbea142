/** Files that are picked or dropped, with the folders that they lie in. */
import type { PathedFile } from '../workers/import-protocol.ts';

/** More files than this are not looked for in a folder. */
const MOST_FILES = 200_000;

/** The files of an input, by their paths. */
export const pickedFiles = (files: FileList | null): PathedFile[] =>
  Array.from(files ?? [], (file) => ({ path: file.webkitRelativePath || file.name, file }));

async function walk(entry: FileSystemEntry, found: PathedFile[]) {
  if (found.length >= MOST_FILES) return;
  const path = entry.fullPath.replace(/^\//, '');
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    found.push({ path, file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return;
    for (const one of some) await walk(one, found);
  }
}

/** The files that were dropped, those in folders among them. */
export async function droppedFiles({ items, files }: DataTransfer): Promise<PathedFile[]> {
  // Entries are gone after the first wait.
  const entries = Array.from(items, (item) => item.webkitGetAsEntry());
  const found: PathedFile[] = [];
  if (entries.every((entry) => entry === null)) return pickedFiles(files);
  for (const entry of entries) if (entry) await walk(entry, found);
  return found.sort((one, other) => (one.path < other.path ? -1 : 1));
}
