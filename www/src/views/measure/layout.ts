/** Pixels that the chart and the slider under it share, so that both end at the same places. */

/** Width of the vertical axis. */
export const AXIS = 52;
/** What is left free at the right end. */
export const END = 16;
