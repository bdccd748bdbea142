/** The network in use: the choice among those that the page has, and its loading. */
import { datasetWords } from '../assets/datasets.ts';
import { message, type DownloadOptions } from '../assets/download.ts';
import { DEFAULT_NETWORK, OWN, SHIPPED } from '../assets/networks.ts';
import { openNetwork, readNetwork, startModule, type Network } from '../wasm/certify.ts';
import { Attempt } from './attempt.svelte.ts';
import { keep, restore, type SavedNetwork } from './saved.ts';

/** The first 16 hexadecimal digits of a SHA-256; random ones where the browser computes none. */
async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const first = crypto.subtle
    ? new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)).subarray(0, 8)
    : crypto.getRandomValues(new Uint8Array(8));
  return Array.from(first, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class NetworkStore {
  /** Name of the network that is in use, or on its way. */
  chosen = $state(DEFAULT_NETWORK);
  current = $state.raw<Network | null>(null);
  /** The network that was trained in this browser, if there is one. */
  own = $state.raw<Omit<SavedNetwork, 'savedAt'> | null>(null);
  /** The hash of the own network that a link asked for, if it named one. */
  #ownWanted = $state<string | null>(null);
  readonly #attempt = new Attempt();
  /** The networks that have been opened, by their names. */
  readonly #opened: Record<string, Network> = {};
  readonly #onMissing: () => void;

  /** Data set and ε of the chosen network, known before it has come. */
  readonly about = $derived.by((): { dataset: string; epsilon: string; classes?: string[] } => {
    const shipped = SHIPPED.get(DEFAULT_NETWORK) ?? { dataset: 'mnist', epsilon: '0.3' };
    return (this.chosen === OWN ? this.own : SHIPPED.get(this.chosen)) ?? shipped;
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

  /** The network as a link names it; `null` for the default. */
  get named(): string | null {
    if (this.chosen === DEFAULT_NETWORK) return null;
    if (this.chosen !== OWN) return this.chosen;
    const hash = this.own?.hash ?? this.#ownWanted;
    return hash ? `${OWN}-${hash}` : OWN;
  }

  /** Chooses the network of a link, without loading it. Says whether the page has it. */
  chooseNamed(named: string | null): boolean {
    const name = named ?? DEFAULT_NETWORK;
    const own = /^own(?:-([0-9a-f]{16}))?$/.exec(name);
    const isKnown = own !== null || SHIPPED.has(name);
    this.#ownWanted = own?.[1] ?? null;
    this.chosen = own ? OWN : isKnown ? name : DEFAULT_NETWORK;
    return isKnown;
  }

  /** Chooses a network of the list, without loading it. */
  choose(name: string) {
    if (name !== OWN) this.#ownWanted = null;
    this.chosen = name;
  }

  /** Loads the chosen network, unless it is there. */
  load = async () => {
    const { chosen } = this;
    const known = this.#opened[chosen];
    if (known && chosen === OWN && !this.#isAskedFor(known.hash)) {
      this.#onMissing();
      return;
    }
    this.current = known ?? null;
    if (known) {
      this.#attempt.cancel();
      this.#attempt.succeed();
      return;
    }
    const network = await this.#attempt.run((options) =>
      chosen === OWN ? this.#openOwn() : this.#openShipped(chosen, options),
    );
    // Undefined: it failed, or another one was chosen meanwhile. Null: it is not kept here.
    if (network) this.current = network;
    else if (network === null) this.#onMissing();
  };

  /** Offers the network that is kept from an earlier visit. */
  async offerOwn() {
    this.own ??= await restore('network');
  }

  /** Lets the page run on a trained network, and keeps it. Says what went wrong, if anything did. */
  async adopt(model: Uint8Array<ArrayBuffer>): Promise<{ error: string } | { kept: boolean }> {
    const hash = await digest(model);
    let network: Network;
    try {
      await startModule();
      network = readNetwork(model, hash);
    } catch (cause) {
      return { error: message(cause) };
    }
    const { dataset, epsilon, classNames } = network.info;
    const own = { model, hash, dataset, epsilon, classes: classNames };
    this.own = own;
    this.#ownWanted = null;
    this.#opened[OWN] = network;
    return { kept: await keep('network', { ...own, savedAt: Date.now() }) };
  }

  async #openShipped(name: string, options: DownloadOptions): Promise<Network> {
    const file = SHIPPED.get(name);
    if (!file) throw new Error(`This page was built without the network ${name}.`);
    return (this.#opened[name] = await openNetwork(file, options));
  }

  /** The network that was trained here; `null` if the one that is asked for is not kept. */
  async #openOwn(): Promise<Network | null> {
    await this.offerOwn();
    if (!this.own || !this.#isAskedFor(this.own.hash)) return null;
    await startModule();
    return (this.#opened[OWN] = readNetwork(this.own.model, this.own.hash));
  }

  /** Whether this is the own network that the link asked for, if it asked for a certain one. */
  #isAskedFor(hash: string): boolean {
    return this.#ownWanted === null || this.#ownWanted === hash;
  }
}
