/**
 * What the views share: the network, the image it is asked about, and ε.
 *
 * It is what a link carries, and it outlives a view: what was drawn in one is attacked in another.
 */
import { openNetwork, readNetwork, startModule, type Network } from '../wasm/certify.ts';
import { datasetWords } from '../assets/datasets.ts';
import { Drawing } from './drawing.svelte.ts';
import { DEFAULTS, readLink, writeLink, type LinkState, type View } from '../codec/link.ts';
import type { Loading } from './loading.ts';
import { DEFAULT_NETWORK, OWN, SHIPPED, firstEpsilon } from '../assets/networks.ts';
import type { Pixels } from '../assets/pixels.ts';
import { keep, restore, type SavedNetwork } from './saved.ts';
import { encodeStrokes, flatten } from '../codec/strokes.ts';
import { fetchTestDigits, type TestDigit } from '../assets/test-images.ts';

/** Width of the pen, as a part of the pad's. */
export const PEN_WIDTH = 0.08;

/** The first 16 hexadecimal digits of a SHA-256; where the browser gives none, any others. */
async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const first = crypto.subtle
    ? new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).subarray(0, 8)
    : crypto.getRandomValues(new Uint8Array(8));
  return Array.from(first, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

const message = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));

/** What follows a link to a view, with a step of its own in the browser's history. */
export type Go = (event: MouseEvent, view: View) => Promise<void>;

export class PageState {
  /** Name of the network that is in use, or on its way. */
  chosen = $state(DEFAULT_NETWORK);
  network = $state.raw<Network | null>(null);
  loading = $state.raw<Loading>({ state: 'loading', fraction: 0 });
  /** The network that was trained in this browser, if there is one. */
  own = $state.raw<Omit<SavedNetwork, 'savedAt'> | null>(null);
  /** Why another network or image is there than a link asked for. */
  instead = $state<string | null>(null);
  /** The hash of the own network that a link asked for, if it told one. */
  #ownWanted = $state<string | null>(null);
  /** The networks that have been opened, by their names. */
  readonly #opened: Record<string, Network> = {};
  #started = false;
  /** Counts the links that were followed. */
  #openings = 0;

  readonly drawing = new Drawing();
  /** The ε that somebody asked for. */
  #epsilon = $state<number | null>(DEFAULTS.epsilon);
  digits = $state.raw<readonly TestDigit[]>([]);
  /** Why there are no test digits, if they did not load. */
  digitsFailure = $state<string | null>(null);
  /** The data set that they are of. */
  #digitsOf: string | null = null;

  view = $state<View>(DEFAULTS.view);
  opponent = $state(DEFAULTS.opponent);
  seed = $state(DEFAULTS.seed);
  /** A result that a link brought or that was shared, as it stands in the link, and what it is of. */
  #result = $state.raw<{ text: string; of: string } | null>(null);

  /** What a link says of the knobs of a run; see `train/knobs.ts`. */
  train = $state<string | null>(DEFAULTS.train);
  /** What a link says of the lesson; see `learn/link.ts`. */
  learn = $state<string | null>(DEFAULTS.learn);

  /** The link's digit, until the test digits have come or something is drawn instead. */
  #wanted = $state<number | null>(null);

  /** What the network is about, known before it has come. */
  readonly about = $derived.by((): { dataset: string; epsilon: string } => {
    const shipped = SHIPPED.get(DEFAULT_NETWORK) ?? { dataset: 'mnist', epsilon: '0.3' };
    return (this.chosen === OWN ? this.own : SHIPPED.get(this.chosen)) ?? shipped;
  });
  /** What its images and classes are called. */
  readonly words = $derived(datasetWords(this.about.dataset));

  /** The image the network sees; none while the pad is empty, or before the network came. */
  readonly image = $derived.by((): Pixels | undefined => {
    if (this.drawing.picked) return this.drawing.picked.pixels;
    if (!this.network || this.drawing.strokes.length === 0) return undefined;
    const { points, starts } = flatten(this.drawing.strokes);
    return this.network.draw(points, starts, PEN_WIDTH);
  });

  /** In pixel levels, a whole number. */
  get epsilon(): number {
    return this.#epsilon ?? firstEpsilon(this.about.epsilon);
  }
  set epsilon(levels: number) {
    this.#epsilon = levels === firstEpsilon(this.about.epsilon) ? null : levels;
  }

  /** The packed result of an attack on what is looked at; none where that is something else by now. */
  get result(): string | null {
    return this.#result && this.#result.of === this.#subject ? this.#result.text : null;
  }
  set result(text: string | null) {
    this.#result = text === null ? null : { text, of: this.#subject };
  }

  /** All that a result depends on. */
  get #subject(): string {
    const { picked, strokes } = this.drawing;
    const image =
      picked?.index ?? picked?.pixels.join() ?? (encodeStrokes(strokes) || this.#wanted);
    return JSON.stringify([this.#named, this.#epsilon, this.opponent, this.seed, image]);
  }

  /** The network as a link names it. */
  get #named(): string | null {
    if (this.chosen === DEFAULT_NETWORK) return null;
    if (this.chosen !== OWN) return this.chosen;
    const hash = this.own?.hash ?? this.#ownWanted;
    return hash ? `${OWN}-${hash}` : OWN;
  }

  /** What a link to this state says. */
  get link(): LinkState {
    const { picked, strokes } = this.drawing;
    return {
      view: this.view,
      network: this.#named,
      epsilon: this.#epsilon,
      // A digit that has not come stays in the address: the same link asks for it again.
      digit: picked ? picked.index : this.drawing.isEmpty ? this.#wanted : null,
      strokes: picked ? [] : strokes,
      pixels: picked?.index == null ? (this.image ?? null) : null,
      opponent: this.opponent,
      seed: this.seed,
      result: this.result,
      train: this.train,
      learn: this.learn,
    };
  }

  /** Takes the state of the link that the page was opened with, and loads what it needs. */
  async start(hash: string) {
    const saved = restore('network');
    await this.open(hash);
    this.#started = true;
    if (this.chosen === OWN) this.own = await saved;
    await Promise.all([this.load(), this.loadDigits()]);
    // The chooser offers it once there is time.
    this.own ??= await saved;
  }

  /** Loads the network that is chosen, unless it is there. */
  load = async () => {
    const { chosen } = this;
    const isWanted = () => this.chosen === chosen;
    const known = this.#opened[chosen];
    if (known && chosen === OWN && !this.#isAskedFor(known.hash)) return this.#takeShipped();
    this.network = known ?? null;
    this.loading = known ? { state: 'ready' } : { state: 'loading', fraction: 0 };
    if (known) return;
    try {
      const network = await (chosen === OWN ? this.#openOwn() : this.#openShipped(chosen));
      if (network) this.#opened[chosen] = network;
      if (!isWanted()) return;
      if (network) {
        this.network = network;
        this.loading = { state: 'ready' };
      } else {
        await this.#takeShipped();
      }
    } catch (cause) {
      if (isWanted()) this.loading = { state: 'failed', message: message(cause) };
    }
  };

  #openShipped(name: string): Promise<Network> {
    const file = SHIPPED.get(name);
    if (!file) throw new Error(`this page was built without the network ${name}`);
    return openNetwork(file, (fraction) => {
      if (this.chosen === name) this.loading = { state: 'loading', fraction };
    });
  }

  /** The network that was trained here; `null` if none is kept. */
  async #openOwn(): Promise<Network | null> {
    this.own ??= await restore('network');
    if (!this.own || !this.#isAskedFor(this.own.hash)) return null;
    await startModule();
    return readNetwork(this.own.model, this.own.hash);
  }

  /** Whether this is the own network that the link asked for, if it asked for a certain one. */
  #isAskedFor(hash: string): boolean {
    return this.#ownWanted === null || this.#ownWanted === hash;
  }

  async #takeShipped() {
    const epsilon = this.#epsilon;
    const chosen = this.choose(DEFAULT_NETWORK);
    // The link's own ε is for this network as well.
    this.#epsilon = epsilon;
    await chosen;
    this.instead =
      'The network of this link was trained in another browser, or is no longer kept in this one. ' +
      'The shipped network is in use.';
  }

  /** Runs on another network from now on, at the ε that it is for. */
  choose = async (name: string) => {
    if (name === this.chosen) return;
    const { dataset } = this.about;
    this.instead = null;
    if (name !== OWN) this.#ownWanted = null;
    this.chosen = name;
    this.#epsilon = null;
    if (this.about.dataset !== dataset) {
      // A number in one test set is another image in another.
      if (this.drawing.picked?.index != null) this.drawing.picked = null;
      this.#wanted = null;
    }
    await Promise.all([this.load(), this.loadDigits()]);
  };

  /** Lets the page run on a trained network and keeps it. Says what went wrong, if anything did. */
  async useOwn(model: Uint8Array<ArrayBuffer>): Promise<string | null> {
    const hash = await digest(model);
    let network: Network;
    try {
      await startModule();
      network = readNetwork(model, hash);
    } catch (cause) {
      return message(cause);
    }
    const { dataset, epsilon } = network.info;
    const own = { model, hash, dataset, epsilon };
    if (this.chosen === OWN) this.chosen = DEFAULT_NETWORK;
    this.own = own;
    this.#ownWanted = null;
    this.#opened[OWN] = network;
    // Before anything else that could be waited for in vain.
    const kept = await keep('network', { ...own, savedAt: Date.now() });
    await this.choose(OWN);
    return kept
      ? null
      : 'The page runs on this network until it is closed: the browser keeps nothing.';
  }

  /** Loads the test images of the network's data set, unless they are there. */
  loadDigits = async () => {
    const { dataset } = this.about;
    this.digitsFailure = null;
    if (this.#digitsOf === dataset) {
      this.#pickWanted();
      return;
    }
    this.digits = [];
    this.#digitsOf = null;
    try {
      const fetched = await fetchTestDigits(dataset);
      if (this.about.dataset !== dataset) return;
      this.digits = fetched;
      this.#digitsOf = dataset;
      this.#pickWanted();
    } catch (cause) {
      // One can still draw; the row says why it is empty.
      if (this.about.dataset === dataset) this.digitsFailure = message(cause);
    }
  };

  /** Takes the state of a link. One for another view of this very state only changes the view. */
  async open(hash: string) {
    const opening = (this.#openings += 1);
    const link = await readLink(hash);
    const same = (await writeLink(link)) === (await writeLink({ ...this.link, view: link.view }));
    // Another link has been followed meanwhile.
    if (opening !== this.#openings) return;
    if (same && !link.damaged) {
      this.instead = null;
      this.view = link.view;
      return;
    }
    const { drawing } = this;
    const name = link.network ?? DEFAULT_NETWORK;
    const own = /^own(?:-([0-9a-f]{16}))?$/.exec(name);
    const known = own !== null || SHIPPED.has(name);
    const chosen = own ? OWN : known ? name : DEFAULT_NETWORK;
    this.#ownWanted = own?.[1] ?? null;
    if (this.#started && chosen !== this.chosen) void this.choose(chosen);
    else if (this.#started && chosen === OWN && this.own) void this.load();
    else this.chosen = chosen;
    this.instead = !known
      ? `This page does not have the network “${name}” of the link.`
      : link.damaged
        ? 'The image in this link is damaged: it may have been cut short.'
        : null;
    drawing.clear();
    drawing.strokes = link.strokes;
    if (link.pixels) drawing.picked = { index: null, pixels: link.pixels };
    this.view = link.view;
    this.#epsilon = link.epsilon;
    this.opponent = link.opponent;
    this.seed = link.seed;
    this.train = link.train;
    this.learn = link.learn;
    this.#wanted = link.digit;
    // It is of all the rest.
    this.result = link.result;
    this.#pickWanted();
  }

  /** Forgets the digit that a link asked for. */
  drawn() {
    this.#wanted = null;
  }

  #pickWanted() {
    if (this.digits.length === 0) return;
    const wanted = this.#wanted;
    const digit = this.digits.find(({ index }) => index === wanted);
    // Whoever began to draw meanwhile keeps the drawing.
    if (digit && this.drawing.isEmpty) this.drawing.picked = digit;
    if (wanted !== null && !digit)
      this.instead = `This page does not have test image ${wanted} of the link.`;
    this.#wanted = null;
  }
}
