import { beforeEach, expect, test, vi } from 'vitest';
import type { Network } from '../wasm/certify.ts';
import type { Reply } from '../workers/teach-protocol.ts';
import type { AppState } from './app.svelte.ts';
import type { MyImage } from './my-images.svelte.ts';

const PIXELS = 784;
const HELD = 300;

/** What is slow, and what was asked for. */
const world = vi.hoisted(() => ({
  /** The one thing that does not come. */
  missing: null as 'program' | 'images' | 'teacher' | 'certificates' | null,
  shards: 0,
  certified: 0,
  handsStopped: 0,
}));

vi.mock('idb-keyval', () => ({
  createStore: () => null,
  get: () => Promise.resolve(undefined),
  getMany: () => Promise.resolve([]),
  keys: () => Promise.resolve([]),
  setMany: () => Promise.resolve(),
  delMany: () => Promise.resolve(),
}));
vi.mock('virtual:models', () => ({ default: {} }));

const never = () => new Promise<never>(() => {});

vi.mock('../wasm/certify.ts', () => ({
  startModule: () => Promise.resolve(),
  // Two files of these tests differ in their first byte.
  sha256: (bytes: Uint8Array) => (bytes[0] ?? 0).toString(16).padStart(2, '0').repeat(32),
  openNetwork: never,
  readNetwork: (bytes: Uint8Array<ArrayBuffer>, hash: string): Network =>
    ({
      hash,
      bytes,
      info: {
        dataset: 'mnist',
        epsilon: '0.3',
        scale: 4,
        architecture: [PIXELS, 10],
        classNames: [] as string[],
      },
      certify: () => {
        throw new Error('the pen’s thread does not certify');
      },
      free: () => {},
    }) as unknown as Network,
}));
vi.mock('../assets/digest.ts', () => ({
  digestOf: (bytes: Uint8Array, otherwise: (bytes: Uint8Array) => string) =>
    Promise.resolve(otherwise(bytes)),
}));
vi.mock('../wasm/programs.ts', () => ({
  fetchProgram: () => (world.missing === 'program' ? never() : Promise.resolve({})),
}));
vi.mock('../wasm/teach.ts', () => ({ heldOutImages: () => HELD, reminderPool: () => 500 }));
vi.mock('../assets/image-shards.ts', () => ({ imageCount: () => 1_000 }));
vi.mock('../assets/labelled-images.ts', () => ({
  shardOf: (_: string, __: string, index: number) => {
    world.shards += 1;
    if (world.missing === 'images') return never();
    const first = 250 * Math.floor(index / 250);
    return Promise.resolve({
      first,
      count: 250,
      pixels: new Uint8Array(250 * PIXELS),
      labels: new Uint8Array(250),
    });
  },
}));
vi.mock('../workers/client.ts', () => ({
  WorkerClient: class {
    constructor(
      _: unknown,
      readonly hear: (reply: Reply) => void,
    ) {}
    start() {}
    stop() {}
    post() {
      if (world.missing === 'teacher') return;
      queueMicrotask(() => this.hear({ type: 'taught', model: new Uint8Array([2]), seconds: 1 }));
    }
  },
}));
vi.mock('../workers/teach-worker.ts', () => ({ startTeachWorker: never }));
vi.mock('../workers/measure-hand.ts', () => ({
  /** The network before takes every image for a 0, in no radius; the one after for its first level. */
  MeasureHand: class {
    open = () => Promise.resolve();
    stop = () => (world.handsStopped += 1);
    certify(network: string, pixels: Uint8Array) {
      if (world.missing === 'certificates') return never();
      const count = pixels.length / PIXELS;
      world.certified += count;
      const isTaught = network.startsWith('02');
      const predicted = Int32Array.from({ length: count }, (_, at) =>
        isTaught ? (pixels[at * PIXELS] ?? 0) : -1,
      );
      const ibpRadiusTicks = new Int32Array(count).fill(isTaught ? 322 : -1);
      return Promise.resolve({ certificates: { predicted, ibpRadiusTicks } });
    }
  },
}));

// Node has none before version 21.
vi.stubGlobal('navigator', { hardwareConcurrency: 2 });

const { NetworkStore } = await import('./network.svelte.ts');
const { TeachingStore } = await import('./teaching.svelte.ts');
const { ownName } = await import('../assets/networks.ts');

const image = (label: number): MyImage => ({
  id: String(label),
  pixels: new Uint8Array(PIXELS).fill(label),
  label,
  dataset: 'mnist',
});

/** A page that runs on a network of a file, and teaching on it. */
async function page() {
  const network = new NetworkStore(() => {});
  const choose = async (name: string) => {
    network.choose(name);
    await network.load();
  };
  const { hash } = await network.take(new Uint8Array([1]), 'file', 'mine');
  await choose(ownName(hash));
  const app = { network, tryOut: choose } as unknown as AppState;
  return { app, network, choose, parent: hash, teaching: new TeachingStore() };
}

beforeEach(() => {
  Object.assign(world, { missing: null, shards: 0, certified: 0, handsStopped: 0 });
});

for (const missing of ['program', 'images', 'teacher', 'certificates'] as const) {
  test(`Stop stops while ${missing} are to come, and leaves the network as it was`, async () => {
    const { app, network, parent, teaching } = await page();
    world.missing = missing;
    const done = teaching.teach(app, [image(7)]);
    const waiting = { program: 'loading', images: 'loading', teacher: 'teaching' } as const;
    const at = missing === 'certificates' ? 'measuring' : waiting[missing];
    await vi.waitFor(() => expect(teaching.stage.at).toBe(at));
    const { shards } = world;
    teaching.stop();
    await done;
    expect(teaching.stage.at).toBe('failed');
    expect(teaching.busy).toBe(false);
    expect(world.shards).toBe(shards);
    expect(network.chosen).toBe(ownName(parent));
    expect(network.own.list.map(({ hash }) => hash)).toEqual([parent]);
    if (missing === 'certificates') expect(world.handsStopped).toBeGreaterThan(0);

    // It can be taught again afterwards.
    world.missing = null;
    await teaching.teach(app, [image(7)]);
    expect(teaching.stage.at).toBe('taught');
  });
}

test('what the networks say of the visitor’s images is computed in Workers', async () => {
  const { app, teaching } = await page();
  await teaching.teach(app, [image(7), image(3)]);
  const { stage } = teaching;
  if (stage.at !== 'taught') throw new Error(stage.at);
  expect(world.certified).toBe(2 * (HELD + 2));
  expect(stage.result.learned.map(({ before, after }) => [before, after])).toEqual([
    [
      { label: null, radiusLevels: 0 },
      { label: 7, radiusLevels: 80.5 },
    ],
    [
      { label: null, radiusLevels: 0 },
      { label: 3, radiusLevels: 80.5 },
    ],
  ]);
  // The visitor's images are no part of what is counted.
  expect(stage.result).toMatchObject({
    images: HELD,
    before: { clean: 0, certified: 0 },
    after: { clean: HELD, certified: HELD },
    changed: HELD,
  });
});

test('whoever takes another network meanwhile keeps it, and the taught one is named after its own', async () => {
  const { app, network, choose, parent, teaching } = await page();
  const { hash: other } = await network.take(new Uint8Array([3]), 'file', 'other');
  const done = teaching.teach(app, [image(7)]);
  await choose(ownName(other));
  await done;
  expect(network.chosen).toBe(ownName(other));
  if (teaching.stage.at !== 'taught') throw new Error(teaching.stage.at);
  const { result } = teaching.stage;
  expect(result.parent).toBe(ownName(parent));
  expect(network.own.find(result.hash)?.name).toBe('mine, taught');
});

test('a taught network that was deleted meanwhile can still be kept', async () => {
  const { app, network, teaching } = await page();
  await teaching.teach(app, [image(7)]);
  if (teaching.stage.at !== 'taught') throw new Error(teaching.stage.at);
  const { hash } = teaching.stage.result;
  await network.own.remove(hash);
  expect(await teaching.keep(app, 'again')).toContain('again');
  expect(network.own.find(hash)).toMatchObject({ name: 'again', notKept: null });
});
