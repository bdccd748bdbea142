/**
 * Gzipped files, unpacked by the page itself, since many static hosts compress no unknown type.
 *
 * Some servers declare a `.gz` file as gzip-encoded, and then the browser has unpacked it before
 * the page sees it; so the first bytes decide, not the name.
 */
import { DownloadError } from './download.ts';

/** Whether these are the first bytes of a gzipped file. */
export const isGzip = (bytes: Uint8Array) => bytes[0] === 0x1f && bytes[1] === 0x8b;

/** No file of the page unpacks to more. */
const MOST_UNPACKED = 512 * 1024 * 1024;

/**
 * The unpacked bytes; those that are not packed stay as they are. `what` names them in messages. A file that
 * unpacks to more than any of the page's is given up before it fills the memory.
 */
export async function unzip(
  bytes: Uint8Array<ArrayBuffer>,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!isGzip(bytes)) return bytes;
  let length = 0;
  const counted = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(part, stream) {
      length += part.length;
      if (length > MOST_UNPACKED) stream.error(new Error('too large'));
      else stream.enqueue(part);
    },
  });
  try {
    const unpacked = new Blob([bytes])
      .stream()
      .pipeThrough(new DecompressionStream('gzip'))
      .pipeThrough(counted);
    return new Uint8Array(await new Response(unpacked).arrayBuffer());
  } catch {
    if (length > MOST_UNPACKED) {
      throw new DownloadError(`The file of ${what} unpacks to more than the page can take.`);
    }
    throw new DownloadError(`The file of ${what} is damaged: it does not unpack.`);
  }
}
