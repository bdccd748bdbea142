/** The Worker that reads images: a file at a time, so that no two of them are in memory together. */
import { openImporter, readLabelled } from '../wasm/import-engine.ts';
import { AWAKE } from './client.ts';
import type { LabelledReply, LabelledRequest, SetReply, SetRequest } from './import-protocol.ts';

/** How often progress is told. */
const EVERY_MS = 100;

const tell = (reply: SetReply | LabelledReply, transfer: Transferable[] = []) =>
  postMessage(reply, { transfer });
const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));

async function readSet({ id, program, name, files, options }: SetRequest) {
  const { importer, most } = await openImporter(program, options);
  const total = files.reduce((sum, { file }) => sum + file.size, 0);
  let done = 0;
  let told = 0;
  for (const { path, file } of files) {
    if (file.size > most) {
      importer.refuseLarge(path);
    } else {
      try {
        importer.add(path, new Uint8Array(await file.arrayBuffer()));
      } catch (cause) {
        // A trap ends the program; a file that is gone does not.
        if (cause instanceof WebAssembly.RuntimeError) throw cause;
        importer.refuseUnreadable(path, messageOf(cause));
      }
    }
    done += file.size;
    if (performance.now() - told > EVERY_MS) {
      told = performance.now();
      tell({ type: 'progress', id, fraction: done / Math.max(1, total), images: importer.images });
    }
  }
  const outcome = importer.finish(name);
  const { set } = outcome;
  tell({ type: 'outcome', id, outcome }, set ? [set.images.buffer, set.labels.buffer] : []);
}

async function readKnown({ id, program, files, classes }: LabelledRequest) {
  const outcome = await readLabelled(program, files, classes);
  tell({ type: 'labelled', id, outcome }, [outcome.images.buffer, outcome.labels.buffer]);
}

const read = (request: SetRequest | LabelledRequest) =>
  request.type === 'set' ? readSet(request) : readKnown(request);

/** One request after the other. */
let last = Promise.resolve();

onmessage = ({ data }: MessageEvent<SetRequest | LabelledRequest>) => {
  last = last.then(() =>
    read(data).catch((cause: unknown) => {
      tell({ type: 'failed', id: data.id, message: messageOf(cause) });
    }),
  );
};
postMessage(AWAKE);
