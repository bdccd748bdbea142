/**
 * Downloads with a known size, counted as they arrive.
 *
 * Every failure becomes one sentence that says what was wrong and can be shown as it is.
 */

/** A download that failed; its message is a sentence for the person at the page. */
export class DownloadError extends Error {
  override name = 'DownloadError';
}

/** How much of a download has arrived, from 0 to 1. */
export type OnProgress = (fraction: number) => void;

/**
 * The bytes at `path`, relative to the page. `what` names them in messages: "the network".
 * `expectedBytes` says how many there should be, given the first of them.
 */
export async function download(
  path: string,
  what: string,
  expectedBytes: (head: Uint8Array) => number,
  onProgress: OnProgress = () => {},
): Promise<Uint8Array<ArrayBuffer>> {
  let response: Response;
  try {
    response = await fetch(new URL(path, document.baseURI));
  } catch {
    throw new DownloadError(`The server could not be reached to load ${what}.`);
  }
  if (!response.ok || !response.body) {
    throw new DownloadError(
      `The server did not send ${what}: it answered with status ${response.status}.`,
    );
  }

  const parts: Uint8Array[] = [];
  let received = 0;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      received += value.length;
      onProgress(Math.min(1, received / expectedBytes(parts[0] ?? value)));
    }
  } catch {
    throw new DownloadError(`The connection broke while loading ${what}.`);
  }

  const bytes = new Uint8Array(received);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  const expected = expectedBytes(bytes);
  if (received < expected) {
    const [some, all] = [received, expected].map((count) => count.toLocaleString('en'));
    throw new DownloadError(`The download of ${what} is cut short: ${some} of ${all} bytes came.`);
  }
  return bytes;
}

/** A program in WebAssembly, compiled here once for whichever Worker runs it. */
export async function fetchProgram(
  path: string,
  what: string,
  bytes: number,
  onProgress: OnProgress,
): Promise<WebAssembly.Module> {
  const program = await download(path, what, () => bytes, onProgress);
  try {
    return await WebAssembly.compile(program);
  } catch {
    throw new DownloadError(`The file of ${what} is damaged.`);
  }
}
