//! The configuration of a training run.

mod presets;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, from_str, from_value, to_string};
use thiserror::Error;

use crate::data::{DatasetDescription, datasets};
use crate::exact::Epsilon;
use crate::net::WeightInit;

use super::schedule::Schedule;

pub use presets::PRESETS;

/// Configuration of a run, apart from the data and the device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// Name of the data set.
    pub dataset: String,
    /// Radius ε at which the net's certified accuracy is measured.
    pub epsilon: Epsilon,
    /// Largest number of training images: the last ones before the held-out images.
    #[serde(default = "every_image")]
    pub images: usize,
    /// Seed of the weights, the order of the images and the augmentation.
    pub seed: u64,
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// How the weights are initialised.
    #[serde(default, alias = "start")]
    pub weight_init: WeightInit,
    /// Images in a batch.
    pub batch: usize,
    /// Largest random shift of an image, in pixels, drawn anew each time.
    #[serde(default = "one_pixel", alias = "crop")]
    pub random_shift: u8,
    /// Probability that an image is shifted.
    #[serde(default = "all_of_them", alias = "crop_share")]
    pub random_shift_probability: f32,
    /// Epochs at the first p.
    pub epochs_start: usize,
    /// Epochs in which p grows exponentially from the first to the last finite value.
    pub epochs_growth: usize,
    /// Epochs at p = ∞.
    pub epochs_inf: usize,
    /// The first p.
    pub p_start: f32,
    /// The last finite p.
    pub p_end: f32,
    /// Initial learning rate; it falls to 0 along half a cosine.
    pub learning_rate: f32,
    /// Perturbation radius of the loss, as a fraction of full scale 1.0: θ = 2·ε_train.
    pub epsilon_train: f32,
    /// The loss and its own hyperparameters.
    pub loss: LossConfig,
    /// From this epoch on, every epoch on the CPU begins with gradual pruning, which drops weights whose
    /// gradient is negligible; 0 turns it off.
    #[serde(default, alias = "thin_after")]
    pub prune_from_epoch: usize,
    /// Largest share of a unit's squared gradients that gradual pruning may drop at a time.
    #[serde(default = "hardly_any", alias = "thin_tolerance")]
    pub prune_tolerance: f32,
    /// Images of the training set that are held out to measure on. The test set is never used.
    pub held_out: usize,
    /// Iterations before which a hyperparameter was changed by hand. The hyperparameters are the latest
    /// ones.
    #[serde(default)]
    pub changed_at: Vec<usize>,
}

/// Iterations beyond which no run is; the page has the same limit (`hyperparameters.ts`).
const MOST_ITERATIONS: u64 = 1_000_000;

/// The default of `images`: more than any data set has, in 32 bits.
fn every_image() -> usize {
    u32::MAX as usize
}

/// The default of `random_shift`.
fn one_pixel() -> u8 {
    1
}

/// The default of `random_shift_probability`.
fn all_of_them() -> f32 {
    1.0
}

/// The default of `prune_tolerance`.
fn hardly_any() -> f32 {
    1e-6
}

/// The loss, with its hyperparameters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossConfig {
    /// ICLR 2022: clipped hinge plus λ times cross-entropy of scaled logits.
    Mixture {
        /// λ at the first p.
        lambda_start: f32,
        /// λ at the last finite p.
        lambda_end: f32,
        /// Learning rate of the logits' scale.
        scale_learning_rate: f32,
    },
    /// ICML 2021: hinge with ℓp weight decay.
    Hinge {
        /// Share of the largest hinge per image; the rest is the mean over classes.
        mix: f32,
        /// Strength of the ℓp weight decay.
        weight_decay: f32,
    },
}

/// Why a configuration was refused.
#[derive(Debug, Error, PartialEq)]
pub enum ConfigError {
    /// No preset has this name.
    #[error("there is no preset `{0}`; the presets are {presets}", presets = PRESETS.join(", "))]
    UnknownPreset(String),
    /// No hyperparameter has this name.
    #[error(
        "there is no hyperparameter `{hyperparameter}`; the hyperparameters are {hyperparameters}"
    )]
    UnknownHyperparameter {
        /// The unknown name.
        hyperparameter: String,
        /// The known names.
        hyperparameters: String,
    },
    /// The value is not valid for the hyperparameter.
    #[error(
        "`{value}` is no value for the hyperparameter `{hyperparameter}`, which is {now} here: {reason}"
    )]
    BadValue {
        /// The hyperparameter.
        hyperparameter: String,
        /// The value.
        value: String,
        /// The current value.
        now: String,
        /// Why it is refused.
        reason: String,
    },
    /// A value outside its range.
    #[error("{name} must be {range}, not {value}")]
    OutOfRange {
        /// The hyperparameter.
        name: &'static str,
        /// The allowed range.
        range: &'static str,
        /// The value.
        value: String,
    },
}

impl TrainConfig {
    /// Returns the configuration with one hyperparameter changed, given by its name here and its value as
    /// JSON, such as `epsilon_train` and `0.36`, or `hidden` and `[512,512]`. [`check`](Self::check) checks
    /// the ranges.
    ///
    /// # Errors
    /// Fails for an unknown name and for a value of another type.
    pub fn with(&self, hyperparameter: &str, value: &str) -> Result<Self, ConfigError> {
        let mut hyperparameters = self.hyperparameters();
        let Some(place) = hyperparameters.get_mut(hyperparameter) else {
            let hyperparameters: Vec<_> = self.hyperparameters().keys().cloned().collect();
            return Err(ConfigError::UnknownHyperparameter {
                hyperparameter: hyperparameter.into(),
                hyperparameters: hyperparameters.join(", "),
            });
        };
        let bad = |now: &Value, reason: serde_json::Error| ConfigError::BadValue {
            hyperparameter: hyperparameter.into(),
            value: value.into(),
            now: now.to_string(),
            reason: reason.to_string(),
        };
        let new = match place {
            // Words need no quotes, which are inconvenient in a shell.
            Value::String(_) => Value::String(value.into()),
            _ => from_str(value).map_err(|reason| bad(place, reason))?,
        };
        let now = std::mem::replace(place, new);
        from_value(Value::Object(hyperparameters)).map_err(|reason| bad(&now, reason))
    }

    /// The first hyperparameter that differs from `other`'s, with its value here and there.
    pub fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        let mut there = other.hyperparameters();
        self.hyperparameters()
            .into_iter()
            .find_map(|(hyperparameter, here)| {
                let there = there.remove(&hyperparameter).unwrap_or_default();
                (here != there).then(|| (hyperparameter, here.to_string(), there.to_string()))
            })
    }

    /// All hyperparameters by their names.
    pub(super) fn hyperparameters(&self) -> Map<String, Value> {
        // Text has the shortest decimals that identify a number.
        let text = to_string(self).expect("a configuration is plain data");
        from_str(&text).expect("a configuration has hyperparameters")
    }

    /// Widths of a net for these images, from its pixels to its classes.
    pub(crate) fn widths(&self, description: &DatasetDescription) -> Vec<usize> {
        let hidden = self.hidden.iter().copied();
        [description.pixels()]
            .into_iter()
            .chain(hidden)
            .chain([description.classes.len()])
            .collect()
    }

    /// Returns the same configuration for another data set: with all of its images if this one uses all of
    /// its own.
    pub fn on(self, description: &DatasetDescription) -> Self {
        let here = datasets::find(&self.dataset);
        let all = here.is_some_and(|here| self.images >= here.training_images);
        Self {
            dataset: description.name.clone(),
            images: match all {
                true => description.training_images,
                false => self.images,
            },
            ..self
        }
    }

    /// Returns the same configuration for images of one's own, of which the last `held_out` are held out and
    /// for which `epsilon` is suggested. Fewer images than the configuration is made for get smaller batches
    /// and more epochs: the run then has at least a quarter of its steps.
    pub fn on_imported(
        self,
        description: &DatasetDescription,
        held_out: usize,
        epsilon: Epsilon,
    ) -> Self {
        let usual = datasets::find(&self.dataset).map_or(0, |here| here.training_images);
        let usual = usual.saturating_sub(self.held_out).min(self.images);
        let steps = self.epochs() * (usual / self.batch);
        let config = self.on(description);
        let images = (description.training_images - held_out).min(config.images);
        let eighth = 1 << (images / 8).max(1).ilog2();
        let batch = config.batch.min(eighth.max(4));
        let own_steps = config.epochs() * (images / batch).max(1);
        let radius: f32 = epsilon.to_string().parse().expect("an ε is a decimal");
        let more = (steps / 4).div_ceil(own_steps).max(1);
        Self {
            // A little more than is measured, as the presets have it.
            epsilon_train: radius + 0.06,
            epsilon,
            images,
            held_out,
            batch,
            epochs_start: more * config.epochs_start,
            epochs_growth: more * config.epochs_growth,
            epochs_inf: more * config.epochs_inf,
            prune_from_epoch: more * config.prune_from_epoch,
            ..config
        }
    }

    /// The number of epochs.
    pub fn epochs(&self) -> usize {
        self.epochs_start + self.epochs_growth + self.epochs_inf
    }

    /// The schedule of a run with `per_epoch` iterations an epoch.
    ///
    /// # Errors
    /// Fails if the run has more than 1,000,000 iterations.
    pub fn schedule(&self, per_epoch: usize) -> Result<Schedule, ConfigError> {
        // In 64 bits, which WebAssembly's sizes do not have.
        let iterations = (self.epochs() as u64).saturating_mul(per_epoch as u64);
        if iterations > MOST_ITERATIONS {
            return Err(ConfigError::OutOfRange {
                name: "epochs",
                range: "so few that a run has at most 1,000,000 iterations",
                value: iterations.to_string(),
            });
        }
        Ok(Schedule::new(self, per_epoch))
    }

    /// Checks the range of every hyperparameter.
    ///
    /// # Errors
    /// Fails for the first one that is out of range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let refuse = |name, range, value: &dyn std::fmt::Debug| {
            Err(ConfigError::OutOfRange {
                name,
                range,
                value: format!("{value:?}"),
            })
        };
        if self.hidden.is_empty() || self.hidden.iter().any(|w| !(1..=8192).contains(w)) {
            return refuse("hidden", "one or more widths from 1 to 8192", &self.hidden);
        }
        if self.images == 0 {
            return refuse("images", "at least one", &self.images);
        }
        if !(2..=4096).contains(&self.batch) {
            return refuse("batch", "from 2 to 4096", &self.batch);
        }
        if self.random_shift > 4 {
            return refuse("random_shift", "from 0 to 4", &self.random_shift);
        }
        if !(0.0..=1.0).contains(&self.random_shift_probability) {
            return refuse(
                "random_shift_probability",
                "from 0 to 1",
                &self.random_shift_probability,
            );
        }
        let epochs = [self.epochs_start, self.epochs_growth, self.epochs_inf];
        if epochs.iter().any(|epochs| *epochs > 100_000) || self.epochs() == 0 {
            return refuse(
                "epochs",
                "at least one in all and at most 100,000 a phase",
                &epochs,
            );
        }
        if !(self.p_start >= 1.0 && self.p_start <= self.p_end && self.p_end <= 1000.0) {
            return refuse(
                "p",
                "from 1 to 1000 and not falling",
                &(self.p_start, self.p_end),
            );
        }
        let up_to = |value: f32, most: f32| value > 0.0 && value <= most;
        if !up_to(self.learning_rate, f32::MAX) {
            return refuse(
                "learning_rate",
                "above 0 and below 3.4e38",
                &self.learning_rate,
            );
        }
        if !up_to(self.epsilon_train, 1.0) {
            return refuse(
                "epsilon_train",
                "above 0 and at most 1",
                &self.epsilon_train,
            );
        }
        if !(0.0..1.0).contains(&self.prune_tolerance) {
            return refuse(
                "prune_tolerance",
                "from 0 to below 1",
                &self.prune_tolerance,
            );
        }
        match self.loss {
            LossConfig::Mixture {
                lambda_start,
                lambda_end,
                scale_learning_rate,
            } => {
                // Their quotient is a power's base: it must be a number, too.
                let is_lambda = |lambda: f32| (1e-9..=1e3).contains(&lambda);
                if !(is_lambda(lambda_start) && is_lambda(lambda_end)) {
                    return refuse("lambda", "from 1e-9 to 1000", &(lambda_start, lambda_end));
                }
                if !up_to(scale_learning_rate, 10.0) {
                    return refuse(
                        "scale_learning_rate",
                        "above 0 and at most 10",
                        &scale_learning_rate,
                    );
                }
            }
            LossConfig::Hinge { mix, weight_decay } => {
                if !(0.0..=1.0).contains(&mix) {
                    return refuse("mix", "from 0 to 1", &mix);
                }
                if !(0.0..=1e3).contains(&weight_decay) {
                    return refuse("weight_decay", "from 0 to 1000", &weight_decay);
                }
                if self.p_start < 2.0 {
                    return refuse("p", "at least 2 with weight decay", &self.p_start);
                }
                // The weight decay needs every weight of a unit.
                if self.prune_from_epoch > 0 {
                    return refuse(
                        "prune_from_epoch",
                        "0 with the hinge loss",
                        &self.prune_from_epoch,
                    );
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_hyperparameter_is_changed_and_the_others_stay() {
        let preset = TrainConfig::preset("tiny").unwrap();
        let changed = preset.with("epsilon_train", "0.25").unwrap();
        let changed = changed.with("hidden", "[20,30]").unwrap();
        let changed = changed.with("epsilon", "0.1").unwrap();
        let changed = changed.with("weight_init", "signed_identity").unwrap();
        assert_eq!(
            changed,
            TrainConfig {
                epsilon_train: 0.25,
                hidden: vec![20, 30],
                weight_init: WeightInit::SignedIdentity,
                epsilon: "0.1".parse().unwrap(),
                ..preset
            }
        );
    }

    #[test]
    fn unknown_hyperparameters_and_invalid_values_are_refused() {
        let preset = TrainConfig::preset("tiny").unwrap();
        let error = preset.with("width", "64").unwrap_err();
        let ConfigError::UnknownHyperparameter {
            hyperparameter,
            hyperparameters,
        } = error
        else {
            panic!("{error}");
        };
        assert_eq!(hyperparameter, "width");
        assert!(hyperparameters.contains("weight_init"), "{hyperparameters}");
        for (hyperparameter, value) in [
            ("batch", "many"),
            ("random_shift", "-1"),
            ("hidden", "[-1]"),
            ("weight_init", "anywhere"),
            ("epsilon", "far"),
        ] {
            let error = preset.with(hyperparameter, value).unwrap_err();
            assert!(
                matches!(&error, ConfigError::BadValue { hyperparameter: name, value: refused, .. }
                    if name == hyperparameter && refused == value),
                "{error}"
            );
        }
    }

    #[test]
    fn hyperparameters_out_of_range_are_refused_by_their_names() {
        let preset = TrainConfig::preset("tiny").unwrap();
        let mixture = |lambda_start, lambda_end| LossConfig::Mixture {
            lambda_start,
            lambda_end,
            scale_learning_rate: 0.01,
        };
        let of = |name, config: TrainConfig| (name, config);
        for (expected, config) in [
            of(
                "batch",
                TrainConfig {
                    batch: 1,
                    ..preset.clone()
                },
            ),
            of(
                "learning_rate",
                TrainConfig {
                    learning_rate: f32::INFINITY,
                    ..preset.clone()
                },
            ),
            of(
                "learning_rate",
                TrainConfig {
                    learning_rate: f32::NAN,
                    ..preset.clone()
                },
            ),
            of(
                "epsilon_train",
                TrainConfig {
                    epsilon_train: 1e30,
                    ..preset.clone()
                },
            ),
            // λ itself would be infinite on its way from one to the other.
            of(
                "lambda",
                TrainConfig {
                    loss: mixture(1e-38, 1e38),
                    ..preset.clone()
                },
            ),
        ] {
            let error = config.check().unwrap_err();
            assert!(
                matches!(&error, ConfigError::OutOfRange { name, .. } if *name == expected),
                "{error}"
            );
        }
    }

    #[test]
    fn a_run_without_end_is_refused() {
        let config = TrainConfig {
            epochs_growth: 100_000,
            ..TrainConfig::preset("tiny").unwrap()
        };
        assert!(config.check().is_ok());
        assert!(config.schedule(5).is_ok());
        for per_epoch in [800, usize::MAX] {
            let error = config.schedule(per_epoch).unwrap_err();
            assert!(
                matches!(error, ConfigError::OutOfRange { name: "epochs", .. }),
                "{error}"
            );
        }
    }
}
