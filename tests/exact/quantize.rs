//! Folding a float net: golden numbers, and agreement with the float net's own arithmetic.

use std::sync::Arc;

use linf_dist_net::data::Normalisation;
use linf_dist_net::exact::Csr;
use linf_dist_net::exact::{DenseNet, ExactNet, QuantizeError};
use linf_dist_net::exact::{FloatLayer, FloatNet};
use proptest::{collection::vec, prelude::*};

const NORMALISATION: Normalisation = Normalisation {
    mean: 0.125,
    std: 0.25,
};
const SCALE: u32 = 32;

/// 3 pixels, 2 hidden units, 2 classes.
fn small_net() -> FloatNet {
    FloatNet {
        normalisation: NORMALISATION,
        layers: vec![
            FloatLayer {
                inputs: 3,
                outputs: 2,
                weight: vec![0.0, 1.0, -10.0, 0.25, -0.5, 3.5],
                pattern: None,
                mean: vec![2.0, 9.0],
            },
            FloatLayer {
                inputs: 2,
                outputs: 2,
                weight: vec![0.0, 1.0, -1.0, 0.5],
                pattern: None,
                mean: vec![],
            },
        ],
        bias: vec![0.5, -0.25],
    }
}

#[test]
fn quantized_weights_are_levels_in_ticks_rounded_to_nearest() {
    let net = DenseNet::quantize(&small_net(), SCALE).unwrap();
    // 32 · 255(0.125 + 0.25 w) = 1020 + 2040 w
    assert_eq!(net.layers()[0].weight, [1020, 3060, -19380, 1530, 0, 8160]);
    // 32 · 255 · 0.25 (w + mean of the input unit) = 2040(w + mean)
    assert_eq!(net.layers()[1].weight, [4080, 20400, 2040, 19380]);
    assert_eq!(net.bias(), [1020, -510]);

    let coarse = DenseNet::quantize(&small_net(), 2).unwrap();
    // In ticks of 1/2: 63.75 → 64 and −31.875 → −32.
    assert_eq!(coarse.bias(), [64, -32]);
}

/// The float net's logits of pixels in 0..=255, as its definition says, in f64.
fn float_logits(net: &FloatNet, image: &[u8]) -> Vec<f64> {
    let Normalisation { mean, std } = net.normalisation;
    let normalise = |&level: &u8| (f64::from(level) / 255.0 - f64::from(mean)) / f64::from(std);
    let mut x: Vec<f64> = image.iter().map(normalise).collect();
    for layer in &net.layers {
        let unit = |row: &[f32]| {
            let distances = x.iter().zip(row).map(|(x, &w)| (x - f64::from(w)).abs());
            distances.fold(0.0, f64::max)
        };
        let mut values: Vec<_> = layer.weight.chunks(layer.inputs).map(unit).collect();
        for (value, &mean) in values.iter_mut().zip(&layer.mean) {
            *value -= f64::from(mean);
        }
        x = values;
    }
    x.iter()
        .zip(&net.bias)
        .map(|(u, &b)| -(u + f64::from(b)))
        .collect()
}

fn float_net() -> impl Strategy<Value = FloatNet> {
    (
        vec(1..=8_usize, 1..=4),
        2..=4_usize,
        0.0..0.5_f32,
        0.1..0.5_f32,
    )
        .prop_flat_map(|(mut widths, classes, mean, std)| {
            widths.push(classes);
            let depth = widths.len() - 1;
            let layers: Vec<_> = widths
                .windows(2)
                .enumerate()
                .map(|(index, pair)| {
                    let (inputs, outputs) = (pair[0], pair[1]);
                    let means = if index + 1 == depth { 0 } else { outputs };
                    (
                        vec(-10.0..10.0_f32, inputs * outputs),
                        vec(0.0..12.0_f32, means),
                    )
                        .prop_map(move |(weight, mean)| FloatLayer {
                            inputs,
                            outputs,
                            weight,
                            pattern: None,
                            mean,
                        })
                })
                .collect();
            (layers, vec(-2.0..2.0_f32, classes)).prop_map(move |(layers, bias)| FloatNet {
                normalisation: Normalisation { mean, std },
                layers,
                bias,
            })
        })
}

proptest! {
    #[test]
    fn integer_logits_are_the_float_logits_in_levels_up_to_one_rounding_per_layer(
        net in float_net(),
        pixels in vec(any::<u8>(), 8),
    ) {
        let image = &pixels[..net.layers[0].inputs];
        let exact = DenseNet::quantize(&net, SCALE).unwrap().prune().unwrap();
        let mut evaluator = exact.evaluator();
        let logits = evaluator.logits(image).unwrap();
        // Half a unit per layer, and half a unit for the bias.
        let tolerance = 0.5 * (net.layers.len() + 1) as f64 / f64::from(SCALE) + 1e-9;
        for (&ticks, z) in logits.iter().zip(float_logits(&net, image)) {
            let levels = f64::from(ticks) / f64::from(SCALE);
            let expected = 255.0 * f64::from(net.normalisation.std) * z;
            prop_assert!((levels - expected).abs() <= tolerance, "{levels} vs {expected}");
        }
    }
}

#[test]
fn a_net_of_few_weights_is_quantized_to_those_alone() {
    let mut net = small_net();
    // Of the first layer the weights 1.0 and −10.0 of one unit, and −0.5 of the other.
    net.layers[0].pattern = Some(Arc::new(Csr::new(3, vec![0, 2, 3], vec![1, 2, 1]).unwrap()));
    net.layers[0].weight = vec![1.0, -10.0, -0.5];
    let refused = DenseNet::quantize(&net, SCALE).unwrap_err();
    assert_eq!(refused, QuantizeError::Sparse { layer: 0 });

    let exact = ExactNet::quantize(&net, SCALE).unwrap();
    let layers = exact.to_sparse();
    // 1.0 is never as far from a pixel as −10.0, and nothing is left of it.
    assert_eq!(
        (layers[0].pattern.columns(), layers[0].pattern.starts()),
        (&[2, 1][..], &[0, 1, 2][..])
    );
    assert_eq!(layers[0].weights, [-19380, 0]);
    let pixels = [10u8, 200, 30];
    let unit = |weight: f64, pixel: u8| (f64::from(pixel) * 32.0 - weight).abs();
    let hidden = [unit(-19380.0, 30), unit(0.0, 200)];
    let rows = [[4080.0, 20400.0], [2040.0, 19380.0]].map(|row: [f64; 2]| {
        let differences = hidden.iter().zip(row).map(|(x, w)| (x - w).abs());
        differences.fold(0.0, f64::max)
    });
    let expected = [-(rows[0] + 1020.0) as i32, -(rows[1] - 510.0) as i32];
    assert_eq!(exact.evaluator().logits(&pixels).unwrap(), expected);

    net.layers[0].weight.pop();
    let error = ExactNet::quantize(&net, SCALE).unwrap_err();
    assert_eq!(error, count("weights", 3, 2));
}

/// The first layer has a list of another length.
fn count(what: &'static str, expected: usize, found: usize) -> QuantizeError {
    QuantizeError::Count {
        what,
        layer: 0,
        expected,
        found,
    }
}

#[test]
fn nets_that_cannot_be_quantized_are_refused() {
    let refused = |change: fn(&mut FloatNet)| {
        let mut net = small_net();
        change(&mut net);
        DenseNet::quantize(&net, SCALE).unwrap_err()
    };
    let error = refused(|net| net.layers[1].weight[2] = f32::NAN);
    assert!(
        matches!(error, QuantizeError::Magnitude { layer: 1, .. }),
        "{error}"
    );
    let error = refused(|net| net.bias[0] = 1e30);
    assert!(
        matches!(error, QuantizeError::Magnitude { layer: 1, .. }),
        "{error}"
    );
    let error = refused(|net| net.layers[0].mean[0] = f32::INFINITY);
    assert!(
        matches!(error, QuantizeError::Magnitude { layer: 1, .. }),
        "{error}"
    );
    let error = refused(|net| net.normalisation.std = 0.0);
    assert!(matches!(error, QuantizeError::Normalisation(_)), "{error}");
    let error = refused(|net| net.layers[0].weight.truncate(5));
    assert_eq!(error, count("weights", 6, 5));
    let error = refused(|net| net.layers[0].mean.clear());
    assert_eq!(error, count("running means", 2, 0));
    let error = refused(|net| net.layers.clear());
    assert!(matches!(error, QuantizeError::Net(_)), "{error}");
}
