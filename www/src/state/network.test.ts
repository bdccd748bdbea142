import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Network } from '../wasm/certify.ts';

vi.mock('idb-keyval', () => ({
  createStore: () => null,
  get: () => Promise.resolve(undefined),
  getMany: () => Promise.resolve([]),
  keys: () => Promise.resolve([]),
  set: () => Promise.resolve(),
  setMany: () => Promise.resolve(),
  del: () => Promise.resolve(),
  delMany: () => Promise.resolve(),
}));

vi.mock('virtual:models', () => ({
  default: { 'mnist-eps0.3': { dataset: 'mnist', epsilon: '0.3' } },
}));

/** The shipped network comes when it is let; networks of files are there at once. */
const module = vi.hoisted(() => ({
  bringShipped: null as ((network: Network) => void) | null,
  freed: [] as string[],
}));

vi.mock('../wasm/certify.ts', () => ({
  startModule: () => Promise.resolve(),
  sha256: (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex'),
  openNetwork: () => new Promise((resolve) => (module.bringShipped = resolve)),
  readNetwork: (bytes: Uint8Array, hash: string) => ({
    hash,
    bytes,
    info: {
      dataset: 'own-shoes',
      epsilon: '0.1',
      architecture: [784, 2],
      classNames: ['boot', 'sneaker'],
    },
    free: () => module.freed.push(hash),
  }),
}));

const { NetworkStore } = await import('./network.svelte.ts');
const { DEFAULT_NETWORK, ownName } = await import('../assets/networks.ts');

const shipped = {
  hash: 'shipped',
  info: { dataset: 'mnist', epsilon: '0.3', classNames: [] as string[] },
} as unknown as Network;

/** A page that runs on a network of a file. */
async function withOwn() {
  const store = new NetworkStore(() => {});
  const { hash } = await store.take(new Uint8Array([1]), 'file', 'shoes');
  store.choose(ownName(hash));
  await store.load();
  return { store, hash };
}

beforeEach(() => {
  module.freed = [];
});
afterEach(() => vi.unstubAllGlobals());

test('a network that is deleted while it is in use goes on under its own words', async () => {
  const { store, hash } = await withOwn();
  expect(store.words.classes).toEqual(['boot', 'sneaker']);
  await store.own.remove(hash);
  expect(store.own.list).toEqual([]);
  expect(store.current?.hash).toBe(hash);
  expect(store.about).toMatchObject({ dataset: 'own-shoes', epsilon: '0.1' });
  expect(store.words.classes).toEqual(['boot', 'sneaker']);
  // It can be measured and shown among the others as long as it answers, and no longer.
  expect(store.usable).toMatchObject([{ hash, dataset: 'own-shoes', name: 'shoes (deleted)' }]);
  store.choose(DEFAULT_NETWORK);
  expect(store.usable).toEqual([]);
});

test('the same file is the same network, also on a page that did not come by HTTPS', async () => {
  const { store, hash } = await withOwn();
  vi.stubGlobal('crypto', {});
  expect((await store.take(new Uint8Array([1]), 'file')).hash).toBe(hash);
  expect((await store.take(new Uint8Array([2]), 'file')).hash).not.toBe(hash);
  expect(store.own.list).toHaveLength(2);
});

test('no network answers under the name of another that is still to come', async () => {
  const { store, hash } = await withOwn();
  store.choose(DEFAULT_NETWORK);
  expect(store.current).toBeNull();
  expect(store.about.dataset).toBe('mnist');

  // One that was chosen before does not take the place of the next.
  const loading = store.load();
  store.choose(ownName(hash));
  module.bringShipped?.(shipped);
  await loading;
  expect(store.current?.hash).toBe(hash);
  expect(store.about.dataset).toBe('own-shoes');
});

test('a network that is dropped gives its memory back, unless it is in use or kept', async () => {
  const { store, hash } = await withOwn();
  store.drop(hash);
  expect(store.current?.hash).toBe(hash);
  store.choose(DEFAULT_NETWORK);
  await store.own.keep(hash);
  store.drop(hash);
  expect(module.freed).toEqual([]);

  const { hash: other } = await store.take(new Uint8Array([2]), 'taught');
  store.drop(other);
  expect(module.freed).toEqual([other]);
  expect(store.opened(other)).toBeUndefined();
  expect(store.own.list.map(({ hash }) => hash)).toEqual([hash]);
});
