/**
 * Gzipped files, unpacked by the page itself, since many static hosts compress no unknown type.
 *
 * Some servers declare a `.gz` file as gzip-encoded, and then the browser has unpacked it before
 * the page sees it; so the first bytes decide, not the name.
 */
import { DownloadError } from './download.ts';

/** Whether these are the first bytes of a gzipped file. */
export const isGzip = (bytes: Uint8Array) => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** The unpacked bytes; those that are not packed stay as they are. `what` names them in messages. */
export async function unzip(
  bytes: Uint8Array<ArrayBuffer>,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!isGzip(bytes)) return bytes;
  try {
    const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new Uint8Array(await new Response(unpacked).arrayBuffer());
  } catch {
    throw new DownloadError(`The file of ${what} is damaged: it does not unpack.`);
  }
}
