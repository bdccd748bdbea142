/**
 * The hyperparameters on show: those of the run in place, or else those of the link.
 *
 * They are derived, never copied: what a visitor changes goes into the link or to the run, and comes
 * back from there.
 */
import {
  OFFERED,
  nearestPreset,
  readHyperparameters,
  writeHyperparameters,
} from '../codec/hyperparameters.ts';
import type { TrainConfig } from '../wasm/types.ts';
import type { AppState } from './app.svelte.ts';
import type { Run } from './run.svelte.ts';

const FIRST = OFFERED[0];

export class Draft {
  readonly #app: AppState;
  readonly #run: Run;

  /** What the link says, once the library has named its presets. */
  readonly #linked = $derived.by(() => {
    const { presets } = this.#run;
    if (presets.length === 0) return null;
    const { train } = this.#app;
    const read = readHyperparameters(train ?? FIRST, presets);
    if (read) return read;
    const usual = readHyperparameters(FIRST, presets);
    return usual && { ...usual, unreadable: [`“${train}”`] };
  });

  /** A change of the run's hyperparameters, until the run has taken it. */
  #asked = $derived.by((): TrainConfig | null => {
    void this.#run.config;
    return null;
  });

  /** The name of the preset that they differ least from. */
  readonly preset = $derived.by((): string => {
    const linked = this.#linked?.name ?? FIRST;
    const { config, presets } = this.#run;
    return config ? nearestPreset(linked, config, presets) : linked;
  });
  readonly config = $derived.by(
    (): TrainConfig | null => this.#asked ?? this.#run.config ?? this.#linked?.config ?? null,
  );
  /** What the link says and cannot be read. */
  readonly unreadable = $derived.by(() =>
    this.#run.config ? [] : (this.#linked?.unreadable ?? []),
  );

  constructor(app: AppState, run: Run) {
    this.#app = app;
    this.#run = run;
    // They stay when the run is gone, wherever they came from.
    run.onPutAway = (config) => {
      const { presets } = run;
      const name = nearestPreset(this.#linked?.name ?? FIRST, config, presets);
      this.#write(name, config);
    };
  }

  /** Takes a preset as it is. */
  choose(preset: string) {
    this.#app.train = preset === FIRST ? null : preset;
  }

  /** Takes changed hyperparameters: into the link, or, where a run is in place, to the run. */
  change(config: TrainConfig) {
    if (this.#run.config) {
      this.#asked = config;
      const { learning_rate, epsilon_train, epsilon } = config;
      this.#run.set({ learningRate: learning_rate, epsilonTrain: epsilon_train, epsilon });
      return;
    }
    this.#write(this.preset, config);
  }

  /** What a link says of them; `null` where all is as usual. */
  get text(): string | null {
    return this.config && this.#text(this.preset, this.config);
  }

  /** Asks the run how long they would take. */
  estimate() {
    if (this.config && !this.#run.config) this.#run.estimate('draft', this.config);
  }

  #text(name: string, config: TrainConfig): string | null {
    const text = writeHyperparameters(name, config, this.#run.presets);
    return text === FIRST ? null : text;
  }

  #write(name: string, config: TrainConfig) {
    this.#app.train = this.#text(name, config);
  }
}
