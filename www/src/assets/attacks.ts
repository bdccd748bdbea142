/** The attacks that the exact network's module has. */
import registered from 'virtual:attacks';
import type { AttackInfo } from '../wasm/types.ts';

export const ATTACKS: readonly AttackInfo[] = registered;

export const ATTACK_NAMES = ATTACKS.map(({ name }) => name);
