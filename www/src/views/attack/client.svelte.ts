/**
 * One network under attack, as the page sees it: its Worker, what it makes of the image, and how
 * the attack on it stands.
 *
 * A Worker that fails takes nothing with it: the page says so and starts another.
 */
import { message, type DownloadOptions } from '../../assets/download.ts';
import type { Pixels } from '../../assets/pixels.ts';
import type { Found } from '../../codec/result.ts';
import { Attempt } from '../../state/attempt.svelte.ts';
import type {
  Inspection,
  Order,
  Perturbed,
  Report,
  Request,
  RunReport,
  Supply,
} from '../../workers/attack-protocol.ts';
import { WorkerClient } from '../../workers/client.ts';

/** An image and ε, and what the network makes of them. */
export interface Inspected extends Inspection {
  image: Pixels;
  epsilonLevels: number;
}

/** An attack on the network, under way or over. */
export interface AttackRun {
  order: Order;
  state: 'running' | 'stopped' | 'done';
  report: RunReport | null;
}

/** What is known of one perturbed image: found by an attack, painted, or brought by a link. */
export type Shown = Perturbed & Pick<Found, 'attack' | 'queries' | 'steps'>;

export class AttackClient {
  /** The file of the network in the Worker. */
  hash = $state.raw<string | null>(null);
  inspected = $state.raw<Inspected | null>(null);
  run = $state.raw<AttackRun | null>(null);
  /** The answer to what was painted by hand. */
  painted = $state.raw<Perturbed | null>(null);
  /** What a link brought, evaluated here. */
  shared = $state.raw<Shown | null>(null);
  /** The flip by the smallest change so far, of the image that is inspected. */
  smallest = $state.raw<Perturbed | null>(null);
  /** Why the Worker was started anew, if it was. */
  mishap = $state.raw<string | null>(null);

  /** What it makes of this very image; `null` until that is known. */
  of(image: Pixels | undefined): Inspected | null {
    return this.inspected && this.inspected.image === image ? this.inspected : null;
  }

  readonly #attempt = new Attempt();
  readonly #worker: WorkerClient<Request, Report>;
  readonly #supply: (options: DownloadOptions) => Promise<Supply>;
  readonly #onSettled: () => void;
  /** Ends the wait for the Worker to open. */
  #opened: { resolve: () => void; reject: (cause: Error) => void } | null = null;
  /** Numbers the questions; an answer to an older one than the last is dropped. */
  #asked = 0;
  /** Counts how often a network was loaded or closed. */
  #opening = 0;
  #runId = 0;
  #inspecting: { id: number; image: Pixels; epsilonLevels: number } | null = null;
  /** The question that is to be asked next, and the last one of all. */
  #next: { image: Pixels; epsilonLevels: number } | null = null;
  #last: { image: Pixels; epsilonLevels: number } | null = null;
  #painting: { id: number; then: (perturbed: Perturbed) => void } | null = null;

  /**
   * `supply` fetches what the Worker needs; `onSettled` is told whenever the network has said what
   * it makes of an image, or that it will not.
   */
  constructor(
    spawn: () => Worker,
    supply: (options: DownloadOptions) => Promise<Supply>,
    onSettled: () => void,
  ) {
    this.#supply = supply;
    this.#onSettled = onSettled;
    this.#worker = new WorkerClient(
      spawn,
      (report: Report) => this.#hear(report),
      (why) => this.#fail(why ?? 'its program could not be loaded.'),
    );
  }

  get loading() {
    return this.#attempt.loading;
  }

  /** Fetches the network and starts it, in place of the one before. */
  load = async () => {
    this.close();
    const opening = this.#opening;
    await this.#attempt.run(async (options) => {
      const supply = await this.#supply(options);
      // It was closed, or another one was loaded, meanwhile.
      if (opening !== this.#opening) return;
      this.#worker.start();
      const opened = new Promise<void>((resolve, reject) => (this.#opened = { resolve, reject }));
      this.#worker.post({ type: 'open', ...supply });
      this.hash = supply.hash;
      await opened;
    });
    if (opening !== this.#opening) return;
    this.#next ??= this.#last;
    if (this.loading.state === 'ready') this.#inspectNext();
    else this.#onSettled();
  };

  /** Ends the Worker and forgets the network. */
  close() {
    this.#attempt.cancel();
    this.#worker.stop();
    this.#opened = this.#inspecting = null;
    this.#opening += 1;
    this.clear();
    this.hash = this.inspected = this.smallest = this.mishap = null;
  }

  /** Asks what the network makes of an image within ε; of many questions the last is answered. */
  inspect(image: Pixels, epsilonLevels: number) {
    this.#next = this.#last = { image, epsilonLevels };
    if (!this.#inspecting && this.loading.state === 'ready') this.#inspectNext();
  }

  /** Starts an attack. `fetchGpu` fetches the program for the GPU, where it is to run there. */
  start(order: Order, fetchGpu: (() => Promise<WebAssembly.Module>) | null = null) {
    this.mishap = null;
    this.painted = this.shared = this.#painting = null;
    const id = (this.#runId = this.#number());
    this.run = { order, state: 'running', report: null };
    const ask = (gpu: WebAssembly.Module | null) => {
      // Unless it was stopped, or another one was started, meanwhile.
      if (id === this.#runId) this.#ask({ type: 'start', id, order, gpu });
    };
    if (!fetchGpu) ask(null);
    else {
      fetchGpu().then(ask, (cause: unknown) => {
        if (id === this.#runId) this.mishap = `${message(cause)} The CPU makes the attack.`;
        ask(null);
      });
    }
  }

  stop() {
    this.#runId = 0;
    if (this.run?.state !== 'running') return;
    this.run = { ...this.run, state: 'stopped' };
    this.#ask({ type: 'stop' });
  }

  /** Has a painted image evaluated. */
  paint(image: Pixels, painted: Pixels, epsilonLevels: number) {
    this.shared = null;
    this.#evaluate(image, painted, epsilonLevels, (perturbed) => {
      this.painted = perturbed;
      this.#note(perturbed);
    });
  }

  /** Has a perturbed image evaluated that somebody found elsewhere. */
  share(image: Pixels, found: Found, epsilonLevels: number) {
    const { attack, queries, steps } = found;
    this.painted = null;
    this.#evaluate(image, found.perturbed, epsilonLevels, (perturbed) => {
      this.shared = { ...perturbed, attack, queries, steps };
      this.#note(perturbed);
    });
  }

  /** Forgets what attacks found, but for the smallest flip. */
  clear() {
    this.stop();
    this.#painting = null;
    this.run = null;
    this.painted = this.shared = null;
  }

  #number(): number {
    return (this.#asked += 1);
  }

  #ask(request: Request) {
    this.#worker.post(request);
  }

  #evaluate(
    image: Pixels,
    painted: Pixels,
    epsilonLevels: number,
    then: (perturbed: Perturbed) => void,
  ) {
    this.stop();
    this.run = null;
    const id = this.#number();
    this.#painting = { id, then };
    this.#ask({ type: 'paint', id, image, painted, epsilonLevels });
  }

  #inspectNext() {
    this.#inspecting = this.#next && { id: this.#number(), ...this.#next };
    this.#next = null;
    if (this.#inspecting) this.#ask({ type: 'inspect', ...this.#inspecting });
  }

  #note(perturbed: Perturbed) {
    const { misclassified, radiusLevels } = perturbed;
    if (misclassified && radiusLevels < (this.smallest?.radiusLevels ?? Infinity)) {
      this.smallest = perturbed;
    }
  }

  #hear(report: Report) {
    switch (report.type) {
      case 'opened':
        this.#opened?.resolve();
        break;
      case 'inspected': {
        const asked = this.#inspecting;
        if (asked?.id !== report.id) break;
        if (asked.image !== this.inspected?.image) {
          // What was found, or is still being evaluated, is of another image.
          this.smallest = this.painted = this.shared = this.#painting = null;
        }
        const { image, epsilonLevels } = asked;
        this.inspected = { image, epsilonLevels, ...report.inspection };
        this.#inspectNext();
        this.#onSettled();
        break;
      }
      case 'painted':
        if (this.#painting?.id !== report.id) break;
        this.#painting.then(report.perturbed);
        this.#painting = null;
        break;
      case 'progress':
      case 'done': {
        if (report.id !== this.#runId || !this.run) break;
        const state = report.type === 'done' ? 'done' : 'running';
        this.run = { ...this.run, state, report: report.report };
        if (report.report.progress.best) this.#note(report.report.progress.best);
        break;
      }
      case 'failed':
        this.#fail(report.message);
        break;
    }
  }

  #fail(message: string) {
    this.#worker.stop();
    if (this.loading.state !== 'ready') {
      this.#opened?.reject(new Error(`The network did not start: ${message}`));
      return;
    }
    // What it was doing is lost; the last question is asked anew.
    void this.load();
    this.mishap = `The attack broke off and its program was started anew: ${message}`;
  }
}
