/**
 * The run that the page shows: its Worker, what the Worker has told, and what is kept of it.
 *
 * It outlives the view: training goes on while something else is looked at.
 */
import type {
  Knobs,
  Metrics,
  Preset,
  Reply,
  Request,
  StepPoint,
  TrainConfig,
} from '../../../pkg/train/train.js';
import { forget, keep, restore, type SavedRun } from '../lib/store.ts';
import TrainWorker from './train.worker.ts?worker';
import { WakeLock } from './wake-lock.ts';
import { fetchShards } from './training-data.ts';

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

/** A Worker that says nothing for so long, while it should, has probably been killed. */
const SILENCE_MS = 60_000;
/** More points than these are more than a chart can show: every other one is dropped. */
const MOST_POINTS = 4_000;

function thinned<Point>(points: readonly Point[]): readonly Point[] {
  return points.length > MOST_POINTS ? points.filter((_, index) => index % 2 === 0) : points;
}

export class Run {
  phase = $state<Phase>('opening');
  presets = $state.raw<readonly Preset[]>([]);
  /** What the steps run on, in words. */
  device = $state('');
  /** Seconds that a whole run would take here, by the name it was asked under. */
  estimates = $state.raw<Readonly<Record<string, number>>>({});

  config = $state.raw<TrainConfig | null>(null);
  iteration = $state(0);
  iterations = $state(0);
  /** Images trained on, and images held out to measure on. */
  images = $state(0);
  heldOut = $state(0);
  secondsLeft = $state(0);
  steps = $state.raw<readonly StepPoint[]>([]);
  speeds = $state.raw<readonly SpeedPoint[]>([]);
  metrics = $state.raw<readonly Metrics[]>([]);
  /** Share of the training images' bytes that has come. */
  fetched = $state(0);

  /** What went wrong last, as a sentence; `null` when nothing did. */
  error = $state<string | null>(null);
  /** A run of an earlier visit, or of a Worker that broke, that could go on. */
  saved = $state.raw<SavedRun | null>(null);
  /** The step of the last checkpoint that was kept; `null` where none is. */
  keptAt = $state<number | null>(null);
  /** Whether the browser refuses to keep checkpoints. */
  keepsNothing = $state(false);

  #worker: Worker | null = null;
  #heardAt = 0;
  #watch: ReturnType<typeof setInterval> | undefined;
  /** What is to be done when the run is in place. */
  #then: 'resume' | 'step' | null = null;
  /** Charts of a run that is being loaded. */
  #charts: Pick<SavedRun, 'steps' | 'metrics'> | null = null;
  #onCheckpoint: ((bytes: Uint8Array<ArrayBuffer>) => void) | null = null;
  #onModel: ((bytes: Uint8Array<ArrayBuffer>) => void) | null = null;
  readonly #wakeLock = new WakeLock();

  /** Loads the program, unless it was loaded before, and looks for a run to go on with. */
  open() {
    if (this.#worker) return;
    void restore('run').then((saved) => {
      if (this.config === null) this.saved = saved;
    });
    this.#startWorker();
  }

  #startWorker() {
    this.#worker?.terminate();
    clearInterval(this.#watch);
    this.phase = 'opening';
    const worker = new TrainWorker();
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      this.#heardAt = performance.now();
      this.#take(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#break(event.message || 'The training program did not load.');
    };
    this.#watch = setInterval(() => {
      const silent = performance.now() - this.#heardAt > SILENCE_MS;
      if (this.phase === 'running' && silent) {
        this.#break('The training program has not answered for a minute.');
      }
    }, 5_000);
  }

  #ask(request: Request, transfer: Transferable[] = []) {
    this.error = null;
    // Whoever has said nothing because there was nothing to do is not overdue.
    this.#heardAt = performance.now();
    this.#worker?.postMessage(request, transfer);
  }

  /** How long would such a run take here? The answer comes into `estimates`. */
  estimate(name: string, config: TrainConfig) {
    this.#worker?.postMessage({ type: 'estimate', name, config } satisfies Request);
  }

  /** A new run, in the place of any other; its first step alone, or all. */
  start(config: TrainConfig, then: 'resume' | 'step' = 'resume') {
    this.#then = then;
    this.#charts = null;
    this.saved = null;
    this.#ask({ type: 'start', config: { ...config, changed_at: [] } });
  }

  /** Goes on with the run that was kept. */
  goOn() {
    const { saved } = this;
    if (!saved) return;
    this.saved = null;
    this.#charts = saved;
    this.#then = null;
    this.#ask({ type: 'load', checkpoint: saved.checkpoint });
  }

  /** Puts the run of a file in place, paused. */
  load(checkpoint: Uint8Array<ArrayBuffer>) {
    this.saved = null;
    this.#charts = { steps: [], metrics: [] };
    this.#then = null;
    this.#ask({ type: 'load', checkpoint });
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

  set(knobs: Knobs) {
    this.#ask({ type: 'set', knobs });
  }

  /** Forgets the run, here and in the browser's store. */
  reset() {
    void forget('run');
    this.saved = null;
    this.keptAt = null;
    if (this.phase !== 'broken') this.#ask({ type: 'stop' });
  }

  /** The run as a file. */
  save(): Promise<Uint8Array<ArrayBuffer>> {
    return new Promise((resolve) => {
      this.#onCheckpoint = resolve;
      this.#ask({ type: 'save' });
    });
  }

  /** The exact integer network of the moment as a model file. */
  export(): Promise<Uint8Array<ArrayBuffer>> {
    return new Promise((resolve) => {
      this.#onModel = resolve;
      this.#ask({ type: 'export' });
    });
  }

  /** A new Worker after one broke; the run that was kept is offered again. */
  async restart() {
    this.error = null;
    this.config = null;
    this.#startWorker();
    this.saved = await restore('run');
  }

  #break(message: string) {
    this.#worker?.terminate();
    clearInterval(this.#watch);
    this.#wakeLock.release();
    this.phase = 'broken';
    this.error = message;
  }

  #take(reply: Reply) {
    switch (reply.type) {
      case 'opened':
        this.presets = reply.presets;
        this.device = reply.device;
        this.phase = 'empty';
        for (const { name, config } of reply.presets) this.estimate(name, config);
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
        this.metrics = [...this.metrics, reply];
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
        this.config = null;
        this.phase = 'empty';
        this.#wakeLock.release();
        break;
      case 'error':
        this.#refused(reply);
        break;
    }
  }

  async #fetch(dataset: string, images: number) {
    this.phase = 'fetching';
    this.fetched = 0;
    try {
      const shards = await fetchShards(dataset, images, (fraction) => (this.fetched = fraction));
      const transfer = shards.map(({ bytes }) => bytes.buffer as ArrayBuffer);
      this.#ask({ type: 'data', dataset, shards }, transfer);
    } catch (cause) {
      this.phase = this.config ? 'paused' : 'empty';
      this.error = cause instanceof Error ? cause.message : String(cause);
    }
  }

  #ready(reply: Extract<Reply, { type: 'ready' }>) {
    const known = this.config !== null && this.#then === null && this.#charts === null;
    this.config = reply.config;
    this.iteration = reply.iteration;
    this.iterations = reply.iterations;
    this.images = reply.images;
    this.heldOut = reply.heldOut;
    // Only a knob was changed.
    if (known) return;
    this.steps = this.#charts?.steps ?? [];
    this.metrics = this.#charts?.metrics ?? [];
    this.speeds = [];
    this.#charts = null;
    this.phase = 'paused';
    if (this.#then === 'resume') this.resume();
    if (this.#then === 'step') this.step();
    this.#then = null;
  }

  async #keep(iteration: number, checkpoint: Uint8Array<ArrayBuffer>) {
    if (!this.config) return;
    const kept = await keep('run', {
      config: this.config,
      iteration,
      iterations: this.iterations,
      savedAt: Date.now(),
      checkpoint,
      steps: [...this.steps],
      metrics: [...this.metrics],
    });
    this.keepsNothing = !kept;
    if (kept) this.keptAt = iteration;
  }

  #refused({ message, fatal }: Extract<Reply, { type: 'error' }>) {
    if (fatal) {
      this.#break(message);
      return;
    }
    this.error = message;
    this.#then = null;
    this.#charts = null;
    if (this.phase === 'fetching') this.phase = this.config ? 'paused' : 'empty';
  }
}

/** The page's only run. */
export const run = new Run();
