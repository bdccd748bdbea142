/**
 * The state of the page in its address, so that a view can be sent to a colleague.
 *
 * Only what differs from the default is written, after a version: an older link keeps its
 * meaning when the format changes. It stands behind the `#`: no server sees what was drawn.
 */
import { pack, unpack } from './packing.ts';
import { SIDE, type Pixels } from '../assets/pixels.ts';
import { decodeStrokes, encodeStrokes, type Stroke } from './strokes.ts';

const VERSION = '1';

/** The views of the page, in the order in which they are offered; the first is the default. */
export const VIEWS = ['draw', 'attack', 'train', 'learn'] as const;
export type View = (typeof VIEWS)[number];

/** The ordinary networks to choose from, by the names of their files; the first is the default. */
export const OPPONENTS = ['relu', 'adversarial', 'ibp'] as const;
export type Opponent = (typeof OPPONENTS)[number];

/** What the random numbers of an attack start from, unless one says otherwise. */
export const DEFAULT_SEED = 1;

/** Longer links are cut by mail and chat programs; of such a drawing the address has the image alone. */
const MOST_CHARACTERS = 8000;

/** What a link says. */
export interface LinkState {
  view: View;
  /**
   * Name of the network, of those that the page ships, or `own-` and the hash of one that was trained
   * in a browser; `null` for the default.
   */
  network: string | null;
  /** In pixel levels, a whole number from 0 to 255; `null` for the one that the network is for. */
  epsilon: number | null;
  /** Number of the picked image in the test set of the network's data set. */
  digit: number | null;
  strokes: readonly Stroke[];
  /** An image that is neither a test digit nor to be drawn on: it came with a link. */
  pixels: Pixels | null;
  opponent: Opponent;
  /** A whole number of up to 32 bits. */
  seed: number;
  /** What attacks found, packed; see `attack/result.ts`. */
  result: string | null;
  /** The preset of a run and the knobs that differ from it; see `train/knobs.ts`. */
  train: string | null;
  /** The weights, the image and the choices of the lesson; see `learn/link.ts`. */
  learn: string | null;
}

/** What a link without a word says. */
export const DEFAULTS: LinkState = {
  view: VIEWS[0],
  network: null,
  epsilon: null,
  digit: null,
  strokes: [],
  pixels: null,
  opponent: OPPONENTS[0],
  seed: DEFAULT_SEED,
  result: null,
  train: null,
  learn: null,
};

function oneOf<Name extends string>(names: readonly Name[], text: string | null): Name | undefined {
  return names.find((name) => name === text);
}

/**
 * The state in the address's fragment; what is missing or makes no sense is the default. A drawing
 * or an image that cannot be read makes it `damaged`.
 */
export async function readLink(hash: string): Promise<LinkState & { damaged: boolean }> {
  const state = { ...DEFAULTS, damaged: false };
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  if (fields.get('v') !== VERSION) return state;
  const whole = (name: string, most: number) => {
    const text = fields.get(name) ?? '';
    return /^\d{1,10}$/.test(text) && Number(text) <= most ? Number(text) : null;
  };
  state.view = oneOf(VIEWS, fields.get('view')) ?? state.view;
  state.opponent = oneOf(OPPONENTS, fields.get('net')) ?? state.opponent;
  // Whether there is such a network, the page finds out.
  state.network = fields.get('model') || null;
  state.epsilon = whole('eps', 255);
  state.seed = whole('seed', 2 ** 32 - 1) ?? state.seed;
  state.result = fields.get('result');
  state.train = fields.get('train');
  state.learn = fields.get('learn');

  state.digit = whole('digit', 99_999);
  const [ink, pixels] = [fields.get('ink'), fields.get('pixels')];
  if (state.digit === null && ink) {
    const strokes = decodeStrokes(ink);
    state.strokes = strokes ?? [];
    state.damaged = strokes === null;
  } else if (state.digit === null && pixels) {
    const bytes = await unpack(pixels);
    state.pixels = bytes?.length === SIDE * SIDE ? bytes : null;
    state.damaged = state.pixels === null;
  }
  return state;
}

/** The fragment that `readLink` reads back, without the `#`; empty where all is as at the start. */
export async function writeLink(state: LinkState): Promise<string> {
  const ink = state.strokes.length > 0 ? encodeStrokes(state.strokes) : '';
  const fields = new URLSearchParams();
  const different = (name: string, value: string | number, usual: string | number) => {
    if (value !== usual) fields.set(name, String(value));
  };
  different('view', state.view, DEFAULTS.view);
  if (state.network !== null) fields.set('model', state.network);
  if (state.epsilon !== null) fields.set('eps', String(state.epsilon));
  different('net', state.opponent, DEFAULTS.opponent);
  different('seed', state.seed, DEFAULTS.seed);
  if (state.digit !== null) {
    fields.set('digit', String(state.digit));
  } else if (ink && ink.length <= MOST_CHARACTERS) {
    fields.set('ink', ink);
  } else if (state.pixels) {
    fields.set('pixels', await pack(Uint8Array.from(state.pixels)));
  }
  if (state.result !== null) fields.set('result', state.result);
  if (state.train !== null) fields.set('train', state.train);
  if (state.learn !== null) fields.set('learn', state.learn);
  const text = fields.toString();
  return text && `v=${VERSION}&${text}`;
}

/** The same link for another view. */
export function linkTo(view: View, hash: string): string {
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  fields.delete('v');
  fields.delete('view');
  const rest = fields.toString();
  const text = view === DEFAULTS.view ? rest : `view=${view}${rest && `&${rest}`}`;
  return text && `v=${VERSION}&${text}`;
}
