/**
 * The page's side of a Worker that measures: asked one thing after the other, each question answered by a
 * promise.
 */
import { WorkerClient } from './client.ts';
import type { Opening, Reply, Request, Target } from './measure-protocol.ts';

/** One of the Workers, asked one thing after the other. */
export class MeasureHand {
  readonly #client: WorkerClient<Request, Reply>;
  readonly #opened = new Set<string>();
  #waiting: { resolve: (reply: Reply) => void; reject: (cause: Error) => void } | null = null;

  constructor() {
    this.#client = new WorkerClient<Request, Reply>(
      () => new Worker(new URL('./measure.worker.ts', import.meta.url), { type: 'module' }),
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

  /** Certifies images, `[n, 784]`, which are the Worker's from then on. */
  async certify(network: string, pixels: Uint8Array<ArrayBuffer>) {
    const reply = await this.#ask({ type: 'certify', network, pixels }, [pixels.buffer]);
    if (reply.type !== 'certified') throw new Error(`an answer of another kind: ${reply.type}`);
    return reply;
  }

  /** The radius of the smallest flip that is found, in ticks; -1 if none is. */
  async attack(network: string, target: Target, queries: number, seed: number): Promise<number> {
    const reply = await this.#ask({ type: 'attack', network, target, queries, seed });
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
