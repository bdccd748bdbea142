/**
 * What the page and the Worker of a network under attack say to each other.
 *
 * Each network has a Worker of its own, so that no attack holds up a frame or the other network.
 * The page numbers what it asks, since an answer may come after the question has changed.
 */
import type { Pixels } from '../assets/pixels.ts';
import type { AttackName, AttackProgress, Perturbed } from '../wasm/types.ts';

export type { AttackName, AttackProgress, Perturbed };

/** What a Worker needs to begin. */
export interface Supply {
  /** The model's unpacked file. */
  model: Uint8Array<ArrayBuffer>;
  /** The first digits of its SHA-256. */
  hash: string;
  /** Ticks per level, in which radii and attacks count. */
  scale: number;
  /** The compiled program, which the page has loaded for the Worker. */
  program: WebAssembly.Module;
}

/** What a network makes of an unperturbed image. */
export interface Inspection {
  /** null in a tie, which is no label. */
  label: number | null;
  /** Per class. Levels for the ℓ∞-dist net; of no unit for a baseline. */
  logits: number[];
  /** No change of up to this many levels per pixel flips the label: proved by IBP. */
  ibpRadiusLevels: number;
  /** The same, proved by the margin alone; null where a margin proves nothing. */
  lipschitzRadiusLevels: number | null;
  /** Where the logits can go within ε. */
  lower: number[];
  upper: number[];
  /** Whether the label is proved at this ε. */
  certified: boolean;
}

/** A run of an attack on an image; the same order gives the same queries. */
export interface Order {
  image: Pixels;
  attack: AttackName;
  /** A whole number. */
  epsilonLevels: number;
  seed: number;
}

/** What an attack runs on. */
export interface Processor {
  /** The adapter at work; null where the CPU is. */
  gpu: { name: string; software: boolean } | null;
  /** Why the CPU works in the place of a GPU that was asked for, in a sentence. */
  trouble: string | null;
  /** The first queries of this attack, made by both. */
  comparison: { queries: number; gpuMs: number; cpuMs: number; sameBits: boolean } | null;
}

export const CPU: Processor = { gpu: null, trouble: null, comparison: null };

/** How a run stands after some more queries. */
export interface Step {
  progress: AttackProgress;
  processor: Processor;
  /** Time spent on them, where it is not all that has passed. */
  spentMs?: number;
}

/** A network under attack, as the Worker's loop uses it. */
export interface Engine {
  inspect(image: Pixels, epsilonLevels: number): Inspection;
  paint(image: Pixels, painted: Pixels, epsilonLevels: number): Perturbed;
  /** `gpu` is the program for the GPU, where the attack is to run there. */
  start(order: Order, gpu: WebAssembly.Module | null): void;
  /** Makes about `queries` more queries; a GPU as many as it makes in a moment. */
  advance(queries: number): Step | Promise<Step>;
}

/** From the page. */
export type Request =
  /** The first message. */
  | ({ type: 'open' } & Supply)
  | { type: 'inspect'; id: number; image: Pixels; epsilonLevels: number }
  /** What does the network make of an image somebody painted? It is brought within ε first. */
  | {
      type: 'paint';
      id: number;
      image: Pixels;
      painted: Pixels;
      epsilonLevels: number;
    }
  /** Takes the place of the run before. */
  | { type: 'start'; id: number; order: Order; gpu: WebAssembly.Module | null }
  | { type: 'stop' };

/** How a run stands. */
export interface RunReport {
  progress: AttackProgress;
  processor: Processor;
  /** Time spent on it, in milliseconds. */
  spentMs: number;
}

/** From the Worker. */
export type Report =
  | { type: 'opened' }
  | { type: 'inspected'; id: number; inspection: Inspection }
  | { type: 'painted'; id: number; perturbed: Perturbed }
  | { type: 'progress'; id: number; report: RunReport }
  /** The attack has come to its end, or has flipped the label. */
  | { type: 'done'; id: number; report: RunReport }
  /** The Worker cannot go on. */
  | { type: 'failed'; message: string };
