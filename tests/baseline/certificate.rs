//! What is proved holds for the f32 evaluation, in whatever order it sums.

use linf_dist_net::attack::label;
use linf_dist_net::baseline::{
    BaselineNet, BaselineNetError, Evaluator, Geometry, IntervalCertifier, Layer,
};
use linf_dist_net::exact::Ticks;
use proptest::{collection::vec, prelude::*, strategy::ValueTree};

/// Units per pixel level in these tests.
const SCALE: u32 = 2;

/// How an evaluation adds up the products of a unit and its bias.
#[derive(Clone, Copy, Debug)]
enum Order {
    /// From the first to the last, the bias at the end.
    Forward,
    /// From the last to the first, the bias to begin with.
    Backward,
    /// Neighbours first, as a tree.
    Tree,
    /// In eight lanes, which are added at the end.
    Lanes,
    /// From the first to the last with fused multiply-adds, the bias to begin with.
    Fused,
    /// The largest products first.
    LargestFirst,
}

const ORDERS: [Order; 6] = [
    Order::Forward,
    Order::Backward,
    Order::Tree,
    Order::Lanes,
    Order::Fused,
    Order::LargestFirst,
];

fn unit(weights: &[f32], x: &[f32], bias: f32, order: Order) -> f32 {
    let products: Vec<f32> = weights.iter().zip(x).map(|(w, x)| w * x).collect();
    match order {
        Order::Forward => products.iter().sum::<f32>() + bias,
        Order::Backward => products
            .iter()
            .rev()
            .fold(bias, |sum, product| sum + product),
        Order::Tree => tree(&products) + bias,
        Order::Lanes => {
            let mut lanes = [0.0f32; 8];
            for (k, product) in products.iter().enumerate() {
                lanes[k % 8] += product;
            }
            lanes.iter().sum::<f32>() + bias
        }
        Order::Fused => weights
            .iter()
            .zip(x)
            .fold(bias, |sum, (w, x)| w.mul_add(*x, sum)),
        Order::LargestFirst => {
            let mut products = products;
            products.sort_by(|a, b| b.abs().total_cmp(&a.abs()));
            products.iter().sum::<f32>() + bias
        }
    }
}

fn tree(values: &[f32]) -> f32 {
    match values {
        [value] => *value,
        values => {
            let (left, right) = values.split_at(values.len() / 2);
            tree(left) + tree(right)
        }
    }
}

/// Logits of levels, every layer summed in its own order.
fn evaluate(plain: &BaselineNet, levels: &[f32], orders: &[Order]) -> Vec<f32> {
    let mut x = levels.to_vec();
    for (index, layer) in plain.layers().iter().enumerate() {
        if index > 0 {
            x.iter_mut().for_each(|value| *value = value.max(0.0));
        }
        let order = orders[index % orders.len()];
        let windows = layer.geometry.windows();
        let seen: Vec<Vec<f32>> = windows
            .iter()
            .map(|window| window.iter().map(|&input| x[input]).collect())
            .collect();
        let rows = layer.rows().zip(&layer.bias);
        x = rows
            .flat_map(|(row, &bias)| seen.iter().map(move |seen| unit(row, seen, bias, order)))
            .collect();
    }
    x
}

/// One to three layers whose weights cancel, differ by many orders of magnitude, and underflow;
/// the first may be a convolution.
fn net() -> impl Strategy<Value = BaselineNet> {
    let conv = (2..=5_usize, 1..=3_usize, 1..=2_usize, 1..=3_usize).prop_map(
        |(side, kernel, stride, channels)| {
            let geometry = Geometry::Conv {
                channels: 1,
                side,
                kernel: kernel.min(side),
                stride,
            };
            (Some((geometry, channels)), side * side)
        },
    );
    let dense = (1..=20_usize).prop_map(|pixels| (None, pixels));
    (
        prop_oneof![conv, dense],
        vec(1..=20_usize, 0..=2),
        2..=4_usize,
    )
        .prop_flat_map(|((first, pixels), hidden, classes)| {
            let mut inputs = pixels;
            let mut layers = Vec::new();
            if let Some((geometry, channels)) = first {
                layers.push(layer(geometry, channels));
                inputs = channels * geometry.output_side().pow(2);
            }
            for units in hidden.into_iter().chain([classes]) {
                layers.push(layer(Geometry::Dense { inputs }, units));
                inputs = units;
            }
            layers
        })
        .prop_map(|layers| BaselineNet::new(layers).unwrap())
}

fn layer(geometry: Geometry, channels: usize) -> impl Strategy<Value = Layer> {
    let weight = prop_oneof![
        8 => -1.0..1.0f32,
        2 => Just(0.0f32),
        2 => prop_oneof![Just(1e6f32), Just(-1e6f32)],
        1 => -1e-42..1e-42f32,
        1 => -1e-38..1e-38f32,
    ];
    let bias = prop_oneof![Just(0.0f32), -10.0..10.0f32, -1e-44..1e-44f32];
    let weights = vec(weight, geometry.fan_in() * channels);
    (weights, vec(bias, channels)).prop_map(move |(weight, bias)| Layer {
        geometry,
        weight,
        bias,
    })
}

/// A network, an 8-bit image, a radius, and points of the box: per pixel from −1, its
/// lower end, to 1, its upper one.
fn cases() -> impl Strategy<Value = (BaselineNet, Vec<u8>, Ticks, Vec<Vec<f32>>)> {
    net().prop_flat_map(|plain| {
        let pixels = plain.inputs();
        let pixel = prop_oneof![Just(0u8), Just(255u8), any::<u8>()];
        let radius = prop_oneof![Just(0u32), 0..=40u32, Just(255 * SCALE)].prop_map(Ticks::new);
        let place = prop_oneof![2 => Just(-1.0f32), 2 => Just(1.0f32), 1 => -1.0..=1.0f32];
        (
            Just(plain),
            vec(pixel, pixels),
            radius,
            vec(vec(place, pixels), 1..8),
        )
    })
}

/// Levels of a point of the box; every f32 between the ends may occur.
fn point(image: &[u8], radius: Ticks, places: &[f32]) -> Vec<f32> {
    let radius = radius.levels(SCALE).get() as f32;
    let pixels = image.iter().zip(places);
    pixels
        .map(|(&level, place)| {
            let level = f32::from(level);
            let (lower, upper) = ((level - radius).max(0.0), (level + radius).min(255.0));
            (level + place * radius).clamp(lower, upper)
        })
        .collect()
}

/// Logits as the page computes them, all points in one batch.
fn evaluated(plain: &BaselineNet, points: &[Vec<f32>]) -> Vec<f32> {
    Evaluator::new(plain).logits(&points.concat())
}

proptest! {
    #[test]
    fn bounds_hold_every_logit_of_the_box_in_every_order_of_summation(
        (plain, image, radius, places) in cases(),
    ) {
        let bounds = IntervalCertifier::new(&plain, SCALE).logit_bounds(&image, radius);
        let points: Vec<_> = places.iter().map(|places| point(&image, radius, places)).collect();
        let mut computed: Vec<Vec<f32>> = Vec::new();
        for point in &points {
            for first in 0..ORDERS.len() {
                let mut orders = ORDERS;
                orders.rotate_left(first);
                computed.push(evaluate(&plain, point, &orders));
            }
            computed.push(evaluated(&plain, std::slice::from_ref(point)));
        }
        computed.extend(evaluated(&plain, &points).chunks(plain.classes()).map(<[f32]>::to_vec));
        for logits in computed {
            for (&logit, &[lower, upper]) in logits.iter().zip(&bounds) {
                let logit = f64::from(logit);
                prop_assert!((lower..=upper).contains(&logit), "{logit} not in {lower} to {upper}");
            }
        }
    }

    #[test]
    fn a_proved_label_is_that_of_every_evaluation_within_the_radius(
        (plain, image, _, places) in cases(),
    ) {
        let proof = IntervalCertifier::new(&plain, SCALE).certify(&image);
        prop_assume!(proof.is_some());
        let proof = proof.unwrap();
        for places in &places {
            let point = point(&image, proof.ibp_radius, places);
            for order in ORDERS {
                let logits = evaluate(&plain, &point, &[order]);
                let logits: Vec<f64> = logits.into_iter().map(f64::from).collect();
                prop_assert_eq!(label(&logits), Some(proof.label));
            }
        }
    }

    #[test]
    fn the_radius_is_the_largest_that_is_proved((plain, image, ..) in cases()) {
        let certifier = IntervalCertifier::new(&plain, SCALE);
        if let Some(proof) = certifier.certify(&image) {
            for radius in (0..=255 * SCALE).map(Ticks::new) {
                let certified = certifier.is_certified(&image, proof.label, radius);
                prop_assert_eq!(certified, radius <= proof.ibp_radius);
            }
        }
    }
}

#[test]
fn random_cases_prove_something_and_not_everything() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut proved = 0;
    for _ in 0..200 {
        let (plain, image, ..) = cases().new_tree(&mut runner).unwrap().current();
        let proof = IntervalCertifier::new(&plain, SCALE).certify(&image);
        let inside = proof.is_some_and(|proof| (1..255 * SCALE).contains(&proof.ibp_radius.get()));
        proved += usize::from(inside);
    }
    assert!(proved > 100 && proved < 195, "{proved} of 200");
}

fn linear(rows: &[&[f32]], bias: &[f32]) -> Layer {
    Layer {
        geometry: Geometry::Dense {
            inputs: rows[0].len(),
        },
        weight: rows.concat(),
        bias: bias.to_vec(),
    }
}

#[test]
fn the_network_that_runs_is_the_one_that_is_proved() {
    let conv = Layer {
        geometry: Geometry::Conv {
            channels: 1,
            side: 5,
            kernel: 3,
            stride: 2,
        },
        weight: (0..18).map(|k| (k % 7) as f32 - 3.0).collect(),
        bias: vec![1.0, -2.0],
    };
    let dense = Layer {
        geometry: Geometry::Dense { inputs: 8 },
        weight: (0..24).map(|k| (k % 5) as f32 - 2.0).collect(),
        bias: vec![0.0, 3.0, -1.0],
    };
    let plain = BaselineNet::new(vec![conv, dense]).unwrap();
    assert_eq!(plain.architecture(), "25-conv2k3s2-3");
    // Small whole numbers: nothing is rounded, so that all orders agree.
    let points: Vec<Vec<f32>> = (0..3)
        .map(|n| (0..25).map(|k| ((k * 3 + n) % 11) as f32).collect())
        .collect();
    let expected: Vec<f32> = points
        .iter()
        .flat_map(|point| evaluate(&plain, point, &[Order::Tree]))
        .collect();
    assert!(expected.iter().any(|logit| *logit != expected[0]));
    assert_eq!(evaluated(&plain, &points), expected);
}

#[test]
fn a_lead_that_rounding_can_undo_is_not_proved() {
    // The first logit is 1 for the real numbers, but 2²⁵ + 1 is 2²⁵ in f32.
    let large = (1u32 << 25) as f32;
    let layer = linear(&[&[large, 1.0, -large], &[0.0, 0.0, 0.0]], &[0.0, 0.5]);
    let plain = BaselineNet::new(vec![layer]).unwrap();
    let image = [1, 1, 1];
    let logits = |order| evaluate(&plain, &[1.0; 3], &[order]);
    assert_eq!(logits(Order::Forward), [0.0, 0.5]);
    assert_eq!(logits(Order::LargestFirst), [1.0, 0.5]);
    assert_eq!(IntervalCertifier::new(&plain, 1).label(&image), None);
}

#[test]
fn classes_are_compared_as_differences() {
    // Both logits move by 8 levels' worth, but together.
    let layer = linear(&[&[1.0], &[1.0]], &[2.0, 0.0]);
    let plain = BaselineNet::new(vec![layer]).unwrap();
    let certifier = IntervalCertifier::new(&plain, 1);
    let bounds = certifier.logit_bounds(&[100], Ticks::new(8));
    assert!(bounds[0][0] < bounds[1][1]);
    assert!(certifier.is_certified(&[100], 0, Ticks::new(8)));
}

#[test]
fn a_box_ends_at_black_and_white() {
    let layer = linear(&[&[1.0], &[0.0]], &[0.0, -1.0]);
    let plain = BaselineNet::new(vec![layer]).unwrap();
    let bounds = IntervalCertifier::new(&plain, 1).logit_bounds(&[250], Ticks::new(255));
    assert!((bounds[0][0] - 0.0).abs() < 1e-3 && (bounds[0][1] - 255.0).abs() < 1e-3);
}

#[test]
fn layers_that_do_not_make_a_network_are_refused() {
    let good = || linear(&[&[1.0, 2.0], &[3.0, 4.0]], &[0.0, 0.0]);
    let refused = |layers| BaselineNet::new(layers).unwrap_err();
    assert_eq!(refused(vec![]), BaselineNetError::NoLayer);
    let other = linear(&[&[1.0], &[2.0]], &[0.0, 0.0]);
    let chain = refused(vec![good(), other]);
    assert!(
        matches!(chain, BaselineNetError::Chain { layer: 1, .. }),
        "{chain}"
    );
    let short = Layer {
        weight: vec![1.0; 3],
        ..good()
    };
    let count = refused(vec![short]);
    assert!(
        matches!(count, BaselineNetError::WeightCount { expected: 4, .. }),
        "{count}"
    );
    assert_eq!(
        refused(vec![linear(&[&[1.0]], &[0.0])]),
        BaselineNetError::Classes
    );
    let window = Layer {
        geometry: Geometry::Conv {
            channels: 1,
            side: 2,
            kernel: 1,
            stride: 1,
        },
        weight: vec![1.0; 2],
        bias: vec![0.0; 2],
    };
    assert_eq!(refused(vec![window.clone()]), BaselineNetError::Classes);
    for (kernel, stride) in [(3, 1), (0, 1), (1, 0)] {
        let geometry = Geometry::Conv {
            channels: 1,
            side: 2,
            kernel,
            stride,
        };
        let empty = refused(vec![Layer {
            geometry,
            ..window.clone()
        }]);
        assert!(matches!(empty, BaselineNetError::Empty { .. }), "{empty}");
    }
    for weight in [f32::NAN, f32::INFINITY, 3e38] {
        let wild = linear(&[&[1.0, weight], &[3.0, 4.0]], &[0.0, 0.0]);
        assert_eq!(refused(vec![wild]), BaselineNetError::Overflow { layer: 0 });
    }
    // Each layer is small enough alone; the second overflows on what the first can give.
    let grow = || linear(&[&[1e18, 1e18], &[1e18, 1e18]], &[0.0, 0.0]);
    assert_eq!(
        refused(vec![grow(), grow()]),
        BaselineNetError::Overflow { layer: 1 }
    );
}
