//! What is proved holds for the f32 evaluation, in whatever order it sums.

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use linf_dist_net::attack::label;
use linf_dist_net::ordinary::{IntervalCertifier, Linear, Mlp, MlpError, ReluNet};
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
fn evaluate(mlp: &Mlp, levels: &[f32], orders: &[Order]) -> Vec<f32> {
    let mut x = levels.to_vec();
    for (index, layer) in mlp.layers().iter().enumerate() {
        if index > 0 {
            x.iter_mut().for_each(|value| *value = value.max(0.0));
        }
        let rows = layer.rows().zip(&layer.bias);
        x = rows
            .map(|(row, &bias)| unit(row, &x, bias, orders[index % orders.len()]))
            .collect();
    }
    x
}

/// One to three layers whose weights cancel, differ by many orders of magnitude, and underflow.
fn mlp() -> impl Strategy<Value = Mlp> {
    (vec(1..=20_usize, 1..=3), 2..=4_usize)
        .prop_flat_map(|(mut widths, classes)| {
            widths.push(classes);
            let pairs = widths.windows(2);
            let layers: Vec<_> = pairs.map(|pair| layer(pair[0], pair[1])).collect();
            layers
        })
        .prop_map(|layers| Mlp::new(layers).unwrap())
}

fn layer(inputs: usize, outputs: usize) -> impl Strategy<Value = Linear> {
    let weight = prop_oneof![
        8 => -1.0..1.0f32,
        2 => Just(0.0f32),
        2 => prop_oneof![Just(1e6f32), Just(-1e6f32)],
        1 => -1e-42..1e-42f32,
        1 => -1e-38..1e-38f32,
    ];
    let bias = prop_oneof![Just(0.0f32), -10.0..10.0f32, -1e-44..1e-44f32];
    (vec(weight, inputs * outputs), vec(bias, outputs)).prop_map(move |(weight, bias)| Linear {
        inputs,
        weight,
        bias,
    })
}

/// A network, an 8-bit image, a radius in units, and points of the box: per pixel from −1, its
/// lower end, to 1, its upper one.
fn cases() -> impl Strategy<Value = (Mlp, Vec<u8>, u32, Vec<Vec<f32>>)> {
    mlp().prop_flat_map(|mlp| {
        let pixels = mlp.inputs();
        let pixel = prop_oneof![Just(0u8), Just(255u8), any::<u8>()];
        let radius = prop_oneof![Just(0u32), 0..=40u32, Just(255 * SCALE)];
        let place = prop_oneof![2 => Just(-1.0f32), 2 => Just(1.0f32), 1 => -1.0..=1.0f32];
        (
            Just(mlp),
            vec(pixel, pixels),
            radius,
            vec(vec(place, pixels), 1..8),
        )
    })
}

/// Levels of a point of the box; every f32 between the ends may occur.
fn point(image: &[u8], radius: u32, places: &[f32]) -> Vec<f32> {
    let radius = radius as f32 / SCALE as f32;
    let pixels = image.iter().zip(places);
    pixels
        .map(|(&level, place)| {
            let level = f32::from(level);
            let (lower, upper) = ((level - radius).max(0.0), (level + radius).min(255.0));
            (level + place * radius).clamp(lower, upper)
        })
        .collect()
}

/// Logits as Burn computes them, all points in one batch.
fn burn(mlp: &Mlp, points: &[Vec<f32>]) -> Vec<f32> {
    let device = Device::flex();
    let data = TensorData::new(points.concat(), [points.len(), mlp.inputs()]);
    let logits = ReluNet::from_mlp(mlp, &device).forward(Tensor::from_data(data, &device));
    logits.into_data().try_to_vec().unwrap()
}

proptest! {
    #[test]
    fn bounds_hold_every_logit_of_the_box_in_every_order_of_summation(
        (mlp, image, radius, places) in cases(),
    ) {
        let bounds = IntervalCertifier::new(&mlp, SCALE).logit_bounds(&image, radius);
        let points: Vec<_> = places.iter().map(|places| point(&image, radius, places)).collect();
        let mut computed: Vec<Vec<f32>> = Vec::new();
        for point in &points {
            for first in 0..ORDERS.len() {
                let mut orders = ORDERS;
                orders.rotate_left(first);
                computed.push(evaluate(&mlp, point, &orders));
            }
            computed.push(burn(&mlp, std::slice::from_ref(point)));
        }
        computed.extend(burn(&mlp, &points).chunks(mlp.classes()).map(<[f32]>::to_vec));
        for logits in computed {
            for (&logit, &[lower, upper]) in logits.iter().zip(&bounds) {
                let logit = f64::from(logit);
                prop_assert!((lower..=upper).contains(&logit), "{logit} not in {lower} to {upper}");
            }
        }
    }

    #[test]
    fn a_proved_label_is_that_of_every_evaluation_within_the_radius(
        (mlp, image, _, places) in cases(),
    ) {
        let proof = IntervalCertifier::new(&mlp, SCALE).certify(&image);
        prop_assume!(proof.is_some());
        let proof = proof.unwrap();
        for places in &places {
            let point = point(&image, proof.radius, places);
            for order in ORDERS {
                let logits = evaluate(&mlp, &point, &[order]);
                let logits: Vec<f64> = logits.into_iter().map(f64::from).collect();
                prop_assert_eq!(label(&logits), Some(proof.label));
            }
        }
    }

    #[test]
    fn the_radius_is_the_largest_that_is_proved((mlp, image, ..) in cases()) {
        let certifier = IntervalCertifier::new(&mlp, SCALE);
        if let Some(proof) = certifier.certify(&image) {
            for radius in 0..=255 * SCALE {
                let certified = certifier.is_certified(&image, proof.label, radius);
                prop_assert_eq!(certified, radius <= proof.radius);
            }
        }
    }
}

#[test]
fn random_cases_prove_something_and_not_everything() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut proved = 0;
    for _ in 0..200 {
        let (mlp, image, ..) = cases().new_tree(&mut runner).unwrap().current();
        let proof = IntervalCertifier::new(&mlp, SCALE).certify(&image);
        let inside = proof.is_some_and(|proof| proof.radius > 0 && proof.radius < 255 * SCALE);
        proved += usize::from(inside);
    }
    assert!(proved > 100 && proved < 195, "{proved} of 200");
}

fn linear(rows: &[&[f32]], bias: &[f32]) -> Linear {
    Linear {
        inputs: rows[0].len(),
        weight: rows.concat(),
        bias: bias.to_vec(),
    }
}

#[test]
fn a_lead_that_rounding_can_undo_is_not_proved() {
    // The first logit is 1 for the real numbers, but 2²⁵ + 1 is 2²⁵ in f32.
    let large = (1u32 << 25) as f32;
    let layer = linear(&[&[large, 1.0, -large], &[0.0, 0.0, 0.0]], &[0.0, 0.5]);
    let mlp = Mlp::new(vec![layer]).unwrap();
    let image = [1, 1, 1];
    let logits = |order| evaluate(&mlp, &[1.0; 3], &[order]);
    assert_eq!(logits(Order::Forward), [0.0, 0.5]);
    assert_eq!(logits(Order::LargestFirst), [1.0, 0.5]);
    assert_eq!(IntervalCertifier::new(&mlp, 1).label(&image), None);
}

#[test]
fn classes_are_compared_as_differences() {
    // Both logits move by 8 levels' worth, but together.
    let layer = linear(&[&[1.0], &[1.0]], &[2.0, 0.0]);
    let mlp = Mlp::new(vec![layer]).unwrap();
    let certifier = IntervalCertifier::new(&mlp, 1);
    let bounds = certifier.logit_bounds(&[100], 8);
    assert!(bounds[0][0] < bounds[1][1]);
    assert!(certifier.is_certified(&[100], 0, 8));
}

#[test]
fn a_box_ends_at_black_and_white() {
    let layer = linear(&[&[1.0], &[0.0]], &[0.0, -1.0]);
    let mlp = Mlp::new(vec![layer]).unwrap();
    let bounds = IntervalCertifier::new(&mlp, 1).logit_bounds(&[250], 255);
    assert!((bounds[0][0] - 0.0).abs() < 1e-3 && (bounds[0][1] - 255.0).abs() < 1e-3);
}

#[test]
fn layers_that_do_not_make_a_network_are_refused() {
    let good = || linear(&[&[1.0, 2.0], &[3.0, 4.0]], &[0.0, 0.0]);
    let refused = |layers| Mlp::new(layers).unwrap_err();
    assert_eq!(refused(vec![]), MlpError::NoLayer);
    let other = linear(&[&[1.0], &[2.0]], &[0.0, 0.0]);
    let chain = refused(vec![good(), other]);
    assert!(matches!(chain, MlpError::Chain { layer: 1, .. }), "{chain}");
    let short = Linear {
        weight: vec![1.0; 3],
        ..good()
    };
    let count = refused(vec![short]);
    assert!(
        matches!(count, MlpError::WeightCount { expected: 4, .. }),
        "{count}"
    );
    assert_eq!(refused(vec![linear(&[&[1.0]], &[0.0])]), MlpError::OneClass);
    for weight in [f32::NAN, f32::INFINITY, 3e38] {
        let wild = linear(&[&[1.0, weight], &[3.0, 4.0]], &[0.0, 0.0]);
        assert_eq!(refused(vec![wild]), MlpError::Overflow { layer: 0 });
    }
    // Each layer is small enough alone; the second overflows on what the first can give.
    let grow = || linear(&[&[1e18, 1e18], &[1e18, 1e18]], &[0.0, 0.0]);
    assert_eq!(
        refused(vec![grow(), grow()]),
        MlpError::Overflow { layer: 1 }
    );
}
