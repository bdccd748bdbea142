//! Exact pruning: drops the weights that decide their unit for no image.

use crate::exact::certify::ibp::distance_bounds;
use crate::exact::net::present;
use crate::exact::{CsrLayer, DenseNet, ExactNet, MAX_LEVEL, NetError};

impl DenseNet {
    /// Drops each weight that decides its unit for no input in `0..=255·S`: the same function of every
    /// image, with far fewer weights.
    ///
    /// Over that domain a unit is at least its floor, the largest of its coordinates' smallest
    /// distances; a weight whose largest distance stays *below* the floor never decides. One that
    /// can equal the floor is kept. So the set of arg-maxima, and with it the arg-max path, is that of
    /// the dense net too, and the unit's floor follows from the weights that are kept.
    pub fn prune(&self) -> Result<ExactNet, NetError> {
        let top = i64::from(MAX_LEVEL) * i64::from(self.scale());
        let inputs = self.layers()[0].inputs;
        let (mut lower, mut upper) = (vec![0; inputs], vec![top; inputs]);
        let after = self.value_bounds(&lower, &upper);
        let mut layers = Vec::with_capacity(self.layers().len());
        for (dense, (next_lower, next_upper)) in self.layers().iter().zip(after) {
            let mut sparse = CsrLayer::empty(dense.inputs);
            for (row, &floor) in dense.rows().zip(&next_lower) {
                sparse.push_row(present(row).filter_map(|(i, weight)| {
                    let (_, largest) = distance_bounds(lower[i], upper[i], weight);
                    (largest >= floor).then_some((i, row[i]))
                }));
            }
            layers.push(sparse);
            (lower, upper) = (next_lower, next_upper);
        }
        ExactNet::with_members(self.scale(), &layers, self.bias().to_vec(), self.members())
    }
}

impl CsrLayer {
    /// Drops the weights that decide for no input between the ends of `domain`, `[inputs]`: their largest
    /// distance stays below their unit's least value. Only of a layer that passed [`Self::check`].
    pub(in crate::exact) fn pruned(&self, domain: &[(i64, i64)]) -> Self {
        let mut kept = Self::empty(self.inputs());
        for (row, (floor, _)) in self.rows().zip(self.value_bounds(domain)) {
            kept.push_row(row.filter(|&(input, weight)| {
                let (lower, upper) = domain[input];
                distance_bounds(lower, upper, weight.into()).1 >= floor
            }));
        }
        kept
    }
}

impl ExactNet {
    /// Drops the weights that decide for no input, as [`DenseNet::prune`](super::DenseNet::prune) does.
    pub(in crate::exact) fn prune(&self) -> Self {
        self.with_fewer(CsrLayer::pruned)
    }

    /// Makes a net of what `keep` leaves of each layer. It is given the layer, and the least and the
    /// largest value of each of its inputs.
    pub(in crate::exact) fn with_fewer(
        &self,
        mut keep: impl FnMut(&CsrLayer, &[(i64, i64)]) -> CsrLayer,
    ) -> Self {
        let top = i64::from(MAX_LEVEL) * i64::from(self.scale());
        let mut domain = vec![(0, top); self.inputs()];
        let mut layers = Vec::new();
        for sparse in &self.to_sparse() {
            let kept = keep(sparse, &domain);
            domain = kept.value_bounds(&domain);
            layers.push(kept);
        }
        let net = Self::with_members(self.scale(), &layers, self.bias().to_vec(), self.members());
        net.expect("with fewer weights no value is larger than it could be before")
    }
}
