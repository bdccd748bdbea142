import { expect, test, vi } from 'vitest';
import type { AppState } from './app.svelte.ts';
import type { FileHead, FileKind, GivenFile } from './dropped-files.ts';

// The kinds of the page load WebAssembly.
vi.mock('./model-files.ts', () => ({ modelKind: {} }));
vi.mock('./certificate-files.ts', () => ({ CERTIFICATE: {} }));
vi.mock('./image-import.ts', () => ({ imagesKind: {} }));

const { MOST_BYTES, takeFiles } = await import('./dropped-files.ts');

const app = {} as AppState;
const file = (name: string, text: string) => new File([text], name);

/** A kind of the files that begin with a letter; it refuses those in which “bad” stands. */
function kind(letter: string, isGroup = false): FileKind & { taken: string[][] } {
  const taken: string[][] = [];
  const take = (files: readonly GivenFile[]) => {
    const bad = files.find(({ bytes }) => new TextDecoder().decode(bytes).includes('bad'));
    if (bad) return Promise.reject(new Error(`${bad.name} is broken.`));
    taken.push(files.map(({ name }) => name));
    return Promise.resolve(`${letter}:${files.length}`);
  };
  const matches = ({ head }: FileHead) => head[0] === letter.charCodeAt(0);
  const how = isGroup
    ? {
        takeAll: async (_: AppState, files: readonly GivenFile[]) => ({
          ok: true,
          message: await take(files),
        }),
      }
    : { take: (_: AppState, one: GivenFile) => take([one]) };
  return { taken, called: letter, matches, ...how };
}

test('each file goes to the kind that its bytes tell: one by one, or those of a kind together', async () => {
  const [a, b] = [kind('A'), kind('B', true)];
  const files = [file('1', 'A…'), file('2', 'B…'), file('3', 'A!'), file('4', 'B!')];
  expect(await takeFiles(app, files, [a, b])).toEqual({ ok: true, message: 'A:1 A:1 B:2' });
  expect([a.taken, b.taken]).toEqual([[['1'], ['3']], [['2', '4']]]);
});

test('what nobody takes or cannot be taken is named, and the rest is taken', async () => {
  const a = kind('A');
  const files = [file('x', '?'), file('1', 'A bad'), file('2', 'A')];
  const outcome = await takeFiles(app, files, [a]);
  expect(outcome.ok).toBe(false);
  for (const part of ['x', '1 is broken.', 'A:1']) expect(outcome.message).toContain(part);
  expect(a.taken).toEqual([['2']]);
});

test('many files that nobody takes are counted, not listed', async () => {
  const files = Array.from({ length: 1_200 }, (_, at) => ({
    path: `folder/${at}.txt`,
    file: file(`${at}.txt`, '?'),
  }));
  const { message } = await takeFiles(app, files, [kind('A')]);
  expect(message).toContain('1,200');
  expect(message).toContain('folder/0.txt');
  expect(message).not.toContain('folder/1.txt');
});

test('a file is not read before its kind is known, nor if it is too large', async () => {
  const huge = (text: string) => {
    const one = file('huge', text);
    Object.defineProperty(one, 'size', { value: MOST_BYTES + 1 });
    return Object.assign(one, { arrayBuffer: vi.fn() });
  };
  for (const one of [huge('?'), huge('A')]) {
    const outcome = await takeFiles(app, [one], [kind('A')]);
    expect(outcome.ok).toBe(false);
    expect(outcome.message).toContain('huge');
    expect(one.arrayBuffer).not.toHaveBeenCalled();
  }
});
