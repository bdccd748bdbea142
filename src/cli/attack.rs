//! `linf attack`: measures accuracy under attack, and attacks inside certificates.

mod state;

use std::{
    collections::BTreeMap,
    num::{NonZeroU64, NonZeroUsize},
    path::PathBuf,
};

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgMatches, FromArgMatches, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;
use serde::Serialize;

use self::state::{Question, Shard, begun, merged, write_state};
use super::measured::{MeasuredOn, count};
use super::target::{Lock, check_writable};
use super::{CliError, print, print_line, read_model};
use crate::attack::{Attack, AttackName, Kept, Outcome, RobustnessEvaluation, Violation};
use crate::data::Dataset;
#[cfg(feature = "gpu")]
use crate::error::sentence;
use crate::exact::{DenseNet, Epsilon, ExactNet};

/// Images between two writes of the state file.
const CHUNK: usize = 64;

/// A network whose plain reference takes more memory is attacked without it only.
const MAX_REFERENCE_BYTES: u64 = 4 << 30;
/// Fewer queries are given to the plain reference where they would take it more distance terms than this, some minutes' worth.
const REFERENCE_TERMS: u64 = 220_000_000_000;

/// Either an attack or, by a subcommand, what else is done with its states.
pub(super) struct Args {
    command: Option<Command>,
    /// There if the subcommand is not.
    attack: Option<AttackArgs>,
}

#[derive(Subcommand)]
enum Command {
    Merge(MergeArgs),
}

// Written by hand, as a derived `Option` of options that are required is never there.
impl FromArgMatches for Args {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let (mut command, mut attack) = (None, None);
        match matches.subcommand() {
            Some(_) => command = Some(Command::from_arg_matches(matches)?),
            None => attack = Some(AttackArgs::from_arg_matches(matches)?),
        }
        Ok(Self { command, attack })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Args {
    fn augment_args(command: clap::Command) -> clap::Command {
        Command::augment_subcommands(AttackArgs::augment_args(command))
            .args_conflicts_with_subcommands(true)
            .subcommand_negates_reqs(true)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

/// Add the state files of all shards to one report
#[derive(clap::Args)]
struct MergeArgs {
    /// The state files, one of each shard
    #[arg(required = true)]
    states: Vec<PathBuf>,
    /// Also write the sum as a state file, as if all images had been attacked in one run
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Attack the test images, at ε and inside their certificates
#[derive(clap::Args)]
struct AttackArgs {
    /// Model file (.safetensors)
    #[arg(long)]
    model: PathBuf,
    #[command(flatten)]
    on: MeasuredOn,
    /// Radius ε as a decimal fraction of full scale, such as 0.3
    #[arg(long)]
    epsilon: Epsilon,
    /// The attack; `all` takes the others by turns
    #[arg(long, value_parser = attack_parser(), default_value = "all")]
    attack: Attack,
    /// Attack the first N test images only
    #[arg(long, value_name = "N", value_parser = count)]
    limit: Option<NonZeroUsize>,
    /// Queries inside every image's certificate
    #[arg(long, value_name = "T", default_value_t = 1000)]
    queries: u64,
    /// Of these queries, over all images, the plain reference evaluates some N too; 0 for none, which is
    /// faster
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    reference: u64,
    /// Seed of everything random
    #[arg(long, default_value_t = 1)]
    seed: u32,
    /// File that keeps what is done, from which the same command goes on
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Attack every N-th image only, beginning with the I-th: so N machines share the work, and
    /// `linf attack merge` adds their state files
    #[arg(long, value_name = "I/N", default_value_t = Shard::WHOLE, requires = "state")]
    shard: Shard,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Reads the name of an attack at one radius.
fn attack_parser() -> impl TypedValueParser<Value = Attack> {
    let attacks = Attack::registered().into_iter();
    let offered = attacks.filter(|attack| !attack.is_min_norm());
    let values = offered.map(|attack| PossibleValue::new(attack.name()).help(attack.summary()));
    PossibleValuesParser::new(values)
        .map(|name| Attack::named(&name).expect("the values are registered"))
}

/// What is printed; accuracies are fractions of all images.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    question: &'a Question,
    clean: f64,
    certified_ibp: f64,
    empirical_robust: f64,
    /// Neither misclassified under attack nor proved by IBP.
    gap: f64,
    queries_at_epsilon: u64,
    misclassifications_by: &'a BTreeMap<AttackName, u64>,
    images_inside: u64,
    /// Inside certificates, at the largest radius proved.
    queries_inside: u64,
    queries_inside_by: &'a BTreeMap<AttackName, u64>,
    misclassifications_inside: usize,
    violations: &'a [Violation],
    compared: u64,
    differences: u64,
    gpu: OnGpu,
}

/// The GPU's check of some perturbations from inside certificates.
#[derive(Serialize)]
struct OnGpu {
    /// The adapter, if there is one that answered.
    adapter: Option<String>,
    /// Perturbations that it evaluated.
    compared: u64,
    /// How many of those have other logits than the attack saw.
    differences: u64,
    /// Why nothing was compared.
    reason: Option<String>,
}

pub(super) fn run(args: &Args) -> Result<(), CliError> {
    match (&args.command, &args.attack) {
        (Some(Command::Merge(args)), _) => merge(args),
        (None, args) => run_attack(args.as_ref().expect("clap asks for a model")),
    }
}

fn run_attack(args: &AttackArgs) -> Result<(), CliError> {
    let (model, model_sha256) = read_model(&args.model)?;
    args.on.check(&model.metadata.dataset, &args.model)?;
    let test = args.on.test(args.limit)?;
    let _lock = match &args.state {
        Some(path) => {
            let lock = Lock::take(path)?;
            check_writable(path)?;
            Some(lock)
        }
        None => None,
    };
    let question = Question {
        model_sha256,
        dataset: args.on.dataset.as_str().into(),
        epsilon: args.epsilon.to_string(),
        attack: args.attack.clone(),
        images: test.len(),
        queries_per_image: args.queries,
        reference: args.reference,
        seed: args.seed,
        scale: model.net.scale(),
        shard: args.shard,
    };
    let outcome = attack(args, &model.net, &test, &question)?;
    let gpu = on_gpu(&model.net, &outcome.kept);
    report(&question, &outcome, gpu, args.json)
}

/// Reports the sum of all shards.
fn merge(args: &MergeArgs) -> Result<(), CliError> {
    if let Some(path) = &args.out {
        check_writable(path)?;
    }
    let (question, outcome) = merged(&args.states)?;
    if let Some(path) = &args.out {
        write_state(path, &question, &outcome)?;
    }
    let gpu = OnGpu {
        adapter: None,
        compared: 0,
        differences: 0,
        reason: Some("each shard asked for its own".into()),
    };
    report(&question, &outcome, gpu, args.json)
}

/// Prints the report, then fails if something is in it that must not be.
fn report(
    question: &Question,
    outcome: &Outcome,
    gpu: OnGpu,
    as_json: bool,
) -> Result<(), CliError> {
    let differences = outcome.differences + gpu.differences;
    let compared = outcome.compared + gpu.compared;
    let report = Report::new(question, outcome, gpu);
    if as_json {
        let json = serde_json::to_string(&report).expect("strings and numbers are JSON");
        print_line(json);
    } else {
        print(report.to_text());
    }
    match outcome.violations.first() {
        Some(violation) => Err(CliError::BrokenCertificate {
            image: violation.image,
            radius: violation.radius.levels(question.scale),
        }),
        None if differences > 0 => Err(CliError::OtherLogits {
            differences,
            compared,
        }),
        None => Ok(()),
    }
}

/// Attacks the images that the state file has not seen yet; gives the outcome of all.
fn attack(
    args: &AttackArgs,
    net: &ExactNet,
    test: &Dataset,
    question: &Question,
) -> Result<Outcome, CliError> {
    let queries = question
        .queries_per_image
        .saturating_mul(question.images as u64);
    let terms: usize = net.weights_kept().iter().map(|(_, all)| all).sum();
    let most = (REFERENCE_TERMS / terms as u64).max(1);
    let sample_every = match args.reference.min(most) {
        0 => None,
        compared => Some(NonZeroU64::new(queries / compared).unwrap_or(NonZeroU64::MIN)),
    };
    // Four bytes a weight, those that were dropped included.
    let bytes = 4 * terms as u64;
    if sample_every.is_some() && bytes > MAX_REFERENCE_BYTES {
        return Err(CliError::Reference {
            path: args.model.clone(),
            gigabytes: bytes >> 30,
        });
    }
    let reference = sample_every.map(|_| DenseNet::from_exact(net));
    let evaluation = RobustnessEvaluation {
        attack: question.attack.clone(),
        epsilon: args.epsilon.ticks(net.scale()),
        seed: args.seed.into(),
        queries: args.queries,
        sample_every,
    };
    let mut outcome = match &args.state {
        Some(path) => begun(path, question)?,
        None => Outcome::default(),
    };
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} images [{elapsed}, {eta} left]");
    let indices: Vec<_> = question.shard.indices(question.images).collect();
    let bar = ProgressBar::new(indices.len() as u64)
        .with_style(style.expect("the template is well-formed"));
    bar.set_position(outcome.images);
    bar.reset_eta();
    let done = indices.len().min(outcome.images as usize);
    for chunk in indices[done..].chunks(CHUNK) {
        let attacked: Result<Vec<_>, _> = chunk
            .par_iter()
            .map(|&index| {
                let (image, label) = (test.image(index), test.labels[index].into());
                let outcome =
                    evaluation.attack_image(net, reference.as_ref(), index as u64, image, label);
                bar.inc(1);
                outcome
            })
            .collect();
        let attacked = attacked.map_err(|source| CliError::Attack {
            path: args.model.clone(),
            source,
        })?;
        for image in attacked {
            outcome += image;
        }
        if let Some(path) = &args.state {
            write_state(path, question, &outcome)?;
        }
    }
    bar.finish_and_clear();
    Ok(outcome)
}

/// Evaluates the kept perturbations on the GPU; without one, reports why.
fn on_gpu(net: &ExactNet, kept: &[Kept]) -> OnGpu {
    #[cfg(feature = "gpu")]
    let answer = crate::gpu::block_on(compare_on_gpu(net, kept));
    #[cfg(not(feature = "gpu"))]
    let answer = {
        let _ = (net, kept);
        Err("this program was built without the GPU's kernels".to_string())
    };
    answer.unwrap_or_else(|reason| OnGpu {
        adapter: None,
        compared: 0,
        differences: 0,
        reason: Some(reason),
    })
}

#[cfg(feature = "gpu")]
async fn compare_on_gpu(net: &ExactNet, kept: &[Kept]) -> Result<OnGpu, String> {
    use crate::gpu::{Device, GpuCertifier};

    let device = Device::open().await.map_err(|error| sentence(&error))?;
    let twin = GpuCertifier::new(net, &device).map_err(|error| sentence(&error))?;
    let inputs: Vec<i32> = kept.iter().flat_map(|kept| kept.input.clone()).collect();
    let logits = twin.logits_at(&inputs).await;
    let logits = logits.map_err(|error| sentence(&error))?;
    let answers = logits.chunks_exact(net.classes());
    let other = kept
        .iter()
        .zip(answers)
        .filter(|(kept, logits)| kept.logits != *logits);
    Ok(OnGpu {
        adapter: Some(device.name().into()),
        compared: kept.len() as u64,
        differences: other.count() as u64,
        reason: None,
    })
}

impl<'a> Report<'a> {
    fn new(question: &'a Question, outcome: &'a Outcome, gpu: OnGpu) -> Self {
        let fraction = |count: u64| count as f64 / outcome.images as f64;
        Self {
            question,
            clean: fraction(outcome.clean),
            certified_ibp: fraction(outcome.certified),
            empirical_robust: fraction(outcome.empirical_robust),
            gap: fraction(outcome.empirical_robust - outcome.certified),
            queries_at_epsilon: outcome.queries_at_epsilon,
            misclassifications_by: &outcome.misclassifications_by,
            images_inside: outcome.images_inside,
            queries_inside: outcome.queries_inside_by.values().sum(),
            queries_inside_by: &outcome.queries_inside_by,
            misclassifications_inside: outcome.violations.len(),
            violations: &outcome.violations,
            compared: outcome.compared,
            differences: outcome.differences,
            gpu,
        }
    }

    fn to_text(&self) -> String {
        let counts = |counts: &BTreeMap<AttackName, u64>| {
            let counts = counts
                .iter()
                .map(|(attack, count)| format!("{attack} {count}"));
            counts.collect::<Vec<_>>().join(", ")
        };
        let percent = |fraction: f64| 100.0 * fraction;
        format!(
            "model    sha256 {}\n\
             test set {}, {} images{}, ε = {}, seed {}\n\
             clean accuracy             {:6.2} %\n\
             empirical robust accuracy  {:6.2} %   attack {}, {} queries; misclassified by: {}\n\
             certified accuracy (IBP)   {:6.2} %   gap {:.2} %\n\
             inside the certificates of {} images: {} queries ({}), {} misclassified\n\
             checked by the reference: {}, {} with other logits\n\
             checked by a GPU: {}\n",
            self.question.model_sha256,
            self.question.dataset,
            self.question.images,
            match self.question.shard {
                Shard::WHOLE => String::new(),
                shard => format!(", of these shard {shard}"),
            },
            self.question.epsilon,
            self.question.seed,
            percent(self.clean),
            percent(self.empirical_robust),
            self.question.attack,
            self.queries_at_epsilon,
            counts(self.misclassifications_by),
            percent(self.certified_ibp),
            percent(self.gap),
            self.images_inside,
            self.queries_inside,
            counts(self.queries_inside_by),
            self.misclassifications_inside,
            self.compared,
            self.differences,
            self.gpu.to_text(),
        )
    }
}

impl OnGpu {
    fn to_text(&self) -> String {
        let OnGpu {
            adapter,
            compared,
            differences,
            reason,
        } = self;
        match (adapter, reason) {
            (Some(adapter), _) => {
                format!("{compared}, {differences} with other logits ({adapter})")
            }
            (None, reason) => format!("none: {}", reason.as_deref().unwrap_or("no adapter")),
        }
    }
}
