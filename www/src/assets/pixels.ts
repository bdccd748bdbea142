/** The images that the network sees. */

/** Pixels along one side. */
export const SIDE = 28;

/** `SIDE` × `SIDE` levels, row by row, 0 background (black) to 255 ink (white). */
export type Pixels = Uint8Array;
