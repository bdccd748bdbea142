//! The network, images and strokes of the golden file, and what is recorded of them. The native
//! tests and the browser's both compute it; every bit must agree.

use std::num::NonZeroU64;

use linf_dist_net::attack::{Attack, ExactClassifier, Grid, Run, Settings, own_label};
use linf_dist_net::data::Normalisation;
use linf_dist_net::data::strokes::strokes_to_image;
use linf_dist_net::exact::{
    Arguments, Bounds, Certificate, DenseNet, ExactNet, FloatLayer, FloatNet, ImageRecord, Lineage,
    Metadata, Model, Operation, Ticks,
};
use linf_dist_net::measure::{image_seed, try_image};
use serde_json::{Value, json};

/// Committed beside `tests/browser.rs`.
pub const MODEL_FILE: &str = "tests/browser/golden-net.safetensors";
/// Committed beside `tests/browser.rs`.
pub const OUTCOMES_FILE: &str = "tests/browser/golden-outcomes.json";
/// Writes both.
pub const COMMAND: &str = "UPDATE_GOLDEN=1 cargo test --test exact golden_files";

/// SplitMix64 (Steele, Lea, Flood 2014): ten lines that no dependency can change.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In −1..1, a multiple of 2⁻²³.
    fn uniform(&mut self) -> f32 {
        ((self.next() >> 40) as i32 - (1 << 23)) as f32 / (1 << 23) as f32
    }
}

/// A small random net with the shape of a trained one: 784-12-12-10, identity start included.
pub fn model() -> Model {
    let mut random = SplitMix(20);
    let widths = [784, 12, 12, 10];
    let mut layers: Vec<_> = widths
        .windows(2)
        .map(|pair| FloatLayer {
            inputs: pair[0],
            outputs: pair[1],
            weight: (0..pair[0] * pair[1])
                .map(|_| 3.0 * random.uniform())
                .collect(),
            pattern: None,
            mean: (0..pair[1]).map(|_| 4.0 + random.uniform()).collect(),
        })
        .collect();
    for unit in 0..12 {
        layers[1].weight[unit * 12 + unit] = -10.0;
    }
    layers[2].mean.clear();
    let bias = (0..10).map(|_| random.uniform() / 4.0).collect();
    let net = FloatNet {
        normalisation: Normalisation {
            mean: 0.1307,
            std: 0.3081,
        },
        layers,
        bias,
    };
    let net = DenseNet::quantize(&net, 32)
        .and_then(|net| Ok(net.prune()?))
        .expect("a small net");
    let metadata = Metadata {
        dataset: "none".into(),
        classes: Vec::new(),
        epsilon: "0.3".parse().expect("a decimal"),
        lineage: Lineage::new(
            Operation::Other("random".into()),
            Arguments::from([("command".into(), COMMAND.into())]),
            Some(20),
            Vec::new(),
        )
        .expect("a short record"),
        accuracies: None,
    };
    Model { net, metadata }
}

/// A "7" and a dot, as drawn: points, starts, pen width.
pub fn strokes() -> (Vec<f32>, Vec<u32>, f32) {
    let points = vec![
        0.2, 0.2, 0.5, 0.22, 0.75, 0.18, 0.6, 0.5, 0.42, 0.9, 0.8, 0.85,
    ];
    (points, vec![0, 5], 0.07)
}

/// The golden images, `[784]` each.
pub fn images() -> Vec<Vec<u8>> {
    let mut random = SplitMix(7);
    let (points, starts, pen_width) = strokes();
    let drawn = strokes_to_image(&points, &starts, pen_width).expect("well-formed strokes");
    vec![
        drawn.expect("something is drawn").to_vec(),
        vec![0; 784],
        vec![255; 784],
        (0..784).map(|pixel| (pixel % 28 * 9) as u8).collect(),
        (0..784).map(|_| (random.next() >> 56) as u8).collect(),
        (0..784)
            .map(|_| {
                if random.next().is_multiple_of(5) {
                    255
                } else {
                    0
                }
            })
            .collect(),
    ]
}

/// Everything that is computed of one image, in ticks.
pub fn outcome(net: &ExactNet, image: &[u8]) -> Value {
    let mut evaluator = net.evaluator();
    let Certificate {
        label,
        logits,
        margin,
        lipschitz_radius,
        ibp_radius,
        critical_pixels,
    } = evaluator.certificate(image).expect("784 pixels");
    let critical_pixels: Vec<_> = critical_pixels
        .iter()
        .map(|d| json!([d.pixel, d.sign]))
        .collect();
    let mut bounds = |radius| {
        let Bounds { logits, certified } = evaluator
            .bounds(image, Ticks::new(radius))
            .expect("784 pixels");
        json!({ "radius": radius, "logits": logits, "certified": certified })
    };
    json!({
        "label": label,
        "logits": logits,
        "margin": margin,
        "lipschitz_radius": lipschitz_radius,
        "ibp_radius": ibp_radius,
        "critical_pixels": critical_pixels,
        "bounds": [bounds(1), bounds(300), bounds(2448), bounds(8160)],
    })
}

/// All golden outcomes; `drawn` is the image of [`strokes`] in hexadecimal.
pub fn outcomes(net: &ExactNet) -> Value {
    let images = images();
    let hex: String = images[0]
        .iter()
        .map(|level| format!("{level:02x}"))
        .collect();
    let outcomes: Vec<_> = images.iter().map(|image| outcome(net, image)).collect();
    let attacks = attacks(net);
    json!({
        "command": COMMAND,
        "drawn": hex,
        "outcomes": outcomes,
        "attacks": attacks,
        "smallest_flips": smallest_flips(net),
    })
}

/// Queries of [`smallest_flips`].
pub const FLIP_QUERIES: u64 = 300;
/// Seed of [`smallest_flips`].
pub const FLIP_SEED: u32 = 1;

/// The radius of the smallest flip that a search finds of each image, in ticks.
fn smallest_flips(net: &ExactNet) -> Vec<Value> {
    let images = images();
    let flips = images.iter().zip(0..).map(|(image, index)| {
        let radii = net.evaluator().radii(image).expect("784 pixels");
        let Some(label) = radii.label else {
            return Value::Null;
        };
        let record = ImageRecord::new(label as u8, &radii);
        let mut classifier = ExactClassifier::new(net);
        let seed = image_seed(FLIP_SEED, index);
        let tried = try_image(&mut classifier, image, &record, FLIP_QUERIES, seed);
        json!(tried.expect("784 pixels").flip)
    });
    flips.collect()
}

/// What every attack comes to on a drawing and on noise; a digest stands for all queries.
fn attacks(net: &ExactNet) -> Vec<Value> {
    let attacks = || {
        let names = [
            "random",
            "fgsm",
            "pgd",
            "argmax_path",
            "square",
            "all",
            "min_norm",
        ];
        names.map(|name| Attack::named(name).expect("it is registered"))
    };
    let images = images();
    let mut outcomes = Vec::new();
    for image in [&images[0], &images[4]] {
        for (attack, grid) in attacks()
            .into_iter()
            .zip([Grid::Levels, Grid::Ticks].into_iter().cycle())
        {
            let mut classifier = ExactClassifier::new(net);
            let label = own_label(&mut classifier, image).expect("no tie");
            let radius = if attack.is_min_norm() { 8160 } else { 2000 };
            let name = attack.name();
            let mut settings = Settings::new(attack, Ticks::new(radius), grid, 7);
            settings.sample_every = NonZeroU64::new(1);
            let mut run = Run::new(&classifier, image, label, settings).expect("784 pixels");
            run.advance(&mut classifier, 500);
            let digest = run.samples().iter().fold(0_u64, |digest, sample| {
                let input = sample.input.iter().map(|&x| x as u64);
                let logits = sample.logits.iter().map(|z| z.to_bits());
                // FNV-1a (Fowler, Noll, Vo), of words.
                let mix = |digest: u64, word: u64| (digest ^ word).wrapping_mul(0x100_0000_01b3);
                input.chain(logits).fold(digest, mix)
            });
            outcomes.push(json!({
                "attack": name,
                "queries": run.queries(),
                "misclassifications": run.misclassifications(),
                "least_margin": run.strongest().map(|found| found.perturbed.margin),
                "digest": format!("{digest:016x}"),
            }));
        }
    }
    outcomes
}
