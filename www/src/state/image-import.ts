/** Files of labelled images that a visitor gives: read with the classes of the network, and kept. */
import { idxDimensions, isZip } from '../assets/file-kinds.ts';
import { isGzip } from '../assets/gzip.ts';
import type { FileKind } from './dropped-files.ts';
import { MOST_IMAGES, myImages } from './my-images.svelte.ts';

/** Problems that are told one by one; of more, how many. */
const MOST_TOLD = 3;

export const imagesKind: FileKind = {
  called: 'images (a zip of class folders of PNG, or an IDX pair)',
  matches: ({ file, head }) =>
    isZip(head) ||
    idxDimensions(head) > 0 ||
    (isGzip(head) && !/\.safetensors(\.gz)?$/i.test(file.name)),
  async takeAll(app, files) {
    const { dataset } = app.network.about;
    const { classes } = app.network.words;
    await myImages.load();
    // It is seldom needed, so it is no part of what every visit loads.
    const { readImageFiles } = await import('../assets/image-files.ts');
    const { images, problems } = await readImageFiles(files, classes, MOST_IMAGES);
    const taken = await myImages.add(images.map((image) => ({ ...image, dataset })));
    const told = problems.slice(0, MOST_TOLD);
    if (problems.length > told.length) {
      told.push(`${problems.length - told.length} more files or images were left out.`);
    }
    if (taken < images.length) {
      told.push(`There is room for ${MOST_IMAGES} images; ${images.length - taken} were left out.`);
    }
    const sentence = `${taken} ${taken === 1 ? 'image is' : 'images are'} among yours now.`;
    return [sentence, ...told].join(' ');
  },
};
