//! A run as an entry of a model's lineage, and back.

use serde_json::{Value, from_value, json, to_value};

use super::config::TrainConfig;
use super::error::TrainError;
use super::trainer::Trainer;
#[cfg(feature = "cli")]
use crate::data::Ink;
use crate::data::{ImportOptions, Origin};
use crate::exact::{Arguments, Lineage, Operation};

/// Argument of a run: whether its schedule has ended.
pub(crate) const FINISHED: &str = "finished";
/// Argument of a run that was interrupted: the iterations that were done.
pub(crate) const ITERATIONS: &str = "iterations";
/// Argument of a run that only one kind of device repeats: which.
pub(crate) const DEVICE: &str = "device";

/// Arguments of a run on somebody's own images: their digest, and how their files were read.
const DATA_SHA256: &str = "data_sha256";
const TRANSPOSE: &str = "transpose";
const INK: &str = "ink";
const CENTRE: &str = "centre";
const SPLIT_SEED: &str = "split_seed";

const SEED: &str = "seed";
const LOSS: &str = "loss";
const CHANGED_AT: &str = "changed_at";

impl TrainConfig {
    /// The hyperparameters but the seed as the arguments of a run; those of the loss stand beside its
    /// name.
    pub fn arguments(&self) -> Arguments {
        let mut arguments = self.hyperparameters();
        arguments.remove(SEED);
        if self.changed_at.is_empty() {
            arguments.remove(CHANGED_AT);
        }
        if let Some(Value::Object(loss)) = arguments.remove(LOSS) {
            for (name, own) in loss {
                arguments.insert(LOSS.into(), name.into());
                arguments.extend(own.as_object().cloned().unwrap_or_default());
            }
        }
        from_value(arguments.into()).expect("numbers, texts and lists are arguments")
    }

    /// The configuration of a run in a lineage.
    ///
    /// # Errors
    /// Fails on an operation that is no run of an ℓ∞-dist net.
    pub fn from_lineage(run: &Lineage) -> Result<Self, serde_json::Error> {
        let mut config = to_value(run.arguments())?;
        config[SEED] = json!(run.seed());
        if let Value::String(loss) = config[LOSS].take() {
            // What belongs to the loss is found among all arguments.
            config[LOSS] = json!({ loss: config });
        }
        from_value(config)
    }
}

impl Trainer {
    /// How the weights of the moment were made.
    ///
    /// # Errors
    /// Fails when the run's parent has a history that is too long to be added to.
    pub fn lineage(&self) -> Result<Lineage, TrainError> {
        let mut arguments = self.config().arguments();
        arguments.insert(FINISHED.into(), self.is_finished().into());
        if let Some(origin) = &self.description().imported {
            arguments.extend(origin_arguments(origin));
        }
        if !self.is_finished() {
            arguments.insert(ITERATIONS.into(), (self.iteration() as u64).into());
        }
        let operation = match self.parent() {
            Some(_) => Operation::Finetune,
            None => Operation::Train,
        };
        // A GPU would have kept the weights that were dropped.
        if self.has_dropped_weights() && operation == Operation::Train {
            arguments.insert(DEVICE.into(), "cpu".into());
        }
        let parents = self.parent().cloned().into_iter().collect();
        Ok(Lineage::new(
            operation,
            arguments,
            Some(self.config().seed),
            parents,
        )?)
    }
}

/// The arguments of a run that record its images, where they are somebody's own.
fn origin_arguments(origin: &Origin) -> Arguments {
    let Origin { sha256, options } = origin;
    let ImportOptions {
        transposed,
        ink,
        centred,
        split_seed,
    } = *options;
    Arguments::from([
        (DATA_SHA256.into(), sha256.as_str().into()),
        (TRANSPOSE.into(), transposed.into()),
        (INK.into(), ink.as_str().into()),
        (CENTRE.into(), centred.into()),
        (SPLIT_SEED.into(), split_seed.into()),
    ])
}

/// The images that a run was begun with, if it records that they are somebody's own.
#[cfg(feature = "cli")]
pub fn origin(run: &Lineage) -> Option<Origin> {
    let inks = [Ink::Auto, Ink::Bright, Ink::Dark];
    Some(Origin {
        sha256: run.text(DATA_SHA256)?.into(),
        options: ImportOptions {
            transposed: run.flag(TRANSPOSE),
            ink: inks
                .into_iter()
                .find(|ink| Some(ink.as_str()) == run.text(INK))?,
            centred: run.flag(CENTRE),
            split_seed: run.number(SPLIT_SEED)?,
        },
    })
}

/// The run that a single net comes from: the last one that trained its weights.
#[cfg(feature = "cli")]
pub fn last_run(lineage: &Lineage) -> Option<&Lineage> {
    match lineage.operation() {
        Operation::Train | Operation::Finetune | Operation::Page => Some(lineage),
        _ => match lineage.parents() {
            [parent] => last_run(&parent.lineage),
            _ => None,
        },
    }
}

/// How many of the last training images no run behind a model has seen; 0 if a run or an origin in
/// its lineage does not say.
#[cfg(any(feature = "cli", test))]
pub fn held_out(lineage: &Lineage) -> u64 {
    let parents = lineage.parents().iter();
    let before = parents.map(|parent| held_out(&parent.lineage)).min();
    match lineage.operation() {
        Operation::Train | Operation::Finetune | Operation::Page => {
            let own = lineage.number("held_out").unwrap_or(0);
            // A run that trained another's weights has one parent.
            let unknown = *lineage.operation() == Operation::Finetune && before.is_none();
            match unknown {
                true => 0,
                false => before.map_or(own, |before| own.min(before)),
            }
        }
        _ => before.unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::Parent;
    use crate::train::{LossConfig, PRESETS};

    fn run(operation: Operation, held_out: usize, parents: Vec<Lineage>) -> Lineage {
        let config = TrainConfig {
            held_out,
            ..TrainConfig::preset("tiny").unwrap()
        };
        let parents = parents.into_iter().map(|lineage| Parent {
            sha256: None,
            lineage,
        });
        Lineage::new(operation, config.arguments(), Some(1), parents.collect()).unwrap()
    }

    #[test]
    fn a_configuration_comes_back_from_its_lineage() {
        for name in PRESETS {
            let config = TrainConfig {
                seed: u64::MAX,
                changed_at: vec![3, 90],
                ..TrainConfig::preset(name).unwrap()
            };
            let arguments = config.arguments();
            let lineage = Lineage::new(Operation::Train, arguments, Some(config.seed), vec![]);
            let lineage = Lineage::from_json(&lineage.unwrap().to_json()).unwrap();
            assert_eq!(TrainConfig::from_lineage(&lineage).unwrap(), config);
        }
    }

    #[test]
    fn the_arguments_are_flat_and_named_as_the_hyperparameters() {
        let config = TrainConfig::preset("hinge").unwrap();
        assert!(matches!(config.loss, LossConfig::Hinge { .. }));
        let arguments = config.arguments();
        assert_eq!(arguments["loss"], "hinge".into());
        let json = serde_json::to_value(&arguments).unwrap();
        assert_eq!(json["mix"], 0.75);
        assert_eq!(json["weight_decay"], 0.005);
        assert_eq!(json["hidden"], json!([1024, 1024, 1024]));
        assert_eq!(json.get("changed_at"), None);
        assert_eq!(json.get("seed"), None);
    }

    #[test]
    fn what_no_run_saw_is_the_least_that_one_of_them_held_out() {
        use Operation::{Ensemble, Export, Finetune, Other, Page, Train};
        let trained = || run(Train, 5_000, vec![]);
        assert_eq!(held_out(&trained()), 5_000);
        assert_eq!(held_out(&run(Page, 300, vec![])), 300);
        let finetuned = run(Finetune, 5_000, vec![run(Export, 0, vec![trained()])]);
        assert_eq!(held_out(&finetuned), 5_000);
        assert_eq!(held_out(&run(Finetune, 300, vec![trained()])), 300);
        let seen = run(Finetune, 5_000, vec![run(Train, 0, vec![])]);
        assert_eq!(held_out(&seen), 0);
        let two = run(Ensemble, 0, vec![trained(), run(Train, 300, vec![])]);
        assert_eq!(held_out(&two), 300);
        // What nothing is known about may have seen everything.
        let found = || run(Other("found".into()), 5_000, vec![]);
        assert_eq!(held_out(&run(Ensemble, 0, vec![trained(), found()])), 0);
        assert_eq!(held_out(&run(Finetune, 300, vec![found()])), 0);
        assert_eq!(held_out(&run(Finetune, 300, vec![])), 0);
    }
}
