/**
 * Attacks on the ℓ∞-dist net on the GPU, in the Worker of that network.
 *
 * A readback takes longer than thousands of queries, so many steps are made at a time. The first steps of
 * an attack are made on the CPU as well, and compared.
 */
import init, { GpuNetwork } from '../../../pkg/gpu/gpu.js';
import type { Order, Processor, Step } from '../workers/attack-protocol.ts';

/** How long the GPU is at work between two answers. */
const TURN_MS = 60;
/** Steps that an answer is of at most; the module makes no more. */
const MOST_STEPS = 64;

/** An attack on the GPU. */
interface Task {
  order: Order;
  program: WebAssembly.Module;
  /** Whether the network has begun it. */
  begun: boolean;
  steps: number;
  comparison: Processor['comparison'];
}

export class GpuEngine {
  readonly #model: Uint8Array;
  #network: GpuNetwork | null = null;
  #task: Task | null = null;

  constructor(model: Uint8Array) {
    this.#model = model;
  }

  /** What was ordered last. */
  get order(): Order {
    if (!this.#task) throw new Error('nothing was ordered of the GPU');
    return this.#task.order;
  }

  /** Orders an attack in place of the one before; it begins when it is advanced. */
  start(order: Order, program: WebAssembly.Module) {
    this.#task = { order, program, begun: false, steps: 1, comparison: null };
  }

  /** Makes some more queries. Rejects with a sentence where the attack does not even begin. */
  async advance(): Promise<Step> {
    const task = this.#task;
    if (!task) throw new Error('nothing was ordered of the GPU');
    const network = await this.#open(task.program);
    if (!task.begun) {
      const { image, attack, epsilonLevels, seed } = task.order;
      network.start(image, { attack, epsilonLevels, grid: 'levels', seed });
      task.begun = true;
    }
    const began = performance.now();
    const { onGpu, trouble, ...progress } = await network.advance(task.steps);
    const spentMs = performance.now() - began;
    task.steps = Math.round(task.steps * Math.min(2, TURN_MS / Math.max(spentMs, 0.1)));
    task.steps = Math.min(MOST_STEPS, Math.max(1, task.steps));
    const { adapter } = this;
    if (onGpu && !task.comparison) {
      const before = performance.now();
      const sameBits = network.compare();
      const cpuMs = performance.now() - before;
      task.comparison = { queries: progress.queries, gpuMs: spentMs, cpuMs, sameBits };
      if (!sameBits) {
        this.#close();
        throw new Error(`The GPU ${adapter?.name ?? ''} gives other results than the CPU`);
      }
    }
    const gpu = onGpu ? adapter : null;
    return { progress, processor: { gpu, trouble, comparison: task.comparison }, spentMs };
  }

  get adapter() {
    return this.#network?.adapter() ?? null;
  }

  async #open(program: WebAssembly.Module): Promise<GpuNetwork> {
    // One that has failed goes on with its attack, but begins no other.
    if (this.#network && !this.#task?.begun && this.#network.hasFailed) this.#close();
    if (!this.#network) {
      await init({ module_or_path: program });
      this.#network = await GpuNetwork.open(this.#model);
    }
    return this.#network;
  }

  #close() {
    this.#network?.free();
    this.#network = null;
  }
}
