/**
 * Which tab keeps its run: the store has a place for one, and two that trained would write over each
 * other's. The browser gives the lock back by itself when a tab is closed.
 */
const NAME = 'linf-dist-net run';

export class TabLock {
  #release: (() => void) | null = null;

  /** Whether this tab is the one, from now on or already. */
  hold(): Promise<boolean> {
    const locks = lockManager();
    if (this.#release || !locks) return Promise.resolve(true);
    return new Promise((resolve) => {
      const held = (lock: Lock | null) => {
        resolve(lock !== null);
        return lock && new Promise<void>((release) => (this.#release = release));
      };
      locks.request(NAME, { ifAvailable: true }, held).catch(() => resolve(true));
    });
  }

  release() {
    this.#release?.();
    this.#release = null;
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
