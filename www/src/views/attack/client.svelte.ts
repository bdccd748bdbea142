/**
 * One network of the duel, as the page sees it: its Worker, what it makes of the image, and how
 * the attack on it stands.
 *
 * A Worker that fails takes nothing with it: the page says so and starts another.
 */
import type { Loading } from '../../state/loading.ts';
import type { Pixels } from '../../assets/pixels.ts';
import type { Found } from '../../codec/result.ts';
import type { Inspection, Order, Perturbed, Report, Request, RunReport } from '../../workers/attack-protocol.ts';

/** What a Worker needs to begin. */
export interface Supply {
  /** The model's unpacked file. */
  model: Uint8Array<ArrayBuffer>;
  /** The first digits of its SHA-256. */
  hash: string;
  /** Units per level. */
  scale: number;
  /** The compiled program, where the page has loaded it for the Worker. */
  program?: WebAssembly.Module;
}

/** An image and ε, and what the network makes of them. */
export interface Inspected extends Inspection {
  image: Pixels;
  epsilonLevels: number;
}

/** An attack on the network, under way or over. */
export interface Bout {
  order: Order;
  state: 'running' | 'stopped' | 'done';
  report: RunReport | null;
}

/** What is known of one perturbed image: found by an attack, painted, or brought by a link. */
export type Shown = Perturbed & Pick<Found, 'attack' | 'tries' | 'steps'>;

export class Contender {
  loading = $state.raw<Loading>({ state: 'loading', fraction: 0 });
  /** The file of the network in the Worker. */
  hash = $state.raw<string | null>(null);
  inspected = $state.raw<Inspected | null>(null);
  bout = $state.raw<Bout | null>(null);
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

  readonly #spawn: () => Worker;
  readonly #supply: (onProgress: (fraction: number) => void) => Promise<Supply>;
  #worker: Worker | null = null;
  /** Numbers the questions; an answer to an older one than the last is dropped. */
  #asked = 0;
  #opening = 0;
  #run = 0;
  #inspecting: { id: number; image: Pixels; epsilonLevels: number } | null = null;
  #next: { image: Pixels; epsilonLevels: number } | null = null;
  #painting: { id: number; then: (perturbed: Perturbed) => void } | null = null;

  constructor(
    spawn: () => Worker,
    supply: (onProgress: (fraction: number) => void) => Promise<Supply>,
  ) {
    this.#spawn = spawn;
    this.#supply = supply;
  }

  /** Fetches the network and starts it, in place of the one before. */
  load = async () => {
    this.close();
    const opening = this.#opening;
    try {
      const supply = await this.#supply((fraction) => {
        if (opening === this.#opening) this.loading = { state: 'loading', fraction };
      });
      if (opening !== this.#opening) return;
      this.#begin();
      this.#ask({ type: 'open', ...supply });
      this.hash = supply.hash;
    } catch (cause) {
      if (opening !== this.#opening) return;
      // The other download may still go on: no progress is to come after an error.
      this.#opening += 1;
      const message = cause instanceof Error ? cause.message : String(cause);
      this.loading = { state: 'failed', message };
    }
  };

  /** Ends the Worker and forgets the network. */
  close() {
    this.#opening += 1;
    this.#worker?.terminate();
    this.#worker = null;
    this.clear();
    this.hash = this.inspected = this.smallest = this.mishap = null;
    this.loading = { state: 'loading', fraction: 0 };
  }

  /** Asks what the network makes of an image within ε; of many questions the last is answered. */
  inspect(image: Pixels, epsilonLevels: number) {
    this.#next = { image, epsilonLevels };
    if (!this.#inspecting && this.loading.state === 'ready') this.#inspectNext();
  }

  start(order: Order) {
    this.mishap = null;
    this.painted = this.shared = this.#painting = null;
    this.#run = this.#number();
    this.bout = { order, state: 'running', report: null };
    this.#ask({ type: 'start', id: this.#run, order });
  }

  stop() {
    this.#run = 0;
    if (this.bout?.state !== 'running') return;
    this.bout = { ...this.bout, state: 'stopped' };
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
    const { attack, tries, steps } = found;
    this.painted = null;
    this.#evaluate(image, found.perturbed, epsilonLevels, (perturbed) => {
      this.shared = { ...perturbed, attack, tries, steps };
      this.#note(perturbed);
    });
  }

  /** Forgets what attacks found, but for the smallest flip. */
  clear() {
    this.stop();
    this.#painting = null;
    this.bout = null;
    this.painted = this.shared = null;
  }

  #number(): number {
    return (this.#asked += 1);
  }

  #ask(request: Request) {
    this.#worker?.postMessage(request);
  }

  #evaluate(
    image: Pixels,
    painted: Pixels,
    epsilonLevels: number,
    then: (perturbed: Perturbed) => void,
  ) {
    this.stop();
    this.bout = null;
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
    const { flipped, radiusLevels } = perturbed;
    if (flipped && radiusLevels < (this.smallest?.radiusLevels ?? Infinity)) {
      this.smallest = perturbed;
    }
  }

  #begin() {
    this.#worker?.terminate();
    this.#inspecting = null;
    const worker = this.#spawn();
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Report>) => {
      if (worker === this.#worker) this.#hear(data);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (worker === this.#worker) this.#fail(event.message || 'it could not be started');
    };
  }

  #hear(report: Report) {
    switch (report.type) {
      case 'opened':
        this.loading = { state: 'ready' };
        this.#inspectNext();
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
        break;
      }
      case 'painted':
        if (this.#painting?.id !== report.id) break;
        this.#painting.then(report.perturbed);
        this.#painting = null;
        break;
      case 'progress':
      case 'done': {
        if (report.id !== this.#run || !this.bout) break;
        const state = report.type === 'done' ? 'done' : 'running';
        this.bout = { ...this.bout, state, report: report.report };
        if (report.report.progress.best) this.#note(report.report.progress.best);
        break;
      }
      case 'failed':
        this.#fail(report.message);
        break;
    }
  }

  #fail(message: string) {
    const before = this.loading.state;
    const { inspected } = this;
    this.#worker?.terminate();
    this.#worker = null;
    if (before !== 'ready') {
      this.loading = { state: 'failed', message: `The network did not start: ${message}` };
      return;
    }
    // What it was doing is lost; what it knew is asked anew.
    void this.load();
    if (inspected) this.inspect(inspected.image, inspected.epsilonLevels);
    this.mishap = `The attack broke off and its program was started anew: ${message}`;
  }
}
