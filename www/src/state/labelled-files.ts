/** Files of labelled images, read in a Worker by the program with which *Train* reads images. */
import { fetchProgram, isBuilt } from '../wasm/programs.ts';
import type { LabelledOutcome } from '../wasm/types.ts';
import { WorkerClient } from '../workers/client.ts';
import type { LabelledReply, LabelledRequest } from '../workers/import-protocol.ts';
import ImportWorker from '../workers/import.worker.ts?worker';
import type { GivenFile } from './dropped-files.ts';

/** The images of these classes in the files, whose bytes are given away. Throws a sentence. */
export async function readLabelled(
  files: readonly GivenFile[],
  classes: readonly string[],
): Promise<LabelledOutcome> {
  if (!isBuilt('import')) {
    throw new Error(
      'The program that reads images is still being built, in the terminal in which this page was ' +
        'started. Load the page again when it is ready.',
    );
  }
  const program = await fetchProgram('import', {});
  return new Promise((resolve, reject) => {
    const client = new WorkerClient<LabelledRequest, LabelledReply>(
      () => new ImportWorker(),
      (reply) => {
        client.stop();
        if (reply.type === 'labelled') resolve(reply.outcome);
        else reject(new Error(`The images could not be read: ${reply.message}`));
      },
      (why) => {
        client.stop();
        reject(new Error(why ?? 'The program that reads images did not start. Try again.'));
      },
    );
    client.start();
    client.post(
      { type: 'labelled', id: 0, program, files, classes },
      files.map(({ bytes }) => bytes.buffer),
    );
  });
}
