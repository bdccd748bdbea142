import { expect, test, vi } from 'vitest';
import { AWAKE, WorkerClient } from './client.ts';

/** A Worker of which the test is the other side. */
class FakeWorker {
  onmessage: ((event: { data: string }) => void) | null = null;
  onerror: ((event: { message?: string; preventDefault: () => void }) => void) | null = null;
  postMessage = vi.fn();
  terminate = vi.fn();
}

function client() {
  const workers: FakeWorker[] = [];
  const spawn = () => {
    workers.push(new FakeWorker());
    return workers.at(-1) as unknown as Worker;
  };
  const [hear, broke] = [vi.fn(), vi.fn()];
  return { workers, hear, broke, client: new WorkerClient<string, string>(spawn, hear, broke) };
}

test('messages go to the Worker that was started last, and come from it alone', () => {
  const { client: one, workers, hear } = client();
  one.post('too early');
  one.start();
  one.start();
  one.post('hello');
  const [first, second] = workers;
  expect(first?.terminate).toHaveBeenCalledOnce();
  expect(first?.postMessage).not.toHaveBeenCalled();
  expect(second?.postMessage).toHaveBeenCalledWith('hello', []);
  first?.onmessage?.({ data: 'late' });
  second?.onmessage?.({ data: 'now' });
  expect(hear.mock.calls).toEqual([['now']]);
});

test('a break is told with its reason, or with none where the script did not load', () => {
  const { client: one, workers, broke } = client();
  one.start();
  const preventDefault = vi.fn();
  workers[0]?.onerror?.({ message: 'Uncaught Error: broken', preventDefault });
  workers[0]?.onerror?.({ preventDefault });
  expect(broke.mock.calls).toEqual([['Error: broken'], [null]]);
  expect(preventDefault).toHaveBeenCalledTimes(2);
  one.stop();
  workers[0]?.onerror?.({ message: 'late', preventDefault });
  expect(broke).toHaveBeenCalledTimes(2);
  expect(one.isRunning).toBe(false);
});

test('a Worker whose script does not come is given up on, one that runs is not', () => {
  vi.useFakeTimers();
  try {
    const { client: one, workers, hear, broke } = client();
    one.start();
    workers[0]?.onmessage?.({ data: AWAKE });
    vi.advanceTimersByTime(600_000);
    expect(broke).not.toHaveBeenCalled();
    expect(hear).not.toHaveBeenCalled();
    one.start();
    vi.advanceTimersByTime(31_000);
    expect(broke.mock.calls).toEqual([[null]]);
    one.start();
    one.stop();
    vi.advanceTimersByTime(31_000);
    expect(broke).toHaveBeenCalledOnce();
  } finally {
    vi.useRealTimers();
  }
});
