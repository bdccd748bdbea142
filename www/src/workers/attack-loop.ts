/**
 * The Worker's side of the protocol, the same for every network.
 *
 * A run is advanced for a few milliseconds at a time. In between the Worker yields by a message
 * to itself, which is a macrotask: a stop that the page has sent meanwhile comes first. On a GPU the
 * Worker waits for the answer, and hears the page meanwhile.
 */
import { AWAKE } from './client.ts';
import type { Engine, Report, Request, Step, Supply } from './attack-protocol.ts';

/** The longest that a run goes on before the Worker listens again. */
const TURN_MS = 12;
/** The page is told this often, and no oftener: more than it can show is in its way. */
const REPORT_MS = 40;

/** Answers the page for ever. */
export function serve(open: (supply: Supply) => Promise<Engine>) {
  let engine: Engine | null = null;
  let run: {
    id: number;
    /** A minimum-norm attack goes on after a flip; other attacks have done their work. */
    search: boolean;
    spentMs: number;
    reportedAt: number;
    queries: number;
  } | null = null;
  /** Whether the engine is at work. It takes one call at a time. */
  let advancing = false;
  const turn = new MessageChannel();

  const tell = (report: Report) => postMessage(report);
  const fail = (cause: unknown) => {
    run = null;
    tell({ type: 'failed', message: cause instanceof Error ? cause.message : String(cause) });
  };

  function answer(request: Request) {
    if (request.type === 'open') {
      open(request).then((opened) => {
        engine = opened;
        tell({ type: 'opened' });
      }, fail);
      return;
    }
    if (!engine) throw new Error('the network was not opened');

    switch (request.type) {
      case 'inspect':
        tell({
          type: 'inspected',
          id: request.id,
          inspection: engine.inspect(request.image, request.epsilonLevels),
        });
        break;
      case 'paint': {
        const { id, image, painted, epsilonLevels } = request;
        tell({ type: 'painted', id, perturbed: engine.paint(image, painted, epsilonLevels) });
        break;
      }
      case 'start':
        engine.start(request.order, request.gpu);
        // One query at first: how long one takes is not known yet.
        run = {
          id: request.id,
          search: request.order.attack === 'min_norm',
          spentMs: 0,
          reportedAt: 0,
          queries: 1,
        };
        turn.port2.postMessage(null);
        break;
      case 'stop':
        run = null;
        break;
    }
  }

  async function advance() {
    if (!run || !engine || advancing) return;
    const own = run;
    const began = performance.now();
    let step: Step;
    advancing = true;
    try {
      step = await engine.advance(run.queries);
    } finally {
      advancing = false;
    }
    if (own !== run) {
      // It was stopped meanwhile, or another one was begun.
      turn.port2.postMessage(null);
      return;
    }
    const now = performance.now();
    const { progress, processor } = step;
    const tookMs = step.spentMs ?? now - began;
    run.spentMs += tookMs;
    // Twice as many next time, or fewer, so that a turn takes about as long as it may.
    run.queries = Math.max(
      1,
      Math.round(run.queries * Math.min(2, TURN_MS / Math.max(tookMs, 0.1))),
    );

    const report = { progress, processor, spentMs: run.spentMs };
    if (progress.done || (progress.misclassified > 0 && !run.search)) {
      tell({ type: 'done', id: run.id, report });
      run = null;
      return;
    }
    if (now - run.reportedAt >= REPORT_MS) {
      run.reportedAt = now;
      tell({ type: 'progress', id: run.id, report });
    }
    turn.port2.postMessage(null);
  }

  const guarded =
    <Input>(work: (input: Input) => void) =>
    (event: MessageEvent<Input>) => {
      try {
        work(event.data);
      } catch (cause) {
        fail(cause);
      }
    };
  turn.port1.onmessage = () => void advance().catch(fail);
  onmessage = guarded(answer);
  postMessage(AWAKE);
}
