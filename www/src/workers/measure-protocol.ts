/**
 * What the page and a Worker that measures say to each other.
 *
 * Every Worker can hold several networks, each opened before it is first used. It answers one message
 * after the other, in their order, so that the page always knows which answer comes next.
 */

/** What is known of each of some images; see `ImageCertificates` of the module. */
export interface Certificates {
  predicted: Int32Array<ArrayBuffer>;
  marginTicks: Int32Array<ArrayBuffer>;
  lipschitzRadiusTicks: Int32Array<ArrayBuffer>;
  ibpRadiusTicks: Int32Array<ArrayBuffer>;
}

/** A network as a Worker opens it. */
export interface Opening {
  /** What it is called from then on. */
  network: string;
  kind: 'exact' | 'baseline';
  /** The unpacked file. */
  model: Uint8Array<ArrayBuffer>;
  /** The compiled program, which the page has loaded for the Worker. */
  program: WebAssembly.Module;
  /** Ticks per level in which a baseline counts; an exact network has its own. */
  scale: number;
}

/** An image that is labelled rightly, to be attacked. */
export interface Target {
  /** Number in its set, from which the random numbers follow. */
  index: number;
  label: number;
  ibpRadiusTicks: number;
  pixels: Uint8Array;
}

/** From the page. */
export type Request =
  | ({ type: 'open' } & Opening)
  /** `pixels` are `[n, 784]`. */
  | { type: 'certify'; network: string; pixels: Uint8Array<ArrayBuffer> }
  | { type: 'attack'; network: string; target: Target; queries: number; seed: number };

/** From the Worker; in the order of the requests. */
export type Reply =
  | { type: 'opened' }
  | { type: 'certified'; certificates: Certificates; tookMs: number }
  /** The radius of the smallest flip, in ticks; -1 where none was found. */
  | { type: 'attacked'; flipTicks: number }
  /** This request failed; others may still succeed. */
  | { type: 'failed'; message: string };
