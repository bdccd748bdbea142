/**
 * The exact network on the page's own thread: it answers within the frame of a stroke.
 *
 * Everything else of the page sees plain data. Building the module takes `npm run wasm`.
 */
import init, {
  Certifier,
  certificateFile,
  checkCertificate,
  sha256,
  strokesToImage,
} from '../../../pkg/certify/certify.js';
import { DownloadError, message, type DownloadOptions } from '../assets/download.ts';
import { fetchModel, type ModelFile } from '../assets/model-file.ts';
import { SIDE, type Pixels } from '../assets/pixels.ts';
import { fetchProgram } from './programs.ts';
import type { Bounds, Certificate, ModelInfo } from './types.ts';

export type { Bounds, Certificate, ModelInfo };
/** Verifies or refutes the file of a certificate, once the module has been started. */
export { checkCertificate };
/** The SHA-256 in hexadecimal, once the module has been started. */
export { sha256 };

/** A network that answers. */
export interface Network {
  info: ModelInfo;
  /** Tells it from other networks: the first 16 hexadecimal digits of its file's SHA-256. */
  hash: string;
  /** Its unpacked file. A Worker reads it anew, and a visitor can download it. */
  bytes: Uint8Array<ArrayBuffer>;
  /** The lowest and the highest value of any logit, for any image, in pixel levels. */
  range: [lowest: number, highest: number];
  /** The image that the network sees when these strokes are drawn; `undefined` without ink. */
  draw(points: Float32Array, starts: Uint32Array, penWidth: number): Pixels | undefined;
  certify(image: Pixels): Certificate;
  bounds(image: Pixels, epsilonLevels: number): Bounds;
  /** The certificate of an image that has a label, as a file. */
  certificateFile(image: Pixels): Uint8Array<ArrayBuffer>;
  /** Gives its memory back to the module; it answers no more. */
  free(): void;
}

/** Starts the module, once. The error's message is fit to be shown. */
export async function startModule(options: DownloadOptions = {}): Promise<void> {
  const program = await fetchProgram('certify', options);
  try {
    await init({ module_or_path: program });
  } catch (cause) {
    throw new DownloadError(`The program of this page could not be started: ${message(cause)}`);
  }
}

/** Loads the module and a model side by side. The error's message is fit to be shown. */
export async function openNetwork(file: ModelFile, options: DownloadOptions): Promise<Network> {
  // If the module fails, the download is awaited first: no progress may come after an error.
  const module = startModule({ anew: options.anew ?? false }).then(
    () => null,
    (cause: unknown) => cause,
  );
  const bytes = await fetchModel(file, options);
  const failure = await module;
  if (failure !== null) throw failure;
  return readNetwork(bytes, file.hash);
}

/** Reads an unpacked file, once the module has been started. */
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
    certificateFile: (image) => Uint8Array.from(certificateFile(bytes, image, SIDE)),
    free: () => certifier.free(),
  };
}
