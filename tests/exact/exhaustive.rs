//! Tiny nets whose perturbed images can all be tried.

use std::num::NonZeroUsize;

use linf_dist_net::exact::{
    BranchAndBound, Certificate, DenseLayer, DenseNet, Epsilon, Proof, Ticks, branch_and_bound,
};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};

use crate::nets::{SCALE, TOP, pruned, ticks, wide};

/// Every input within `radius` ticks of the image, in the domain.
pub fn ball(image: &[u8], radius: i32) -> Vec<Vec<i32>> {
    let mut inputs = vec![vec![]];
    for &level in image {
        let centre = i32::from(level) * SCALE.cast_signed();
        let range = (centre - radius).max(0)..=(centre + radius).min(TOP);
        let extend = |input: &Vec<i32>| {
            let input = input.clone();
            range
                .clone()
                .map(move |x| [input.as_slice(), &[x]].concat())
        };
        inputs = inputs.iter().flat_map(extend).collect();
    }
    inputs
}

/// Whether `label` is strictly first for every input; a tie counts as a flip.
pub fn never_flips(net: &DenseNet, label: usize, inputs: &[Vec<i32>]) -> bool {
    inputs.iter().all(|input| {
        let logits = net.logits(&wide(input));
        logits
            .iter()
            .enumerate()
            .all(|(class, &z)| class == label || z < logits[label])
    })
}

/// A net of two or three pixels, and an image of them, whose logits lie close together. The image is at
/// the dark end of the domain or, the net turned around with it, at the bright one.
pub fn tiny() -> impl Strategy<Value = (DenseNet, Vec<u8>)> {
    let turned = |(bright, (net, image)): (bool, (DenseNet, Vec<u8>))| {
        if !bright {
            return (net, image);
        }
        let mut layers = net.layers().to_vec();
        let first = layers[0].weight.iter_mut();
        first.for_each(|weight| *weight = TOP - *weight);
        let bias = net.bias().to_vec();
        let net = DenseNet::with_members(SCALE, layers, bias, net.members()).unwrap();
        (net, image.iter().map(|level| 255 - level).collect())
    };
    (any::<bool>(), dark()).prop_map(turned)
}

pub fn dark() -> impl Strategy<Value = (DenseNet, Vec<u8>)> {
    let shape = (2..=3_usize, 1..=2_usize, 2..=3_usize, 1..=2_usize);
    shape.prop_flat_map(|(inputs, depth, classes, members)| {
        let mut widths = vec![inputs; depth];
        widths.push(members * classes);
        let layers: Vec<_> = widths
            .windows(2)
            .map(|pair| {
                let (inputs, outputs) = (pair[0], pair[1]);
                vec(-8..=24, inputs * outputs).prop_map(move |weight| DenseLayer {
                    inputs,
                    outputs,
                    weight,
                })
            })
            .collect();
        let net = (layers, vec(-3..=3, members * classes)).prop_map(move |(layers, bias)| {
            DenseNet::with_members(SCALE, layers, bias, members).unwrap()
        });
        (net, vec(0..=10_u8, inputs))
    })
}

#[test]
fn no_image_within_a_certified_radius_flips() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(4000));
    // How often each margin was among the cases.
    let margins = std::cell::RefCell::new([0; 16]);
    let outcome = runner.run(&tiny(), |(dense, image)| {
        let net = pruned(&dense);
        let Certificate {
            label,
            margin,
            lipschitz_radius,
            ibp_radius,
            ..
        } = net.evaluator().certificate(&image).unwrap();
        let Some(label) = label else { return Ok(()) };
        if let Some(count) = margins.borrow_mut().get_mut(margin.get() as usize) {
            *count += 1;
        }
        prop_assert_eq!(
            lipschitz_radius,
            Some(ticks(
                ((margin.get() as i32 - 1) / (2 * net.members() as i32)).min(TOP)
            ))
        );
        // Larger balls are too many inputs to try; all points of a smaller one still count.
        let radius = ibp_radius.unwrap().min(ticks(12)).get();
        let inputs = ball(&image, radius.cast_signed());
        prop_assert!(never_flips(&dense, label, &inputs));
        Ok(())
    });
    outcome.unwrap();
    let margins = margins.into_inner();
    assert!(
        margins[1..4].iter().all(|&count| count >= 20),
        "margins seen: {margins:?}"
    );
}

#[test]
fn no_image_flips_where_branch_and_bound_proves_the_label() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(4000));
    // How often each kind of proof was among the cases, and none.
    let kinds = std::cell::RefCell::new([[0; 4]; 2]);
    let outcome = runner.run(&(tiny(), 0..=12_i32), |((dense, image), radius)| {
        let net = pruned(&dense);
        let mut evaluator = net.evaluator();
        let certificate = evaluator.certificate(&image).unwrap();
        let proof = evaluator.proof(&image, ticks(radius), 40).unwrap();
        let by_ibp = certificate.ibp_radius >= Some(ticks(radius)) && certificate.label.is_some();
        prop_assert_eq!(by_ibp, proof == Some(Proof::Ibp));
        kinds.borrow_mut()[net.members() - 1][match proof {
            Some(Proof::Ibp) => 0,
            Some(Proof::PairwiseMargin) => 1,
            Some(Proof::Splits { .. }) => 2,
            None => 3,
        }] += 1;
        if proof.is_some() {
            let label = certificate.label.expect("only a label can be proved");
            let inputs = ball(&image, radius);
            prop_assert!(never_flips(&dense, label, &inputs));
        }
        Ok(())
    });
    outcome.unwrap();
    let kinds = kinds.into_inner();
    assert!(
        kinds.iter().flatten().all(|&count| count >= 20),
        "proofs seen: {kinds:?}"
    );
}

#[test]
fn branch_and_bound_adds_up_over_the_images() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(1500));
    let images = |(net, image): (DenseNet, Vec<u8>)| {
        let (inputs, classes) = (image.len(), net.bias().len() / net.members());
        let images = vec(vec(0..=10_u8, inputs), 1..=9);
        (Just(net), images, vec(0..classes as u8, 9))
    };
    let case = (
        dark().prop_flat_map(images),
        (1..=30).prop_map(ticks),
        1..=4_usize,
    );
    let seen = std::cell::RefCell::new(BranchAndBound::default());
    let outcome = runner.run(&case, |((dense, images, labels), radius, threads)| {
        let net = pruned(&dense);
        let mut evaluator = net.evaluator();
        let labels = &labels[..images.len()];
        let mut expected = BranchAndBound::default();
        for (image, &label) in images.iter().zip(labels) {
            let certificate = evaluator.certificate(image).unwrap();
            let by_ibp = certificate.ibp_radius >= Some(radius);
            if certificate.label != Some(label.into()) || by_ibp {
                continue;
            }
            expected.tried += 1;
            match evaluator.proof(image, radius, 20).unwrap() {
                Some(Proof::PairwiseMargin) => expected.by_pairwise_margins += 1,
                Some(Proof::Splits { .. }) => expected.by_splitting += 1,
                Some(Proof::Ibp) => prop_assert!(false, "IBP proves it after all"),
                None => {}
            }
        }
        // The least ε that is so many ticks: it is rounded up.
        let epsilon = format!("{:.6}", f64::from(radius.get()) / f64::from(TOP) - 5e-7);
        let epsilon: Epsilon = epsilon.parse().unwrap();
        prop_assert_eq!(epsilon.ticks(SCALE), radius);
        let threads = NonZeroUsize::new(threads).unwrap();
        let images = images.concat();
        let found = branch_and_bound(&net, &images, labels, epsilon, 20, threads).unwrap();
        prop_assert_eq!(found, expected);
        *seen.borrow_mut() += found;
        Ok(())
    });
    outcome.unwrap();
    let seen = seen.into_inner();
    assert!(
        seen.by_pairwise_margins > 20 && seen.by_splitting > 20,
        "{seen:?}"
    );
    assert!(
        seen.tried > seen.by_pairwise_margins + seen.by_splitting,
        "{seen:?}"
    );
}

/// One pixel behind both classes: `z_0 = −|x + 100|` and `z_1 = −|x + 100| − 4`.
#[test]
fn pairwise_margins_prove_what_ibp_cannot_where_both_logits_move_together() {
    let layer = DenseLayer {
        inputs: 1,
        outputs: 2,
        weight: vec![-100, -100],
    };
    let dense = DenseNet::new(SCALE, vec![layer], vec![0, 4]).unwrap();
    let net = pruned(&dense);
    let mut evaluator = net.evaluator();
    assert_eq!(
        evaluator.certificate(&[100]).unwrap().ibp_radius,
        Some(ticks(1))
    );
    let proof = evaluator.proof(&[100], ticks(TOP), 0).unwrap();
    assert_eq!(proof, Some(Proof::PairwiseMargin));
}

/// Two pixels, each deciding one class: `z_0 = −|x_0 + 2000|` and `z_1 = −|x_1 + 2000| − margin`.
/// They can move against each other, so the margin's certificate is the best possible.
fn opposed(margin: i32) -> (DenseNet, Vec<u8>) {
    let (far, near) = (-2000, 255);
    let weight = vec![far, near, near, far];
    let layer = DenseLayer {
        inputs: 2,
        outputs: 2,
        weight,
    };
    let net = DenseNet::new(SCALE, vec![layer], vec![0, margin]).unwrap();
    (net, vec![100, 100])
}

#[test]
fn margins_of_a_few_ticks_prove_exactly_as_far_as_no_image_flips() {
    for margin in 1..=7 {
        let (dense, image) = opposed(margin);
        let certificate = pruned(&dense).evaluator().certificate(&image).unwrap();
        assert_eq!(
            (certificate.label, certificate.margin),
            (Some(0), ticks(margin))
        );
        let radius = (margin - 1) / 2;
        assert_eq!(certificate.lipschitz_radius, Some(ticks(radius)));
        assert_eq!(certificate.ibp_radius, Some(ticks(radius)));
        assert!(never_flips(&dense, 0, &ball(&image, radius)));
        assert!(!never_flips(&dense, 0, &ball(&image, radius + 1)));
    }
}

#[test]
fn a_tie_has_no_label_and_no_radius() {
    let (dense, image) = opposed(0);
    let certificate = pruned(&dense).evaluator().certificate(&image).unwrap();
    assert_eq!((certificate.label, certificate.margin), (None, Ticks::ZERO));
    assert_eq!(
        (certificate.lipschitz_radius, certificate.ibp_radius),
        (None, None)
    );
}

#[test]
fn a_label_that_no_image_changes_is_proved_for_the_full_scale() {
    let (dense, image) = opposed(2000);
    let certificate = pruned(&dense).evaluator().certificate(&image).unwrap();
    assert_eq!(certificate.ibp_radius, Some(ticks(TOP)));
}
