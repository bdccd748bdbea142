/** ε, by how much every pixel may change. */
import { firstEpsilon } from '../assets/networks.ts';
import type { NetworkStore } from './network.svelte.ts';

export class EpsilonStore {
  readonly #network: NetworkStore;
  /** The ε that somebody asked for; `null` for the one that the network is for. */
  asked = $state<number | null>(null);

  constructor(network: NetworkStore) {
    this.#network = network;
  }

  /** In pixel levels, a whole number. */
  get levels(): number {
    return this.asked ?? firstEpsilon(this.#network.about.epsilon);
  }
  set levels(levels: number) {
    this.asked = levels === firstEpsilon(this.#network.about.epsilon) ? null : levels;
  }
}
