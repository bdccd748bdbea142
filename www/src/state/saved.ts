/**
 * What outlives a tab: the checkpoint of the run, with its charts, and the network that was taken
 * from one. Kept in IndexedDB, one record each, replaced as a whole.
 *
 * A browser may refuse (private windows, full disks), which must not stop the training: every
 * function says so by its answer, and none throws.
 */
import type { Metrics, StepPoint, TrainConfig } from '../../../pkg/train/train.js';

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

/** The network that was trained here, which the page can run on. */
export interface SavedNetwork {
  model: Uint8Array<ArrayBuffer>;
  /** What tells it from other networks. */
  hash: string;
  /** What it was trained on and for, as its file says. */
  dataset: string;
  epsilon: string;
  /** Milliseconds since 1970. */
  savedAt: number;
}

interface Records {
  run: SavedRun;
  network: SavedNetwork;
}

const DATABASE = 'linf-dist-net';
const STORE = 'records';

function opened(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('the database does not open'));
    request.onblocked = () => reject(new Error('another tab holds the database'));
  });
}

async function within<Result>(
  mode: IDBTransactionMode,
  act: (store: IDBObjectStore) => IDBRequest<Result>,
): Promise<Result> {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      // The default waits for the disk no longer than needed to survive a crash of the tab.
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error ?? new Error('refused'));
    });
  } finally {
    database.close();
  }
}

/** The record, or `null` where there is none or the browser keeps nothing. */
export async function restore<Name extends keyof Records>(
  name: Name,
): Promise<Records[Name] | null> {
  try {
    return (
      (await within<Records[Name] | undefined>('readonly', (store) => store.get(name))) ?? null
    );
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
    await within('readwrite', (store) => store.put(record, name));
    return true;
  } catch {
    return false;
  }
}

/** Whether the record is gone. */
export async function forget(name: keyof Records): Promise<boolean> {
  try {
    await within('readwrite', (store) => store.delete(name));
    return true;
  } catch {
    return false;
  }
}
