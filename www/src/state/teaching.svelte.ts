/**
 * Teaching: a network of the page learns the visitor's images, and is measured before and after.
 *
 * One network is taught at a time, and that outlives the view. What is taught is tried at once; the visitor
 * then keeps it or takes it back. Reminders are the first training images and figures are of the last
 * ones, which teaching does not use; the test set is not touched.
 */
import { message } from '../assets/download.ts';
import { epsilonTicks } from '../assets/epsilon-ticks.ts';
import { imageCount } from '../assets/image-shards.ts';
import { shardOf, type LabelledImages } from '../assets/labelled-images.ts';
import { ownName } from '../assets/networks.ts';
import { SIDE } from '../assets/pixels.ts';
import { sha256, startModule, type Network } from '../wasm/certify.ts';
import { fetchProgram } from '../wasm/programs.ts';
import { heldOutImages, reminderPool } from '../wasm/teach.ts';
import { WorkerClient } from '../workers/client.ts';
import { MeasureHand } from '../workers/measure-hand.ts';
import type { Opening } from '../workers/measure-protocol.ts';
import type { Reply, Request } from '../workers/teach-protocol.ts';
import { startTeachWorker } from '../workers/teach-worker.ts';
import type { AppState } from './app.svelte.ts';
import type { MyImage } from './my-images.svelte.ts';
import { losesIf } from './unsaved.ts';

const PIXELS = SIDE * SIDE;
/** That of `linf teach`. */
const SEED = 1;
/** Images of a batch. */
const BATCH = 250;
/** Measuring leaves a core for the pen. */
const HANDS = Math.min(4, Math.max(1, (navigator.hardwareConcurrency || 2) - 1));

/** What a network says of one of the visitor's images. */
export interface Answer {
  /** `null` in a tie. */
  label: number | null;
  /** The IBP radius in levels; 0 without one. */
  radiusLevels: number;
}

/** One of the visitor's images, before and after. */
export interface Learned {
  image: MyImage;
  before: Answer;
  after: Answer;
}

/** Counts over the held-out images. */
export interface Counts {
  clean: number;
  /** Labelled rightly, and proved by IBP at the network's ε. */
  certified: number;
}

/** What came of it. */
export interface Result {
  learned: readonly Learned[];
  images: number;
  before: Counts;
  after: Counts;
  /** Held-out images whose label is another than before. */
  changed: number;
  epsilon: string;
  dataset: string;
  seconds: number;
  /** Name of the network that was taught, and the hash of what it became. */
  parent: string;
  hash: string;
  /** What the taught network was called first. */
  name: string;
  /** Whether this browser did not have it before. */
  isNew: boolean;
}

export type Stage =
  | { at: 'idle' }
  | { at: 'loading'; fraction: number }
  | { at: 'teaching'; done: number; of: number }
  | { at: 'measuring'; done: number; of: number }
  | { at: 'failed'; message: string }
  | { at: 'taught'; result: Result };

const STOPPED = 'Teaching was stopped; the network is as it was.';

/** The labelled images `[first, first + count)` of a training set. */
async function trainingImages(
  dataset: string,
  first: number,
  count: number,
  signal: AbortSignal,
  onProgress: (fraction: number) => void,
): Promise<LabelledImages> {
  const all: LabelledImages = {
    first,
    count,
    pixels: new Uint8Array(count * PIXELS),
    labels: new Uint8Array(count),
  };
  for (let at = first; at < first + count;) {
    signal.throwIfAborted();
    const done = (at - first) / count;
    const shard = await shardOf(dataset, 'training', at, sha256, {
      onProgress: (fraction) => onProgress(done + (1 - done) * fraction),
    });
    const end = Math.min(first + count, shard.first + shard.count);
    const [from, to] = [at - shard.first, end - shard.first];
    all.pixels.set(shard.pixels.subarray(from * PIXELS, to * PIXELS), (at - first) * PIXELS);
    all.labels.set(shard.labels.subarray(from, to), at - first);
    at = end;
  }
  return all;
}

/** What `work` brings, unless it is stopped before; then it goes on unheard. */
function unlessStopped<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject);
  });
}

/** Predicted labels, -1 in a tie, and IBP radii, -1 without one. */
interface Measured {
  predicted: Int32Array;
  radiusTicks: Int32Array;
}

const answerAt = ({ predicted, radiusTicks }: Measured, at: number, scale: number): Answer => {
  const label = predicted[at] ?? -1;
  return {
    label: label < 0 ? null : label,
    radiusLevels: Math.max(0, radiusTicks[at] ?? 0) / scale,
  };
};

/** A network and its name in the list of all, and what it is taught. */
interface Order {
  network: Network;
  parent: string;
  images: readonly MyImage[];
}

export class TeachingStore {
  stage = $state.raw<Stage>({ at: 'idle' });
  #stop: (() => void) | null = null;

  get busy(): boolean {
    return ['loading', 'teaching', 'measuring'].includes(this.stage.at);
  }

  /** Teaches the network in use these images. */
  async teach(app: AppState, images: readonly MyImage[]) {
    const { current: network, chosen: parent } = app.network;
    if (this.busy || !network || images.length === 0) return;
    this.#settle(app);
    const stop = new AbortController();
    this.#stop = () => stop.abort(new Error(STOPPED));
    const hands: MeasureHand[] = [];
    this.stage = { at: 'loading', fraction: 0 };
    try {
      const result = await this.#run(app, { network, parent, images }, stop.signal, hands);
      this.stage = { at: 'taught', result };
      // Whoever took another network meanwhile keeps that one.
      if (app.network.chosen === parent) await app.tryOut(ownName(result.hash));
    } catch (cause) {
      this.stage = { at: 'failed', message: message(cause) };
    } finally {
      this.#stop = null;
      for (const hand of hands) hand.stop();
    }
  }

  stop() {
    this.#stop?.();
  }

  /** Keeps what was taught, under a name. The answer says what came of it. */
  async keep(app: AppState, name: string): Promise<string> {
    const { stage } = this;
    if (stage.at !== 'taught') return '';
    this.stage = { at: 'idle' };
    const { own } = app.network;
    const { hash } = stage.result;
    const taught = app.network.opened(hash);
    // It may have been deleted meanwhile.
    if (!own.find(hash) && taught) await app.network.take(taught.bytes, 'taught', name);
    await own.keep(hash);
    await own.rename(hash, name);
    const kept = own.find(hash);
    if (!kept) return '';
    return `“${kept.name}” is a network of this browser now. ${kept.notKept ?? 'It is kept.'}`;
  }

  /** Takes it back: the page runs on the network that it was. */
  async undo(app: AppState) {
    const { stage } = this;
    if (stage.at !== 'taught') return;
    this.stage = { at: 'idle' };
    const { hash, parent, isNew } = stage.result;
    if (app.network.chosen === ownName(hash)) await app.tryOut(parent);
    if (isNew) app.network.drop(hash);
  }

  /** What was taught before and neither kept nor in use is forgotten. */
  #settle(app: AppState) {
    const { stage } = this;
    if (stage.at === 'taught' && stage.result.isNew) app.network.drop(stage.result.hash);
  }

  async #run(
    app: AppState,
    { network, parent, images }: Order,
    signal: AbortSignal,
    hands: MeasureHand[],
  ): Promise<Result> {
    const { dataset, epsilon } = network.info;
    const { chosenOwn, words } = app.network;
    const name = `${chosenOwn?.name ?? `${words.name}, ε = ${epsilon}`}, taught`;
    const unless = <Brought>(work: Promise<Brought>) => unlessStopped(signal, work);
    const onLoad = (from: number, to: number) => (fraction: number) => {
      if (!signal.aborted) this.stage = { at: 'loading', fraction: from + (to - from) * fraction };
    };
    await unless(startModule());
    const total = imageCount(dataset, 'training');
    const held = Math.min(heldOutImages(), Math.floor(total / 2));
    if (total === 0) {
      throw new Error(
        'This page has no training images of the network’s data set to remind it with: ' +
          'it would forget what it knows.',
      );
    }
    const pool = Math.min(reminderPool(), total - held);
    const certify = await unless(fetchProgram('certify', {}));
    const teach = await unless(fetchProgram('teach', { onProgress: onLoad(0, 0.2) }));
    const before = await unless(trainingImages(dataset, 0, pool, signal, onLoad(0.2, 0.6)));
    const after = await unless(trainingImages(dataset, total - held, held, signal, onLoad(0.6, 1)));

    this.stage = { at: 'teaching', done: 0, of: 1 };
    const request: Request = {
      program: teach,
      model: network.bytes,
      images: new Uint8Array(images.length * PIXELS),
      labels: Uint8Array.from(images, ({ label }) => label),
      before: before.pixels,
      beforeLabels: before.labels,
      seed: SEED,
    };
    images.forEach(({ pixels }, at) => request.images.set(pixels, at * PIXELS));
    const taught = await this.#inWorker(request, signal);

    await app.network.own.load();
    const { list } = app.network.own;
    const { hash, name: called } = await app.network.take(taught.model, 'taught', name);
    const isNew = list.every((other) => other.hash !== hash);
    try {
      const now = app.network.opened(hash);
      if (!now) throw new Error('the taught network cannot be read.');
      // The held-out images, then the visitor's: none of them is certified on the pen's thread.
      const pixels = new Uint8Array(after.pixels.length + request.images.length);
      pixels.set(after.pixels);
      pixels.set(request.images, after.pixels.length);
      const openings = [network, now].map(({ bytes, hash, info }): Opening => {
        return { network: hash, kind: 'exact', model: bytes, program: certify, scale: info.scale };
      });
      const [was, is] = await this.#measure(openings, pixels, signal, hands);
      if (!was || !is) throw new Error('the networks could not be measured.');
      const counts = ({ predicted, radiusTicks }: Measured, { info }: Network): Counts => {
        const ticks = epsilonTicks(epsilon, info.scale);
        const right = Array.from(after.labels, (label, at) => predicted[at] === label);
        return {
          clean: right.filter(Boolean).length,
          certified: right.filter((one, at) => one && (radiusTicks[at] ?? -1) >= ticks).length,
        };
      };
      return {
        learned: images.map((image, at) => ({
          image,
          before: answerAt(was, after.count + at, network.info.scale),
          after: answerAt(is, after.count + at, now.info.scale),
        })),
        images: after.count,
        before: counts(was, network),
        after: counts(is, now),
        changed: was.predicted
          .subarray(0, after.count)
          .filter((label, at) => label !== is.predicted[at]).length,
        epsilon,
        dataset,
        seconds: taught.seconds,
        parent,
        hash,
        name: called,
        isNew,
      };
    } catch (cause) {
      if (isNew) app.network.drop(hash);
      throw cause;
    }
  }

  #inWorker(request: Request, signal: AbortSignal) {
    signal.throwIfAborted();
    return new Promise<Extract<Reply, { type: 'taught' }>>((resolve, reject) => {
      const client = new WorkerClient<Request, Reply>(
        startTeachWorker,
        (reply) => {
          if (reply.type === 'pass') {
            this.stage = { at: 'teaching', done: reply.done, of: reply.of };
            return;
          }
          client.stop();
          if (reply.type === 'taught') resolve(reply);
          else reject(new Error(`The network cannot be taught: ${reply.message}`));
        },
        (why) => {
          client.stop();
          reject(new Error(why ?? 'The program that teaches could not be loaded.'));
        },
      );
      signal.addEventListener('abort', () => {
        client.stop();
        reject(signal.reason as Error);
      });
      client.start();
      client.post(request);
    });
  }

  /** Certifies images, `[n, 784]`, by each of the networks, in Workers. */
  async #measure(
    networks: readonly Opening[],
    images: Uint8Array<ArrayBuffer>,
    signal: AbortSignal,
    hands: MeasureHand[],
  ): Promise<Measured[]> {
    const count = images.length / PIXELS;
    const measured = networks.map(() => ({
      predicted: new Int32Array(count),
      radiusTicks: new Int32Array(count),
    }));
    const tasks = networks.flatMap((opening, which) =>
      Array.from({ length: Math.ceil(count / BATCH) }, (_, batch) => ({
        opening,
        which,
        first: batch * BATCH,
      })),
    );
    const of = networks.length * count;
    let done = 0;
    this.stage = { at: 'measuring', done, of };
    const work = async (hand: MeasureHand) => {
      for (let task = tasks.shift(); task && !signal.aborted; task = tasks.shift()) {
        const { opening, which, first } = task;
        await hand.open(opening);
        const pixels = images.slice(first * PIXELS, (first + BATCH) * PIXELS);
        const { certificates } = await hand.certify(opening.network, pixels);
        measured[which]?.predicted.set(certificates.predicted, first);
        measured[which]?.radiusTicks.set(certificates.ibpRadiusTicks, first);
        done += certificates.predicted.length;
        if (!signal.aborted) this.stage = { at: 'measuring', done, of };
      }
    };
    signal.throwIfAborted();
    for (let hand = 0; hand < HANDS; hand += 1) hands.push(new MeasureHand());
    await unlessStopped(signal, Promise.all(hands.map(work)));
    return measured;
  }
}

export const teaching = new TeachingStore();
losesIf(() => teaching.busy || teaching.stage.at === 'taught');
