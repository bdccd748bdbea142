/** Keeps the screen on while training: a machine that sleeps does not train. */
export class WakeLock {
  #wanted = false;
  #lock: WakeLockSentinel | null = null;

  constructor() {
    // The browser takes the lock away whenever the tab is hidden.
    document.addEventListener('visibilitychange', () => void this.#take());
  }

  hold() {
    this.#wanted = true;
    void this.#take();
  }

  release() {
    this.#wanted = false;
    void this.#lock?.release();
    this.#lock = null;
  }

  async #take() {
    if (!this.#wanted || document.visibilityState !== 'visible') return;
    try {
      // Not every browser has it, and a low battery refuses it: training goes on without.
      const lock = await navigator.wakeLock.request('screen');
      if (this.#wanted) this.#lock = lock;
      else await lock.release();
    } catch {
      this.#lock = null;
    }
  }
}
