/** The page's words, numbers and links, without a browser. */
import { expect, test } from '@playwright/test';
import { DEFAULTS, linkTo, readLink, writeLink } from '../../www/src/lib/link.ts';
import { pack, unpack } from '../../www/src/lib/packing.ts';
import { GRID, decodeStrokes, encodeStrokes, flatten } from '../../www/src/lib/strokes.ts';
import { apart, cut, fraction, leaders, lift, rivals, spoken } from '../../www/src/lib/words.ts';

const verdict = {
  label: 7 as number | null,
  logits: [-300, -301, -302, -250, -304, -305, -306, -100, -308, -309],
  marginLevels: 150,
  lipschitzRadiusLevels: 74.96875,
  intervalRadiusLevels: 76.5,
  deciding: [],
};

test('strokes come back from a link as they went in', () => {
  const strokes = [
    [0, 0, GRID, GRID, 0, GRID, 511, 3],
    [GRID, 0],
    Array.from({ length: 400 }, (_, at) => (at * 7919) % (GRID + 1)),
  ];
  expect(decodeStrokes(encodeStrokes(strokes))).toEqual(strokes);
  expect(decodeStrokes('')).toEqual([]);
});

test('broken stroke texts are refused, whatever they are', () => {
  const text = encodeStrokes([[5, 6, 700, 800, 30, 1000]]);
  for (let length = 1; length < text.length; length += 1) {
    expect(decodeStrokes(text.slice(0, length))).toBeNull();
  }
  expect(decodeStrokes('%%')).toBeNull();
  // One point far to the left of the pad.
  expect(decodeStrokes(btoa(String.fromCharCode(1, 9, 0)))).toBeNull();
});

test('flattened strokes are in units of the pad, with the first point of each stroke', () => {
  const { points, starts } = flatten([
    [0, GRID, GRID / 2, 0],
    [GRID / 4, GRID],
  ]);
  expect([...points]).toEqual([0, 1, 0.5, 0, 0.25, 1]);
  expect([...starts]).toEqual([0, 2]);
});

test('a link holds what differs from the defaults, after its version', async () => {
  expect(await writeLink(DEFAULTS)).toBe('');
  expect(await writeLink({ ...DEFAULTS, epsilon: 9 })).toBe('v=1&eps=9');
  expect(await writeLink({ ...DEFAULTS, digit: 0, strokes: [[1, 2]] })).toBe('v=1&digit=0');
  expect(await writeLink({ ...DEFAULTS, view: 'attack', opponent: 'ibp', seed: 7 })).toBe(
    'v=1&view=attack&net=ibp&seed=7',
  );
  const pixels = Uint8Array.from({ length: 784 }, (_, at) => (at * at) % 256);
  for (const state of [
    DEFAULTS,
    { ...DEFAULTS, epsilon: 255, strokes: [[1, 2, 30, 4]] },
    { ...DEFAULTS, view: 'attack' as const, seed: 2 ** 32 - 1, pixels, result: 'abc' },
  ]) {
    expect(await readLink(`#${await writeLink(state)}`)).toEqual(state);
  }
  const long = [Array.from({ length: 20_000 }, (_, at) => (at * 577) % GRID)];
  expect(await writeLink({ ...DEFAULTS, strokes: long })).toBe('');
});

test('a link to another view differs in the view alone', () => {
  expect(linkTo('attack', '')).toBe('v=1&view=attack');
  expect(linkTo('attack', 'v=1&eps=9&digit=3')).toBe('v=1&view=attack&eps=9&digit=3');
  expect(linkTo('draw', 'v=1&view=attack&eps=9')).toBe('v=1&eps=9');
  expect(linkTo('draw', 'v=1&view=attack')).toBe('');
});

test('packed bytes come back as they were, and damaged ones do not come back', async () => {
  const bytes = Uint8Array.from({ length: 3000 }, (_, at) => (at * 7919) % 256);
  const text = await pack(bytes);
  expect(await unpack(text)).toEqual(bytes);
  expect(await unpack(text.slice(0, -2))).toBeNull();
  const middle = text.length >> 1;
  const other = text[middle] === 'A' ? 'B' : 'A';
  expect(await unpack(text.slice(0, middle) + other + text.slice(middle + 1))).toBeNull();
  expect(await unpack('%%')).toBeNull();
  // A link must not fill the memory.
  expect(await unpack(await pack(new Uint8Array(1 << 20)))).toBeNull();
});

test('radii are rounded down and upper bounds up', () => {
  expect(cut(71.99, 0)).toBe('71');
  expect(cut(71.03125, 2)).toBe('71.03');
  expect(cut(-0.005, 2)).toBe('−0.01');
  expect(lift(-0.005, 2)).toBe('0.00');
  expect(lift(71.03125, 2)).toBe('71.04');
  expect(fraction(76.5)).toBe('0.300');
  expect(fraction(76.4)).toBe('0.299');
  expect(fraction(255)).toBe('1.000');
});

test('bounds that are close get the decimals that show which is higher', () => {
  expect(apart(-99.5, -101.25)).toEqual(['−99.50', '−101.25']);
  // At two decimals these would be equal, and these crossed.
  expect(apart(1.03125, 1.015625)).toEqual(['1.03125', '1.01563']);
  expect(apart(514 / 512, 513 / 512)).toEqual(['1.00390', '1.00196']);
  for (let units = 1; units < 100; units += 1) {
    const [least, most] = apart(units / 64, (units - 1) / 64).map(Number);
    expect(least).toBeGreaterThan(most ?? NaN);
  }
});

test('the spoken sentence names the label and the whole levels that are proved', () => {
  expect(spoken({ ...verdict, intervalRadiusLevels: 71.96875 })).toBe(
    'Seven, proved for any change up to 71 of 255',
  );
  expect(spoken({ ...verdict, lipschitzRadiusLevels: 0, intervalRadiusLevels: 0.96875 })).toBe(
    'Seven, proved only for changes below one level',
  );
  expect(spoken({ ...verdict, lipschitzRadiusLevels: 0, intervalRadiusLevels: 0 })).toBe(
    'Seven, not proved for any change',
  );
});

test('a tie is no label, and is spoken as one', () => {
  const logits = verdict.logits.map((logit, label) => (label === 3 ? -100 : logit));
  const tie = { ...verdict, label: null, logits, intervalRadiusLevels: 0 };
  expect(leaders(tie)).toEqual([3, 7]);
  expect(spoken(tie)).toBe('No label: three and seven tie');
});

test('a rival that only touches the label’s lower bound is not ruled out', () => {
  const bounds = {
    lower: [0, 0, 5],
    upper: [4, 5, 9],
    certified: false,
    lightest: new Uint8Array(),
    darkest: new Uint8Array(),
  };
  expect(rivals(bounds, 2)).toEqual([1]);
});
