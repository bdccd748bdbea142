/**
 * What *Measure* shows, in a link: networks, sets of images, ε and the series whose images are listed,
 * "mnist-eps0.3 ibp~test training~153~ibp training".
 */

/**
 * The images that networks are measured on: the two published halves of a data set, the visitor's own of
 * its classes, and those that were held out of images that *Train* learned from.
 */
export const SET_KINDS = ['test', 'held-out', 'mine', 'training'] as const;
export type SetKind = (typeof SET_KINDS)[number];

export interface Measurement {
  /** Names of the networks; none for the network that the page runs on. */
  networks: readonly string[];
  /** Which images; none for the first ones that there are of the networks. */
  sets: readonly SetKind[];
  /** ε in half levels; `null` for the one that the first network is for. */
  point: number | null;
  /** The series whose images are listed: its network, and its set if the network has several. */
  shown: { network: string; set: SetKind | null } | null;
}

export const FIRST_MEASUREMENT: Measurement = {
  networks: [],
  sets: [],
  point: null,
  shown: null,
};

const MOST_POINT = 510;
const MOST_NETWORKS = 16;
const NAME = /^[\w.-]{1,80}$/;

const listOf = (text: string) => text.split(' ').filter((part) => part !== '');
const kindOf = (text: string | undefined) => SET_KINDS.find((kind) => kind === text);

/** The measurement of a text, or `undefined` if it cannot be read. */
export function parseMeasurement(text: string): Measurement | undefined {
  const parts = text.split('~');
  if (parts.length !== 4) return undefined;
  const [names = '', kinds = '', place = '', shown = ''] = parts;
  const networks = listOf(names);
  const wanted = listOf(kinds);
  const sets = SET_KINDS.filter((kind) => wanted.includes(kind));
  const [network, set, ...more] = listOf(shown);
  const isRead =
    networks.length <= MOST_NETWORKS &&
    networks.every((name) => NAME.test(name)) &&
    new Set(networks).size === networks.length &&
    sets.length === wanted.length &&
    /^(\d{1,3})?$/.test(place) &&
    Number(place) <= MOST_POINT &&
    (network === undefined || NAME.test(network)) &&
    (set === undefined || kindOf(set) !== undefined) &&
    more.length === 0;
  if (!isRead) return undefined;
  return {
    networks,
    sets,
    point: place === '' ? null : Number(place),
    shown: network === undefined ? null : { network, set: kindOf(set) ?? null },
  };
}

const written = ({ networks, sets, point, shown }: Measurement) =>
  [
    networks.join(' '),
    sets.join(' '),
    point ?? '',
    shown ? [shown.network, shown.set ?? ''].join(' ').trim() : '',
  ].join('~');

/** The text that `parseMeasurement` reads back; empty for what is shown first. */
export function formatMeasurement(measurement: Measurement): string {
  const text = written(measurement);
  return text === written(FIRST_MEASUREMENT) ? '' : text;
}
