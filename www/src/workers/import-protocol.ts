/** The messages between the page and the Worker that reads images. */
import type { ImportOptions, ImportOutcome } from '../wasm/types.ts';

/** A file with the folders that it lies in, joined by `/`. */
export interface PathedFile {
  path: string;
  file: File;
}

export interface Request {
  type: 'read';
  /** Tells the answer from that to an earlier request. */
  id: number;
  program: WebAssembly.Module;
  /** What the file or folder is called. */
  name: string;
  files: readonly PathedFile[];
  options: ImportOptions;
}

export type Reply =
  | { type: 'progress'; id: number; fraction: number; images: number }
  | { type: 'outcome'; id: number; outcome: ImportOutcome }
  | { type: 'failed'; id: number; message: string };
