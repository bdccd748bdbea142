/**
 * PNG images as bytes in and bytes out.
 *
 * A canvas would do for showing one, but privacy browsers change what is read back from it, and a label is
 * for exact pixels. So the few kinds that drawings are kept in are read and written here; Zlib is fflate's.
 */
import { unzlibSync, zlibSync } from 'fflate';

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const GREY = 0;
/** Samples of a pixel, by the colour type: grey, RGB, grey and alpha, RGB and alpha. */
const SAMPLES: Partial<Record<number, number>> = { 0: 1, 2: 3, 4: 2, 6: 4 };

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

function crcOf(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (CRC[(crc ^ byte) & 255] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const numberAt = (bytes: Uint8Array, at: number) =>
  new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);

function chunk(type: string, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(type), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, crcOf(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** A square grey image of `side` × `side` levels as a PNG file. */
export function writePng(pixels: Uint8Array, side: number): Uint8Array<ArrayBuffer> {
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  view.setUint32(0, side);
  view.setUint32(4, side);
  head.set([8, GREY, 0, 0, 0], 8);
  const rows = new Uint8Array(side * (side + 1));
  for (let row = 0; row < side; row += 1) {
    rows.set(pixels.subarray(row * side, (row + 1) * side), row * (side + 1) + 1);
  }
  const parts = [
    Uint8Array.from(SIGNATURE),
    chunk('IHDR', head),
    chunk('IDAT', zlibSync(rows, { level: 9 })),
    chunk('IEND', new Uint8Array()),
  ];
  const file = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}

export const isPng = (bytes: Uint8Array) => SIGNATURE.every((byte, at) => bytes[at] === byte);

/** What a byte was predicted from, by the filters of the format. */
function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  if (filter !== 4) return 0;
  const [toLeft, toUp, toCorner] = [up - corner, left - corner, left + up - 2 * corner].map(
    Math.abs,
  );
  if ((toLeft ?? 0) <= (toUp ?? 0) && (toLeft ?? 0) <= (toCorner ?? 0)) return left;
  return (toUp ?? 0) <= (toCorner ?? 0) ? up : corner;
}

/**
 * The grey levels of a PNG file of `side` × `side` pixels. Colours become their luma (ITU-R BT.601), and what
 * is transparent is black, as on the command line. Throws an error that says what is wrong with it.
 */
export function readPng(file: Uint8Array, side: number): Uint8Array {
  if (!isPng(file)) throw new Error('it is not a PNG image');
  let samples = 0;
  const data: Uint8Array[] = [];
  for (let at = 8; at + 12 <= file.length;) {
    const length = numberAt(file, at);
    const end = at + 8 + length;
    if (end + 4 > file.length) break;
    if (crcOf(file.subarray(at + 4, end)) !== numberAt(file, end)) {
      throw new Error('it is damaged: a checksum is wrong');
    }
    const type = String.fromCharCode(...file.subarray(at + 4, at + 8));
    const body = file.subarray(at + 8, end);
    if (type === 'IHDR' && length === 13) {
      const [width, height] = [numberAt(body, 0), numberAt(body, 4)];
      if (width !== side || height !== side) {
        throw new Error(`it has ${width}×${height} pixels, and ${side}×${side} are wanted`);
      }
      samples = (body[8] === 8 && body[12] === 0 && SAMPLES[body[9] ?? -1]) || 0;
      if (samples === 0) {
        throw new Error('it is neither grey nor RGB with 8 bits a sample, or it is interlaced');
      }
    } else if (type === 'IDAT') data.push(body);
    else if (type === 'IEND') return unfiltered(data, samples, side);
    at = end + 4;
  }
  throw new Error('it is cut short');
}

function unfiltered(data: readonly Uint8Array[], samples: number, side: number): Uint8Array {
  const packed = new Uint8Array(data.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of data) {
    packed.set(part, at);
    at += part.length;
  }
  const row = side * samples;
  const rows = new Uint8Array(side * (row + 1));
  // What unpacks to more than the image is no image.
  const unpacked = samples > 0 ? unzlibSync(packed, { out: rows }) : new Uint8Array();
  if (unpacked.length !== rows.length) throw new Error('it is cut short');
  const bytes = new Uint8Array(side * row);
  for (let y = 0; y < side; y += 1) {
    const filter = rows[y * (row + 1)] ?? 0;
    if (filter > 4) throw new Error('it is damaged: a filter is unknown');
    for (let x = 0; x < row; x += 1) {
      const here = y * row + x;
      const left = x >= samples ? (bytes[here - samples] ?? 0) : 0;
      const up = y > 0 ? (bytes[here - row] ?? 0) : 0;
      const corner = x >= samples && y > 0 ? (bytes[here - row - samples] ?? 0) : 0;
      bytes[here] = (rows[y * (row + 1) + 1 + x] ?? 0) + predicted(filter, left, up, corner);
    }
  }
  return Uint8Array.from({ length: side * side }, (_, pixel) => {
    const [first = 0, second = 0, third = 0, fourth = 255] = bytes.subarray(
      pixel * samples,
      (pixel + 1) * samples,
    );
    const isGrey = samples < 3;
    const grey = isGrey
      ? first
      : Math.floor((299 * first + 587 * second + 114 * third + 500) / 1000);
    const opaque = samples === 2 ? second : samples === 4 ? fourth : 255;
    return Math.floor((opaque * grey + 127) / 255);
  });
}
