/** The budgets of what visitors download, as it is transferred; a kB is 1,000 bytes. */
import { readdirSync } from 'node:fs';

/** A module is needed before its view can answer; that of the exact network comes first of all. */
const module = (name, limit) => ({
  name: `WebAssembly: ${name}`,
  path: `pkg/${name}/${name}_bg.wasm`,
  limit,
  brotli: true,
});

/** Every model of a folder, by itself. Hosts compress no unknown type, so the build packs them with gzip. */
const models = (folder, limit) =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.safetensors'))
    .map((file) => ({ name: `model: ${file}`, path: `${folder}/${file}`, limit, gzip: true }));

export default [
  module('certify', '200 kB'),
  module('baseline', '200 kB'),
  module('gpu', '200 kB'),
  module('import', '200 kB'),
  module('teach', '200 kB'),
  module('train', '2500 kB'),
  ...models('www/public/models', '1500 kB'),
  ...models('www/public/models/baseline', '400 kB'),
];
