import { expect, test } from 'vitest';
import { learnedImages, lineageOf } from './lineage.ts';

const run = (operation: string, heldOut: number, parents: object[] = [], sha256 = 'ab') => ({
  operation,
  arguments: { held_out: heldOut, images_sha256: sha256 },
  parents: parents.map((lineage) => ({ sha256: null, lineage })),
});
const after = (operation: string, ...parents: object[]) => ({
  operation,
  arguments: {},
  parents: parents.map((lineage) => ({ sha256: null, lineage })),
});
const read = (lineage: object) => learnedImages(JSON.stringify(lineage));

test('the images are those of the last run, and only what every run held out is held out', () => {
  expect(read(after('export', run('train', 39)))).toEqual({ sha256: 'ab', heldOut: 39 });
  expect(read(run('page', 7))).toEqual({ sha256: 'ab', heldOut: 7 });
  const twice = run('finetune', 39, [after('export', run('train', 20, [], 'cd'))]);
  expect(read(after('teach', twice))).toEqual({ sha256: 'ab', heldOut: 20 });
  // Of what this run began with nothing is known.
  expect(read(run('finetune', 39))).toEqual({ sha256: 'ab', heldOut: 0 });
});

test('a network that did not learn from such images says so', () => {
  expect(read({ operation: 'train', arguments: { held_out: 5000 }, parents: [] })).toBeNull();
  expect(read(after('ensemble', run('train', 1), run('train', 1)))).toBeNull();
  expect(learnedImages('')).toBeNull();
  expect(learnedImages('{}')).toBeNull();
  expect(lineageOf(new Uint8Array([1, 2, 3]))).toBe('');
});

test('the lineage is found in the file', () => {
  const header = new TextEncoder().encode(JSON.stringify({ __metadata__: { lineage: 'this' } }));
  const file = new Uint8Array(8 + header.length);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, 8);
  expect(lineageOf(file)).toBe('this');
});
