/**
 * Measuring: every image of a set certified by a network, in as many Workers as there are cores.
 *
 * There is one of it, and it outlives the view: whoever goes to draw meanwhile comes back to what has
 * been measured. What is certified is counted as it comes; a pause lets the batches under way end and
 * starts no other. A sample is attacked when all images of its set are certified, for an attack begins
 * where the proof ends.
 */
import { message, type OnProgress } from '../assets/download.ts';
import { pixelsOf } from '../assets/labelled-images.ts';
import type { MeasuredNetwork } from '../assets/measured-networks.ts';
import { fetchModel } from '../assets/model-file.ts';
import { SIDE, type Pixels } from '../assets/pixels.ts';
import { sha256, startModule } from '../wasm/certify.ts';
import { describe, sampleOrder, type MeasuredAbout } from '../wasm/measure.ts';
import { fetchProgram } from '../wasm/programs.ts';
import { MeasureHand } from '../workers/measure-hand.ts';
import type { Opening } from '../workers/measure-protocol.ts';
import type { ImageSet } from './image-sets.ts';
import { Series } from './series.svelte.ts';
import { losesIf } from './unsaved.ts';

/** Queries of the search for an image's smallest flip, and the seed: those of `linf curve`. */
export const QUERIES = 1_000;
export const SEED = 1;
/** A batch takes about so long: a pause waits for it, and so does whoever draws. */
const BATCH_MS = 80;
/** An attack takes about as long as so many batches. */
const BATCHES_PER_ATTACK = 8;
/** No batch is given out for so long after a stroke or a key: the pen has all cores to itself. */
const HOLD_MS = 300;
const MOST_BATCH = 500;
/** The counts are brought up to date so often, and less often the more images there are to count. */
const COUNT_MS = 250;
const IMAGES_PER_MS = 40;
/** The speed is that of so long a time. */
const SPEED_MS = 6_000;
/** More Workers than this would want more memory than they give speed. */
const MOST_WORKERS = 16;
/** Ticks per level for a baseline, which has no scale of its own: those of `linf curve`. */
const BASELINE_SCALE = 32;
const PIXELS = SIDE * SIDE;

/** What a Worker is to do. */
type Task = { series: Series } & (
  | { type: 'certify'; first: number; pixels: Uint8Array<ArrayBuffer> }
  | { type: 'attack'; place: number; index: number; pixels: Pixels }
);

/** What is needed of a network before anything can be measured. */
interface Supply {
  opening: Opening;
  about: Pick<MeasuredAbout, 'modelSha256' | 'scale' | 'members' | 'epsilon'>;
}

/** What somebody does with a hand. */
const INPUTS = ['pointerdown', 'pointermove', 'keydown'] as const;

const wait = (milliseconds: number) =>
  new Promise<void>((resolve) => setTimeout(resolve, milliseconds));

/** Small sets come before large ones. */
const smallestFirst = (wanted: readonly Series[]) => wanted.toSorted((a, b) => a.total - b.total);

/** Of one network on what a kind of images was at any time there is one series, the last. */
const keyOf = (network: MeasuredNetwork, hash: string, { kind, dataset }: ImageSet) =>
  `${network.name} ${hash} ${kind} ${dataset}`;

export class MeasureStore {
  /** What is to be measured, the smallest set first. */
  wanted = $state.raw<readonly Series[]>([]);
  running = $state(false);
  paused = $state(false);
  /** Whether a sample is attacked once all is certified. */
  attacking = $state(false);
  /** How fast it goes, and the time left of the set at hand. */
  speed = $state.raw<{ imagesPerSecond: number; secondsLeft: number } | null>(null);
  /** The set whose images are being certified. */
  current = $state.raw<Series | null>(null);
  /** Where the view was scrolled to when an image was opened elsewhere. */
  place: number | null = null;
  readonly workers = Math.min(MOST_WORKERS, Math.max(1, navigator.hardwareConcurrency || 2));

  readonly #series: Record<string, Series | undefined> = {};
  #supplies: Record<string, Promise<Supply> | undefined> = {};
  /** The unpacked files of networks that no file of the page holds, by their hashes. */
  readonly #own: Record<string, Uint8Array<ArrayBuffer> | undefined> = {};
  #hands: MeasureHand[] = [];
  /** Those that found nothing to do. */
  #idle: MeasureHand[] = [];
  #resume: (() => void)[] = [];
  /** Batches are given out one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #recent: { at: number; images: number }[] = [];
  /** Counts the batches that were given out. */
  #given = 0;
  /** No batch is given out before. */
  #heldUntil = 0;
  readonly #stale: Series[] = [];
  #recounting: ReturnType<typeof setTimeout> | undefined;

  /**
   * What is or will be measured of a network on a set; `own` is the file of one that was trained here.
   * Where the set has changed, it begins anew.
   */
  seriesOf(
    network: MeasuredNetwork,
    set: ImageSet,
    own: { hash: string; model: Uint8Array<ArrayBuffer> } | null,
  ): Series {
    const hash = network.file?.hash ?? own?.hash ?? '';
    if (own && !network.file) this.#own[hash] = own.model;
    const key = keyOf(network, hash, set);
    const known = this.#series[key];
    if (known?.set.id === set.id) return known;
    const isAnew = known !== undefined && (known.done > 0 || known.isAnew);
    return (this.#series[key] = new Series(network, hash, set, isAnew));
  }

  /** Calls networks what the list of today calls them. */
  name(networks: readonly MeasuredNetwork[]) {
    for (const series of Object.values(this.#series)) series?.follow(networks);
  }

  /** Certifies all images of these sets, those that are not certified yet. */
  certify(wanted: readonly Series[]) {
    this.wanted = smallestFirst(wanted);
    for (const series of wanted) if (series.failure !== null) series.rewind();
    this.#go();
  }

  /** Attacks a sample of these sets, once they are certified. */
  attack(wanted: readonly Series[]) {
    this.attacking = true;
    this.certify(wanted);
  }

  stopAttacking() {
    this.attacking = false;
  }

  /** Measures other sets from now on, if it measures at all. */
  follow(wanted: readonly Series[]) {
    if (!this.running) return;
    this.wanted = smallestFirst(wanted);
    this.#wake();
  }

  pause() {
    this.paused = true;
    this.speed = null;
  }

  resume() {
    this.paused = false;
    this.#recent = [];
    for (const resume of this.#resume.splice(0)) resume();
  }

  #go() {
    this.resume();
    if (!this.running) {
      this.running = true;
      this.#hands = Array.from({ length: this.workers }, () => new MeasureHand());
      this.#idle = [...this.#hands];
      for (const type of INPUTS)
        addEventListener(type, this.#hold, { capture: true, passive: true });
    }
    this.#wake();
  }

  /** Somebody draws, or moves a slider: that comes first. */
  readonly #hold = (event: Event) => {
    if (event instanceof PointerEvent && event.buttons === 0) return;
    this.#heldUntil = performance.now() + HOLD_MS;
  };

  #wake() {
    for (const hand of this.#idle.splice(0)) {
      void this.#work(hand).then(() => {
        this.#idle.push(hand);
        if (this.#idle.length === this.#hands.length) this.#end();
      });
    }
  }

  #end() {
    for (const type of INPUTS) removeEventListener(type, this.#hold, { capture: true });
    for (const hand of this.#hands) hand.stop();
    this.#hands = this.#idle = [];
    this.running = this.paused = this.attacking = false;
    this.speed = this.current = null;
    this.#recount();
  }

  /** One Worker at work, until nothing is left. */
  async #work(hand: MeasureHand) {
    for (;;) {
      while (this.#heldUntil > performance.now()) await wait(this.#heldUntil - performance.now());
      if (this.paused) await new Promise<void>((resolve) => this.#resume.push(resolve));
      const turn = this.#turn.then(() => this.#take());
      this.#turn = turn;
      const task = await turn;
      if (!task) return;
      const { series } = task;
      try {
        const { opening } = await this.#supply(series);
        await hand.open(opening);
        if (task.type === 'certify') {
          const images = task.pixels.length / PIXELS;
          const { certificates, tookMs } = await hand.certify(opening.network, task.pixels);
          series.take(task.first, certificates);
          const fitting = Math.round((images * BATCH_MS) / Math.max(tookMs, 1));
          series.batch = Math.min(MOST_BATCH, Math.max(1, fitting));
          this.#note(images);
        } else {
          const { place, index, pixels } = task;
          const target = {
            index,
            label: series.labels[index] ?? 0,
            ibpRadiusTicks: series.certificates.ibpRadiusTicks[index] ?? -1,
            pixels,
          };
          series.takeFlip(place, await hand.attack(opening.network, target, QUERIES, SEED));
        }
        this.#outdate(series);
      } catch (cause) {
        series.failure ??= `Measuring ${series.network.title} broke off: ${message(cause)}`;
        hand.restart();
      }
    }
  }

  /** The next thing to do; none when nothing is left. */
  async #take(): Promise<Task | null> {
    for (;;) {
      const open = this.wanted.filter(({ failure }) => failure === null);
      const certified = open.find(({ next, total }) => next < total);
      const growing = this.attacking ? this.#toAttack(open) : undefined;
      // While both are wanted, each has about half of the time.
      this.#given += 1;
      const attacks = certified === undefined || this.#given % BATCHES_PER_ATTACK === 0;
      const series = (attacks ? growing : undefined) ?? certified;
      if (!series) return null;
      if (series === certified && this.current !== series) {
        this.current = series;
        this.#recent = [];
      }
      try {
        const isToCertify = series === certified;
        const task = isToCertify ? await this.#toCertify(series) : await this.#target(series);
        if (task) return task;
      } catch (cause) {
        series.loading = null;
        series.failure ??= message(cause);
      }
    }
  }

  /** The set of the smallest sample that may grow. */
  #toAttack(open: readonly Series[]): Series | undefined {
    const growing = open.filter(
      ({ isComplete, nextAttacked, flipTicks }) => isComplete && nextAttacked < flipTicks.length,
    );
    return growing.toSorted((a, b) => a.nextAttacked - b.nextAttacked)[0];
  }

  async #toCertify(series: Series): Promise<Task> {
    const { network, set } = series;
    if (!series.about) {
      const supply = await this.#supply(series);
      series.about = {
        ...supply.about,
        network: network.name,
        kind: network.recipe,
        dataset: network.dataset,
        split: set.inFiles,
        first: set.first,
        colour: network.print,
        letter: network.letter,
      };
    }
    const onProgress: OnProgress = (fraction) => (series.loading = fraction);
    const shard = await set.part(series.next, { onProgress });
    series.loading = null;
    const end = shard.first + shard.count;
    // The next shard comes meanwhile.
    if (end < series.total) void set.part(end).catch(() => {});
    const first = series.next;
    const images = Math.min(series.batch, end - first);
    series.next = first + images;
    const at = first - shard.first;
    series.labels.set(shard.labels.subarray(at, at + images), first);
    const pixels = shard.pixels.slice(at * PIXELS, (at + images) * PIXELS);
    return { type: 'certify', series, first, pixels };
  }

  /** The next image of the sample; none where its label is wrong, which no attack needs to show. */
  async #target(series: Series): Promise<Task | null> {
    if (series.order.length === 0) series.order = new Uint32Array(sampleOrder(series.total, SEED));
    const place = series.nextAttacked;
    const index = series.order[place] ?? 0;
    const pixels = await this.pixels(series, index);
    series.nextAttacked = place + 1;
    if (series.isRight(index))
      return { type: 'attack', series, place, index, pixels: pixels.slice() };
    series.takeFlip(place, -1);
    this.#outdate(series);
    return null;
  }

  /** The pixels of an image of a set. Throws a `DownloadError`. */
  async pixels({ set }: Series, index: number): Promise<Pixels> {
    return pixelsOf(await set.part(index), index);
  }

  /** What is needed of the network of a set; what failed is asked for again. */
  #supply(series: Series): Promise<Supply> {
    const { network, hash } = series;
    const key = `${network.name} ${hash}`;
    const known = this.#supplies[key];
    if (known) return known;
    const supply = this.#fetch(series, key);
    this.#supplies[key] = supply;
    supply.catch(() => (this.#supplies[key] = undefined));
    return supply;
  }

  async #fetch(series: Series, key: string): Promise<Supply> {
    const { network, hash } = series;
    const { kind, file } = network;
    const onProgress: OnProgress = (fraction) => (series.loading = fraction);
    series.loading = 0;
    await startModule();
    const program = await fetchProgram(kind === 'exact' ? 'certify' : 'baseline', {
      onProgress: (fraction) => onProgress(fraction / 2),
    });
    const kept = this.#own[hash];
    const model =
      kept ??
      (file &&
        (await fetchModel(file, { onProgress: (fraction) => onProgress((1 + fraction) / 2) })));
    if (!model) throw new Error('The network that was trained here is not kept any more.');
    series.loading = null;
    const modelSha256 = sha256(model);
    const about =
      kind === 'exact'
        ? { ...describe(model), modelSha256 }
        : { scale: BASELINE_SCALE, members: 1, epsilon: network.epsilon, modelSha256 };
    return { opening: { network: key, kind, model, program, scale: about.scale }, about };
  }

  #note(images: number) {
    const now = performance.now();
    this.#recent.push({ at: now, images });
    this.#recent = this.#recent.filter(({ at }) => now - at < SPEED_MS);
    const [first] = this.#recent;
    const { current } = this;
    if (!first || now - first.at < 200 || !current || this.paused) return;
    // The first of them was done when the time began.
    const counted = this.#recent.slice(1).reduce((sum, one) => sum + one.images, 0);
    const imagesPerSecond = (1000 * counted) / (now - first.at);
    const secondsLeft = (current.total - current.done) / Math.max(imagesPerSecond, 0.001);
    this.speed = { imagesPerSecond, secondsLeft };
  }

  #outdate(series: Series) {
    if (!this.#stale.includes(series)) this.#stale.push(series);
    if (series.isComplete && series.attacked === 0) this.#recount();
    else {
      const delay = COUNT_MS + series.done / IMAGES_PER_MS;
      this.#recounting ??= setTimeout(() => this.#recount(), delay);
    }
  }

  #recount() {
    clearTimeout(this.#recounting);
    this.#recounting = undefined;
    for (const series of this.#stale.splice(0)) series.recount();
  }
}

export const measure = new MeasureStore();
losesIf(() => measure.wanted.length > 0);
