/** Files that are picked or dropped, with the folders that they lie in. */
import { count } from '../copy.ts';
import type { PathedFile } from '../workers/import-protocol.ts';

/** More files than this are not looked for in a folder. */
const MOST_FILES = 200_000;

/** What is said of a drop that brings nothing. */
export const NO_FILES = 'There are no files in this folder.';

export interface Dropped {
  files: readonly PathedFile[];
  /** Whether there are more, which were not looked for. */
  isCut: boolean;
  /** The paths of files and folders that the browser does not open. */
  unopened: readonly string[];
}

/** What of a drop was not looked at, in sentences; empty if all was. */
export function beyond({ isCut, unopened: [first, ...others] }: Dropped): string {
  const sentences: string[] = [];
  if (isCut) sentences.push(`Only the first ${count(MOST_FILES)} files were looked at.`);
  if (first !== undefined) {
    const more = others.length > 0 ? ` and ${count(others.length)} more` : '';
    sentences.push(`The browser could not open ${first}${more}.`);
  }
  return sentences.join(' ');
}

const pathed = (file: File): PathedFile => ({ path: file.webkitRelativePath || file.name, file });

/** The files of an input, by their paths. */
export const pickedFiles = (files: FileList | null): PathedFile[] =>
  Array.from(files ?? [], pathed);

/** Finds the files of an entry. Says whether there was room for all. */
async function walk(
  entry: FileSystemEntry,
  found: PathedFile[],
  unopened: string[],
): Promise<boolean> {
  const path = entry.fullPath.replace(/^\//, '');
  try {
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
      for (const one of some) if (!(await walk(one, found, unopened))) return false;
    }
  } catch {
    unopened.push(path);
    return true;
  }
}

/**
 * The files that were dropped, those in folders among them. It is to be called while the event is handled.
 * What cannot be opened is named, and the rest is found.
 */
export async function droppedFiles({ items }: DataTransfer): Promise<Dropped> {
  // Entries and files are gone after the first wait.
  const given = Array.from(items, (item) => item.webkitGetAsEntry() ?? item.getAsFile());
  const files: PathedFile[] = [];
  const unopened: string[] = [];
  let isCut = false;
  for (const one of given) {
    if (one instanceof File) files.push(pathed(one));
    else if (one && !(await walk(one, files, unopened))) isCut = true;
  }
  files.sort((one, other) => (one.path < other.path ? -1 : 1));
  return { files, isCut, unopened };
}
