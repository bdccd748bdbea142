import { expect, test } from 'vitest';
import {
  apart,
  cut,
  duration,
  fraction,
  leaders,
  lift,
  moved,
  notRuledOut,
  placeOf,
  spoken,
} from './copy.ts';

const certificate = {
  label: 7 as number | null,
  logits: [-300, -301, -302, -250, -304, -305, -306, -100, -308, -309],
  marginLevels: 150,
  lipschitzRadiusLevels: 74.96875,
  ibpRadiusLevels: 76.5,
  criticalPixels: [],
};

test('the critical pixels of a score are named by what raises it', () => {
  const dark = placeOf(7, 8, -1, 9);
  const other = placeOf(3, 0, -1, 255);
  const light = placeOf(27, 27, 1, 0);
  expect(moved([dark])).toBe('row 8, column 7, darker raises it');
  expect(moved([light, dark, other])).toBe(
    'darker at (8,\u00a07) and (0,\u00a03), lighter at (27,\u00a027) raises it',
  );
  expect(moved([light, light])).toBe('lighter at (27,\u00a027) raises it');
});

test('a black pixel is not asked to be darker, nor a white one lighter', () => {
  const black = placeOf(7, 8, -1, 0);
  const white = placeOf(3, 0, 1, 255);
  expect(moved([black])).toBe('row 8, column 7, lighter lowers it');
  expect(moved([white, black])).toBe('darker at (0,\u00a03), lighter at (8,\u00a07) lowers it');
  expect(moved([black, placeOf(27, 27, 1, 254)])).toBe(
    'lighter at (27,\u00a027) raises it; lighter at (8,\u00a07) lowers it',
  );
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
  for (let ticks = 1; ticks < 100; ticks += 1) {
    const [least, most] = apart(ticks / 64, (ticks - 1) / 64).map(Number);
    expect(least).toBeGreaterThan(most ?? NaN);
  }
});

test('the spoken sentence names the label and the whole levels that are proved', () => {
  expect(spoken({ ...certificate, ibpRadiusLevels: 71.96875 })).toBe(
    'Seven, proved for any change up to 71 of 255',
  );
  expect(spoken({ ...certificate, lipschitzRadiusLevels: 0, ibpRadiusLevels: 0.96875 })).toBe(
    'Seven, proved only for changes up to 0.96875 of a level',
  );
  expect(spoken({ ...certificate, lipschitzRadiusLevels: 0, ibpRadiusLevels: 0 })).toBe(
    'Seven, not proved for any change',
  );
});

test('a tie is no label, and is spoken as one', () => {
  const logits = certificate.logits.map((logit, label) => (label === 3 ? -100 : logit));
  const tie = { ...certificate, label: null, logits, ibpRadiusLevels: 0 };
  expect(leaders(tie)).toEqual([3, 7]);
  expect(spoken(tie)).toBe('No label: three and seven tie');
});

test('a class that only touches the label’s lower bound is not ruled out', () => {
  const bounds = {
    lower: [0, 0, 5],
    upper: [4, 5, 9],
    certified: false,
    lightest: new Uint8Array(),
    darkest: new Uint8Array(),
  };
  expect(notRuledOut(bounds, 2)).toEqual([1]);
});

test('a duration is as precise as an estimate is', () => {
  expect([0, 1, 89, 90, 5399, 5400, 130_000].map(duration)).toEqual([
    '1 second',
    '1 second',
    '89 seconds',
    '2 minutes',
    '90 minutes',
    '2 hours',
    '2 days',
  ]);
});
