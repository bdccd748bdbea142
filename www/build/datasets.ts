/** The data sets as `src/data/datasets.json` describes them, for whatever cuts files from them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Dataset {
  name: string;
  /** Pixels down and across. */
  shape: [number, number];
  classes: readonly string[];
  /** Whether the page cannot be built without it. */
  required?: boolean;
  files: Record<'train_images' | 'train_labels' | 'test_images' | 'test_labels', { name: string }>;
}

/** Those of a clone that lies at `root`. */
export function datasets(root: string): readonly Dataset[] {
  return JSON.parse(readFileSync(join(root, 'src/data/datasets.json'), 'utf8')) as Dataset[];
}
