import { expect, test } from 'vitest';
import { Attempt } from './attempt.svelte.ts';

test('an attempt tells its progress, its end, and what it brought', async () => {
  const attempt = new Attempt();
  const result = await attempt.run(async ({ onProgress }) => {
    onProgress(0.5);
    expect(attempt.loading).toEqual({ state: 'loading', fraction: 0.5 });
    return 7;
  });
  expect(result).toBe(7);
  expect(attempt.loading).toEqual({ state: 'ready' });
});

test('a failure is a sentence, and the next attempt passes by the cache', async () => {
  const attempt = new Attempt();
  const asked: boolean[] = [];
  const work = async ({ anew }: { anew: boolean }) => {
    asked.push(anew);
    if (asked.length === 1) throw new Error('The server could not be reached.');
  };
  await attempt.run(work);
  expect(attempt.loading).toEqual({ state: 'failed', message: 'The server could not be reached.' });
  await attempt.run(work);
  expect(attempt.loading).toEqual({ state: 'ready' });
  await attempt.run(work);
  expect(asked).toEqual([false, true, false]);
});

test('an older attempt that ends later changes nothing', async () => {
  const attempt = new Attempt();
  let end = () => {};
  const old = attempt.run(() => new Promise<number>((resolve) => (end = () => resolve(1))));
  expect(await attempt.run(async () => 2)).toBe(2);
  end();
  expect(await old).toBeUndefined();
  expect(attempt.loading).toEqual({ state: 'ready' });
});

test('what fails or is called off tells no progress any more', async () => {
  const attempt = new Attempt();
  let progress: (fraction: number) => void = () => {};
  void attempt.run(({ onProgress }) => {
    progress = onProgress;
    return new Promise(() => {});
  });
  attempt.fail('broken');
  progress(0.9);
  expect(attempt.loading).toEqual({ state: 'failed', message: 'broken' });
  attempt.cancel();
  progress(0.9);
  expect(attempt.loading).toEqual({ state: 'loading', fraction: 0 });
});
