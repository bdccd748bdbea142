/** The image that the network is asked about: drawn, taken from a test set, or from a link. */
import type { Pixels } from '../assets/pixels.ts';
import { fetchTestImages, type TestImage } from '../assets/test-images.ts';
import { flatten, type Stroke } from '../codec/strokes.ts';
import { Attempt } from './attempt.svelte.ts';
import { Drawing } from './drawing.svelte.ts';
import type { NetworkStore } from './network.svelte.ts';

/** Width of the pen, as a part of the pad's. */
export const PEN_WIDTH = 0.08;

/** An image as a link names it. */
export interface LinkedImage {
  testImage: number | null;
  strokes: readonly Stroke[];
  pixels: Pixels | null;
}

export class ImageStore {
  readonly drawing: Drawing;
  testImages = $state.raw<readonly TestImage[]>([]);
  readonly #attempt = new Attempt();
  /** The data set that the test images are of. */
  #dataset: string | null = null;
  /** The test image of a link, until the test images have come or something is drawn instead. */
  #wanted = $state<number | null>(null);
  readonly #network: NetworkStore;
  readonly #onMissing: (index: number) => void;

  /** The image; none while the pad is empty, or before the network came. */
  readonly pixels = $derived.by((): Pixels | undefined => {
    const { picked, strokes } = this.drawing;
    if (picked) return picked.pixels;
    const network = this.#network.current;
    if (!network || strokes.length === 0) return undefined;
    const { points, starts } = flatten(strokes);
    return network.draw(points, starts, PEN_WIDTH);
  });

  /** `onMissing` is told the number of a link's test image that the page does not have. */
  constructor(network: NetworkStore, onMissing: (index: number) => void) {
    this.#network = network;
    this.#onMissing = onMissing;
    // Whatever is drawn takes the place of the test image that is still to come.
    this.drawing = new Drawing(() => (this.#wanted = null));
  }

  /** Why there are no test images, if they did not load. */
  get failure(): string | null {
    const { loading } = this.#attempt;
    return loading.state === 'failed' ? loading.message : null;
  }

  /** The image as a link names it. */
  get linked(): LinkedImage {
    const { picked, strokes, isEmpty } = this.drawing;
    return {
      // A test image that has not come stays in the address: the same link asks for it again.
      testImage: picked ? picked.index : isEmpty ? this.#wanted : null,
      strokes: picked ? [] : strokes,
      pixels: picked?.index == null ? (this.pixels ?? null) : null,
    };
  }

  /** Takes the image of a link. */
  show({ testImage, strokes, pixels }: LinkedImage) {
    this.drawing.replace(strokes, pixels && { index: null, pixels });
    this.#wanted = testImage;
    this.#pickWanted();
  }

  /** Another data set is in use: a number or a label of one means another thing in another. */
  forgetLabelled() {
    this.drawing.forgetLabelled();
    this.#wanted = null;
  }

  /** Loads the test images of the network's data set, unless they are there. */
  loadTestImages = async () => {
    const { dataset } = this.#network.about;
    if (this.#dataset !== dataset) {
      this.testImages = [];
      this.#dataset = null;
      const images = await this.#attempt.run((options) => fetchTestImages(dataset, options));
      if (!images) return;
      this.testImages = images;
      this.#dataset = dataset;
    }
    this.#pickWanted();
  };

  #pickWanted() {
    // Those of another data set are other images.
    if (this.testImages.length === 0 || this.#dataset !== this.#network.about.dataset) return;
    const wanted = this.#wanted;
    if (wanted === null) return;
    const image = this.testImages.find(({ index }) => index === wanted);
    if (image) this.#pick(image);
    else void this.#fetch(this.#network.about.dataset, wanted);
  }

  #pick(image: TestImage) {
    this.#wanted = null;
    // Whoever began to draw meanwhile keeps the drawing.
    if (this.drawing.isEmpty) this.drawing.pick(image);
  }

  /** Fetches a test image that is not among those that are offered, and picks it. */
  async #fetch(dataset: string, wanted: number) {
    const isWanted = () => this.#wanted === wanted && this.#network.about.dataset === dataset;
    try {
      // It is seldom needed, so it is no part of what every visit loads.
      const { fetchTestImage } = await import('../assets/one-test-image.ts');
      const image = await fetchTestImage(dataset, wanted);
      if (isWanted()) this.#pick(image);
    } catch {
      if (!isWanted()) return;
      this.#wanted = null;
      this.#onMissing(wanted);
    }
  }
}
