/**
 * What the page and the Worker of a network under attack say to each other.
 *
 * Each network has a Worker of its own, so that no attack holds up a frame or the other network.
 * What the page asks is numbered, since an answer may come after the question has changed.
 */
import type { AttackName, AttackProgress, Perturbed } from '../../../pkg/certify/certify.js';
import type { Pixels } from '../assets/pixels.ts';

export type { AttackName, AttackProgress, Perturbed };

/** What a network makes of an unperturbed image. */
export interface Inspection {
  /** null in a tie, which is no label. */
  label: number | null;
  /** Per class. Levels for the ℓ∞-dist net; of no unit for an ordinary one. */
  logits: number[];
  /** No change of up to this many levels per pixel flips the label: proved. */
  radiusLevels: number;
  /** The same, proved by the margin alone; null where a margin proves nothing. */
  marginRadiusLevels: number | null;
  /** Where the logits can go within ε. */
  lower: number[];
  upper: number[];
  /** Whether the label is proved at this ε. */
  certified: boolean;
}

/** A run of an attack on an image; the same order gives the same tries. */
export interface Order {
  image: Pixels;
  attack: AttackName;
  /** A whole number. */
  epsilonLevels: number;
  seed: number;
}

/** From the page. */
export type Request =
  /** `scale`: units per level in which radii and attacks count. The first message. */
  | {
      type: 'open';
      model: Uint8Array;
      scale: number;
      /** The Worker fetches its program itself, if none is sent. */
      program?: WebAssembly.Module;
    }
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
  | { type: 'start'; id: number; order: Order }
  | { type: 'stop' };

/** How a run stands. */
export interface RunReport {
  progress: AttackProgress;
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
