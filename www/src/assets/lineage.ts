/**
 * What the file of a network says of somebody's own images that it learned from: which they were, and how
 * many of the last of them no run has seen. The same as `train::lineage` of the library reads.
 */

interface Lineage {
  operation: string;
  arguments?: Record<string, unknown>;
  parents?: readonly { lineage: Lineage }[];
}

/** Images of somebody's own, as a network's file records them. */
export interface LearnedImages {
  /** SHA-256 of all images, then all labels, in the order that they were learned in. */
  sha256: string;
  /** How many of the last were held out of every run; 0 if a run does not say. */
  heldOut: number;
}

const RUNS = ['train', 'finetune', 'page'];
const isRun = ({ operation }: Lineage) => RUNS.includes(operation);
const parentsOf = ({ parents }: Lineage) => (parents ?? []).map(({ lineage }) => lineage);

/** The run that a single net comes from: the last one that trained its weights. */
function lastRun(lineage: Lineage): Lineage | null {
  if (isRun(lineage)) return lineage;
  const [parent, ...others] = parentsOf(lineage);
  return parent && others.length === 0 ? lastRun(parent) : null;
}

function heldOut(lineage: Lineage): number {
  const before = parentsOf(lineage).map(heldOut);
  if (!isRun(lineage)) return before.length > 0 ? Math.min(...before) : 0;
  if (lineage.operation === 'finetune' && before.length === 0) return 0;
  const own = Number(lineage.arguments?.['held_out'] ?? 0);
  return Math.min(own, ...before);
}

/** The images that a run was begun with; `null` if the lineage does not say that they are somebody's own. */
export function learnedImages(lineage: string): LearnedImages | null {
  try {
    const read = JSON.parse(lineage) as Lineage;
    const sha256 = lastRun(read)?.arguments?.['images_sha256'];
    return typeof sha256 === 'string' ? { sha256, heldOut: heldOut(read) } : null;
  } catch {
    return null;
  }
}

/** The lineage in the unpacked file of a network; empty if it is not there. */
export function lineageOf(model: Uint8Array<ArrayBuffer>): string {
  try {
    const view = new DataView(model.buffer, model.byteOffset, model.byteLength);
    const length = Number(view.getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(model.subarray(8, 8 + length))) as {
      __metadata__?: { lineage?: string };
    };
    return header.__metadata__?.lineage ?? '';
  } catch {
    return '';
  }
}
