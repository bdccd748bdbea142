import { beforeEach, expect, test, vi } from 'vitest';
import { FIRST_PLAY } from '../codec/play.ts';
import type { PlayFrame, PlayTruth } from '../wasm/types.ts';
import type { FromPlayWorker, ToPlayWorker } from '../workers/play-protocol.ts';

/** The Worker of a test, which is its other side. */
const worker = vi.hoisted(() => ({
  asked: [] as ToPlayWorker[],
  tell: (() => {}) as (reply: FromPlayWorker) => void,
}));
/** Holds the program back until it is called. */
const program = vi.hoisted(() => ({ arrive: () => {} }));

vi.mock('../workers/play.worker.ts?worker', () => ({
  default: class {
    onmessage: ((event: { data: FromPlayWorker }) => void) | null = null;
    constructor() {
      worker.tell = (data) => this.onmessage?.({ data });
    }
    postMessage = (request: ToPlayWorker) => worker.asked.push(request);
    terminate() {}
  },
}));
vi.mock('../wasm/programs.ts', () => ({
  fetchProgram: () => new Promise<object>((resolve) => (program.arrive = () => resolve({}))),
}));

const { Game } = await import('./play.svelte.ts');

const asked = <Type extends ToPlayWorker['type']>(type: Type) =>
  worker.asked.filter((request) => request.type === type) as Extract<
    ToPlayWorker,
    { type: Type }
  >[];

const net = (certified: number[]) =>
  ({ certified, right: 4, loss: 1, accuracy: 1 }) as unknown as PlayFrame['ours'];
/** A frame whose points have certified radii of these levels. */
const frame = (iteration: number) =>
  ({
    ...{ iteration, iterations: 1200, p: 8, side: 2, points: 4 },
    ...{ ours: net([4, 4, 2, 1]), relu: net([4, 1, 0, 0]) },
  }) as PlayFrame;
const truth = (iteration: number, epsilonLevels: number): PlayTruth => ({
  iteration,
  epsilonLevels,
  ours: { robust: 4, inside: 9, contradictions: 0 },
  relu: { robust: 4, inside: 9, contradictions: 0 },
});

/** A game that runs, and how its Worker shows it. */
async function running(state = FIRST_PLAY) {
  const game = new Game();
  game.follow(state);
  const playing = game.play(state);
  program.arrive();
  await playing;
  const number = asked('begin').at(-1)?.game ?? 0;
  const show = (iteration: number, isRunning = true) =>
    worker.tell({ type: 'frame', game: number, frame: frame(iteration), isRunning, isFinished: false }); // prettier-ignore
  return { game, number, show };
}

beforeEach(() => void worker.asked.splice(0));

test('what was looked up keeps the step and the ε that it is of', async () => {
  const { game, number, show } = await running();
  show(3);
  worker.tell({ type: 'truth', game: number, truth: truth(3, 16) });
  show(9);
  game.follow({ ...FIRST_PLAY, epsilon: 2 });
  expect([game.frame?.iteration, game.truth?.iteration]).toEqual([9, 3]);
  expect(game.truth?.epsilonLevels).toBe(16);
  expect(asked('change').map(({ hyperparameters }) => hyperparameters.epsilonLevels)).toEqual([2]);
  worker.tell({ type: 'truth', game: number, truth: truth(9, 2) });
  expect(game.truth?.epsilonLevels).toBe(2);
});

test('the curve holds what is certified at every ε, so that all of it is of the one that is set', async () => {
  const { game, show } = await running();
  show(3);
  game.follow({ ...FIRST_PLAY, epsilon: 2 });
  show(6);
  const at = (epsilon: number) => game.curve.map(({ ours }) => ours[epsilon]);
  expect([at(1), at(3)]).toEqual([
    [4, 4],
    [1, 1],
  ]);
});

test('ε that is changed while the program is loaded is the one that the game begins with', async () => {
  const game = new Game();
  const playing = game.play(FIRST_PLAY);
  game.follow({ ...FIRST_PLAY, epsilon: 7 });
  program.arrive();
  await playing;
  expect(asked('begin').map(({ config }) => config.hyperparameters.epsilonLevels)).toEqual([7]);
});

test('settings of another game end this one, and those of its looks do not', async () => {
  const { game, show } = await running();
  show(3);
  game.follow({ ...FIRST_PLAY, colours: 'pixels', unit: 2, step: 3 });
  expect(game.phase).toBe('running');
  expect(asked('change')).toEqual([]);
  game.follow({ ...FIRST_PLAY, width: 8 });
  expect(game.phase).toBe('empty');
  expect(game.frame).toBeNull();
  expect(asked('end')).toHaveLength(1);
});

test('a game plays to the step of its link, and then on', async () => {
  const { game, show } = await running({ ...FIRST_PLAY, step: 40 });
  show(40, false);
  expect(game.phase).toBe('paused');
  await game.play({ ...FIRST_PLAY, step: 40 });
  expect(asked('resume').map(({ until }) => until)).toEqual([40, null]);
});

test('a training that was changed on its way is no longer the one of its settings', async () => {
  const { game, show } = await running();
  show(3);
  game.follow({ ...FIRST_PLAY, epsilon: 2 });
  expect(game.changedAt).toBeNull();
  game.follow({ ...FIRST_PLAY, epsilon: 2, learningRate: 0.1 });
  expect(game.changedAt).toBe(3);
  game.reset();
  expect(game.changedAt).toBeNull();
});

test('a frame is asked for once it is drawn, however often it is drawn', async () => {
  const { game, show } = await running();
  const clock = vi.spyOn(performance, 'now').mockReturnValueOnce(0).mockReturnValueOnce(50);
  show(3);
  game.drawn();
  game.drawn();
  show(6);
  game.drawn();
  expect(asked('look')).toHaveLength(2);
  expect(game.framesPerSecond).toBe(20);
  clock.mockRestore();
  show(9, false);
  expect(game.framesPerSecond).toBeNull();
});
