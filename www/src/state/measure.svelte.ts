/**
 * Measuring: every image of a set certified by a network, in as many Workers as there are cores.
 *
 * There is one of it, and it outlives the view: whoever goes to draw meanwhile comes back to what has
 * been measured. What is certified is counted as it comes; a pause lets the batches under way end and
 * starts no other. A sample is attacked when all images of its set are certified, for an attack begins
 * where the proof ends.
 */
import { message, type OnProgress } from '../assets/download.ts';
import { imageCount, type Split } from '../assets/image-shards.ts';
import { pixelsOf, shardOf } from '../assets/labelled-images.ts';
import type { MeasuredNetwork } from '../assets/measured-networks.ts';
import { fetchModel } from '../assets/model-file.ts';
import { SIDE, type Pixels } from '../assets/pixels.ts';
import { startModule } from '../wasm/certify.ts';
import {
  count,
  describe,
  sampleOrder,
  sha256,
  type CertifiedCurve,
  type Columns,
  type MeasuredAbout,
  type SurveyCurve,
} from '../wasm/measure.ts';
import { fetchProgram } from '../wasm/programs.ts';
import { WorkerClient } from '../workers/client.ts';
import type { Certificates, Opening, Reply, Request } from '../workers/measure-protocol.ts';

/** Queries of the search for an image's smallest flip, and the seed: those of `linf curve`. */
export const QUERIES = 1_000;
export const SEED = 1;
/** A larger sample says little more: its interval is within 3 points. */
export const MOST_ATTACKED = 1_000;
/** A batch takes about so long: a pause waits for it. */
const BATCH_MS = 150;
const MOST_BATCH = 500;
const FIRST_BATCH = 8;
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

/** One network on one set of images, and what has been measured of it. */
export class Series {
  readonly total: number;
  /** Images certified: the first so many. */
  done = $state(0);
  curve = $state.raw<CertifiedCurve | null>(null);
  survey = $state.raw<SurveyCurve | null>(null);
  about = $state.raw<MeasuredAbout | null>(null);
  /** Why it does not go on. */
  failure = $state.raw<string | null>(null);
  /** How much of what it needs has come, from 0 to 1; `null` when all of it is there. */
  loading = $state<number | null>(null);

  readonly labels: Uint8Array<ArrayBuffer>;
  readonly certificates: Certificates;
  /** The order in which images are attacked, and the smallest flips of the first of them. */
  order = new Uint32Array();
  readonly flipTicks: Int32Array<ArrayBuffer>;
  attacked = 0;

  /** The next image to be certified, and the next place of the order to be attacked. */
  next = 0;
  nextAttacked = 0;
  /** Images of the next batch. */
  batch = FIRST_BATCH;
  /** Batches that came before those in front of them, by their first images; and the same of attacks. */
  readonly #early = new Map<number, number>();
  readonly #earlyAttacks = new Set<number>();

  constructor(
    readonly network: MeasuredNetwork,
    /** Tells the own network of today from that of yesterday. */
    readonly hash: string,
    readonly split: Split,
  ) {
    this.total = imageCount(network.dataset, split);
    this.labels = new Uint8Array(this.total);
    const column = () => new Int32Array(this.total);
    this.certificates = {
      predicted: column(),
      marginTicks: column(),
      lipschitzRadiusTicks: column(),
      ibpRadiusTicks: column(),
    };
    this.flipTicks = new Int32Array(Math.min(MOST_ATTACKED, this.total));
  }

  get isComplete(): boolean {
    return this.total > 0 && this.done === this.total;
  }

  /** The columns of what has been measured so far. */
  get columns(): Columns {
    const part = (column: Int32Array<ArrayBuffer>) => column.subarray(0, this.done);
    const { predicted, marginTicks, lipschitzRadiusTicks, ibpRadiusTicks } = this.certificates;
    return {
      labels: this.labels.subarray(0, this.done),
      predicted: part(predicted),
      marginTicks: part(marginTicks),
      lipschitzRadiusTicks: part(lipschitzRadiusTicks),
      ibpRadiusTicks: part(ibpRadiusTicks),
      attacked: {
        images: this.order.subarray(0, this.attacked),
        flipTicks: this.flipTicks.subarray(0, this.attacked),
      },
    };
  }

  /** Takes the certificates of a batch, whichever comes first. */
  take(first: number, batch: Certificates) {
    for (const name of Object.keys(this.certificates) as (keyof Certificates)[]) {
      this.certificates[name].set(batch[name], first);
    }
    this.#early.set(first, batch.predicted.length);
    let { done } = this;
    for (let more = this.#early.get(done); more !== undefined; more = this.#early.get(done)) {
      this.#early.delete(done);
      done += more;
    }
    this.done = done;
  }

  /** Takes the smallest flip of the image at a place of the order. */
  takeFlip(place: number, flipTicks: number) {
    this.flipTicks[place] = flipTicks;
    this.#earlyAttacks.add(place);
    while (this.#earlyAttacks.delete(this.attacked)) this.attacked += 1;
  }

  isRight(index: number): boolean {
    return this.certificates.predicted[index] === this.labels[index];
  }

  /** Goes on after the last image that is certified. */
  rewind() {
    this.#early.clear();
    this.#earlyAttacks.clear();
    this.next = this.done;
    this.nextAttacked = this.attacked;
    this.failure = null;
  }

  /** Counts what there is. */
  recount() {
    if (!this.about || this.done === 0) return;
    const { curve, survey } = count(this.about, this.columns);
    this.curve = curve;
    this.survey = survey.images > 0 ? survey : null;
  }
}

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

/** One of the Workers, asked one thing after the other. */
class Hand {
  readonly #client: WorkerClient<Request, Reply>;
  readonly #opened = new Set<string>();
  #waiting: { resolve: (reply: Reply) => void; reject: (cause: Error) => void } | null = null;

  constructor() {
    this.#client = new WorkerClient<Request, Reply>(
      () =>
        new Worker(new URL('../workers/measure.worker.ts', import.meta.url), { type: 'module' }),
      (reply) => this.#waiting?.resolve(reply),
      (why) => this.#waiting?.reject(new Error(why ?? 'the program could not be loaded.')),
    );
    this.#client.start();
  }

  async #ask(request: Request, transfer: Transferable[] = []): Promise<Reply> {
    const reply = await new Promise<Reply>((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#client.post(request, transfer);
    });
    if (reply.type === 'failed') throw new Error(reply.message);
    return reply;
  }

  /** Opens a network, unless it is open. */
  async open(opening: Opening) {
    if (this.#opened.has(opening.network)) return;
    await this.#ask({ type: 'open', ...opening });
    this.#opened.add(opening.network);
  }

  async certify(network: string, pixels: Uint8Array<ArrayBuffer>) {
    const reply = await this.#ask({ type: 'certify', network, pixels }, [pixels.buffer]);
    if (reply.type !== 'certified') throw new Error(`an answer of another kind: ${reply.type}`);
    return reply;
  }

  async attack(network: string, { index, pixels, series }: Task & { type: 'attack' }) {
    const target = {
      index,
      label: series.labels[index] ?? 0,
      ibpRadiusTicks: series.certificates.ibpRadiusTicks[index] ?? -1,
      pixels,
    };
    const request = { type: 'attack', network, target, queries: QUERIES, seed: SEED } as const;
    const reply = await this.#ask(request);
    if (reply.type !== 'attacked') throw new Error(`an answer of another kind: ${reply.type}`);
    return reply.flipTicks;
  }

  /** Begins anew: a program that broke off is not to be relied on. */
  restart() {
    this.#opened.clear();
    this.#client.start();
  }

  stop() {
    this.#client.stop();
    this.#waiting?.reject(new Error('it was ended.'));
  }
}

const keyOf = (network: MeasuredNetwork, hash: string, split: Split) =>
  `${network.name} ${hash} ${split}`;

export class MeasureStore {
  /** What is to be measured, in this order. */
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

  readonly #series = new Map<string, Series>();
  readonly #supplies = new Map<string, Promise<Supply>>();
  /** The unpacked files of networks that no file of the page holds, by their hashes. */
  readonly #own = new Map<string, Uint8Array<ArrayBuffer>>();
  #hands: Hand[] = [];
  /** Those that found nothing to do. */
  #idle: Hand[] = [];
  #resume: (() => void)[] = [];
  /** Batches are given out one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #recent: { at: number; images: number }[] = [];
  readonly #stale = new Set<Series>();
  #recounting: ReturnType<typeof setTimeout> | undefined;

  /** What is or will be measured of a network; `own` is the file of one that was trained here. */
  seriesOf(
    network: MeasuredNetwork,
    split: Split,
    own: { hash: string; model: Uint8Array<ArrayBuffer> } | null,
  ): Series {
    const hash = network.file?.hash ?? own?.hash ?? '';
    if (own && !network.file) this.#own.set(hash, own.model);
    const key = keyOf(network, hash, split);
    const known = this.#series.get(key);
    if (known) return known;
    const series = new Series(network, hash, split);
    this.#series.set(key, series);
    return series;
  }

  /** Certifies all images of these sets, those that are not certified yet. */
  certify(wanted: readonly Series[]) {
    this.wanted = wanted;
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
    this.wanted = wanted;
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
      this.#hands = Array.from({ length: this.workers }, () => new Hand());
      this.#idle = [...this.#hands];
    }
    this.#wake();
  }

  #wake() {
    for (const hand of this.#idle.splice(0)) {
      void this.#work(hand).then(() => {
        this.#idle.push(hand);
        if (this.#idle.length === this.#hands.length) this.#end();
      });
    }
  }

  #end() {
    for (const hand of this.#hands) hand.stop();
    this.#hands = this.#idle = [];
    this.running = this.paused = this.attacking = false;
    this.speed = this.current = null;
    this.#recount();
  }

  /** One Worker at work, until nothing is left. */
  async #work(hand: Hand) {
    for (;;) {
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
          series.takeFlip(task.place, await hand.attack(opening.network, task));
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
      const series = certified ?? (this.attacking ? this.#toAttack(open) : undefined);
      if (!series) return null;
      if (certified !== undefined && this.current !== series) {
        this.current = series;
        this.#recent = [];
      }
      try {
        const task = certified ? await this.#toCertify(series) : await this.#target(series);
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
    const { network, split } = series;
    if (!series.about) {
      const supply = await this.#supply(series);
      series.about = {
        ...supply.about,
        network: network.name,
        kind: network.recipe,
        dataset: network.dataset,
        split,
        colour: network.print,
        letter: network.letter,
      };
    }
    const onProgress: OnProgress = (fraction) => (series.loading = fraction);
    const shard = await shardOf(network.dataset, split, series.next, sha256, { onProgress });
    series.loading = null;
    const end = shard.first + shard.count;
    // The next shard comes meanwhile.
    if (end < series.total) void shardOf(network.dataset, split, end, sha256).catch(() => {});
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
  async pixels({ network, split }: Series, index: number): Promise<Pixels> {
    return pixelsOf(await shardOf(network.dataset, split, index, sha256), index);
  }

  /** What is needed of the network of a set; what failed is asked for again. */
  #supply(series: Series): Promise<Supply> {
    const { network, hash } = series;
    const key = `${network.name} ${hash}`;
    let supply = this.#supplies.get(key);
    if (!supply) {
      supply = this.#fetch(series, key);
      this.#supplies.set(key, supply);
      supply.catch(() => this.#supplies.delete(key));
    }
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
    const kept = this.#own.get(hash);
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
        : { scale: BASELINE_SCALE, members: 1, epsilon: file?.epsilon || null, modelSha256 };
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
    this.#stale.add(series);
    if (series.isComplete && series.attacked === 0) this.#recount();
    else {
      const delay = COUNT_MS + series.done / IMAGES_PER_MS;
      this.#recounting ??= setTimeout(() => this.#recount(), delay);
    }
  }

  #recount() {
    clearTimeout(this.#recounting);
    this.#recounting = undefined;
    for (const series of this.#stale) series.recount();
    this.#stale.clear();
  }
}

export const measure = new MeasureStore();
