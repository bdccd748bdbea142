/**
 * The hyperparameters of a run: what they may be, and their form in a link.
 *
 * A link holds the name of a preset and what differs from it: "look~batch:100~seed:5".
 */
import type { LossConfig, Preset, TrainConfig, WeightInit } from '../wasm/types.ts';

/** The presets that the page offers, in this order, by their names on the command line. */
export const OFFERED = ['look', 'quick', 'standard', 'hinge'] as const;

/** A hyperparameter that is a number. */
export interface NumberHyperparameter {
  key:
    | 'images'
    | 'random_shift'
    | 'random_shift_probability'
    | 'batch'
    | 'epochs_start'
    | 'epochs_growth'
    | 'epochs_inf'
    | 'p_start'
    | 'p_end'
    | 'prune_from_epoch'
    | 'learning_rate'
    | 'epsilon_train'
    | 'seed';
  group: 'data' | 'recipe' | 'schedule';
  min: number;
  max: number;
  step: number | 'any';
  /** Whether it can be changed while training. */
  live?: boolean;
}

export const NUMBERS: readonly NumberHyperparameter[] = [
  { key: 'images', group: 'data', min: 1, max: 55_000, step: 1 },
  { key: 'random_shift', group: 'data', min: 0, max: 4, step: 1 },
  { key: 'random_shift_probability', group: 'data', min: 0, max: 1, step: 'any' },
  { key: 'batch', group: 'recipe', min: 2, max: 4096, step: 1 },
  { key: 'epochs_start', group: 'schedule', min: 0, max: 1000, step: 1 },
  { key: 'epochs_growth', group: 'schedule', min: 0, max: 1000, step: 1 },
  { key: 'epochs_inf', group: 'schedule', min: 0, max: 1000, step: 1 },
  { key: 'p_start', group: 'schedule', min: 1, max: 1000, step: 'any' },
  { key: 'p_end', group: 'schedule', min: 1, max: 1000, step: 'any' },
  { key: 'prune_from_epoch', group: 'schedule', min: 0, max: 1000, step: 1 },
  { key: 'learning_rate', group: 'recipe', min: 0.000001, max: 10, step: 'any', live: true },
  { key: 'epsilon_train', group: 'recipe', min: 0.001, max: 2, step: 'any', live: true },
  { key: 'seed', group: 'data', min: 0, max: Number.MAX_SAFE_INTEGER, step: 1 },
];

/** Images of a training set, those that are held out among them. */
export const TRAINING_IMAGES = 60_000;

/** Images that a run is trained on. */
export const imagesOf = ({ images, held_out }: TrainConfig) =>
  Math.min(images ?? TRAINING_IMAGES, TRAINING_IMAGES - held_out);

/** Steps of the whole schedule. */
export function stepsOf(config: TrainConfig): number {
  const epochs = config.epochs_start + config.epochs_growth + config.epochs_inf;
  return epochs * Math.floor(imagesOf(config) / config.batch);
}

/** The trainer takes no longer runs. */
export const MOST_STEPS = 1_000_000;

/** f32 numbers as people write them: 0.02, not 0.019999999552965164. */
export const plain = (value: number) => Number(value.toPrecision(6));

/** Whether a hyperparameter can have this value. */
export function fits({ min, max, step }: NumberHyperparameter, value: number): boolean {
  return value >= min && value <= max && (step === 'any' || Number.isInteger(value));
}

/** Whether a radius is one of full scale, as the library reads it. */
export const isRadius = (text: string) => /^(0(\.\d{1,6})?|1(\.0{1,6})?)$/.test(text);

/** A hyperparameter's value as it is shown and written: whole numbers are what they are. */
export const shown = ({ step }: NumberHyperparameter, value: number) =>
  step === 1 ? value : plain(value);

export const widthsToText = (hidden: readonly number[]) => hidden.join(', ');
/** The widths, or `null` if the text names none. */
export function widthsFromText(text: string): number[] | null {
  const widths = text.split(/[\s,x]+/).filter(Boolean);
  const valid = widths.length > 0 && widths.every((width) => /^[1-9]\d{0,3}$/.test(width));
  return valid ? widths.map(Number) : null;
}

/** What the weights of a layer may start as. */
export const WEIGHT_INITS: readonly WeightInit[] = ['identity', 'signed_identity', 'normal'];

export type LossName = 'mixture' | 'hinge';
export const lossName = (loss: LossConfig): LossName => ('hinge' in loss ? 'hinge' : 'mixture');

const preset = (presets: readonly Preset[], name: string) =>
  presets.find((preset) => preset.name === name)?.config;

/**
 * The configuration with another loss, with the parameters that the library's presets give it. The
 * weight decay of the hinge loss needs all weights.
 */
export function withLoss(
  config: TrainConfig,
  loss: LossName,
  presets: readonly Preset[],
): TrainConfig {
  const source = preset(presets, loss === 'hinge' ? 'hinge' : 'standard');
  if (!source) return config;
  const prune_from_epoch = loss === 'hinge' ? 0 : (config.prune_from_epoch ?? 0);
  return { ...config, loss: source.loss, prune_from_epoch };
}

/**
 * The configuration for another data set, with the radii and the shift that the preset called
 * `name` has for it, or the library's first preset of that data set.
 */
export function withDataset(
  config: TrainConfig,
  dataset: string,
  name: string,
  presets: readonly Preset[],
): TrainConfig {
  if (config.dataset === dataset) return config;
  const usual = preset(presets, name);
  const source =
    usual?.dataset === dataset
      ? usual
      : presets.find(({ config }) => config.dataset === dataset)?.config;
  if (!source) return config;
  const { random_shift, random_shift_probability, epsilon, epsilon_train } = source;
  return {
    ...config,
    dataset,
    random_shift,
    random_shift_probability,
    epsilon,
    epsilon_train,
  };
}

const SEPARATOR = '~';

/** The text of a configuration in a link. */
export function writeHyperparameters(
  name: string,
  config: TrainConfig,
  presets: readonly Preset[],
): string {
  const usual = preset(presets, name);
  if (!usual) return '';
  const words = [name];
  const different = (key: string, value: string | number, other: string | number) => {
    if (value !== other) words.push(`${key}:${value}`);
  };
  different('data', config.dataset, usual.dataset);
  different('hidden', config.hidden.join('x'), usual.hidden.join('x'));
  different('weight_init', config.weight_init ?? '', usual.weight_init ?? '');
  different('loss', lossName(config.loss), lossName(usual.loss));
  const base = withDataset(usual, config.dataset, name, presets);
  different('epsilon', config.epsilon, base.epsilon);
  for (const number of NUMBERS) {
    const [value, other] = [config[number.key] ?? NaN, base[number.key] ?? NaN];
    different(number.key, shown(number, value), shown(number, other));
  }
  return words.join(SEPARATOR);
}

/**
 * The configuration of a text that `writeHyperparameters` wrote. What cannot be read stays as in
 * the preset, and its names are told. `null` if the text names no known preset.
 */
export function readHyperparameters(
  text: string,
  presets: readonly Preset[],
): { name: string; config: TrainConfig; unreadable: readonly string[] } | null {
  const [name = '', ...words] = text.split(SEPARATOR);
  const usual = preset(presets, name);
  if (!usual) return null;
  const said = new Map(words.map((word) => word.split(':', 2) as [string, string]));
  const unreadable: string[] = [];
  /** What `parse` makes of the text under `key`; nothing where the link does not say or it makes no sense. */
  const read = <Value>(key: string, parse: (text: string) => Value | null | undefined) => {
    const word = said.get(key);
    said.delete(key);
    if (word === undefined) return undefined;
    const value = parse(word) ?? undefined;
    if (value === undefined) unreadable.push(key);
    return value;
  };

  const datasets = new Set(presets.map(({ config }) => config.dataset));
  const dataset = read('data', (text) => (datasets.has(text) ? text : null));
  let config = withDataset(usual, dataset ?? usual.dataset, name, presets);
  const weight_init = read('weight_init', (text) => WEIGHT_INITS.find((init) => init === text));
  if (weight_init) config = { ...config, weight_init };
  const loss = read('loss', (text) => (['hinge', 'mixture'] as const).find((one) => one === text));
  if (loss) config = withLoss(config, loss, presets);
  const hidden = read('hidden', widthsFromText);
  if (hidden) config = { ...config, hidden };
  const epsilon = read('epsilon', (text) => (isRadius(text) ? text : null));
  if (epsilon) config = { ...config, epsilon };
  for (const number of NUMBERS) {
    const value = read(number.key, (text) =>
      text !== '' && fits(number, Number(text)) ? Number(text) : null,
    );
    if (value !== undefined) config = { ...config, [number.key]: value };
  }
  return { name, config, unreadable: [...unreadable, ...said.keys()] };
}

/** The preset from which a configuration differs least: `name`, or one of those that are offered. */
export function nearestPreset(
  name: string,
  config: TrainConfig,
  presets: readonly Preset[],
): string {
  const differences = (other: string) =>
    writeHyperparameters(other, config, presets).split(SEPARATOR).length;
  return OFFERED.filter((offered) => preset(presets, offered)).reduce<string>(
    (best, next) => (differences(next) < differences(best) ? next : best),
    name,
  );
}
