/**
 * Downloads of a known size, counted as they arrive.
 *
 * Every failure becomes one sentence that says what was wrong and can be shown as it is. A server
 * that stops sending is a failure too: without a limit a page would show "50 %" for ever.
 */

/** A download that failed. Its message is a sentence for the person at the page. */
export class DownloadError extends Error {
  override name = 'DownloadError';
}

/** How much of a download has arrived, from 0 to 1. */
export type OnProgress = (fraction: number) => void;

export interface DownloadOptions {
  onProgress?: OnProgress;
  /** Whether to pass by the browser's cache: an earlier answer was of no use. */
  anew?: boolean;
}

/** A server may be silent for so long. */
export const STALL_MS = 30_000;

/** The sentence of an error, whatever was thrown. */
export const message = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));

/**
 * The bytes at `path`, relative to the page. `what` names them in messages: "the network".
 * `expectedBytes` says how many there should be, given the first of them.
 */
export async function download(
  path: string,
  what: string,
  expectedBytes: (head: Uint8Array) => number,
  { onProgress = () => {}, anew = false }: DownloadOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const stall = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => stall.abort(), STALL_MS);
  };
  const failure = (otherwise: string) =>
    new DownloadError(
      stall.signal.aborted
        ? `The server has sent nothing of ${what} for ${STALL_MS / 1000} seconds.`
        : otherwise,
    );

  wait();
  try {
    let response: Response;
    try {
      response = await fetch(new URL(path, document.baseURI), {
        signal: stall.signal,
        cache: anew ? 'reload' : 'default',
      });
    } catch {
      throw failure(`The server could not be reached to load ${what}.`);
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
        wait();
        const { done, value } = await reader.read();
        if (done) break;
        parts.push(value);
        received += value.length;
        onProgress(Math.min(1, received / expectedBytes(parts[0] ?? value)));
      }
    } catch {
      throw failure(`The connection broke while loading ${what}.`);
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
      throw new DownloadError(
        `The download of ${what} is cut short: ${some} of ${all} bytes came.`,
      );
    }
    return bytes;
  } finally {
    clearTimeout(timer);
  }
}
