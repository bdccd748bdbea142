import { expect, test } from 'vitest';
import { pack, unpack } from './packing.ts';
import { ATTACK_NAMES } from '../assets/attacks.ts';
import { packResult, unpackResult } from './result.ts';

test('a result comes back from a link as it went in, on the image it is about', async () => {
  const image = Uint8Array.from({ length: 784 }, (_, at) => (at * 31) % 256);
  const perturbed = image.map((level, at) => (at % 3 === 0 ? 255 - level : level));
  const found = { attack: 'square' as const, queries: 212_408, steps: 14, perturbed };
  const result = {
    models: ['0123456789abcdef', 'fedcba9876543210'] as const,
    epsilon: 60,
    attack: 'all' as const,
    seed: 2 ** 32 - 1,
    found: [null, found] as const,
  };
  const text = await packResult(result, image);
  expect(await unpackResult(text, image, ATTACK_NAMES)).toEqual(result);
  expect(await unpackResult(text.slice(1), image, ATTACK_NAMES)).toBeNull();
  // The same link with another image.
  expect(await unpackResult(text, perturbed, ATTACK_NAMES)).toBeNull();
  // Of an attack that the page does not have.
  expect(await unpackResult(text, image, [])).toBeNull();
  // Whole, but no result.
  expect(await unpackResult(await pack(new Uint8Array(2000)), image, ATTACK_NAMES)).toBeNull();
});

test('a result of a link of version 1 is read by the names of today', async () => {
  const image = Uint8Array.from({ length: 784 }, (_, at) => (at * 31) % 256);
  const found = { attack: 'argmax_path' as const, queries: 12, steps: 3, perturbed: image };
  const text = await packResult(
    { models: ['a', 'b'], epsilon: 60, attack: 'min_norm', seed: 1, found: [found, null] },
    image,
  );
  const bytes = (await unpack(text)) ?? new Uint8Array();
  const length = new DataView(bytes.buffer).getUint16(0, true);
  const head = new TextDecoder().decode(bytes.subarray(2, 2 + length));
  const old = new TextEncoder().encode(
    head
      .replace('argmax_path', 'path')
      .replace('min_norm', 'smallest')
      .replace('"queries"', '"tries"'),
  );
  const link = new Uint8Array(2 + old.length + 784);
  new DataView(link.buffer).setUint16(0, old.length, true);
  link.set(old, 2);
  link.set(bytes.subarray(2 + length), 2 + old.length);
  const read = await unpackResult(await pack(link), image, ATTACK_NAMES);
  expect(read?.attack).toBe('min_norm');
  expect(read?.found).toEqual([found, null]);
});
