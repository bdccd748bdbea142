/**
 * Draws a map of labels, certified squares and points on a canvas.
 *
 * A class is told by its colour, by the pattern of its region and by the mark of its points, so that
 * nobody needs the colours. Nothing is ever read from a canvas.
 */
import { LEVELS } from '../two-pixels.ts';
import type { Points } from './points.ts';

/** Pixels of the canvas in a row: four of each level, and sharp on most screens. */
export const SIZE = 768;
const LEVEL = SIZE / LEVELS;
/** Stands for no label. */
const TIE = 255;

/** The colours of the page's scheme, per class. */
export interface Palette {
  region: readonly string[];
  pattern: readonly string[];
  point: readonly string[];
  /** Of images that the first or the second pixel decides. */
  pixel: readonly string[];
  between: string;
  paper: string;
  ink: string;
}

const CLASSES = [0, 1, 2, 3];

/** Reads the palette of an element: `--region-0`, `--pattern-0`, `--point-0` … */
export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const all = (name: string) => CLASSES.map((label) => colour(`--${name}-${label}`));
  return {
    region: all('region'),
    pattern: all('pattern'),
    point: all('point'),
    pixel: [colour('--pixel-0'), colour('--pixel-1')],
    between: colour('--between'),
    paper: colour('--card'),
    ink: colour('--ink'),
  };
}

/** A colour "#rrggbb" as the word of a picture. */
function word(colour: string): number {
  const rgb = parseInt(colour.replace('#', ''), 16);
  const [red, green, blue] = [rgb >> 16, (rgb >> 8) & 255, rgb & 255];
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/** Whether an image of a class is part of its pattern: plain, diagonals, dots, the other diagonals. */
function isPattern(label: number, x: number, y: number): boolean {
  switch (label) {
    case 1:
      return (x + y) % 12 === 0;
    case 2:
      return x % 9 === 0 && y % 9 === 0;
    case 3:
      return (x - y + LEVELS) % 12 === 0;
    default:
      return false;
  }
}

/**
 * The map as a picture of 256 by 256, the second pixel upwards, in the colours of its regions and of
 * their patterns.
 */
function picture(
  map: Uint8Array,
  side: number,
  colours: { region: readonly string[]; pattern: readonly string[]; between: string },
): ImageData {
  const image = new ImageData(LEVELS, LEVELS);
  const words = new Uint32Array(image.data.buffer);
  const regions = colours.region.map(word);
  const patterns = colours.pattern.map(word);
  const between = word(colours.between);
  const apart = LEVELS / side;
  for (let y = 0; y < LEVELS; y += 1) {
    const row = Math.floor(y / apart) * side;
    const below = y >= apart ? row - side : row;
    const to = (LEVELS - 1 - y) * LEVELS;
    const startsRow = y % apart === 0;
    for (let x = 0; x < LEVELS; x += 1) {
      const column = Math.floor(x / apart);
      const label = map[row + column] ?? TIE;
      const isEdge =
        label === TIE ||
        (x % apart === 0 && x > 0 && map[row + column - 1] !== label) ||
        (startsRow && map[below + column] !== label);
      words[to + x] = isEdge
        ? between
        : ((isPattern(label, x, y) ? patterns[label] : regions[label]) ?? between);
    }
  }
  return image;
}

/** The outline of a class's mark around a place on the canvas. */
function mark(context: CanvasRenderingContext2D, label: number, x: number, y: number) {
  const r = 9;
  context.beginPath();
  switch (label) {
    case 1:
      context.moveTo(x, y - r);
      context.lineTo(x + r, y + 0.8 * r);
      context.lineTo(x - r, y + 0.8 * r);
      break;
    case 2:
      context.moveTo(x, y - 1.15 * r);
      context.lineTo(x + 1.15 * r, y);
      context.lineTo(x, y + 1.15 * r);
      context.lineTo(x - 1.15 * r, y);
      break;
    case 3: {
      const [a, b] = [r, r / 3];
      const corners = [
        [-b, -a],
        [b, -a],
        [b, -b],
        [a, -b],
        [a, b],
        [b, b],
        [b, a],
        [-b, a],
        [-b, b],
        [-a, b],
        [-a, -b],
        [-b, -b],
      ] as const;
      for (const [right, down] of corners) context.lineTo(x + right, y + down);
      break;
    }
    default:
      context.arc(x, y, 0.85 * r, 0, 2 * Math.PI);
  }
  context.closePath();
}

/** What a network says of the points. */
export interface Verdicts {
  map: Uint8Array;
  labels: Uint8Array;
  radii: readonly number[];
}

/** What is shown of the units of the first layer, instead of or over the labels. */
export interface Shown {
  side: number;
  /** Colours every image by the pixel that decides it. */
  pixels: Uint8Array | null;
  /** One unit: where it decides, and a square on whose edge its value is the same. */
  unit: {
    number: number;
    units: Uint8Array;
    middle: readonly [number, number];
    radius: number;
  } | null;
}

let sheet: HTMLCanvasElement | null = null;

/** Draws a picture of 256 by 256 over the whole canvas. */
function spread(context: CanvasRenderingContext2D, image: ImageData) {
  sheet ??= Object.assign(document.createElement('canvas'), { width: LEVELS, height: LEVELS });
  sheet.getContext('2d')?.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(sheet, 0, 0, SIZE, SIZE);
}

/** Veils what a unit does not decide, and draws its square. */
function drawUnit(context: CanvasRenderingContext2D, palette: Palette, { side, unit }: Shown) {
  if (!unit) return;
  const cell = SIZE / side;
  context.fillStyle = palette.paper;
  context.globalAlpha = 0.78;
  unit.units.forEach((number, at) => {
    if (number === unit.number) return;
    const [x, y] = [at % side, Math.floor(at / side)];
    context.fillRect(x * cell, SIZE - (y + 1) * cell, cell, cell);
  });
  context.globalAlpha = 1;
  const [x, y] = unit.middle;
  const [left, top] = [x - unit.radius + 0.5, LEVELS - 0.5 - y - unit.radius];
  context.setLineDash([14, 8]);
  context.lineWidth = 5;
  context.strokeStyle = palette.ink;
  context.strokeRect(left * LEVEL, top * LEVEL, 2 * unit.radius * LEVEL, 2 * unit.radius * LEVEL);
  context.setLineDash([]);
}

/** Draws a map with its squares and points; without a network the points alone. */
export function draw(
  canvas: HTMLCanvasElement,
  palette: Palette,
  { pixels, labels }: Points,
  verdicts: (Verdicts & { side: number }) | null,
  epsilon: number,
  shown: Shown | null,
) {
  const context = canvas.getContext('2d');
  if (!context) return;
  if (shown?.pixels) {
    const { pixel, between } = palette;
    spread(context, picture(shown.pixels, shown.side, { region: pixel, pattern: pixel, between }));
  } else if (verdicts) {
    spread(context, picture(verdicts.map, verdicts.side, palette));
  } else {
    context.fillStyle = palette.paper;
    context.fillRect(0, 0, SIZE, SIZE);
  }
  const place = (at: number) => {
    const [x = 0, y = 0] = [pixels[2 * at], pixels[2 * at + 1]];
    return [(x + 0.5) * LEVEL, (LEVELS - 0.5 - y) * LEVEL] as const;
  };
  const isRight = (at: number) => verdicts?.labels[at] === labels[at];

  context.lineJoin = 'round';
  if (shown?.unit) drawUnit(context, palette, shown);
  else if (verdicts) {
    context.lineWidth = 2;
    verdicts.radii.forEach((radius, at) => {
      if (radius <= 0 || !isRight(at)) return;
      const [x, y] = place(at);
      const [left, top] = [x - radius * LEVEL, y - radius * LEVEL];
      const side = 2 * radius * LEVEL;
      context.strokeStyle = palette.point[labels[at] ?? 0] ?? palette.ink;
      context.globalAlpha = radius >= epsilon ? 0.5 : 0.3;
      context.strokeRect(left, top, side, side);
    });
    context.globalAlpha = 1;
  }
  labels.forEach((label, at) => {
    const [x, y] = place(at);
    const colour = palette.point[label] ?? palette.ink;
    const isCertified = isRight(at) && (verdicts?.radii[at] ?? -1) >= epsilon;
    mark(context, label, x, y);
    context.fillStyle = isCertified ? colour : palette.paper;
    context.fill();
    context.lineWidth = 3.5;
    context.strokeStyle = colour;
    context.stroke();
    if (verdicts && !isRight(at)) {
      // Struck through: labelled wrongly.
      context.beginPath();
      context.moveTo(x - 13, y - 13);
      context.lineTo(x + 13, y + 13);
      context.strokeStyle = palette.ink;
      context.stroke();
    }
  });
}
