//! What holds for every net and every image.

use linf_dist_net::exact::{DenseLayer, DenseNet, ExactNet, Ticks, lipschitz_radius};
use proptest::{collection::vec, prelude::*};

use crate::nets::{TOP, dense_net, net_and_image, net_and_input, perturb, pruned, ticks, wide};

/// For a perturbation of up to 14 pixels.
fn fractions() -> impl Strategy<Value = Vec<f64>> {
    vec(prop_oneof![Just(-1.0), Just(1.0), -1.0..=1.0], 14)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn pruning_and_early_exit_change_no_output_bit(
        (dense, input) in net_and_input(),
        radius in 0..=TOP,
    ) {
        let net = pruned(&dense);
        let mut evaluator = net.evaluator();
        let x = wide(&input);
        prop_assert_eq!(wide(evaluator.logits_at(&input).unwrap()), dense.logits(&x));
        prop_assert_eq!(evaluator.critical_pixels_at(&input).unwrap(), dense.critical_pixels(&x));

        let end = |step: i32| -> Vec<i64> {
            input.iter().map(|&x| (x + step).clamp(0, TOP).into()).collect()
        };
        let bounds = evaluator.logit_bounds_at(&input, ticks(radius)).unwrap();
        let ends: (Vec<i64>, Vec<i64>) =
            bounds.iter().map(|&[lower, upper]| (i64::from(lower), i64::from(upper))).unzip();
        prop_assert_eq!(ends, dense.logit_bounds(&end(-radius), &end(radius)));
    }

    #[test]
    fn the_path_of_the_label_ends_at_its_critical_pixel((dense, image) in net_and_image()) {
        let net = pruned(&dense);
        let mut evaluator = net.evaluator();
        let label = evaluator.radii(&image).unwrap().label;
        let pixels = evaluator.critical_pixels(&image).unwrap();
        let path = evaluator.label_path(&image).unwrap();
        prop_assert_eq!(path.is_some(), label.is_some());
        if let (Some(label), Some((units, pixel))) = (label, path) {
            prop_assert_eq!(pixel, pixels[label]);
            let widths: Vec<usize> = dense.layers().iter().map(|layer| layer.outputs).collect();
            prop_assert_eq!(units.len() + 1, widths.len());
            prop_assert!(units.iter().zip(widths).all(|(unit, width)| *unit < width));
        }
    }

    #[test]
    fn images_together_have_the_bits_of_each_alone(
        (dense, image) in net_and_image(),
        others in vec(any::<u8>(), 0..40),
    ) {
        let net = pruned(&dense);
        // Every count up to two groups and more: the image again and again, its pixels turned about.
        let images: Vec<u8> = std::iter::once(0)
            .chain(others)
            .flat_map(|by| image.iter().map(move |level| level.wrapping_add(by)))
            .collect();
        let together = net.batch_evaluator().logits(&images).unwrap();
        let mut alone = Vec::new();
        for image in images.chunks(net.inputs()) {
            alone.extend_from_slice(net.evaluator().logits(image).unwrap());
        }
        prop_assert_eq!(together, alone);
    }

    #[test]
    fn kept_weights_survive_sorting_and_padding(dense in dense_net()) {
        let net = pruned(&dense);
        let sparse = net.to_sparse();
        let bias = net.bias().to_vec();
        let again = ExactNet::with_members(net.scale(), &sparse, bias, net.members()).unwrap();
        prop_assert_eq!(again.to_sparse(), sparse);
        prop_assert_eq!(again.weights_kept(), net.weights_kept());
    }

    #[test]
    fn each_logit_moves_by_at_most_r_in_each_head_when_every_pixel_does(
        (dense, input) in net_and_input(),
        radius in 0..=TOP,
        fractions in fractions(),
    ) {
        let net = pruned(&dense);
        let mut evaluator = net.evaluator();
        let before = evaluator.logits_at(&input).unwrap().to_vec();
        let after = evaluator.logits_at(&perturb(&input, radius, &fractions)).unwrap();
        for (before, after) in before.iter().zip(after) {
            prop_assert!((before - after).abs() <= radius * net.members() as i32);
        }
    }

    #[test]
    fn interval_bounds_contain_the_logits_of_every_perturbed_image(
        (dense, input) in net_and_input(),
        radius in 0..=TOP,
        fractions in fractions(),
    ) {
        let net = pruned(&dense);
        let mut evaluator = net.evaluator();
        let bounds = evaluator.logit_bounds_at(&input, ticks(radius)).unwrap().to_vec();
        let logits = evaluator.logits_at(&perturb(&input, radius, &fractions)).unwrap();
        for (&[lower, upper], &logit) in bounds.iter().zip(logits) {
            prop_assert!((lower..=upper).contains(&logit));
        }
    }

    #[test]
    fn tight_radius_is_where_the_bounds_stop_to_prove_and_they_prove_the_lipschitz_radius(
        (dense, image) in net_and_image(),
    ) {
        let net = pruned(&dense);
        let mut evaluator = net.evaluator();
        let certificate = evaluator.certificate(&image).unwrap();
        let full_scale = ticks(TOP);
        let by_margin = lipschitz_radius(certificate.margin, net.members());
        let by_margin = by_margin.map(|radius| radius.min(full_scale));
        prop_assert_eq!(certificate.lipschitz_radius, by_margin);
        prop_assert_eq!(certificate.label.is_some(), certificate.ibp_radius.is_some());
        let Some(tight) = certificate.ibp_radius else {
            prop_assert!(!evaluator.bounds(&image, Ticks::ZERO).unwrap().certified);
            return Ok(());
        };
        let by_margin = certificate.lipschitz_radius.unwrap();
        prop_assert!(evaluator.bounds(&image, by_margin).unwrap().certified);
        prop_assert!(evaluator.bounds(&image, tight).unwrap().certified);
        prop_assert!(tight <= full_scale);
        if tight < full_scale {
            prop_assert!(!evaluator.bounds(&image, Ticks::new(tight.get() + 1)).unwrap().certified);
        }
    }

    #[test]
    fn moving_a_critical_pixel_one_tick_moves_its_logit_one_tick_in_its_member(
        (dense, input) in net_and_input(),
    ) {
        let net = pruned(&dense);
        let classes = net.classes();
        let mut evaluator = net.evaluator();
        let logits = evaluator.logits_at(&input).unwrap().to_vec();
        let critical_pixels = evaluator.critical_pixels_at(&input).unwrap();
        prop_assert_eq!(critical_pixels.len(), net.members() * classes);
        for (class, logit) in logits.iter().enumerate() {
            let of_class: Vec<_> = critical_pixels[class..].iter().step_by(classes).collect();
            // A runner-up closer than two ticks may take over on the way.
            let mut outputs = (class..critical_pixels.len()).step_by(classes);
            if outputs.any(|output| path_gap(&dense, &input, output) < 2) {
                continue;
            }
            for (pixel, step) in of_class.iter().flat_map(|d| [(d.pixel, -1), (d.pixel, 1)]) {
                let mut moved = input.clone();
                moved[pixel] += step;
                if (0..=TOP).contains(&moved[pixel]) {
                    let after = evaluator.logits_at(&moved).unwrap()[class];
                    // Of all the members that this pixel decides.
                    let decided = of_class.iter().filter(|d| d.pixel == pixel);
                    let slope: i32 = decided.map(|d| i32::from(d.sign)).sum();
                    prop_assert_eq!(after - logit, step * slope);
                }
            }
        }
    }
}

/// Along the arg-max path of a unit of the last layer: the least distance between a unit's value and
/// its runner-up, which is 0 where there is none.
fn path_gap(net: &DenseNet, input: &[i32], output: usize) -> i64 {
    let mut inputs = vec![wide(input)];
    for layer in net.layers() {
        let x = &inputs[inputs.len() - 1];
        let rows = layer.weight.chunks(layer.inputs);
        inputs.push(rows.map(|row| sorted_distances(x, row)[0].0).collect());
    }
    let (mut unit, mut gap) = (output, i64::MAX);
    for (layer, x) in net.layers().iter().zip(&inputs).rev() {
        let row = &layer.weight[unit * layer.inputs..][..layer.inputs];
        let distances = sorted_distances(x, row);
        let runner_up = distances.get(1).map_or(0, |&(distance, _)| distance);
        gap = gap.min(distances[0].0 - runner_up);
        unit = distances[0].1;
    }
    gap
}

/// The distances of a unit with their indices, largest first.
fn sorted_distances(x: &[i64], row: &[i32]) -> Vec<(i64, usize)> {
    let distances = x.iter().zip(row).map(|(x, &w)| (x - i64::from(w)).abs());
    let mut distances: Vec<_> = distances.zip(0..).collect();
    distances.sort_by_key(|&(distance, _)| std::cmp::Reverse(distance));
    distances
}

#[test]
fn pruning_drops_what_never_decides_and_keeps_what_may_tie() {
    // Over pixels in 0..=510 the first weight's distance is in 1000..=1510, so the floor is 1000;
    // the others reach 999, 1000 and 1001.
    let weight = vec![-1000, -489, -490, -491, -1000, 0, 0, 0];
    let layer = DenseLayer {
        inputs: 4,
        outputs: 2,
        weight,
    };
    let dense = DenseNet::new(2, vec![layer], vec![0, 0]).unwrap();
    let net = pruned(&dense);
    assert_eq!(net.to_sparse()[0].pattern.columns(), [0, 2, 3, 0]);
    assert_eq!(net.weights_kept(), [(4, 8)]);
    // All distances that can equal 1000 do so here: the lowest index decides.
    let critical_pixels = net
        .evaluator()
        .critical_pixels_at(&[0, 510, 510, 509])
        .unwrap();
    assert_eq!(critical_pixels[0].pixel, 0);
}
