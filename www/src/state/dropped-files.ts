/**
 * What becomes of a file that a visitor picks or drops on the page.
 *
 * Each kind of file is one entry of `KINDS`: how it is told by its name and its first bytes, and who
 * takes it. A file is read once, and no file is ever sent anywhere.
 */
import { message } from '../assets/download.ts';
import type { AppState } from './app.svelte.ts';
import { CERTIFICATE } from './certificate-files.ts';
import { imagesKind } from './image-import.ts';
import { modelKind } from './model-files.ts';

/** A file that was read. */
export interface GivenFile {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** A kind of file that the page takes. */
export interface FileKind {
  /** "a network (.safetensors)". */
  called: string;
  /** Whether the file is of this kind, by its name and its bytes. */
  matches(file: GivenFile): boolean;
  /** Takes the files of one drop. The answer says what was done. An error's message is shown. */
  take(app: AppState, files: readonly GivenFile[]): Promise<string>;
}

/** What came of the files: a sentence for each kind. */
export interface Outcome {
  ok: boolean;
  message: string;
}

/** The largest file that is read: no network or picture of the page comes near. */
export const MOST_BYTES = 256 * 1024 * 1024;

/** Whether the bytes begin like this text. */
export const beginsWith = ({ bytes }: GivenFile, head: string) =>
  bytes.length >= head.length &&
  Array.from(head).every((letter, at) => bytes[at] === letter.charCodeAt(0));

/** Every kind, the first that matches takes the file. */
export const KINDS: readonly FileKind[] = [modelKind, CERTIFICATE, imagesKind];

const called = (kinds: readonly FileKind[]) => kinds.map((kind) => kind.called).join(', ');

/** Reads the files, and gives each to its kind. */
export async function takeFiles(
  app: AppState,
  files: readonly File[],
  kinds: readonly FileKind[] = KINDS,
): Promise<Outcome> {
  const messages: string[] = [];
  let ok = files.length > 0;
  const fail = (sentence: string) => {
    ok = false;
    messages.push(sentence);
  };
  const given = new Map<FileKind, GivenFile[]>();
  for (const file of files) {
    if (file.size > MOST_BYTES) {
      fail(`${file.name} is larger than ${MOST_BYTES / 1024 / 1024} MB, so it is not read.`);
      continue;
    }
    try {
      const one = { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) };
      const kind = kinds.find((candidate) => candidate.matches(one));
      if (kind) given.set(kind, [...(given.get(kind) ?? []), one]);
      else fail(`${file.name} is no file that this page takes: ${called(kinds)}.`);
    } catch (cause) {
      fail(`${file.name} cannot be read: ${message(cause)}`);
    }
  }
  for (const [kind, ones] of given) {
    try {
      messages.push(await kind.take(app, ones));
    } catch (cause) {
      fail(message(cause));
    }
  }
  return { ok, message: messages.join(' ') };
}
