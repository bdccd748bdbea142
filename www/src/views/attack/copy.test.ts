import { expect, test } from 'vitest';
import { radiusBracket, verdict as said, type Case } from './copy.ts';

const known: Case = {
  label: 7,
  epsilonLevels: 71,
  certified: true,
  ibpRadiusLevels: 71.5,
  tried: { queries: 212_408, running: false, search: false, flip: null },
};

const flip = { label: 3, radiusLevels: 9, steps: 14, queries: 40, attack: 'pgd' as const };

test('queries without a flip are counted, and only a proof says that there is none', () => {
  expect(said(known)).toEqual({
    outcome: 'proved',
    says: '212,408 perturbations tried within 71 levels: 0 flips.',
    adds: 'Proved: there is none.',
  });
  expect(said({ ...known, certified: false, ibpRadiusLevels: 2.5 })).toEqual({
    outcome: 'open',
    says: '212,408 perturbations tried within 71 levels: 0 flips.',
    adds: 'Not proved: there may be one.',
  });
});

test('a flip is told with its label, its largest change and when it came', () => {
  const open = { ...known, certified: false, ibpRadiusLevels: 0 };
  const of = (one: object) => said({ ...open, tried: { ...known.tried, ...one } as Case['tried'] });
  expect(of({ flip }).says).toBe('Flipped to 3 at 9 levels, after 14 steps of PGD.');
  expect(of({ flip }).adds).toBe('Nothing proved.');
  expect(of({ flip: { ...flip, label: null, steps: 0, queries: 1, attack: 'square' } }).says).toBe(
    'Lost to a tie at 9 levels, after 1 query of the square attack.',
  );
  expect(of({ flip: { ...flip, attack: 'paint' } }).says).toBe(
    'Flipped to 3 at 9 levels, by hand.',
  );
});

test('a flip within the proof is called a bug, never a flip like others', () => {
  const found = said({ ...known, tried: { queries: 1, running: false, search: false, flip } });
  expect(found.outcome).toBe('broken proof');
  expect(found.adds).toContain('bug');
});

test('a search beyond ε does not speak of queries within ε', () => {
  const tried = { queries: 1000, running: true, search: true, flip: null };
  expect(said({ ...known, tried })).toEqual({
    outcome: 'open',
    says: '1,000 perturbations tried in search of a flip: none so far.',
    adds: 'Proved up to 71.50 levels only.',
  });
});

test('a search that has tried nothing has not found that there is no flip', () => {
  const tried = { queries: 0, running: true, search: true, flip: null };
  expect(said({ ...known, tried }).outcome).toBe('open');
  expect(said({ ...known, tried }).says).not.toMatch(/0|none/);
  // It has nothing to try where all is proved.
  expect(said({ ...known, tried: { ...tried, running: false } }).outcome).toBe('proved');
});

test('the true radius lies between what is proved and what is broken', () => {
  expect(radiusBracket(71.96875, 83, true)).toBe('proved up to 71.96, broken at 83');
  expect(radiusBracket(0, null, true)).toBe('nothing proved, no flip found');
});

test('before anything was tried nothing is said of flips', () => {
  expect(radiusBracket(71.96875, null, false)).toBe('proved up to 71.96, nothing tried yet');
});
