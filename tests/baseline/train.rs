//! The trainer as a whole, on a small made-up data set.

use std::num::NonZeroUsize;

use burn::tensor::Device;
use linf_dist_net::baseline::train::{Config, HeldOutReport, Recipe, TrainError, Trainer};

use crate::blocks::blocks;
#[cfg(target_arch = "wasm32")]
use crate::test;

fn config(recipe: Recipe) -> Config {
    Config {
        hidden: "24".into(),
        batch: 20,
        epochs: 12,
        learning_rate: 3e-3,
        held_out: 100,
        recipe,
        ..Config::named("standard").unwrap()
    }
}

const ADVERSARIAL: Recipe = Recipe::Adversarial {
    epsilon: 0.1,
    growth: 3,
    steps: 5,
    step_share: 0.4,
};

const IBP: Recipe = Recipe::Ibp {
    epsilon: 0.1,
    wait: 1,
    growth: 3,
    kappa: 0.5,
};

fn trained(recipe: Recipe) -> HeldOutReport {
    let mut trainer = Trainer::new(config(recipe), blocks(500), Device::flex()).unwrap();
    while !trainer.is_finished() {
        trainer.step().unwrap();
    }
    assert_eq!(trainer.iteration(), 12 * 20);
    trainer
        .evaluate("0.1".parse().unwrap(), NonZeroUsize::MIN)
        .unwrap()
}

#[test]
fn every_recipe_learns_what_it_is_for() {
    let standard = trained(Recipe::Standard);
    assert!(standard.clean > 0.9, "{standard:?}");
    let adversarial = trained(ADVERSARIAL);
    assert!(adversarial.clean > 0.9, "{adversarial:?}");
    assert!(
        adversarial.empirical > standard.empirical + 0.2,
        "{standard:?} {adversarial:?}"
    );
    let ibp = trained(IBP);
    assert!(ibp.clean > 0.9, "{ibp:?}");
    assert!(
        ibp.certified > standard.certified + 0.2,
        "{standard:?} {ibp:?}"
    );
    for report in [standard, adversarial, ibp] {
        assert!(report.certified <= report.empirical && report.empirical <= report.clean);
    }
}

#[test]
fn the_seed_decides_the_run() {
    let losses = |seed| {
        let config = Config {
            seed,
            ..config(ADVERSARIAL)
        };
        let mut trainer = Trainer::new(config, blocks(500), Device::flex()).unwrap();
        (0..5)
            .map(|_| trainer.step().unwrap().loss)
            .collect::<Vec<_>>()
    };
    assert_eq!(losses(1), losses(1));
    assert_ne!(losses(1), losses(2));
}

#[test]
fn a_training_set_smaller_than_a_batch_is_refused() {
    let error = Trainer::new(config(Recipe::Standard), blocks(110), Device::flex()).err();
    assert!(
        matches!(
            error,
            Some(TrainError::TooFewImages {
                found: 10,
                batch: 20
            })
        ),
        "{error:?}"
    );
}

#[test]
fn words_that_describe_no_layers_are_refused() {
    let config = Config {
        hidden: "conv8".into(),
        ..config(Recipe::Standard)
    };
    let error = Trainer::new(config, blocks(500), Device::flex()).err();
    let message = error.unwrap().to_string();
    assert!(
        message.starts_with("784-conv8-10 describes no layers"),
        "{message}"
    );
}

#[test]
fn a_learning_rate_far_too_high_stops_the_run() {
    let config = Config {
        learning_rate: 1e38,
        ..config(Recipe::Standard)
    };
    let mut trainer = Trainer::new(config, blocks(500), Device::flex()).unwrap();
    let error = (0..20).find_map(|_| trainer.step().err());
    assert!(
        matches!(error, Some(TrainError::Diverged { .. })),
        "{error:?}"
    );
}
