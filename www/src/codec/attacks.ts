/** The attacks by their names in links and messages, from the weakest on. */
import type { AttackName } from '../wasm/types.ts';

export const ATTACKS = [
  'random',
  'fgsm',
  'pgd',
  'argmax_path',
  'square',
  'min_norm',
  'all',
] as const satisfies readonly AttackName[];
