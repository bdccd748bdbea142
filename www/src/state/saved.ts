/**
 * What outlives a tab: the checkpoint of the run with its charts. Kept in IndexedDB, one record, replaced
 * as a whole. Networks and images of the visitor are kept beside it; see `collection.ts`.
 *
 * A browser may refuse (private windows, full disks), which must not stop the training: every
 * function says so by its answer, and none throws.
 */
import { createStore, del, get, set } from 'idb-keyval';
import type { Metrics, OwnImages, StepPoint, TrainConfig } from '../wasm/types.ts';

/** A run as it was a few seconds ago. */
export interface SavedRun {
  config: TrainConfig;
  iteration: number;
  iterations: number;
  /** Milliseconds since 1970. */
  savedAt: number;
  checkpoint: Uint8Array<ArrayBuffer>;
  steps: StepPoint[];
  metrics: Metrics[];
}

/** The one network that earlier builds of the page kept. */
export interface SavedNetwork {
  model: Uint8Array<ArrayBuffer>;
  /** What tells it from other networks. */
  hash: string;
  /** What it was trained on and for, as its file says. */
  dataset: string;
  epsilon: string;
  /** Names of its classes, where they are those of somebody's own images. */
  classes?: string[];
  /** Milliseconds since 1970. */
  savedAt: number;
}

interface Records {
  run: SavedRun;
  network: SavedNetwork;
  /** The images that a run was begun with, where they are somebody's own. */
  images: OwnImages;
}

/** Opened when it is first used: where there is no IndexedDB, even that may throw. */
let opened: ReturnType<typeof createStore> | null = null;
export const store = () => (opened ??= createStore('linf-dist-net', 'records'));

/** A record as an earlier build of the page may have written it, brought to today's names. */
export function upgrade<Name extends keyof Records>(
  name: Name,
  record: Records[Name],
): Records[Name] {
  if (name !== 'run') return record;
  const { metrics, ...run } = record as SavedRun;
  type Old = Metrics & { certifiedInterval?: number };
  const renamed = metrics.map(({ certifiedInterval, ...rest }: Old) => ({
    ...rest,
    certifiedIbp: rest.certifiedIbp ?? certifiedInterval ?? 0,
  }));
  return { ...run, metrics: renamed } as Records[Name];
}

/** The record, or `null` where there is none or the browser keeps nothing. */
export async function restore<Name extends keyof Records>(
  name: Name,
): Promise<Records[Name] | null> {
  try {
    const record = await get<Records[Name]>(name, store());
    return record ? upgrade(name, record) : null;
  } catch {
    return null;
  }
}

/** Whether the record was kept. */
export async function keep<Name extends keyof Records>(
  name: Name,
  record: Records[Name],
): Promise<boolean> {
  try {
    await set(name, record, store());
    return true;
  } catch {
    return false;
  }
}

/**
 * Writes one run after the other. Of those that come while one is being written the newest is written
 * next, and the others never: a disk that is slower than the training holds two at most.
 */
export class RunWriter {
  #writing: Promise<void> | null = null;
  #next: { run: SavedRun; done: (kept: boolean | null) => void } | null = null;

  /** Whether the run was kept; `null` if a newer one took its place before. */
  keep(run: SavedRun): Promise<boolean | null> {
    return new Promise((done) => {
      this.drop();
      this.#next = { run, done };
      this.#writing ??= this.#write();
    });
  }

  /** Forgets the run that waits to be written. */
  drop() {
    this.#next?.done(null);
    this.#next = null;
  }

  /** Waits until nothing is left to be written. */
  async idle() {
    await this.#writing;
  }

  async #write() {
    for (let next = this.#next; next; next = this.#next) {
      this.#next = null;
      next.done(await keep('run', next.run));
    }
    this.#writing = null;
  }
}

/** Whether the record is gone. */
export async function forget(name: keyof Records): Promise<boolean> {
  try {
    await del(name, store());
    return true;
  } catch {
    return false;
  }
}
