import { expect, test } from 'vitest';
import { DEFAULTS, linkTo, readLink, writeLink } from './link.ts';
import { GRID } from './strokes.ts';

const pixels = Uint8Array.from({ length: 784 }, (_, at) => (at * at) % 256);

test('a link holds what differs from the usual values, after its version', async () => {
  expect(await writeLink(DEFAULTS)).toBe('');
  expect(await writeLink({ ...DEFAULTS, epsilon: 9 })).toBe('v=2&eps=9');
  expect(await writeLink({ ...DEFAULTS, testImage: 0, strokes: [[1, 2]] })).toBe('v=2&digit=0');
  expect(await writeLink({ ...DEFAULTS, view: 'attack', baseline: 'ibp', seed: 7 })).toBe(
    'v=2&view=attack&net=ibp&seed=7',
  );
});

test('every field comes back from a link as it went in', async () => {
  const lesson = { seed: 7, image: [120, 40] as const, p: 8, shown: 'theirs' as const };
  for (const state of [
    DEFAULTS,
    { ...DEFAULTS, epsilon: 255, strokes: [[1, 2, 30, 4]] },
    { ...DEFAULTS, view: 'attack' as const, seed: 2 ** 32 - 1, pixels, result: 'abc' },
    { ...DEFAULTS, view: 'learn' as const, lesson },
    { ...DEFAULTS, network: 'own-0123456789abcdef', baseline: 'adversarial' as const },
    { ...DEFAULTS, view: 'train' as const, train: 'look~seed:5', testImage: 99_999 },
  ]) {
    expect(await readLink(`#${await writeLink(state)}`)).toEqual({ state, unreadable: [] });
  }
});

test('a link holds one image: the drawing, or its pixels where it is too long', async () => {
  const long = [Array.from({ length: 20_000 }, (_, at) => (at * 577) % GRID)];
  expect(await writeLink({ ...DEFAULTS, strokes: long })).toBe('');
  const image = await readLink(await writeLink({ ...DEFAULTS, strokes: long, pixels }));
  expect(image.state).toEqual({ ...DEFAULTS, pixels });
  const short = await readLink(await writeLink({ ...DEFAULTS, strokes: [[1, 2]], pixels }));
  expect(short.state).toEqual({ ...DEFAULTS, strokes: [[1, 2]] });
});

test('what cannot be read is named, and the rest is read', async () => {
  const { state, unreadable } = await readLink(
    '#v=2&view=nowhere&eps=256&seed=-1&digit=x&net=ibp&learn=1~2&tomorrow=1',
  );
  expect(state).toEqual({ ...DEFAULTS, baseline: 'ibp' });
  expect(unreadable).toEqual([
    'the view',
    'ε',
    'the seed',
    'the test image',
    'the lesson',
    '“tomorrow”',
  ]);
  expect((await readLink('v=2&ink=!!!')).unreadable).toEqual(['the drawing']);
  expect((await readLink('v=2&pixels=abc')).unreadable).toEqual(['the image']);
});

test('a link of an unknown version is not guessed at', async () => {
  const { state, unreadable } = await readLink('#v=9&eps=3');
  expect(state).toEqual(DEFAULTS);
  expect(unreadable).toEqual(['its version (“9”)']);
  expect((await readLink('')).unreadable).toEqual([]);
});

test('a link of version 1 opens, with the names of today', async () => {
  const { state, unreadable } = await readLink(
    '#v=1&view=train&eps=33&digit=3&net=ibp&seed=5&learn=7~120~40~8~theirs' +
      '&train=look~start:identity~crop:1~crop_share:0.5~thin_after:2~seed:5',
  );
  expect(unreadable).toEqual([]);
  expect(state).toMatchObject({
    view: 'train',
    epsilon: 33,
    testImage: 3,
    baseline: 'ibp',
    seed: 5,
    lesson: { seed: 7, image: [120, 40], p: 8, shown: 'theirs' },
    train:
      'look~weight_init:identity~random_shift:1~random_shift_probability:0.5' +
      '~prune_from_epoch:2~seed:5',
  });
});

test('a link to another view differs in the view alone, and keeps its version', () => {
  expect(linkTo('attack', '')).toBe('v=2&view=attack');
  expect(linkTo('attack', 'v=1&eps=9&digit=3')).toBe('v=1&view=attack&eps=9&digit=3');
  expect(linkTo('draw', 'v=2&view=attack&eps=9')).toBe('v=2&eps=9');
  expect(linkTo('draw', 'v=2&view=attack')).toBe('');
});
