//! `linf lineage`: the commands that make a model again.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{CliError, print, print_line, read_model};
use crate::data::HELD_OUT;
use crate::exact::{Lineage, Metadata, Operation};
use crate::train::TrainConfig;

/// Print the commands that make a model again
#[derive(clap::Args)]
pub(super) struct Args {
    /// Model file
    model: PathBuf,
    /// Print the lineage itself, one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    let (model, _) = read_model(&args.model)?;
    let lineage = &model.metadata.lineage;
    if args.json {
        return print_line(lineage.to_json());
    }
    let mut commands = Commands::default();
    commands.of(lineage);
    print(commands.lines.join("\n") + "\n")
}

/// The configuration of the run that trained a model's weights last; `path` is the model's.
pub(super) fn last_run(metadata: &Metadata, path: &Path) -> Result<TrainConfig, CliError> {
    let run = metadata.lineage.last_run();
    let run = run.ok_or_else(|| CliError::NoRun { path: path.into() })?;
    TrainConfig::from_lineage(run).map_err(|_| CliError::NoRun { path: path.into() })
}

/// Commands in the order in which they can be run.
#[derive(Default)]
struct Commands {
    lines: Vec<String>,
    runs: usize,
    models: usize,
}

impl Commands {
    /// Adds the commands that make a file and returns its name.
    fn of(&mut self, lineage: &Lineage) -> String {
        let parents = lineage.parents.iter();
        let parents: Vec<_> = parents.map(|parent| self.of(&parent.lineage)).collect();
        let argument = |key: &str| lineage.arguments.get(key).map(plain).unwrap_or_default();
        let measure = match argument("measure").as_str() {
            "true" => " --measure",
            _ => "",
        };
        let inputs = parents.join(" ");
        if matches!(lineage.operation, Operation::Train | Operation::Finetune) {
            self.runs += 1;
            let folder = format!("run-{}", self.runs);
            self.lines.extend(train(lineage, &inputs, &folder));
            return format!("{folder}/checkpoint.safetensors");
        }
        self.models += 1;
        let output = format!("model-{}.safetensors", self.models);
        let command = match lineage.operation {
            Operation::Export => format!(
                "linf export --scale {} --epsilon {}{measure} {inputs} {output}",
                argument("scale"),
                argument("epsilon")
            ),
            Operation::Prune => format!(
                "linf prune --radius {} --min-support {}{measure} {inputs} {output}",
                argument("radius"),
                argument("min_support")
            ),
            Operation::Member => format!(
                "linf member{measure} {inputs} {} {output}",
                argument("member")
            ),
            Operation::Ensemble => format!("linf ensemble{measure} {inputs} {output}"),
            Operation::Train | Operation::Finetune | Operation::Other => {
                format!("# {output} was not made by a command that this program knows")
            }
        };
        self.lines.push(command);
        output
    }
}

/// The command of a training run, after a remark where it does not give the same weights.
fn train(lineage: &Lineage, model: &str, folder: &str) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(done) = lineage.arguments.get("interrupted_after") {
        lines.push(format!(
            "# {folder} was interrupted after {done} iterations"
        ));
    }
    let Ok(config) = TrainConfig::from_lineage(lineage) else {
        lines.push(format!(
            "# {folder}: the run's hyperparameters are not those of this program"
        ));
        return lines;
    };
    if !config.changed_at.is_empty() {
        let before = &config.changed_at;
        lines.push(format!(
            "# {folder}: hyperparameters were changed by hand before the iterations {before:?}"
        ));
    }
    let (preset, changed) = config.as_preset();
    let finetunes = lineage.operation == Operation::Finetune;
    // A fine-tuning run takes the widths of its model.
    let changed = changed
        .iter()
        .filter(|(key, _)| !finetunes || key != "hidden");
    // Brackets, braces and quotes mean something to a shell.
    let changed: String = changed
        .map(|(key, value)| format!(" --set '{key}={value}'"))
        .collect();
    let finetune = match finetunes {
        true => format!(" --finetune {model}"),
        false => String::new(),
    };
    let held_out = match config.held_out {
        HELD_OUT => String::new(),
        0 => " --all-images".into(),
        other => format!(" --set held_out={other}"),
    };
    let device = match lineage.arguments.get("device").map(plain) {
        Some(device) => format!(" --device {device}"),
        None => String::new(),
    };
    lines.push(format!(
        "linf train --dataset {}{finetune} --preset {preset}{changed} --seed {}{held_out}{device} --out {folder}",
        config.dataset, config.seed
    ));
    lines
}

/// A value as it is written on the command line.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(lineage: &Lineage) -> Vec<String> {
        let mut commands = Commands::default();
        commands.of(lineage);
        commands.lines
    }

    fn run(operation: Operation, config: &TrainConfig, parents: Vec<Lineage>) -> Lineage {
        let parents = parents.into_iter().map(|parent| (None, parent));
        let mut lineage = Lineage::new(operation, [], parents);
        (lineage.arguments, lineage.seed) = config.to_arguments();
        lineage
    }

    #[test]
    fn the_commands_of_an_ensemble_name_every_file_once() {
        let preset = |name: &str, seed| TrainConfig {
            seed,
            held_out: 0,
            ..TrainConfig::preset(name).unwrap()
        };
        let export = |run| {
            let arguments = [("scale", json!(4)), ("epsilon", json!("0.3"))];
            Lineage::new(Operation::Export, arguments, [(None, run)])
        };
        let first = export(run(Operation::Train, &preset("standard", 1), vec![]));
        let arguments = [("radius", json!("0")), ("min_support", json!(3))];
        let pruned = Lineage::new(Operation::Prune, arguments, [(None, first)]);
        let finetuned = TrainConfig {
            hidden: vec![5, 6, 7],
            ..preset("finetune", 2)
        };
        let second = export(run(Operation::Finetune, &finetuned, vec![pruned.clone()]));
        let parents = [(None, pruned), (None, second)];
        let ensemble = Lineage::new(Operation::Ensemble, [("measure", json!(true))], parents);
        assert_eq!(
            lines(&ensemble),
            [
                "linf train --dataset mnist --preset standard --seed 1 --all-images --out run-1",
                "linf export --scale 4 --epsilon 0.3 run-1/checkpoint.safetensors model-1.safetensors",
                "linf prune --radius 0 --min-support 3 model-1.safetensors model-2.safetensors",
                "linf train --dataset mnist --preset standard --seed 1 --all-images --out run-2",
                "linf export --scale 4 --epsilon 0.3 run-2/checkpoint.safetensors model-3.safetensors",
                "linf prune --radius 0 --min-support 3 model-3.safetensors model-4.safetensors",
                "linf train --dataset mnist --finetune model-4.safetensors --preset finetune --seed 2 --all-images --out run-3",
                "linf export --scale 4 --epsilon 0.3 run-3/checkpoint.safetensors model-5.safetensors",
                "linf ensemble --measure model-2.safetensors model-5.safetensors model-6.safetensors",
            ]
        );
    }

    #[test]
    fn what_no_command_repeats_is_remarked() {
        let config = TrainConfig {
            changed_at: vec![7],
            ..TrainConfig::preset("tiny").unwrap()
        };
        let mut lineage = run(Operation::Train, &config, vec![]);
        lineage
            .arguments
            .insert("interrupted_after".into(), json!(9));
        let remarks = lines(&lineage);
        let remarks = remarks.iter().filter(|line| line.starts_with("# run-1"));
        assert_eq!(remarks.count(), 2);
    }
}
