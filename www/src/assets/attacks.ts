/** The attacks that the exact network's module has. */
import registered from 'virtual:attacks';
import type { AttackInfo, AttackName } from '../wasm/types.ts';

export const ATTACKS: readonly AttackInfo[] = registered;

export const ATTACK_NAMES = ATTACKS.map(({ name }) => name);

/**
 * Whether a GPU runs the attack. The others follow one path or search for one radius, step by step,
 * which is no work for many starts at once.
 */
export const runsOnGpu = (attack: AttackName) =>
  ATTACKS.some(({ name, onGpu }) => name === attack && onGpu);
