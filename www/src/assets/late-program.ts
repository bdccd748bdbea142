/**
 * Parts of the page's own script that are loaded late.
 *
 * A part that does not come is told from one that came and cannot run: of the first the server is the
 * cause, and trying again helps; of the second neither is true.
 */
import { DownloadError, STALL_MS, message } from './download.ts';

/** A script that came and failed while it started. Its message is a sentence. */
export class StartError extends Error {
  override name = 'StartError';
}

/** How Chromium, Firefox, WebKit and Vite's loader of styles say that a file did not come. */
const NOT_FETCHED = /dynamically imported module|importing a module script|unable to preload/i;

/** What `load` brings; `what` names it in messages: "the program of Train". */
export async function loadLate<Part>(load: () => Promise<Part>, what: string): Promise<Part> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stall = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new DownloadError(`The server has not sent ${what} within ${STALL_MS / 1000} seconds.`),
        ),
      STALL_MS,
    );
  });
  try {
    return await Promise.race([load(), stall]);
  } catch (cause) {
    if (cause instanceof DownloadError) throw cause;
    if (NOT_FETCHED.test(message(cause))) {
      throw new DownloadError(`The server could not be reached to load ${what}.`);
    }
    throw new StartError(`This browser cannot start ${what}: ${message(cause)}`);
  } finally {
    clearTimeout(timer);
  }
}
