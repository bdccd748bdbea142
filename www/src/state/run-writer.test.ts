import { beforeEach, expect, test, vi } from 'vitest';

/** Writes that wait for the test to end them. */
const writes = vi.hoisted(() => [] as { iteration: number; end: (fails?: boolean) => void }[]);

vi.mock('idb-keyval', () => ({
  createStore: () => () => {},
  set: (_: string, { iteration }: { iteration: number }) =>
    new Promise<void>((resolve, reject) => {
      const end = (fails = false) => (fails ? reject(new Error('full')) : resolve());
      writes.push({ iteration, end });
    }),
}));

import { RunWriter, type SavedRun } from './saved.ts';

const run = (iteration: number) => ({ iteration }) as SavedRun;
const written = () => writes.map(({ iteration }) => iteration);

beforeEach(() => void writes.splice(0));

test('one checkpoint is written at a time, and of those that wait the newest alone', async () => {
  const writer = new RunWriter();
  const kept = [1, 2, 3, 4, 5].map((iteration) => writer.keep(run(iteration)));
  await Promise.resolve();
  expect(written()).toEqual([1]);
  writes[0]?.end();
  expect(await kept[0]).toBe(true);
  await vi.waitFor(() => expect(written()).toEqual([1, 5]));
  writes[1]?.end();
  expect(await Promise.all(kept)).toEqual([true, null, null, null, true]);
  await writer.idle();
});

test('a write that fails says so, and the next one is tried', async () => {
  const writer = new RunWriter();
  const [first, second] = [writer.keep(run(1)), writer.keep(run(2))];
  writes[0]?.end(true);
  expect(await first).toBe(false);
  await vi.waitFor(() => expect(written()).toEqual([1, 2]));
  writes[1]?.end();
  expect(await second).toBe(true);
});

test('a run that is forgotten while it waits is not written', async () => {
  const writer = new RunWriter();
  const [first, second] = [writer.keep(run(1)), writer.keep(run(2))];
  writer.drop();
  expect(await second).toBeNull();
  writes[0]?.end();
  expect(await first).toBe(true);
  await writer.idle();
  expect(written()).toEqual([1]);
});
