//! The named presets.

use serde_json::Value;

use super::{ConfigError, LossConfig, TrainConfig, hardly_any};
use crate::data::{HELD_OUT, datasets};
use crate::exact::Epsilon;
use crate::net::WeightInit;

/// Names of the presets. For another data set than a preset's own the page takes radii and shift from
/// the first one here of that data set, so the one for small nets comes first.
pub const PRESETS: [&str; 11] = [
    "tiny",
    "look",
    "quick",
    "standard",
    "standard-0.1",
    "hinge",
    "look-fashion",
    "fashion",
    "finetune",
    "finetune-0.1",
    "finetune-fashion",
];

impl TrainConfig {
    /// Returns a preset: for MNIST at ε = 0.3; `standard-0.1` and `finetune-0.1` are for MNIST at 0.1,
    /// `fashion`, `finetune-fashion` and `look-fashion` for Fashion-MNIST at 0.1.
    ///
    /// `standard`, `standard-0.1` and `fashion` trained the first net of each shipped network, which was
    /// pruned and then fine-tuned by `finetune`, `finetune-0.1` and `finetune-fashion`
    /// ([`Trainer::finetune`](crate::train::Trainer::finetune)). `look` and `look-fashion` take a minute in
    /// the page, `quick` shows the idea in minutes, `hinge` is the
    /// recipe of ICML 2021 with a fifth of its units, `tiny` is for tests.
    pub fn preset(name: &str) -> Result<Self, ConfigError> {
        let mnist = datasets::find("mnist").expect("it is described");
        let standard = Self {
            dataset: mnist.name.clone(),
            epsilon: radius("0.3"),
            images: mnist.training_images,
            seed: 0,
            hidden: vec![3072; 3],
            weight_init: WeightInit::SignedIdentity,
            batch: 128,
            random_shift: 1,
            random_shift_probability: 1.0,
            epochs_start: 36,
            epochs_growth: 46,
            epochs_inf: 4,
            p_start: 8.0,
            p_end: 400.0,
            learning_rate: 0.025,
            epsilon_train: 0.4,
            loss: LossConfig::Mixture {
                lambda_start: 0.05,
                lambda_end: 0.0002,
                scale_learning_rate: 0.006,
            },
            prune_from_epoch: 0,
            prune_tolerance: hardly_any(),
            held_out: HELD_OUT,
            changed_at: Vec::new(),
        };
        // Few epochs need large and many steps, and are too few to learn shifted images.
        let short = Self {
            weight_init: WeightInit::Identity,
            batch: 64,
            random_shift: 0,
            p_end: 200.0,
            learning_rate: 0.05,
            epsilon_train: 0.36,
            epochs_start: 4,
            epochs_growth: 20,
            epochs_inf: 2,
            prune_from_epoch: 4,
            ..standard.clone()
        };
        let look = Self {
            images: 10_000,
            random_shift: 1,
            hidden: vec![128; 2],
            learning_rate: 0.08,
            ..short.clone()
        };
        let at_a_tenth = Self {
            epsilon: radius("0.1"),
            hidden: vec![2048; 3],
            p_end: 200.0,
            ..standard.clone()
        };
        let fashion = Self {
            dataset: "fashion-mnist".into(),
            hidden: vec![2560; 3],
            random_shift_probability: 0.3,
            epochs_start: 15,
            epochs_growth: 19,
            epochs_inf: 2,
            learning_rate: 0.03,
            epsilon_train: 0.17,
            loss: LossConfig::Mixture {
                lambda_start: 0.05,
                lambda_end: 0.0005,
                scale_learning_rate: 0.006,
            },
            ..at_a_tenth.clone()
        };
        let standard_at_a_tenth = Self {
            weight_init: WeightInit::Identity,
            epochs_start: 40,
            epochs_growth: 56,
            learning_rate: 0.02,
            epsilon_train: 0.2,
            ..at_a_tenth
        };
        Ok(match name {
            "standard" => standard,
            "standard-0.1" => standard_at_a_tenth,
            "hinge" => Self {
                hidden: vec![1024; 3],
                weight_init: WeightInit::Identity,
                epochs_start: 14,
                epochs_growth: 22,
                p_end: 1000.0,
                learning_rate: 0.02,
                epsilon_train: 0.45,
                loss: LossConfig::Hinge {
                    mix: 0.75,
                    weight_decay: 5e-3,
                },
                ..standard
            },
            "quick" => Self {
                hidden: vec![256; 2],
                epochs_growth: 30,
                ..short
            },
            "fashion" => fashion,
            // Below p = 14 the pruned weights would count. Epochs are cheap with the weights that remain.
            "finetune" => Self {
                p_start: 14.0,
                p_end: 300.0,
                epochs_start: 6,
                epochs_growth: 120,
                epochs_inf: 2,
                ..standard
            },
            "finetune-0.1" => Self {
                p_start: 14.0,
                epochs_start: 6,
                epochs_growth: 92,
                epochs_inf: 2,
                ..standard_at_a_tenth
            },
            "finetune-fashion" => Self {
                p_start: 30.0,
                learning_rate: 0.02,
                epochs_start: 8,
                epochs_growth: 50,
                random_shift_probability: 0.4,
                epsilon_train: 0.18,
                ..fashion
            },
            "look" => look,
            "look-fashion" => Self {
                dataset: "fashion-mnist".into(),
                epsilon: radius("0.1"),
                random_shift: 0,
                epsilon_train: 0.15,
                ..look
            },
            "tiny" => Self {
                hidden: vec![32; 2],
                weight_init: WeightInit::Identity,
                batch: 64,
                epochs_start: 1,
                epochs_growth: 1,
                epochs_inf: 1,
                p_end: 1000.0,
                learning_rate: 0.02,
                ..standard
            },
            _ => return Err(ConfigError::UnknownPreset(name.into())),
        })
    }

    /// Returns the preset with the fewest hyperparameters that differ, and those hyperparameters with their
    /// values, as [`with`](Self::with) takes them. Data set, seed and held-out images belong to no preset;
    /// changes during a run are ignored.
    pub fn as_preset(&self) -> (&'static str, Vec<(String, String)>) {
        let of_no_preset = ["dataset", "seed", "held_out", "changed_at"];
        let here = self.hyperparameters();
        let changed = |name: &'static str| {
            let preset = Self::preset(name).expect("the name is one of PRESETS");
            let preset = preset.hyperparameters();
            let others = here.iter().filter(|(hyperparameter, value)| {
                !of_no_preset.contains(&hyperparameter.as_str())
                    && preset.get(*hyperparameter) != Some(*value)
            });
            let plain = |value: &Value| value.as_str().map_or(value.to_string(), str::to_owned);
            let others =
                others.map(|(hyperparameter, value)| (hyperparameter.clone(), plain(value)));
            (name, others.collect::<Vec<_>>())
        };
        PRESETS
            .map(changed)
            .into_iter()
            .min_by_key(|(_, changed)| changed.len())
            .expect("there are presets")
    }
}

/// The ε of a preset.
fn radius(decimal: &str) -> Epsilon {
    decimal.parse().expect("a preset's ε is a decimal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_another_data_set_the_preset_for_small_nets_comes_first() {
        let presets = PRESETS.map(|name| (name, TrainConfig::preset(name).unwrap()));
        let first = |dataset: &str| presets.iter().find(|(_, config)| config.dataset == dataset);
        let (name, config) = first("fashion-mnist").unwrap();
        assert_eq!((*name, config.random_shift), ("look-fashion", 0));
    }

    #[test]
    fn every_preset_is_in_range() {
        for name in PRESETS {
            TrainConfig::preset(name).unwrap().check().unwrap();
        }
    }

    #[test]
    fn an_unknown_preset_is_told_the_known_ones() {
        let message = TrainConfig::preset("huge").unwrap_err().to_string();
        assert_eq!(
            message,
            "there is no preset `huge`; the presets are tiny, look, quick, standard, standard-0.1, hinge, look-fashion, fashion, finetune, finetune-0.1, finetune-fashion"
        );
    }

    #[test]
    fn a_configuration_is_a_preset_with_some_changes() {
        for name in PRESETS {
            let preset = TrainConfig::preset(name).unwrap();
            assert_eq!(preset.as_preset(), (name, vec![]));
        }
        let mut config = TrainConfig {
            seed: 7,
            held_out: 0,
            hidden: vec![20, 30],
            epsilon: radius("0.2"),
            ..TrainConfig::preset("hinge").unwrap()
        };
        let (name, changed) = config.as_preset();
        let changed = changed
            .iter()
            .map(|(hyperparameter, value)| (&**hyperparameter, &**value));
        let changed: Vec<_> = changed.collect();
        assert_eq!(
            (name, &changed[..]),
            ("hinge", &[("epsilon", "0.2"), ("hidden", "[20,30]")][..])
        );
        let again = changed.iter().fold(
            TrainConfig::preset(name).unwrap(),
            |config, (hyperparameter, value)| config.with(hyperparameter, value).unwrap(),
        );
        (config.seed, config.held_out) = (again.seed, again.held_out);
        assert_eq!(again, config);
    }
}
