/**
 * The view *Attack* without its looks: two networks, the attack on them, and the link to its result.
 *
 * A result is about one image, one ε, one seed and two networks. `follow` is told when any of them
 * changes, and `#settle` when a network has answered or failed; everything else is a button.
 */
import { untrack } from 'svelte';
import { FULL, isSecure } from '../../copy.ts';
import type { Pixels } from '../../assets/pixels.ts';
import { ATTACK_NAMES, runsOnGpu } from '../../assets/attacks.ts';
import { writeLink, type BaselineName } from '../../codec/link.ts';
import { packResult, unpackResult, type Found, type Result } from '../../codec/result.ts';
import type { AppState } from '../../state/app.svelte.ts';
import { findAdapter, type Adapter } from '../../wasm/adapter.ts';
import { fetchProgram, isBuilt } from '../../wasm/programs.ts';
import type { Network } from '../../wasm/certify.ts';
import BaselineWorker from '../../workers/baseline.worker.ts?worker';
import CertifyWorker from '../../workers/certify.worker.ts?worker';
import type { AttackName } from '../../workers/attack-protocol.ts';
import { fetchBaseline } from './baseline-files.ts';
import { AttackClient } from './client.svelte.ts';
import { LINK_NOTES } from './copy.ts';

/** Why our network stands alone. */
export type Alone = 'building' | 'other data set' | null;

interface Subject {
  network: Network | null;
  /** `null` where there is no baseline to compare with. */
  baseline: BaselineName | null;
  image: Pixels | undefined;
  epsilon: number;
  seed: number;
}

const NOTHING: Subject = {
  network: null,
  baseline: null,
  image: undefined,
  epsilon: -1,
  seed: -1,
};

export class AttackSession {
  readonly ours: AttackClient;
  readonly theirs: AttackClient;
  painting = $state(false);
  /** The attack that was ordered last, on the image as it is. */
  ordered = $state.raw<AttackName | 'paint' | null>(null);
  /** What there is to say about a link that was opened or written. */
  note = $state.raw<{ text: string; isBad: boolean } | null>(null);

  /** The GPU of this browser; `null` where there is none, `undefined` until that is known. */
  adapter = $state.raw<Adapter | null | undefined>(undefined);

  readonly #app: AppState;
  #subject = NOTHING;
  /** What the baseline was loaded for. */
  #loadedFor: string | null = null;
  /** The packed result on display, or that was refused. */
  #known: string | null = null;
  /** What is painted, and painted again where a network has come anew. */
  #painted: Pixels | null = null;

  readonly alone = $derived.by((): Alone => {
    // The baselines know digits only: on other images their labels would mean nothing.
    if (this.#app.network.about.dataset !== 'mnist') return 'other data set';
    return isBuilt('baseline') ? null : 'building';
  });
  readonly both = $derived.by(() => (this.alone ? [this.ours] : [this.ours, this.theirs]));
  readonly running = $derived.by(() => this.both.some(({ run }) => run?.state === 'running'));
  /** Whether everything is there that a result is about. */
  readonly complete = $derived.by(() => this.both.every((one) => one.of(this.image)));
  /** One that does not load keeps nobody from attacking the other. */
  readonly ready = $derived.by(
    () =>
      this.both.some((one) => one.of(this.image)) &&
      this.both.every((one) => one.of(this.image) || one.loading.state === 'failed'),
  );

  constructor(app: AppState) {
    this.#app = app;
    if (isBuilt('gpu')) void findAdapter().then((adapter) => (this.adapter = adapter));
    const settle = () => this.#settle();
    this.ours = new AttackClient(
      () => new CertifyWorker(),
      async (options) => {
        const network = app.network.current;
        if (!network) throw new Error('The network has not come yet.');
        const program = await fetchProgram('certify', options);
        return { model: network.bytes, hash: network.hash, scale: network.info.scale, program };
      },
      settle,
    );
    this.theirs = new AttackClient(
      () => new BaselineWorker(),
      (options) =>
        fetchBaseline(app.attack.baseline, app.network.current?.info.scale ?? 1, options),
      settle,
    );
  }

  get image(): Pixels | undefined {
    return this.#app.image.pixels;
  }

  /** Takes note of what the attack is about now. */
  follow() {
    const { network, image, epsilon, attack } = this.#app;
    const subject = {
      network: network.current,
      baseline: this.alone ? null : attack.baseline,
      image: image.pixels,
      epsilon: epsilon.levels,
      seed: attack.seed,
    };
    void attack.result;
    untrack(() => this.#follow(subject));
  }

  #follow(next: Subject) {
    const before = this.#subject;
    this.#subject = next;
    const { network, baseline, image, epsilon } = next;
    if (network !== before.network) {
      // While another one is on its way, nothing is said of the one before.
      if (network) void this.ours.load();
      else this.ours.close();
    }
    if (network) this.#loadBaseline(baseline, network.info.scale);
    if (image && (image !== before.image || epsilon !== before.epsilon)) {
      this.ours.inspect(image, epsilon);
      this.theirs.inspect(image, epsilon);
    }
    const keys = Object.keys(next) as (keyof Subject)[];
    if (keys.some((key) => next[key] !== before[key])) this.#drop();
    this.#showLinked();
  }

  #loadBaseline(baseline: BaselineName | null, scale: number) {
    const wanted = baseline && `${baseline} ${scale}`;
    if (wanted === this.#loadedFor) return;
    this.#loadedFor = wanted;
    if (wanted) void this.theirs.load();
    else this.theirs.close();
  }

  /** A result is gone once it is about something else. */
  #drop() {
    if (this.painting) return;
    this.both.forEach((one) => one.clear());
    this.ordered = null;
    // Unless it is one that a link has just brought, with all it is about.
    const { result } = this.#app.attack;
    if (this.#known !== null && (result ?? this.#known) === this.#known) this.#forget();
  }

  /** A network has said what it makes of the image, or that it will not. */
  #settle() {
    if (this.painting && this.ready) this.#evaluate();
    this.#showLinked();
  }

  /** A link's result is shown once all it is about has come. */
  #showLinked() {
    const { result } = this.#app.attack;
    if (result !== null && result !== this.#known && this.complete) void this.#show(result);
  }

  start(attack: AttackName) {
    const { image } = this;
    if (!image) return;
    this.#forget();
    this.painting = false;
    this.ordered = attack;
    // The smallest flip is looked for wherever it is.
    const epsilonLevels = attack === 'min_norm' ? FULL : this.#app.epsilon.levels;
    for (const one of this.both) {
      // In a tie there is no label to attack.
      if (one.of(image)?.label == null) continue;
      const order = { image, attack, epsilonLevels, seed: this.#app.attack.seed };
      const onGpu = one === this.ours && this.runsOnGpu(attack);
      one.start(order, onGpu ? () => fetchProgram('gpu', {}) : null);
    }
  }

  /** Whether an attack on our network runs on the GPU. A program in its place is never taken unasked. */
  runsOnGpu(attack: AttackName): boolean {
    if (!this.adapter || !runsOnGpu(attack)) return false;
    const { compute } = this.#app.attack;
    return compute === 'gpu' || (compute === 'auto' && !this.adapter.software);
  }

  stop() {
    this.both.forEach((one) => one.stop());
  }

  close() {
    this.ours.close();
    this.theirs.close();
  }

  togglePaint() {
    this.both.forEach((one) => one.clear());
    this.#forget();
    this.ordered = this.#painted = null;
    this.painting = !this.painting;
  }

  /** Has the networks evaluate what is painted; `null` where nothing is. */
  paint(painted: Pixels | null) {
    this.#painted = painted;
    if (this.painting && this.ready) this.#evaluate();
  }

  #evaluate() {
    const { image } = this;
    const painted = this.#painted;
    this.#forget();
    this.ordered = painted && 'paint';
    for (const one of this.both) {
      if (painted && image && one.of(image)?.label != null) {
        one.paint(image, painted, this.#app.epsilon.levels);
      } else {
        one.clear();
      }
    }
  }

  /** Puts the result into the address and, where the browser allows it, into the clipboard. */
  async share() {
    const { image, ordered } = this;
    if (!image || !ordered || !this.both.every(({ hash }) => hash)) return;
    this.stop();
    const { attack, epsilon } = this.#app;
    const { alone, ours, theirs } = this;
    const result: Result = {
      // Where ours stands alone, the other has no name.
      models: [ours.hash ?? '', alone ? '' : (theirs.hash ?? '')],
      epsilon: epsilon.levels,
      attack: ordered,
      seed: attack.seed,
      found: [found(ours), alone ? null : found(theirs)],
    };
    this.#known = await packResult(result, image);
    attack.result = this.#known;
    const link = `${location.href.replace(/#.*/, '')}#${await writeLink(this.#app.link)}`;
    try {
      await navigator.clipboard.writeText(link);
      this.note = { text: LINK_NOTES.copied, isBad: false };
    } catch {
      this.note = {
        text: isSecure() ? LINK_NOTES.notCopied : LINK_NOTES.insecure,
        isBad: false,
      };
    }
  }

  /** Evaluates what a link brought. */
  async #show(text: string) {
    this.#known = text;
    const { image, both } = this;
    if (!image) return;
    const result = await unpackResult(text, image, ATTACK_NAMES);
    const refuse = (text: string) => (this.note = { text, isBad: true });
    if (!result) {
      refuse(LINK_NOTES.damaged);
      return;
    }
    const unknown = result.models.find((hash, side) => hash !== (both[side]?.hash ?? ''));
    if (unknown !== undefined) {
      refuse(LINK_NOTES.unknownNetwork(unknown));
      return;
    }
    if (result.epsilon !== this.#app.epsilon.levels) {
      refuse(LINK_NOTES.otherEpsilon);
      return;
    }
    this.ordered = result.attack;
    const limit = result.attack === 'min_norm' ? FULL : result.epsilon;
    both.forEach((one, side) => {
      const its = result.found[side];
      if (its) one.share(image, its, limit);
    });
    this.note = { text: LINK_NOTES.shared, isBad: false };
  }

  #forget() {
    this.#app.attack.result = this.#known = null;
    this.note = null;
  }
}

/** What an attack on a network has to share. */
function found({ run, painted, shared }: AttackClient): Found | null {
  if (painted?.image) return { attack: 'paint', queries: 0, steps: 0, perturbed: painted.image };
  if (shared?.image) return { ...shared, perturbed: shared.image };
  const progress = run?.report?.progress;
  if (!progress?.best?.image) return null;
  const { best } = progress;
  // A flip is told by when it came, a failure by how long it was tried.
  const queries = best.misclassified ? best.queries : progress.queries;
  return { attack: best.attack, queries, steps: best.steps, perturbed: progress.best.image };
}
