/** How many frames a second are drawn, as a number that one can read. */

/** Frames are counted over so long, and the number is held for so long. */
const OVER_MS = 1_000;
const HOLD_MS = 500;

export class FrameRate {
  /** When frames were drawn: those of the last second, and the one before the last in any case. */
  #drawn: number[] = [];
  #told = -Infinity;
  #rate: number | null = null;

  /** Counts a frame that is drawn now, in milliseconds. Says the rate; `null` before there are two. */
  count(now: number): number | null {
    const last = this.#drawn.length - 1;
    const kept = this.#drawn.filter((at, index) => index === last || now - at <= OVER_MS);
    this.#drawn = [...kept, now];
    const [first = now] = kept;
    if (now > first && (this.#rate === null || now - this.#told >= HOLD_MS)) {
      this.#rate = (1000 * kept.length) / (now - first);
      this.#told = now;
    }
    return this.#rate;
  }
}
