/** Labels of the ticks of an axis: no two alike, and none longer than it has to be. */

/** What large numbers are counted in. */
const UNITS = [
  [1e9, 'B'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;
/** Numbers from here on are counted in units, and numbers below the other one in powers of ten. */
const LARGE = 10_000;
const SMALL = 0.001;

/** Decimals of a number as it is written in full; the last of them may be lost to rounding. */
function decimalsOf(value: number): number {
  for (let decimals = 0; decimals < 12; decimals += 1) {
    const scaled = value * 10 ** decimals;
    if (Math.abs(scaled - Math.round(scaled)) < 1e-6 * scaled) return decimals;
  }
  return 12;
}

const minus = (text: string) => text.replace('-', '−');

/** The labels of ticks that are `increment` apart; all of them in one unit. */
export function tickLabels(ticks: readonly number[], increment: number): string[] {
  const largest = Math.max(0, ...ticks.map(Math.abs));
  if (largest > 0 && largest < SMALL) {
    const exponent = Math.floor(Math.log10(largest));
    const decimals = decimalsOf(increment / 10 ** exponent);
    const power = minus(`e${exponent}`);
    return ticks.map((tick) =>
      tick === 0 ? '0' : minus((tick / 10 ** exponent).toFixed(decimals)) + power,
    );
  }
  const [unit, name] =
    largest < LARGE ? [1, ''] : (UNITS.find(([unit]) => largest >= unit) ?? [1, '']);
  const decimals = decimalsOf(increment / unit);
  return ticks.map((tick) => (tick === 0 ? '0' : minus((tick / unit).toFixed(decimals)) + name));
}
