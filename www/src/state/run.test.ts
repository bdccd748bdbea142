import { beforeEach, expect, test, vi } from 'vitest';
import type { Reply, Request, TrainConfig } from '../wasm/types.ts';

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

vi.stubGlobal('document', { addEventListener: () => {}, visibilityState: 'hidden' });
vi.stubGlobal('navigator', {});
vi.stubGlobal('location', { search: '?device=cpu' });
vi.stubGlobal('addEventListener', () => {});

const { Run } = await import('./run.svelte.ts');

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

const ready = (iteration: number, images = 1_000): Reply => ({
  type: 'ready',
  device,
  config,
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

beforeEach(() => void worker.asked.splice(0));

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
