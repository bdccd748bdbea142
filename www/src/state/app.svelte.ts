/**
 * The state of the page: a store per concern, and what a link says of all of them.
 *
 * It outlives a view: what was drawn in one is attacked in another.
 */
import { DEFAULT_NETWORK, ownName } from '../assets/networks.ts';
import { message } from '../assets/download.ts';
import { DEFAULTS, readLink, writeLink, type LinkState, type View } from '../codec/link.ts';
import { encodeStrokes } from '../codec/strokes.ts';
import { NOTICES } from '../copy.ts';
import { AttackStore } from './attack.svelte.ts';
import { EpsilonStore } from './epsilon.svelte.ts';
import { ImageStore } from './image.svelte.ts';
import { NetworkStore } from './network.svelte.ts';

export class AppState {
  view = $state<View>(DEFAULTS.view);
  /** Why something else is there than a link asked for. */
  notice = $state<string | null>(null);
  readonly network = new NetworkStore(() => void this.#takeShipped());
  readonly image = new ImageStore(
    this.network,
    (index) => (this.notice = NOTICES.testImageMissing(index)),
  );
  readonly epsilon = new EpsilonStore(this.network);
  readonly attack = new AttackStore(() => this.#subject);
  /** A preset and the hyperparameters that differ from it; see `codec/hyperparameters.ts`. */
  train = $state<string | null>(DEFAULTS.train);
  lesson = $state.raw(DEFAULTS.lesson);
  play = $state.raw(DEFAULTS.play);
  measurement = $state.raw(DEFAULTS.measurement);

  #started = false;
  /** Counts the links that were followed. */
  #openings = 0;

  /** What a link to this state says. */
  get link(): LinkState {
    return {
      view: this.view,
      network: this.network.named,
      epsilon: this.epsilon.asked,
      baseline: this.attack.baseline,
      seed: this.attack.seed,
      compute: this.attack.compute,
      ...this.image.linked,
      result: this.attack.result,
      train: this.train,
      lesson: this.lesson,
      play: this.play,
      measurement: this.measurement,
    };
  }

  /** All that the result of an attack depends on. */
  get #subject(): string {
    const { picked, strokes } = this.image.drawing;
    const image =
      picked?.index ??
      picked?.pixels.join() ??
      (encodeStrokes(strokes) || this.image.linked.testImage);
    const { baseline, seed } = this.attack;
    return JSON.stringify([this.network.named, this.epsilon.asked, baseline, seed, image]);
  }

  /** Takes the state of the link that the page was opened with, and loads what it needs. */
  async start(hash: string) {
    await this.open(hash);
    this.#started = true;
    await this.#load();
    // The chooser offers them once there is time.
    await this.network.own.load();
  }

  /** Runs on another network from now on, at the ε that it is for. */
  choose = async (name: string) => {
    if (name === this.network.chosen) return;
    this.notice = null;
    await this.#switch(() => this.network.choose(name));
  };

  /** Runs on a network that was trained here, and keeps it. Says what went wrong, if anything did. */
  async adopt(model: Uint8Array<ArrayBuffer>): Promise<string | null> {
    try {
      const { hash } = await this.network.take(model, 'trained');
      await this.network.own.keep(hash);
      await this.choose(ownName(hash));
      return this.network.own.find(hash)?.notKept ?? null;
    } catch (cause) {
      return message(cause);
    }
  }

  /** Runs on another network for the same images at the same ε, to see what it makes of them. */
  async tryOut(name: string) {
    if (name === this.network.chosen) return;
    this.notice = null;
    const { asked } = this.epsilon;
    const tried = this.#switch(() => this.network.choose(name));
    this.epsilon.asked = asked;
    await tried;
  }

  /** Takes the state of a link. One for another view of this very state only changes the view. */
  async open(hash: string) {
    const opening = (this.#openings += 1);
    const { state, unreadable } = await readLink(hash);
    const isSame =
      (await writeLink(state)) === (await writeLink({ ...this.link, view: state.view }));
    // Another link has been followed meanwhile.
    if (opening !== this.#openings) return;
    this.notice = unreadable.length > 0 ? NOTICES.unreadable(unreadable) : null;
    this.view = state.view;
    if (isSame && unreadable.length === 0) return;

    const { chosen, about } = this.network;
    if (!this.network.chooseNamed(state.network)) {
      this.notice = NOTICES.networkMissing(state.network ?? '');
    }
    if (this.network.about.dataset !== about.dataset) this.image.forgetLabelled();
    this.epsilon.asked = state.epsilon;
    this.attack.baseline = state.baseline;
    this.attack.seed = state.seed;
    this.attack.compute = state.compute;
    this.train = state.train;
    this.lesson = state.lesson;
    this.play = state.play;
    this.measurement = state.measurement;
    this.image.show(state);
    // It is of all the rest.
    this.attack.result = state.result;
    if (this.#started && chosen !== this.network.chosen) void this.#load();
  }

  async #switch(choose: () => void) {
    const { dataset } = this.network.about;
    choose();
    this.epsilon.asked = null;
    if (this.network.about.dataset !== dataset) this.image.forgetLabelled();
    await this.#load();
  }

  async #load() {
    // The data set of a network of this browser is known once it is there.
    await this.network.findOwn();
    await Promise.all([this.network.load(), this.image.loadTestImages()]);
  }

  /** The own network that a link asked for is not here. */
  async #takeShipped() {
    const { asked } = this.epsilon;
    const taken = this.#switch(() => this.network.choose(DEFAULT_NETWORK));
    // The link's own ε is for this network as well.
    this.epsilon.asked = asked;
    await taken;
    this.notice = NOTICES.ownNetworkMissing;
  }
}
