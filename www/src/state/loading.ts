/** Where the loading of the network stands. */
export type Loading =
  | { state: 'loading'; /** from 0 to 1 */ fraction: number }
  | { state: 'ready' }
  | { state: 'failed'; /** one sentence for the person at the page */ message: string };
