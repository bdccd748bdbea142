//! The recipes and their hyperparameters, which were chosen on held-out training images.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use crate::data::HELD_OUT;
use crate::exact::{Lineage, Operation};

/// Configuration of a run, apart from the data and the device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Name of the data set.
    pub dataset: String,
    /// Seed of the weights, the order of the images, the augmentation and the starts of the attack.
    pub seed: u64,
    /// The hidden layers, such as `conv8k4s2-64`.
    pub hidden: String,
    /// Images in a batch.
    pub batch: usize,
    /// Passes over the training images.
    pub epochs: usize,
    /// Adam's initial learning rate; it falls to 0 along half a cosine.
    pub learning_rate: f32,
    /// The loss.
    pub recipe: Recipe,
    /// Images of the training set that are held out to measure on. The test set is never used.
    pub held_out: usize,
}

/// The loss that is minimised, with its hyperparameters; ε is a fraction of full scale 1.0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipe {
    /// The cross-entropy of the images.
    Standard,
    /// The cross-entropy of the images perturbed by projected gradient descent (Madry et al., 2018).
    Adversarial {
        /// Final radius of the attack.
        epsilon: f32,
        /// Epochs in which ε grows linearly from 0.
        growth: usize,
        /// Steps of the attack.
        steps: usize,
        /// Length of a step, as a share of ε.
        step_share: f32,
    },
    /// `κ` times the cross-entropy of the images plus `1 − κ` times that of the worst-case logits of
    /// interval bound propagation (Gowal et al., 2018). With λ₀ > 0 the weights start so that intervals
    /// neither widen nor shrink, and while ε grows intervals that widen from layer to layer cost
    /// something (Shi et al., 2021, sections 3.2 and 3.3).
    Ibp {
        /// Final radius of the intervals.
        epsilon: f32,
        /// Epochs before ε grows.
        wait: usize,
        /// Epochs in which ε grows linearly from 0, and κ falls from 1.
        growth: usize,
        /// Final κ.
        kappa: f32,
        /// Weight λ₀ of the regularisers at ε = 0; it falls to 0 as ε grows.
        lambda: f32,
    },
}

/// Names of the recipes.
pub const RECIPES: [&str; 3] = ["standard", "adversarial", "ibp"];

/// Why a configuration was refused.
#[derive(Debug, Error, PartialEq)]
pub enum ConfigError {
    /// No recipe has this name.
    #[error("there is no recipe `{0}`; the recipes are {recipes}", recipes = RECIPES.join(", "))]
    UnknownRecipe(String),
    /// The recipe has no hyperparameter of this name.
    #[error("this recipe has no hyperparameter `{0}` that can be set")]
    UnknownHyperparameter(String),
    /// A hyperparameter cannot have this value.
    #[error("the hyperparameter `{name}` cannot be {value}")]
    Unfit {
        /// Its name.
        name: String,
        /// What it was to be.
        value: String,
    },
}

/// The settings of one iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Adam's learning rate.
    pub learning_rate: f32,
    /// Radius of the attack or of the intervals, as a fraction of full scale 1.0; 0 in a plain run.
    pub epsilon: f32,
    /// Weight of the images' own cross-entropy in IBP training; 1 otherwise.
    pub kappa: f32,
    /// Weight of the regularisers of IBP training; 0 otherwise.
    pub lambda: f32,
}

impl Config {
    /// Returns a recipe for MNIST, at ε = 0.3 where it has one.
    ///
    /// # Errors
    /// Fails if no recipe has this name.
    pub fn named(recipe: &str) -> Result<Self, ConfigError> {
        let standard = Self {
            dataset: "mnist".into(),
            seed: 0,
            hidden: "128".into(),
            batch: 128,
            epochs: 20,
            learning_rate: 1e-3,
            recipe: Recipe::Standard,
            held_out: HELD_OUT,
        };
        Ok(match recipe {
            "standard" => standard,
            "adversarial" => Self {
                hidden: "conv16k4s2-conv16k4s2-64".into(),
                epochs: 10,
                learning_rate: 2e-3,
                recipe: Recipe::Adversarial {
                    epsilon: 0.3,
                    growth: 4,
                    steps: 7,
                    step_share: 0.25,
                },
                ..standard
            },
            "ibp" => Self {
                hidden: "conv8k4s2-conv16k4s2-64".into(),
                epochs: 30,
                recipe: Recipe::Ibp {
                    epsilon: 0.35,
                    wait: 1,
                    growth: 15,
                    kappa: 0.5,
                    lambda: 0.0,
                },
                ..standard
            },
            _ => return Err(ConfigError::UnknownRecipe(recipe.into())),
        })
    }

    /// Returns this configuration with another value of one hyperparameter, written as in JSON: of the
    /// run or of its recipe, by the names that [`Config::lineage`] has too.
    ///
    /// # Errors
    /// Fails if there is no hyperparameter of this name, or if it cannot have this value.
    pub fn with(&self, name: &str, value: &str) -> Result<Self, ConfigError> {
        let fixed = ["dataset", "seed", "recipe"];
        let mut config = serde_json::to_value(self).expect("a configuration is plain data");
        // A text needs no quotes.
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        let entries = config.as_object_mut().expect("it has hyperparameters");
        let own = match entries.contains_key(name) {
            true => entries.get_mut(name),
            // {"ibp": {…}}, or the word alone where a recipe has none of its own.
            false => entries["recipe"]
                .as_object_mut()
                .and_then(|recipe| recipe.values_mut().next()?.get_mut(name)),
        };
        let refused = || ConfigError::Unfit {
            name: name.into(),
            value: value.to_string(),
        };
        match own.filter(|_| !fixed.contains(&name)) {
            Some(own) => *own = value.clone(),
            None => return Err(ConfigError::UnknownHyperparameter(name.into())),
        }
        let config: Self = serde_json::from_value(config).map_err(|_| refused())?;
        match config.is_in_range() {
            true => Ok(config),
            false => Err(refused()),
        }
    }

    /// Whether every number is one that a run can have.
    fn is_in_range(&self) -> bool {
        let is_share = |share: f32| (0.0..=1.0).contains(&share);
        let recipe = match self.recipe {
            Recipe::Standard => true,
            Recipe::Adversarial {
                epsilon,
                steps,
                step_share,
                ..
            } => is_share(epsilon) && steps > 0 && is_share(step_share),
            Recipe::Ibp {
                epsilon,
                kappa,
                lambda,
                ..
            } => is_share(epsilon) && is_share(kappa) && (0.0..=1e3).contains(&lambda),
        };
        let rate = self.learning_rate > 0.0 && self.learning_rate <= 1.0;
        recipe && rate && self.batch > 0 && (1..=100_000).contains(&self.epochs)
    }

    /// Returns how a network of this configuration is made. The recipe's hyperparameters stand beside
    /// its name.
    pub fn lineage(&self) -> Lineage {
        // By way of text, which has the fewest digits that tell an f32.
        let text = serde_json::to_string(self).expect("a configuration is plain data");
        let mut arguments: Map<String, Value> =
            serde_json::from_str(&text).expect("it has hyperparameters");
        arguments.remove("seed");
        if let Some(Value::Object(recipe)) = arguments.get("recipe").cloned() {
            for (name, own) in recipe {
                arguments.insert("recipe".into(), name.into());
                arguments.extend(own.as_object().cloned().unwrap_or_default());
            }
        }
        // Networks that were trained before there were regularisers have the lineage of runs without.
        if matches!(self.recipe, Recipe::Ibp { lambda: 0.0, .. }) {
            arguments.remove("lambda");
        }
        let arguments =
            serde_json::from_value(arguments.into()).expect("numbers and texts are arguments");
        Lineage::new(Operation::Baseline, arguments, Some(self.seed), Vec::new())
            .expect("a configuration is short")
    }

    /// Returns the settings of an iteration, counted from 0, in a run with `per_epoch` iterations an
    /// epoch.
    pub fn settings(&self, iteration: usize, per_epoch: usize) -> Settings {
        let part = |from: usize, epochs: usize| {
            let done = iteration.saturating_sub(from * per_epoch);
            (done as f32 / (epochs * per_epoch).max(1) as f32).min(1.0)
        };
        let cosine = (1.0 + (std::f32::consts::PI * part(0, self.epochs)).cos()) / 2.0;
        let (epsilon, kappa, lambda) = match self.recipe {
            Recipe::Standard => (0.0, 1.0, 0.0),
            Recipe::Adversarial {
                epsilon, growth, ..
            } => (epsilon * part(0, growth), 1.0, 0.0),
            Recipe::Ibp {
                epsilon,
                wait,
                growth,
                kappa,
                lambda,
            } => {
                let grown = part(wait, growth);
                let kappa = 1.0 - (1.0 - kappa) * grown;
                (epsilon * grown, kappa, lambda * (1.0 - grown))
            }
        };
        Settings {
            learning_rate: self.learning_rate * cosine,
            epsilon,
            kappa,
            lambda,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_radius_waits_then_grows_linearly_while_kappa_and_lambda_fall() {
        let config = Config {
            epochs: 10,
            recipe: Recipe::Ibp {
                epsilon: 0.4,
                wait: 2,
                growth: 4,
                kappa: 0.5,
                lambda: 0.25,
            },
            ..Config::named("ibp").unwrap()
        };
        let at = |iteration| {
            let settings = config.settings(iteration, 10);
            (settings.epsilon, settings.kappa, settings.lambda)
        };
        assert_eq!(at(0), (0.0, 1.0, 0.25));
        assert_eq!(at(20), (0.0, 1.0, 0.25));
        assert_eq!(at(40), (0.2, 0.75, 0.125));
        assert_eq!(at(60), (0.4, 0.5, 0.0));
        assert_eq!(at(99), (0.4, 0.5, 0.0));
    }

    #[test]
    fn the_learning_rate_falls_to_zero_along_half_a_cosine() {
        let config = Config::named("standard").unwrap();
        let rate = |epoch| config.settings(epoch * 7, 7).learning_rate;
        assert_eq!(rate(0), config.learning_rate);
        assert!((rate(config.epochs / 2) - config.learning_rate / 2.0).abs() < 1e-9);
        assert!(rate(config.epochs) < 1e-9);
    }
}
