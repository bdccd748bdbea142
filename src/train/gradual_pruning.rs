//! Gradual pruning: training drops weights as p grows.
//!
//! The higher p is, the fewer inputs of a unit matter: the slope of `‖x − w‖_p` by a weight is the
//! (p − 1)-th power of its share of the distance. Adam's second moment is a running mean of the squares
//! of these gradients, so it shows which weights still have one. Weights whose second moment is
//! negligible are dropped, and [`sparse_norm_dist`](crate::norm_dist::sparse_norm_dist) no longer
//! computes their terms.

use std::sync::Arc;

use burn::Tensor;
use burn::module::Param;
use burn::tensor::TensorData;

use super::adam::Moments;
use crate::exact::Csr;
use crate::net::{LinfDistLayer, to_vec};
use crate::norm_dist::cpu::for_each_chunk;

/// Drops weights of a layer on the CPU: of each unit as many as together have at most the share
/// `tolerance` of the unit's second moments. Every unit keeps at least one.
pub(super) fn prune(layer: &mut LinfDistLayer, moments: &mut Moments<2>, tolerance: f64) {
    let second = to_vec(moments.second.clone());
    let old = layer.pattern.clone().unwrap_or_else(|| {
        let [outputs, inputs] = layer.weight.val().dims();
        Arc::new(Csr::full(outputs, inputs))
    });
    let remaining = remaining(&old, &second, tolerance);
    let places: Vec<_> = remaining.iter().flatten().copied().collect();
    let device = moments.second.device();
    let gather = |values: Vec<f32>| {
        let values: Vec<_> = places.iter().map(|&place| values[place]).collect();
        Tensor::<2>::from_data(TensorData::new(values, [1, places.len()]), &device)
    };
    moments.first = gather(to_vec(moments.first.clone()));
    moments.second = gather(second);
    let weight = gather(to_vec(layer.weight.val().inner()));
    layer.weight = Param::from_tensor(weight.autodiff());
    layer.pattern = Some(Arc::new(old.subset(&remaining)));
}

/// Returns the places of the remaining weights, in rising order, unit by unit.
fn remaining(pattern: &Csr, second: &[f32], tolerance: f64) -> Vec<Vec<usize>> {
    let mut remaining: Vec<Vec<_>> = pattern.rows().map(Iterator::collect).collect();
    for_each_chunk(&mut remaining, 1, |_, unit| {
        let places = &mut unit[0];
        // The sort is stable: of equal weights the first stay.
        places.sort_by(|&one, &other| second[other].total_cmp(&second[one]));
        let total: f64 = places.iter().map(|&place| f64::from(second[place])).sum();
        let mut dropped = 0.0;
        while let [_, .., last] = places[..] {
            dropped += f64::from(second[last]);
            if dropped > tolerance * total {
                break;
            }
            places.pop();
        }
        places.sort_unstable();
    });
    remaining
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_within_the_tolerance_are_dropped() {
        let pattern = Csr::full(3, 4);
        let second = [
            90.0, 0.5, 0.5, 9.0, // The tolerance is 1 % of 100: both halves are dropped.
            0.0, 0.0, 0.0, 0.0, // No weight has a gradient: the first one stays.
            1.0, 1.0, 1.0, 1.0, // All weights are equal: none is within the tolerance.
        ];
        let places = remaining(&pattern, &second, 0.01);
        assert_eq!(places, [vec![0, 3], vec![4], vec![8, 9, 10, 11]]);
    }

    #[test]
    fn without_tolerance_only_weights_without_gradient_are_dropped() {
        let pattern = Csr::full(1, 3);
        assert_eq!(remaining(&pattern, &[1e-30, 0.0, 1.0], 0.0), [[0, 2]]);
    }
}
