//! Pruning for where images are.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use linf_dist_net::exact::{DenseLayer, DenseNet, ExactNet, InputError};
use proptest::{collection::vec, prelude::*};

use crate::nets::{SCALE, TOP, net_and_image, net_and_input, perturb, pruned, ticks, wide};

const THREADS: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// The image again and again, its pixels turned about.
fn some(image: &[u8], by: &[u8]) -> Vec<u8> {
    let turned = by
        .iter()
        .flat_map(|by| image.iter().map(move |level| level.wrapping_add(*by)));
    turned.collect()
}

fn near(net: &ExactNet, images: &[u8], radius: i32) -> ExactNet {
    near_some(net, images, radius, 1)
}

fn near_some(net: &ExactNet, images: &[u8], radius: i32, least: u32) -> ExactNet {
    net.prune_by_support(images, ticks(radius), least, THREADS)
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn within_the_radius_of_an_image_no_bit_changes(
        (dense, image) in net_and_image(),
        by in vec(any::<u8>(), 1..6),
        (outer, inner) in (0..=TOP, 0.0..=1.0),
        fractions in vec(prop_oneof![Just(-1.0), Just(1.0), -1.0..=1.0], 14),
    ) {
        let (net, images) = (pruned(&dense), some(&image, &by));
        let near = near(&net, &images, outer);
        let radius = ticks((inner * f64::from(outer)) as i32);
        let (mut before, mut after) = (net.evaluator(), near.evaluator());
        for image in images.chunks(net.inputs()) {
            let bounds = before.logit_bounds(image, radius).unwrap();
            prop_assert_eq!(after.logit_bounds(image, radius).unwrap(), bounds);
            let input: Vec<i32> = image.iter().map(|&level| i32::from(level) * SCALE as i32).collect();
            let moved = perturb(&input, outer, &fractions);
            prop_assert_eq!(after.logits_at(&moved).unwrap(), before.logits_at(&moved).unwrap());
            prop_assert_eq!(after.critical_pixels_at(&moved).unwrap(), before.critical_pixels_at(&moved).unwrap());
        }
    }

    #[test]
    fn what_is_left_is_a_net_that_can_be_written_densely(
        (dense, input) in net_and_input(),
        levels in vec(any::<u8>(), 14),
        radius in 0..=TOP,
        least in 1..3_u32,
    ) {
        let net = pruned(&dense);
        let near = near_some(&net, &levels[..net.inputs()], radius, least);
        for (before, after) in net.to_sparse().iter().zip(near.to_sparse()) {
            prop_assert!(after.weights.len() <= before.weights.len());
            prop_assert!(after.outputs() <= before.outputs());
        }
        // Every hidden unit is seen.
        for layer in &near.to_sparse()[1..] {
            let seen: BTreeSet<_> = layer.pattern.columns().iter().collect();
            prop_assert_eq!(seen.len(), layer.inputs());
        }
        let again = DenseNet::from_exact(&near).filled().expect("each dropped weight has one that can replace it");
        let x = wide(&input);
        prop_assert_eq!(wide(near.evaluator().logits_at(&input).unwrap()), again.logits(&x));
    }
}

#[test]
fn golden_weight_that_decides_elsewhere_only() {
    // In levels: |x₀ + 300| is from 300 to 555, |x₁ + 100| from 100 to 355, which is why both stay.
    let weight = [-300, -100, -100, -300].map(|level| level * SCALE as i32);
    let layer = DenseLayer {
        inputs: 2,
        outputs: 2,
        weight: weight.to_vec(),
    };
    let net = pruned(&DenseNet::new(SCALE, vec![layer], vec![0, 0]).unwrap());
    let kept = |net: &ExactNet| net.weights_kept()[0].0;
    assert_eq!(kept(&net), 4);
    // Here each unit is at least 545, and what it does not look at, at most 110 and 365.
    assert_eq!(kept(&near(&net, &[255, 255], 10 * SCALE as i32)), 2);
    // The first is at least 300 in one of the two boxes, and the second weight at most 355 there.
    let images = [255, 255, 0, 255];
    assert_eq!(kept(&near(&net, &images, 0)), 3);
    // Which it is only near one of them.
    assert_eq!(kept(&near_some(&net, &images, 0, 2)), 2);
}

#[test]
fn golden_unit_that_nothing_sees_any_more() {
    let layer = |inputs, levels: &[i32]| DenseLayer {
        inputs,
        outputs: levels.len() / inputs,
        weight: levels.iter().map(|level| level * SCALE as i32).collect(),
    };
    // At x = (0, 0) the hidden units are 128, 255 and 128 levels, so the first decides the first of the
    // last layer's and the second the second, by weights of −400: nothing looks at the third.
    let layers = vec![
        layer(2, &[0, 128, 255, 128, 128, 0]),
        layer(3, &[-400, -200, -200, -200, -400, -200]),
    ];
    let net = pruned(&DenseNet::new(SCALE, layers, vec![0, 0]).unwrap());
    assert_eq!(net.architecture(), [2, 3, 2]);
    let near = near(&net, &[0, 0], 0);
    assert_eq!(near.architecture(), [2, 2, 2]);
    assert_eq!(near.to_sparse()[1].pattern.columns(), [0, 1]);
    let input = [0, 0];
    assert_eq!(
        near.evaluator().logits_at(&input).unwrap(),
        net.evaluator().logits_at(&input).unwrap()
    );
}

#[test]
fn images_of_another_size_are_refused() {
    let layer = DenseLayer {
        inputs: 2,
        outputs: 2,
        weight: vec![0; 4],
    };
    let net = pruned(&DenseNet::new(SCALE, vec![layer], vec![0, 0]).unwrap());
    let refused = |images: &[u8]| {
        net.prune_by_support(images, ticks(1), 1, THREADS)
            .unwrap_err()
    };
    let (found, expected) = (0, 2);
    assert_eq!(refused(&[]), InputError::Pixels { found, expected });
    let (bytes, pixels) = (3, 2);
    assert_eq!(refused(&[0; 3]), InputError::Images { bytes, pixels });
}
