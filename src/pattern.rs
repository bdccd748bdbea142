//! Which weights a layer has, where it has not all of them.

use std::ops::Range;

/// The inputs of every unit, in compressed rows: those of unit `o` are
/// `columns[starts[o]..starts[o + 1]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    inputs: usize,
    starts: Vec<u32>,
    columns: Vec<u32>,
}

impl Pattern {
    /// A layer with `inputs` inputs. None where there are no inputs, `starts` does not rise from 0
    /// to the number of columns, or a column is not below `inputs`.
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

    /// A layer that has every weight.
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

    /// The layer with only these of its weights: for each unit their places in a list of all of
    /// them, which rise.
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

    /// The first `units` rows with every input, `[units, inputs]`, fewer if there are no more: `weights`,
    /// `[weights]`, and zeros.
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

    /// The places of some neighbouring units in a list of all weights.
    ///
    /// # Panics
    /// If there are no such units.
    pub fn places(&self, units: Range<usize>) -> Range<usize> {
        self.starts[units.start] as usize..self.starts[units.end] as usize
    }

    /// Each unit's places in a list of all weights.
    pub fn rows(&self) -> impl Iterator<Item = Range<usize>> {
        (0..self.outputs()).map(|unit| self.places(unit..unit + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dense_row_has_zeros_where_a_weight_is_missing() {
        let pattern = Pattern::new(3, vec![0, 2, 3], vec![0, 2, 1]).unwrap();
        let weights = [1.0, 2.0, 3.0];
        assert_eq!(pattern.dense(&weights, 5), [1.0, 0.0, 2.0, 0.0, 3.0, 0.0]);
        assert_eq!(pattern.dense(&weights, 1), [1.0, 0.0, 2.0]);
    }

    #[test]
    fn a_subset_of_a_full_layer_has_the_inputs_of_its_places() {
        let full = Pattern::full(2, 3);
        assert_eq!(
            full,
            Pattern::new(3, vec![0, 3, 6], vec![0, 1, 2, 0, 1, 2]).unwrap()
        );
        let subset = full.subset(&[vec![0, 2], vec![4]]);
        assert_eq!(
            subset,
            Pattern::new(3, vec![0, 2, 3], vec![0, 2, 1]).unwrap()
        );
        assert_eq!(
            subset.subset(&[vec![1], vec![]]),
            Pattern::new(3, vec![0, 1, 1], vec![2]).unwrap()
        );
    }

    #[test]
    fn rows_that_do_not_fit_together_are_refused() {
        assert!(Pattern::new(3, vec![0, 2, 2], vec![0, 2]).is_some());
        for (starts, columns) in [
            (vec![], vec![]),
            (vec![1, 2], vec![0, 2]),
            (vec![0, 2, 1], vec![0]),
            (vec![0, 1], vec![0, 2]),
            (vec![0, 2], vec![0, 3]),
        ] {
            assert_eq!(Pattern::new(3, starts, columns), None);
        }
        assert_eq!(Pattern::new(0, vec![0, 0], vec![]), None);
    }
}
