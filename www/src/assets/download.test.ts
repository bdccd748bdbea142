import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { download } from './download.ts';

const fetched = vi.fn<(url: URL, options: RequestInit) => Promise<Response>>();

beforeEach(() => {
  vi.stubGlobal('document', { baseURI: 'http://localhost/some/where/' });
  vi.stubGlobal('fetch', fetched);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
  fetched.mockReset();
});

const file = () => download('file.bin', 'the file', () => 4);

test('the bytes come with their progress', async () => {
  fetched.mockResolvedValue(new Response(new Uint8Array([1, 2, 3, 4])));
  const seen: number[] = [];
  const bytes = await download('file.bin', 'the file', () => 4, {
    onProgress: (fraction) => seen.push(fraction),
  });
  expect([...bytes]).toEqual([1, 2, 3, 4]);
  expect(seen.at(-1)).toBe(1);
  expect(String(fetched.mock.calls[0]?.[0])).toBe('http://localhost/some/where/file.bin');
});

test('a second try passes by the cache', async () => {
  fetched.mockResolvedValue(new Response(new Uint8Array(4)));
  await download('file.bin', 'the file', () => 4, { anew: true });
  expect(fetched.mock.calls[0]?.[1].cache).toBe('reload');
});

test('every failure is a sentence of its own', async () => {
  fetched.mockRejectedValueOnce(new TypeError('failed to fetch'));
  await expect(file()).rejects.toThrow('could not be reached');
  fetched.mockResolvedValueOnce(new Response('no', { status: 404 }));
  await expect(file()).rejects.toThrow('status 404');
  fetched.mockResolvedValueOnce(new Response(new Uint8Array(3)));
  await expect(file()).rejects.toThrow('3 of 4 bytes');
});

test('a server that stops sending is given up on', async () => {
  vi.useFakeTimers();
  fetched.mockImplementation(async (_, { signal }) => {
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(2));
        signal?.addEventListener('abort', () => controller.error(new Error('aborted')));
      },
    });
    return new Response(body);
  });
  const failure = expect(file()).rejects.toThrow('has sent nothing');
  await vi.advanceTimersByTimeAsync(31_000);
  await failure;
});
