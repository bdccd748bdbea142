/** What every chart has that uPlot draws: its import, its axes, and the width of the place that it is in. */
// Before uPlot, which asks for the language as it is imported.
import './locale.ts';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export { uPlot };

/** The value of a colour of the page, such as `--ours`. */
export const colourOf = (name: string) =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** The look of an axis. */
export const axisStyle = () => ({
  stroke: colourOf('--muted'),
  font: '12px system-ui',
  grid: { stroke: colourOf('--line'), width: 1 },
  ticks: { show: false },
});

/** Builds a chart as wide as `holder`, at least `least` pixels, and keeps it so until `remove` is called. */
export function mountPlot(
  holder: HTMLElement,
  least: number,
  height: number,
  build: (width: number, height: number) => uPlot,
): { plot: uPlot; remove: () => void } {
  const width = () => Math.max(least, holder.clientWidth);
  const plot = build(width(), height);
  const observer = new ResizeObserver(() => plot.setSize({ width: width(), height }));
  observer.observe(holder);
  return {
    plot,
    remove() {
      observer.disconnect();
      plot.destroy();
    },
  };
}
