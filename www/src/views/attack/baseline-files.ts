/** Fetches what the Worker of a baseline needs: its program, which is large and fetched once, and its model. */
import models from 'virtual:models';
import { DownloadError, type DownloadOptions } from '../../assets/download.ts';
import { fetchModel } from '../../assets/model-file.ts';
import { BASELINES, type BaselineName } from '../../codec/link.ts';
import { bytesToFetch, fetchProgram } from '../../wasm/programs.ts';
import type { Supply } from '../../workers/attack-protocol.ts';

const FOLDER = 'baseline';

/** The baselines that the page was built with. */
export const SHIPPED_BASELINES = BASELINES.filter((name) => `${FOLDER}/${name}` in models);

/** The program and the model of a baseline; `scale` is in ticks per level. */
export async function fetchBaseline(
  name: BaselineName,
  scale: number,
  { onProgress = () => {}, anew = false }: DownloadOptions,
): Promise<Supply> {
  const file = models[`${FOLDER}/${name}`];
  if (!file) throw new DownloadError(`This page was built without the network ${name}.`);
  const sizes = [bytesToFetch('baseline'), file.gzipBytes] as const;
  const done = [0, 0];
  const part = (index: 0 | 1) => (fraction: number) => {
    done[index] = fraction * sizes[index];
    onProgress(((done[0] ?? 0) + (done[1] ?? 0)) / (sizes[0] + sizes[1]));
  };
  const [program, model] = await Promise.all([
    fetchProgram('baseline', { onProgress: part(0), anew }),
    fetchModel(file, { onProgress: part(1), anew }),
  ]);
  return { model, hash: file.hash, scale, program };
}
