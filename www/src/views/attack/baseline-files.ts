/**
 * Brings what the Worker of an ordinary network needs: its program, which is large and fetched
 * once, and its model.
 */
import models from 'virtual:models';
import programs from 'virtual:programs';
import programUrl from '../../../../pkg/ordinary/ordinary_bg.wasm?url';
import { DownloadError, fetchProgram, type OnProgress } from '../../assets/download.ts';
import type { Opponent } from '../../codec/link.ts';
import { fetchModel } from '../../assets/model-file.ts';
import type { Supply } from './client.svelte.ts';

const programBytes = programs.ordinary;
let program: WebAssembly.Module | null = null;

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
    program ??
      fetchProgram(programUrl, 'the program of the ordinary networks', programBytes, part(0)),
    fetchModel(file, part(1)),
  ]);
  program = fetched;
  return { model, hash: file.hash, scale, program };
}
