import { expect, test, vi } from 'vitest';
import type { AppState } from './app.svelte.ts';
import type { FileKind } from './dropped-files.ts';

// The kinds of the page load WebAssembly.
vi.mock('./model-files.ts', () => ({ modelKind: {} }));
vi.mock('./certificate-files.ts', () => ({ CERTIFICATE: {} }));
vi.mock('./image-import.ts', () => ({ imagesKind: {} }));

const { MOST_BYTES, beginsWith, takeFiles } = await import('./dropped-files.ts');

const app = {} as AppState;
const file = (name: string, text: string) => new File([text], name);

const kind = (head: string, answer: string | Error): FileKind & { taken: string[] } => {
  const taken: string[] = [];
  return {
    taken,
    called: head,
    matches: (one) => beginsWith(one, head),
    take(_, files) {
      taken.push(...files.map(({ name }) => name));
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
};

test('each file goes to the kind that its bytes tell, those of one kind together', async () => {
  const [a, b] = [kind('A', 'as'), kind('B', 'bs')];
  const files = [file('1', 'A…'), file('2', 'B…'), file('3', 'A!')];
  expect(await takeFiles(app, files, [a, b])).toEqual({ ok: true, message: 'as bs' });
  expect([a.taken, b.taken]).toEqual([['1', '3'], ['2']]);
});

test('what nobody takes or cannot be taken is named, and the rest is taken', async () => {
  const [a, b] = [kind('A', 'as'), kind('B', new Error('b is broken.'))];
  const outcome = await takeFiles(app, [file('x', '?'), file('1', 'A'), file('2', 'B')], [a, b]);
  expect(outcome.ok).toBe(false);
  for (const part of ['x', 'as', 'b is broken.']) expect(outcome.message).toContain(part);
});

test('a file that is too large is not read', async () => {
  const huge = { name: 'huge', size: MOST_BYTES + 1, arrayBuffer: vi.fn() };
  const outcome = await takeFiles(app, [huge as unknown as File], [kind('A', 'as')]);
  expect(outcome.ok).toBe(false);
  expect(huge.arrayBuffer).not.toHaveBeenCalled();
});
