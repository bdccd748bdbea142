import { expect, test, vi } from 'vitest';

vi.mock('virtual:models', () => ({ default: {} }));
vi.mock('virtual:image-shards', () => ({
  default: {
    test: { mnist: [{ images: 7 }, { images: 3 }] },
    training: { mnist: [{ images: 60 }] },
  },
}));
vi.mock('../wasm/certify.ts', () => ({ sha256: () => '' }));
vi.mock('./my-images.svelte.ts', () => ({ myImages: {} }));
vi.mock('./own-images.svelte.ts', () => ({ ownImages: {} }));

const { ImageSets } = await import('./image-sets.ts');
type Set = Exclude<ReturnType<InstanceType<typeof ImageSets>['find']>, string>;

const PIXELS = 784;
const image = (id: string, label: number, dataset = 'mnist') => ({
  id,
  label,
  dataset,
  pixels: new Uint8Array(PIXELS).fill(id.charCodeAt(0)),
});

/** The file of a network that learned from these images, and held so many of them out. */
function fileOf(sha256: string, heldOut: number) {
  const lineage = JSON.stringify({
    operation: 'export',
    arguments: {},
    parents: [
      {
        sha256: null,
        lineage: {
          operation: 'page',
          arguments: { images_sha256: sha256, held_out: heldOut },
          parents: [],
        },
      },
    ],
  });
  const header = new TextEncoder().encode(JSON.stringify({ __metadata__: { lineage } }));
  const model = new Uint8Array(8 + header.length);
  new DataView(model.buffer).setBigUint64(0, BigInt(header.length), true);
  model.set(header, 8);
  return { hash: `${sha256} ${heldOut}`, model };
}

const open = {
  sha256: 'ab',
  images: Uint8Array.from({ length: 5 * PIXELS }, (_, at) => Math.floor(at / PIXELS)),
  labels: Uint8Array.of(0, 1, 0, 1, 1),
};

function world() {
  const given: { mine: ReturnType<typeof image>[]; open: typeof open | null } = {
    mine: [],
    open: null,
  };
  const sets = new ImageSets({
    mine: (name) => given.mine.filter(({ dataset }) => dataset === name),
    open: () => given.open,
  });
  return { given, sets };
}

const isSet = (found: unknown): found is Set => typeof found === 'object' && found !== null;
function setOf(found: unknown): Set {
  if (!isSet(found)) throw new Error(`there is no set: ${String(found)}`);
  return found;
}

const mnist = { dataset: 'mnist' };
const shapes = { dataset: 'own-shapes' };

test('a published half is counted over its shards, and what the page was built without is said', () => {
  const { sets } = world();
  expect(sets.find(mnist, 'test', null)).toMatchObject({
    count: 10,
    first: 0,
    kind: 'test',
    inFiles: 'test',
  });
  expect(sets.find(mnist, 'training', null)).toMatchObject({ count: 60 });
  expect(sets.find({ dataset: 'fashion-mnist' }, 'test', null)).toBe('not-built');
  expect(sets.find(mnist, 'held-out', null)).toBe('no-such');
  expect(sets.find(shapes, 'test', null)).toBe('no-such');
});

test('My images of a data set are one set as long as nothing of them changes', async () => {
  const { given, sets } = world();
  expect(sets.find(mnist, 'mine', null)).toBe('none-yet');
  given.mine = [image('a', 3), image('b', 4), image('z', 1, 'fashion-mnist')];
  const first = setOf(sets.find(mnist, 'mine', null));
  expect(first).toMatchObject({ count: 2, inFiles: 'own' });
  // One of another data set changes nothing here.
  given.mine = [...given.mine.slice(0, 2), image('y', 1, 'fashion-mnist')];
  expect(sets.find(mnist, 'mine', null)).toBe(first);
  const { pixels, labels } = await first.part(1);
  expect([...labels]).toEqual([3, 4]);
  expect([pixels[0], pixels[PIXELS]]).toEqual([97, 98]);
  expect(first.picked(1, 4, pixels.subarray(PIXELS))).toMatchObject({ index: null, mine: 'b' });

  const seen = [first.id];
  const [one, two] = given.mine as [ReturnType<typeof image>, ReturnType<typeof image>];
  for (const changed of [[one], [one, { ...two, label: 9 }], [one, two, image('c', 0)]]) {
    given.mine = changed;
    const now = setOf(sets.find(mnist, 'mine', null));
    expect(seen).not.toContain(now.id);
    expect(now.count).toBe(changed.length);
    seen.push(now.id);
  }
  // What was measured stays what it was.
  expect([...(await first.part(0)).labels]).toEqual([3, 4]);
  given.mine = [];
  expect(sets.find(mnist, 'mine', null)).toBe('none-yet');
});

test('one image is a set', async () => {
  const { given, sets } = world();
  given.mine = [image('a', 3)];
  const set = setOf(sets.find(mnist, 'mine', null));
  expect(set.count).toBe(1);
  expect(await set.part(0)).toMatchObject({ first: 0, count: 1 });
});

test('held out is what no run has seen, of the images that the network learned from alone', async () => {
  const { given, sets } = world();
  const network = fileOf('ab', 2);
  expect(sets.find(shapes, 'held-out', network)).toBe('not-open');
  given.open = { ...open, sha256: 'cd' };
  expect(sets.find(shapes, 'held-out', network)).toBe('others');
  expect(sets.find(shapes, 'training', network)).toBe('others');
  given.open = open;
  const heldOut = setOf(sets.find(shapes, 'held-out', network));
  expect(heldOut).toMatchObject({ count: 2, first: 3, inFiles: 'held-out' });
  const part = await heldOut.part(1);
  expect([...part.labels]).toEqual([1, 1]);
  expect([part.pixels.length, part.pixels[0], part.first]).toEqual([2 * PIXELS, 3, 0]);
  expect(heldOut.picked(0, 1, part.pixels)).toMatchObject({ heldOut: { index: 3, label: 1 } });
  const training = setOf(sets.find(shapes, 'training', network));
  expect(training).toMatchObject({ count: 3, first: 0, inFiles: 'training' });
  // Those of another network are split elsewhere, and are another set.
  const other = setOf(sets.find(shapes, 'held-out', fileOf('ab', 1)));
  expect(other.id).not.toBe(heldOut.id);
  expect(other.count).toBe(1);
  expect(sets.find(shapes, 'held-out', fileOf('ab', 0))).toBe('none-held-out');
  // A network whose file does not say from what it learned.
  expect(sets.find(shapes, 'held-out', null)).toBe('others');
});
