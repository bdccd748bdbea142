/** Networks that are measured, in a Worker: exact ones and baselines by one interface. */
import initBaseline, { BaselineNetwork } from '../../../pkg/baseline/baseline.js';
import initCertify, { Certifier } from '../../../pkg/certify/certify.js';
import type { Certificates, Opening, Target } from '../workers/measure-protocol.ts';

export interface MeasureEngine {
  certify(pixels: Uint8Array): Certificates;
  /** The radius of the smallest flip in ticks; -1 where none is found. */
  smallestFlip(target: Target, queries: number, seed: number): number;
}

export async function openMeasureEngine(opening: Opening): Promise<MeasureEngine> {
  const { kind, model, program, scale } = opening;
  // Each of the modules is started once, whatever is opened afterwards.
  if (kind === 'exact') await initCertify({ module_or_path: program });
  else await initBaseline({ module_or_path: program });
  const network = kind === 'exact' ? new Certifier(model) : new BaselineNetwork(model, scale);
  return {
    certify: (pixels) => network.certifyAll(pixels) as Certificates,
    smallestFlip: ({ pixels, label, ibpRadiusTicks, index }, queries, seed) =>
      network.smallestFlip(pixels, label, ibpRadiusTicks, queries, seed, index),
  };
}
