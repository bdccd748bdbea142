/** Where the page comes from, and under which terms. */

/** The address of the repository, where the build was told one: `LINF_SOURCE_URL`. */
export const SOURCE = SOURCE_URL;

export const LICENSES = {
  page: 'This page, its programs and its models: MIT or Apache 2.0, at your choice.',
  others: [
    { what: 'MNIST images', licence: 'Yann LeCun, Corinna Cortes and Christopher Burges' },
    { what: 'Fashion-MNIST images', licence: 'MIT, Zalando SE' },
    { what: 'Svelte, uPlot, Workbox', licence: 'MIT' },
    { what: 'idb-keyval', licence: 'Apache 2.0' },
    { what: 'Burn and CubeCL, in the training program', licence: 'MIT or Apache 2.0' },
  ],
};
