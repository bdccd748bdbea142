import { beforeEach, expect, test, vi } from 'vitest';
import type { OwnImages } from '../wasm/types.ts';

/** What the browser keeps, in the order in which it was written; `refused` says what it has no room for. */
const browser = vi.hoisted(() => ({
  records: new Map<string, unknown>(),
  written: [] as string[],
  refused: (() => false) as (key: string) => boolean,
}));

vi.mock('idb-keyval', () => ({
  createStore: () => () => {},
  get: (key: string) => Promise.resolve(browser.records.get(key)),
  set: (key: string, value: unknown) => {
    if (browser.refused(key)) return Promise.reject(new Error('full'));
    browser.written.push(key);
    browser.records.set(key, value);
    return Promise.resolve();
  },
  keys: () => Promise.resolve([...browser.records.keys()]),
  del: (key: string) => Promise.resolve(browser.records.delete(key)),
  delMany: (keys: string[]) => {
    for (const key of keys) browser.records.delete(key);
    return Promise.resolve();
  },
}));

const { RunWriter, forgetRun, restore, restoreImages } = await import('./saved.ts');
type SavedRun = import('./saved.ts').SavedRun;

const run = (iteration: number) => ({ iteration, metrics: [] }) as unknown as SavedRun;
const images = (sha256: string) =>
  ({ description: JSON.stringify({ imported: { sha256 } }), heldOut: 1 }) as unknown as OwnImages;
const kept = () => [...browser.records.keys()].sort();

beforeEach(() => {
  browser.records.clear();
  browser.written.splice(0);
  browser.refused = () => false;
});

test('the images of a run are written once, before it, and are found by it', async () => {
  const writer = new RunWriter();
  expect(await writer.keep(run(1), images('a'))).toBe(true);
  expect(await writer.keep(run(2), images('a'))).toBe(true);
  expect(browser.written).toEqual(['images:a', 'run', 'run']);
  const saved = await restore('run');
  expect(saved?.iteration).toBe(2);
  expect(await restoreImages(saved?.images)).toEqual(images('a'));
});

test('a run on other images does not write over those of the run before, which go when it is kept', async () => {
  const writer = new RunWriter();
  await writer.keep(run(1), images('a'));
  browser.refused = (key) => key === 'run';
  expect(await writer.keep(run(2), images('b'))).toBe(false);
  expect(await restoreImages((await restore('run'))?.images)).toEqual(images('a'));
  browser.refused = () => false;
  expect(await writer.keep(run(2), images('b'))).toBe(true);
  expect(kept()).toEqual(['images:b', 'run']);
});

test('a run on a described data set leaves nobody’s images behind, nor those of an earlier build', async () => {
  const writer = new RunWriter();
  browser.records.set('images', images('old'));
  // Images of the visitor that a network is taught are another matter.
  browser.records.set('image:1', {});
  await writer.keep(run(1), images('a'));
  expect(kept()).toEqual(['image:1', 'images:a', 'run']);
  await writer.keep(run(1));
  expect(kept()).toEqual(['image:1', 'run']);
});

test('images that there is no room for keep no run from being kept', async () => {
  browser.refused = (key) => key.startsWith('images');
  expect(await new RunWriter().keep(run(1), images('a'))).toBe(true);
  expect(kept()).toEqual(['run']);
  expect(await restoreImages('a')).toBeNull();
});

test('a run that is forgotten takes its images with it', async () => {
  await new RunWriter().keep(run(1), images('a'));
  expect(await forgetRun()).toBe(true);
  expect(kept()).toEqual([]);
});

test('the images of a run that an earlier build kept are found', async () => {
  browser.records.set('images', images('old'));
  expect(await restoreImages(undefined)).toEqual(images('old'));
});
