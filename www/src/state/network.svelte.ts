/** The network in use: the choice among those that the page has, and its loading. */
import { datasetWords } from '../assets/datasets.ts';
import { digestOf } from '../assets/digest.ts';
import type { DownloadOptions } from '../assets/download.ts';
import { DEFAULT_NETWORK, OWN, SHIPPED, networkWords, ownName } from '../assets/networks.ts';
import { SIDE } from '../assets/pixels.ts';
import { openNetwork, readNetwork, sha256, startModule, type Network } from '../wasm/certify.ts';
import { Attempt } from './attempt.svelte.ts';
import { OwnNetworks, type Origin, type OwnNetwork } from './own-networks.svelte.ts';

/** The first 16 hexadecimal digits of a SHA-256. */
export async function fileHash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  await startModule();
  return (await digestOf(bytes, sha256)).slice(0, 16);
}

/** What a network is for, as the file of one says. */
interface About {
  dataset: string;
  epsilon: string;
  classes?: string[];
}

/** A network of this browser, as far as running and measuring it needs. */
export type UsableNetwork = Pick<
  OwnNetwork,
  'hash' | 'name' | 'dataset' | 'epsilon' | 'model' | 'classes'
>;

const aboutOf = ({ info }: Network): About => ({
  dataset: info.dataset,
  epsilon: info.epsilon,
  classes: info.classNames,
});

export class NetworkStore {
  /** Name of the network that is in use, or on its way. */
  chosen = $state(DEFAULT_NETWORK);
  /** The chosen network; `null` until it has come. It is never another than the chosen one. */
  current = $state.raw<Network | null>(null);
  /** The networks of this browser. */
  readonly own = new OwnNetworks();
  readonly #attempt = new Attempt();
  /** The networks that have been opened, by their names. */
  readonly #opened: Record<string, Network | undefined> = {};
  readonly #onMissing: () => void;

  /** Data set and ε of the network that answers; of one on its way, what is known of it. */
  readonly about = $derived.by((): About => {
    // One that was deleted goes on answering, and its labels are of its own classes.
    if (this.current) return aboutOf(this.current);
    const known = this.chosenOwn ?? SHIPPED.get(this.chosen) ?? SHIPPED.get(DEFAULT_NETWORK);
    return known ?? { dataset: 'mnist', epsilon: '0.3' };
  });
  /** What its images and classes are called. */
  readonly words = $derived(datasetWords(this.about.dataset, this.about.classes));

  /** `onMissing` is told when the own network that a link asked for is not there. */
  constructor(onMissing: () => void) {
    this.#onMissing = onMissing;
  }

  get loading() {
    return this.#attempt.loading;
  }

  /** The chosen network, if it is one of this browser. */
  get chosenOwn(): OwnNetwork | undefined {
    return this.own.list.find(({ hash }) => ownName(hash) === this.chosen);
  }

  /** The networks of this browser that answer: those of the list, and one deleted while it is in use. */
  readonly usable = $derived.by((): readonly UsableNetwork[] => {
    const { current } = this;
    if (!current || this.chosen !== ownName(current.hash) || this.chosenOwn) return this.own.list;
    const { deleted } = this.own;
    const name = deleted?.hash === current.hash ? deleted.name : networkWords(this.about);
    const { hash, bytes: model } = current;
    return [...this.own.list, { ...this.about, hash, name: `${name} (deleted)`, model }];
  });

  /** The network as a link names it; `null` for the default. */
  get named(): string | null {
    return this.chosen === DEFAULT_NETWORK ? null : this.chosen;
  }

  /** Chooses the network of a link, without loading it. Says whether the page has it. */
  chooseNamed(named: string | null): boolean {
    const name = named ?? DEFAULT_NETWORK;
    const isKnown = OWN.test(name) || SHIPPED.has(name);
    this.choose(isKnown ? name : DEFAULT_NETWORK);
    return isKnown;
  }

  /** Chooses a network of the list, without loading it. */
  choose(name: string) {
    if (name === this.chosen) return;
    // Neither the one before nor one that is still on its way answers under the name of this one.
    this.#attempt.cancel();
    this.chosen = name;
    this.current = this.#opened[name] ?? null;
  }

  /** Loads the chosen network, unless it is there. */
  load = async () => {
    const { chosen } = this;
    const known = this.#opened[chosen];
    this.current = known ?? null;
    if (known) {
      this.#attempt.cancel();
      this.#attempt.succeed();
      return;
    }
    const network = await this.#attempt.run((options) =>
      OWN.test(chosen) ? this.#openOwn() : this.#openShipped(chosen, options),
    );
    // Undefined: it failed, or another one was chosen meanwhile. Null: it is not kept here.
    if (network) this.current = network;
    else if (network === null) this.#onMissing();
  };

  /**
   * Reads the file of a network, and puts it on the list of this browser's; says which it is. Throws an
   * error whose message is fit to be shown.
   */
  async take(model: Uint8Array<ArrayBuffer>, origin: Origin, name?: string): Promise<OwnNetwork> {
    const hash = await fileHash(model);
    const network = this.opened(hash) ?? readNetwork(model, hash);
    const { dataset, epsilon, architecture, classNames } = network.info;
    if (architecture[0] !== SIDE * SIDE) {
      network.free();
      throw new Error(
        `This page shows images of ${SIDE}×${SIDE} pixels; the network takes ${architecture[0]} inputs.`,
      );
    }
    await this.own.load();
    this.#opened[ownName(hash)] = network;
    const named = name === undefined ? {} : { name };
    return this.own.add({
      hash,
      origin,
      dataset,
      epsilon,
      model,
      classes: classNames,
      ...named,
    });
  }

  /** A network of this browser that has been read. */
  opened(hash: string): Network | undefined {
    return this.#opened[ownName(hash)];
  }

  /** Forgets a network of this browser that was never kept, for good; not the chosen one. */
  drop(hash: string) {
    const name = ownName(hash);
    if (this.chosen === name || this.own.find(hash)?.notKept === null) return;
    this.own.drop(hash);
    this.#opened[name]?.free();
    this.#opened[name] = undefined;
  }

  async #openShipped(name: string, options: DownloadOptions): Promise<Network> {
    const file = SHIPPED.get(name);
    if (!file) throw new Error(`This page was built without the network ${name}.`);
    return (this.#opened[name] = await openNetwork(file, options));
  }

  /** Looks for the chosen network, if it is one of this browser; a link may ask for whichever there is. */
  async findOwn() {
    const asked = this.chosen;
    if (!OWN.test(asked)) return;
    await this.own.load();
    const { newest } = this.own;
    if (asked === this.chosen && asked === 'own' && newest) this.chosen = ownName(newest.hash);
  }

  /** The chosen network of this browser; `null` if it is not kept. */
  async #openOwn(): Promise<Network | null> {
    const own = this.chosenOwn;
    if (!own) return null;
    await startModule();
    return (this.#opened[ownName(own.hash)] = readNetwork(own.model, own.hash));
  }
}
