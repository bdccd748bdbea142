/** The attacks by their names in links and messages. */
import registered from 'virtual:attacks';
import type { AttackInfo, AttackName } from '../wasm/types.ts';

export const ATTACKS: readonly AttackInfo[] = registered;

/** Whether there is an attack of that name. */
export const isAttackName = (value: unknown): value is AttackName =>
  ATTACKS.some(({ name }) => name === value);
