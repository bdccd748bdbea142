/** The types of the WebAssembly modules. Nothing else of the page names their files. */
export type {
  AttackInfo,
  AttackName,
  AttackProgress,
  Bounds,
  Certificate,
  CriticalPixel,
  ModelInfo,
  Perturbed,
} from '../../../pkg/certify/certify.js';
export type {
  ImportOptions,
  ImportOutcome,
  ImportedClass,
  ImportedSet,
  LabelledOutcome,
} from '../../../pkg/import/import.js';
export type {
  Hyperparameters,
  LossConfig,
  Metrics,
  PlayConfig,
  PlayFrame,
  PlayHyperparameters,
  PlayNet,
  PlayTruth,
  PlayUnits,
  OwnImages,
  Preset,
  Reply,
  Request,
  Shard,
  StepPoint,
  TrainConfig,
  WeightInit,
} from '../../../pkg/train/train.js';
