/**
 * The visitor's images with their labels: corrected drawings, and images from files.
 *
 * Each is kept in a record of its own in this browser, and goes nowhere else.
 */
import { SIDE, type Pixels } from '../assets/pixels.ts';
import type { Stroke } from '../codec/strokes.ts';
import { Collection, NOT_KEPT } from './collection.ts';
import { losesIf } from './unsaved.ts';

/** An image with the label that the visitor gave it. */
export interface MyImage {
  /** Its place in the order in which images came. */
  id: string;
  /** `[784]`. */
  pixels: Pixels;
  /** Index of its class in the data set. */
  label: number;
  /** Name of the data set whose classes these are. */
  dataset: string;
  /** The strokes that it was drawn with, if it was drawn here. */
  strokes?: readonly Stroke[];
}

/** More images than this are no handful to teach, and would take their time to be shown. */
export const MOST_IMAGES = 1_000;

const isSame = (a: Pixels, b: Pixels) => a.every((level, at) => level === b[at]);

/** Ids sort by the time at which images came; the rest tells those of two tabs from each other. */
let count = 0;
function newId(): string {
  const parts = [Date.now(), (count += 1), Math.floor(2 ** 32 * Math.random())];
  return parts.map((part, at) => part.toString(36).padStart(at === 0 ? 9 : 7, '0')).join('-');
}

export class MyImages {
  /** In the order in which they came. */
  list = $state.raw<readonly MyImage[]>([]);
  /** Why images are gone when the tab is closed; `null` if all are kept. */
  notKept = $state<string | null>(null);
  /** What was removed last, which can be brought back. */
  removed = $state.raw<readonly MyImage[]>([]);
  #loaded: Promise<void> | null = null;
  /** Those that are not kept, or not yet. */
  #unkept: readonly string[] = [];
  readonly #collection = new Collection<MyImage>('image', () => void this.#read());

  constructor() {
    losesIf(() => this.notKept !== null);
  }

  /** Reads what is kept, once. */
  load(): Promise<void> {
    return (this.#loaded ??= this.#read());
  }

  /** The images of a data set, in the order in which they came. */
  byDataset(name: string): readonly MyImage[] {
    return this.list.filter(({ dataset }) => dataset === name);
  }

  /** How many more images there is room for. */
  get room(): number {
    return Math.max(0, MOST_IMAGES - this.list.length);
  }

  /**
   * Adds images, and keeps them. One that is there already takes its new label. Those that there is no
   * room for are left out; the answer says how many were taken.
   */
  async add(images: readonly Omit<MyImage, 'id'>[]): Promise<number> {
    let taken = 0;
    const list = [...this.list];
    const changed: MyImage[] = [];
    for (const image of images) {
      if (image.pixels.length !== SIDE * SIDE) continue;
      const at = list.findIndex(
        ({ dataset, pixels }) => dataset === image.dataset && isSame(pixels, image.pixels),
      );
      const before = list[at];
      if (!before && list.length >= MOST_IMAGES) continue;
      taken += 1;
      if (before?.label === image.label) continue;
      const one = { ...image, pixels: image.pixels.slice(), id: before?.id ?? newId() };
      if (before) list[at] = one;
      else list.push(one);
      changed.push(one);
    }
    this.list = list;
    await this.#keep(changed);
    return taken;
  }

  /** Removes images. They can be brought back until others are removed. */
  async remove(ids: readonly string[]) {
    const isGone = ({ id }: MyImage) => ids.includes(id);
    this.removed = this.list.filter(isGone);
    this.list = this.list.filter((image) => !isGone(image));
    await Promise.all(
      ids.map(async (id) => {
        this.#settle(id);
        await this.#collection.forget(id);
      }),
    );
  }

  /** Brings back what was removed last. */
  async bringBack() {
    const { removed } = this;
    this.removed = [];
    const back = removed.filter(({ id }) => this.list.every((other) => other.id !== id));
    this.list = [...this.list, ...back].toSorted((a, b) => (a.id < b.id ? -1 : 1));
    await this.#keep(back);
  }

  async #keep(images: readonly MyImage[]) {
    this.#unkept = [...this.#unkept, ...images.map(({ id }) => id)];
    for (const image of images) {
      const kept = await this.#collection.keep(image.id, image);
      if (kept === 'kept') this.#settle(image.id);
      else this.notKept = NOT_KEPT[kept];
    }
  }

  /** An image is kept, or need not be. */
  #settle(id: string) {
    this.#unkept = this.#unkept.filter((other) => other !== id);
    if (this.#unkept.length === 0) this.notKept = null;
  }

  /** Brings the list up to date with what is kept, also by other tabs. */
  async #read() {
    const kept = await this.#collection.all();
    if (!kept) return;
    const others = this.list.filter(({ id }) => this.#unkept.includes(id));
    const isOlder = ({ id }: MyImage) => !this.#unkept.includes(id);
    this.list = [...kept.filter(isOlder), ...others].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }
}

/** There is one of it: every view sees the same images. */
export const myImages = new MyImages();
