/** What kind of file it is, told by its first bytes: without the programs that read it. */

export const isZip = (bytes: Uint8Array) =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;

/** How many dimensions an IDX file of bytes has; 0 of any other file. */
export const idxDimensions = (bytes: Uint8Array) =>
  bytes[0] === 0 && bytes[1] === 0 && bytes[2] === 8 ? (bytes[3] ?? 0) : 0;
