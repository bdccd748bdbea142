//! The command line `linf`: files, threads and the terminal are touched here, nowhere deeper.
//!
//! Every failure is one sentence on standard error and exit code 2; output goes to standard
//! output, as one JSON object where `--json` asks for it.

mod attack;
mod baseline;
mod certify;
mod check;
mod compare;
mod curve;
mod ensemble;
mod error;
mod eval;
mod export;
mod formats;
#[cfg(feature = "pytorch")]
mod import;
mod interrupt;
mod lineage;
mod measured;
mod member;
mod network;
mod output;
mod own_data;
mod prune;
mod target;
mod teach;
mod train;

use std::{
    ffi::OsString,
    fmt::Display,
    fs,
    io::{self, ErrorKind, Read, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, LazyLock, Mutex},
    thread,
};

use clap::{Parser, Subcommand, ValueEnum, builder::PossibleValue};
use flate2::read::GzDecoder;

pub(crate) use error::CliError;

use crate::bench::command as bench;
use crate::data::{self, DataError, Dataset, DatasetDescription, Split, datasets};
use crate::error::sentence;
use crate::exact::{InputError, Model};

/// ℓ∞-dist nets with exact integer certificates.
#[derive(Parser)]
#[command(name = "linf", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Train(train::Args),
    Export(export::Args),
    #[cfg(feature = "pytorch")]
    Import(import::Args),
    Prune(prune::Args),
    Teach(teach::Args),
    Ensemble(ensemble::Args),
    Member(member::Args),
    Lineage(lineage::Args),
    Eval(eval::Args),
    Curve(curve::Args),
    Certify(certify::Args),
    Check(check::Args),
    Attack(attack::Args),
    Baseline(baseline::Args),
    Compare(compare::Args),
    Bench(bench::Args),
}

/// A described data set, chosen by its name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DatasetName(&'static Arc<DatasetDescription>);

static DATASETS: LazyLock<Vec<DatasetName>> =
    LazyLock::new(|| datasets::all().iter().map(DatasetName).collect());

impl ValueEnum for DatasetName {
    fn value_variants<'a>() -> &'a [Self] {
        &DATASETS
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.as_str()))
    }
}

impl DatasetName {
    pub(crate) fn as_str(self) -> &'static str {
        &self.0.name
    }

    /// What is known of the data set.
    pub(crate) fn description(self) -> &'static DatasetDescription {
        self.0
    }

    /// The data set that the benchmarks use.
    pub(crate) fn mnist() -> Self {
        let mut known = Self::value_variants().iter().copied();
        let mnist = known.find(|dataset| dataset.as_str() == "mnist");
        mnist.expect("it is described")
    }

    /// The data set that the file at `path` says it was trained on.
    pub(crate) fn recorded(name: &str, path: &Path) -> Result<Self, CliError> {
        let mut known = Self::value_variants().iter().copied();
        let found = known.find(|dataset| dataset.as_str() == name);
        found.ok_or_else(|| CliError::UnknownDataset {
            path: path.into(),
            dataset: name.into(),
        })
    }

    /// Refuses the file at `path` if it records another data set, which it was trained on.
    pub(crate) fn same_as(self, found: &str, path: &Path) -> Result<(), CliError> {
        same_dataset(self.as_str(), found, path)
    }

    /// Loads one split from the data set's own folder in `data_dir`.
    pub(crate) fn load(self, data_dir: &Path, split: Split) -> Result<Dataset, DataError> {
        datasets::load(self.0, &data_dir.join(self.as_str()), split)
    }
}

/// Refuses the file at `path` if it was trained on another data set than the one asked for.
fn same_dataset(asked: &str, found: &str, path: &Path) -> Result<(), CliError> {
    match found == asked {
        true => Ok(()),
        false => Err(CliError::OtherDataset {
            path: path.into(),
            found: found.into(),
            asked: asked.into(),
        }),
    }
}

/// A label with the name of its class, unless that is the same.
fn named(label: usize, class: Option<&str>) -> String {
    match class {
        Some(class) if class != label.to_string() => format!("{label} ({class})"),
        _ => label.to_string(),
    }
}

/// As many threads as this program may run at a time.
pub(crate) fn threads() -> NonZeroUsize {
    thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// What `work` gives with so many threads.
pub(crate) fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.expect("threads can be had").install(work)
}

/// Runs the command that the program's arguments name.
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// Runs the command that the arguments name, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let done = |()| ExitCode::SUCCESS;
    let outcome = match Cli::parse_from(arguments).command {
        Command::Train(args) => train::run(&args),
        Command::Export(args) => export::run(&args).map(done),
        #[cfg(feature = "pytorch")]
        Command::Import(args) => import::run(&args).map(done),
        Command::Prune(args) => prune::run(&args).map(done),
        Command::Teach(args) => teach::run(&args).map(done),
        Command::Ensemble(args) => ensemble::run(&args).map(done),
        Command::Member(args) => member::run(&args).map(done),
        Command::Lineage(args) => lineage::run(&args).map(done),
        Command::Eval(args) => eval::run(&args).map(done),
        Command::Curve(args) => curve::run(&args).map(done),
        Command::Certify(args) => certify::run(&args).map(done),
        Command::Check(args) => check::run(&args),
        Command::Attack(args) => attack::run(&args).map(done),
        Command::Baseline(args) => baseline::run(&args),
        Command::Compare(args) => compare::run(&args).map(done),
        Command::Bench(args) => bench::run(&args).map(done),
    };
    match outcome.and_then(|code| check_printed().map(|()| code)) {
        Ok(code) => code,
        Err(error) => {
            note(format_args!("error: {}", sentence(&error)));
            ExitCode::from(2)
        }
    }
}

/// Says something on standard error. If nobody can be told, the work goes on.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Why standard output took no more, if it did not.
static UNPRINTED: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints text. A reader that has left, such as `head`, has read what it wanted: that is no error. Any
/// other failure is the command's, once its work is done and saved.
pub(crate) fn print(text: impl Display) {
    let mut output = io::stdout().lock();
    let printed = write!(output, "{text}").and_then(|()| output.flush());
    if let Err(error) = printed
        && error.kind() != ErrorKind::BrokenPipe
    {
        let mut unprinted = UNPRINTED.lock().expect("nothing panics while it is held");
        unprinted.get_or_insert(error);
    }
}

/// The same, and ends the line.
pub(crate) fn print_line(text: impl Display) {
    print(format_args!("{text}\n"));
}

/// Fails if something could not be printed.
fn check_printed() -> Result<(), CliError> {
    let mut unprinted = UNPRINTED.lock().expect("nothing panics while it is held");
    match unprinted.take() {
        Some(source) => Err(CliError::Print { source }),
        None => Ok(()),
    }
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    fs::read(path).map_err(|source| CliError::Read {
        path: path.into(),
        source,
    })
}

/// A gzip file that unpacks to more than so many times its size holds no model.
const MOST_UNPACKED: usize = 100;

/// The bytes of a model file, which may be compressed with gzip, as the page's are.
pub(crate) fn read_unpacked(path: &Path) -> Result<Vec<u8>, CliError> {
    let bytes = read(path)?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let limit = MOST_UNPACKED * bytes.len();
    let mut unpacked = Vec::new();
    let mut decoder = GzDecoder::new(&bytes[..]).take(limit as u64 + 1);
    decoder
        .read_to_end(&mut unpacked)
        .and_then(|read| match read <= limit {
            true => Ok(unpacked),
            false => Err(io::Error::new(
                ErrorKind::FileTooLarge,
                format!("it unpacks to more than {MOST_UNPACKED} times its size"),
            )),
        })
        .map_err(|source| CliError::Read {
            path: path.into(),
            source,
        })
}

/// Reads a model file; also gives the SHA-256 of what it unpacks to.
pub(crate) fn read_model(path: &Path) -> Result<(Model, String), CliError> {
    let bytes = read_unpacked(path)?;
    let model = Model::from_bytes(&bytes).map_err(|source| CliError::Model {
        path: path.into(),
        source,
    })?;
    Ok((model, data::sha256_hex(&bytes)))
}

/// The baseline in the bytes of a file; one that takes other images than the data set's is refused.
fn read_baseline(
    path: &Path,
    bytes: &[u8],
    dataset: DatasetName,
) -> Result<crate::baseline::Model, CliError> {
    let path = || PathBuf::from(path);
    let model =
        crate::baseline::Model::from_bytes(bytes).map_err(|source| CliError::BaselineModel {
            path: path(),
            source,
        })?;
    let (found, expected) = (dataset.description().pixels(), model.plain.inputs());
    if found != expected {
        let source = InputError::Pixels { found, expected };
        return Err(CliError::Input {
            path: path(),
            source,
        });
    }
    Ok(model)
}
