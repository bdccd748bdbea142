/**
 * Decides which tab keeps its run. The store has a place for one; two tabs would overwrite each other.
 * The browser releases the lock when a tab is closed.
 */
const NAME = 'linf-dist-net run';

export class TabLock {
  #held: Promise<boolean> | null = null;
  #release: (() => void) | null = null;

  /** Whether this tab is the one. */
  get isHeld(): boolean {
    return this.#release !== null;
  }

  /** Whether this tab is the one, from now on or already. */
  hold(): Promise<boolean> {
    this.#held ??= this.#ask();
    return this.#held;
  }

  release() {
    const held = this.#held;
    this.#held = null;
    // What was asked for is given back also where it has not come yet.
    void held?.then(() => {
      this.#release?.();
      this.#release = null;
    });
  }

  #ask(): Promise<boolean> {
    const locks = lockManager();
    if (!locks) return Promise.resolve(true);
    return new Promise((resolve) => {
      const held = (lock: Lock | null) => {
        resolve(lock !== null);
        if (lock) return new Promise<void>((release) => (this.#release = release));
        // The other tab may be closed by the next time.
        this.#held = null;
        return undefined;
      };
      locks.request(NAME, { ifAvailable: true }, held).catch(() => resolve(true));
    });
  }
}

/** Whether another tab keeps a run. */
export async function isHeldElsewhere(): Promise<boolean> {
  const state = await lockManager()?.query();
  return state?.held?.some(({ name }) => name === NAME) ?? false;
}

/** Pages that did not come over a secure connection have none. */
function lockManager(): LockManager | undefined {
  return navigator.locks as LockManager | undefined;
}
