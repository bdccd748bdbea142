import { beforeEach, expect, test, vi } from 'vitest';
import type { ImportedSet, OwnImages as Handed } from '../wasm/types.ts';
import type { SetReply as Reply, SetRequest as Request } from '../workers/import-protocol.ts';
import type { Dropped } from './given-files.ts';

/** The Worker that reads, which is the test's side. */
const worker = vi.hoisted(() => ({
  asked: [] as Request[],
  tell: (() => {}) as (reply: Reply) => void,
}));
const handed = vi.hoisted(() => [] as (Handed | null)[]);

vi.mock('../workers/import.worker.ts?worker', () => ({
  default: class {
    onmessage: ((event: { data: Reply }) => void) | null = null;
    constructor() {
      worker.tell = (data) => this.onmessage?.({ data });
    }
    postMessage = (request: Request) => worker.asked.push(request);
    terminate() {}
  },
}));
vi.mock('../wasm/programs.ts', () => ({ fetchProgram: () => Promise.resolve({}) }));
vi.mock('./run.svelte.ts', () => ({
  run: { learnFrom: (images: Handed | null) => handed.push(images) },
}));

const { OwnImages } = await import('./own-images.svelte.ts');

const given = (path: string) => ({ path, file: new File(['x'], path) });
const set = (...classes: string[]) =>
  ({
    description: '{}',
    labels: new Uint8Array(4),
    classes: classes.map((name) => ({ name, training: 1, heldOut: 1, few: true })),
  }) as unknown as ImportedSet;
const outcome = (id: number, one: ImportedSet | null): Reply => ({
  type: 'outcome',
  id,
  outcome: { set: one, error: null, problems: [], problemCount: 0 },
});

/** The number of the request that the Worker was sent last. */
async function asked(requests: number) {
  await vi.waitFor(() => expect(worker.asked).toHaveLength(requests));
  return worker.asked.at(-1)?.id ?? NaN;
}

/** Answers the request that was sent last, which is the one of this number. */
async function answer(requests: number, one: ImportedSet) {
  const id = await asked(requests);
  worker.tell(outcome(id, one));
}

beforeEach(() => {
  worker.asked.splice(0);
  handed.splice(0);
});

test('a drop is being read from the moment on at which it falls', async () => {
  const own = new OwnImages();
  let find: (dropped: Dropped) => void = () => {};
  const taken = own.takeDrop(new Promise((resolve) => (find = resolve)));
  expect(own.reading).not.toBeNull();
  find({ files: [given('a.zip')], isCut: false, unopened: [] });
  await taken;
  await answer(1, set('cat', 'dog'));
  expect(own.reading).toBeNull();
  expect(handed).toHaveLength(1);
});

test('a drop without files, or with a folder that does not open, says so and changes nothing', async () => {
  const own = new OwnImages();
  own.take([given('a.zip')]);
  await answer(1, set('cat', 'dog'));
  await own.takeDrop(Promise.resolve({ files: [], isCut: false, unopened: ['locked'] }));
  expect(own.error).toContain('locked');
  expect(own.reading).toBeNull();
  expect(own.set).not.toBeNull();
  expect(handed).toHaveLength(1);
});

test('of two drops the later one counts', async () => {
  const own = new OwnImages();
  const drop = (path: string, delay: number) =>
    own.takeDrop(
      new Promise((resolve) => {
        const files = [given(path)];
        setTimeout(() => resolve({ files, isCut: false, unopened: [] }), delay);
      }),
    );
  await Promise.all([drop('first.zip', 20), drop('second.zip', 0)]);
  await asked(1);
  expect(worker.asked.map(({ name }) => name)).toEqual(['second.zip']);
});

test('the names of the classes stay while others are read, and belong to their files', async () => {
  const own = new OwnImages();
  own.take([given('a.zip')]);
  await answer(1, set('cat', 'dog'));
  expect(own.rename(0, 'lion')).toBe(true);
  own.change({ transposed: true });
  await answer(2, set('cat', 'dog'));
  expect(own.names).toEqual(['lion', 'dog']);
  own.take([given('b.zip')]);
  const id = await asked(3);
  expect(own.names).toEqual(['lion', 'dog']);
  worker.tell(outcome(id, set('car', 'bus')));
  expect(own.names).toEqual(['car', 'bus']);
});
