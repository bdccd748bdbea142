/**
 * What the views share: the network, the image it is asked about, and ε.
 *
 * It is what a link carries, and it outlives a view: what was drawn in one is attacked in another.
 */
import models from 'virtual:models';
import { openNetwork, readNetwork, type Network } from './certifier.ts';
import { Drawing } from './drawing.svelte.ts';
import { DEFAULTS, readLink, writeLink, type LinkState, type View } from './link.ts';
import type { Loading } from './loading.ts';
import type { Pixels } from './pixels.ts';
import { forget, keep, restore } from './store.ts';
import { flatten } from './strokes.ts';
import { fetchTestDigits, type TestDigit } from './test-digits.ts';

const NAME = 'mnist-eps0.3';

/** Width of the pen, as a part of the pad's. */
export const PEN_WIDTH = 0.08;

/** The first 16 hexadecimal digits of a SHA-256; where the browser gives none, any others. */
async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const first = crypto.subtle
    ? new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).subarray(0, 8)
    : crypto.getRandomValues(new Uint8Array(8));
  return Array.from(first, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class PageState {
  network = $state.raw<Network | null>(null);
  loading = $state.raw<Loading>({ state: 'loading', fraction: 0 });
  /** Whether the network is one that was trained in this browser. */
  own = $state(false);
  #shipped: Network | null = null;

  readonly drawing = new Drawing();
  /** In pixel levels, a whole number. */
  epsilon = $state(DEFAULTS.epsilon);
  digits = $state.raw<readonly TestDigit[]>([]);
  /** Why there are no test digits, if they did not load. */
  digitsFailure = $state<string | null>(null);

  view = $state<View>(DEFAULTS.view);
  opponent = $state(DEFAULTS.opponent);
  seed = $state(DEFAULTS.seed);
  /** The result that a link brought, as it stands there, until something else is looked at. */
  result = $state<string | null>(DEFAULTS.result);

  /** What a link says of the knobs of a run; see `train/knobs.ts`. */
  train = $state<string | null>(DEFAULTS.train);

  /** The link's digit, until the test digits have come or something is drawn instead. */
  #wanted = $state<number | null>(null);

  /** The image the network sees; none while the pad is empty, or before the network came. */
  readonly image = $derived.by((): Pixels | undefined => {
    if (this.drawing.picked) return this.drawing.picked.pixels;
    if (!this.network || this.drawing.strokes.length === 0) return undefined;
    const { points, starts } = flatten(this.drawing.strokes);
    return this.network.draw(points, starts, PEN_WIDTH);
  });

  /** What a link to this state says. */
  get link(): LinkState {
    const { picked, strokes } = this.drawing;
    return {
      view: this.view,
      epsilon: this.epsilon,
      // A digit that has not come stays in the address: the same link asks for it again.
      digit: picked ? picked.index : this.drawing.isEmpty ? this.#wanted : null,
      strokes,
      pixels: picked && picked.index === null ? picked.pixels : null,
      opponent: this.opponent,
      seed: this.seed,
      result: this.result,
      train: this.train,
    };
  }

  load = async () => {
    this.loading = { state: 'loading', fraction: 0 };
    try {
      const file = models[NAME];
      if (!file) throw new Error(`this page was built without the network ${NAME}`);
      this.network = await openNetwork(file, (fraction) => {
        this.loading = { state: 'loading', fraction };
      });
      this.#shipped = this.network;
      this.loading = { state: 'ready' };
      const saved = await restore('network');
      // One that a newer page cannot read any more is of no use.
      if (saved && !this.own && this.#useOwn(saved.model, saved.hash) !== null)
        await forget('network');
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      this.loading = { state: 'failed', message };
    }
  };

  /** Lets the page run on a trained network, now and when it is opened again. Says why not. */
  async useOwn(model: Uint8Array<ArrayBuffer>): Promise<string | null> {
    const hash = await digest(model);
    const failure = this.#useOwn(model, hash);
    if (failure === null && !(await keep('network', { model, hash, savedAt: Date.now() }))) {
      return 'The page runs on this network until it is closed: the browser keeps nothing.';
    }
    return failure;
  }

  #useOwn(model: Uint8Array<ArrayBuffer>, hash: string): string | null {
    if (!this.#shipped) return 'The shipped network has not loaded yet; try again in a moment.';
    try {
      this.network = readNetwork(model, hash);
      this.own = true;
      return null;
    } catch (cause) {
      return cause instanceof Error ? cause.message : String(cause);
    }
  }

  /** Goes back to the network that came with the page. */
  useShipped = () => {
    if (this.#shipped) this.network = this.#shipped;
    this.own = false;
    void forget('network');
  };

  loadDigits = () => {
    this.digitsFailure = null;
    fetchTestDigits().then(
      (fetched) => {
        this.digits = fetched;
        this.#pickWanted();
      },
      // One can still draw; the row says why it is empty.
      (cause: Error) => (this.digitsFailure = cause.message),
    );
  };

  /** Takes the state of a link. One for another view of this very state only changes the view. */
  async open(hash: string) {
    const link = await readLink(hash);
    if ((await writeLink(link)) === (await writeLink({ ...this.link, view: link.view }))) {
      this.view = link.view;
      return;
    }
    const { drawing } = this;
    drawing.clear();
    drawing.strokes = link.strokes;
    if (link.pixels) drawing.picked = { index: null, pixels: link.pixels };
    this.view = link.view;
    this.epsilon = link.epsilon;
    this.opponent = link.opponent;
    this.seed = link.seed;
    this.result = link.result;
    this.train = link.train;
    this.#wanted = link.digit;
    this.#pickWanted();
  }

  /** Forgets the digit that a link asked for. */
  drawn() {
    this.#wanted = null;
  }

  #pickWanted() {
    if (this.digits.length === 0) return;
    const digit = this.digits.find(({ index }) => index === this.#wanted);
    // Whoever began to draw meanwhile keeps the drawing.
    if (digit && this.drawing.isEmpty) this.drawing.picked = digit;
    this.#wanted = null;
  }
}
