/**
 * The Worker of *Play*: it trains both networks while a game runs, and shows them when the page looks.
 *
 * Between two turns it yields by a message to itself, a macrotask: what the page has sent meanwhile is
 * met first.
 */
import { message } from '../assets/download.ts';
import { PlaySession, startProgram } from '../wasm/play-session.ts';
import { AWAKE } from './client.ts';
import type { FromPlayWorker, ToPlayWorker } from './play-protocol.ts';

/** How long steps are taken for before the Worker listens again. */
const TURN_MS = 12;
const MOST_STEPS = 40;
/** Images in a row of the maps while a game runs, when it rests, and of where units decide. */
const SIDE = { running: 64, resting: 256, units: 128 };
/** While a game runs, all images are looked up this often, and in this share of the time. */
const LEAST_LOOKUP_MS = 700;
const LOOKUP_SHARE = 0.15;
/** After a change they are looked up this soon; a slider that is dragged changes often. */
const CHANGED_LOOKUP_MS = 150;

type Said = FromPlayWorker extends infer Reply
  ? Reply extends { game: number }
    ? Omit<Reply, 'game'>
    : never
  : never;

let opening: Promise<unknown> = Promise.resolve();
let session: PlaySession | null = null;
let game = 0;
let isRunning = false;
/** The step at which a running game pauses. */
let until = Infinity;
/** Whether the page has drawn what it was shown. */
let isLooking = true;
let steps = 1;
let nextLookup = 0;

const tell = (said: Said) => postMessage({ ...said, game } as FromPlayWorker);

function fail(cause: unknown) {
  isRunning = false;
  tell({ type: 'error', message: message(cause), isFatal: true });
}

function show(side: number) {
  if (!session) return;
  isLooking = false;
  const { isFinished } = session;
  tell({ type: 'frame', frame: session.frame(side), isRunning, isFinished });
}

function lookUp() {
  if (!session) return;
  const began = performance.now();
  tell({ type: 'truth', truth: session.truth() });
  const took = performance.now() - began;
  nextLookup = performance.now() + Math.max(LEAST_LOOKUP_MS, took / LOOKUP_SHARE);
}

/** A game that rests is shown whole, whether or not the page looks. */
function rest() {
  isRunning = false;
  show(SIDE.resting);
  lookUp();
  if (session) tell({ type: 'units', units: session.units(SIDE.units) });
}

function train() {
  if (!session) return;
  const began = performance.now();
  const taken = Math.min(steps, Math.max(0, until - session.iteration));
  session.advance(taken);
  const took = Math.max(0.1, performance.now() - began);
  steps = Math.min(MOST_STEPS, Math.max(1, Math.round((taken * TURN_MS) / took)));
  if (session.isFinished || session.iteration >= until) {
    rest();
  } else if (isLooking) {
    show(SIDE.running);
    if (performance.now() > nextLookup) lookUp();
  }
}

const turn = new MessageChannel();
/** Whether a turn is on its way. */
let isTurning = false;

function takeTurns() {
  if (isTurning || !isRunning) return;
  isTurning = true;
  turn.port2.postMessage(null);
}

turn.port1.onmessage = () => {
  isTurning = false;
  if (!isRunning) return;
  try {
    train();
  } catch (cause) {
    fail(cause);
  }
  takeTurns();
};

function end() {
  isRunning = false;
  session?.free();
  session = null;
}

function meet(request: Exclude<ToPlayWorker, { type: 'open' }>) {
  switch (request.type) {
    case 'begin':
      end();
      game = request.game;
      session = new PlaySession(request.config, request.pixels, request.labels);
      rest();
      break;
    case 'resume':
      isRunning = session !== null && !session.isFinished;
      until = request.until ?? Infinity;
      // What it was shown last was drawn while the game rested.
      isLooking = true;
      takeTurns();
      break;
    case 'pause':
      if (isRunning) rest();
      break;
    case 'step':
      session?.advance(1);
      rest();
      break;
    case 'change':
      try {
        session?.change(request.hyperparameters);
      } catch (cause) {
        tell({ type: 'error', message: message(cause), isFatal: false });
      }
      // The networks are what they were: of what is shown, the truth alone depends on ε.
      if (isRunning) nextLookup = Math.min(nextLookup, performance.now() + CHANGED_LOOKUP_MS);
      else lookUp();
      break;
    case 'look':
      isLooking = true;
      break;
    case 'end':
      end();
  }
}

addEventListener('message', ({ data }: MessageEvent<ToPlayWorker>) => {
  if (data.type === 'open') {
    opening = startProgram(data.program);
    return;
  }
  opening = opening
    .then(() => meet(data))
    .catch((cause: unknown) => {
      if (data.type === 'begin') game = data.game;
      fail(cause);
    });
});
postMessage(AWAKE);
