/**
 * What outlives a tab: the checkpoint of the run with its charts. Kept in IndexedDB, one record, replaced
 * as a whole. The images that it learns from, where they are somebody's own, lie beside it, written once
 * and before it, and are forgotten with it. Networks and images of the visitor are kept in the same place;
 * see `collection.ts`.
 *
 * A browser may refuse (private windows, full disks), which must not stop the training: every
 * function says so by its answer, and none throws.
 */
import { createStore, del, delMany, get, keys, set } from 'idb-keyval';
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
  /** What tells the images that it learns from, where they are somebody's own; see `imagesId`. */
  images?: string;
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
}

/** Earlier builds kept the images of a run under this name, whichever run it was. */
const ANY_IMAGES = 'images';
const imagesKey = (id: string | undefined) =>
  id === undefined ? ANY_IMAGES : `${ANY_IMAGES}:${id}`;

/** What tells images of somebody's own from others: the SHA-256 that their description names. */
export const imagesId = ({ description }: OwnImages) =>
  (JSON.parse(description) as { imported: { sha256: string } }).imported.sha256;

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

/** Somebody's own images that a run learns from, or `null` as for `restore`. `id` is what the run says. */
export async function restoreImages(id: string | undefined): Promise<OwnImages | null> {
  try {
    return (await get<OwnImages>(imagesKey(id), store())) ?? null;
  } catch {
    return null;
  }
}

/** Forgets the images of all runs but one. */
async function forgetImages(but: string | undefined) {
  const isGone = (key: IDBValidKey) =>
    key === ANY_IMAGES ||
    (typeof key === 'string' &&
      key.startsWith(`${ANY_IMAGES}:`) &&
      (but === undefined || key !== imagesKey(but)));
  const gone = (await keys(store())).filter(isGone);
  if (gone.length > 0) await delMany(gone, store());
}

/**
 * Whether the run was kept, in the place of the one before. Its images come first, so that no run is kept
 * that others' images lie beside; those of the run before go last.
 */
async function keepRun(run: SavedRun, images: OwnImages | null): Promise<boolean> {
  try {
    if (images && !(await keys(store())).includes(imagesKey(run.images))) {
      // Without room for them the run is of use all the same: their files can be read again.
      await set(imagesKey(run.images), images, store()).catch(() => {});
    }
    await set('run', run, store());
  } catch {
    return false;
  }
  await forgetImages(run.images).catch(() => {});
  return true;
}

/** Whether the run is gone, and with it the images that it learned from. */
export async function forgetRun(): Promise<boolean> {
  if (!(await forget('run'))) return false;
  await forgetImages(undefined).catch(() => {});
  return true;
}

/**
 * Writes one run after the other. Of those that come while one is being written the newest is written
 * next, and the others never: a disk that is slower than the training holds two at most.
 */
export class RunWriter {
  #writing: Promise<void> | null = null;
  #next: {
    run: SavedRun;
    images: OwnImages | null;
    done: (kept: boolean | null) => void;
  } | null = null;

  /**
   * Whether the run was kept; `null` if a newer one took its place before. `images` are those that it
   * learns from, where they are somebody's own.
   */
  keep(run: SavedRun, images: OwnImages | null = null): Promise<boolean | null> {
    return new Promise((done) => {
      this.drop();
      this.#next = {
        run: images ? { ...run, images: imagesId(images) } : run,
        images,
        done,
      };
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
      next.done(await keepRun(next.run, next.images));
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
