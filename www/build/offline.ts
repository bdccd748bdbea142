/**
 * Builds the service worker, with the list of what it keeps.
 *
 * It is a program of its own, bundled with Workbox. The list names every file of the build with its
 * SHA-256, so that a wrong answer of a server (a host's fallback page, a cut body) is never kept
 * under the name of a file. What every visit needs is fetched at once; the rest is kept once a
 * visitor has needed it.
 *
 * vite-plugin-pwa would do the bundling as well, but lists files after the build by patterns, without
 * digests, and knows two kinds of files less.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { build, type Plugin, type ResolvedConfig } from 'vite';

/** What the first visit needs: of the late programs, models and data nothing. */
const LATER = [
  /^assets\/(train|baseline)[._]/,
  /^assets\/(Train|Attack|Measure|uPlot)[.-]/,
  /worker/,
  /^(training|testing)\//,
  /^models\//,
  /^preview\.png$/,
];
const DEFAULT_MODEL = /^models\/mnist-eps0\.3-/;

interface KeptFile {
  url: string;
  /** Every SHA-256 that its body may have, in the form of an integrity attribute. */
  integrity: string;
}

const isLater = (name: string) =>
  LATER.some((pattern) => pattern.test(name)) && !DEFAULT_MODEL.test(name);

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
      const worker = await build({
        configFile: false,
        root: config.root,
        logLevel: 'warn',
        publicDir: false,
        define: {
          'process.env.NODE_ENV': JSON.stringify('production'),
          PRECACHED: JSON.stringify(files.filter(({ url }) => !isLater(url))),
          KEPT_LATER: JSON.stringify(files.filter(({ url }) => isLater(url))),
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
