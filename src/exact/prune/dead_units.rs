//! Dead-unit elimination: removes hidden units that no logit depends on.
//!
//! Once most weights are pruned, some hidden units have none left that leads from them to a logit. Such
//! a unit changes nothing, so it is removed with its own weights, and then perhaps units of the layer
//! below. After data-dependent pruning this removes up to a third of the weights.

use crate::exact::{CsrLayer, ExactNet};

impl ExactNet {
    /// Removes the hidden units that no logit depends on: no unit of the next layer has a weight for
    /// them, except units that are removed themselves. Outputs, bounds and critical pixels stay the same.
    pub(in crate::exact) fn eliminate_dead_units(&self) -> Self {
        let layers = self.layers_to(vec![true; self.bias().len()]);
        let net = Self::with_members(self.scale(), &layers, self.bias().to_vec(), self.members());
        net.expect("the units that are left reach no further than before")
    }

    /// The layers, without hidden units on which no `wanted` unit of the last layer,
    /// `[members · classes]`, depends. The pixels stay.
    pub(in crate::exact) fn layers_to(&self, mut wanted: Vec<bool>) -> Vec<CsrLayer> {
        let mut layers = self.to_sparse();
        for layer in layers[1..].iter_mut().rev() {
            let seen = seen(layer, &wanted);
            *layer = part(layer, &wanted, &seen);
            wanted = seen;
        }
        layers[0] = part(&layers[0], &wanted, &vec![true; self.inputs()]);
        layers
    }
}

/// Which inputs of a layer, `[inputs]`, its `wanted` units, `[outputs]`, have a weight for.
fn seen(layer: &CsrLayer, wanted: &[bool]) -> Vec<bool> {
    let mut seen = vec![false; layer.inputs()];
    for (column, _) in rows_of(layer, wanted).flatten() {
        seen[column] = true;
    }
    seen
}

/// Keeps the `wanted` units of a layer, `[outputs]`, and the `left` inputs, `[inputs]`. These must
/// include all inputs that the units have a weight for.
fn part(layer: &CsrLayer, wanted: &[bool], left: &[bool]) -> CsrLayer {
    // For each input, how many before it are left.
    let mut count = 0;
    let mut before = Vec::with_capacity(layer.inputs());
    for &left in left {
        before.push(count);
        count += usize::from(left);
    }
    let mut part = CsrLayer::empty(count);
    for row in rows_of(layer, wanted) {
        part.push_row(row.map(|(column, weight)| (before[column], weight)));
    }
    part
}

/// The rows of the `wanted` units, `[outputs]`.
fn rows_of(
    layer: &CsrLayer,
    wanted: &[bool],
) -> impl Iterator<Item = impl Iterator<Item = (usize, i32)>> {
    let rows = layer.rows().zip(wanted);
    rows.filter_map(|(row, wanted)| wanted.then_some(row))
}
