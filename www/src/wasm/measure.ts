/** The counting and writing of what was measured, in the module that the page runs on. */
import { Certifier, Curves, Measured, sampleOrder } from '../../../pkg/certify/certify.js';
import type { CertifiedCurve, MeasuredAbout, SurveyCurve } from '../../../pkg/certify/certify.js';
import type { Certificates } from '../workers/measure-protocol.ts';

export type { CertifiedCurve, MeasuredAbout, SurveyCurve };
export { sampleOrder };

/** What the file of an exact network says that a measurement needs. */
export function describe(model: Uint8Array): Pick<MeasuredAbout, 'scale' | 'members' | 'epsilon'> {
  const certifier = new Certifier(model);
  try {
    const { scale, members, epsilon } = certifier.info();
    return { scale, members, epsilon };
  } finally {
    certifier.free();
  }
}

/** Measured images of one set: the columns of all that have been measured, and the attacked sample. */
export interface Columns extends Certificates {
  labels: Uint8Array;
  attacked: { images: Uint32Array; flipTicks: Int32Array };
}

/** Points of a curve: every half level from 0 to 255. */
export const POINTS = 511;
export const STEPS_PER_LEVEL = 2;
export const levelsOf = (point: number) => point / STEPS_PER_LEVEL;

/** What `work` makes of the measured images, which are given back to the module's memory afterwards. */
function withMeasured<Result>(
  about: MeasuredAbout,
  columns: Columns,
  work: (measured: Measured) => Result,
): Result {
  const { labels, predicted, marginTicks, lipschitzRadiusTicks, ibpRadiusTicks } = columns;
  const measured = new Measured(
    about,
    labels,
    predicted,
    marginTicks,
    lipschitzRadiusTicks,
    ibpRadiusTicks,
  );
  try {
    measured.attacked(columns.attacked.images, columns.attacked.flipTicks);
    return work(measured);
  } finally {
    measured.free();
  }
}

/** Counts what was measured at every ε. */
export function count(
  about: MeasuredAbout,
  columns: Columns,
): { curve: CertifiedCurve; survey: SurveyCurve } {
  return withMeasured(about, columns, (measured) => ({
    curve: measured.curve(),
    survey: measured.survey(),
  }));
}

/** A line or an object for every image. */
export const imagesFile = (about: MeasuredAbout, columns: Columns, format: 'csv' | 'json') =>
  withMeasured(about, columns, (measured) => measured[format]());

/** Curves of several networks in one file. */
export function curvesFile(
  all: readonly { about: MeasuredAbout; columns: Columns }[],
  format: 'csv' | 'json' | 'svg',
): string {
  const curves = new Curves();
  try {
    for (const { about, columns } of all) {
      withMeasured(about, columns, (measured) => curves.add(measured));
    }
    return curves[format]();
  } finally {
    curves.free();
  }
}
