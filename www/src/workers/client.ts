/**
 * The page's side of a Worker: typed messages both ways, and one sentence when it breaks.
 *
 * A Worker that was replaced or ended is not heard any more, whatever it has still sent. One whose
 * script does not come within a while has not loaded: a server may accept and never answer.
 */
import { STALL_MS } from '../assets/download.ts';

/** The first message of every Worker, sent when its script runs. */
export const AWAKE = 'awake';

export class WorkerClient<Request, Reply> {
  readonly #spawn: () => Worker;
  readonly #hear: (reply: Reply) => void;
  readonly #broke: (why: string | null) => void;
  #worker: Worker | null = null;
  #stall: ReturnType<typeof setTimeout> | undefined;

  /**
   * `broke` is told why the Worker cannot go on, or `null` if the browser does not say: then its
   * script did not load.
   */
  constructor(
    spawn: () => Worker,
    hear: (reply: Reply) => void,
    broke: (why: string | null) => void,
  ) {
    this.#spawn = spawn;
    this.#hear = hear;
    this.#broke = broke;
  }

  get isRunning(): boolean {
    return this.#worker !== null;
  }

  /** Starts a Worker in place of the one before. */
  start() {
    this.stop();
    const worker = this.#spawn();
    this.#worker = worker;
    this.#stall = setTimeout(() => this.#broke(null), STALL_MS);
    worker.onmessage = ({ data }: MessageEvent<Reply | typeof AWAKE>) => {
      if (worker !== this.#worker) return;
      clearTimeout(this.#stall);
      if (data !== AWAKE) this.#hear(data as Reply);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      if (worker !== this.#worker) return;
      clearTimeout(this.#stall);
      const why = (event as Partial<ErrorEvent>).message?.replace(/^Uncaught /, '');
      this.#broke(why || null);
    };
  }

  /** Says something to the Worker, if there is one. */
  post(request: Request, transfer: Transferable[] = []) {
    this.#worker?.postMessage(request, transfer);
  }

  stop() {
    clearTimeout(this.#stall);
    this.#worker?.terminate();
    this.#worker = null;
  }
}
