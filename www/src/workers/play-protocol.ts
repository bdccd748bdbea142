/**
 * What the page and the Worker of *Play* say to each other.
 *
 * The Worker trains by itself while a game runs, and shows a frame whenever the page has drawn the one
 * before and asks to look again. So it never sends more than is drawn, and trains in all of the rest of
 * the time.
 */
import type { PlayState } from '../codec/play.ts';
import type {
  PlayConfig,
  PlayFrame,
  PlayHyperparameters,
  PlayTruth,
  PlayUnits,
} from '../wasm/types.ts';

/** From the page. */
export type ToPlayWorker =
  /** The compiled program, before anything else. */
  | { type: 'open'; program: WebAssembly.Module }
  /** A game in place of the one before, paused. Answered by a frame and the truth. */
  | {
      type: 'begin';
      /** Told with every answer about this game. */
      game: number;
      config: PlayConfig;
      pixels: Uint8Array<ArrayBuffer>;
      labels: Uint8Array<ArrayBuffer>;
    }
  | { type: 'resume'; /** Pauses after so many steps, if not `null`. */ until: number | null }
  /** Answered by a frame and the truth. */
  | { type: 'pause' }
  /** One step, while paused. Answered by a frame and the truth. */
  | { type: 'step' }
  /** Answered by the truth, soon if the game runs. */
  | { type: 'change'; hyperparameters: PlayHyperparameters }
  /** The page has drawn, and takes the next frame. */
  | { type: 'look' }
  /** Forgets the game. */
  | { type: 'end' };

/** From the Worker, about the game of that number. */
export type FromPlayWorker = { game: number } & (
  | { type: 'frame'; frame: PlayFrame; isRunning: boolean; isFinished: boolean }
  | { type: 'truth'; truth: PlayTruth }
  /** After the truth of a game that rests. */
  | { type: 'units'; units: PlayUnits }
  /** A change that cannot be; or, if it is fatal, why the game cannot go on. */
  | { type: 'error'; message: string; isFatal: boolean }
);

/** The last p before ∞. */
const LAST_FINITE_P = 400;
/** Shares of a run at its first p and at p = ∞. */
const [SHARE_START, SHARE_INF] = [1 / 4, 1 / 10];

export const hyperparametersOf = ({
  learningRate,
  epsilonTrain,
  epsilon,
}: PlayState): PlayHyperparameters => ({
  learningRate,
  epsilonTrainLevels: epsilonTrain,
  epsilonLevels: epsilon,
});

/** The game of a state, apart from its points. */
export function configOf(state: PlayState): PlayConfig {
  const { classes, layers, width, init, seed, steps, pStart, pEnd } = state;
  const isEndless = pEnd === Infinity;
  const stepsStart = Math.round(SHARE_START * steps);
  const stepsInf = isEndless ? Math.round(SHARE_INF * steps) : 0;
  return {
    classes,
    hidden: Array.from({ length: layers }, () => width),
    weightInit: init,
    seed,
    stepsStart,
    stepsGrowth: steps - stepsStart - stepsInf,
    stepsInf,
    pStart,
    pEnd: isEndless ? LAST_FINITE_P : pEnd,
    hyperparameters: hyperparametersOf(state),
  };
}
