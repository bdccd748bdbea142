/** Files of labelled images that a visitor gives: read with the classes of the network, and kept. */
import { idxDimensions, isZip } from '../assets/file-kinds.ts';
import { isGzip } from '../assets/gzip.ts';
import { loadLate } from '../assets/late-program.ts';
import type { FileKind } from './dropped-files.ts';
import { MOST_IMAGES, myImages } from './my-images.svelte.ts';

/** Problems of single images that are told one by one; of more, how many. Those of a file always are. */
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
    const { readImageFiles } = await loadLate(
      () => import('../assets/image-files.ts'),
      'the program that reads files of images',
    );
    const { images, problems, failed } = await readImageFiles(files, classes, MOST_IMAGES);
    const taken = await myImages.add(images.map((image) => ({ ...image, dataset })));
    const told = [...failed, ...problems.slice(0, MOST_TOLD)];
    if (problems.length > MOST_TOLD) {
      told.push(`${problems.length - MOST_TOLD} more images were left out.`);
    }
    if (taken < images.length) {
      told.push(`There is room for ${MOST_IMAGES} images; ${images.length - taken} were left out.`);
    }
    const sentence = `${taken} ${taken === 1 ? 'image is' : 'images are'} among yours now.`;
    return { ok: failed.length === 0 && taken > 0, message: [sentence, ...told].join(' ') };
  },
};
