/**
 * Ships each model of `www/public/models`, folders in it included, once, gzipped.
 *
 * Many static hosts compress no unknown file type, so the page unpacks the models itself. Their
 * sizes go into the page too: a download's progress must not depend on a Content-Length header,
 * which counts other bytes when a server adds an encoding of its own. So do the data set and the ε of
 * each, by which the page offers them before any has come.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Plugin, ResolvedConfig } from 'vite';
import { answerWith } from './serve.ts';

const MODULE = 'virtual:models';
const ENDING = '.safetensors';

/** A gzipped model, as the build emits it and the development server answers it. */
interface Packed {
  name: string;
  /** Path below the page's own address. */
  fileName: string;
  gzip: Buffer;
  rawBytes: number;
  hash: string;
  dataset: string;
  epsilon: string;
}

function isModel(file: string): boolean {
  return file.endsWith(ENDING);
}

/** What the metadata of a safetensors file says of its data set and its ε. */
function about(raw: Buffer): { dataset: string; epsilon: string } {
  const header = raw.subarray(8, 8 + Number(raw.readBigUInt64LE(0))).toString();
  const { __metadata__: metadata } = JSON.parse(header) as {
    __metadata__?: Record<string, string>;
  };
  return { dataset: metadata?.dataset ?? '', epsilon: metadata?.epsilon ?? '' };
}

function pack(folder: string, file: string): Packed {
  const raw = readFileSync(join(folder, file));
  const hash = createHash('sha256').update(raw).digest('hex').slice(0, 16);
  const name = file.slice(0, -ENDING.length);
  return {
    name,
    // The hash makes a cache, however stubborn, fetch a new model for a new page.
    fileName: `models/${name}-${hash.slice(0, 8)}${ENDING}.gz`,
    gzip: gzipSync(raw, { level: 9 }),
    rawBytes: raw.length,
    hash,
    ...about(raw),
  };
}

export function models(): Plugin {
  let config: ResolvedConfig;
  let packed: Packed[] = [];

  return {
    name: 'models',
    configResolved(resolved) {
      config = resolved;
    },
    buildStart() {
      const folder = join(config.publicDir, 'models');
      const files = existsSync(folder)
        ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(isModel)
        : [];
      if (files.length === 0) {
        this.error(`no model in ${folder}: train and export one there, see README.md`);
      }
      packed = files.sort().map((file) => pack(folder, file));
    },
    resolveId(id) {
      return id === MODULE ? `\0${MODULE}` : undefined;
    },
    load(id) {
      if (id !== `\0${MODULE}`) return undefined;
      const entries = packed.map(({ name, fileName, gzip, rawBytes, hash, dataset, epsilon }) => {
        if (config.command === 'build') this.emitFile({ type: 'asset', fileName, source: gzip });
        const gzipBytes = gzip.length;
        return [name, { path: fileName, gzipBytes, rawBytes, hash, dataset, epsilon }];
      });
      return `export default ${JSON.stringify(Object.fromEntries(entries))};`;
    },
    configureServer(server) {
      answerWith(server, () =>
        packed.map(({ fileName, gzip }) => ({ path: fileName, bytes: gzip })),
      );
    },
    closeBundle() {
      // The public folder was copied whole; its models are already there, packed.
      const copies = resolve(config.root, config.build.outDir, 'models');
      if (config.command !== 'build' || !existsSync(copies)) return;
      for (const file of readdirSync(copies, { recursive: true, encoding: 'utf8' })) {
        if (isModel(file)) rmSync(join(copies, file));
      }
    },
  };
}
