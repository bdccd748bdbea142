//! Rows of matrices in chunks, groups of their columns, and SIMD loads and stores.

use std::borrow::Cow;
use std::marker::PhantomData;

use macerator::{Simd, vload_unaligned, vstore_unaligned};

use super::for_each_chunk;
use crate::norm_dist::power::F32s;

/// Columns in a chunk, a multiple of every vector length. Rows are padded to whole chunks.
pub(super) const CHUNK: usize = 16;
/// Chunks in a group of columns, which one backward task owns and skips as a whole. Their columns of a
/// batch fit the first cache level.
pub(super) const GROUP_CHUNKS: usize = 2;
pub(super) const GROUP: usize = GROUP_CHUNKS * CHUNK;
/// Rows of `x` in one forward task. They stay in the second cache level beside a strip of `w`. In the
/// backward pass each of them has a bit in a word.
pub(super) const TASK_ROWS: usize = 32;

/// Rows of a matrix in chunks, padded with zeros. Two padded rows differ by 0 there, which changes no
/// distance.
pub(super) struct Rows<'a> {
    data: Cow<'a, [f32]>,
    /// Chunks in a row.
    pub(super) chunks: usize,
    count: usize,
}

/// A row, in chunks.
pub(super) type Row<'a> = &'a [[f32; CHUNK]];

impl<'a> Rows<'a> {
    pub(super) fn new(matrix: &'a [f32], columns: usize) -> Self {
        Self::scaled(matrix, columns, 1.0)
    }

    pub(super) fn scaled(matrix: &'a [f32], columns: usize, scale: f32) -> Self {
        let chunks = columns.div_ceil(CHUNK);
        let count = matrix.len() / columns;
        let stride = chunks * CHUNK;
        let data = if stride == columns && scale == 1.0 {
            Cow::Borrowed(matrix)
        } else {
            let mut data = vec![0.0; count * stride];
            for_each_chunk(&mut data, TASK_ROWS * stride, |task, data| {
                let rows = matrix[task * TASK_ROWS * columns..].chunks_exact(columns);
                for (padded, row) in data.chunks_exact_mut(stride).zip(rows) {
                    for (padded, value) in padded.iter_mut().zip(row) {
                        *padded = value * scale;
                    }
                }
            });
            Cow::Owned(data)
        };
        Self {
            data,
            chunks,
            count,
        }
    }

    /// Returns a row; the last one for an index past the end, so that tiles at the edge repeat it.
    #[inline(always)]
    pub(super) fn row(&self, index: usize) -> Row<'_> {
        let chunks = self.data.as_chunks().0;
        &chunks[index.min(self.count - 1) * self.chunks..][..self.chunks]
    }

    #[inline(always)]
    pub(super) fn tile<const ROWS: usize>(&self, first: usize) -> [Row<'_>; ROWS] {
        std::array::from_fn(|k| self.row(first + k))
    }
}

#[inline(always)]
pub(super) fn load<S: Simd>(row: &[f32], at: usize) -> F32s<S> {
    let lanes = lanes::<S>();
    let part = &row[at..at + lanes];
    // SAFETY: `part` holds exactly one vector.
    unsafe { vload_unaligned(part.as_ptr()) }
}

#[inline(always)]
pub(super) fn store<S: Simd>(row: &mut [f32], at: usize, value: F32s<S>) {
    let lanes = lanes::<S>();
    let part = &mut row[at..at + lanes];
    // SAFETY: `part` holds exactly one vector.
    unsafe { vstore_unaligned(part.as_mut_ptr(), value) }
}

#[inline(always)]
pub(super) fn lanes<S: Simd>() -> usize {
    <f32 as macerator::Scalar>::lanes::<S>()
}

/// A row-major matrix of which each task writes its own group of columns.
pub(super) struct ColumnsMut<'a> {
    start: *mut f32,
    length: usize,
    columns: usize,
    matrix: PhantomData<&'a mut [f32]>,
}

// SAFETY: the matrix is borrowed for as long as this lives, and `write` requires that no two threads
// write the same group, so no element is written by two.
unsafe impl Sync for ColumnsMut<'_> {}

impl<'a> ColumnsMut<'a> {
    pub(super) fn new(matrix: &'a mut [f32], columns: usize) -> Self {
        Self {
            start: matrix.as_mut_ptr(),
            length: matrix.len(),
            columns,
            matrix: PhantomData,
        }
    }

    /// Writes a row of a group, without the columns past the end.
    ///
    /// # Safety
    /// No other thread may write the same group.
    #[inline(always)]
    pub(super) unsafe fn write(&self, row: usize, group: usize, values: &[f32; GROUP]) {
        let first = group * GROUP;
        let width = GROUP.min(self.columns - first);
        let at = row * self.columns + first;
        assert!(at + width <= self.length, "row {row} is beyond the matrix");
        // SAFETY: the range is inside the matrix, and no other thread writes it.
        unsafe {
            let out = self.start.add(at);
            if width == GROUP {
                out.cast::<[f32; GROUP]>().write_unaligned(*values);
            } else {
                out.copy_from_nonoverlapping(values.as_ptr(), width);
            }
        }
    }
}

/// Copies a row of a group of columns from a row-major matrix to `out`. Values of `out` past the last
/// column do not change.
#[inline(always)]
pub(super) fn copy_group(
    matrix: &[f32],
    columns: usize,
    row: usize,
    group: usize,
    out: &mut [f32; GROUP],
) {
    let first = group * GROUP;
    let row = &matrix[row * columns..][..columns];
    match row[first..].first_chunk::<GROUP>() {
        Some(whole) => *out = *whole,
        None => out[..columns - first].copy_from_slice(&row[first..]),
    }
}
