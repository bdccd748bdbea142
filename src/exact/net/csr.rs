//! Compressed sparse rows: which weights each unit of a layer has, and their integer values.

use std::ops::Range;

use crate::exact::NetError;
use crate::exact::certify::ibp::distance_bounds;

/// The inputs of every unit, in compressed rows: those of unit `o` are
/// `columns[starts[o]..starts[o + 1]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csr {
    inputs: usize,
    starts: Vec<u32>,
    columns: Vec<u32>,
}

impl Csr {
    /// Makes a layer with `inputs` inputs. Gives none where there are no inputs, `starts` does not rise
    /// from 0 to the number of columns, or a column is not below `inputs`.
    pub fn new(inputs: usize, starts: Vec<u32>, columns: Vec<u32>) -> Option<Self> {
        let rises = starts.first() == Some(&0) && starts.is_sorted();
        let ends = starts.last().map(|&end| end as usize) == Some(columns.len());
        let inside = columns.iter().all(|&column| (column as usize) < inputs);
        (inputs > 0 && rises && ends && inside).then_some(Self {
            inputs,
            starts,
            columns,
        })
    }

    /// Makes a layer that has every weight.
    ///
    /// # Panics
    /// If there are no inputs, or more weights than a u32 counts.
    pub fn full(outputs: usize, inputs: usize) -> Self {
        let inputs_u32 = u32::try_from(inputs).expect("a layer has fewer inputs");
        let starts = (0..=outputs).map(|unit| u32::try_from(unit * inputs));
        let starts = starts.collect::<Result<_, _>>();
        let columns = std::iter::repeat_n(0..inputs_u32, outputs).flatten();
        let starts = starts.expect("a layer has fewer weights");
        Self::new(inputs, starts, columns.collect()).expect("there are inputs")
    }

    /// Keeps only these weights: for each unit, ascending, their places in the list of all weights.
    ///
    /// # Panics
    /// If there is no such place.
    pub fn subset(&self, kept: &[Vec<usize>]) -> Self {
        let mut starts = vec![0];
        let mut columns = Vec::new();
        for places in kept {
            columns.extend(places.iter().map(|&place| self.columns[place]));
            starts.push(columns.len() as u32);
        }
        Self {
            inputs: self.inputs,
            starts,
            columns,
        }
    }

    /// Inputs of the layer.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Units of the layer.
    pub fn outputs(&self) -> usize {
        self.starts.len() - 1
    }

    /// Weights of the layer.
    pub fn weights(&self) -> usize {
        self.columns.len()
    }

    /// Where the weights of each unit start, and at last where they end, `[outputs + 1]`.
    pub fn starts(&self) -> &[u32] {
        &self.starts
    }

    /// The input of each weight, `[weights]`.
    pub fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// Spreads the first `units` rows, or all if there are fewer, over every input,
    /// `[units, inputs]`: `weights`, `[weights]`, and zeros elsewhere.
    ///
    /// # Panics
    /// If there are fewer weights than the pattern has.
    pub fn dense(&self, weights: &[f32], units: usize) -> Vec<f32> {
        let mut dense = vec![0.0; units.min(self.outputs()) * self.inputs];
        for (row, dense) in self.rows().zip(dense.chunks_exact_mut(self.inputs)) {
            for (&column, &weight) in self.columns[row.clone()].iter().zip(&weights[row]) {
                dense[column as usize] = weight;
            }
        }
        dense
    }

    /// The places of some neighbouring units in the list of all weights.
    ///
    /// # Panics
    /// If there are no such units.
    pub fn places(&self, units: Range<usize>) -> Range<usize> {
        self.starts[units.start] as usize..self.starts[units.end] as usize
    }

    /// Each unit's places in the list of all weights.
    pub fn rows(&self) -> impl Iterator<Item = Range<usize>> {
        (0..self.outputs()).map(|unit| self.places(unit..unit + 1))
    }
}

/// One layer's integer weights, row after row.
///
/// Columns ascend within a unit. A weight that is not listed takes no part in its unit's maximum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsrLayer {
    /// Which weights there are.
    pub pattern: Csr,
    /// Their values in ticks, `[weights]`.
    pub weights: Vec<i32>,
}

impl CsrLayer {
    /// A layer of units given by their `(column, weight)` pairs.
    ///
    /// # Panics
    /// If a column is not below `inputs`, or there are more weights than a u32 counts.
    pub fn from_rows<R: IntoIterator<Item = (usize, i32)>>(
        inputs: usize,
        rows: impl IntoIterator<Item = R>,
    ) -> Self {
        let mut layer = Self::empty(inputs);
        for row in rows {
            layer.push_row(row);
        }
        layer
    }

    /// A layer without units yet.
    pub(in crate::exact) fn empty(inputs: usize) -> Self {
        let pattern = Csr {
            inputs,
            starts: vec![0],
            columns: Vec::new(),
        };
        Self {
            pattern,
            weights: Vec::new(),
        }
    }

    /// Adds a unit from its `(column, weight)` pairs; columns are below the number of inputs.
    pub(in crate::exact) fn push_row(&mut self, row: impl IntoIterator<Item = (usize, i32)>) {
        for (column, weight) in row {
            assert!(column < self.pattern.inputs, "a column is an input");
            self.pattern.columns.push(column as u32);
            self.weights.push(weight);
        }
        let end = u32::try_from(self.weights.len()).expect("a layer has at most 2^31 weights");
        self.pattern.starts.push(end);
    }

    /// Number of inputs of each unit.
    pub fn inputs(&self) -> usize {
        self.pattern.inputs()
    }

    /// Number of units.
    pub fn outputs(&self) -> usize {
        self.pattern.outputs()
    }

    /// The `(column, weight)` pairs of each unit. Only of a layer that passed [`Self::check`].
    pub(in crate::exact) fn rows(
        &self,
    ) -> impl Iterator<Item = impl Iterator<Item = (usize, i32)>> {
        self.pattern.rows().map(|row| {
            let columns = self.pattern.columns[row.clone()].iter();
            let columns = columns.map(|&column| column as usize);
            columns.zip(self.weights[row].iter().copied())
        })
    }

    /// Least and largest value of each unit, `[outputs]`, where each input is between those of
    /// `domain`, `[inputs]`. Only of a layer that passed [`Self::check`].
    pub(in crate::exact) fn value_bounds(&self, domain: &[(i64, i64)]) -> Vec<(i64, i64)> {
        let units = self.rows().map(|row| {
            row.fold((0, 0), |(least, most), (input, weight)| {
                let (lower, upper) = domain[input];
                let (lo, hi) = distance_bounds(lower, upper, weight.into());
                (least.max(lo), most.max(hi))
            })
        });
        units.collect()
    }

    /// Proves that pattern and weights fit together; `layer` is only named in the error.
    pub(in crate::exact) fn check(&self, layer: usize) -> Result<(), NetError> {
        let (expected, found) = (self.pattern.weights(), self.weights.len());
        if found != expected {
            return Err(NetError::WeightCount {
                layer,
                expected,
                found,
            });
        }
        for (unit, row) in self.pattern.rows().enumerate() {
            let malformed = |problem| {
                Err(NetError::Row {
                    layer,
                    unit,
                    problem,
                })
            };
            if row.is_empty() {
                return malformed("it is empty");
            }
            if !self.pattern.columns[row].is_sorted_by(|one, next| one < next) {
                return malformed("its columns do not ascend");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dense_row_has_zeros_where_a_weight_is_missing() {
        let pattern = Csr::new(3, vec![0, 2, 3], vec![0, 2, 1]).unwrap();
        let weights = [1.0, 2.0, 3.0];
        assert_eq!(pattern.dense(&weights, 5), [1.0, 0.0, 2.0, 0.0, 3.0, 0.0]);
        assert_eq!(pattern.dense(&weights, 1), [1.0, 0.0, 2.0]);
    }

    #[test]
    fn a_subset_of_a_full_layer_has_the_inputs_of_its_places() {
        let full = Csr::full(2, 3);
        assert_eq!(
            full,
            Csr::new(3, vec![0, 3, 6], vec![0, 1, 2, 0, 1, 2]).unwrap()
        );
        let subset = full.subset(&[vec![0, 2], vec![4]]);
        assert_eq!(subset, Csr::new(3, vec![0, 2, 3], vec![0, 2, 1]).unwrap());
        assert_eq!(
            subset.subset(&[vec![1], vec![]]),
            Csr::new(3, vec![0, 1, 1], vec![2]).unwrap()
        );
    }

    #[test]
    fn rows_that_do_not_fit_together_are_refused() {
        assert!(Csr::new(3, vec![0, 2, 2], vec![0, 2]).is_some());
        for (starts, columns) in [
            (vec![], vec![]),
            (vec![1, 2], vec![0, 2]),
            (vec![0, 2, 1], vec![0]),
            (vec![0, 1], vec![0, 2]),
            (vec![0, 2], vec![0, 3]),
        ] {
            assert_eq!(Csr::new(3, starts, columns), None);
        }
        assert_eq!(Csr::new(0, vec![0, 0], vec![]), None);
    }
}
