/**
 * Images of the visitor's own: the files, how they are read, and what was understood of them.
 *
 * They are read in a Worker, and anew whenever it is changed how. Nothing of them leaves the machine.
 */
import { message } from '../assets/download.ts';
import { fetchProgram } from '../wasm/programs.ts';
import type { ImportOptions, ImportOutcome, ImportedSet } from '../wasm/types.ts';
import { WorkerClient } from '../workers/client.ts';
import type { GivenImages, PathedFile, SetReply, SetRequest } from '../workers/import-protocol.ts';
import ImportWorker from '../workers/import.worker.ts?worker';
import { NO_FILES, beyond, type Dropped } from './given-files.ts';
import type { MyImage } from './my-images.svelte.ts';
import { run } from './run.svelte.ts';
import { losesIf } from './unsaved.ts';

/** As *Draw* prepares drawings, which is what the network will be tried on. */
const FIRST: ImportOptions = { transposed: false, ink: 'auto', centred: true, split_seed: 0 };

/** Images that are as the network sees them already. */
const AS_THEY_ARE: Partial<ImportOptions> = { transposed: false, ink: 'bright', centred: false };

/** Images of a class that are shown. */
export const SHOWN = 20;
const PIXELS = 784;
/** Most characters of a class's name. */
export const MOST_NAME = 40;

/** Images of *My images* as the importer takes them; `classes` are those of their data set. */
export function givenOf(
  list: readonly Pick<MyImage, 'pixels' | 'label'>[],
  classes: readonly string[],
): GivenImages {
  const images = new Uint8Array(list.length * PIXELS);
  list.forEach(({ pixels }, at) => images.set(pixels, at * PIXELS));
  const labels = Uint8Array.from(list, ({ label }) => label);
  return { called: 'My images', images, labels, classes };
}

export class OwnImages {
  options = $state.raw<ImportOptions>(FIRST);
  /** Whether files are being read, and how much of them has been. */
  reading = $state.raw<{ fraction: number; images: number } | null>(null);
  outcome = $state.raw<ImportOutcome | null>(null);
  /** Names of the classes, as the visitor has them. */
  names = $state.raw<readonly string[]>([]);
  /** Why no file could be read at all. */
  error = $state<string | null>(null);
  /** What of a drop was not looked at, in sentences; empty if all was. */
  beyond = $state('');

  #files: readonly PathedFile[] = [];
  /** Images that are at hand, which take the place of files. */
  #given: GivenImages | null = null;
  #name = '';
  /** Whether these files have not been read before. */
  #isAnew = false;
  /** Counts the requests. */
  #id = 0;
  readonly #worker = new WorkerClient<SetRequest, SetReply>(
    () => new ImportWorker(),
    (reply) => this.#hear(reply),
    (why) => this.#fail(why ?? 'The program that reads images did not start. Try again.'),
  );

  get set(): ImportedSet | null {
    return this.outcome?.set ?? null;
  }

  /** Reads files, or the files of a folder. */
  take(files: readonly PathedFile[], beyond = '') {
    const first = files[0];
    if (!first) return;
    if (this.#given) this.options = { ...FIRST, split_seed: this.options.split_seed };
    this.#given = null;
    this.#files = files;
    this.beyond = beyond;
    const [folder = '', ...below] = first.path.split('/');
    this.#name = below.length > 0 || files.length === 1 ? folder : first.file.name;
    this.#isAnew = true;
    void this.#read();
  }

  /** Takes images that are at hand, such as *My images*. Whatever changes of them later changes nothing here. */
  takeGiven(name: string, given: GivenImages) {
    this.options = { ...this.options, ...AS_THEY_ARE };
    this.#given = given;
    this.#files = [];
    this.#name = name;
    this.#isAnew = true;
    this.beyond = '';
    void this.#read();
  }

  /** Reads what was dropped, once it is known which files there are in its folders. */
  async takeDrop(drop: Promise<Dropped>) {
    const id = this.#begin();
    const dropped = await drop;
    // Others were chosen meanwhile.
    if (id !== this.#id) return;
    const { files } = dropped;
    if (files.length === 0) this.#refuse(beyond(dropped) || NO_FILES);
    else this.take(files, beyond(dropped));
  }

  /** Reads the files anew, in another way. */
  change(options: Partial<ImportOptions>) {
    this.options = { ...this.options, ...options };
    if (this.#files.length > 0 || this.#given) void this.#read();
  }

  /** Gives a class another name. Says whether it can have it. */
  rename(label: number, name: string): boolean {
    const wanted = name.trim();
    const isFree = this.names.every((other, at) => at === label || other !== wanted);
    if (wanted === '' || wanted.length > MOST_NAME || !isFree) return false;
    this.names = this.names.map((other, at) => (at === label ? wanted : other));
    this.#use();
    return true;
  }

  /** Lets the trainer learn from a described data set again. */
  leave() {
    this.#id += 1;
    this.#worker.stop();
    this.#files = [];
    this.#given = null;
    this.outcome = this.reading = this.error = null;
    this.beyond = '';
    run.learnFrom(null);
  }

  /** The first images of a class, 784 levels each. */
  shown(label: number): Uint8Array[] {
    const { set } = this;
    if (!set) return [];
    const found: Uint8Array[] = [];
    for (let at = 0; at < set.labels.length && found.length < SHOWN; at += 1) {
      if (set.labels[at] === label) found.push(set.images.subarray(at * PIXELS, (at + 1) * PIXELS));
    }
    return found;
  }

  /** Something else is read from now on; nothing is heard of what was before. */
  #begin(): number {
    this.error = null;
    this.reading = { fraction: 0, images: 0 };
    return (this.#id += 1);
  }

  async #read() {
    const id = this.#begin();
    try {
      const program = await fetchProgram('import', {});
      if (id !== this.#id) return;
      if (!this.#worker.isRunning) this.#worker.start();
      const { options } = this;
      this.#worker.post({
        type: 'set',
        id,
        program,
        name: this.#name,
        files: this.#files,
        given: this.#given,
        options,
      });
    } catch (cause) {
      if (id === this.#id) this.#fail(message(cause));
    }
  }

  #hear(reply: SetReply) {
    if (reply.id !== this.#id) return;
    switch (reply.type) {
      case 'progress':
        this.reading = reply;
        break;
      case 'outcome': {
        this.reading = null;
        this.outcome = reply.outcome;
        const found = reply.outcome.set?.classes.map(({ name }) => name) ?? [];
        // Names that were given stay as long as the files and their classes do.
        if (this.#isAnew || found.length !== this.names.length) this.names = found;
        this.#isAnew = false;
        if (reply.outcome.set) this.#use();
        else run.learnFrom(null);
        break;
      }
      case 'failed':
        this.#fail(`The images could not be read: ${reply.message}`);
        break;
    }
  }

  #fail(sentence: string) {
    this.#worker.stop();
    this.#refuse(sentence);
  }

  #refuse(sentence: string) {
    this.reading = null;
    this.error = sentence;
  }

  /** Hands the images to the trainer. */
  #use() {
    const { set } = this;
    if (!set) return;
    const { images, labels, heldOut, epsilon } = set;
    const described = JSON.parse(set.description) as object;
    const description = JSON.stringify({ ...described, classes: this.names });
    run.learnFrom({ description, images, labels, heldOut, epsilon });
  }
}

/** The visitor's images: kept while another view is looked at. */
export const ownImages = new OwnImages();
losesIf(() => ownImages.reading !== null || ownImages.set !== null);
