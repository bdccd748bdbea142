/**
 * Builds the service worker, with the list of what it keeps.
 *
 * It is a program of its own, bundled with Workbox. The list names every file of the build with its
 * SHA-256, so that a wrong answer of a server (a host's fallback page, a cut body) is never kept
 * under the name of a file. What the first view needs, and what is only read, is fetched at once; all the
 * rest, a view or a module that is added among it, is kept once a visitor has needed it.
 *
 * vite-plugin-pwa would do the bundling as well, but lists files after the build by patterns, without
 * digests, and knows two kinds of files less.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { build, type Plugin, type ResolvedConfig, type Rolldown } from 'vite';

/** Views that compute nothing of their own: whoever is offline may read them. */
const READ = ['views/learn/Learn.svelte', 'views/about/About.svelte'];

/** Beside its scripts and styles, this is what the first view needs. */
const FIRST = [
  /^index\.html$/,
  /^assets\/certify_bg-[^/]*\.wasm$/,
  /^models\/mnist-eps0\.3-/,
  /^test-images-mnist-/,
];

interface KeptFile {
  url: string;
  /** Every SHA-256 that its body may have, in the form of an integrity attribute. */
  integrity: string;
}

/** The scripts and styles that the page imports as it starts, those of `READ`, and those that these import. */
function startOf(bundle: Rolldown.OutputBundle): Set<string> {
  const found = new Set<string>();
  const add = (name: string) => {
    if (found.has(name)) return;
    found.add(name);
    const chunk = bundle[name];
    if (chunk?.type !== 'chunk') return;
    for (const style of chunk.viteMetadata?.importedCss ?? []) found.add(style);
    chunk.imports.forEach(add);
  };
  for (const [name, file] of Object.entries(bundle)) {
    if (file.type !== 'chunk') continue;
    if (file.isEntry || READ.some((view) => file.facadeModuleId?.endsWith(view))) add(name);
  }
  return found;
}

function digestOf(body: Buffer): string {
  return `sha256-${createHash('sha256').update(body).digest('base64')}`;
}

function listed(folder: string, names: readonly string[]): KeptFile[] {
  return names.toSorted().map((url) => {
    const file = readFileSync(join(folder, url));
    // A server may declare a gzipped file as encoded, and the browser then unpacks it.
    const bodies = file[0] === 0x1f && file[1] === 0x8b ? [file, gunzipSync(file)] : [file];
    return { url, integrity: bodies.map(digestOf).join(' ') };
  });
}

export function offline(): Plugin {
  let config: ResolvedConfig;

  return {
    name: 'offline',
    apply: 'build',
    enforce: 'post',
    configResolved(resolved) {
      config = resolved;
    },
    // As they were written: plugins change some of them until then.
    async writeBundle(_, bundle) {
      const folder = resolve(config.root, config.build.outDir);
      const files = listed(folder, Object.keys(bundle));
      const start = startOf(bundle);
      const isFirst = ({ url }: KeptFile) =>
        start.has(url) || FIRST.some((pattern) => pattern.test(url));
      const worker = await build({
        configFile: false,
        root: config.root,
        logLevel: 'warn',
        publicDir: false,
        define: {
          'process.env.NODE_ENV': JSON.stringify('production'),
          PRECACHED: JSON.stringify(files.filter(isFirst)),
          KEPT_LATER: JSON.stringify(files.filter((file) => !isFirst(file))),
        },
        build: {
          write: false,
          target: config.build.target || undefined,
          rollupOptions: {
            input: join(config.root, 'www/src/offline/sw.ts'),
            output: { format: 'iife', entryFileNames: 'sw.js' },
          },
        },
      });
      const output = (Array.isArray(worker) ? worker : [worker]).flatMap((result) =>
        'output' in result ? result.output : [],
      );
      const chunk = output.find((one) => one.type === 'chunk');
      if (!chunk) this.error('the service worker was not built');
      writeFileSync(join(folder, 'sw.js'), chunk.code);
    },
  };
}
