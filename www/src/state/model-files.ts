/** Model files that a visitor gives: read, put on the list of this browser's networks, and run on. */
import { message } from '../assets/download.ts';
import { isGzip, unzip } from '../assets/gzip.ts';
import { SHIPPED, ownName } from '../assets/networks.ts';
import type { FileHead, FileKind, GivenFile } from './dropped-files.ts';
import { fileHash } from './network.svelte.ts';

/** A safetensors file begins with the length of its header, which is JSON. */
const isSafetensors = ({ head }: FileHead) => head[8] === '{'.charCodeAt(0);
const ENDING = /\.safetensors(\.gz)?$/i;

/** Without what files are called by, such as "(1)" of a second download. */
const nameOf = ({ name }: GivenFile) =>
  name
    .replace(ENDING, '')
    .replace(/[\s_]+/g, ' ')
    .trim() || 'From a file';

export const modelKind: FileKind = {
  called: 'a network (.safetensors)',
  matches: (given) => ENDING.test(given.file.name) || isSafetensors(given),
  async take(app, file) {
    const bytes = isGzip(file.bytes) ? await unzip(file.bytes, file.name) : file.bytes;
    const hash = await fileHash(bytes);
    const shipped = [...SHIPPED].find(([, other]) => other.hash === hash);
    if (shipped) {
      await app.choose(shipped[0]);
      return `${file.name} is a network that this page has; it is in use now.`;
    }
    const network = await app.network.take(bytes, 'file', nameOf(file)).catch((cause: unknown) => {
      throw new Error(`${file.name}: ${message(cause)}`);
    });
    await app.network.own.keep(network.hash);
    await app.choose(ownName(network.hash));
    const { notKept } = app.network.own.find(network.hash) ?? network;
    return `“${network.name}” is in use now. ${notKept ?? 'It is kept in this browser.'}`;
  },
};
