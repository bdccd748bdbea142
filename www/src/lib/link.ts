/**
 * The state of the page in its address, so that a view can be sent to a colleague.
 *
 * Only what differs from the default is written, after a version: an older link keeps its
 * meaning when the format changes. It stands behind the `#`: no server sees what was drawn.
 */
import { decodeStrokes, encodeStrokes, type Stroke } from './strokes.ts';

const VERSION = '1';

/** The ε that the page starts with, in pixel levels. */
export const DEFAULT_EPSILON = 60;

/** Longer links are cut by mail and chat programs; such a drawing stays out of the address. */
const MOST_CHARACTERS = 8000;

/** What a link says. */
export interface LinkState {
  /** In pixel levels, a whole number from 0 to 255. */
  epsilon: number;
  /** Number of the picked image in MNIST's test set. */
  digit: number | null;
  strokes: readonly Stroke[];
}

/** The state in the address's fragment; what is missing or makes no sense is the default. */
export function readLink(hash: string): LinkState {
  const state: LinkState = { epsilon: DEFAULT_EPSILON, digit: null, strokes: [] };
  const fields = new URLSearchParams(hash.replace(/^#/, ''));
  if (fields.get('v') !== VERSION) return state;
  const whole = (name: string) => {
    const text = fields.get(name) ?? '';
    return /^\d{1,5}$/.test(text) ? Number(text) : null;
  };
  const epsilon = whole('eps');
  if (epsilon !== null && epsilon <= 255) state.epsilon = epsilon;
  state.digit = whole('digit');
  const ink = fields.get('ink');
  if (state.digit === null && ink) state.strokes = decodeStrokes(ink) ?? [];
  return state;
}

/** The fragment that `readLink` reads back, without the `#`; empty where all is as at the start. */
export function writeLink({ epsilon, digit, strokes }: LinkState): string {
  const fields = new URLSearchParams();
  if (epsilon !== DEFAULT_EPSILON) fields.set('eps', String(epsilon));
  if (digit !== null) {
    fields.set('digit', String(digit));
  } else if (strokes.length > 0) {
    const ink = encodeStrokes(strokes);
    if (ink.length <= MOST_CHARACTERS) fields.set('ink', ink);
  }
  const text = fields.toString();
  return text && `v=${VERSION}&${text}`;
}
