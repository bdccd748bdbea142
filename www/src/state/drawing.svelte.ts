/**
 * What is on the pad: pen strokes, or an image lying over them.
 *
 * Whatever is done by hand can be taken back, one thing after the other: a stroke, an image that was
 * picked, and also what made something else go, such as clearing the pad.
 */
import type { Pixels } from '../assets/pixels.ts';
import type { Stroke } from '../codec/strokes.ts';
import type { TestImage } from '../assets/test-images.ts';

/**
 * An image that was not drawn: a test image, or one that came with a link. Of a training image its number
 * and its label are known as long as the page is open, and of one of the visitor's which it is; a link
 * carries the pixels alone.
 */
export type Picked =
  | TestImage
  | {
      index: null;
      pixels: Pixels;
      training?: { index: number; label: number };
      /** Id among the visitor's images, which know its label. */
      mine?: string;
    };

/** Points nearer than this to the one before, in grid steps, add length to a link and no ink. */
const LEAST_STEP = 3;

/** What is on the pad at one time. Both are replaced, never changed. */
interface Content {
  strokes: readonly Stroke[];
  picked: Picked | null;
}

export class Drawing {
  /** Replaced, never changed, whenever a point is added: all that is derived from it follows. */
  strokes = $state.raw<readonly Stroke[]>([]);
  picked = $state.raw<Picked | null>(null);

  /** What was there before each thing that was done by hand, the first one first. */
  #past = $state.raw<readonly Content[]>([]);
  /** Whether the pen is down, on the last stroke. */
  #open = false;
  readonly #onMark: () => void;

  /** `onMark` is called whenever something is put on the pad by hand. */
  constructor(onMark: () => void = () => {}) {
    this.#onMark = onMark;
  }

  get isEmpty(): boolean {
    return this.picked === null && this.strokes.length === 0;
  }

  /** Whether there is something to take back. */
  get canUndo(): boolean {
    return this.#past.length > 0 || !this.isEmpty;
  }

  /** Before something is done by hand. */
  #note() {
    const { strokes, picked } = this;
    this.#past = [...this.#past, { strokes, picked }];
  }

  /** Puts the pen down; a picked image makes way for a new drawing. */
  begin(x: number, y: number) {
    this.#note();
    this.strokes = this.picked ? [[x, y]] : [...this.strokes, [x, y]];
    this.picked = null;
    this.#open = true;
    this.#onMark();
  }

  /** Puts an image over the strokes. */
  pick(picked: Picked) {
    this.#open = false;
    this.#note();
    this.picked = picked;
    this.#onMark();
  }

  /**
   * Takes images of a data set away, also from what can be brought back, when another one is in use: their
   * numbers and labels would be read as that one's.
   */
  forgetLabelled() {
    const isOther = (picked: Picked | null) =>
      picked !== null && (picked.index !== null || 'training' in picked || 'mine' in picked);
    if (isOther(this.picked)) this.picked = null;
    this.#past = this.#past.filter(({ picked }) => !isOther(picked));
  }

  /** Puts something else on the pad, as a link says. */
  replace(strokes: readonly Stroke[], picked: Picked | null) {
    this.#open = false;
    this.#past = [];
    this.strokes = strokes;
    this.picked = picked;
  }

  /** Moves the pen, if it is down, through `points`: `x0, y0, x1, y1, …`. */
  extend(points: readonly number[]) {
    const stroke = this.strokes.at(-1);
    if (!this.#open || !stroke) return;
    const longer = [...stroke];
    for (let at = 0; at + 1 < points.length; at += 2) {
      const [x = 0, y = 0] = points.slice(at, at + 2);
      const far = Math.max(
        Math.abs(x - (longer.at(-2) ?? Infinity)),
        Math.abs(y - (longer.at(-1) ?? Infinity)),
      );
      if (far >= LEAST_STEP) longer.push(x, y);
    }
    if (longer.length > stroke.length) this.strokes = [...this.strokes.slice(0, -1), longer];
  }

  /** Lifts the pen. */
  end() {
    this.#open = false;
  }

  /** Takes back the last thing done; of what a link brought, the image or the last stroke. */
  undo() {
    this.#open = false;
    const before = this.#past.at(-1);
    if (before) {
      this.#past = this.#past.slice(0, -1);
      ({ strokes: this.strokes, picked: this.picked } = before);
    } else if (this.picked) this.picked = null;
    else this.strokes = this.strokes.slice(0, -1);
  }

  clear() {
    this.#open = false;
    if (this.isEmpty) return;
    this.#note();
    this.picked = null;
    this.strokes = [];
  }
}
