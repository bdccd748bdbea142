/** A list of labelled images by their ids and by their levels: found without looking at all of them. */
import type { Pixels } from '../assets/pixels.ts';
import type { MyImage } from './my-images.svelte.ts';

/** What an image is found by: its data set and its very levels, a letter each. */
export const keyOf = (dataset: string, pixels: Pixels) =>
  `${dataset} ${String.fromCharCode.apply(null, pixels as unknown as number[])}`;

/** Images do not change, so the key of each is written once. */
const keys = new WeakMap<MyImage, string>();
export function keyOfImage(image: MyImage): string {
  let key = keys.get(image);
  if (key === undefined) keys.set(image, (key = keyOf(image.dataset, image.pixels)));
  return key;
}

export class ImageIndex {
  readonly #byKey: ReadonlyMap<string, MyImage>;
  readonly #byId: ReadonlyMap<string, MyImage>;

  constructor(list: readonly MyImage[]) {
    this.#byKey = new Map(list.map((image) => [keyOfImage(image), image]));
    this.#byId = new Map(list.map((image) => [image.id, image]));
  }

  withId(id: string): MyImage | undefined {
    return this.#byId.get(id);
  }

  withKey(key: string): MyImage | undefined {
    return this.#byKey.get(key);
  }
}

/** The ids that are not among others. */
export function without(ids: readonly string[], others: readonly string[]): string[] {
  const gone = new Set(others);
  return ids.filter((id) => !gone.has(id));
}
