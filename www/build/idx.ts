/** The files of the data sets, as the build reads them. */
import { readFileSync } from 'node:fs';

/** Reads an IDX file whose items are `itemBytes` bytes each, after a header of `header` words. */
export function readIdx(path: string, magic: number, header: number, itemBytes: number): Buffer {
  let file: Buffer;
  try {
    file = readFileSync(path);
  } catch {
    throw new Error(`cannot read ${path}: run scripts/data.sh to fetch the data sets`);
  }
  const found = file.length >= 8 ? file.readUInt32BE(0) : NaN;
  if (found !== magic) {
    throw new Error(`${path} is no IDX file: it starts with ${found}, not ${magic}`);
  }
  const body = file.subarray(4 * header);
  const promised = file.readUInt32BE(4) * itemBytes;
  if (body.length !== promised) {
    throw new Error(`${path} holds ${body.length} bytes of data; its header says ${promised}`);
  }
  return body;
}
