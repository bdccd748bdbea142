/**
 * Files of labelled images: a zip of a folder for each class, and a pair of IDX files.
 *
 * Nothing that cannot be read keeps the rest from being read: each such file is named, with what is wrong.
 */
import { unzipSync, zipSync, type Zippable } from 'fflate';
import { message } from './download.ts';
import { idxDimensions, isZip } from './file-kinds.ts';
import { unzip } from './gzip.ts';
import { SIDE, type Pixels } from './pixels.ts';
import { isPng, readPng, writePng } from './png.ts';

const PIXELS = SIDE * SIDE;
/** The largest image file in a zip, and the most images that are read of all files. */
const MOST_PNG_BYTES = 100_000;
const MOST_ENTRIES = 10_000;

export interface LabelledImage {
  pixels: Pixels;
  /** Index of its class. */
  label: number;
}

export interface ReadImages {
  images: readonly LabelledImage[];
  /** A sentence for each image that was left out. */
  problems: readonly string[];
}

export interface ReadFiles extends ReadImages {
  /** A sentence for each file that was left out as a whole. */
  failed: readonly string[];
}

export interface NamedFile<Buffer extends ArrayBufferLike = ArrayBufferLike> {
  name: string;
  bytes: Uint8Array<Buffer>;
}

/** The name of the folder of a class: no file system takes a slash. */
const folderOf = (name: string) => name.replaceAll('/', '-');

/** The class that a folder is named by: its name or its number. */
function classOf(folder: string, classes: readonly string[]): number | undefined {
  const wanted = folder.toLowerCase();
  const named = classes.findIndex((name) => folderOf(name).toLowerCase() === wanted);
  if (named >= 0) return named;
  return /^\d{1,3}$/.test(folder) && Number(folder) < classes.length ? Number(folder) : undefined;
}

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

/** Reads a zip file. Throws an error if it is none. */
export function readZip(name: string, bytes: Uint8Array, classes: readonly string[]): ReadImages {
  const images: LabelledImage[] = [];
  const problems: string[] = [];
  let entries = 0;
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(bytes, {
      filter({ name: path, originalSize }) {
        if (!/\.png$/i.test(path) || path.includes('__MACOSX/')) return false;
        entries += 1;
        if (entries > MOST_ENTRIES) return false;
        if (originalSize <= MOST_PNG_BYTES) return true;
        problems.push(`${path} of ${name} is too large for an image of ${SIDE}×${SIDE} pixels.`);
        return false;
      },
    });
  } catch (cause) {
    throw new Error(`${name} is no zip file that can be read: ${message(cause)}`, { cause });
  }
  if (entries > MOST_ENTRIES) problems.push(`Only ${MOST_ENTRIES} files of ${name} were read.`);
  for (const path of Object.keys(files).sort()) {
    const file = files[path];
    const folder = path.split('/').at(-2) ?? '';
    const label = classOf(folder, classes);
    try {
      if (label === undefined) throw new Error(`no class is called “${folder}”`);
      if (!file || !isPng(file)) throw new Error('it is not a PNG image');
      images.push({ pixels: readPng(file, SIDE), label });
    } catch (cause) {
      problems.push(`${path} of ${name} is left out: ${message(cause)}.`);
    }
  }
  if (entries === 0) problems.push(`${name} has no PNG images.`);
  return { images, problems };
}

/** The dimensions and the contents of an IDX file of bytes. Throws an error that names the file. */
function readIdx(name: string, bytes: Uint8Array): { shape: number[]; data: Uint8Array } {
  const dimensions = idxDimensions(bytes);
  const start = 4 + 4 * dimensions;
  if (dimensions === 0 || bytes.length < start) throw new Error(`${name} is no IDX file of bytes.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: dimensions }, (_, at) => view.getUint32(4 + 4 * at));
  const data = bytes.subarray(start);
  if (data.length !== shape.reduce((product, size) => product * size, 1)) {
    throw new Error(`${name} does not hold as many bytes as its head says.`);
  }
  return { shape, data };
}

/** Reads a file of images and one of labels, both IDX. Throws an error. */
function readIdxPair(
  images: NamedFile,
  labels: NamedFile,
  classes: readonly string[],
  most: number,
): ReadImages {
  const { shape, data } = readIdx(images.name, images.bytes);
  const { data: classesOf } = readIdx(labels.name, labels.bytes);
  const [count = 0, rows, columns] = shape;
  if (rows !== SIDE || columns !== SIDE) {
    throw new Error(
      `${images.name} has images of ${columns}×${rows} pixels, and ${SIDE}×${SIDE} are wanted.`,
    );
  }
  if (classesOf.length !== count) {
    throw new Error(
      `${images.name} has ${count} images, and ${labels.name} ${classesOf.length} labels.`,
    );
  }
  const problems: string[] = [];
  const read: LabelledImage[] = [];
  if (count > most) problems.push(`Only the first ${most} of ${count} images were read.`);
  for (let at = 0; at < Math.min(count, most); at += 1) {
    const label = classesOf[at] ?? 255;
    const pixels = data.slice(at * PIXELS, (at + 1) * PIXELS);
    if (label < classes.length) read.push({ pixels, label });
    else problems.push(`Image ${at} is left out: its label ${label} is none of the classes.`);
  }
  return { images: read, problems };
}

/** What the names of the two files of a pair have in common. */
const stemOf = ({ name }: NamedFile) => name.toLowerCase().replace(/images|labels|idx[13]/g, '');

/** The pairs among IDX files, by their names where there are several, and the files without a partner. */
function pairsOf(files: readonly NamedFile[]): {
  pairs: (readonly [images: NamedFile, labels: NamedFile])[];
  single: NamedFile[];
} {
  const withDimensions = (wanted: number) =>
    files.filter(({ bytes }) => idxDimensions(bytes) === wanted);
  const labels = withDimensions(1);
  const isOnlyPair = files.length === 2;
  const pairs = withDimensions(3).flatMap((images) => {
    const fitting = labels.find((one) => isOnlyPair || stemOf(one) === stemOf(images));
    if (!fitting) return [];
    labels.splice(labels.indexOf(fitting), 1);
    return [[images, fitting] as const];
  });
  return { pairs, single: files.filter((file) => !pairs.some((pair) => pair.includes(file))) };
}

/** Reads any of these files, packed with gzip or not. What is wrong with one keeps none of the others out. */
export async function readImageFiles(
  files: readonly NamedFile<ArrayBuffer>[],
  classes: readonly string[],
  most: number,
): Promise<ReadFiles> {
  const images: LabelledImage[] = [];
  const problems: string[] = [];
  const failed: string[] = [];
  const idx: NamedFile[] = [];
  const take = (read: () => ReadImages) => {
    try {
      const one = read();
      images.push(...one.images);
      problems.push(...one.problems);
    } catch (cause) {
      failed.push(message(cause));
    }
  };
  for (const { name, bytes } of files) {
    try {
      const unpacked = await unzip(bytes, name);
      if (isZip(unpacked)) take(() => readZip(name, unpacked, classes));
      else if (idxDimensions(unpacked) > 0) idx.push({ name, bytes: unpacked });
      else failed.push(`${name} is neither a zip file nor an IDX file.`);
    } catch (cause) {
      failed.push(message(cause));
    }
  }
  const { pairs, single } = pairsOf(idx);
  for (const pair of pairs) take(() => readIdxPair(...pair, classes, most));
  for (const { name } of single) {
    failed.push(`${name} is left out: a file of images and one of labels are given together.`);
  }
  return { images, problems, failed };
}
