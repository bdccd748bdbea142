/**
 * The WebAssembly modules of the page, and which of them are there.
 *
 * The first of them is built within minutes, the others take longer, and the page is served as soon
 * as the first is there. So the page is built without those that are missing: each is replaced by a
 * placeholder, which the views recognise by its size, `null`. `modules.json` tells the open page
 * when a later build has more of them.
 *
 * The sizes also give the downloads a progress: a Content-Length header counts other bytes when a
 * server compresses.
 */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Plugin, ResolvedConfig } from 'vite';

const MODULE = 'virtual:programs';
/** Those that the page can do without at first, and what their scripts export. */
const LATE = {
  baseline: ['BaselineNetwork'],
  gpu: ['GpuNetwork'],
  import: ['ImageImporter', 'mostBytes'],
  teach: ['Teacher'],
  train: ['PlaySession', 'TrainSession'],
} as const;
type Name = keyof typeof LATE;
const NAMES = Object.keys(LATE) as Name[];

const PATTERN = /pkg\/(baseline|gpu|import|teach|train)\/\1(_bg\.wasm\?url|\.js)$/;
const PLACEHOLDER = '\0not-built:';

function placeholder(name: Name, isScript: boolean): string {
  if (!isScript) return `export default '';`;
  const missing = `() => { throw new Error('The program "${name}" is not built yet.'); }`;
  return [
    `export default ${missing};`,
    ...LATE[name].map((exported) => `export const ${exported} = { open: ${missing} };`),
  ].join('\n');
}

/** Replaces the modules that are not there. Workers need it as well. */
export function modules(): Plugin {
  let config: ResolvedConfig;
  const fileOf = (name: string) => join(config.root, `pkg/${name}/${name}_bg.wasm`);
  const isBuilt = (name: string) => existsSync(fileOf(name));
  const sizeOf = (name: string) => (isBuilt(name) ? statSync(fileOf(name)).size : null);

  return {
    name: 'modules',
    enforce: 'pre',
    configResolved(resolved) {
      config = resolved;
    },
    resolveId(id) {
      if (id === MODULE) return `\0${MODULE}`;
      const [, name, file] = PATTERN.exec(id) ?? [];
      if (!name || isBuilt(name as Name)) return undefined;
      return `${PLACEHOLDER}${name}:${file === '.js' ? 'script' : 'address'}`;
    },
    load(id) {
      if (id.startsWith(PLACEHOLDER)) {
        const [name, kind] = id.slice(PLACEHOLDER.length).split(':');
        return placeholder(name as Name, kind === 'script');
      }
      if (id !== `\0${MODULE}`) return undefined;
      const sizes = ['certify', ...NAMES].map((name) => [name, sizeOf(name)]);
      return `export default ${JSON.stringify(Object.fromEntries(sizes))};`;
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        if (!request.url?.endsWith('/modules.json')) return next();
        response.setHeader('Content-Type', 'application/json');
        response.end(built());
      });
    },
    writeBundle() {
      // Last of all files: whoever finds a module in it finds the module.
      const isPage = config.command === 'build' && !config.isWorker;
      if (isPage) writeFileSync(resolve(config.root, config.build.outDir, 'modules.json'), built());
    },
  };

  function built(): string {
    const late = NAMES.map((name) => [name, isBuilt(name)]);
    return `${JSON.stringify({ certify: true, ...Object.fromEntries(late) })}\n`;
  }
}
