/**
 * Tells the page how large the programs that it loads late are, so that their downloads have a
 * progress: a Content-Length header counts other bytes when a server compresses.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

const MODULE = 'virtual:programs';
const NAMES = ['ordinary', 'train'];

export function programs(): Plugin {
  let root: string;
  return {
    name: 'programs',
    configResolved(config) {
      root = config.root;
    },
    resolveId(id) {
      return id === MODULE ? `\0${MODULE}` : undefined;
    },
    load(id) {
      if (id !== `\0${MODULE}`) return undefined;
      const sizes = NAMES.map((name) => {
        return [name, statSync(join(root, `pkg/${name}/${name}_bg.wasm`)).size];
      });
      return `export default ${JSON.stringify(Object.fromEntries(sizes))};`;
    },
  };
}
