//! Which weights a layer has, where it has not all of them.

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

    /// Each unit's places in a list of all weights.
    pub fn rows(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        let ends = self.starts.windows(2);
        ends.map(|ends| ends[0] as usize..ends[1] as usize)
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
