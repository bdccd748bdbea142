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

/** The device that an address asks for. */
export function deviceChoice(search: string): DeviceChoice {
  const asked = new URLSearchParams(search).get('device');
  return asked === 'webgpu' || asked === 'cpu' ? asked : 'auto';
}
