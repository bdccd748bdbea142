import { beforeEach, expect, test, vi } from 'vitest';

/** What IndexedDB holds, and why it takes nothing, if so. */
const disk = vi.hoisted(() => ({
  records: new Map<string, unknown>(),
  refusal: null as Error | null,
}));

vi.mock('idb-keyval', () => ({
  createStore: () => null,
  get: (key: string) => Promise.resolve(disk.records.get(key)),
  getMany: (keys: string[]) => Promise.resolve(keys.map((key) => disk.records.get(key))),
  keys: () => Promise.resolve([...disk.records.keys()]),
  setMany: (entries: [string, unknown][]) => {
    if (disk.refusal) return Promise.reject(disk.refusal);
    for (const [key, value] of entries) disk.records.set(key, value);
    return Promise.resolve();
  },
  del: (key: string) => Promise.resolve(void disk.records.delete(key)),
  delMany: (gone: string[]) => {
    for (const key of gone) disk.records.delete(key);
    return Promise.resolve();
  },
}));

vi.mock('virtual:models', () => ({ default: {} }));

const { OwnNetworks } = await import('./own-networks.svelte.ts');

const one = (letter: string) => ({
  hash: letter.repeat(16),
  origin: 'trained' as const,
  dataset: 'mnist',
  epsilon: '0.3',
  model: new Uint8Array([letter.charCodeAt(0)]),
});

/** A tab that has read what is kept. */
async function tab() {
  const networks = new OwnNetworks();
  await networks.load();
  return networks;
}

beforeEach(() => {
  disk.records.clear();
  disk.refusal = null;
});

test('a network is on the list at once, and for the next visit once it is kept', async () => {
  const now = await tab();
  now.add(one('a'));
  expect(now.list.map(({ notKept }) => notKept === null)).toEqual([false]);
  expect((await tab()).list).toEqual([]);
  expect(await now.keep(one('a').hash)).toBe('kept');
  const later = await tab();
  expect(later.find(one('a').hash)).toMatchObject({ ...one('a'), notKept: null });
});

test('names are told apart, and a new one is kept', async () => {
  const now = await tab();
  for (const letter of ['a', 'b']) {
    now.add({ ...one(letter), name: 'mine' });
    await now.keep(one(letter).hash);
  }
  expect(now.list.map(({ name }) => name)).toEqual(['mine', 'mine (2)']);
  await now.rename(one('b').hash, '  my   second ');
  expect((await tab()).find(one('b').hash)?.name).toBe('my second');
  await now.rename(one('b').hash, ' ');
  expect(now.find(one('b').hash)?.name).toBe('my second');
});

test('what is deleted can be brought back', async () => {
  const now = await tab();
  now.add(one('a'));
  await now.keep(one('a').hash);
  await now.remove(one('a').hash);
  expect(now.list).toEqual([]);
  expect((await tab()).list).toEqual([]);
  await now.bringBack();
  expect((await tab()).list.map(({ hash }) => hash)).toEqual([one('a').hash]);
});

test('what was never kept can be dropped, and nothing else', async () => {
  const now = await tab();
  for (const letter of ['a', 'b']) now.add(one(letter));
  await now.keep(one('a').hash);
  for (const letter of ['a', 'b']) now.drop(one(letter).hash);
  expect(now.list.map(({ hash }) => hash)).toEqual([one('a').hash]);
});

test('a full disk is told from a browser that keeps nothing, and neither loses the network', async () => {
  const now = await tab();
  now.add(one('a'));
  disk.refusal = Object.assign(new Error('full'), { name: 'QuotaExceededError' });
  expect(await now.keep(one('a').hash)).toBe('full');
  const full = now.find(one('a').hash)?.notKept;
  disk.refusal = new Error('private');
  expect(await now.keep(one('a').hash)).toBe('refused');
  expect(now.find(one('a').hash)?.notKept).not.toBe(full);
  expect(now.find(one('a').hash)?.model).toEqual(one('a').model);
});

test('two tabs see each other’s networks, and one that another deletes stays where it is', async () => {
  const [here, there] = [await tab(), await tab()];
  here.add(one('a'));
  await here.keep(one('a').hash);
  await vi.waitFor(() => expect(there.find(one('a').hash)).toBeDefined());
  await there.remove(one('a').hash);
  await vi.waitFor(() => expect(here.find(one('a').hash)?.notKept).not.toBeNull());
  expect(here.list).toHaveLength(1);
});

test('the one network of an earlier build is taken over', async () => {
  const { hash, dataset, epsilon, model } = one('c');
  disk.records.set('network', { hash, dataset, epsilon, model, savedAt: 5 });
  const now = await tab();
  expect(now.list).toMatchObject([{ ...one('c'), savedAt: 5, notKept: null }]);
  expect([...disk.records.keys()]).toEqual([`network:${hash}`]);
});
