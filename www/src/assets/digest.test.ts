import { createHash } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import { digestOf } from './digest.ts';

const bytes = Uint8Array.from({ length: 1_000 }, (_, at) => at & 255);
const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

afterEach(() => vi.unstubAllGlobals());

test('the digest is the same whether the browser computes it or not', async () => {
  const otherwise = vi.fn(sha256);
  const byBrowser = await digestOf(bytes, otherwise);
  expect(otherwise).not.toHaveBeenCalled();
  vi.stubGlobal('crypto', {});
  expect(await digestOf(bytes, otherwise)).toBe(byBrowser);
  expect(otherwise).toHaveBeenCalledOnce();
  expect(byBrowser).toBe(sha256(bytes));
});
