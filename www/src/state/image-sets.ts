/**
 * The sets of images that networks are measured on, by one interface: the published halves of a data set,
 * fetched in shards, *My images*, and the images that are open in *Train*.
 *
 * A set never changes. When what it was made of does, another set, with another `id`, takes its place.
 */
import { isOwn } from '../assets/datasets.ts';
import type { DownloadOptions } from '../assets/download.ts';
import { imageCount, type Split } from '../assets/image-shards.ts';
import { shardOf, type LabelledImages } from '../assets/labelled-images.ts';
import { learnedImages, lineageOf, type LearnedImages } from '../assets/lineage.ts';
import type { MeasuredNetwork } from '../assets/measured-networks.ts';
import { SIDE, type Pixels } from '../assets/pixels.ts';
import type { SetKind } from '../codec/measurement.ts';
import { sha256 } from '../wasm/certify.ts';
import type { MeasuredAbout } from '../wasm/measure.ts';
import type { Picked } from './drawing.svelte.ts';
import { myImages, type MyImage } from './my-images.svelte.ts';
import { ownImages } from './own-images.svelte.ts';

const PIXELS = SIDE * SIDE;

/** Images with their labels. */
export interface ImageSet {
  readonly kind: SetKind;
  /** What files call it. */
  readonly inFiles: MeasuredAbout['split'];
  /** Name of the data set whose classes its labels are. */
  readonly dataset: string;
  /** Differs for any two sets of a kind and a data set, also for what it was before it was changed. */
  readonly id: string;
  readonly count: number;
  /** The number that files and sentences give the first image. */
  readonly first: number;
  /** Some images in a row, image `index` of the set (from 0) among them. Throws a `DownloadError`. */
  part(index: number, options?: DownloadOptions): Promise<LabelledImages>;
  /** Image `index` as the pad takes it. */
  picked(index: number, label: number, pixels: Pixels): Picked;
}

/** A published half of a data set. */
export class PublishedImages implements ImageSet {
  readonly kind: Split;
  readonly inFiles: Split;
  readonly id = '';
  readonly count: number;
  readonly first = 0;

  constructor(
    readonly dataset: string,
    split: Split,
  ) {
    this.kind = this.inFiles = split;
    this.count = imageCount(dataset, split);
  }

  part(index: number, options: DownloadOptions = {}) {
    return shardOf(this.dataset, this.kind, index, sha256, options);
  }

  picked(index: number, label: number, pixels: Pixels): Picked {
    return this.kind === 'test'
      ? { index, label, pixels }
      : { index: null, pixels, training: { index, label } };
  }
}

/** The visitor's images of a data set's classes, as they are now. */
export class MyImageSet implements ImageSet {
  readonly kind = 'mine';
  readonly inFiles = 'own';
  readonly count: number;
  readonly first = 0;
  #part: LabelledImages | null = null;

  constructor(
    readonly dataset: string,
    readonly images: readonly MyImage[],
    readonly id: string,
  ) {
    this.count = images.length;
  }

  part() {
    if (!this.#part) {
      const pixels = new Uint8Array(this.count * PIXELS);
      this.images.forEach((image, at) => pixels.set(image.pixels, at * PIXELS));
      const labels = Uint8Array.from(this.images, ({ label }) => label);
      this.#part = { first: 0, count: this.count, pixels, labels };
    }
    return Promise.resolve(this.#part);
  }

  picked(index: number, _label: number, pixels: Pixels): Picked {
    const mine = this.images[index]?.id;
    return mine === undefined ? { index: null, pixels } : { index: null, pixels, mine };
  }
}

/** What is needed of the images that are open in *Train*. */
export interface OpenImages {
  /** SHA-256 of all images, then all labels. */
  sha256: string;
  /** `[n, 784]`; the held-out ones are the last. */
  images: Uint8Array<ArrayBuffer>;
  /** `[n]`. */
  labels: Uint8Array<ArrayBuffer>;
}

/** The images that a network learned from, or those that were held out. */
export class LearnedImageSet implements ImageSet {
  readonly inFiles: 'training' | 'held-out';
  readonly id: string;
  readonly count: number;
  readonly first: number;
  readonly #open: OpenImages;

  constructor(
    readonly dataset: string,
    readonly kind: 'training' | 'held-out',
    open: OpenImages,
    { heldOut }: LearnedImages,
  ) {
    const all = open.labels.length;
    const seen = Math.max(0, all - heldOut);
    this.inFiles = kind;
    this.id = `${open.sha256} ${seen}`;
    this.first = kind === 'training' ? 0 : seen;
    this.count = kind === 'training' ? seen : all - seen;
    this.#open = open;
  }

  part() {
    const { first, count } = this;
    const { images, labels } = this.#open;
    return Promise.resolve({
      first: 0,
      count,
      pixels: images.subarray(first * PIXELS, (first + count) * PIXELS),
      labels: labels.subarray(first, first + count),
    });
  }

  picked(index: number, label: number, pixels: Pixels): Picked {
    const { kind, first } = this;
    const learned = { index: first + index, label };
    return kind === 'training'
      ? { index: null, pixels, training: learned }
      : { index: null, pixels, heldOut: learned };
  }
}

/** Why there is no set of a kind for a network. */
export type Missing =
  /** The page was built without these images. */
  | 'not-built'
  /** There is no such set of its data set. */
  | 'no-such'
  /** The visitor has no image of its classes. */
  | 'none-yet'
  /** The images that it learned from are not open in *Train*. */
  | 'not-open'
  /** Others than those that it learned from are open. */
  | 'others'
  /** Its runs held no image out. */
  | 'none-held-out';

/** What the page knows of the visitor's images; tests give their own. */
export interface Sources {
  mine(dataset: string): readonly MyImage[];
  /** What is open in *Train*. */
  open(): OpenImages | null;
}

const PAGE: Sources = {
  mine: (dataset) => myImages.byDataset(dataset),
  open() {
    const { set } = ownImages;
    if (!set) return null;
    const described = JSON.parse(set.description) as { imported: { sha256: string } };
    return { sha256: described.imported.sha256, images: set.images, labels: set.labels };
  },
};

export class ImageSets {
  readonly #sources: Sources;
  /** My images of each data set, as they were when they were last asked for. */
  readonly #mine: Record<string, MyImageSet> = {};
  #versions = 0;
  readonly #learned: Record<string, LearnedImages | null> = {};

  constructor(sources: Sources = PAGE) {
    this.#sources = sources;
  }

  /**
   * The set of a kind that a network is measured on, or why there is none. `own` is the file of a network
   * of this browser.
   */
  find(
    { dataset }: Pick<MeasuredNetwork, 'dataset'>,
    kind: SetKind,
    own: { hash: string; model: Uint8Array<ArrayBuffer> } | null,
  ): ImageSet | Missing {
    if (kind === 'mine') return this.#ofMine(dataset);
    if (!isOwn(dataset)) {
      if (kind === 'held-out') return 'no-such';
      const set = new PublishedImages(dataset, kind);
      return set.count > 0 ? set : 'not-built';
    }
    if (kind === 'test') return 'no-such';
    const open = this.#sources.open();
    if (!open) return 'not-open';
    const learned = own && (this.#learned[own.hash] ??= learnedImages(lineageOf(own.model)));
    if (learned?.sha256 !== open.sha256) return 'others';
    const set = new LearnedImageSet(dataset, kind, open, learned);
    return set.count > 0 ? set : 'none-held-out';
  }

  #ofMine(dataset: string): MyImageSet | Missing {
    const images = this.#sources.mine(dataset);
    const known = this.#mine[dataset];
    const isSame =
      known?.count === images.length && images.every((image, at) => image === known.images[at]);
    if (known && isSame) return known.count > 0 ? known : 'none-yet';
    this.#versions += 1;
    const set = new MyImageSet(dataset, images, String(this.#versions));
    this.#mine[dataset] = set;
    return set.count > 0 ? set : 'none-yet';
  }
}

export const imageSets = new ImageSets();
