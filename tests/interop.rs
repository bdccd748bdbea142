//! Other people's formats: what PyTorch wrote is imported, and what is no such network is refused.
#![cfg(all(not(target_arch = "wasm32"), feature = "pytorch"))]

use std::fs;
use std::path::{Path, PathBuf};

use linf_dist_net::data::Normalisation;
use linf_dist_net::exact::{Epsilon, ExactNet};
use linf_dist_net::interop::pytorch::{self, AuthorsError, AuthorsNet, Variant};
use serde::Deserialize;

const SCALE: u32 = 32;
const MNIST: Normalisation = Normalisation {
    mean: 0.1307,
    std: 0.3081,
};

/// Written by `tests/interop/checkpoints.py`.
fn fixture(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/interop").join(name)
}

#[derive(Deserialize)]
struct Expected {
    epsilon: String,
    /// Pixel levels of one step of the normalised input.
    level: f64,
    images: Vec<Vec<u8>>,
    nets: std::collections::BTreeMap<String, Vec<Outcome>>,
}

#[derive(Deserialize)]
struct Outcome {
    logits: Vec<f64>,
    lower: Vec<f64>,
    upper: Vec<f64>,
}

fn expected() -> Expected {
    serde_json::from_slice(&fs::read(fixture("expected.json")).unwrap()).unwrap()
}

fn refused(path: &Path) -> AuthorsError {
    pytorch::read(path, MNIST).unwrap_err()
}

#[test]
fn logits_and_bounds_of_an_imported_net_are_those_of_pytorch_within_the_stated_bound() {
    let Expected {
        epsilon,
        level,
        images,
        nets,
    } = expected();
    let epsilon: Epsilon = epsilon.parse().unwrap();
    assert_eq!(nets.len(), 3);
    for (name, outcomes) in nets {
        let AuthorsNet { variant, net } =
            pytorch::read(&fixture(&format!("{name}.pth")), MNIST).unwrap();
        let is_first = name == "v1";
        assert_eq!(variant, if is_first { Variant::V1 } else { Variant::V2 });
        let net = ExactNet::quantize(&net, SCALE).unwrap();
        assert_eq!(net.architecture(), [784, 8, 8, 10]);
        let mut evaluator = net.evaluator();
        // Half a tick a layer, and half for the bias. Mean and std are floats of 32 bits here.
        let bound = (3.0 + 1.0) / 2.0 + 0.1;
        let ticks = |value: f64| value * level * f64::from(SCALE);
        let mut certified = [0, 0];
        for (image, outcome) in images.iter().zip(outcomes) {
            let logits = evaluator.logits(image).unwrap().to_vec();
            for (found, real) in logits.iter().zip(&outcome.logits) {
                let off = (f64::from(*found) - ticks(*real)).abs();
                assert!(off <= bound, "{name}: {found} {}", ticks(*real));
            }
            // ε is a whole number of ticks.
            let bounds = evaluator.bounds(image, epsilon.ticks(SCALE)).unwrap();
            let ends = outcome.lower.iter().zip(&outcome.upper);
            for ([lower, upper], (real_lower, real_upper)) in bounds.logits.iter().zip(ends) {
                assert!((f64::from(*lower) - ticks(*real_lower)).abs() <= bound);
                assert!((f64::from(*upper) - ticks(*real_upper)).abs() <= bound);
            }
            // Whether it is certified agrees, but where rounding can decide.
            let best = (0..10).max_by(|&a, &b| outcome.logits[a].total_cmp(&outcome.logits[b]));
            let best = best.unwrap();
            let others = (0..10).filter(|&class| class != best);
            let rival = others
                .map(|class| outcome.upper[class])
                .fold(f64::MIN, f64::max);
            let lead = ticks(outcome.lower[best] - rival);
            if lead.abs() > 2.0 * bound {
                assert_eq!(bounds.certified, lead > 0.0);
                certified[usize::from(bounds.certified)] += 1;
            }
        }
        assert!(certified.iter().sum::<usize>() >= 5, "{certified:?}");
    }
}

#[test]
fn a_pickle_with_a_foreign_object_is_refused_and_not_run() {
    let refused = refused(&fixture("hostile.pth"));
    assert!(
        matches!(&refused, AuthorsError::ForeignObject(name) if name.contains("system")),
        "{refused:?}"
    );
    assert!(!Path::new("/tmp/linf-a-pickle-was-run").exists());
}

#[test]
fn other_networks_are_refused_by_name() {
    for name in ["hybrid.pth", "conv.pth"] {
        let refused = refused(&fixture(name));
        assert!(
            matches!(refused, AuthorsError::OtherNetwork(_)),
            "{refused:?}"
        );
    }
}

#[test]
fn a_file_that_is_cut_or_no_checkpoint_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.pth");
    let whole = fs::read(fixture("v2.pth")).unwrap();
    for length in [0, 1, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let refused = refused(&path);
        assert!(
            matches!(refused, AuthorsError::Unreadable(_)),
            "{length}: {refused:?}"
        );
    }
    fs::write(&path, "no checkpoint").unwrap();
    assert!(matches!(refused(&path), AuthorsError::Unreadable(_)));
}

/// Bytes of a checkpoint are flipped at places that are always the same ones.
#[test]
fn no_changed_checkpoint_makes_the_reader_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("changed.pth");
    let whole = fs::read(fixture("v1.pth")).unwrap();
    let (mut state, mut taken) = (1_u64, 0);
    for _ in 0..500 {
        let mut changed = whole.clone();
        for _ in 0..3 {
            // Knuth's generator.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let at = (state >> 33) as usize % changed.len();
            changed[at] ^= 1 << (state >> 30 & 7);
        }
        fs::write(&path, changed).unwrap();
        if let Ok(AuthorsNet { net, .. }) = pytorch::read(&path, MNIST) {
            // Numbers may be any; whether they are a network is asked here.
            taken += usize::from(ExactNet::quantize(&net, SCALE).is_ok());
        }
    }
    assert!(taken < 500);
}
