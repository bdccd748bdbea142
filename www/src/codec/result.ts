/**
 * What attacks found, in characters that a link can carry.
 *
 * A link is a claim. It carries the perturbed images themselves, so that whoever opens it has them
 * evaluated anew: labels, levels and proofs are never taken from the link, only the counts are.
 */
import { pack, unpack } from './packing.ts';
import { SIDE, type Pixels } from '../assets/pixels.ts';
import type { AttackName } from '../workers/attack-protocol.ts';

/** What was found on one network. */
export interface Found {
  /** The attack that found it; what was painted by hand has no count. */
  attack: AttackName | 'paint';
  queries: number;
  steps: number;
  /** The perturbed image. */
  perturbed: Pixels;
}

/** What was found on both networks. */
export interface Result {
  /** Hashes of the files of the networks: ℓ∞-dist net, baseline. */
  models: readonly [string, string];
  /** In pixel levels. */
  epsilon: number;
  /** The attack that was ordered. */
  attack: AttackName | 'paint';
  seed: number;
  found: readonly [Found | null, Found | null];
}

const PIXELS = SIDE * SIDE;

/** The head of a packed result, as JSON before the perturbations. */
interface Head {
  models: [string, string];
  /** Checksum of the image: on another one the perturbations would mean something else. */
  image: number;
  epsilon: number;
  attack: AttackName | 'paint';
  seed: number;
  found: [Omit<Found, 'perturbed'> | null, Omit<Found, 'perturbed'> | null];
}

/** Adler-32, as zlib computes it. */
function checksum(image: Pixels): number {
  let [a, b] = [1, 0];
  for (const level of image) {
    a = (a + level) % 65_521;
    b = (b + a) % 65_521;
  }
  return b * 65_536 + a;
}

/** A result on `image`, packed. The perturbations are kept as differences, which are mostly alike. */
export async function packResult(result: Result, image: Pixels): Promise<string> {
  const { models, epsilon, attack, seed, found } = result;
  const head = JSON.stringify({
    models,
    image: checksum(image),
    epsilon,
    attack,
    seed,
    found: found.map(
      (one) => one && { attack: one.attack, queries: one.queries, steps: one.steps },
    ),
  });
  const text = new TextEncoder().encode(head);
  const changes = found.flatMap((one) =>
    one ? [one.perturbed.map((level, pixel) => level - (image[pixel] ?? 0))] : [],
  );
  const bytes = new Uint8Array(2 + text.length + changes.length * PIXELS);
  new DataView(bytes.buffer).setUint16(0, text.length, true);
  bytes.set(text, 2);
  changes.forEach((change, index) => bytes.set(change, 2 + text.length + index * PIXELS));
  return pack(bytes);
}

/** Attacks by the names that links of version 1 have for them. */
const RENAMED: Record<string, AttackName> = { path: 'argmax_path', smallest: 'min_norm' };

/** Reads a head of version 1 as one of today. */
function upgrade(key: string, value: unknown): unknown {
  if (key === 'attack' && typeof value === 'string') return RENAMED[value] ?? value;
  if (!isObject(value) || !('tries' in value)) return value;
  const { tries, ...rest } = value;
  return { ...rest, queries: tries };
}

/**
 * The result that was packed for `image`, or `null` if it is damaged, of another image, or names an
 * attack that is not among `attacks`.
 */
export async function unpackResult(
  text: string,
  image: Pixels,
  attacks: readonly AttackName[],
): Promise<Result | null> {
  const bytes = await unpack(text);
  if (!bytes || bytes.length < 2) return null;
  const length = new DataView(bytes.buffer).getUint16(0, true);
  let head: unknown;
  try {
    const text = new TextDecoder().decode(bytes.subarray(2, 2 + length));
    head = JSON.parse(text, upgrade);
  } catch {
    return null;
  }
  if (!isHead(head) || head.image !== checksum(image)) return null;
  const named = [head.attack, ...head.found.flatMap((one) => one?.attack ?? [])];
  if (named.some((name) => name !== 'paint' && !attacks.includes(name))) return null;
  const kept = head.found.filter((one) => one !== null).length;
  if (bytes.length !== 2 + length + kept * PIXELS) return null;
  let at = 2 + length;
  const [ours, theirs] = head.found.map((one): Found | null => {
    if (!one) return null;
    const changes = bytes.subarray(at, at + PIXELS);
    at += PIXELS;
    return { ...one, perturbed: changes.map((change, pixel) => change + (image[pixel] ?? 0)) };
  });
  const { models, epsilon, attack, seed } = head;
  return { models, epsilon, attack, seed, found: [ours ?? null, theirs ?? null] };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown): value is string => typeof value === 'string';
const isPair = (value: unknown, is: (one: unknown) => boolean) =>
  Array.isArray(value) && value.length === 2 && value.every(is);

function isHead(head: unknown): head is Head {
  return (
    isObject(head) &&
    isPair(head.models, (model) => typeof model === 'string') &&
    isCount(head.epsilon) &&
    isText(head.attack) &&
    isCount(head.seed) &&
    isPair(
      head.found,
      (one) =>
        one === null ||
        (isObject(one) && isText(one.attack) && isCount(one.queries) && isCount(one.steps)),
    )
  );
}
