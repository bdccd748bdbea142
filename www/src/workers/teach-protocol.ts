/** What the page and the Worker that teaches say to each other. */
import type { Pixels } from '../assets/pixels.ts';

/** From the page, once: what is taught, and to which network. */
export interface Request {
  /** The compiled program, which the page has loaded for the Worker. */
  program: WebAssembly.Module;
  /** The unpacked file of the network. */
  model: Uint8Array<ArrayBuffer>;
  /** `[n, 784]` and `[n]`. */
  images: Uint8Array<ArrayBuffer>;
  labels: Uint8Array<ArrayBuffer>;
  /** The training images that reminders are drawn from, as many as the module asks for, and their labels. */
  before: Pixels;
  beforeLabels: Uint8Array;
  seed: number;
}

/** From the Worker. */
export type Reply =
  | { type: 'pass'; done: number; of: number }
  /** The file of the taught network, and how long the passes took. */
  | { type: 'taught'; model: Uint8Array<ArrayBuffer>; seconds: number }
  | { type: 'failed'; message: string };
