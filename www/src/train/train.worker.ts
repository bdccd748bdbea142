/**
 * The training Worker: it hands requests to the session in WebAssembly, and between them lets it
 * train.
 *
 * Training goes on for a fraction of a second at a time. In between the Worker yields by a message
 * to itself, which is a macrotask: a request that the page has sent meanwhile is met first. Every
 * few seconds it measures and saves by itself, so that a tab that closes or breaks loses little.
 */
import init, { TrainSession, type Reply, type Request } from '../../../pkg/train/train.js';

/** How long steps are taken for before the Worker listens again. A single step may take longer. */
const TURN_MS = 120;
/** More steps than this are never taken in one turn, however fast they are. */
const MOST_STEPS = 50;
/** A measurement or a checkpoint takes at most this share of the time. */
const SHARE = 0.1;
/** Checkpoints and measurements are at least this far apart. */
const LEAST_MS = { evaluate: 1_000, save: 4_000 };
/** Held-out images that the charts measure; the end of a run is measured on all. */
const CHART_IMAGES = 1_000;
const ALL_IMAGES = 60_000;

const turn = new MessageChannel();
let session: TrainSession | null = null;
/** Steps of the next turn. */
let steps = 1;
/** Whether a turn is on its way. */
let scheduled = false;
/** When each of the two may be done next. */
const next = { evaluate: 0, save: 0 };

const tell = (reply: Reply) => {
  const bytes = reply.type === 'checkpoint' || reply.type === 'model' ? [reply.bytes.buffer] : [];
  postMessage(reply, { transfer: bytes });
};

/** A trap in WebAssembly leaves nothing that can be used: the page starts another Worker. */
function fail(cause: unknown) {
  session = null;
  const what = cause instanceof Error ? cause.message : String(cause);
  tell({ type: 'error', message: `The training program broke: ${what}.`, fatal: true });
}

/** Does by itself what the page could ask for, unless it was done lately. */
function routine(session: TrainSession, what: 'evaluate' | 'save') {
  const start = performance.now();
  if (start < next[what]) return;
  const request: Request =
    what === 'save' ? { type: 'save' } : { type: 'evaluate', images: CHART_IMAGES };
  session.handle(request).forEach(tell);
  const end = performance.now();
  next[what] = end + Math.max(LEAST_MS[what], (end - start) / SHARE);
}

/** Asks for another turn, once. */
function schedule() {
  if (scheduled) return;
  scheduled = true;
  turn.port2.postMessage(null);
}

function train() {
  scheduled = false;
  if (!session?.isRunning) return;
  try {
    const start = performance.now();
    session.advance(steps).forEach(tell);
    const taken = Math.max(1, performance.now() - start);
    steps = Math.min(MOST_STEPS, Math.max(1, Math.round((steps * TURN_MS) / taken)));
    if (session.isRunning) {
      routine(session, 'evaluate');
      routine(session, 'save');
      schedule();
    } else {
      settle(session, ALL_IMAGES);
    }
  } catch (cause) {
    fail(cause);
  }
}

/** At a halt the run is measured and saved, however lately it was. */
function settle(session: TrainSession, images: number) {
  session.handle({ type: 'save' }).forEach(tell);
  session.handle({ type: 'evaluate', images }).forEach(tell);
}

function answer(request: Request) {
  if (!session) return;
  try {
    const wasRunning = session.isRunning;
    session.handle(request).forEach(tell);
    if (request.type === 'step' || (request.type === 'pause' && wasRunning)) {
      settle(session, CHART_IMAGES);
    }
    if (session.isRunning) schedule();
  } catch (cause) {
    fail(cause);
  }
}

turn.port1.onmessage = train;
addEventListener('message', ({ data }: MessageEvent<Request>) => answer(data));

init().then(
  () => {
    session = new TrainSession();
    tell(session.open());
  },
  (cause: unknown) => {
    const what = cause instanceof Error ? cause.message : String(cause);
    tell({ type: 'error', message: `The training program did not load: ${what}.`, fatal: true });
  },
);
