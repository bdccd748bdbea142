/**
 * The visitor's images with their labels: corrected drawings, and images from files.
 *
 * Each is kept in a record of its own in this browser, and goes nowhere else.
 */
import { SIDE, type Pixels } from '../assets/pixels.ts';
import type { Stroke } from '../codec/strokes.ts';
import { Collection, NOT_KEPT } from './collection.ts';
import { ImageIndex, keyOf, keyOfImage, without } from './image-index.ts';
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
  /** Ids of those that are not kept, or not yet. */
  #unkept: readonly string[] = [];
  /** Every stroke asks for its image, so no look-up may go through all of them. */
  readonly #index = $derived(new ImageIndex(this.list));
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

  /** The image with this id, if it is there. */
  find(id: string): MyImage | undefined {
    return this.#index.withId(id);
  }

  /** The image of a data set with the very same levels, if it is there. */
  same(dataset: string, pixels: Pixels): MyImage | undefined {
    return this.#index.withKey(keyOf(dataset, pixels));
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
    let { room } = this;
    let taken = 0;
    /** The new and the changed ones, by their keys. */
    const changed: Record<string, MyImage> = {};
    for (const image of images) {
      if (image.pixels.length !== SIDE * SIDE) continue;
      const key = keyOf(image.dataset, image.pixels);
      const before = changed[key] ?? this.#index.withKey(key);
      if (!before && room === 0) continue;
      taken += 1;
      if (before?.label === image.label) continue;
      if (!before) room -= 1;
      changed[key] = { ...image, pixels: image.pixels.slice(), id: before?.id ?? newId() };
    }
    const now = Object.values(changed);
    const byId = new ImageIndex(now);
    const fresh = now.filter(({ id }) => !this.find(id));
    this.list = [...this.list.map((image) => byId.withId(image.id) ?? image), ...fresh];
    await this.#keep(now);
    return taken;
  }

  /** Removes images. They can be brought back until others are removed. */
  async remove(ids: readonly string[]) {
    this.removed = ids.flatMap((id) => this.find(id) ?? []);
    const gone = new ImageIndex(this.removed);
    this.list = this.list.filter(({ id }) => !gone.withId(id));
    this.#settle(ids);
    await this.#collection.forgetAll(ids);
  }

  /** Brings back what was removed last. */
  async bringBack() {
    const { removed } = this;
    this.removed = [];
    // One that was given again meanwhile is there already.
    const back = removed.filter((image) => !this.#index.withKey(keyOfImage(image)));
    this.list = [...this.list, ...back].toSorted((a, b) => (a.id < b.id ? -1 : 1));
    await this.#keep(back);
  }

  async #keep(images: readonly MyImage[]) {
    const ids = images.map(({ id }) => id);
    this.#unkept = [...this.#unkept, ...ids];
    const kept = await this.#collection.keepAll(images.map((image) => [image.id, image]));
    if (kept === 'kept') this.#settle(ids);
    else this.notKept = NOT_KEPT[kept];
  }

  /** Images are kept, or need not be. */
  #settle(ids: readonly string[]) {
    this.#unkept = without(this.#unkept, ids);
    if (this.#unkept.length === 0) this.notKept = null;
  }

  /** Brings the list up to date with what is kept, also by other tabs. */
  async #read() {
    const kept = await this.#collection.all();
    if (!kept) return;
    const others = this.list.filter(({ id }) => this.#unkept.includes(id));
    const isOlder = ({ id }: MyImage) => !this.#unkept.includes(id);
    // Those that are known already stay the same objects, so that little is to be shown anew.
    const known = (image: MyImage) => {
      const before = this.find(image.id);
      return before?.label === image.label ? before : image;
    };
    this.list = [...kept.filter(isOlder).map(known), ...others].toSorted((a, b) =>
      a.id < b.id ? -1 : 1,
    );
  }
}

/** There is one of it: every view sees the same images. */
export const myImages = new MyImages();
