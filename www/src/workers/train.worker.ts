/**
 * The training Worker: it hands requests to the session in WebAssembly, and between them lets it
 * train.
 *
 * The session waits for the GPU, and forbids a second call while one is under way; so one loop
 * meets requests in their order and trains in between, for a fraction of a second at a time. Then
 * it yields by a message to itself, which is a macrotask: what the page has sent meanwhile is met
 * first. Every few seconds it measures and saves by itself, so that a tab that closes or breaks
 * loses little. It also measures at some fixed steps, whatever that takes.
 */
import { INSECURE, isSecure } from '../copy.ts';
import { openTrainSession, type TrainSession } from '../wasm/train-session.ts';
import type { Reply, Request } from '../wasm/types.ts';
import { AWAKE } from './client.ts';
import {
  ALL_IMAGES,
  CHART_IMAGES,
  isFixed,
  stepsToFixed,
  type Opening,
  type ToWorker,
} from './train-protocol.ts';

/** How long steps are taken for before the Worker listens again. A single step may take longer. */
const TURN_MS = 120;
/** More steps than this are never taken in one turn, however fast they are. */
const MOST_STEPS = 50;
/** A measurement or a checkpoint takes at most this share of the time. */
const SHARE = 0.1;
/** Checkpoints and measurements are at least this far apart. */
const LEAST_MS = { evaluate: 1_000, save: 3_000 };

const inbox: Request[] = [];
/** Ends the loop's sleep. */
let wake = () => {};
const turn = new MessageChannel();
/** Steps of the next turn. */
let steps = 1;
/** Where the run is. */
let iteration = 0;
let iterations = 0;
/** When each of the two may be done next. */
const next = { evaluate: 0, save: 0 };

const tell = (reply: Reply) => {
  if (reply.type === 'ready' || reply.type === 'progress') iteration = reply.iteration;
  if (reply.type === 'ready') iterations = reply.iterations;
  const bytes = reply.type === 'checkpoint' || reply.type === 'model' ? [reply.bytes.buffer] : [];
  postMessage(reply, { transfer: bytes });
};

const fatal = (what: string, cause: unknown) => {
  const why = cause instanceof Error ? cause.message : String(cause);
  tell({ type: 'error', message: `${what}: ${why.replace(/\.$/, '')}.`, fatal: true });
};

/** A macrotask: whatever has been sent meanwhile arrives first. */
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    turn.port1.onmessage = () => resolve();
    turn.port2.postMessage(null);
  });
}

async function ask(session: TrainSession, request: Request) {
  (await session.handle(request)).forEach(tell);
}

/** Does by itself what the page could ask for, unless it was done lately and need not be done. */
async function routine(session: TrainSession, what: 'evaluate' | 'save', isNeeded = false) {
  const start = performance.now();
  if (start < next[what] && !isNeeded) return;
  await ask(
    session,
    what === 'save' ? { type: 'save' } : { type: 'evaluate', images: CHART_IMAGES },
  );
  const end = performance.now();
  next[what] = end + Math.max(LEAST_MS[what], (end - start) / SHARE);
}

/** At a halt the run is saved and measured, however lately it was. */
async function settle(session: TrainSession, images: number) {
  await ask(session, { type: 'save' });
  await ask(session, { type: 'evaluate', images });
}

async function train(session: TrainSession) {
  const start = performance.now();
  (await session.advance(Math.min(steps, stepsToFixed(iteration, iterations)))).forEach(tell);
  const taken = Math.max(1, performance.now() - start);
  steps = Math.min(MOST_STEPS, Math.max(1, Math.round((steps * TURN_MS) / taken)));
  if (session.isRunning) {
    // What a measurement could break is kept before.
    await routine(session, 'save');
    await routine(session, 'evaluate', isFixed(iteration, iterations));
  } else {
    await settle(session, ALL_IMAGES);
  }
}

async function answer(session: TrainSession, request: Request) {
  const wasRunning = session.isRunning;
  await ask(session, request);
  if (request.type === 'step' || (request.type === 'pause' && wasRunning)) {
    await settle(session, CHART_IMAGES);
  }
}

/** Meets requests and trains, for ever. */
async function serve(session: TrainSession) {
  for (;;) {
    for (let request = inbox.shift(); request; request = inbox.shift()) {
      await answer(session, request);
    }
    if (session.isRunning) {
      await train(session);
      await breathe();
    } else if (inbox.length === 0) {
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }
}

async function open(opening: Opening) {
  let session: TrainSession;
  try {
    session = await openTrainSession(opening);
    tell(session.opened());
  } catch (cause) {
    // There the browser shows no GPU, whether or not there is one.
    const isHidden = opening.device === 'webgpu' && !isSecure();
    fatal('The training program did not start', isHidden ? INSECURE.gpu : cause);
    return;
  }
  // A trap in WebAssembly leaves nothing that can be used: the page starts another Worker.
  serve(session).catch((cause: unknown) => fatal('The training program broke', cause));
}

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data.type === 'open') {
    void open(data);
  } else {
    inbox.push(data);
    wake();
  }
});
postMessage(AWAKE);
