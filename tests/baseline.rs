//! The baselines: their certificates, their files, their training, and attacks on them.
//! What needs no random cases runs in the browser as well.
#![cfg(feature = "baseline")]

#[cfg(not(target_arch = "wasm32"))]
#[path = "baseline/certificate.rs"]
mod certificate;
#[path = "baseline/classifier.rs"]
mod classifier;
#[path = "baseline/model.rs"]
mod model;
#[cfg(feature = "train")]
#[path = "baseline/train.rs"]
mod train;

#[cfg(feature = "train")]
mod blocks;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

use linf_dist_net::baseline::{BaselineNet, Geometry, Layer};

/// A network of the given widths whose weights follow a fixed pattern; numbers that bf16 holds.
fn patterned(widths: &[usize]) -> BaselineNet {
    let mut k = 0u32;
    let mut number = |unit: f32| {
        k = (k * 75 + 74) % 65_537;
        ((k % 61) as f32 - 30.0) * unit
    };
    let layer = |pair: &[usize]| Layer {
        geometry: Geometry::Dense { inputs: pair[0] },
        weight: (0..pair[0] * pair[1])
            .map(|_| number(1.0 / 256.0))
            .collect(),
        bias: (0..pair[1]).map(|_| number(1.0 / 8.0)).collect(),
    };
    BaselineNet::new(widths.windows(2).map(layer).collect()).unwrap()
}

/// A network that begins with a convolution; numbers that bf16 holds.
fn convolutional() -> BaselineNet {
    let numbers = |count: usize| (0..count).map(|k| ((k * 37 % 61) as f32 - 30.0) / 256.0);
    let geometry = Geometry::Conv {
        channels: 1,
        side: 28,
        kernel: 4,
        stride: 3,
    };
    let conv = Layer {
        geometry,
        weight: numbers(2 * 16).collect(),
        bias: numbers(2).collect(),
    };
    let inputs = conv.outputs();
    let dense = Layer {
        geometry: Geometry::Dense { inputs },
        weight: numbers(10 * inputs).collect(),
        bias: numbers(10).collect(),
    };
    BaselineNet::new(vec![conv, dense]).unwrap()
}

/// An image of digit-like strokes, 784 bytes.
fn image() -> Vec<u8> {
    (0..784)
        .map(|k| {
            let (row, column) = (k / 28, k % 28);
            let ink = row > 4 && row < 23 && (column + row / 3) % 12 < 4;
            if ink { 255 - (k % 50) as u8 } else { 0 }
        })
        .collect()
}
