import { expect, test } from 'vitest';
import type { Preset, TrainConfig } from '../wasm/types.ts';
import {
  fits,
  MOST_STEPS,
  NUMBERS,
  nearestPreset,
  readHyperparameters,
  stepsOf,
  widthsFromText,
  withLoss,
  writeHyperparameters,
} from './hyperparameters.ts';

const config = {
  dataset: 'mnist',
  epsilon: '0.3',
  images: 10_000,
  seed: 1,
  hidden: [128, 128],
  weight_init: 'identity',
  batch: 64,
  random_shift: 1,
  random_shift_probability: 0.5,
  epochs_start: 2,
  epochs_growth: 5,
  epochs_inf: 1,
  p_start: 8,
  p_end: 1000,
  learning_rate: 0.02,
  epsilon_train: 0.36,
  loss: { mixture: { lambda_start: 0.1, lambda_end: 0.000_002 } },
  prune_from_epoch: 4,
  prune_tolerance: 0.01,
  held_out: 5_000,
  changed_at: [],
} as unknown as TrainConfig;
const hinge = { hinge: { weight_decay: 0.005 } } as unknown as TrainConfig['loss'];

const presets: Preset[] = [
  { name: 'look', config },
  { name: 'hinge', config: { ...config, loss: hinge, prune_from_epoch: 0, hidden: [256] } },
  { name: 'standard', config: { ...config, images: 55_000 } },
  {
    name: 'look-fashion',
    config: { ...config, dataset: 'fashion-mnist', epsilon: '0.1', epsilon_train: 0.11 },
  },
];

test('a preset is written by its name, and what differs from it after that', () => {
  expect(writeHyperparameters('look', config, presets)).toBe('look');
  const changed = { ...config, batch: 100, seed: 5, hidden: [20, 30] };
  expect(writeHyperparameters('look', changed, presets)).toBe('look~hidden:20x30~batch:100~seed:5');
});

test('hyperparameters come back from a link as they went in', () => {
  for (const changed of [
    config,
    { ...config, batch: 100, weight_init: 'signed_identity' as const },
    withLoss({ ...config, seed: 9 }, 'hinge', presets),
    { ...config, dataset: 'fashion-mnist', epsilon: '0.1', epsilon_train: 0.11, p_start: 9.5 },
  ]) {
    const text = writeHyperparameters('look', changed, presets);
    expect(readHyperparameters(text, presets)).toEqual({
      name: 'look',
      config: changed,
      unreadable: [],
    });
  }
});

test('what cannot be read is named and stays as in the preset', () => {
  const read = readHyperparameters(
    'look~batch:2.5~epsilon:1.5~seed:20240101~hidden:none~data:nowhere~crop:1~images:',
    presets,
  );
  expect(read?.config).toEqual({ ...config, seed: 20_240_101 });
  expect(read?.unreadable.toSorted()).toEqual([
    'batch',
    'crop',
    'data',
    'epsilon',
    'hidden',
    'images',
  ]);
  expect(readHyperparameters('nowhere~seed:1', presets)).toBeNull();
});

test('the weight decay of the hinge loss keeps all weights', () => {
  expect(withLoss(config, 'hinge', presets).prune_from_epoch).toBe(0);
});

test('a configuration belongs to the preset from which it differs least', () => {
  const other = { ...config, loss: hinge, prune_from_epoch: 0, hidden: [256], seed: 3 };
  expect(nearestPreset('look', other, presets)).toBe('hinge');
  expect(nearestPreset('look', { ...config, seed: 3 }, presets)).toBe('look');
});

test('a number is taken within its range, and whole where it counts something', () => {
  const batch = NUMBERS.find(({ key }) => key === 'batch');
  if (!batch) throw new Error('there is no batch');
  expect([2, 4096].every((value) => fits(batch, value))).toBe(true);
  expect([1, 4097, 2.5, NaN].some((value) => fits(batch, value))).toBe(false);
  expect(widthsFromText('256, 256x10')).toEqual([256, 256, 10]);
  expect(widthsFromText('256, 0')).toBeNull();
});

test('the steps of a run are counted before it is begun', () => {
  const { config } = readHyperparameters(
    'look~images:55000~batch:2~epochs_start:1000~epochs_growth:1000~epochs_inf:1000',
    presets,
  ) ?? { config: null };
  expect(config && stepsOf(config)).toBe(82_500_000);
  for (const { config } of presets) expect(stepsOf(config)).toBeLessThan(MOST_STEPS);
});
