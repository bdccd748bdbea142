import { expect, test, vi } from 'vitest';
import type { ImageSet } from './image-sets.ts';

vi.mock('virtual:models', () => ({ default: {} }));
vi.mock('virtual:image-shards', () => ({ default: { test: {}, training: {} } }));
vi.mock('../wasm/measure.ts', () => ({
  count: () => ({ curve: {}, survey: { images: 0 } }),
  describe: () => ({}),
  sampleOrder: () => [],
}));
vi.mock('../wasm/certify.ts', () => ({}));
vi.mock('../wasm/programs.ts', () => ({}));
vi.mock('../workers/measure-hand.ts', () => ({ MeasureHand: null }));

vi.stubGlobal('navigator', { hardwareConcurrency: 2 });

const { measuredNetworks } = await import('../assets/measured-networks.ts');
const { MeasureStore } = await import('./measure.svelte.ts');
const { Series } = await import('./series.svelte.ts');

const own = (letter: string, name: string) => ({
  hash: letter.repeat(16),
  name,
  dataset: 'mnist',
  epsilon: '0.3',
});

const setOf = (id: string, count: number): ImageSet => ({
  kind: 'mine',
  inFiles: 'own',
  dataset: 'mnist',
  id,
  count,
  first: 0,
  part: () => Promise.reject(new Error('nobody asks')),
  picked: (_index, _label, pixels) => ({ index: null, pixels }),
});

const certificates = (images: number) => ({
  predicted: new Int32Array(images),
  marginTicks: new Int32Array(images),
  lipschitzRadiusTicks: new Int32Array(images),
  ibpRadiusTicks: new Int32Array(images),
});

test('what was measured follows the name, letter and colour of its network', () => {
  const [, second] = measuredNetworks([own('a', 'one'), own('b', 'two')]);
  if (!second) throw new Error('there are two');
  const series = new Series(second, own('b', '').hash, setOf('1', 10));
  expect(series.network).toMatchObject({ title: 'two', letter: 'B' });
  // The first one is deleted, and the second renamed.
  const later = measuredNetworks([own('b', 'mine')]);
  series.follow(later);
  expect(series.network).toBe(later[0]);
  expect(series.network).toMatchObject({ title: 'mine', letter: 'A' });
  // One that is deleted keeps what it was called.
  series.follow([]);
  expect(series.network).toBe(later[0]);
});

test('a set that has changed is measured anew, and what was measured is known to be of another', () => {
  const measure = new MeasureStore();
  const [network] = measuredNetworks([own('a', 'one')]);
  if (!network) throw new Error('there is one');
  const file = { hash: own('a', '').hash, model: new Uint8Array() };
  const first = measure.seriesOf(network, setOf('1', 2), file);
  expect(measure.seriesOf(network, setOf('1', 2), file)).toBe(first);
  // Nothing was measured yet, so nothing is measured anew.
  const second = measure.seriesOf(network, setOf('2', 3), file);
  expect(second).not.toBe(first);
  expect([second.isAnew, second.total, second.done]).toEqual([false, 3, 0]);
  second.take(0, certificates(3));
  expect(second.isComplete).toBe(true);
  const third = measure.seriesOf(network, setOf('3', 1), file);
  expect([third.isAnew, third.total, third.done, third.isComplete]).toEqual([true, 1, 0, false]);
  // One change more before anything was measured: it is still anew.
  expect(measure.seriesOf(network, setOf('4', 2), file).isAnew).toBe(true);
});

test('a set of one image is complete after one', () => {
  const [network] = measuredNetworks([own('a', 'one')]);
  if (!network) throw new Error('there is one');
  const series = new Series(network, '', setOf('1', 1));
  expect(series.flipTicks).toHaveLength(1);
  series.take(0, certificates(1));
  expect(series.isComplete).toBe(true);
  expect(series.columns(1).labels).toHaveLength(1);
});
