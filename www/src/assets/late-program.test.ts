import { expect, test, vi } from 'vitest';
import { DownloadError } from './download.ts';
import { StartError, loadLate } from './late-program.ts';

const failing = (cause: Error) => loadLate(() => Promise.reject(cause), 'the view');

test('a script that does not come is the server’s fault, in the words of every browser', async () => {
  for (const words of [
    'Failed to fetch dynamically imported module: http://localhost/assets/Train.js',
    'error loading dynamically imported module: http://localhost/assets/Train.js',
    'Importing a module script failed.',
    'Unable to preload CSS for /assets/Train.css',
  ]) {
    await expect(failing(new TypeError(words))).rejects.toBeInstanceOf(DownloadError);
  }
});

test('a script that throws when it starts is not blamed on the server', async () => {
  const cause = new RangeError('Incorrect locale information provided');
  await expect(failing(cause)).rejects.toBeInstanceOf(StartError);
  await expect(failing(cause)).rejects.toThrow('Incorrect locale information');
});

test('a script that never comes is given up on, one that comes is not', async () => {
  vi.useFakeTimers();
  try {
    const failure = expect(
      loadLate(() => new Promise(() => {}), 'the view'),
    ).rejects.toBeInstanceOf(DownloadError);
    await vi.advanceTimersByTimeAsync(31_000);
    await failure;
    expect(await loadLate(() => Promise.resolve(7), 'the view')).toBe(7);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});
