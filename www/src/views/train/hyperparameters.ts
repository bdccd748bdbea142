/** What can be turned before a run and during it: names, explanations, and their form in a link. */
import type { LossConfig, Preset, Start, TrainConfig } from '../../../../pkg/train/train.js';

/** The presets that the page offers, in this order, by their names on the command line. */
export const OFFERED: readonly { name: string; title: string; says: string }[] = [
  {
    name: 'look',
    title: 'Quick look',
    says: 'A small network on 10,000 images: enough to see the certificate appear.',
  },
  {
    name: 'quick',
    title: 'Small',
    says: 'Twice as wide, on all images: a network worth drawing on.',
  },
  {
    name: 'standard',
    title: 'Standard',
    says: 'What the first of the two nets for MNIST at ε = 0.3 that this page ships began with: a matter for a GPU.',
  },
  {
    name: 'hinge',
    title: 'Paper recipe, small',
    says: 'Hinge loss and weight decay as in the first paper, with fewer units and epochs.',
  },
];

/** A knob that is a number. */
export interface NumberKnob {
  key:
    | 'images'
    | 'batch'
    | 'crop'
    | 'crop_share'
    | 'epochs_start'
    | 'epochs_growth'
    | 'epochs_inf'
    | 'p_start'
    | 'p_end'
    | 'thin_after'
    | 'learning_rate'
    | 'epsilon_train'
    | 'seed';
  group: 'data' | 'recipe' | 'schedule';
  label: string;
  says: string;
  min: number;
  max: number;
  step: number | 'any';
  /** Whether it can be changed while training. */
  live?: boolean;
}

export const NUMBERS: readonly NumberKnob[] = [
  {
    key: 'images',
    group: 'data',
    label: 'Images used',
    says: 'Training images, those just before the held-out ones. More images, a better network, a longer run.',
    min: 1,
    max: 55_000,
    step: 1,
  },
  {
    key: 'crop',
    group: 'data',
    label: 'Shift',
    says: 'Pixels by which an image is moved at most, at random: harder to learn, and to learn by heart.',
    min: 0,
    max: 4,
    step: 1,
  },
  {
    key: 'crop_share',
    group: 'data',
    label: 'Share shifted',
    says: 'Share of the images that are moved, drawn anew each time; the others stay as they are.',
    min: 0,
    max: 1,
    step: 'any',
  },
  {
    key: 'batch',
    group: 'recipe',
    label: 'Batch',
    says: 'Images that one step looks at.',
    min: 2,
    max: 4096,
    step: 1,
  },
  {
    key: 'epochs_start',
    group: 'schedule',
    label: 'Epochs at the first p',
    says: 'Passes over the images while the norm is smooth; they decide how well it fits.',
    min: 0,
    max: 1000,
    step: 1,
  },
  {
    key: 'epochs_growth',
    group: 'schedule',
    label: 'Epochs of growing p',
    says: 'Passes in which p grows: here the certificate appears.',
    min: 0,
    max: 1000,
    step: 1,
  },
  {
    key: 'epochs_inf',
    group: 'schedule',
    label: 'Epochs at p = ∞',
    says: 'Passes with the very norm that the network is used with.',
    min: 0,
    max: 1000,
    step: 1,
  },
  {
    key: 'p_start',
    group: 'schedule',
    label: 'First p',
    says: 'The smoother (lower), the easier to train.',
    min: 1,
    max: 1000,
    step: 'any',
  },
  {
    key: 'p_end',
    group: 'schedule',
    label: 'Last finite p',
    says: 'Where the growth ends and p = ∞ takes over.',
    min: 1,
    max: 1000,
    step: 'any',
  },
  {
    key: 'thin_after',
    group: 'schedule',
    label: 'Epochs with all weights',
    says: 'The higher p is, the fewer weights learn. On the CPU the others are dropped after so many epochs, and the run takes half the time; 0 keeps them all.',
    min: 0,
    max: 1000,
    step: 1,
  },
  {
    key: 'learning_rate',
    group: 'recipe',
    label: 'Learning rate',
    says: 'Size of the first steps; it falls to 0 along half a cosine.',
    min: 0.000001,
    max: 10,
    step: 'any',
    live: true,
  },
  {
    key: 'epsilon_train',
    group: 'recipe',
    label: 'ε in training',
    says: 'The radius that the loss asks for, of full scale 1; more than what is measured.',
    min: 0.001,
    max: 2,
    step: 'any',
    live: true,
  },
  {
    key: 'seed',
    group: 'data',
    label: 'Seed',
    says: 'Decides all that is random: the same seed gives the same run.',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    step: 1,
  },
];

/** f32 numbers as people write them: 0.02, not 0.019999999552965164. */
export const plain = (value: number) => Number(value.toPrecision(6));

/** Whether a knob can have this value. */
export function fits({ min, max, step }: NumberKnob, value: number): boolean {
  return value >= min && value <= max && (step === 'any' || Number.isInteger(value));
}

/** Whether a radius is one of full scale, as the library reads it. */
export const isRadius = (text: string) => /^(0(\.\d{1,6})?|1(\.0{1,6})?)$/.test(text);

/** A knob's value as it is shown and written: whole numbers are what they are. */
export const shown = ({ step }: NumberKnob, value: number) => (step === 1 ? value : plain(value));

export const widthsToText = (hidden: readonly number[]) => hidden.join(', ');
/** The widths, or `null` if the text names none. */
export function widthsFromText(text: string): number[] | null {
  const widths = text.split(/[\s,x]+/).filter(Boolean);
  const valid = widths.length > 0 && widths.every((width) => /^[1-9]\d{0,3}$/.test(width));
  return valid ? widths.map(Number) : null;
}

/** What layers may start as, with the words for it. */
export const STARTS: readonly { start: Start; says: string }[] = [
  { start: 'identity', says: 'inputs' },
  { start: 'signed_identity', says: 'inputs, half of them negated' },
];

export type LossName = 'mixture' | 'hinge';
export const lossName = (loss: LossConfig): LossName => ('hinge' in loss ? 'hinge' : 'mixture');

const preset = (presets: readonly Preset[], name: string) =>
  presets.find((preset) => preset.name === name)?.config;

/**
 * The configuration with another loss, its own knobs as the library's presets have them. The weight
 * decay of the hinge loss needs all weights.
 */
export function withLoss(
  config: TrainConfig,
  loss: LossName,
  presets: readonly Preset[],
): TrainConfig {
  const source = preset(presets, loss === 'hinge' ? 'hinge' : 'standard');
  if (!source) return config;
  const thin_after = loss === 'hinge' ? 0 : (config.thin_after ?? 0);
  return { ...config, loss: source.loss, thin_after };
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
  const { crop, crop_share, epsilon, epsilon_train } = source;
  return { ...config, dataset, crop, crop_share, epsilon, epsilon_train };
}

const SEPARATOR = '~';

/** What a link says of a run: the preset and the knobs that differ from it. */
export function writeKnobs(name: string, config: TrainConfig, presets: readonly Preset[]): string {
  const usual = preset(presets, name);
  if (!usual) return '';
  const words = [name];
  const different = (key: string, value: string | number, other: string | number) => {
    if (value !== other) words.push(`${key}:${value}`);
  };
  different('data', config.dataset, usual.dataset);
  different('hidden', config.hidden.join('x'), usual.hidden.join('x'));
  different('start', config.start ?? '', usual.start ?? '');
  different('loss', lossName(config.loss), lossName(usual.loss));
  const base = withDataset(usual, config.dataset, name, presets);
  different('epsilon', config.epsilon, base.epsilon);
  for (const knob of NUMBERS) {
    const [value, other] = [config[knob.key] ?? NaN, base[knob.key] ?? NaN];
    different(knob.key, shown(knob, value), shown(knob, other));
  }
  return words.join(SEPARATOR);
}

/** What `writeKnobs` wrote; words that make no sense are passed over. `null` for no known preset. */
export function readKnobs(
  text: string,
  presets: readonly Preset[],
): { name: string; config: TrainConfig } | null {
  const [name = '', ...words] = text.split(SEPARATOR);
  const usual = preset(presets, name);
  if (!usual) return null;
  const said = new Map(words.map((word) => word.split(':', 2) as [string, string]));
  let config = withDataset(usual, said.get('data') ?? usual.dataset, name, presets);
  const start = STARTS.find(({ start }) => start === said.get('start'));
  if (start) config = { ...config, start: start.start };
  const loss = said.get('loss');
  if (loss === 'hinge' || loss === 'mixture') config = withLoss(config, loss, presets);
  const hidden = widthsFromText(said.get('hidden') ?? '');
  if (hidden) config = { ...config, hidden };
  const epsilon = said.get('epsilon');
  if (epsilon && isRadius(epsilon)) config = { ...config, epsilon };
  for (const knob of NUMBERS) {
    const value = Number(said.get(knob.key) ?? NaN);
    if (fits(knob, value)) config = { ...config, [knob.key]: value };
  }
  return { name, config };
}

/** The preset from which a configuration differs least: `name`, or one of those that are offered. */
export function nearestPreset(
  name: string,
  config: TrainConfig,
  presets: readonly Preset[],
): string {
  const differences = (other: string) => writeKnobs(other, config, presets).split(SEPARATOR).length;
  return OFFERED.map((offered) => offered.name)
    .filter((offered) => preset(presets, offered))
    .reduce((best, next) => (differences(next) < differences(best) ? next : best), name);
}
