/**
 * The game of *Play*: its Worker, and what it has shown so far.
 *
 * The program is loaded when a game is first played. It outlives the view: a game goes on while something
 * else is read.
 */
import {
  configOf,
  hyperparametersOf,
  type FromPlayWorker,
  type ToPlayWorker,
} from '../workers/play-protocol.ts';
import PlayWorker from '../workers/play.worker.ts?worker';
import { WorkerClient } from '../workers/client.ts';
import { fetchProgram } from '../wasm/programs.ts';
import type { PlayFrame, PlayTruth, PlayUnits } from '../wasm/types.ts';
import { makePoints, ownPoints, type Points } from '../views/learn/play/points.ts';
import { structureOf, type PlayState } from '../codec/play.ts';
import { Attempt } from './attempt.svelte.ts';
import { FrameRate } from './frame-rate.ts';

export type GamePhase =
  /** Nothing is trained; the program may not have been loaded. */
  | 'empty'
  | 'loading'
  | 'paused'
  | 'running'
  /** The schedule has ended. */
  | 'done';

/** A moment of a game, for the curve. */
export interface GamePoint {
  iteration: number;
  p: number;
  /** Points that are certified, by ε in whole levels. */
  ours: readonly number[];
  relu: readonly number[];
}

/** Points of a curve, beyond which every other one is dropped. */
const MOST_POINTS = 400;

/** The points of a state. */
export function pointsOf(state: PlayState): Points {
  return state.data === 'own' ? ownPoints(state.points) : makePoints(state.data, state);
}

export class Game {
  phase = $state<GamePhase>('empty');
  frame = $state.raw<PlayFrame | null>(null);
  /** Of the step and the ε that it names: while a game runs, an older one than the frame's. */
  truth = $state.raw<PlayTruth | null>(null);
  /** Where the units of the ℓ∞-dist net decide; `null` while a game runs. */
  units = $state.raw<PlayUnits | null>(null);
  curve = $state.raw<readonly GamePoint[]>([]);
  /** Images inside of certified squares that were looked up in all of the game, of both networks. */
  lookups = $state(0);
  /** Of these, those with another label. */
  contradictions = $state(0);
  /** What went wrong last, as a sentence. */
  error = $state<string | null>(null);
  /** Frames a second that are drawn of a running game; `null` while it rests. */
  framesPerSecond = $state<number | null>(null);
  /** The step after which the training was first changed by hand: a link cannot tell that. */
  changedAt = $state<number | null>(null);
  readonly program = new Attempt();

  readonly #worker = new WorkerClient<ToPlayWorker, FromPlayWorker>(
    () => new PlayWorker(),
    (reply) => this.#hear(reply),
    (why) =>
      this.#break(why ?? 'The training program did not start: the server could not be reached.'),
  );
  /** The number of the game in the Worker. */
  #number = 0;
  /** What the game in place is made from; empty without one. */
  #structure = '';
  /** The settings that were followed last. */
  #state: PlayState | null = null;
  #rate = new FrameRate();
  /** The frame that was drawn last. */
  #drawn: PlayFrame | null = null;

  /** Whether the game in place is the one of this state. */
  isOf(state: PlayState): boolean {
    return this.phase !== 'empty' && this.#structure === structureOf(state);
  }

  /** Begins a game, up to the step of the state if that names one; or goes on with it. */
  async play(state: PlayState) {
    const until = this.isOf(state) || state.step === 0 ? null : state.step;
    if (await this.#place(state)) {
      this.#worker.post({ type: 'resume', until });
      this.#rate = new FrameRate();
      this.phase = 'running';
    }
  }

  pause() {
    if (this.phase === 'running') this.#worker.post({ type: 'pause' });
  }

  async step(state: PlayState) {
    if (await this.#place(state)) this.#worker.post({ type: 'step' });
  }

  /** Forgets the game. */
  reset() {
    this.#number += 1;
    this.#structure = '';
    this.#forget();
    this.#worker.post({ type: 'end' });
    this.phase = 'empty';
  }

  /** Takes the settings of the page: the game changes what it can during its run, or ends. */
  follow(state: PlayState) {
    const before = this.#state;
    this.#state = state;
    if (this.phase === 'empty') return;
    if (!this.isOf(state)) return this.reset();
    const isTrained =
      state.learningRate !== before?.learningRate || state.epsilonTrain !== before.epsilonTrain;
    if (!isTrained && state.epsilon === before.epsilon) return;
    this.#worker.post({ type: 'change', hyperparameters: hyperparametersOf(state) });
    const step = this.frame?.iteration ?? 0;
    if (isTrained && step > 0 && this.phase !== 'done') this.changedAt ??= step;
  }

  /** The page has drawn the frame. */
  drawn() {
    // What is shown of a frame may change: it is drawn again then.
    if (this.phase !== 'running' || this.#drawn === this.frame) return;
    this.#drawn = this.frame;
    this.framesPerSecond = this.#rate.count(performance.now());
    this.#worker.post({ type: 'look' });
  }

  #forget() {
    this.frame = null;
    this.truth = null;
    this.units = null;
    this.curve = [];
    this.lookups = 0;
    this.contradictions = 0;
    this.error = null;
    this.framesPerSecond = null;
    this.changedAt = null;
    this.#drawn = null;
  }

  /** Puts the game of a state in place, unless it is. Says whether it is there. */
  async #place(state: PlayState): Promise<boolean> {
    this.#state = state;
    if (this.isOf(state) && this.phase !== 'loading') return this.phase !== 'done';
    const mine = (this.#number += 1);
    this.#structure = structureOf(state);
    this.#forget();
    this.phase = 'loading';
    const program = await this.program.run((options) => fetchProgram('train', options));
    // Another game was begun, or this one forgotten.
    if (mine !== this.#number) return false;
    if (!program) {
      this.#structure = '';
      this.phase = 'empty';
      return false;
    }
    if (!this.#worker.isRunning) {
      this.#worker.start();
      this.#worker.post({ type: 'open', program });
    }
    const { pixels, labels } = pointsOf(state);
    // ε may have been changed while the program was loaded.
    const config = configOf(this.#state);
    this.#worker.post({ type: 'begin', game: mine, config, pixels, labels });
    this.phase = 'paused';
    return true;
  }

  #hear(reply: FromPlayWorker) {
    if (reply.game !== this.#number) return;
    switch (reply.type) {
      case 'frame': {
        const { frame, isRunning, isFinished } = reply;
        this.frame = frame;
        this.units = null;
        this.#note(frame);
        if (!isRunning) this.framesPerSecond = null;
        if (isFinished) this.phase = 'done';
        else if (isRunning) this.phase = 'running';
        // The first frame comes before the game that was asked to run does.
        else if (frame.iteration > 0) this.phase = 'paused';
        break;
      }
      case 'truth': {
        const { ours, relu } = reply.truth;
        this.truth = reply.truth;
        this.lookups += ours.inside + relu.inside;
        this.contradictions += ours.contradictions + relu.contradictions;
        break;
      }
      case 'units':
        this.units = reply.units;
        break;
      case 'error':
        if (reply.isFatal) this.#break(reply.message);
        else this.error = reply.message;
    }
  }

  #note({ iteration, p, ours, relu }: PlayFrame) {
    const point = { iteration, p, ours: ours.certified, relu: relu.certified };
    const before = this.curve.filter((other) => other.iteration < iteration);
    const kept = before.length < MOST_POINTS ? before : before.filter((_, at) => at % 2 === 0);
    this.curve = [...kept, point];
  }

  #break(why: string) {
    const sentence = why.replace(/\.?$/, '.');
    this.#number += 1;
    this.#structure = '';
    this.#worker.stop();
    this.phase = 'empty';
    this.error = sentence.charAt(0).toUpperCase() + sentence.slice(1);
  }
}

export const game = new Game();
