/**
 * The state of the page in its address, so that any view can be sent to a colleague.
 *
 * `FIELDS` is the one table of everything that a link can hold. Only what differs from the usual
 * value is written, after a version, so that an older link keeps its meaning when the format
 * changes. It all stands behind the `#`: no server sees what was drawn.
 */
import { SIDE, type Pixels } from '../assets/pixels.ts';
import { FIRST, parseLesson, formatLesson, type Lesson } from './lesson.ts';
import {
  FIRST_MEASUREMENT,
  formatMeasurement,
  parseMeasurement,
  type Measurement,
} from './measurement.ts';
import { pack, unpack } from './packing.ts';
import { FIRST_PLAY, formatPlay, parsePlay, type PlayState } from './play.ts';
import { decodeStrokes, encodeStrokes, type Stroke } from './strokes.ts';

const VERSION = '2';

/** The views of the page, in the order in which they are offered; the first is the usual one. */
export const VIEWS = ['draw', 'attack', 'measure', 'train', 'learn', 'about'] as const;
export type View = (typeof VIEWS)[number];

/** The baselines to choose from, by the names of their files; the first is the usual one. */
export const BASELINES = ['relu', 'adversarial', 'ibp'] as const;
export type BaselineName = (typeof BASELINES)[number];

/** What attacks run on; the first is the usual one: a GPU where it is faster. */
export const COMPUTE = ['auto', 'cpu', 'gpu'] as const;
export type Compute = (typeof COMPUTE)[number];

/** Longer links are cut by mail and chat programs; of such a drawing a link holds the image alone. */
const MOST_CHARACTERS = 8000;

/** One thing that a link can hold. */
interface Field<Value> {
  /** Its name in the address. */
  key: string;
  /** What the page calls it where it cannot be read. */
  called: string;
  /** The value of a link that does not name it. */
  usual: Value;
  /** The value of a text, or `undefined` if the text cannot be read. */
  parse(text: string): Value | undefined | Promise<Value | undefined>;
  /** The text that `parse` reads back; never asked for the usual value. */
  format(value: Value): string | Promise<string>;
}

const field = <Value>(one: Field<Value>): Field<Value> => one;

const oneOf =
  <Name extends string>(names: readonly Name[]) =>
  (text: string) =>
    names.find((name) => name === text);

const whole = (most: number) => (text: string) =>
  /^\d{1,10}$/.test(text) && Number(text) <= most ? Number(text) : undefined;

const word = (text: string) => text || undefined;

/** Everything that a link can hold, in the order in which it is written. */
const FIELDS = {
  view: field<View>({
    key: 'view',
    called: 'the view',
    usual: VIEWS[0],
    parse: oneOf(VIEWS),
    format: String,
  }),
  /** Name of a shipped network, or `own-` and the hash of one that was trained in a browser. */
  network: field<string | null>({
    key: 'model',
    called: 'the network',
    usual: null,
    parse: word,
    format: String,
  }),
  /** In pixel levels; `null` for the one that the network is for. */
  epsilon: field<number | null>({
    key: 'eps',
    called: 'ε',
    usual: null,
    parse: whole(255),
    format: String,
  }),
  baseline: field<BaselineName>({
    key: 'net',
    called: 'the baseline network',
    usual: BASELINES[0],
    parse: oneOf(BASELINES),
    format: String,
  }),
  /** What the random numbers of an attack start from. */
  seed: field<number>({
    key: 'seed',
    called: 'the seed',
    usual: 1,
    parse: whole(2 ** 32 - 1),
    format: String,
  }),
  compute: field<Compute>({
    key: 'on',
    called: 'the processor of attacks',
    usual: COMPUTE[0],
    parse: oneOf(COMPUTE),
    format: String,
  }),
  /** Number of the picked image in the test set of the network's data set. */
  testImage: field<number | null>({
    key: 'digit',
    called: 'the test image',
    usual: null,
    parse: whole(99_999),
    format: String,
  }),
  strokes: field<readonly Stroke[]>({
    key: 'ink',
    called: 'the drawing',
    usual: [],
    parse: (text) => decodeStrokes(text) ?? undefined,
    format: encodeStrokes,
  }),
  /** An image that is neither a test image nor to be drawn on. */
  pixels: field<Pixels | null>({
    key: 'pixels',
    called: 'the image',
    usual: null,
    async parse(text) {
      const bytes = await unpack(text);
      return bytes?.length === SIDE * SIDE ? bytes : undefined;
    },
    format: (pixels) => pack(Uint8Array.from(pixels ?? [])),
  }),
  /** What attacks found, packed; see `result.ts`, which reads it once the image has come. */
  result: field<string | null>({
    key: 'result',
    called: 'the result of the attack',
    usual: null,
    parse: word,
    format: String,
  }),
  measurement: field<Measurement>({
    key: 'measure',
    called: 'what is measured',
    usual: FIRST_MEASUREMENT,
    parse: parseMeasurement,
    format: formatMeasurement,
  }),
  /** A preset and the hyperparameters that differ from it; see `hyperparameters.ts`. */
  train: field<string | null>({
    key: 'train',
    called: 'the hyperparameters',
    usual: null,
    parse: word,
    format: String,
  }),
  lesson: field<Lesson>({
    key: 'learn',
    called: 'the lesson',
    usual: FIRST,
    parse: parseLesson,
    format: formatLesson,
  }),
  play: field<PlayState>({
    key: 'play',
    called: 'the game of Play',
    usual: FIRST_PLAY,
    parse: parsePlay,
    format: formatPlay,
  }),
};

type Fields = typeof FIELDS;
type Name = keyof Fields;
type ValueOf<Of> = Of extends Field<infer Value> ? Value : never;

/** What a link says. */
export type LinkState = { [Key in Name]: ValueOf<Fields[Key]> };

const NAMES = Object.keys(FIELDS) as Name[];

/** What a link without a word says. */
export const DEFAULTS = Object.fromEntries(
  NAMES.map((name) => [name, FIELDS[name].usual]),
) as LinkState;

/** A link holds one image: the test image before the drawing, the drawing before its pixels. */
function isLeftOut(name: Name, state: LinkState): boolean {
  const isDrawn =
    state.strokes.length > 0 && encodeStrokes(state.strokes).length <= MOST_CHARACTERS;
  if (name === 'strokes') return state.testImage !== null || !isDrawn;
  if (name === 'pixels') return state.testImage !== null || isDrawn;
  return false;
}

/** What older versions called things, for the text of a field. */
const RENAMED: Record<string, Partial<Record<Name, (text: string) => string>>> = {
  '1': {
    train: (text) =>
      text
        .replace(/~crop_share:/, '~random_shift_probability:')
        .replace(/~crop:/, '~random_shift:')
        .replace(/~thin_after:/, '~prune_from_epoch:')
        .replace(/~start:/, '~weight_init:'),
  },
  [VERSION]: {},
};

const fieldsOf = (hash: string) => new URLSearchParams(hash.replace(/^#/, ''));

/**
 * The state in the address's fragment. What the link does not name is as usual, and so is what
 * cannot be read, whose names are told in `unreadable`.
 */
export async function readLink(
  hash: string,
): Promise<{ state: LinkState; unreadable: readonly string[] }> {
  const fields = fieldsOf(hash);
  const state: LinkState = { ...DEFAULTS };
  const version = fields.get('v') ?? '';
  const renamed = RENAMED[version];
  if (!renamed) {
    const nothing = [...fields.keys()].length === 0;
    return { state, unreadable: nothing ? [] : [`its version (“${version}”)`] };
  }
  const unreadable: string[] = [];
  const known = new Set(['v']);
  for (const name of NAMES) {
    const { key, called, parse } = FIELDS[name];
    known.add(key);
    const text = fields.get(key);
    if (text === null) continue;
    if (name === 'strokes' && state.testImage !== null) continue;
    if (name === 'pixels' && (state.testImage !== null || state.strokes.length > 0)) continue;
    const value = await parse(renamed[name]?.(text) ?? text);
    if (value === undefined) unreadable.push(called);
    else Object.assign(state, { [name]: value });
  }
  for (const key of new Set(fields.keys())) if (!known.has(key)) unreadable.push(`“${key}”`);
  return { state, unreadable };
}

/** The fragment that `readLink` reads back, without the `#`; empty where all is as usual. */
export async function writeLink(state: LinkState): Promise<string> {
  const fields = new URLSearchParams();
  for (const name of NAMES) {
    // The table pairs each value with its own field, which the type of a loop cannot say.
    const { key, usual, format } = FIELDS[name] as Field<unknown>;
    const value = state[name];
    if (value === usual || isLeftOut(name, state)) continue;
    const text = await format(value);
    if (text !== '') fields.set(key, text);
  }
  const text = fields.toString();
  return text && `v=${VERSION}&${text}`;
}

/** The same link for another view. */
export function linkTo(view: View, hash: string): string {
  const fields = fieldsOf(hash);
  const version = fields.get('v') ?? VERSION;
  fields.delete('v');
  fields.delete(FIELDS.view.key);
  const rest = fields.toString();
  const text = view === DEFAULTS.view ? rest : `view=${view}${rest && `&${rest}`}`;
  return text && `v=${version}&${text}`;
}
