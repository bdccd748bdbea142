/**
 * *Play* in a link: the name of a preset and what differs from it, "circles~noise:12~width:8".
 *
 * `TEXTS` is the one table of all that is written. What a game is made from differs from a preset; how it
 * is looked at, and the step at which it rests, are written whatever the preset is.
 */
import { WEIGHT_INITS } from './hyperparameters.ts';
import type { WeightInit } from '../wasm/types.ts';
import { CLASSES, DATA, type DataName, type OwnPoint } from '../views/learn/play/points.ts';

/** What a game is made from. */
export interface PlayState {
  data: DataName | 'own';
  classes: number;
  /** Points that are made. */
  count: number;
  /** In pixel levels. */
  noise: number;
  /** Of the points, the weights and the order of training. */
  seed: number;
  /** Hidden layers of both networks, and units in each. */
  layers: number;
  width: number;
  init: WeightInit;
  /** Steps in all. */
  steps: number;
  pStart: number;
  /** ∞, or where p stops. */
  pEnd: number;
  learningRate: number;
  /** The radius that training asks for, in pixel levels. */
  epsilonTrain: number;
  /** The radius at which points are counted, in pixel levels. */
  epsilon: number;
  /** The points of `own`. */
  points: readonly OwnPoint[];
  /** What the map of the ℓ∞-dist net is coloured by. */
  colours: (typeof COLOURS)[number];
  /** The unit of its first layer that is shown. */
  unit: number | null;
  /** The step at which the game rests; 0 at its beginning and at its end. */
  step: number;
}

const COLOURS = ['labels', 'pixels'] as const;

/** What can be chosen for a number. */
export const CHOICES = {
  classes: [2, 3, 4],
  count: [40, 80, 160, 320],
  layers: [1, 2, 3],
  width: [2, 4, 8, 16, 32, 64],
  steps: [300, 600, 1200, 2400, 4800],
  pStart: [2, 4, 8, 16, 32],
  pEnd: [2, 4, 8, 16, 32, 64, 128, Infinity],
  learningRate: [0.003, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2],
} as const satisfies Partial<Record<keyof PlayState, readonly number[]>>;

/** Ranges of whole numbers. */
export const RANGES = {
  noise: [0, 30],
  seed: [0, 2 ** 32 - 1],
  epsilonTrain: [1, 96],
  epsilon: [1, 96],
} as const satisfies Partial<Record<keyof PlayState, readonly [number, number]>>;

export const MOST_OWN_POINTS = 200;

const USUAL: PlayState = {
  data: 'circles',
  classes: 2,
  count: 160,
  noise: 0,
  seed: 1,
  layers: 2,
  width: 32,
  init: 'signed_identity',
  steps: 1200,
  pStart: 8,
  pEnd: Infinity,
  learningRate: 0.03,
  epsilonTrain: 24,
  epsilon: 16,
  points: [],
  colours: 'labels',
  unit: null,
  step: 0,
};

/** The presets: the first is the usual one, each of the others teaches one thing. */
export const PLAY_PRESETS = {
  circles: USUAL,
  'low-p': { ...USUAL, layers: 3, pStart: 2, pEnd: 2 },
  'large-epsilon': { ...USUAL, data: 'moons', epsilon: 40, epsilonTrain: 48 },
  'identity-start': { ...USUAL, width: 16, init: 'identity' },
  narrow: { ...USUAL, data: 'spirals', width: 4, epsilon: 8, epsilonTrain: 12 },
} as const satisfies Record<string, PlayState>;
export type PlayPreset = keyof typeof PLAY_PRESETS;
export const PLAY_PRESET_NAMES = Object.keys(PLAY_PRESETS) as PlayPreset[];

export const FIRST_PLAY: PlayState = USUAL;

type Key = keyof PlayState;
interface Text {
  format(value: never): string;
  parse(text: string): unknown;
}

const whole = (text: string) => (/^\d{1,10}$/.test(text) ? Number(text) : undefined);
const oneOf =
  <Value extends string>(values: readonly Value[]) =>
  (text: string) =>
    values.find((value) => value === text);
const choice = (values: readonly number[]): Text => ({
  format: (value: number) => (value === Infinity ? 'inf' : String(value)),
  parse: (text) => values.find((value) => (value === Infinity ? 'inf' : String(value)) === text),
});
const range = ([least, most]: readonly [number, number]): Text => ({
  format: String,
  parse(text) {
    const value = whole(text);
    return value !== undefined && value >= least && value <= most ? value : undefined;
  },
});

/**
 * How many points there are, and five characters of each: two levels in hexadecimal, and its class. A
 * link that was cut short does not have as many as it says.
 */
const OWN = /^(\d{1,3})\.((?:[0-9a-f]{4}[0-3])*)$/;
const hex = (level: number) => level.toString(16).padStart(2, '0');

/** Every part of the state as a text. */
const TEXTS: Readonly<Record<Key, Text>> = {
  data: { format: String, parse: oneOf([...DATA, 'own']) },
  classes: choice(CHOICES.classes),
  count: choice(CHOICES.count),
  noise: range(RANGES.noise),
  seed: range(RANGES.seed),
  layers: choice(CHOICES.layers),
  width: choice(CHOICES.width),
  init: { format: String, parse: oneOf(WEIGHT_INITS) },
  steps: choice(CHOICES.steps),
  pStart: choice(CHOICES.pStart),
  pEnd: choice(CHOICES.pEnd),
  learningRate: choice(CHOICES.learningRate),
  epsilonTrain: range(RANGES.epsilonTrain),
  epsilon: range(RANGES.epsilon),
  points: {
    format: (points: readonly OwnPoint[]) =>
      `${points.length}.${points.map(({ x, y, label }) => `${hex(x)}${hex(y)}${label}`).join('')}`,
    parse(text): OwnPoint[] | undefined {
      const [, count, all] = OWN.exec(text) ?? [];
      const length = Number(count);
      if (all?.length !== 5 * length || length > MOST_OWN_POINTS) return undefined;
      return Array.from({ length }, (_, at) => {
        const part = all.slice(5 * at, 5 * at + 5);
        const [x = 0, y = 0] = [part.slice(0, 2), part.slice(2, 4)].map((two) => parseInt(two, 16));
        return { x, y, label: Number(part[4]) };
      });
    },
  },
  colours: { format: String, parse: oneOf(COLOURS) },
  unit: {
    format: (unit: number | null) => (unit === null ? 'none' : String(unit)),
    parse: (text) => (text === 'none' ? null : whole(text)),
  },
  step: { format: String, parse: whole },
};
const KEYS = Object.keys(TEXTS) as Key[];
/** What a game is not made from. */
const LOOKED_AT: readonly Key[] = ['colours', 'unit', 'step'];
/** What may be changed while a game runs. */
const CHANGEABLE: readonly Key[] = ['learningRate', 'epsilonTrain', 'epsilon'];

const textOf = (state: PlayState, key: Key) => TEXTS[key].format(state[key] as never);
const differing = (keys: readonly Key[], state: PlayState, other: PlayState) =>
  keys.filter((key) => textOf(state, key) !== textOf(other, key));

/** What one cannot change while a game runs: another value begins anew. */
export function structureOf(state: PlayState): string {
  const keys = KEYS.filter((key) => !LOOKED_AT.includes(key) && !CHANGEABLE.includes(key));
  return keys.map((key) => `${key}:${textOf(state, key)}`).join('~');
}

/** Whether all parts of a state go together. */
export function isPlayable(state: PlayState): boolean {
  const { data, classes, pStart, pEnd, points, unit, width, step, steps } = state;
  const isOffered = data === 'own' || CLASSES[data].includes(classes);
  const isThere = points.every(({ label }) => label < classes) && (unit ?? 0) < width;
  return isOffered && isThere && pStart <= pEnd && step <= steps;
}

/** The preset that a state differs least from, and in what. */
function nearest(state: PlayState): { name: PlayPreset; changed: readonly Key[] } {
  const keys = KEYS.filter((key) => !LOOKED_AT.includes(key));
  const all = PLAY_PRESET_NAMES.map((name) => ({
    name,
    changed: differing(keys, state, PLAY_PRESETS[name]),
  }));
  return all.reduce((best, other) => (other.changed.length < best.changed.length ? other : best));
}

/** The preset that a state is, if it is one. */
export function presetOf(state: PlayState): PlayPreset | null {
  const { name, changed } = nearest(state);
  return changed.length === 0 ? name : null;
}

/** A preset's words still hold when so much has been changed, as they may ask for it. */
const MOST_CHANGED = 2;

/** The preset whose words still hold for a state, if there is one. */
export function nearestPreset(state: PlayState): PlayPreset | null {
  const { name, changed } = nearest(state);
  return changed.length <= MOST_CHANGED ? name : null;
}

/** The state of a text, or `undefined` if it cannot be read. */
export function parsePlay(text: string): PlayState | undefined {
  const [first = '', ...parts] = text.split('~');
  const name = PLAY_PRESET_NAMES.find((name) => name === first);
  if (!name) return undefined;
  const state: PlayState = { ...PLAY_PRESETS[name] };
  const read = new Set<Key>();
  for (const part of parts) {
    const [, written = '', rest = ''] = /^([a-zA-Z]+):(.*)$/.exec(part) ?? [];
    const key = KEYS.find((key) => key === written);
    const value = key && TEXTS[key].parse(rest);
    if (!key || value === undefined || read.has(key)) return undefined;
    read.add(key);
    Object.assign(state, { [key]: value });
  }
  return isPlayable(state) ? state : undefined;
}

/** The text that `parsePlay` reads back; empty for the usual game. */
export function formatPlay(state: PlayState): string {
  const { name, changed } = nearest(state);
  const written = [...changed, ...differing(LOOKED_AT, state, PLAY_PRESETS[name])];
  if (written.length === 0 && name === PLAY_PRESET_NAMES[0]) return '';
  return [name, ...written.map((key) => `${key}:${textOf(state, key)}`)].join('~');
}
