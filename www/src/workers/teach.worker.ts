/** The Worker that teaches a network once, pass by pass. */
import { openTeacher } from '../wasm/teach-engine.ts';
import { AWAKE } from './client.ts';
import type { Reply, Request } from './teach-protocol.ts';

const say = (reply: Reply, transfer: Transferable[] = []) => postMessage(reply, { transfer });

async function teach(request: Request) {
  const teacher = await openTeacher(request);
  const began = performance.now();
  for (let done = 0; done < teacher.passes;) {
    done = teacher.step();
    say({ type: 'pass', done, of: teacher.passes });
  }
  const model = new Uint8Array(teacher.model());
  say({ type: 'taught', model, seconds: (performance.now() - began) / 1000 }, [model.buffer]);
}

onmessage = ({ data }: MessageEvent<Request>) => {
  teach(data).catch((cause: unknown) => {
    say({ type: 'failed', message: cause instanceof Error ? cause.message : String(cause) });
  });
};
postMessage(AWAKE);
