import { expect, test } from 'vitest';
import { WEIGHT_INITS } from './hyperparameters.ts';
import { readLink } from './link.ts';
import {
  CHOICES,
  FIRST_PLAY,
  MOST_OWN_POINTS,
  PLAY_PRESETS,
  PLAY_PRESET_NAMES,
  RANGES,
  formatPlay,
  isPlayable,
  nearestPreset,
  parsePlay,
  presetOf,
  structureOf,
  type PlayState,
} from './play.ts';

/** The usual game is what a link says that does not name one. */
const comesBack = (state: PlayState) =>
  expect(parsePlay(formatPlay(state) || PLAY_PRESET_NAMES[0] || '')).toEqual(state);

test('the usual game is not written, and a preset is its name', () => {
  expect(formatPlay(FIRST_PLAY)).toBe('');
  for (const name of PLAY_PRESET_NAMES) {
    const state = PLAY_PRESETS[name];
    expect(isPlayable(state)).toBe(true);
    expect(presetOf(state)).toBe(name);
    expect(parsePlay(name)).toEqual(state);
    if (state !== FIRST_PLAY) expect(formatPlay(state)).toBe(name);
  }
});

test('only what differs from a preset is written', () => {
  expect(formatPlay({ ...PLAY_PRESETS['low-p'], seed: 5 })).toBe('low-p~seed:5');
  expect(formatPlay({ ...FIRST_PLAY, epsilon: 9 })).toBe('circles~epsilon:9');
  expect(presetOf({ ...FIRST_PLAY, epsilon: 9 })).toBe(null);
});

test('after a change or two the words of the preset still hold', () => {
  const narrow = PLAY_PRESETS.narrow;
  expect(nearestPreset({ ...narrow, width: 32 })).toBe('narrow');
  expect(nearestPreset({ ...narrow, width: 32, seed: 9, layers: 3 })).toBe(null);
});

test('every value of every setting comes back from a link', () => {
  for (const [key, values] of Object.entries(CHOICES)) {
    for (const value of values) {
      const state = { ...FIRST_PLAY, pStart: 2, [key]: value };
      if (isPlayable(state)) comesBack(state);
    }
  }
  for (const [key, ends] of Object.entries(RANGES)) {
    for (const value of ends) comesBack({ ...FIRST_PLAY, [key]: value });
  }
  for (const init of WEIGHT_INITS) comesBack({ ...FIRST_PLAY, init });
});

test('points that a visitor has set come back from a link', () => {
  const points = Array.from({ length: MOST_OWN_POINTS }, (_, at) => ({
    x: (at * 37) % 256,
    y: 255 - (at % 256),
    label: at % 3,
  }));
  comesBack({ ...FIRST_PLAY, data: 'own', classes: 3, points });
});

test('how a game is looked at is in the link, and changes neither the game nor its lesson', () => {
  const state = { ...PLAY_PRESETS.narrow, colours: 'pixels', unit: 3, step: 120 } as const;
  expect(formatPlay(state)).toBe('narrow~colours:pixels~unit:3~step:120');
  comesBack(state);
  expect(presetOf(state)).toBe('narrow');
  expect(structureOf(state)).toBe(structureOf(PLAY_PRESETS.narrow));
});

test('a game goes on when ε or the learning rate changes, and begins anew for anything else', () => {
  const of = (part: Partial<PlayState>) => structureOf({ ...FIRST_PLAY, ...part });
  expect(of({ epsilon: 3, epsilonTrain: 9, learningRate: 0.1 })).toBe(of({}));
  for (const part of [{ seed: 2 }, { width: 8 }, { points: [{ x: 1, y: 2, label: 0 }] }]) {
    expect(of(part)).not.toBe(of({}));
  }
});

test('a damaged link says that the game cannot be read', async () => {
  const points = [1, 2, 3].map((x) => ({ x, y: 7, label: 1 }));
  const whole = formatPlay({ ...FIRST_PLAY, data: 'own', points });
  const unreadable = async (play: string) =>
    (await readLink(`v=2&view=learn&play=${play}`)).unreadable;
  expect(await unreadable(whole)).toEqual([]);
  // A whole point is missing.
  expect(await unreadable(whole.slice(0, -5))).toEqual(['the game of Play']);
  expect(await unreadable('circles~width:33')).toEqual(['the game of Play']);
});

test('what makes no sense is refused', () => {
  for (const text of [
    ...['', 'nothing', 'circles~', 'circles~width', 'circles~width:3', 'circles~size:3'],
    ...['circles~seed:4294967296', 'circles~seed:-1', 'circles~noise:31', 'circles~pEnd:7'],
    // Moons have two classes, p does not fall, and there is no fourth class.
    ...['circles~data:moons~classes:3', 'circles~pStart:16~pEnd:8', 'circles~pEnd:4'],
    ...[
      'circles~data:own~points:1.00003',
      'circles~data:own~points:1.0000',
      'circles~points:1.0000g',
    ],
    ...['circles~data:own~points:00001', 'circles~data:own~points:2.00001'],
    `circles~data:own~points:${MOST_OWN_POINTS + 1}.${'00000'.repeat(MOST_OWN_POINTS + 1)}`,
    // Twice the same; beyond the end; no such unit.
    ...['circles~width:8~width:16', 'circles~step:1201', 'circles~unit:32', 'circles~unit:-1'],
    ...['circles~colours:red', 'narrow~unit:4'],
  ]) {
    expect(parsePlay(text), text).toBeUndefined();
  }
});
