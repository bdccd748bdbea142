/**
 * What *Measure* shows, in a link: networks, sets of images, ε and the network whose images are listed,
 * "mnist-eps0.3 ibp~test training~153~ibp".
 */
export interface Measurement {
  /** Names of the networks; none for the network that the page runs on. */
  networks: readonly string[];
  /** Which of the images of their data sets. */
  splits: readonly ('test' | 'training')[];
  /** ε in half levels; `null` for the one that the first network is for. */
  point: number | null;
  /** The network whose images are listed; `null` for the first one. */
  shown: string | null;
}

export const FIRST_MEASUREMENT: Measurement = {
  networks: [],
  splits: ['test'],
  point: null,
  shown: null,
};

const MOST_POINT = 510;
const MOST_NETWORKS = 16;
const NAME = /^[\w.-]{1,80}$/;
const SPLITS = ['test', 'training'] as const;

const listOf = (text: string) => text.split(' ').filter((part) => part !== '');

/** The measurement of a text, or `undefined` if it cannot be read. */
export function parseMeasurement(text: string): Measurement | undefined {
  const parts = text.split('~');
  if (parts.length !== 4) return undefined;
  const [names = '', sets = '', place = '', shown = ''] = parts;
  const networks = listOf(names);
  const wanted = listOf(sets);
  const splits = SPLITS.filter((split) => wanted.includes(split));
  const isRead =
    networks.length <= MOST_NETWORKS &&
    networks.every((name) => NAME.test(name)) &&
    new Set(networks).size === networks.length &&
    splits.length > 0 &&
    splits.length === wanted.length &&
    /^(\d{1,3})?$/.test(place) &&
    Number(place) <= MOST_POINT &&
    (shown === '' || NAME.test(shown));
  if (!isRead) return undefined;
  return {
    networks,
    splits,
    point: place === '' ? null : Number(place),
    shown: shown === '' ? null : shown,
  };
}

const written = ({ networks, splits, point, shown }: Measurement) =>
  [networks.join(' '), splits.join(' '), point ?? '', shown ?? ''].join('~');

/** The text that `parseMeasurement` reads back; empty for what is shown first. */
export function formatMeasurement(measurement: Measurement): string {
  const text = written(measurement);
  return text === written(FIRST_MEASUREMENT) ? '' : text;
}
