/**
 * The one place that knows the WebAssembly module: everything else of the page sees plain data, and
 * only the Workers of the attacks have instances of their own.
 *
 * Building it needs `npm run wasm` first.
 */
import init, {
  Certifier,
  strokesToImage,
  type Bounds,
  type ModelInfo,
  type Verdict,
} from '../../../pkg/certify/certify.js';
import type { OnProgress } from '../assets/download.ts';
import { DownloadError } from '../assets/download.ts';
import { fetchModel, type ModelFile } from '../assets/model-file.ts';
import { SIDE, type Pixels } from '../assets/pixels.ts';

export type { Bounds, ModelInfo, Verdict };

/** A network ready to answer. */
export interface Network {
  info: ModelInfo;
  /** What tells it from other networks: the first 16 hexadecimal digits of its file's SHA-256. */
  hash: string;
  /** Its unpacked file: a Worker reads it anew. */
  bytes: Uint8Array<ArrayBuffer>;
  /** The lowest and the highest value any logit can take, for any image, in pixel levels. */
  range: [lowest: number, highest: number];
  /** The image the network sees when these strokes are drawn; `undefined` without ink. */
  draw(points: Float32Array, starts: Uint32Array, penWidth: number): Pixels | undefined;
  certify(image: Pixels): Verdict;
  bounds(image: Pixels, epsilonLevels: number): Bounds;
}

const message = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));

/** Starts the module, once. The error's message is fit to be shown. */
export async function startModule(): Promise<void> {
  try {
    await init();
  } catch (cause) {
    throw new DownloadError(`The program of this page could not be started: ${message(cause)}`);
  }
}

/** Loads the module and a model side by side. The error's message is fit to be shown. */
export async function openNetwork(file: ModelFile, onProgress: OnProgress): Promise<Network> {
  // A module that fails waits for the download to end: no progress is to come after an error.
  const module = startModule().then(
    () => null,
    (cause: unknown) => cause,
  );
  const bytes = await fetchModel(file, onProgress);
  const failure = await module;
  if (failure !== null) throw failure;
  return readNetwork(bytes, file.hash);
}

/** A network of an unpacked file, once the module has been loaded. */
export function readNetwork(bytes: Uint8Array<ArrayBuffer>, hash: string): Network {
  let certifier: Certifier;
  try {
    certifier = new Certifier(bytes);
  } catch (cause) {
    throw new DownloadError(`The file of the network cannot be used: ${message(cause)}`);
  }
  // A box of 255 levels around any image holds every image.
  const all = certifier.bounds(new Uint8Array(SIDE * SIDE), 255);
  return {
    info: certifier.info(),
    hash,
    bytes,
    range: [Math.min(...all.lower), Math.max(...all.upper)],
    draw: (points, starts, penWidth) => strokesToImage(points, starts, penWidth),
    certify: (image) => certifier.certify(image),
    bounds: (image, epsilonLevels) => certifier.bounds(image, epsilonLevels),
  };
}
