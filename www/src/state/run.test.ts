import { beforeEach, expect, test, vi } from 'vitest';
import type { OwnImages, Preset, Reply, Request, TrainConfig } from '../wasm/types.ts';

/** The training Worker of a test, which is its other side. */
const worker = vi.hoisted(() => ({
  asked: [] as Request[],
  tell: (() => {}) as (reply: Reply) => void,
}));

vi.mock('../workers/train.worker.ts?worker', () => ({
  default: class {
    onmessage: ((event: { data: Reply }) => void) | null = null;
    constructor() {
      worker.tell = (data) => this.onmessage?.({ data });
    }
    postMessage = (request: Request) => worker.asked.push(request);
    terminate() {}
  },
}));
vi.mock('../wasm/programs.ts', () => ({ fetchProgram: () => Promise.resolve({}) }));
vi.mock('../assets/image-shards.ts', () => ({ fetchShards: () => Promise.resolve([]) }));

/** What the browser keeps. */
const records = vi.hoisted(() => new Map<string, unknown>());
vi.mock('idb-keyval', () => ({
  createStore: () => () => {},
  get: (key: string) => Promise.resolve(records.get(key)),
  set: (key: string, value: unknown) => Promise.resolve(void records.set(key, value)),
  keys: () => Promise.resolve([...records.keys()]),
  del: (key: string) => Promise.resolve(void records.delete(key)),
  delMany: (keys: string[]) => Promise.resolve(keys.forEach((key) => records.delete(key))),
}));

vi.stubGlobal('document', { addEventListener: () => {}, visibilityState: 'hidden' });
vi.stubGlobal('navigator', {});
vi.stubGlobal('location', { search: '?device=cpu' });
vi.stubGlobal('addEventListener', () => {});

const { Run } = await import('./run.svelte.ts');
const { imagesId } = await import('./saved.ts');

const config = {
  dataset: 'mnist',
  images: 1_000,
  batch: 10,
  held_out: 5_000,
  epochs_start: 1,
  epochs_growth: 1,
  epochs_inf: 1,
} as TrainConfig;
const device = { kind: 'cpu', name: 'CPU', software: false, why: '' } as const;

const ready = (iteration: number, images = 1_000, dataset = 'mnist'): Reply => ({
  type: 'ready',
  device,
  config: { ...config, dataset },
  iteration,
  iterations: 300,
  images,
  heldOut: 5_000,
});
const progress = (iteration: number, secondsLeft: number): Reply => ({
  type: 'progress',
  iteration,
  secondsLeft,
  imagesPerSecond: 100,
  steps: [{ iteration: iteration - 1, loss: 1, accuracy: 0.5, p: 8, learningRate: 0.1 }],
});

/** A run whose Worker has opened. */
async function opened() {
  const run = new Run();
  run.open();
  await vi.waitFor(() => expect(worker.asked.length).toBeGreaterThan(0));
  worker.tell({ type: 'opened', presets: [], device });
  worker.asked.splice(0);
  return run;
}

const kinds = () => worker.asked.map(({ type }) => type);

beforeEach(() => {
  worker.asked.splice(0);
  records.clear();
});

test('how long is left is not said before a run was timed, nor by the run before', async () => {
  const run = await opened();
  run.start(config);
  worker.tell(ready(0));
  worker.tell({ type: 'running' });
  expect(run.phase).toBe('running');
  expect(run.secondsLeft).toBeNull();
  worker.tell(progress(1, 3_600));
  expect(run.secondsLeft).toBe(3_600);
  worker.tell({ type: 'stopped' });
  run.start(config);
  worker.tell(ready(0));
  worker.tell({ type: 'running' });
  expect(run.secondsLeft).toBeNull();
});

test('a change of a hyperparameter keeps what is known of the run', async () => {
  const run = await opened();
  run.start(config);
  worker.tell(ready(0));
  worker.tell({ type: 'running' });
  worker.tell(progress(1, 60));
  worker.tell(ready(1));
  expect(run.phase).toBe('running');
  expect(run.secondsLeft).toBe(60);
  expect(run.steps).toHaveLength(1);
});

test('a finished run of a file is finished, and is measured', async () => {
  const run = await opened();
  run.load(new Uint8Array(1));
  worker.tell(ready(300));
  expect(run.phase).toBe('done');
  expect(worker.asked.at(-1)).toMatchObject({ type: 'evaluate' });
});

test('a run of a file that has steps left is paused, and is measured', async () => {
  const run = await opened();
  run.load(new Uint8Array(1));
  worker.tell(ready(120));
  expect(run.phase).toBe('paused');
  expect(kinds()).toEqual(['load', 'evaluate']);
});

test('a run that begins is not measured before its first step', async () => {
  const run = await opened();
  run.start(config);
  worker.tell(ready(0));
  expect(kinds()).toEqual(['start', 'resume']);
});

test('a schedule of 82 million steps is refused at once, in a sentence, and asks for nothing', async () => {
  const run = await opened();
  const long = {
    ...config,
    images: 55_000,
    batch: 2,
    epochs_start: 1_000,
    epochs_growth: 1_000,
    epochs_inf: 1_000,
  };
  for (const ask of [() => run.estimate('draft', long), () => run.start(long)]) {
    run.error = null;
    ask();
    expect(run.error).toContain('82,500,000');
  }
  expect(worker.asked).toEqual([]);
  // What is wrong is not said any longer than it is.
  run.estimate('draft', config);
  expect(run.error).toBeNull();
  expect(kinds()).toEqual(['estimate']);
});

test('a checkpoint that is refused leaves the run in place as it is', async () => {
  const run = await opened();
  run.start(config, 'step');
  worker.tell(ready(0));
  worker.tell(progress(1, 60));
  worker.tell({ type: 'paused', iteration: 1 });
  run.load(new Uint8Array(1));
  worker.tell({ type: 'error', message: 'The seed is too large.', fatal: false });
  expect(run.error).toBe('The seed is too large.');
  expect(run.phase).toBe('paused');
  expect(run.iteration).toBe(1);
  expect(run.steps).toHaveLength(1);
});

/** Images of somebody's own, known by a digest. */
const images = (sha256: string) =>
  ({ description: JSON.stringify({ imported: { sha256 } }), heldOut: 1 }) as unknown as OwnImages;
const fitted: Reply = { type: 'fitted', dataset: 'own-shapes', presets: [{} as Preset] };
const checkpoint = (iteration: number): Reply => ({
  type: 'checkpoint',
  iteration,
  bytes: new Uint8Array(1),
});
/** Digests of the images that were handed to the Worker. */
const handed = () => worker.asked.flatMap((one) => (one.type === 'own' ? [imagesId(one)] : []));
const keptImages = () => [...records.keys()].filter((key) => key.startsWith('images'));

test('until the presets are fitted to images that were handed over, it says so', async () => {
  const run = await opened();
  run.learnFrom(images('a'));
  expect(run.fitting).toBe(true);
  worker.tell(fitted);
  expect(run.fitting).toBe(false);
  expect(run.own).toBe('own-shapes');
  run.learnFrom(images('b'));
  worker.tell({ type: 'error', message: 'They are none.', fatal: false });
  expect(run.fitting).toBe(false);
});

test('images that are left out before the presets are fitted to them stay left out', async () => {
  const run = await opened();
  run.learnFrom(images('a'));
  run.learnFrom(null);
  worker.tell(fitted);
  expect(run.own).toBeNull();
  expect(run.presets).toEqual([]);
});

test('own images are kept with the first checkpoint of their run, not when it starts', async () => {
  const run = await opened();
  run.learnFrom(images('a'));
  worker.tell(fitted);
  run.start({ ...config, dataset: 'own-shapes' });
  worker.tell(ready(0, 10, 'own-shapes'));
  await new Promise((resolve) => setTimeout(resolve));
  expect(keptImages()).toEqual([]);
  worker.tell(checkpoint(1));
  await vi.waitFor(() => expect(run.keptAt).toBe(1));
  expect(keptImages()).toEqual(['images:a']);
  worker.tell({ type: 'stopped' });
  await vi.waitFor(() => expect(run.config).toBeNull());
  run.saved = records.get('run') as typeof run.saved;
  run.forget();
  await vi.waitFor(() => expect([...records.keys()]).toEqual([]));
});

test('a run that goes on learns from its own images, and the next one from those that were read since', async () => {
  records.set('images:a', images('a'));
  records.set('run', { config, iteration: 1, steps: [], metrics: [], images: 'a' });
  const run = await opened();
  await vi.waitFor(() => expect(run.saved).not.toBeNull());
  run.learnFrom(images('b'));
  worker.tell(fitted);
  run.goOn();
  // What is read while it is on its way has to wait.
  run.learnFrom(images('c'));
  worker.tell({ type: 'wanted', dataset: 'own-shapes', images: 10 });
  await vi.waitFor(() => expect(handed()).toEqual(['b', 'a']));
  worker.tell(fitted);
  worker.tell(ready(1, 10, 'own-shapes'));
  expect(run.phase).toBe('paused');
  worker.tell(checkpoint(2));
  await vi.waitFor(() => expect(run.keptAt).toBe(2));
  expect(keptImages()).toEqual(['images:a']);
  worker.tell({ type: 'stopped' });
  expect(handed()).toEqual(['b', 'a', 'c']);
});

test('a run whose images are gone says so, and the Worker does not take others for them', async () => {
  records.set('run', { config, iteration: 1, steps: [], metrics: [], images: 'a' });
  const run = await opened();
  await vi.waitFor(() => expect(run.saved).not.toBeNull());
  run.goOn();
  worker.tell({ type: 'wanted', dataset: 'own-shapes', images: 10 });
  await vi.waitFor(() => expect(run.error).not.toBeNull());
  expect(run.phase).toBe('empty');
  expect(run.saved).not.toBeNull();
  expect(kinds()).toEqual(['load', 'stop']);
});
