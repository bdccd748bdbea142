//! The trainer as a whole, on a small made-up data set.

use std::num::NonZeroUsize;

use burn::tensor::Device;
use linf_dist_net::baseline::train::{
    CheckpointError, Config, ConfigError, HeldOutReport, Recipe, TrainError, Trainer,
};

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
    lambda: 0.5,
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
fn a_resumed_run_ends_in_the_bits_of_one_that_was_never_interrupted() {
    for recipe in [ADVERSARIAL, IBP] {
        let begin = || Trainer::new(config(recipe), blocks(500), Device::flex()).unwrap();
        let steps = |trainer: &mut Trainer, count: usize| {
            for _ in 0..count {
                trainer.step().unwrap();
            }
        };
        let mut whole = begin();
        steps(&mut whole, 12);
        let mut first = begin();
        steps(&mut first, 7);
        let saved = first.checkpoint();
        let mut second =
            Trainer::resume(config(recipe), blocks(500), Device::flex(), &saved).unwrap();
        assert_eq!(second.iteration(), 7);
        steps(&mut second, 5);
        assert_eq!(
            whole.baseline_net().unwrap(),
            second.baseline_net().unwrap()
        );
        assert!(whole.checkpoint() == second.checkpoint());
    }
}

#[test]
fn a_checkpoint_that_does_not_fit_is_refused() {
    let mut trainer = Trainer::new(config(IBP), blocks(500), Device::flex()).unwrap();
    trainer.step().unwrap();
    let saved = trainer.checkpoint();
    let resume =
        |config, bytes: &[u8]| match Trainer::resume(config, blocks(500), Device::flex(), bytes)
            .err()
        {
            Some(TrainError::Checkpoint(error)) => error,
            other => panic!("{other:?}"),
        };
    let other = Config {
        seed: 1,
        ..config(IBP)
    };
    assert!(matches!(resume(other, &saved), CheckpointError::OtherRun));
    for length in [0, 7, 8, 100, saved.len() / 2, saved.len() - 1] {
        let error = resume(config(IBP), &saved[..length]);
        assert!(
            matches!(error, CheckpointError::NotSafetensors(_)),
            "{length}: {error:?}"
        );
    }
    // The last tensor is of second moments: NaN, then -1.
    for word in [0xffff_ffff_u32, (-1.0f32).to_bits()] {
        let mut damaged = saved.clone();
        let end = damaged.len();
        damaged[end - 4..].copy_from_slice(&word.to_le_bytes());
        let error = resume(config(IBP), &damaged);
        assert!(matches!(error, CheckpointError::Entry(_)), "{error:?}");
    }
}

#[test]
fn hyperparameters_are_changed_by_name_within_their_range() {
    let ibp = config(IBP);
    let changed = ibp.with("epochs", "60").unwrap();
    let changed = changed.with("kappa", "0.25").unwrap();
    let changed = changed.with("hidden", "conv4k3s1-20").unwrap();
    assert_eq!(
        (changed.epochs, changed.hidden.as_str()),
        (60, "conv4k3s1-20")
    );
    assert!(matches!(changed.recipe, Recipe::Ibp { kappa: 0.25, .. }));
    for name in ["magic", "steps", "seed", "dataset", "recipe"] {
        let error = ibp.with(name, "3").err();
        assert_eq!(error, Some(ConfigError::UnknownHyperparameter(name.into())));
    }
    for (name, value) in [
        ("epochs", "0"),
        ("epochs", "-1"),
        ("epochs", "many"),
        ("kappa", "2"),
        ("lambda", "-1"),
        ("epsilon", "1e39"),
        ("learning_rate", "0"),
        ("batch", "0"),
    ] {
        let error = ibp.with(name, value).err();
        assert!(
            matches!(error, Some(ConfigError::Unfit { .. })),
            "{name}={value}: {error:?}"
        );
    }
    assert!(config(Recipe::Standard).with("epsilon", "0.1").is_err());
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
