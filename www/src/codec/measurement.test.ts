import { expect, test } from 'vitest';
import { FIRST_MEASUREMENT, formatMeasurement, parseMeasurement } from './measurement.ts';

test('every measurement comes back from its text', () => {
  for (const measurement of [
    { networks: ['mnist-eps0.3', 'ibp'], splits: ['test', 'training'], point: 153, shown: 'ibp' },
    { networks: [], splits: ['training'], point: null, shown: null },
    { networks: ['own'], splits: ['test'], point: 0, shown: null },
    { networks: [], splits: ['test'], point: 510, shown: null },
  ] as const) {
    expect(parseMeasurement(formatMeasurement(measurement))).toEqual(measurement);
  }
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
    'a~~1~',
    'a~elsewhere~1~',
    'a a~test~1~',
    'a/b~test~1~',
    `${Array.from({ length: 17 }, (_, at) => `n${at}`).join(' ')}~test~1~`,
    'a~test~1~<b>',
  ]) {
    expect(parseMeasurement(text), text).toBeUndefined();
  }
});
