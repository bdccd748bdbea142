import { expect, test } from 'vitest';
import { FIRST_MEASUREMENT, formatMeasurement, parseMeasurement } from './measurement.ts';

test('every measurement comes back from its text', () => {
  for (const measurement of [
    {
      networks: ['mnist-eps0.3', 'ibp'],
      sets: ['test', 'training'],
      point: 153,
      shown: { network: 'ibp', set: null },
    },
    { networks: [], sets: ['training'], point: null, shown: null },
    { networks: ['own'], sets: ['test'], point: 0, shown: null },
    { networks: [], sets: ['test'], point: 510, shown: null },
    { networks: ['ibp'], sets: [], point: null, shown: null },
    {
      networks: ['own-0123456789abcdef'],
      sets: ['held-out', 'mine', 'training'],
      point: null,
      shown: { network: 'own-0123456789abcdef', set: 'mine' },
    },
  ] as const) {
    expect(parseMeasurement(formatMeasurement(measurement))).toEqual(measurement);
  }
});

test('links of before name sets and series in the same way', () => {
  expect(parseMeasurement('mnist-eps0.3 ibp~test training~153~ibp')).toEqual({
    networks: ['mnist-eps0.3', 'ibp'],
    sets: ['test', 'training'],
    point: 153,
    shown: { network: 'ibp', set: null },
  });
});

test('what is shown first needs no text', () => {
  expect(formatMeasurement(FIRST_MEASUREMENT)).toBe('');
});

test('a text that is none is not guessed at', () => {
  for (const text of [
    '',
    'a~test~1',
    'a~test~511~',
    'a~test~-1~',
    'a~elsewhere~1~',
    'a~mine mine~1~',
    'a a~test~1~',
    'a/b~test~1~',
    `${Array.from({ length: 17 }, (_, at) => `n${at}`).join(' ')}~test~1~`,
    'a~test~1~<b>',
    'a~test~1~a elsewhere',
    'a~test~1~a test more',
  ]) {
    expect(parseMeasurement(text), text).toBeUndefined();
  }
});
