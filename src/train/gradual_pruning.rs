//! Training with fewer weights as p grows.
//!
//! The higher p is, the fewer inputs of a unit have a say in it: the slope of `‖x − w‖_p` by a weight
//! is the (p − 1)-th power of its share of the distance. Adam's second moment is a running mean of the
//! squares of just these gradients, so it tells which weights still have one. Those that have next to
//! none are dropped, and [`sparse_norm_dist`](crate::norm_dist::sparse_norm_dist) no longer computes
//! them.

use std::sync::Arc;

use burn::Tensor;
use burn::module::Param;
use burn::tensor::TensorData;

use super::adam::Moments;
use crate::exact::Csr;
use crate::net::{LinfDistLayer, to_vec};
use crate::norm_dist::cpu::for_each_chunk;

/// Drops, of each unit of a layer on the CPU, as many weights as together make up at most `tolerance`
/// of the unit's second moments. At least one is left.
pub(super) fn gradual_pruning(layer: &mut LinfDistLayer, moments: &mut Moments<2>, tolerance: f64) {
    let second = to_vec(moments.second.clone());
    let old = layer.pattern.clone().unwrap_or_else(|| {
        let [outputs, inputs] = layer.weight.val().dims();
        Arc::new(Csr::full(outputs, inputs))
    });
    let kept = kept(&old, &second, tolerance);
    let places: Vec<_> = kept.iter().flatten().copied().collect();
    let device = moments.second.device();
    let gather = |values: Vec<f32>| {
        let values: Vec<_> = places.iter().map(|&place| values[place]).collect();
        Tensor::<2>::from_data(TensorData::new(values, [1, places.len()]), &device)
    };
    moments.first = gather(to_vec(moments.first.clone()));
    moments.second = gather(second);
    let weight = gather(to_vec(layer.weight.val().inner()));
    layer.weight = Param::from_tensor(weight.autodiff());
    layer.pattern = Some(Arc::new(old.subset(&kept)));
}

/// The places that are kept, in rising order, unit by unit.
fn kept(pattern: &Csr, second: &[f32], tolerance: f64) -> Vec<Vec<usize>> {
    let mut kept: Vec<Vec<_>> = pattern.rows().map(Iterator::collect).collect();
    for_each_chunk(&mut kept, 1, |_, unit| {
        let places = &mut unit[0];
        // Of equal ones the first stay.
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
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_up_less_than_the_tolerance_is_dropped() {
        let pattern = Csr::full(3, 4);
        let second = [
            90.0, 0.5, 0.5, 9.0, // 1 % of 100 may go: both halves.
            0.0, 0.0, 0.0, 0.0, // nothing has a gradient: the first one stays
            1.0, 1.0, 1.0, 1.0, // all have as much
        ];
        let places = kept(&pattern, &second, 0.01);
        assert_eq!(places, [vec![0, 3], vec![4], vec![8, 9, 10, 11]]);
    }

    #[test]
    fn nothing_that_has_a_gradient_is_dropped_without_tolerance() {
        let pattern = Csr::full(1, 3);
        assert_eq!(kept(&pattern, &[1e-30, 0.0, 1.0], 0.0), [[0, 2]]);
    }
}
