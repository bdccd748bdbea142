import { expect, test } from 'vitest';
import { pack, unpack } from './packing.ts';

test('packed bytes come back as they were, and damaged ones do not come back', async () => {
  const bytes = Uint8Array.from({ length: 3000 }, (_, at) => (at * 7919) % 256);
  const text = await pack(bytes);
  expect(await unpack(text)).toEqual(bytes);
  expect(await unpack(text.slice(0, -2))).toBeNull();
  const middle = text.length >> 1;
  const other = text[middle] === 'A' ? 'B' : 'A';
  expect(await unpack(text.slice(0, middle) + other + text.slice(middle + 1))).toBeNull();
  expect(await unpack('%%')).toBeNull();
  // A link must not fill the memory.
  expect(await unpack(await pack(new Uint8Array(1 << 20)))).toBeNull();
});
