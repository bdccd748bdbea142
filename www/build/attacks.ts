/**
 * The attacks that the page offers: those that the exact network's module has registered. The list is
 * part of the page, so that it is there before the module is.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Plugin } from 'vite';

const MODULE = 'virtual:attacks';

export function attacks(): Plugin {
  let root: string;
  return {
    name: 'attacks',
    configResolved(config) {
      root = config.root;
    },
    resolveId: (id) => (id === MODULE ? `\0${MODULE}` : undefined),
    async load(id) {
      if (id !== `\0${MODULE}`) return undefined;
      const script = pathToFileURL(join(root, 'pkg/certify/certify.js')).href;
      const certify = (await import(script)) as typeof import('../../pkg/certify/certify.js');
      certify.initSync({ module: readFileSync(join(root, 'pkg/certify/certify_bg.wasm')) });
      return `export default ${JSON.stringify(certify.attacks())};`;
    },
  };
}
