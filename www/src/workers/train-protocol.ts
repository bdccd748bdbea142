/** The messages between the page and the training Worker: those of the session, and the opening. */
import type { Request } from '../wasm/types.ts';

/** What a run may be trained on; `auto` takes the GPU unless it is only imitated. */
export type DeviceChoice = 'auto' | 'webgpu' | 'cpu';

/** The first message to the Worker. */
export interface Opening {
  type: 'open';
  device: DeviceChoice;
  /** The compiled program, which the page has loaded for it. */
  program: WebAssembly.Module;
}

export type ToWorker = Opening | Request;

/** Held-out images that the charts measure; the end of a run is measured on all. */
export const CHART_IMAGES = 1_000;
export const ALL_IMAGES = 60_000;

/** So many measurements of a run are at steps that its schedule alone decides. */
const FIXED_MEASUREMENTS = 24;

/**
 * Steps until the next one that is measured however fast the machine is. What the page concludes from
 * measurements, it concludes from these: another machine comes to the same.
 */
export function stepsToFixed(iteration: number, iterations: number): number {
  const stride = Math.max(1, Math.ceil(iterations / FIXED_MEASUREMENTS));
  return stride - (iteration % stride);
}

/** Whether this step is measured however fast the machine is. */
export const isFixed = (iteration: number, iterations: number) =>
  iteration > 0 && stepsToFixed(iteration - 1, iterations) === 1;

/** The device that an address asks for. */
export function deviceChoice(search: string): DeviceChoice {
  const asked = new URLSearchParams(search).get('device');
  return asked === 'webgpu' || asked === 'cpu' ? asked : 'auto';
}
