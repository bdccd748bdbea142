/** One network on one set of images: the columns of what is measured, which grow as Workers answer. */
import { imageCount, type Split } from '../assets/image-shards.ts';
import type { MeasuredNetwork } from '../assets/measured-networks.ts';
import {
  count,
  type CertifiedCurve,
  type Columns,
  type MeasuredAbout,
  type SurveyCurve,
} from '../wasm/measure.ts';
import type { Certificates } from '../workers/measure-protocol.ts';

/** A larger sample says little more: its interval is within 3 points. */
export const MOST_ATTACKED = 1_000;
/** Images of the first batch: how long one takes is not known yet. */
const FIRST_BATCH = 8;

/** One network on one set of images, and what has been measured of it. */
export class Series {
  readonly total: number;
  /** The network, under its name, letter and colour of today. */
  network: MeasuredNetwork;
  /** Images certified: the first so many. */
  done = $state(0);
  curve = $state.raw<CertifiedCurve | null>(null);
  survey = $state.raw<SurveyCurve | null>(null);
  about = $state.raw<MeasuredAbout | null>(null);
  /** Why it does not go on. */
  failure = $state.raw<string | null>(null);
  /** How much of what it needs has come, from 0 to 1; `null` when all of it is there. */
  loading = $state<number | null>(null);

  readonly labels: Uint8Array<ArrayBuffer>;
  readonly certificates: Certificates;
  /** The order in which images are attacked, and the smallest flips of the first of them. */
  order = new Uint32Array();
  readonly flipTicks: Int32Array<ArrayBuffer>;
  attacked = 0;

  /** The next image to be certified, and the next place of the order to be attacked. */
  next = 0;
  nextAttacked = 0;
  /** Images of the next batch. */
  batch = FIRST_BATCH;
  /** Batches that came before those in front of them, by their first images; and the same of attacks. */
  #early: Record<number, number> = {};
  #earlyAttacks: Record<number, true> = {};

  constructor(
    network: MeasuredNetwork,
    /** Tells the own network of today from that of yesterday. */
    readonly hash: string,
    readonly split: Split,
  ) {
    this.network = $state.raw(network);
    this.total = imageCount(network.dataset, split);
    this.labels = new Uint8Array(this.total);
    const column = () => new Int32Array(this.total);
    this.certificates = {
      predicted: column(),
      marginTicks: column(),
      lipschitzRadiusTicks: column(),
      ibpRadiusTicks: column(),
    };
    this.flipTicks = new Int32Array(Math.min(MOST_ATTACKED, this.total));
  }

  get isComplete(): boolean {
    return this.total > 0 && this.done === this.total;
  }

  /** The columns of the first `images` images, which are certified. */
  columns(images: number): Columns {
    const part = (column: Int32Array<ArrayBuffer>) => column.subarray(0, images);
    const { predicted, marginTicks, lipschitzRadiusTicks, ibpRadiusTicks } = this.certificates;
    return {
      labels: this.labels.subarray(0, images),
      predicted: part(predicted),
      marginTicks: part(marginTicks),
      lipschitzRadiusTicks: part(lipschitzRadiusTicks),
      ibpRadiusTicks: part(ibpRadiusTicks),
      attacked: {
        images: this.order.subarray(0, this.attacked),
        flipTicks: this.flipTicks.subarray(0, this.attacked),
      },
    };
  }

  /** Takes the certificates of a batch, whichever comes first. */
  take(first: number, batch: Certificates) {
    for (const name of Object.keys(this.certificates) as (keyof Certificates)[]) {
      this.certificates[name].set(batch[name], first);
    }
    this.#early[first] = batch.predicted.length;
    let { done } = this;
    for (let more = this.#early[done]; more !== undefined; more = this.#early[done]) {
      done += more;
    }
    this.done = done;
  }

  /** Takes the smallest flip of the image at a place of the order. */
  takeFlip(place: number, flipTicks: number) {
    this.flipTicks[place] = flipTicks;
    this.#earlyAttacks[place] = true;
    while (this.#earlyAttacks[this.attacked]) this.attacked += 1;
  }

  isRight(index: number): boolean {
    return this.certificates.predicted[index] === this.labels[index];
  }

  /** Goes on after the last image that is certified. */
  rewind() {
    this.#early = {};
    this.#earlyAttacks = {};
    this.next = this.done;
    this.nextAttacked = this.attacked;
    this.failure = null;
  }

  /** Follows the list of networks, of which one may have been renamed or deleted. */
  follow(networks: readonly MeasuredNetwork[]) {
    const network = networks.find(({ name }) => name === this.network.name);
    if (!network) return;
    const { title, letter, colour, print } = this.network;
    const isSame =
      network.title === title &&
      network.letter === letter &&
      network.colour === colour &&
      network.print === print;
    if (isSame) return;
    this.network = network;
    if (this.about) {
      this.about = { ...this.about, colour: network.print, letter: network.letter };
    }
  }

  /** Counts what there is. */
  recount() {
    if (!this.about || this.done === 0) return;
    const { curve, survey } = count(this.about, this.columns(this.done));
    this.curve = curve;
    this.survey = survey.images > 0 ? survey : null;
  }
}
