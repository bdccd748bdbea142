/**
 * Something that is loaded, may fail, and can be tried again: where it stands, for the page to show.
 *
 * The newest attempt counts. An older one that ends later changes nothing. A second attempt after a
 * failure passes by the browser's cache, which may hold the very answer that was of no use.
 */
import { message, type DownloadOptions } from '../assets/download.ts';

export type Loading =
  | { state: 'loading'; /** from 0 to 1 */ fraction: number }
  | { state: 'ready' }
  | { state: 'failed'; /** one sentence for the person at the page */ message: string };

export class Attempt {
  loading = $state.raw<Loading>({ state: 'loading', fraction: 0 });
  #newest = 0;
  #failed = false;

  /** What `work` brings; `undefined` if it failed, or if a newer attempt or `cancel` came first. */
  async run<Result>(
    work: (options: Required<DownloadOptions>) => Promise<Result>,
  ): Promise<Result | undefined> {
    const mine = (this.#newest += 1);
    const anew = this.#failed;
    this.loading = { state: 'loading', fraction: 0 };
    const onProgress = (fraction: number) => {
      if (mine === this.#newest) this.loading = { state: 'loading', fraction };
    };
    try {
      const result = await work({ onProgress, anew });
      if (mine !== this.#newest) return undefined;
      this.succeed();
      return result;
    } catch (cause) {
      if (mine === this.#newest) this.fail(message(cause));
      return undefined;
    }
  }

  succeed() {
    this.#failed = false;
    this.loading = { state: 'ready' };
  }

  /** Ends the attempt with a sentence, also one that had succeeded. */
  fail(message: string) {
    // No progress is to come after an error: another download may still go on.
    this.#newest += 1;
    this.#failed = true;
    this.loading = { state: 'failed', message };
  }

  cancel() {
    this.#newest += 1;
    this.loading = { state: 'loading', fraction: 0 };
  }
}
