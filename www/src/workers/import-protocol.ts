/** The messages between the page and the Worker that reads images. */
import type { ImportOptions, ImportOutcome, LabelledOutcome } from '../wasm/types.ts';

/** A file with the folders that it lies in, joined by `/`. */
export interface PathedFile {
  path: string;
  file: File;
}

/** Files that become one set to be trained on. */
export interface SetRequest {
  type: 'set';
  /** Tells the answer from that to an earlier request. */
  id: number;
  program: WebAssembly.Module;
  /** What the file or folder is called. */
  name: string;
  files: readonly PathedFile[];
  options: ImportOptions;
}

/** Files of which the images of known classes are wanted. */
export interface LabelledRequest {
  type: 'labelled';
  id: number;
  program: WebAssembly.Module;
  files: readonly { name: string; bytes: Uint8Array<ArrayBuffer> }[];
  classes: readonly string[];
}

interface Failed {
  type: 'failed';
  id: number;
  message: string;
}

export type SetReply =
  | { type: 'progress'; id: number; fraction: number; images: number }
  | { type: 'outcome'; id: number; outcome: ImportOutcome }
  | Failed;

export type LabelledReply = { type: 'labelled'; id: number; outcome: LabelledOutcome } | Failed;
