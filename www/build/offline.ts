/** Puts the list of the build's files into the service worker, which keeps those and no others. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin, ResolvedConfig } from 'vite';

const PLACE = '/* FILES */ []';

export function offline(): Plugin {
  let config: ResolvedConfig;

  return {
    name: 'offline',
    apply: 'build',
    enforce: 'post',
    configResolved(resolved) {
      config = resolved;
    },
    generateBundle(_, bundle) {
      const source = readFileSync(join(config.root, 'www/src/offline/sw.js'), 'utf8');
      if (!source.includes(PLACE)) this.error(`sw.js has no place for the list: ${PLACE}`);
      const files = Object.keys(bundle).filter((file) => file !== 'index.html');
      this.emitFile({
        type: 'asset',
        fileName: 'sw.js',
        source: source.replace(PLACE, JSON.stringify(files.sort())),
      });
    },
  };
}
