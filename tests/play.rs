//! *Play*: both networks learn points of two pixels, and no proof contradicts the truth.
#![cfg(all(not(target_arch = "wasm32"), feature = "train"))]

use linf_dist_net::net::WeightInit;
use linf_dist_net::web::{Play, PlayConfig, PlayError, PlayKnobs, TIE};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Points on a ring around points in its middle.
fn circles(count: usize, seed: u64) -> (Vec<u8>, Vec<u8>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let point = |index: usize| {
        let label = (index % 2) as u8;
        let angle = std::f64::consts::TAU * rng.random::<f64>();
        let radius = match label {
            0 => 34.0 * rng.random::<f64>().sqrt(),
            _ => 96.0 + 16.0 * rng.random::<f64>(),
        };
        let pixel = |direction: f64| (127.5 + radius * direction).round() as u8;
        ([pixel(angle.cos()), pixel(angle.sin())], label)
    };
    let (pixels, labels): (Vec<_>, Vec<_>) = (0..count).map(point).unzip();
    (pixels.concat(), labels)
}

fn config() -> PlayConfig {
    PlayConfig {
        classes: 2,
        hidden: vec![32, 32],
        weight_init: WeightInit::SignedIdentity,
        seed: 1,
        steps_start: 300,
        steps_growth: 800,
        steps_inf: 100,
        p_start: 8.0,
        p_end: 400.0,
        knobs: PlayKnobs {
            learning_rate: 0.03,
            epsilon_train_levels: 24.0,
            epsilon_levels: 16,
        },
    }
}

#[test]
fn probe() {
    let n: usize = std::env::var("N").map_or(160, |n| n.parse().unwrap());
    let (pixels, labels) = circles(n, 1);
    for init in [WeightInit::SignedIdentity, WeightInit::Identity, WeightInit::Normal] {
        for hidden in [vec![16, 16], vec![32, 32], vec![64], vec![32, 32, 32]] {
            for lr in [0.02, 0.05, 0.1] {
                let mut config = config();
                config.hidden = hidden.clone();
                config.weight_init = init;
                config.knobs.learning_rate = lr;
                let mut play = Play::new(&config, &pixels, &labels).unwrap();
                let began = std::time::Instant::now();
                while !play.is_finished() {
                    play.advance(50).unwrap();
                }
                let took = began.elapsed();
                let began = std::time::Instant::now();
                let frame = play.frame(64).unwrap();
                let frame_took = began.elapsed();
                let began = std::time::Instant::now();
                let truth = play.truth().unwrap();
                println!(
                    "{init:?} {hidden:?} lr {lr}: {took:?} frame {frame_took:?} truth {:?}; {}/{} right, certified {}, robust {}, contra {} of {}; relu {} {} {} contra {} of {} loss {:?} {:?}",
                    began.elapsed(),
                    frame.ours.right, n, frame.ours.certified, truth.ours.robust,
                    truth.ours.contradictions, truth.ours.inside,
                    frame.relu.right, frame.relu.certified, truth.relu.robust, truth.relu.contradictions, truth.relu.inside, frame.ours.loss, frame.relu.loss,
                );
            }
        }
    }
}
