/**
 * Teaching: a network of the page learns the visitor's images, and is measured before and after.
 *
 * There is one lesson at a time, and it outlives the view. What is taught is tried at once; the visitor
 * then keeps it or takes it back. Reminders are the first training images and figures are of the last
 * ones, which teaching does not use; the test set is not touched.
 */
import { message } from '../assets/download.ts';
import { epsilonTicks } from '../assets/epsilon-ticks.ts';
import { imageCount } from '../assets/image-shards.ts';
import { shardOf, type LabelledImages } from '../assets/labelled-images.ts';
import { ownName } from '../assets/networks.ts';
import { SIDE } from '../assets/pixels.ts';
import { startModule, type Network } from '../wasm/certify.ts';
import { sha256 } from '../wasm/measure.ts';
import { fetchProgram } from '../wasm/programs.ts';
import { heldOutImages, reminderPool } from '../wasm/teach.ts';
import { WorkerClient } from '../workers/client.ts';
import { MeasureHand } from '../workers/measure-hand.ts';
import type { Reply, Request } from '../workers/teach-protocol.ts';
import { startTeachWorker } from '../workers/teach-worker.ts';
import type { AppState } from './app.svelte.ts';
import type { MyImage } from './my-images.svelte.ts';
import { losesIf } from './unsaved.ts';

const PIXELS = SIDE * SIDE;
/** That of `linf teach`. */
const SEED = 1;
/** Held-out images of a batch. */
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

/** What a lesson came to. */
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
  onProgress: (fraction: number) => void,
): Promise<LabelledImages> {
  const all: LabelledImages = {
    first,
    count,
    pixels: new Uint8Array(count * PIXELS),
    labels: new Uint8Array(count),
  };
  for (let at = first; at < first + count;) {
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

const answerOf = (network: Network, image: MyImage): Answer => {
  const { label, ibpRadiusLevels } = network.certify(image.pixels);
  return { label, radiusLevels: ibpRadiusLevels };
};

/** Predicted labels and IBP radii of all held-out images. */
interface Measured {
  predicted: Int32Array;
  radiusTicks: Int32Array;
}

export class TeachingStore {
  stage = $state.raw<Stage>({ at: 'idle' });
  /** Stops the lesson. */
  #stop: (() => void) | null = null;

  get busy(): boolean {
    return ['loading', 'teaching', 'measuring'].includes(this.stage.at);
  }

  /** Teaches the network in use these images. */
  async teach(app: AppState, images: readonly MyImage[]) {
    const network = app.network.current;
    if (this.busy || !network || images.length === 0) return;
    await this.settle(app);
    const stop = new AbortController();
    this.#stop = () => stop.abort(new Error(STOPPED));
    const hands: MeasureHand[] = [];
    this.stage = { at: 'loading', fraction: 0 };
    try {
      const result = await this.#lesson(app, network, images, stop.signal, hands);
      stop.signal.throwIfAborted();
      this.stage = { at: 'taught', result };
      await app.tryOut(ownName(result.hash));
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
    const { hash, parent } = stage.result;
    if (app.network.chosen === ownName(hash)) await app.tryOut(parent);
    app.network.own.drop(hash);
  }

  /** A new lesson keeps nothing of the last one that nobody kept. */
  async settle(app: AppState) {
    const { stage } = this;
    if (stage.at === 'taught' && app.network.chosen !== ownName(stage.result.hash)) {
      await this.undo(app);
    }
  }

  async #lesson(
    app: AppState,
    network: Network,
    images: readonly MyImage[],
    signal: AbortSignal,
    hands: MeasureHand[],
  ): Promise<Result> {
    const { dataset, epsilon, scale } = network.info;
    const parent = app.network.chosen;
    const onLoad = (from: number, to: number) => (fraction: number) => {
      if (!signal.aborted) this.stage = { at: 'loading', fraction: from + (to - from) * fraction };
    };
    await startModule();
    const total = imageCount(dataset, 'training');
    const held = Math.min(heldOutImages(), Math.floor(total / 2));
    if (total === 0) {
      throw new Error(
        'This page has no training images of the network’s data set to remind it with: ' +
          'it would forget what it knows.',
      );
    }
    const pool = Math.min(reminderPool(), total - held);
    const certify = await fetchProgram('certify', {});
    const teach = await fetchProgram('teach', { onProgress: onLoad(0, 0.2) });
    const before = await trainingImages(dataset, 0, pool, onLoad(0.2, 0.6));
    const after = await trainingImages(dataset, total - held, held, onLoad(0.6, 1));
    signal.throwIfAborted();

    this.stage = { at: 'teaching', done: 0, of: 1 };
    const lesson: Request = {
      program: teach,
      model: network.bytes,
      images: new Uint8Array(images.length * PIXELS),
      labels: Uint8Array.from(images, ({ label }) => label),
      before: before.pixels,
      beforeLabels: before.labels,
      seed: SEED,
    };
    images.forEach(({ pixels }, at) => lesson.images.set(pixels, at * PIXELS));
    const taught = await this.#inWorker(lesson, signal);

    const { hash } = await app.network.take(
      taught.model,
      'taught',
      `${app.network.chosenOwn?.name ?? `${app.network.words.name}, ε = ${epsilon}`}, taught`,
    );
    try {
      const now = app.network.opened(hash);
      if (!now) throw new Error('the taught network cannot be read.');
      const measured = await this.#measure(
        [network, now].map(({ bytes, hash }) => ({
          opening: { network: hash, kind: 'exact', model: bytes, program: certify, scale },
        })),
        after,
        signal,
        hands,
      );
      const [was, is] = measured;
      if (!was || !is) throw new Error('the networks could not be measured.');
      const ticks = epsilonTicks(epsilon, scale);
      const counts = ({ predicted, radiusTicks }: Measured): Counts => {
        const isRight = (label: number, at: number) => predicted[at] === label;
        const right = Array.from(after.labels).map(isRight);
        return {
          clean: right.filter(Boolean).length,
          certified: right.filter((one, at) => one && (radiusTicks[at] ?? -1) >= ticks).length,
        };
      };
      return {
        learned: images.map((image) => ({
          image,
          before: answerOf(network, image),
          after: answerOf(now, image),
        })),
        images: after.count,
        before: counts(was),
        after: counts(is),
        changed: was.predicted.filter((label, at) => label !== is.predicted[at]).length,
        epsilon,
        dataset,
        seconds: taught.seconds,
        parent,
        hash,
      };
    } catch (cause) {
      app.network.own.drop(hash);
      throw cause;
    }
  }

  #inWorker(lesson: Request, signal: AbortSignal) {
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
      client.post(lesson);
    });
  }

  /** Certifies the held-out images by each of the networks, in Workers. */
  async #measure(
    networks: readonly { opening: Parameters<MeasureHand['open']>[0] }[],
    set: LabelledImages,
    signal: AbortSignal,
    hands: MeasureHand[],
  ): Promise<Measured[]> {
    const measured = networks.map(() => ({
      predicted: new Int32Array(set.count),
      radiusTicks: new Int32Array(set.count),
    }));
    const tasks = networks.flatMap(({ opening }, which) =>
      Array.from({ length: Math.ceil(set.count / BATCH) }, (_, batch) => ({
        opening,
        which,
        first: batch * BATCH,
      })),
    );
    const of = networks.length * set.count;
    let done = 0;
    this.stage = { at: 'measuring', done, of };
    const work = async (hand: MeasureHand) => {
      for (let task = tasks.shift(); task && !signal.aborted; task = tasks.shift()) {
        const { opening, which, first } = task;
        await hand.open(opening);
        const pixels = set.pixels.slice(first * PIXELS, (first + BATCH) * PIXELS);
        const { certificates } = await hand.certify(opening.network, pixels);
        measured[which]?.predicted.set(certificates.predicted, first);
        measured[which]?.radiusTicks.set(certificates.ibpRadiusTicks, first);
        done += certificates.predicted.length;
        if (!signal.aborted) this.stage = { at: 'measuring', done, of };
      }
    };
    for (let hand = 0; hand < HANDS; hand += 1) hands.push(new MeasureHand());
    const stopped = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason as Error)),
    );
    await Promise.race([Promise.all(hands.map(work)), stopped]);
    signal.throwIfAborted();
    return measured;
  }
}

export const teaching = new TeachingStore();
losesIf(() => teaching.busy || teaching.stage.at === 'taught');
