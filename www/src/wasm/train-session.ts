/** The training session, in a Worker. */
import init, { TrainSession } from '../../../pkg/train/train.js';
import type { Opening } from '../workers/train-protocol.ts';

export type { TrainSession };

export async function openTrainSession({ device, program }: Opening): Promise<TrainSession> {
  await init({ module_or_path: program });
  return TrainSession.open(device);
}
