//! `linf lineage`: the commands that make a model again, read from its file.

use std::borrow::Cow;
use std::path::PathBuf;

use serde::Serialize;

use super::export::{EPSILON, SCALE};
use super::member::MEMBER;
use super::output::MEASURE;
use super::prune::{MIN_SUPPORT, RADIUS};
use super::{CliError, print, print_line, read_unpacked};
use crate::baseline;
use crate::data::{HELD_OUT, Origin, sha256_hex};
use crate::exact::{Argument, Lineage, Model, ModelError, Operation, Parent, teach};
use crate::train::TrainConfig;
use crate::train::lineage::{DEVICE, FINISHED, ITERATIONS, last_run, origin};

/// Print the commands that make a model again
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model file (.safetensors), of a baseline too
    model: PathBuf,
    /// Print one JSON object: the file's lineage and the commands
    #[arg(long)]
    json: bool,
}

/// What is printed.
#[derive(Serialize)]
struct Report<'a> {
    model_sha256: String,
    lineage: &'a Lineage,
    commands: Vec<Step>,
}

/// One line of the commands.
#[derive(Debug, PartialEq, Serialize)]
struct Step {
    /// The file or folder that is written.
    writes: String,
    /// None where there is no command for what was done.
    command: Option<String>,
    /// Why the command does not repeat what was done, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// Arguments of an import in a lineage.
pub(super) const CHECKPOINT_SHA256: &str = "checkpoint_sha256";
pub(super) const DATASET: &str = "dataset";

/// A checkpoint of PyTorch, which only its digest tells.
const CHECKPOINT: &str = "model.pth";
/// File of the model itself; those that it is made from are numbered.
const MODEL: &str = "model.safetensors";
/// Folder of the images that a model was taught, which no file of a model holds.
const IMAGES: &str = "images";

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let bytes = read_unpacked(&args.model)?;
    let (lineage, measure) = match Model::from_bytes(&bytes) {
        Ok(model) => (model.metadata.lineage, None),
        Err(ModelError::Format(_)) => {
            let model = crate::baseline::Model::from_bytes(&bytes);
            let model = model.map_err(|source| CliError::BaselineModel {
                path: args.model.clone(),
                source,
            })?;
            let metadata = model.metadata;
            let measure = metadata.accuracies.map(|accuracies| {
                let mut words = vec!["linf", "baseline", "measure", MODEL, "--dataset"];
                let epsilon = accuracies.epsilon.to_string();
                words.extend([&*metadata.dataset, "--epsilon", &epsilon]);
                done(MODEL, &words)
            });
            (metadata.lineage, measure)
        }
        Err(source) => {
            return Err(CliError::Model {
                path: args.model.clone(),
                source,
            });
        }
    };
    let mut commands = commands(&lineage);
    commands.extend(measure);
    if args.json {
        let report = Report {
            model_sha256: sha256_hex(&bytes),
            lineage: &lineage,
            commands,
        };
        print_line(serde_json::to_string(&report).expect("it is plain data"));
        return Ok(());
    }
    print(commands.iter().map(Step::to_text).collect::<String>());
    Ok(())
}

/// The commands that make the model of this lineage again, each parent before what is made of it.
fn commands(lineage: &Lineage) -> Vec<Step> {
    let mut commands = Commands::default();
    commands.make(lineage, None, Some(MODEL));
    commands.steps
}

/// The commands so far, and what they have made.
#[derive(Default)]
struct Commands<'a> {
    steps: Vec<Step>,
    /// Lineage, digest and name of every file.
    made: Vec<(&'a Lineage, Option<&'a str>, String)>,
    models: usize,
    runs: usize,
}

impl<'a> Commands<'a> {
    fn parent(&mut self, parent: &'a Parent) -> String {
        self.make(&parent.lineage, parent.sha256.as_deref(), None)
    }

    /// Adds the commands for what is not there yet, and gives its name.
    fn make(
        &mut self,
        lineage: &'a Lineage,
        sha256: Option<&'a str>,
        name: Option<&str>,
    ) -> String {
        let there = self
            .made
            .iter()
            .find(|(other, digest, _)| *digest == sha256 && *other == lineage);
        if let Some((_, _, name)) = there {
            return name.clone();
        }
        let parents: Vec<_> = lineage
            .parents()
            .iter()
            .map(|parent| self.parent(parent))
            .collect();
        let is_run = matches!(lineage.operation(), Operation::Train | Operation::Finetune);
        let name = match name {
            Some(name) if !is_run => name.to_owned(),
            _ if is_run => {
                self.runs += 1;
                format!("run-{}", self.runs)
            }
            _ => {
                self.models += 1;
                format!("{}.safetensors", self.models)
            }
        };
        let step = step(lineage, &parents, &name).unwrap_or_else(|| Step {
            note: Some(format!(
                "the record of its `{}` lacks what a command needs",
                shown(lineage.operation())
            )),
            command: None,
            writes: name.clone(),
        });
        self.steps.push(step);
        let name = match is_run {
            true => format!("{name}/checkpoint.safetensors"),
            false => name,
        };
        self.made.push((lineage, sha256, name.clone()));
        name
    }
}

/// The command that does what was done last, with its parents in these files; none if the lineage lacks
/// what it needs.
fn step(lineage: &Lineage, parents: &[String], name: &str) -> Option<Step> {
    let words = |words: &[&str]| {
        let mut words = words.to_vec();
        if lineage.flag(MEASURE) {
            words.push("--measure");
        }
        Some(done(name, &words))
    };
    match (lineage.operation(), parents) {
        (Operation::Train, []) => train(lineage, None, name),
        (Operation::Finetune, [model]) => train(lineage, Some(model), name),
        (Operation::Export, [checkpoint]) => {
            let (scale, epsilon) = (lineage.number(SCALE)?.to_string(), lineage.text(EPSILON)?);
            let options = ["--scale", &scale, "--epsilon", epsilon];
            let mut all = [&["linf", "export", checkpoint, name], &options[..]].concat();
            all.extend(
                own_data(&lineage.parents()[0].lineage)
                    .into_iter()
                    .flatten(),
            );
            words(&all)
        }
        (Operation::Prune, [model]) => {
            let radius = lineage.text(RADIUS)?;
            let min_support = lineage.number(MIN_SUPPORT)?.to_string();
            let options = ["--radius", radius, "--min-support", &min_support];
            let mut all = [&["linf", "prune", model, name], &options[..]].concat();
            all.extend(last_run(lineage).and_then(own_data).into_iter().flatten());
            words(&all)
        }
        (Operation::Ensemble, [_, _, ..]) => {
            let models = parents.iter().map(String::as_str);
            let all = ["linf", "ensemble"].into_iter().chain(models).chain([name]);
            words(&all.collect::<Vec<_>>())
        }
        (Operation::Member, [model]) => {
            let number = lineage.number(MEMBER)?.to_string();
            words(&["linf", "member", model, &number, name])
        }
        (Operation::Teach, [model]) => teach(lineage, model, name),
        (Operation::Import, []) => {
            let (sha256, dataset) = (lineage.text(CHECKPOINT_SHA256)?, lineage.text(DATASET)?);
            let (scale, epsilon) = (lineage.number(SCALE)?.to_string(), lineage.text(EPSILON)?);
            let all = ["linf", "import", CHECKPOINT, name, "--dataset", dataset];
            let options = ["--scale", &scale, "--epsilon", epsilon];
            Some(Step {
                note: Some(format!("{CHECKPOINT} has the SHA-256 {sha256}")),
                ..words(&[&all[..], &options].concat())?
            })
        }
        (Operation::Baseline, []) => baseline(lineage, name),
        (Operation::Page, _) => Some(Step {
            writes: name.into(),
            command: None,
            note: Some("trained in the page, which no command repeats".into()),
        }),
        (Operation::Other(_), _) => Some(Step {
            writes: name.into(),
            command: None,
            note: Some(format!(
                "made by `{}`, for which there is no command",
                shown(lineage.operation())
            )),
        }),
        _ => None,
    }
}

/// The option that gives the images of a run again, where they are somebody's own.
fn own_data(run: &Lineage) -> Option<[&str; 2]> {
    origin(run)?;
    Some(["--data", run.text("dataset")?])
}

/// The command of a training run, which writes to the folder `run`.
fn train(lineage: &Lineage, finetuned: Option<&str>, run: &str) -> Option<Step> {
    let config = TrainConfig::from_lineage(lineage).ok()?;
    let (preset, set) = config.as_preset();
    let own = origin(lineage);
    let mut words = vec!["linf", "train"];
    let split_seed = own
        .as_ref()
        .map_or(0, |own| own.options.split_seed)
        .to_string();
    match &own {
        None => words.extend(["--dataset", &config.dataset]),
        Some(Origin { options, .. }) => {
            words.extend(["--data", &config.dataset, "--ink", options.ink.as_str()]);
            words.extend(options.transposed.then_some("--transpose"));
            words.extend(options.centred.then_some("--centre"));
            words.extend(["--split-seed", &split_seed]);
        }
    }
    words.extend(["--preset", preset]);
    // A run that finetunes takes the widths of its model.
    let set = set
        .iter()
        .filter(|(key, _)| finetuned.is_none() || key != "hidden");
    let set: Vec<_> = set.map(|(key, value)| format!("{key}={value}")).collect();
    words.extend(set.iter().flat_map(|pair| ["--set", pair]));
    let held_out = format!("held_out={}", config.held_out);
    match config.held_out {
        HELD_OUT => {}
        // The split of one's own images decides.
        1.. if own.is_some() => {}
        0 => words.push("--all-images"),
        _ => words.extend(["--set", &held_out]),
    }
    let seed = config.seed.to_string();
    words.extend(["--seed", &seed]);
    words.extend(finetuned.iter().flat_map(|model| ["--finetune", model]));
    words.extend(
        lineage
            .text(DEVICE)
            .iter()
            .flat_map(|device| ["--device", device]),
    );
    words.extend(["--out", run]);

    let mut notes = Vec::new();
    if let Some(Origin { sha256, .. }) = &own {
        notes.push(format!(
            "{} stands for the images of somebody's own, whose SHA-256 is {sha256}",
            config.dataset
        ));
    }
    if !lineage.flag(FINISHED) {
        let done = lineage.number(ITERATIONS);
        let done = done.map_or(String::new(), |done| format!(" after {done} iterations"));
        notes.push(format!("interrupted{done}, while this trains to the end"));
    }
    if !config.changed_at.is_empty() {
        let at: Vec<_> = config.changed_at.iter().map(usize::to_string).collect();
        notes.push(format!(
            "hyperparameters were changed by hand before iteration {}, while this begins with the last ones",
            at.join(", ")
        ));
    }
    let note = (!notes.is_empty()).then(|| notes.join("; "));
    Some(Step {
        note,
        ..done(run, &words)
    })
}

/// The command that teaches a model; the images have to be put into its folder again.
fn teach(lineage: &Lineage, model: &str, name: &str) -> Option<Step> {
    let (epsilon, sha256) = (
        lineage.text(teach::EPSILON)?,
        lineage.text(teach::IMAGES_SHA256)?,
    );
    let seed = lineage.seed()?.to_string();
    let mut words = vec!["linf", "teach", model, "--images", IMAGES];
    words.extend(["--images-sha256", sha256, "--epsilon", epsilon]);
    words.extend(["--seed", &seed, "--out", name]);
    let mut usual = teach::USUAL.iter();
    let is_usual = usual.all(|&(key, number)| lineage.number(key) == Some(number));
    let note = (!is_usual).then(|| "it was taught with other settings than today's".into());
    Some(Step {
        note,
        ..done(name, &words)
    })
}

/// The command that trains a baseline.
fn baseline(lineage: &Lineage, name: &str) -> Option<Step> {
    let (recipe, dataset) = (lineage.text("recipe")?, lineage.text("dataset")?);
    let seed = lineage.seed()?.to_string();
    let named = baseline::train::Config::named(recipe).ok()?;
    // As `--set` takes it: a text needs no quotes.
    let written = |value: &Argument| match value {
        Argument::Text(text) => text.clone(),
        value => serde_json::to_string(value).expect("an argument is plain data"),
    };
    let recipe_lineage = named.lineage();
    let mut config = Ok(named);
    let mut set = Vec::new();
    let mut all_images = false;
    for (key, value) in lineage.arguments() {
        let value = written(value);
        let usual = recipe_lineage.arguments().get(key).map(written);
        match key.as_str() {
            "dataset" | "recipe" => continue,
            // Those of the named recipe need not be said.
            _ if usual.as_ref() == Some(&value) => continue,
            "held_out" if value == "0" => all_images = true,
            _ => set.push(format!("{key}={value}")),
        }
        config = config.and_then(|config| config.with(key, &value));
    }
    let mut words = vec!["linf", "baseline", "train", name, "--dataset", dataset];
    words.extend(["--recipe", recipe]);
    words.extend(set.iter().flat_map(|pair| ["--set", pair]));
    words.extend(all_images.then_some("--all-images"));
    words.extend(["--seed", &seed]);
    // Hyperparameters may have come and gone since.
    let again = config.is_ok_and(|config| {
        let keys = |lineage: &Lineage| lineage.arguments().keys().cloned().collect::<Vec<_>>();
        keys(&config.lineage()) == keys(lineage)
    });
    let note = (!again).then(|| "its hyperparameters are not those that today's recipe has".into());
    Some(Step {
        note,
        ..done(name, &words)
    })
}

/// The step of a command of these words.
fn done(writes: &str, words: &[&str]) -> Step {
    let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
    Step {
        writes: writes.into(),
        command: Some(words.join(" ")),
        note: None,
    }
}

/// A word for a shell. What a file says must not become a command of its own.
fn quoted(word: &str) -> Cow<'_, str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:,+".contains(&byte);
    match !word.is_empty() && word.bytes().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")).into(),
    }
}

/// The name of an operation that a file may have made up; a lineage has no control characters.
fn shown(operation: &Operation) -> String {
    let name = operation.to_string();
    match name.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name,
    }
}

impl Step {
    /// A line for a shell.
    fn to_text(&self) -> String {
        match (&self.command, &self.note) {
            (Some(command), None) => format!("{command}\n"),
            (Some(command), Some(note)) => format!("{command}  # not the same: {note}\n"),
            (None, note) => {
                let note = note.as_deref().unwrap_or("unknown");
                format!("# {}: {note}\n", self.writes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::Arguments;

    fn lineage(
        operation: Operation,
        arguments: &[(&str, Argument)],
        parents: Vec<Lineage>,
    ) -> Lineage {
        let named = |(name, argument): &(&str, Argument)| ((*name).to_owned(), argument.clone());
        let parents = parents.into_iter().map(|lineage| Parent {
            sha256: None,
            lineage,
        });
        let arguments: Arguments = arguments.iter().map(named).collect();
        Lineage::new(operation, arguments, None, parents.collect()).unwrap()
    }

    fn run(operation: Operation, config: &TrainConfig, parents: Vec<Lineage>) -> Lineage {
        let parents = parents.into_iter().map(|lineage| Parent {
            sha256: None,
            lineage,
        });
        let mut arguments = config.arguments();
        arguments.insert(FINISHED.into(), true.into());
        Lineage::new(operation, arguments, Some(config.seed), parents.collect()).unwrap()
    }

    fn export(run: Lineage) -> Lineage {
        let arguments = [(SCALE, 4_u64.into()), (EPSILON, "0.3".into())];
        lineage(Operation::Export, &arguments, vec![run])
    }

    fn preset(name: &str) -> TrainConfig {
        TrainConfig::preset(name).unwrap()
    }

    fn text(lineage: &Lineage) -> String {
        commands(lineage).iter().map(Step::to_text).collect()
    }

    #[test]
    fn a_lineage_becomes_commands_with_a_file_for_each_model() {
        let first = TrainConfig {
            hidden: vec![1536; 3],
            seed: 1,
            held_out: 0,
            ..preset("standard")
        };
        let pruned = |of: Lineage| {
            let arguments = [(RADIUS, "0".into()), (MIN_SUPPORT, 3_u64.into())];
            lineage(Operation::Prune, &arguments, vec![of])
        };
        let one = pruned(export(run(Operation::Train, &first, vec![])));
        let second = TrainConfig {
            hidden: vec![9, 8, 7],
            held_out: 300,
            seed: 5,
            ..preset("finetune")
        };
        let two = export(run(Operation::Finetune, &second, vec![one.clone()]));
        let measured = [(MEASURE, true.into())];
        let both = lineage(Operation::Ensemble, &measured, vec![one, two]);
        let member = lineage(Operation::Member, &[(MEMBER, 2_u64.into())], vec![both]);
        assert_eq!(
            text(&member),
            "linf train --dataset mnist --preset standard --set 'hidden=[1536,1536,1536]' --all-images --seed 1 --out run-1\n\
             linf export run-1/checkpoint.safetensors 1.safetensors --scale 4 --epsilon 0.3\n\
             linf prune 1.safetensors 2.safetensors --radius 0 --min-support 3\n\
             linf train --dataset mnist --preset finetune --set held_out=300 --seed 5 --finetune 2.safetensors --out run-2\n\
             linf export run-2/checkpoint.safetensors 3.safetensors --scale 4 --epsilon 0.3\n\
             linf ensemble 2.safetensors 3.safetensors 4.safetensors --measure\n\
             linf member 4.safetensors 2 model.safetensors\n"
        );
    }

    #[test]
    fn what_no_command_repeats_says_so_on_its_line() {
        let config = TrainConfig {
            changed_at: vec![30, 90],
            ..preset("tiny")
        };
        let mut arguments = config.arguments();
        arguments.insert(FINISHED.into(), false.into());
        arguments.insert(ITERATIONS.into(), 120_u64.into());
        let run = Lineage::new(Operation::Train, arguments, Some(0), vec![]).unwrap();
        let exported = export(run);
        let steps = commands(&exported);
        assert!(steps[0].command.is_some() && steps[1].note.is_none());
        let note = steps[0].note.as_deref().unwrap();
        assert!(
            note.contains("120 iterations") && note.contains("30, 90"),
            "{note}"
        );
        for operation in [Operation::Page, Operation::Other("dream".into())] {
            let steps = commands(&lineage(operation, &[], vec![])).pop().unwrap();
            assert_eq!(steps.command, None);
            assert!(steps.note.is_some());
        }
        // A record that lacks something.
        let broken = lineage(Operation::Prune, &[], vec![]);
        assert_eq!(commands(&broken)[0].command, None);
    }

    #[test]
    fn a_taught_model_is_taught_the_same_images_again() {
        let page = lineage(Operation::Page, &[], vec![]);
        let parent = Parent {
            sha256: None,
            lineage: page,
        };
        let digest = "0".repeat(64);
        let mut arguments: Arguments = teach::USUAL
            .iter()
            .map(|&(key, number)| (key.to_owned(), number.into()))
            .collect();
        arguments.insert(teach::EPSILON.into(), "0.3".into());
        arguments.insert(teach::IMAGES_SHA256.into(), digest.clone().into());
        let taught = |arguments: Arguments| {
            let parents = vec![parent.clone()];
            let lineage = Lineage::new(Operation::Teach, arguments, Some(4), parents).unwrap();
            commands(&lineage).pop().unwrap()
        };
        let step = taught(arguments.clone());
        assert_eq!(
            step.command,
            Some(format!(
                "linf teach 1.safetensors --images images --images-sha256 {digest} --epsilon 0.3 \
                 --seed 4 --out model.safetensors"
            ))
        );
        assert_eq!(step.note, None);
        // With settings for which there is no option, the command says that it is another.
        arguments.insert("passes".into(), 3_u64.into());
        assert!(taught(arguments).note.is_some());
    }

    #[test]
    fn what_a_file_says_does_not_become_a_command() {
        let evil = "mnist; echo 'x' && rm";
        let config = TrainConfig {
            dataset: evil.into(),
            ..preset("tiny")
        };
        let lineage = run(Operation::Train, &config, vec![]);
        let text = text(&lineage);
        assert!(
            text.contains(r"--dataset 'mnist; echo '\''x'\'' && rm' --preset"),
            "{text}"
        );
    }

    #[test]
    fn a_baseline_is_trained_by_its_recipe() {
        let config = baseline::train::Config {
            seed: 7,
            ..baseline::train::Config::named("ibp").unwrap()
        };
        let steps = commands(&config.lineage());
        let command = "linf baseline train model.safetensors --dataset mnist --recipe ibp --seed 7";
        assert_eq!(
            steps,
            [done(MODEL, &command.split(' ').collect::<Vec<_>>())]
        );
        let other = config.with("epochs", "3").unwrap();
        let other = other.with("kappa", "0.25").unwrap();
        let other = other.with("held_out", "0").unwrap();
        let command = "linf baseline train model.safetensors --dataset mnist --recipe ibp --set epochs=3 \
                       --set kappa=0.25 --all-images --seed 7";
        assert_eq!(
            commands(&other.lineage()),
            [done(MODEL, &command.split(' ').collect::<Vec<_>>())]
        );
        let mut earlier = config.lineage().arguments().clone();
        earlier.remove("kappa");
        let earlier = Lineage::new(Operation::Baseline, earlier, Some(7), Vec::new()).unwrap();
        assert!(commands(&earlier)[0].note.is_some());
    }
}
