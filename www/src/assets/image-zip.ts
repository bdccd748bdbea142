/** A zip of a folder for each class, which this page, `linf teach` and any other program read. */
import { zipSync, type Zippable } from 'fflate';
import { SIDE, type Pixels } from './pixels.ts';
import { writePng } from './png.ts';

export interface LabelledImage {
  pixels: Pixels;
  /** Index of its class. */
  label: number;
}

/** The name of the folder of a class: no file system takes a slash. */
const folderOf = (name: string) => name.replaceAll('/', '-');

/** A zip file of PNG images in folders of their classes, which `linf teach` reads once it is unpacked. */
export function writeZip(
  images: readonly LabelledImage[],
  classes: readonly string[],
): Uint8Array<ArrayBuffer> {
  const files: Zippable = {};
  images.forEach(({ pixels, label }, index) => {
    const name = String(index + 1).padStart(4, '0');
    files[`${folderOf(classes[label] ?? String(label))}/${name}.png`] = writePng(pixels, SIDE);
  });
  // PNG files are packed already.
  return new Uint8Array(zipSync(files, { level: 0 }));
}
