/** The WebAssembly programs of the page, each fetched and compiled once for whoever runs it. */
import bytes from 'virtual:programs';
import baselineUrl from '../../../pkg/baseline/baseline_bg.wasm?url';
import certifyUrl from '../../../pkg/certify/certify_bg.wasm?url';
import gpuUrl from '../../../pkg/gpu/gpu_bg.wasm?url';
import importUrl from '../../../pkg/import/import_bg.wasm?url';
import teachUrl from '../../../pkg/teach/teach_bg.wasm?url';
import trainUrl from '../../../pkg/train/train_bg.wasm?url';
import { DownloadError, download, type DownloadOptions } from '../assets/download.ts';

export type ProgramName = keyof typeof bytes;

const PROGRAMS = {
  certify: { url: certifyUrl, what: 'the program of this page' },
  baseline: { url: baselineUrl, what: 'the program of the baseline networks' },
  gpu: { url: gpuUrl, what: 'the program for the GPU' },
  import: { url: importUrl, what: 'the program that reads images' },
  teach: { url: teachUrl, what: 'the program that teaches' },
  train: { url: trainUrl, what: 'the training program' },
} as const;

const compiled: Partial<Record<ProgramName, WebAssembly.Module>> = {};

/** Whether this build of the page has the program; one that is still being built has it not. */
export const isBuilt = (name: ProgramName) => bytes[name] !== null;

/** Bytes that are still to be fetched before the program can run. */
export const bytesToFetch = (name: ProgramName) => (compiled[name] ? 0 : (bytes[name] ?? 0));

/** The compiled program. Throws a `DownloadError`. */
export async function fetchProgram(
  name: ProgramName,
  options: DownloadOptions,
): Promise<WebAssembly.Module> {
  const known = compiled[name];
  if (known) return known;
  const { url, what } = PROGRAMS[name];
  const program = await download(url, what, () => bytes[name] ?? 0, options);
  try {
    return (compiled[name] = await WebAssembly.compile(program));
  } catch {
    throw new DownloadError(`The file of ${what} is damaged.`);
  }
}
