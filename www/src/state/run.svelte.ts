/**
 * The training run: its Worker, its progress, and the checkpoint that the browser keeps.
 *
 * It outlives the view: training goes on while something else is looked at.
 */
import { isOwn } from '../assets/datasets.ts';
import { fetchShards } from '../assets/image-shards.ts';
import { MOST_STEPS, OFFERED, stepsOf } from '../codec/hyperparameters.ts';
import { RUN, duration } from '../copy.ts';
import { fetchProgram } from '../wasm/programs.ts';
import type {
  Hyperparameters,
  Metrics,
  OwnImages,
  Preset,
  Reply,
  Request,
  StepPoint,
  TrainConfig,
} from '../wasm/types.ts';
import { WorkerClient } from '../workers/client.ts';
import {
  ALL_IMAGES,
  CHART_IMAGES,
  deviceChoice,
  isFixed,
  type DeviceChoice,
  type ToWorker,
} from '../workers/train-protocol.ts';
import TrainWorker from '../workers/train.worker.ts?worker';
import { Attempt } from './attempt.svelte.ts';
import { RunWriter, forgetRun, restore, restoreImages, type SavedRun } from './saved.ts';
import { TabLock, isHeldElsewhere } from './tab-lock.ts';
import { losesIf } from './unsaved.ts';
import { WakeLock } from './wake-lock.ts';

export type Phase =
  /** The program is being loaded. */
  | 'opening'
  /** No run is in place. */
  | 'empty'
  | 'fetching'
  | 'paused'
  | 'running'
  /** The schedule has ended. */
  | 'done'
  /** The Worker is of no use any more. */
  | 'broken';

/** Speed at an iteration. */
export interface SpeedPoint {
  iteration: number;
  imagesPerSecond: number;
}

/**
 * A Worker that says nothing for so many minutes, while it should, has probably been killed. A GPU's
 * kernels are compiled as they are first needed, which takes a while by itself.
 */
const SILENCE_MINUTES = { cpu: 1, webgpu: 4 };
/** So many times as long as a step should take, or as the longest silence so far, is too long, too. */
const PATIENCE = 5;
/** How often that is looked at. */
const TICK_MS = 5_000;
/** More points than these are more than a chart can show: every other one is dropped. */
const MOST_POINTS = 4_000;

/** The first and the last of them stay, one by one: their means are told. */
const ENDS = 20;

function thinned<Point>(
  points: readonly Point[],
  stays: (point: Point) => boolean = () => false,
): readonly Point[] {
  const { length } = points;
  if (length <= MOST_POINTS) return points;
  return points.filter(
    (point, at) => at % 2 === 0 || at < ENDS || at >= length - ENDS || stays(point),
  );
}

/** A measurement without what only the last one shows, for there can be thousands of them. */
function lean(metrics: Metrics): Metrics {
  if (metrics.pictures.length === 0) return metrics;
  return { ...metrics, margins: [], pictures: new Uint8Array() };
}

/** How much of it has come, from 0 to 1. */
const shareOf = ({ loading }: Attempt) => (loading.state === 'loading' ? loading.fraction : 1);

/** The device of a session, as it describes it. */
export type Device = Extract<Reply, { type: 'opened' }>['device'];

/** What is to follow when the Worker has opened or a run is in place. */
type Next = 'resume' | 'step' | null;

/** What is known of a run that is being loaded. */
type Charts = Pick<SavedRun, 'steps' | 'metrics' | 'images'>;

type Waiting = ((bytes: Uint8Array<ArrayBuffer> | null) => void) | null;

export class Run {
  phase = $state<Phase>('opening');
  presets = $state.raw<readonly Preset[]>([]);
  /** What the run is asked to be trained on. */
  choice = $state<DeviceChoice>('auto');
  /** What the steps run on, or would. */
  device = $state.raw<Device | null>(null);
  /** Seconds that a whole run would take here, by the name it was asked under. */
  estimates = $state.raw<Readonly<Record<string, number>>>({});

  config = $state.raw<TrainConfig | null>(null);
  iteration = $state(0);
  iterations = $state(0);
  /** Images trained on. */
  images = $state(0);
  /** `null` until the run has been timed. */
  secondsLeft = $state<number | null>(null);
  steps = $state.raw<readonly StepPoint[]>([]);
  speeds = $state.raw<readonly SpeedPoint[]>([]);
  metrics = $state.raw<readonly Metrics[]>([]);

  /** Name of the data set that is somebody's own, where the presets are those for it. */
  own = $state<string | null>(null);
  /** Whether somebody's own images have been handed over, and the presets are being fitted to them. */
  fitting = $state(false);

  /** What went wrong last, as a sentence; `null` when nothing did. */
  error = $state<string | null>(null);
  /** A run of an earlier visit, or of a Worker that broke, that could go on. */
  saved = $state.raw<SavedRun | null>(null);
  /** Is told the configuration of a run that is put away. */
  onPutAway: (config: TrainConfig) => void = () => {};
  /** The step of the last checkpoint that was kept; `null` where none is. */
  keptAt = $state<number | null>(null);
  /** Whether it is another tab that keeps its run. */
  elsewhere = $state(false);
  /** Whether the browser refuses to keep checkpoints. */
  keepsNothing = $state(false);

  readonly #program = new Attempt();
  readonly #images = new Attempt();
  readonly #worker = new WorkerClient<ToWorker, Reply>(
    () => new TrainWorker(),
    (reply) => this.#hear(reply),
    // What is thrown while the session waits for the GPU arrives here and nowhere else.
    (why) =>
      this.#break(
        why
          ? `The training program broke: ${why}. This tab may have run out of memory.`
          : 'The training program did not start: the server could not be reached to load all of it.',
      ),
  );
  /** The presets for the described data sets. */
  #usual: readonly Preset[] = [];
  /** The images that the next run is to learn from, where they are somebody's own. */
  #ownImages: OwnImages | null = null;
  /** Those that the Worker has: of a run that is kept they may be others. */
  #handed: OwnImages | null = null;
  /** Those that the run in place learns from. */
  #runImages: OwnImages | null = null;
  /** The device of a run that does not need another. */
  #opened: Device | null = null;
  /** Whether the program is on its way. */
  #opening = false;
  #heardAt = 0;
  /** The longest time between two replies of the run, in milliseconds. */
  #silence = 0;
  #watch: ReturnType<typeof setInterval> | undefined;
  /** What is to be done when the run is in place. */
  #then: Next = null;
  /** Whether the run that is kept is to go on as soon as a new Worker has opened. */
  #recovers = false;
  /** While a run is being put in place: what is kept, which is offered again if that fails. */
  #pending: { saved: SavedRun | null } | null = null;
  /** Charts of a run that is being loaded. */
  #charts: Charts | null = null;
  /** Who waits for the two files; `null` tells them that none will come. */
  #onCheckpoint: Waiting = null;
  #onModel: Waiting = null;
  readonly #wakeLock = new WakeLock();
  readonly #tabLock = new TabLock();
  readonly #writer = new RunWriter();
  /** Counts the runs that were in place. */
  #count = 0;

  /** Share of the program's bytes that has come. */
  get loaded(): number {
    return shareOf(this.#program);
  }

  /** Share of the training images' bytes that has come. */
  get fetched(): number {
    return shareOf(this.#images);
  }

  /** Loads the program, unless it was loaded before, and looks for a run to go on with. */
  open() {
    if (this.#worker.isRunning || this.#opening) return;
    this.choice = deviceChoice(location.search);
    void this.#lookForRun();
    void this.#startWorker();
  }

  async #lookForRun() {
    const saved = await restore('run');
    this.elsewhere = !this.#tabLock.isHeld && (await isHeldElsewhere());
    // One that is trained in another tab has not stopped.
    if (this.config === null && !this.elsewhere) this.saved = saved;
  }

  async #startWorker() {
    this.#end();
    this.phase = 'opening';
    this.#opening = true;
    const program = await this.#program.run((options) => fetchProgram('train', options));
    this.#opening = false;
    if (!program) {
      this.#breakAfter(this.#program);
      return;
    }
    this.#worker.start();
    this.#worker.post({ type: 'open', device: this.choice, program });
    let ticked = performance.now();
    this.#watch = setInterval(() => {
      const now = performance.now();
      // A tab that was put to sleep has not heard the Worker, which slept as well.
      if (now - ticked > 4 * TICK_MS) this.#heardAt = now;
      ticked = now;
      const silent = now - this.#heardAt;
      if (this.phase === 'running' && silent > this.#patience) {
        this.#break(`The training program has not answered for ${duration(silent / 1000)}.`);
      }
    }, TICK_MS);
  }

  /** The run has spoken after so many milliseconds. A tab that slept meanwhile tells little of it. */
  #waited(silence: number) {
    this.#silence = Math.max(this.#silence, Math.min(silence, this.#patience));
  }

  /** How long the Worker may say nothing, in milliseconds: it speaks after a step, or a measurement. */
  get #patience(): number {
    const step = (1000 * (this.estimates['draft'] ?? 0)) / Math.max(1, this.iterations);
    const least = 60_000 * SILENCE_MINUTES[this.device?.kind ?? 'cpu'];
    return Math.max(least, PATIENCE * Math.max(step, this.#silence));
  }

  #hear(reply: Reply) {
    const now = performance.now();
    if (this.phase === 'running') this.#waited(now - this.#heardAt);
    this.#heardAt = now;
    this.#take(reply);
  }

  #ask(request: Request, transfer: Transferable[] = []) {
    this.error = null;
    // Whoever has said nothing because there was nothing to do is not overdue.
    this.#heardAt = performance.now();
    this.#worker.post(request, transfer);
  }

  /**
   * The next run is to learn from somebody's own images; from a described data set again if there are none.
   * A run that is in place, or on its way, keeps its own.
   */
  learnFrom(images: OwnImages | null) {
    this.#ownImages = images;
    this.#fit();
  }

  /** Brings the Worker and the presets to what the next run is to learn from, while there is no other. */
  #fit() {
    if (this.phase !== 'empty' || this.#isInPlace()) return;
    const images = this.#ownImages;
    if (images) {
      if (images !== this.#handed) this.#hand(images);
    } else if (this.own !== null || this.fitting) {
      this.own = null;
      this.fitting = false;
      this.presets = this.#usual;
      this.#estimateOffered();
    }
  }

  #hand(images: OwnImages) {
    this.#handed = images;
    this.fitting = true;
    this.#ask({ type: 'own', ...images });
  }

  #isInPlace() {
    return this.config !== null || this.#pending !== null;
  }

  #estimateOffered() {
    for (const { name, config } of this.presets) {
      if (OFFERED.some((offered) => offered === name)) this.estimate(name, config);
    }
  }

  /** How long would such a run take here? The answer comes into `estimates`. */
  estimate(name: string, config: TrainConfig) {
    // What was wrong with the hyperparameters before is not wrong with these.
    if (this.phase === 'empty') this.error = null;
    if (this.#isTooLong(config)) {
      const others = Object.entries(this.estimates).filter(([other]) => other !== name);
      this.estimates = Object.fromEntries(others);
      return;
    }
    this.#worker.post({ type: 'estimate', name, config });
  }

  /** Whether a run has more steps than the session takes, which `error` then says. */
  #isTooLong(config: TrainConfig): boolean {
    const steps = stepsOf(config);
    if (steps <= MOST_STEPS) return false;
    this.error = RUN.tooLong(steps, MOST_STEPS);
    return true;
  }

  /** A new run, in the place of any other; its first step alone, or all. */
  start(config: TrainConfig, then: Exclude<Next, null> = 'resume') {
    if (this.#isTooLong(config)) return;
    this.#replace(null, then);
    this.#ask({ type: 'start', config: { ...config, changed_at: [] } });
  }

  /** Goes on with the run that was kept. */
  goOn(then: Next = null) {
    const { saved } = this;
    if (!saved) return;
    this.#replace(saved, then);
    this.#ask({ type: 'load', checkpoint: saved.checkpoint });
  }

  /** Puts the run of a file in place, paused. */
  load(checkpoint: Uint8Array<ArrayBuffer>) {
    this.#replace({ steps: [], metrics: [] }, null);
    this.#ask({ type: 'load', checkpoint });
  }

  /** Another run is about to take the place of what is kept, which is not offered meanwhile. */
  #replace(charts: Charts | null, then: Next) {
    this.#pending = { saved: this.saved };
    this.saved = null;
    this.#charts = charts;
    this.#then = then;
  }

  /** It did not come to that: everything is as it was. */
  #leave() {
    if (this.#pending) this.saved = this.#pending.saved;
    this.#pending = this.#charts = this.#then = null;
    if (this.phase === 'fetching') this.phase = this.config ? 'paused' : 'empty';
    this.#fit();
  }

  resume() {
    this.#ask({ type: 'resume' });
  }

  pause() {
    this.#ask({ type: 'pause' });
  }

  step() {
    this.#ask({ type: 'step' });
  }

  set(hyperparameters: Hyperparameters) {
    this.#ask({ type: 'set', hyperparameters });
  }

  /** Puts the run away. What is kept of it is offered until another one is kept in its place. */
  reset() {
    this.keptAt = null;
    // A checkpoint that is on its way is not to be kept any more.
    this.#putAway();
    this.#ask({ type: 'stop' });
    void this.#offerKept().then(() => this.#unlock());
  }

  /** Forgets the run that is on offer. */
  forget() {
    this.saved = null;
    this.#writer.drop();
    void this.#forgetKept().then(() => this.#unlock());
  }

  async #forgetKept() {
    await this.#writer.idle();
    if (!this.elsewhere) await forgetRun();
  }

  /** Lets another tab keep its run, unless there is one here again. */
  #unlock() {
    if (!this.#isInPlace()) this.#tabLock.release();
  }

  #putAway() {
    const { config } = this;
    this.config = null;
    if (config) this.onPutAway(config);
  }

  async #offerKept() {
    // What still waits is newer than what is kept.
    await this.#writer.idle();
    const saved = this.elsewhere ? null : await restore('run');
    // Whoever has begun another run meanwhile is offered none.
    if (!this.#isInPlace()) this.saved = saved;
  }

  /** The run as a file; `null` if that fails, which `error` then explains. */
  save(): Promise<Uint8Array<ArrayBuffer> | null> {
    return new Promise((resolve) => {
      this.#onCheckpoint = resolve;
      this.#ask({ type: 'save' });
    });
  }

  /** The exact integer network of the moment as a model file; `null` as for `save`. */
  export(): Promise<Uint8Array<ArrayBuffer> | null> {
    return new Promise((resolve) => {
      this.#onModel = resolve;
      this.#ask({ type: 'export' });
    });
  }

  /** A new Worker after one broke, on another device if need be; a run that is kept goes on. */
  restart(device: DeviceChoice = this.choice) {
    this.error = null;
    this.choice = device;
    this.#recovers = this.saved !== null;
    void this.#startWorker();
  }

  /** Ends the Worker and whatever waits for it. */
  #end() {
    this.#worker.stop();
    clearInterval(this.#watch);
    this.#wakeLock.release();
    this.#pending = this.#then = this.#charts = this.#handed = null;
    this.fitting = false;
    this.#disappoint();
  }

  #disappoint() {
    this.#onCheckpoint?.(null);
    this.#onModel?.(null);
    this.#onCheckpoint = this.#onModel = null;
  }

  #breakAfter({ loading }: Attempt) {
    if (loading.state === 'failed') this.#break(loading.message);
  }

  #break(message: string) {
    this.#end();
    this.phase = 'broken';
    this.#putAway();
    this.error = message;
    this.saved = null;
    void this.#offerKept();
  }

  #take(reply: Reply) {
    switch (reply.type) {
      case 'opened':
        this.presets = this.#usual = reply.presets;
        this.device = this.#opened = reply.device;
        this.phase = 'empty';
        // Before the run that goes on: what is handed over while it waits for its images counts as those.
        if (this.#ownImages) this.#fit();
        if (this.#recovers) this.goOn('resume');
        this.#recovers = false;
        if (!this.#ownImages) this.#estimateOffered();
        break;
      case 'fitted':
        this.fitting = false;
        // The visitor has left them out meanwhile.
        if (!this.#ownImages && !this.#isInPlace()) break;
        this.presets = reply.presets;
        this.own = reply.dataset;
        this.#estimateOffered();
        break;
      case 'estimate':
        this.estimates = { ...this.estimates, [reply.name]: reply.seconds };
        break;
      case 'wanted':
        void this.#fetch(reply.dataset, reply.images);
        break;
      case 'ready':
        this.#ready(reply);
        break;
      case 'running':
        this.phase = 'running';
        this.#wakeLock.hold();
        break;
      case 'progress':
        this.iteration = reply.iteration;
        this.secondsLeft = reply.secondsLeft;
        this.steps = thinned([...this.steps, ...reply.steps]);
        this.speeds = thinned([...this.speeds, reply]);
        break;
      case 'metrics':
        this.metrics = [
          ...thinned(this.metrics.map(lean), (one) => isFixed(one.iteration, this.iterations)),
          reply,
        ];
        break;
      case 'checkpoint':
        this.#onCheckpoint?.(reply.bytes);
        this.#onCheckpoint = null;
        void this.#keep(reply.iteration, reply.bytes);
        break;
      case 'model':
        this.#onModel?.(reply.bytes);
        this.#onModel = null;
        break;
      case 'paused':
        this.phase = 'paused';
        this.#wakeLock.release();
        break;
      case 'done':
        this.phase = 'done';
        this.#wakeLock.release();
        break;
      case 'stopped':
        this.#putAway();
        this.device = this.#opened;
        this.steps = this.speeds = this.metrics = [];
        this.phase = 'empty';
        this.#wakeLock.release();
        this.#fit();
        break;
      case 'error':
        this.#refused(reply);
        break;
    }
  }

  async #fetch(dataset: string, images: number) {
    this.phase = 'fetching';
    if (isOwn(dataset)) {
      // The Worker has looked among those that it has. Those of a file may be the ones of the run that is kept.
      const id = this.#charts?.images ?? this.#pending?.saved?.images;
      const isLent = this.#handed !== this.#ownImages;
      const own = (await restoreImages(id)) ?? (isLent ? this.#ownImages : null);
      if (own) {
        this.#hand(own);
      } else {
        this.#giveUp(RUN.imagesMissing);
      }
      return;
    }
    const shards = await this.#images.run((options) => fetchShards(dataset, images, options));
    if (shards) {
      const transfer = shards.map(({ bytes }) => bytes.buffer as ArrayBuffer);
      this.#ask({ type: 'data', dataset, shards }, transfer);
    } else if (this.#images.loading.state === 'failed') {
      this.#giveUp(this.#images.loading.message);
    }
  }

  /** The images that a run waits for do not come. */
  #giveUp(why: string) {
    // Otherwise the Worker would take the next ones for them.
    if (this.config === null) this.#ask({ type: 'stop' });
    this.#leave();
    this.error = why;
  }

  #ready(reply: Extract<Reply, { type: 'ready' }>) {
    const known = this.config !== null && this.#then === null && this.#charts === null;
    this.config = reply.config;
    this.device = reply.device;
    this.iteration = reply.iteration;
    this.iterations = reply.iterations;
    this.images = reply.images;
    // Only a hyperparameter was changed.
    if (known) return;
    // Of a run that is kept it is known at which step; of another, not before it is kept.
    const goesOn = this.#charts !== null && this.#charts === this.#pending?.saved;
    this.#runImages = isOwn(reply.config.dataset) ? this.#handed : null;
    this.keptAt = goesOn ? reply.iteration : null;
    this.#pending = null;
    this.#count += 1;
    this.secondsLeft = null;
    this.steps = this.#charts?.steps ?? [];
    this.metrics = this.#charts?.metrics ?? [];
    this.speeds = [];
    this.#silence = 0;
    this.#charts = null;
    const isDone = reply.iteration >= reply.iterations;
    this.phase = isDone ? 'done' : 'paused';
    const then = isDone ? null : this.#then;
    this.#then = null;
    if (then === 'resume') this.resume();
    if (then === 'step') this.step();
    // A file has no measurement, and what is kept was measured a while before.
    const isMeasured = this.metrics.at(-1)?.iteration === this.iteration;
    if (then === null && this.iteration > 0 && !isMeasured) {
      this.#ask({ type: 'evaluate', images: isDone ? ALL_IMAGES : CHART_IMAGES });
    }
  }

  async #keep(iteration: number, checkpoint: Uint8Array<ArrayBuffer>) {
    if (!this.config) return;
    this.elsewhere = !(await this.#tabLock.hold());
    if (this.elsewhere) return;
    if (!this.config) {
      // The run was forgotten meanwhile.
      this.#tabLock.release();
      return;
    }
    const mine = this.#count;
    const run = {
      config: this.config,
      iteration,
      iterations: this.iterations,
      savedAt: Date.now(),
      checkpoint,
      steps: [...this.steps],
      metrics: [...this.metrics],
    };
    const kept = await this.#writer.keep(run, this.#runImages);
    if (kept === null) return;
    this.keepsNothing = !kept;
    if (kept && mine === this.#count && this.config) this.keptAt = iteration;
  }

  /** Whether closing the tab now would lose what was trained. */
  get wouldLose(): boolean {
    return this.config !== null && this.iteration > 0 && (this.elsewhere || this.keepsNothing);
  }

  #refused({ message, fatal }: Extract<Reply, { type: 'error' }>) {
    if (fatal) {
      this.#break(message);
      return;
    }
    this.fitting = false;
    this.#leave();
    this.error = message;
    this.#disappoint();
  }
}

/** The page's only run. */
export const run = new Run();
losesIf(() => run.config !== null);

// The browser asks whoever leaves whether to stay.
addEventListener('beforeunload', (event) => {
  if (run.wouldLose) event.preventDefault();
});
