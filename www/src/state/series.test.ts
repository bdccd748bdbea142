import { expect, test, vi } from 'vitest';

vi.mock('virtual:models', () => ({ default: {} }));
vi.mock('../assets/image-shards.ts', () => ({ imageCount: () => 10 }));
vi.mock('../wasm/measure.ts', () => ({ count: () => ({}) }));

const { measuredNetworks } = await import('../assets/measured-networks.ts');
const { Series } = await import('./series.svelte.ts');

const own = (letter: string, name: string) => ({
  hash: letter.repeat(16),
  name,
  dataset: 'mnist',
  epsilon: '0.3',
});

test('what was measured follows the name, letter and colour of its network', () => {
  const [, second] = measuredNetworks([own('a', 'one'), own('b', 'two')]);
  if (!second) throw new Error('there are two');
  const series = new Series(second, own('b', '').hash, 'test');
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
