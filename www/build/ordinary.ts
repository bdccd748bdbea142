/**
 * Tells the page how large the program of the ordinary networks is, so that its download has a
 * progress: a Content-Length header counts other bytes when a server compresses.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

const MODULE = 'virtual:ordinary';

export function ordinary(): Plugin {
  let root: string;
  return {
    name: 'ordinary',
    configResolved(config) {
      root = config.root;
    },
    resolveId(id) {
      return id === MODULE ? `\0${MODULE}` : undefined;
    },
    load(id) {
      if (id !== `\0${MODULE}`) return undefined;
      const { size } = statSync(join(root, 'pkg/ordinary/ordinary_bg.wasm'));
      return `export const programBytes = ${size};`;
    },
  };
}
