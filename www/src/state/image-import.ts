/** Files of labelled images that a visitor gives: read with the classes of the network, and kept. */
import { idxDimensions, isZip } from '../assets/file-kinds.ts';
import { isGzip } from '../assets/gzip.ts';
import { loadLate } from '../assets/late-program.ts';
import { SIDE } from '../assets/pixels.ts';
import type { FileKind } from './dropped-files.ts';
import { MOST_IMAGES, myImages } from './my-images.svelte.ts';

const PIXELS = SIDE * SIDE;
/** Problems that are told one by one; of more, how many. */
const MOST_TOLD = 10;

export const imagesKind: FileKind = {
  called: 'images (a zip of class folders of PNG or JPEG, or an IDX pair)',
  matches: ({ file, head }) =>
    isZip(head) ||
    idxDimensions(head) > 0 ||
    (isGzip(head) && !/\.safetensors(\.gz)?$/i.test(file.name)),
  async takeAll(app, files) {
    const { dataset } = app.network.about;
    const { classes } = app.network.words;
    await myImages.load();
    // It is seldom needed, so it is no part of what every visit loads.
    const { readLabelled } = await loadLate(
      () => import('./labelled-files.ts'),
      'the program that reads files of images',
    );
    const { images, labels, problems, problemCount } = await readLabelled(files, classes);
    const told = problems.slice(0, MOST_TOLD).map((problem) => `${problem}.`);
    if (problemCount > told.length) {
      told.push(`${problemCount - told.length} more files or images were left out.`);
    }
    if (labels.length === 0) throw new Error(told.join(' ') || 'The files hold no image.');
    const taken = await myImages.add(
      Array.from(labels, (label, at) => {
        const pixels = images.subarray(at * PIXELS, (at + 1) * PIXELS);
        return { pixels, label, dataset };
      }),
    );
    if (taken < labels.length) {
      told.push(`There is room for ${MOST_IMAGES} images; ${labels.length - taken} were left out.`);
    }
    const sentence = `${taken} ${taken === 1 ? 'image is' : 'images are'} among yours now.`;
    return { ok: taken > 0 && problemCount === 0, message: [sentence, ...told].join(' ') };
  },
};
