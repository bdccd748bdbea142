declare module 'virtual:attacks' {
  /** The attacks that the exact network's module has, in their order. */
  const attacks: import('./wasm/types.ts').AttackInfo[];
  export default attacks;
}

declare module 'virtual:models' {
  /** Every shipped model by its name, for instance `mnist-eps0.3` or `baseline/relu`. */
  const models: Record<string, import('./assets/model-file.ts').ModelFile>;
  export default models;
}

declare module 'virtual:test-images' {
  /** Of each data set: where its test images lie, relative to the page, and how many there are. */
  const files: Record<string, { path: string; count: number }>;
  export default files;
}

declare module 'virtual:programs' {
  /**
   * Sizes in bytes of the programs, as they run; `null` of one that was not built yet when the page
   * was.
   */
  const bytes: Record<'certify' | 'baseline' | 'gpu' | 'import' | 'teach' | 'train', number | null>;
  export default bytes;
}

declare module 'virtual:image-shards' {
  /** The shards of each data set that this page was built with, in the order of its images. */
  const shards: Record<
    import('./assets/image-shards.ts').Split,
    Record<string, import('./assets/image-shards.ts').ShardFile[]>
  >;
  export default shards;
}

/** The version of the page, from package.json. */
declare const PAGE_VERSION: string;

/** The address of the repository; empty where the build was told none. */
declare const SOURCE_URL: string;
