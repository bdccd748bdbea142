/** The page's words, numbers and links, without a browser. */
import { expect, test } from '@playwright/test';
import type { Metrics } from '../../pkg/train/train.js';
import { packResult, unpackResult } from '../../www/src/codec/result.ts';
import { sandwich, verdict as said, type Case } from '../../www/src/views/attack/copy.ts';
import { DEFAULTS, linkTo, readLink, writeLink } from '../../www/src/codec/link.ts';
import { pack, unpack } from '../../www/src/codec/packing.ts';
import { GRID, decodeStrokes, encodeStrokes, flatten } from '../../www/src/codec/strokes.ts';
import {
  apart,
  cut,
  fraction,
  leaders,
  lift,
  moved,
  placeOf,
  rivals,
  spoken,
} from '../../www/src/copy.ts';
import { liftOff, percent } from '../../www/src/views/train/copy.ts';

const verdict = {
  label: 7 as number | null,
  logits: [-300, -301, -302, -250, -304, -305, -306, -100, -308, -309],
  marginLevels: 150,
  lipschitzRadiusLevels: 74.96875,
  intervalRadiusLevels: 76.5,
  deciding: [],
};

test('the pixels that decide a score are named by what raises it', () => {
  const dark = placeOf(7, 8, -1, 9);
  const other = placeOf(3, 0, -1, 255);
  const light = placeOf(27, 27, 1, 0);
  expect(moved([dark])).toBe('row 9, column 8, darker raises it');
  expect(moved([light, dark, other])).toBe(
    'darker at (9,\u00a08) and (1,\u00a04), lighter at (28,\u00a028) raises it',
  );
  expect(moved([light, light])).toBe('lighter at (28,\u00a028) raises it');
});

test('a black pixel is not asked to be darker, nor a white one lighter', () => {
  const black = placeOf(7, 8, -1, 0);
  const white = placeOf(3, 0, 1, 255);
  expect(moved([black])).toBe('row 9, column 8, lighter lowers it');
  expect(moved([white, black])).toBe('darker at (1,\u00a04), lighter at (9,\u00a08) lowers it');
  expect(moved([black, placeOf(27, 27, 1, 254)])).toBe(
    'lighter at (28,\u00a028) raises it; lighter at (9,\u00a08) lowers it',
  );
});

test('the share of images that are proved is rounded down', () => {
  expect(percent(4_999 / 5_000)).toBe('99.9 %');
  expect(percent(4_618 / 5_000)).toBe('92.3 %');
  for (let images = 0; images <= 1_000; images += 1) {
    expect(percent(images / 1_000)).toBe(`${(images / 10).toFixed(1)} %`);
  }
});

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
    { ...DEFAULTS, view: 'learn' as const, learn: '7~120~40~8~theirs' },
  ]) {
    expect(await readLink(`#${await writeLink(state)}`)).toEqual({
      ...state,
      damaged: false,
    });
  }
  const long = [Array.from({ length: 20_000 }, (_, at) => (at * 577) % GRID)];
  expect(await writeLink({ ...DEFAULTS, strokes: long })).toBe('');
  // Of a drawing that is too long the image is left; of any other, more than the image.
  const image = await readLink(`#${await writeLink({ ...DEFAULTS, strokes: long, pixels })}`);
  expect(image).toEqual({ ...DEFAULTS, pixels, damaged: false });
  const short = await writeLink({ ...DEFAULTS, strokes: [[1, 2]], pixels });
  expect(await readLink(`#${short}`)).toEqual({
    ...DEFAULTS,
    strokes: [[1, 2]],
    damaged: false,
  });
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
    'Seven, proved only for changes up to 0.96875 of a level',
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

const duel: Case = {
  label: 7,
  epsilonLevels: 71,
  certified: true,
  radiusLevels: 71.5,
  tried: { tries: 212_408, running: false, search: false, flip: null },
};
const flip = { label: 3, radiusLevels: 9, steps: 14, tries: 40, attack: 'pgd' as const };

test('tries without a flip are counted, and only a proof says that there is none', () => {
  expect(said(duel)).toEqual({
    outcome: 'proved',
    says: '212,408 perturbations tried within 71 levels: 0 flips.',
    adds: 'Proved: there is none.',
  });
  expect(said({ ...duel, certified: false, radiusLevels: 2.5 })).toEqual({
    outcome: 'open',
    says: '212,408 perturbations tried within 71 levels: 0 flips.',
    adds: 'Not proved: there may be one.',
  });
});

test('a flip is told with its label, its largest change and when it came', () => {
  const open = { ...duel, certified: false, radiusLevels: 0 };
  const of = (one: object) => said({ ...open, tried: { ...duel.tried, ...one } as Case['tried'] });
  expect(of({ flip }).says).toBe('Flipped to 3 at 9 levels, after 14 steps of PGD.');
  expect(of({ flip }).adds).toBe('Nothing proved.');
  expect(of({ flip: { ...flip, label: null, steps: 0, tries: 1, attack: 'square' } }).says).toBe(
    'Lost to a tie at 9 levels, after 1 try of the square attack.',
  );
  expect(of({ flip: { ...flip, attack: 'paint' } }).says).toBe(
    'Flipped to 3 at 9 levels, by hand.',
  );
});

test('a flip within the proof is called a bug, never a flip like others', () => {
  const found = said({ ...duel, tried: { tries: 1, running: false, search: false, flip } });
  expect(found.outcome).toBe('broken proof');
  expect(found.adds).toContain('bug');
});

test('a search beyond ε does not speak of tries within ε', () => {
  const tried = { tries: 1000, running: true, search: true, flip: null };
  expect(said({ ...duel, tried })).toEqual({
    outcome: 'open',
    says: '1,000 perturbations tried in search of a flip: none so far.',
    adds: 'Proved up to 71.50 levels only.',
  });
});

test('the true radius lies between what is proved and what is broken', () => {
  expect(sandwich(71.96875, 83)).toBe('proved up to 71.96, broken at 83');
  expect(sandwich(0, null)).toBe('nothing proved, no flip found');
});

test('a result comes back from a link as it went in, on the image it is about', async () => {
  const image = Uint8Array.from({ length: 784 }, (_, at) => (at * 31) % 256);
  const perturbed = image.map((level, at) => (at % 3 === 0 ? 255 - level : level));
  const found = { attack: 'square' as const, tries: 212_408, steps: 14, perturbed };
  const result = {
    models: ['0123456789abcdef', 'fedcba9876543210'] as const,
    epsilon: 60,
    attack: 'all' as const,
    seed: 2 ** 32 - 1,
    found: [null, found] as const,
  };
  const text = await packResult(result, image);
  expect(await unpackResult(text, image)).toEqual(result);
  expect(await unpackResult(text.slice(1), image)).toBeNull();
  // The same link with another image.
  expect(await unpackResult(text, perturbed)).toBeNull();
  // Whole, but no result.
  expect(await unpackResult(await pack(new Uint8Array(2000)), image)).toBeNull();
});

test('certified accuracy lifts off where it passes a half as p grows, if it was seen below', () => {
  const measured = (...points: [p: number, certifiedInterval: number][]) =>
    points.map(([p, certifiedInterval]) => ({ p, certifiedInterval }) as Metrics);
  expect(liftOff([])).toBeNull();
  expect(liftOff(measured([8, 0.1], [8, 0.6], [10, 0.4], [12, 0.7], [14, 0.8]))?.p).toBe(12);
  expect(liftOff(measured([8, 0.1], [Infinity, 0.7]))?.p).toBe(Infinity);
  expect(liftOff(measured([8, 0.1], [8, 0.6], [10, 0.4]))).toBeNull();
  // A run that is gone on with was proved before.
  expect(liftOff(measured([30, 0.8], [34, 0.8]))).toBeNull();
});
