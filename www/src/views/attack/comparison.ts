/** What `linf compare --json` prints; accuracies are fractions of all images. */
export interface Comparison {
  images: number;
  /** Of full scale, an exact decimal. */
  epsilon: string;
  attack: { steps: number; restarts: number };
  networks: {
    /** `linf-dist`, or the recipe of a baseline. */
    kind: string;
    model_sha256: string;
    clean: number;
    empirical_robust: number;
    certified: number;
    /** Of its file. */
    bytes: number;
    microseconds_per_image: number;
  }[];
}

/** The figures of the networks, once they are measured and lie beside this file. */
export const comparison = Object.values(
  import.meta.glob<Comparison>('./comparison.json', { eager: true, import: 'default' }),
)[0];
