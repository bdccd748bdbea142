/**
 * Fetches a shipped model and unpacks it.
 *
 * Some servers declare a `.gz` file as gzip-encoded, and then the browser has unpacked it before
 * the page sees it; so the first bytes decide, not the name.
 */
import { DownloadError, download, type OnProgress } from './bytes.ts';

/** A model as the build shipped it. */
export interface ModelFile {
  /** Address of the gzipped file, relative to the page. */
  path: string;
  gzipBytes: number;
  rawBytes: number;
  /** The first 16 hexadecimal digits of the unpacked file's SHA-256. */
  hash: string;
}

const isGzip = (bytes: Uint8Array) => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** The model's safetensors bytes. Throws a `DownloadError` that says what went wrong. */
export async function fetchModel(
  file: ModelFile,
  onProgress: OnProgress,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await download(
    file.path,
    'the network',
    (head) => (isGzip(head) ? file.gzipBytes : file.rawBytes),
    onProgress,
  );
  if (!isGzip(bytes)) return bytes;
  try {
    const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new Uint8Array(await new Response(unpacked).arrayBuffer());
  } catch {
    throw new DownloadError('The file of the network is damaged: it does not unpack.');
  }
}
