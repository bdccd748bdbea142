declare module 'virtual:models' {
  /** Every shipped model by its name, for instance `mnist-eps0.3` or `ordinary/relu`. */
  const models: Record<string, import('./lib/model-file.ts').ModelFile>;
  export default models;
}

declare module 'virtual:test-digits' {
  /** Where the test digits lie, relative to the page, and how many there are. */
  const file: { path: string; count: number };
  export default file;
}

declare module 'virtual:ordinary' {
  /** Size of the program of the ordinary networks, as it runs. */
  export const programBytes: number;
}

declare module 'virtual:training-data' {
  /** The shards of each data set that this page was built with, in the order of its images. */
  const shards: Record<string, import('./train/training-data.ts').ShardFile[]>;
  export default shards;
}
