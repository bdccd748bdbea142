/**
 * Things of one kind that outlive a tab, each in a record of its own: two tabs never overwrite each other's.
 *
 * A browser may refuse (private windows, full disks). Nothing here throws: an answer says what came of it,
 * and whoever asked keeps what it has.
 */
import { delMany, getMany, keys, setMany } from 'idb-keyval';
import { store } from './saved.ts';

/** What came of keeping something: `full` where there is no room for it, `refused` for any other reason. */
export type Kept = 'kept' | 'full' | 'refused';

/** The sentence for whoever wanted something kept. */
export const NOT_KEPT: Record<Exclude<Kept, 'kept'>, string> = {
  full:
    'There is no more room in this browser’s storage, so it is here only until this tab is closed. ' +
    'Download it, or delete something and try again.',
  refused:
    'This browser keeps nothing (a private window?), so it is here only until this tab is closed. ' +
    'Download what you want to keep.',
};

const isFull = (cause: unknown) => cause instanceof Error && cause.name === 'QuotaExceededError';

export class Collection<Item> {
  readonly #prefix: string;
  readonly #channel: BroadcastChannel | null;

  /** `onElsewhere` is called when another tab has changed something. */
  constructor(kind: string, onElsewhere: () => void) {
    this.#prefix = `${kind}:`;
    this.#channel =
      typeof BroadcastChannel === 'function' ? new BroadcastChannel(`linf-dist-net ${kind}`) : null;
    this.#channel?.addEventListener('message', onElsewhere);
  }

  /** All that is kept; `null` where the browser does not say. */
  async all(): Promise<readonly Item[] | null> {
    try {
      const all = (await keys(store())).filter(
        (key): key is string => typeof key === 'string' && key.startsWith(this.#prefix),
      );
      const items = await getMany<Item | undefined>(all, store());
      return items.filter((item) => item !== undefined);
    } catch {
      return null;
    }
  }

  keep(id: string, item: Item): Promise<Kept> {
    return this.keepAll([[id, item]]);
  }

  /** Keeps many in one transaction: all of them, or none. */
  async keepAll(items: readonly (readonly [id: string, item: Item])[]): Promise<Kept> {
    if (items.length === 0) return 'kept';
    try {
      await setMany(
        items.map(([id, item]) => [this.#prefix + id, item]),
        store(),
      );
    } catch (cause) {
      return isFull(cause) ? 'full' : 'refused';
    }
    this.#channel?.postMessage(null);
    return 'kept';
  }

  /** Whether it is gone. */
  forget(id: string): Promise<boolean> {
    return this.forgetAll([id]);
  }

  /** Whether all are gone, in one transaction. */
  async forgetAll(ids: readonly string[]): Promise<boolean> {
    if (ids.length === 0) return true;
    try {
      await delMany(
        ids.map((id) => this.#prefix + id),
        store(),
      );
    } catch {
      return false;
    }
    this.#channel?.postMessage(null);
    return true;
  }
}
