//! The weights that are kept, in the order of the model file.

use super::neuron::distance_bounds;
use super::{ExactNet, MAX_LEVEL, NetError};

/// One layer's kept weights, row after row.
///
/// A unit's weights lie at `starts[unit]..starts[unit + 1]`, columns ascending. A weight that is
/// not listed takes no part in its unit's maximum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SparseLayer {
    /// Number of inputs of each unit.
    pub inputs: usize,
    /// Where each unit's weights start, and after the last unit where they end, `[outputs + 1]`.
    pub starts: Vec<usize>,
    /// Input index of each weight, `[kept]`.
    pub columns: Vec<u16>,
    /// Weights in units, `[kept]`.
    pub weights: Vec<i32>,
}

impl SparseLayer {
    /// A layer without units yet.
    pub(super) fn empty(inputs: usize) -> Self {
        Self {
            inputs,
            starts: vec![0],
            columns: Vec::new(),
            weights: Vec::new(),
        }
    }

    /// Adds a unit from its `(column, weight)` pairs; columns are below 65536.
    pub(super) fn push_row(&mut self, row: impl IntoIterator<Item = (usize, i32)>) {
        for (column, weight) in row {
            self.columns
                .push(u16::try_from(column).expect("inputs were checked to be ≤ 65536"));
            self.weights.push(weight);
        }
        self.starts.push(self.weights.len());
    }

    /// Number of units.
    pub fn outputs(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// The `(column, weight)` pairs of each unit. Only of a layer that passed [`Self::check`].
    pub(super) fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = (u16, i32)>> {
        self.starts.windows(2).map(|ends| {
            let row = ends[0]..ends[1];
            let columns = self.columns[row.clone()].iter().copied();
            columns.zip(self.weights[row].iter().copied())
        })
    }

    /// The layer without the weights that no input between the ends of `domain`, `[inputs]`, can make
    /// decide: those whose largest distance stays below their unit's least value. Only of a layer
    /// that passed [`Self::check`].
    pub(super) fn pruned(&self, domain: &[(i64, i64)]) -> Self {
        let mut kept = Self::empty(self.inputs);
        for (row, (floor, _)) in self.rows().zip(self.value_bounds(domain)) {
            let row = row.map(|(input, weight)| (usize::from(input), weight));
            kept.push_row(row.filter(|&(input, weight)| {
                let (lower, upper) = domain[input];
                distance_bounds(lower, upper, weight.into()).1 >= floor
            }));
        }
        kept
    }

    /// Least and largest value of each unit, `[outputs]`, where each input is between those of
    /// `domain`, `[inputs]`. Only of a layer that passed [`Self::check`].
    pub(super) fn value_bounds(&self, domain: &[(i64, i64)]) -> Vec<(i64, i64)> {
        let units = self.rows().map(|row| {
            row.fold((0, 0), |(least, most), (input, weight)| {
                let (lower, upper) = domain[usize::from(input)];
                let (lo, hi) = distance_bounds(lower, upper, weight.into());
                (least.max(lo), most.max(hi))
            })
        });
        units.collect()
    }

    /// Proves that the three lists fit together; `layer` is only named in the error.
    pub(super) fn check(&self, layer: usize) -> Result<(), NetError> {
        let expected = self.starts.last().copied().unwrap_or(0);
        for found in [self.columns.len(), self.weights.len()] {
            if found != expected {
                return Err(NetError::WeightCount {
                    layer,
                    expected,
                    found,
                });
            }
        }
        let mut at = 0;
        for (unit, ends) in self.starts.windows(2).enumerate() {
            let malformed = |problem| {
                Err(NetError::Row {
                    layer,
                    unit,
                    problem,
                })
            };
            if ends[0] != at || ends[1] <= at || ends[1] > expected {
                return malformed("it is empty or does not follow the row before it");
            }
            at = ends[1];
            let columns = &self.columns[ends[0]..ends[1]];
            if columns.windows(2).any(|pair| pair[0] >= pair[1]) {
                return malformed("its columns do not ascend");
            }
            if usize::from(columns[columns.len() - 1]) >= self.inputs {
                return malformed("a column is beyond the last input");
            }
        }
        Ok(())
    }
}

impl ExactNet {
    /// The same function of every image without the weights that no input can make decide, as
    /// [`DenseNet::prune`](super::DenseNet::prune) has it.
    pub(super) fn prune(&self) -> Self {
        self.with_fewer(SparseLayer::pruned)
    }

    /// The net of what `keep` leaves of each layer, which it is given with the least and the largest
    /// value of each of its inputs.
    pub(super) fn with_fewer(
        &self,
        mut keep: impl FnMut(&SparseLayer, &[(i64, i64)]) -> SparseLayer,
    ) -> Self {
        let top = i64::from(MAX_LEVEL) * i64::from(self.scale());
        let mut domain = vec![(0, top); self.inputs()];
        let mut layers = Vec::new();
        for sparse in &self.to_sparse() {
            let kept = keep(sparse, &domain);
            domain = kept.value_bounds(&domain);
            layers.push(kept);
        }
        let net = Self::with_heads(self.scale(), &layers, self.bias().to_vec(), self.heads());
        net.expect("with fewer weights no value is larger than it could be before")
    }
}
