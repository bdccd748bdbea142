/**
 * Brings what the Worker of an ordinary network needs: its program, which is large and fetched
 * once, and its model.
 */
import models from 'virtual:models';
import { programBytes } from 'virtual:ordinary';
import programUrl from '../../../pkg/ordinary/ordinary_bg.wasm?url';
import { DownloadError, download, type OnProgress } from '../lib/bytes.ts';
import type { Opponent } from '../lib/link.ts';
import { fetchModel } from '../lib/model-file.ts';
import type { Supply } from './contender.svelte.ts';

let program: WebAssembly.Module | null = null;

async function fetchProgram(onProgress: OnProgress): Promise<WebAssembly.Module> {
  const what = 'the program of the ordinary networks';
  const bytes = await download(programUrl, what, () => programBytes, onProgress);
  try {
    return await WebAssembly.compile(bytes);
  } catch {
    throw new DownloadError(`The file of ${what} is damaged.`);
  }
}

/** The program and the model of an ordinary network; `scale` is in units per level. */
export async function fetchOrdinary(
  opponent: Opponent,
  scale: number,
  onProgress: OnProgress,
): Promise<Supply> {
  const file = models[`ordinary/${opponent}`];
  if (!file) throw new DownloadError(`This page was built without the network ${opponent}.`);
  const sizes = [program ? 0 : programBytes, file.gzipBytes] as const;
  const done = [0, 0];
  const part = (index: 0 | 1) => (fraction: number) => {
    done[index] = fraction * sizes[index];
    onProgress(((done[0] ?? 0) + (done[1] ?? 0)) / (sizes[0] + sizes[1]));
  };
  const [fetched, model] = await Promise.all([
    program ?? fetchProgram(part(0)),
    fetchModel(file, part(1)),
  ]);
  program = fetched;
  return { model, hash: file.hash, scale, program };
}
