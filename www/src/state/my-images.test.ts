import { beforeEach, expect, test, vi } from 'vitest';

/** What IndexedDB holds, and why it takes nothing, if so. */
const disk = vi.hoisted(() => ({
  records: new Map<string, unknown>(),
  refusal: null as Error | null,
  transactions: 0,
}));

vi.mock('idb-keyval', () => ({
  createStore: () => null,
  getMany: (keys: string[]) => Promise.resolve(keys.map((key) => disk.records.get(key))),
  keys: () => Promise.resolve([...disk.records.keys()]),
  setMany: (entries: [string, unknown][]) => {
    disk.transactions += 1;
    if (disk.refusal) return Promise.reject(disk.refusal);
    for (const [key, value] of entries) disk.records.set(key, value);
    return Promise.resolve();
  },
  delMany: (gone: string[]) => {
    disk.transactions += 1;
    for (const key of gone) disk.records.delete(key);
    return Promise.resolve();
  },
}));

const { MOST_IMAGES, MyImages } = await import('./my-images.svelte.ts');

const image = (level: number, label: number, dataset = 'mnist') => ({
  pixels: new Uint8Array(784).fill(level),
  label,
  dataset,
});

/** A tab that has read what is kept. */
async function tab() {
  const images = new MyImages();
  await images.load();
  return images;
}

const seen = ({ list }: InstanceType<typeof MyImages>) =>
  list.map(({ pixels, label }) => [pixels[0], label]);

beforeEach(() => {
  disk.records.clear();
  disk.refusal = null;
  disk.transactions = 0;
});

test('images are kept in the order in which they came, by their data sets', async () => {
  const now = await tab();
  await now.add([image(9, 1), image(3, 2, 'fashion-mnist')]);
  await now.add([image(5, 3)]);
  const later = await tab();
  expect(seen(later)).toEqual([
    [9, 1],
    [3, 2],
    [5, 3],
  ]);
  expect(later.byDataset('mnist').map(({ label }) => label)).toEqual([1, 3]);
});

test('the same image again takes its new label, and no other place', async () => {
  const now = await tab();
  await now.add([image(9, 1), image(5, 3)]);
  expect(await now.add([image(9, 7)])).toBe(1);
  expect(seen(await tab())).toEqual([
    [9, 7],
    [5, 3],
  ]);
});

test('a batch is kept in one transaction, and removed in one', async () => {
  const now = await tab();
  await now.add(Array.from({ length: 200 }, (_, level) => image(level, 1)));
  expect(disk.transactions).toBe(1);
  expect(disk.records.size).toBe(200);
  await now.remove(now.list.map(({ id }) => id));
  expect(disk.transactions).toBe(2);
  expect(disk.records.size).toBe(0);
});

test('an image given twice in one batch is one image, with the later label', async () => {
  const now = await tab();
  expect(await now.add([image(9, 1), image(5, 3), image(9, 2)])).toBe(3);
  expect(seen(await tab())).toEqual([
    [9, 2],
    [5, 3],
  ]);
});

test('an image is found without looking at all of them', async () => {
  const now = await tab();
  const many = Array.from({ length: MOST_IMAGES }, (_, at) => {
    const { pixels, ...rest } = image(0, 1);
    pixels.set([at & 255, at >> 8], 782);
    return { ...rest, pixels };
  });
  await now.add(many);
  const last = now.list.at(-1);
  expect(last && now.same('mnist', last.pixels.slice())).toBe(last);
  expect(last && now.same('fashion-mnist', last.pixels)).toBeUndefined();
  expect(now.same('mnist', image(7, 1).pixels)).toBeUndefined();
  expect(last && now.find(last.id)).toBe(last);

  // The first look-up reads each image once; no other reads any.
  let reads = 0;
  now.list = now.list.map(({ pixels, ...rest }) => ({
    ...rest,
    get pixels() {
      reads += 1;
      return pixels;
    },
  }));
  for (let stroke = 0; stroke < 100; stroke += 1) now.same('mnist', image(7, 1).pixels);
  expect(reads).toBe(MOST_IMAGES);
});

test('what a tab picks follows a new label and a removal', async () => {
  const now = await tab();
  await now.add([image(9, 1)]);
  const id = now.list[0]?.id ?? '';
  await now.add([image(9, 7)]);
  expect(now.find(id)?.label).toBe(7);
  await now.remove([id]);
  expect(now.find(id)).toBeUndefined();
  await now.bringBack();
  expect(now.find(id)?.label).toBe(7);
});

test('what is removed can be brought back to its place', async () => {
  const now = await tab();
  await now.add([image(1, 1), image(2, 2)]);
  await now.remove(now.list.filter(({ label }) => label === 1).map(({ id }) => id));
  expect(seen(await tab())).toEqual([[2, 2]]);
  await now.bringBack();
  expect(seen(await tab())).toEqual([
    [1, 1],
    [2, 2],
  ]);
});

test('there is room for so many, and what is no image of the page is left out', async () => {
  const now = await tab();
  const many = Array.from({ length: MOST_IMAGES + 5 }, (_, at) => {
    const { pixels, ...rest } = image(0, 1);
    pixels.set([at & 255, at >> 8]);
    return { ...rest, pixels };
  });
  expect(await now.add(many)).toBe(MOST_IMAGES);
  expect(now.room).toBe(0);
  expect(await now.add([{ ...image(1, 1), pixels: new Uint8Array(9) }])).toBe(0);
});

test('a browser that keeps nothing loses nothing while the tab is open', async () => {
  const now = await tab();
  disk.refusal = new Error('private');
  await now.add([image(9, 1)]);
  expect(now.notKept).not.toBeNull();
  expect(seen(now)).toEqual([[9, 1]]);
  disk.refusal = null;
  await now.remove(now.list.map(({ id }) => id));
  expect(now.notKept).toBeNull();
});

test('two tabs see each other’s images, and overwrite none', async () => {
  const [here, there] = [await tab(), await tab()];
  await Promise.all([here.add([image(1, 1)]), there.add([image(2, 2)])]);
  await vi.waitFor(() => expect([here.list.length, there.list.length]).toEqual([2, 2]));
});
