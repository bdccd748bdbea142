/**
 * The networks of this browser: trained or taught here, or read from a file.
 *
 * Each is told from others by the hash of its file and kept in a record of its own. One that could not be
 * kept stays in the list as long as the tab is open, and says so.
 */
import { networkWords } from '../assets/networks.ts';
import { Collection, NOT_KEPT, type Kept } from './collection.ts';
import { forget, restore } from './saved.ts';
import { losesIf } from './unsaved.ts';

/** Where a network came from. */
export type Origin = 'trained' | 'taught' | 'file';

/** A network as it is kept. */
interface NetworkRecord {
  /** The first 16 hexadecimal digits of its file's SHA-256. */
  hash: string;
  /** What the visitor calls it. */
  name: string;
  origin: Origin;
  /** What it was trained on and for, as its file says. */
  dataset: string;
  epsilon: string;
  /** Names of its classes, where they are those of somebody's own images. */
  classes?: string[];
  /** The unpacked file. */
  model: Uint8Array<ArrayBuffer>;
  /** Milliseconds since 1970. */
  savedAt: number;
}

/** A network of the list. */
export interface OwnNetwork extends NetworkRecord {
  /** Why it is gone when the tab is closed; `null` if it is kept. */
  notKept: string | null;
}

/** The longest name. */
export const MOST_LETTERS = 60;

const NOT_YET = 'It is not kept yet.';
const DELETED_ELSEWHERE =
  'Another tab has deleted it. It is here only until this tab is closed; download it, or keep it again.';

const ORIGINS: Record<Origin, string> = {
  trained: 'Trained',
  taught: 'Taught',
  file: 'From a file',
};

const byAge = (list: readonly OwnNetwork[]) => list.toSorted((a, b) => a.savedAt - b.savedAt);

export class OwnNetworks {
  /** The oldest first. */
  list = $state.raw<readonly OwnNetwork[]>([]);
  /** The one that was deleted last, which can be brought back. */
  deleted = $state.raw<OwnNetwork | null>(null);
  #loaded: Promise<void> | null = null;
  readonly #collection = new Collection<NetworkRecord>('network', () => void this.#read());

  constructor() {
    losesIf(() => this.list.some(({ notKept }) => notKept !== null));
  }

  /** Reads what is kept, once. */
  load(): Promise<void> {
    return (this.#loaded ??= this.#takeOver().then(() => this.#read()));
  }

  find(hash: string): OwnNetwork | undefined {
    return this.list.find((network) => network.hash === hash);
  }

  get newest(): OwnNetwork | undefined {
    return this.list.at(-1);
  }

  /** Puts a network on the list, unless it is there, without keeping it. */
  add(
    one: Pick<OwnNetwork, 'hash' | 'origin' | 'dataset' | 'epsilon' | 'model' | 'classes'> & {
      name?: string;
    },
  ) {
    const known = this.find(one.hash);
    if (known) return known;
    const name = this.#free(one.name ?? `${ORIGINS[one.origin]}: ${networkWords(one)}`);
    const added: OwnNetwork = { ...one, name, savedAt: Date.now(), notKept: NOT_YET };
    this.list = [...this.list, added];
    return added;
  }

  /** Keeps a network of the list. */
  async keep(hash: string): Promise<Kept | null> {
    const network = this.find(hash);
    if (!network) return null;
    const { name, origin, dataset, epsilon, model, savedAt } = network;
    const classes = network.classes ? { classes: network.classes } : {};
    const record = { hash, name, origin, dataset, epsilon, model, savedAt, ...classes };
    const kept = await this.#collection.keep(hash, record);
    this.#change(hash, { notKept: kept === 'kept' ? null : NOT_KEPT[kept] });
    return kept;
  }

  /** Gives a network another name; an empty one changes nothing. */
  async rename(hash: string, wanted: string) {
    const network = this.find(hash);
    const name = wanted.trim().replace(/\s+/g, ' ').slice(0, MOST_LETTERS);
    if (!network || name === '' || name === network.name) return;
    this.#change(hash, { name: this.#free(name, hash) });
    if (network.notKept !== NOT_YET) await this.keep(hash);
  }

  /** Takes a network off the list. It can be brought back until the next one is deleted. */
  async remove(hash: string) {
    const network = this.find(hash);
    if (!network) return;
    this.deleted = network;
    this.list = this.list.filter((other) => other !== network);
    if (!(await this.#collection.forget(hash)) && network.notKept === null) {
      // It is still kept, and would come back with the next visit.
      this.list = byAge([...this.list, network]);
      this.deleted = null;
    }
  }

  /** Forgets a network that was never kept, for good. */
  drop(hash: string) {
    this.list = this.list.filter((one) => one.hash !== hash || one.notKept === null);
  }

  /** Brings back what was deleted last. */
  async bringBack() {
    const network = this.deleted;
    if (!network) return;
    this.deleted = null;
    if (this.find(network.hash)) return;
    this.list = byAge([...this.list, network]);
    if (network.notKept === null) await this.keep(network.hash);
  }

  #change(hash: string, change: Partial<OwnNetwork>) {
    this.list = this.list.map((one) => (one.hash === hash ? { ...one, ...change } : one));
  }

  /** The name, with a number behind it where another network has it already. */
  #free(name: string, hash?: string): string {
    const isTaken = (wanted: string) =>
      this.list.some((other) => other.name === wanted && other.hash !== hash);
    let free = name;
    for (let number = 2; isTaken(free); number += 1) free = `${name} (${number})`;
    return free;
  }

  /** Brings the list up to date with what is kept, also by other tabs. */
  async #read() {
    const records = await this.#collection.all();
    if (!records) return;
    const kept = records.map((record): OwnNetwork => {
      const known = this.find(record.hash);
      const isSame = known?.notKept === null && known.name === record.name;
      return isSame ? known : { ...record, notKept: null };
    });
    const isKept = ({ hash }: OwnNetwork) => kept.some((other) => other.hash === hash);
    const others = this.list
      .filter((network) => !isKept(network))
      .map((network) =>
        network.notKept === null ? { ...network, notKept: DELETED_ELSEWHERE } : network,
      );
    this.list = byAge([...kept, ...others]);
  }

  /** Takes over the one network of an earlier build of the page. */
  async #takeOver() {
    const before = await restore('network');
    if (!before) return;
    const name = `${ORIGINS.trained}: ${networkWords(before)}`;
    const record = { ...before, name, origin: 'trained' as const };
    if ((await this.#collection.keep(before.hash, record)) === 'kept') await forget('network');
    else this.list = byAge([...this.list, { ...record, notKept: null }]);
  }
}
