//! Tiles of pairs of rows, and the largest differences of their pairs.

use std::ops::Range;

use macerator::{Simd, Vector};

use super::rows::{CHUNK, Row, lanes, load};
use crate::norm_dist::power::splat;

/// Rows of `x` and of `w` in one forward tile.
pub(super) const TILE_X: usize = 4;
pub(super) const TILE_W: usize = 2;
pub(super) const TILE: usize = TILE_X * TILE_W;

/// Rows of `w` that all rows of `x` of a task are paired with before the next ones. They stay in the
/// second cache level, and a tile's rows of `x` in the first.
const STRIP: usize = 32;

/// The first rows of `x` and `w` of all tiles, strip by strip.
pub(super) fn tiles(rows: usize, outputs: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..outputs).step_by(STRIP).flat_map(move |strip| {
        (0..rows).step_by(TILE_X).flat_map(move |b| {
            let strip = strip..outputs.min(strip + STRIP);
            strip.step_by(TILE_W).map(move |o| (b, o))
        })
    })
}

pub(super) type TileX<'a> = [Row<'a>; TILE_X];
pub(super) type TileW<'a> = [Row<'a>; TILE_W];
pub(super) type Tile<T> = [[T; TILE_W]; TILE_X];

/// Non-negative numbers as their bits, which are in the same order. Processors compare integers on
/// execution units that a subtraction leaves free, and WebAssembly does so without a check for NaN.
pub(super) type Bits<S> = Vector<S, i32>;

/// The maximum of `largest` and the absolute differences of `CHUNKS` chunks, lane by lane.
#[inline(always)]
fn larger<S: Simd, const CHUNKS: usize>(
    mut largest: Tile<Bits<S>>,
    x: &TileX<'_>,
    w: &TileW<'_>,
    first: usize,
) -> Tile<Bits<S>> {
    for chunk in first..first + CHUNKS {
        for at in (0..CHUNK).step_by(lanes::<S>()) {
            let mut ws = [splat::<S>(0.0); TILE_W];
            for o in 0..TILE_W {
                ws[o] = load::<S>(&w[o][chunk], at);
            }
            for b in 0..TILE_X {
                let x = load::<S>(&x[b][chunk], at);
                for o in 0..TILE_W {
                    let d = (x - ws[o]).abs().reinterpret::<i32>();
                    largest[b][o] = largest[b][o].max(d);
                }
            }
        }
    }
    largest
}

/// The largest differences of some chunks, lane by lane.
#[inline(always)]
pub(super) fn largest_in<S: Simd>(
    x: &TileX<'_>,
    w: &TileW<'_>,
    chunks: Range<usize>,
) -> Tile<Bits<S>> {
    let mut largest = [[splat::<S>(0.0).reinterpret::<i32>(); TILE_W]; TILE_X];
    for chunk in chunks {
        largest = larger::<S, 1>(largest, x, w, chunk);
    }
    largest
}

/// The largest differences of a group, lane by lane.
#[inline(always)]
pub(super) fn group_largest<S: Simd, const CHUNKS: usize>(
    x: &TileX<'_>,
    w: &TileW<'_>,
    group: usize,
) -> Tile<Bits<S>> {
    let first = group * CHUNKS;
    if first + CHUNKS <= w[0].len() {
        let none = [[splat::<S>(0.0).reinterpret::<i32>(); TILE_W]; TILE_X];
        larger::<S, CHUNKS>(none, x, w, first)
    } else {
        largest_in::<S>(x, w, first..w[0].len())
    }
}

/// The largest lane of every vector.
#[inline(always)]
pub(super) fn reduced<S: Simd>(largest: Tile<Bits<S>>) -> Tile<f32> {
    let mut out = [[0.0; TILE_W]; TILE_X];
    for b in 0..TILE_X {
        for o in 0..TILE_W {
            out[b][o] = largest[b][o].reinterpret::<f32>().reduce_max();
        }
    }
    out
}
