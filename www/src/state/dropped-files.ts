/**
 * What becomes of a file that a visitor picks or drops on the page.
 *
 * Each kind of file is one entry of `KINDS`: how it is told by its name and its first bytes, and who
 * takes it. A file is read once its kind is known, and no file is ever sent anywhere.
 */
import { message } from '../assets/download.ts';
import { count } from '../copy.ts';
import type { PathedFile } from '../workers/import-protocol.ts';
import type { AppState } from './app.svelte.ts';
import { CERTIFICATE } from './certificate-files.ts';
import { NO_FILES, beyond, type Dropped } from './given-files.ts';
import { imagesKind } from './image-import.ts';
import { modelKind } from './model-files.ts';

/** A file that was read. */
export interface GivenFile {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** What the kind of a file is told by. */
export interface FileHead extends PathedFile {
  /** Its first bytes. */
  head: Uint8Array<ArrayBuffer>;
}

interface Kind {
  /** "a network (.safetensors)". */
  called: string;
  /** Whether the file is of this kind. */
  matches(file: FileHead): boolean;
}

/** A kind whose files are taken one by one. */
interface SingleKind extends Kind {
  /** Takes a file. The answer says what was done. An error's message is shown. */
  take(app: AppState, file: GivenFile): Promise<string>;
}

/** A kind whose files belong together. */
interface GroupKind extends Kind {
  /** Takes the files of one drop. What is wrong with one of them keeps none of the others out. */
  takeAll(app: AppState, files: readonly GivenFile[]): Promise<Outcome>;
}

/** A kind of file that the page takes. */
export type FileKind = SingleKind | GroupKind;

/** What came of the files: a sentence for each. */
export interface Outcome {
  ok: boolean;
  message: string;
}

/** The largest file that is read: no network or picture of the page comes near. */
export const MOST_BYTES = 256 * 1024 * 1024;
/** So many first bytes tell the kind. */
const HEAD_BYTES = 128;

/** Every kind, the first that matches takes the file. */
export const KINDS: readonly FileKind[] = [modelKind, CERTIFICATE, imagesKind];

const called = (kinds: readonly FileKind[]) => kinds.map((kind) => kind.called).join(', ');

async function read(blob: Blob, path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await blob.arrayBuffer());
  } catch (cause) {
    throw new Error(`${path} cannot be read: ${message(cause)}`, { cause });
  }
}

/** Gives each file to its kind. What cannot be taken is said, and the rest is taken. */
export async function takeFiles(
  app: AppState,
  files: readonly (File | PathedFile)[],
  kinds: readonly FileKind[] = KINDS,
): Promise<Outcome> {
  const messages: string[] = [];
  let ok = files.length > 0;
  const fail = (sentence: string) => {
    ok = false;
    messages.push(sentence);
  };
  const attempt = async (take: () => Promise<Outcome | string | null>) => {
    try {
      const outcome = await take();
      if (typeof outcome === 'string') messages.push(outcome);
      else if (outcome?.ok) messages.push(outcome.message);
      else if (outcome) fail(outcome.message);
    } catch (cause) {
      fail(message(cause));
    }
  };
  const groups = new Map<GroupKind, GivenFile[]>();
  const unknown: string[] = [];
  for (const one of files) {
    const { path, file } = one instanceof File ? { path: one.name, file: one } : one;
    await attempt(async () => {
      const head = await read(file.slice(0, HEAD_BYTES), path);
      const kind = kinds.find((candidate) => candidate.matches({ path, file, head }));
      if (!kind) {
        unknown.push(path);
        return null;
      }
      if (file.size > MOST_BYTES) {
        throw new Error(
          `${path} is larger than ${MOST_BYTES / 1024 / 1024} MB, so it is not read.`,
        );
      }
      const given = { name: file.name, bytes: await read(file, path) };
      if ('take' in kind) return kind.take(app, given);
      groups.set(kind, [...(groups.get(kind) ?? []), given]);
      return null;
    });
  }
  for (const [kind, ones] of groups) await attempt(() => kind.takeAll(app, ones));
  const [first] = unknown;
  if (first !== undefined) {
    const which =
      unknown.length === 1
        ? `${first} is no file`
        : `${count(unknown.length)} files, ${first} among them, are none`;
    fail(`${which} that this page takes: ${called(kinds)}.`);
  }
  return { ok, message: messages.join(' ') };
}

/** Takes what was dropped on the page, files in folders as well. */
export async function takeDrop(app: AppState, dropped: Dropped): Promise<Outcome> {
  const { files } = dropped;
  const others = beyond(dropped);
  if (files.length === 0) return { ok: false, message: others || NO_FILES };
  const { ok, message } = await takeFiles(app, files);
  return others ? { ok: false, message: `${message} ${others}` } : { ok, message };
}
