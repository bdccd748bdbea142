import { expect, test } from 'vitest';
import type { SavedRun } from './saved.ts';
import { forget, keep, restore, upgrade } from './saved.ts';

test('a run that an earlier build kept is read by the names of today', () => {
  const old = { iteration: 3, metrics: [{ clean: 0.9, certifiedInterval: 0.5 }] };
  expect(upgrade('run', old as unknown as SavedRun)).toEqual({
    iteration: 3,
    metrics: [{ clean: 0.9, certifiedIbp: 0.5 }],
  });
});

test('where the browser keeps nothing that is an answer, not an error', async () => {
  expect(globalThis.indexedDB).toBeUndefined();
  expect(await restore('run')).toBeNull();
  expect(await keep('run', {} as SavedRun)).toBe(false);
  expect(await forget('run')).toBe(false);
});
