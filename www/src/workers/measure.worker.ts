/** A Worker that measures: one of as many as there are cores. */
import { openMeasureEngine, type MeasureEngine } from '../wasm/measure-engine.ts';
import { AWAKE } from './client.ts';
import type { Reply, Request } from './measure-protocol.ts';

const engines = new Map<string, MeasureEngine>();

function engineOf(network: string): MeasureEngine {
  const engine = engines.get(network);
  if (!engine) throw new Error(`the network ${network} was not opened`);
  return engine;
}

async function answer(request: Request): Promise<Reply> {
  switch (request.type) {
    case 'open':
      engines.set(request.network, await openMeasureEngine(request));
      return { type: 'opened' };
    case 'certify': {
      const began = performance.now();
      const certificates = engineOf(request.network).certify(request.pixels);
      return { type: 'certified', certificates, tookMs: performance.now() - began };
    }
    case 'attack': {
      const { network, target, queries, seed } = request;
      return { type: 'attacked', flipTicks: engineOf(network).smallestFlip(target, queries, seed) };
    }
  }
}

/** Answers come in the order of the requests, though opening a network takes its time. */
let last = Promise.resolve();

onmessage = ({ data }: MessageEvent<Request>) => {
  last = last.then(async () => {
    try {
      postMessage(await answer(data));
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      postMessage({ type: 'failed', message } satisfies Reply);
    }
  });
};
postMessage(AWAKE);
