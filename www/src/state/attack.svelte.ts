/** The choices of the view *Attack*, and the result that stands in the address. */
import { DEFAULTS } from '../codec/link.ts';

export class AttackStore {
  baseline = $state(DEFAULTS.baseline);
  /** What the random numbers of an attack start from, a whole number of up to 32 bits. */
  seed = $state(DEFAULTS.seed);
  /** What attacks on our network run on. */
  compute = $state(DEFAULTS.compute);
  /** A result that a link brought or that was shared, as it stands in the link, and its subject. */
  #result = $state.raw<{ text: string; subject: string } | null>(null);
  readonly #subject: () => string;

  /** `subject` tells one image, ε and pair of networks from another. */
  constructor(subject: () => string) {
    this.#subject = subject;
  }

  /** The packed result on the present subject; `null` once something else is looked at. */
  get result(): string | null {
    return this.#result?.subject === this.#subject() ? this.#result.text : null;
  }
  set result(text: string | null) {
    this.#result = text === null ? null : { text, subject: this.#subject() };
  }
}
