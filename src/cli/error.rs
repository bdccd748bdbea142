//! Why a command fails, in a sentence that says what to do.

use std::io;
use std::path::PathBuf;

use crate::attack::AttackError;
use crate::data::DataError;
use crate::data::import::{ImportError, PictureError};
#[cfg(feature = "pytorch")]
use crate::exact::QuantizeError;
use crate::exact::teach::TeachError;
use crate::exact::{CertifyError, EnsembleError, InputError, Levels, LineageError, ModelError};
use crate::interop::onnx::OnnxError;
use crate::interop::plain::PlainError;
#[cfg(feature = "pytorch")]
use crate::interop::pytorch::AuthorsError;
use crate::train::TrainError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The report or a line of it cannot be printed.
    #[error("cannot print to the standard output")]
    Print {
        /// What the system says.
        source: io::Error,
    },
    /// The file to write is there already.
    #[error("{} exists already; name another file, or add --force to replace it", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The run's folder holds another run.
    #[error("{} exists already; add --resume to go on with that run, or name another folder with --out", path.display())]
    RunExists {
        /// The checkpoint.
        path: PathBuf,
    },
    /// The run's folder holds the log of a run, and no checkpoint.
    #[error("{} is the log of a run that left no checkpoint to go on from; remove it, or name another folder with --out", path.display())]
    LogExists {
        /// The log.
        path: PathBuf,
    },
    /// `--resume` with other hyperparameters than the run began with.
    #[error("{} belongs to another run, whose {hyperparameter} is {begun} where {asked} is asked for; give what it began with, or leave out --preset to go on with all of that", path.display())]
    OtherRun {
        /// The checkpoint.
        path: PathBuf,
        /// The first hyperparameter that differs.
        hyperparameter: String,
        /// Its value in the command.
        asked: String,
        /// Its value in the checkpoint.
        begun: String,
    },
    /// The hyperparameters or the data of a run are refused.
    #[error("the run cannot begin")]
    Begin {
        /// Which, and what it may be.
        source: TrainError,
    },
    /// A checkpoint cannot be used.
    #[error("{} cannot be used", path.display())]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        source: TrainError,
    },
    /// A run broke off.
    #[error("{left}")]
    Train {
        /// What is left of it.
        left: String,
        /// Why it broke off.
        source: TrainError,
    },
    /// The GPU cannot be measured.
    #[cfg(feature = "webgpu")]
    #[error("the GPU cannot be measured")]
    Gpu {
        /// Why not.
        source: TrainError,
    },
    /// The exact network cannot be measured on the GPU.
    #[cfg(feature = "gpu")]
    #[error("the GPU cannot be measured: {why}")]
    GpuFailed {
        /// Why not.
        why: String,
    },
    /// There is no such recipe for a baseline.
    #[error(transparent)]
    Recipe(#[from] crate::baseline::train::ConfigError),
    /// A baseline cannot be trained.
    #[error("the baseline cannot be trained")]
    Baseline {
        /// Why not.
        source: crate::baseline::train::TrainError,
    },
    /// A model of another data set than the one asked for.
    #[error("{} was trained on {found}, not on {asked}; give its own --dataset", path.display())]
    OtherDataset {
        /// The model.
        path: PathBuf,
        /// What it was trained on.
        found: String,
        /// What was asked for.
        asked: String,
    },
    /// A model is to be measured on another data set than it was trained on.
    #[error("{} was trained on {trained_on}, not on {asked}; give its own --dataset, or add --other-dataset to measure it on {asked} all the same", path.display())]
    MeasuredElsewhere {
        /// The model.
        path: PathBuf,
        /// What it was trained on.
        trained_on: String,
        /// What was asked for.
        asked: String,
    },
    /// More images are asked for than there are.
    #[error("--limit is {limit}, but there are {images} test images")]
    Limit {
        /// What was asked for.
        limit: usize,
        /// How many there are.
        images: usize,
    },
    /// More images are to be attacked than there are.
    #[error("--attacked is {attacked}, but there are {images} images")]
    Attacked {
        /// What was asked for.
        attacked: usize,
        /// How many there are.
        images: usize,
    },
    /// A checkpoint or model of a data set that this program does not know.
    #[error("{} was trained on `{dataset}`, which this program does not know", path.display())]
    UnknownDataset {
        /// The file.
        path: PathBuf,
        /// The data set's name.
        dataset: String,
    },
    /// A model whose lineage names no training run that this program knows.
    #[error("{} does not record the training run that it comes from, so it is not known which images it was trained on; take a model that `linf export` wrote", path.display())]
    NoRun {
        /// The model.
        path: PathBuf,
    },
    /// A model whose record of its run cannot be read.
    #[error("{} records a run that this program does not understand", path.display())]
    Run {
        /// The model.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The lineage of what is to be written has no room in a file.
    #[error("the lineage of the new model cannot be recorded")]
    Lineage {
        /// Why not.
        source: LineageError,
    },
    /// A model for which every image was trained on.
    #[error("for {} all images were trained on, or its lineage does not tell, so none of them were held out; leave out --held-out to measure on the test set", path.display())]
    NoneHeldOut {
        /// The model.
        path: PathBuf,
    },
    /// A model whose record of its run cannot be true here.
    #[error("{} records a run that cannot have been one on these images", path.display())]
    OtherImages {
        /// The model.
        path: PathBuf,
        /// What is wrong with it.
        source: TrainError,
    },
    /// Models that are no ensemble.
    #[error("these models cannot be joined")]
    Ensemble {
        /// Why not.
        source: EnsembleError,
    },
    /// An ensemble where one net is wanted.
    #[error("{} is an ensemble; take its members with `linf member`, prune them, and join them again", path.display())]
    PruneEnsemble {
        /// The model.
        path: PathBuf,
    },
    /// A member that a model has not.
    #[error("{} has no member {number}; members are numbered from 1, and it has {members}", path.display())]
    NoMember {
        /// The model.
        path: PathBuf,
        /// What was asked for.
        number: usize,
        /// How many it has.
        members: usize,
    },
    /// Models of different data sets or radii.
    #[error("{} and {} were not trained for the same data set and ε, so they cannot be joined", first.display(), path.display())]
    OtherAim {
        /// The first model.
        first: PathBuf,
        /// The one that differs from it.
        path: PathBuf,
    },
    /// Another program writes the same file.
    #[error("{} is being written by another linf; wait for it to end, or name another place", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// Ctrl-C cannot be caught.
    #[error("cannot listen for Ctrl-C, which a run needs to be stopped without loss")]
    Interrupts,
    /// A file is not a model.
    #[error("{} is not a model that can be used", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ModelError,
    },
    /// A file is not a baseline.
    #[error("{} is neither an ℓ∞-dist net nor a baseline that can be used", path.display())]
    BaselineModel {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: crate::baseline::ModelError,
    },
    /// The data set is missing or not the published one.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The files that `--data` names are no data set.
    #[error("{} cannot be used", path.display())]
    Import {
        /// The first of the files.
        path: PathBuf,
        /// Why not.
        source: ImportError,
    },
    /// A run on images of one's own, which are not given.
    #[error("{} was trained on images of somebody's own, `{title}`; give them with --data", path.display())]
    OwnImages {
        /// The checkpoint.
        path: PathBuf,
        /// What they were called.
        title: String,
    },
    /// `--set held_out` beside images whose split is made when they are read.
    #[error(
        "--set held_out does not go with --data, of which {held_out} images are held out so that equal images stay together; add --all-images to train on all"
    )]
    OwnHeldOut {
        /// How many.
        held_out: usize,
    },
    /// A class of `--data` that the model has not.
    #[error("{} has no class `{class}`, which is one of those of --data; its classes are {classes}", path.display())]
    OtherClass {
        /// The model.
        path: PathBuf,
        /// The class.
        class: String,
        /// Those of the model.
        classes: String,
    },
    /// Other images than those of the run, where it must be known which of them it was trained on.
    #[error("--data does not hold the images that {} was trained with, in the same split; give the same files, read in the same way", path.display())]
    OtherOwnImages {
        /// The model.
        path: PathBuf,
    },
    /// The model takes other images than it was given.
    #[error("{} takes other images", path.display())]
    Input {
        /// The model's file.
        path: PathBuf,
        /// The two sizes.
        source: InputError,
    },
    /// The model cannot be attacked with these images.
    #[error("{} cannot be attacked with these images", path.display())]
    Attack {
        /// The model's file.
        path: PathBuf,
        /// Why.
        source: AttackError,
    },
    /// The plain reference does not fit into memory.
    #[error("the plain reference of {} would take {gigabytes} GiB of memory; add --reference 0 to attack without it", path.display())]
    Reference {
        /// The model's file.
        path: PathBuf,
        /// What it would take, rounded down.
        gigabytes: u64,
    },
    /// A file is not a state of `linf attack`.
    #[error("{} is no state of attacks; name another file with --state", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A state of `linf attack` that something else has written.
    #[error("{} is not as `linf attack` wrote it, so its counts are not believed; name another file with --state", path.display())]
    EditedState {
        /// The file.
        path: PathBuf,
    },
    /// `--state` of other attacks.
    #[error("{} belongs to attacks with another model or other options; give those it began with, or name another file", path.display())]
    OtherQuestion {
        /// The file.
        path: PathBuf,
    },
    /// State files that are not the shards of one evaluation.
    #[error("{} cannot be merged: {reason}", path.display())]
    Shards {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// An image misclassified where its label is proved.
    #[error(
        "a certificate is wrong: test image {image} is misclassified within {radius}, where its label is \
         proved; `violations` of --json holds the perturbed image; please report it"
    )]
    BrokenCertificate {
        /// Index of the image.
        image: u64,
        /// The proved radius.
        radius: Levels,
    },
    /// The fast evaluation disagrees with the reference.
    #[error(
        "{differences} of {compared} perturbed images have other logits in the reference evaluation; please report it"
    )]
    OtherLogits {
        /// How many differ.
        differences: u64,
        /// How many were compared.
        compared: u64,
    },
    /// A file is not a PNG.
    #[error("{} cannot be certified: it", path.display())]
    Png {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        source: PictureError,
    },
    /// A network cannot be taught.
    #[error("{} cannot be taught", path.display())]
    Teach {
        /// The model.
        path: PathBuf,
        /// Why not.
        source: TeachError,
    },
    /// Other images than those that a model was taught.
    #[error("the images of {} have the SHA-256 {found}, not {expected}; leave out --images-sha256 to teach these", path.display())]
    OtherTaughtImages {
        /// The folder.
        path: PathBuf,
        /// That of the images.
        found: String,
        /// What was asked for.
        expected: String,
    },
    /// A folder without folders of classes.
    #[error("{} holds no folders; put the images of each class into a folder of its name", path.display())]
    NoClassFolders {
        /// The folder.
        path: PathBuf,
    },
    /// A folder that is named by no class.
    #[error("{} is named by no class; the classes are {classes}", path.display())]
    NoSuchClass {
        /// The folder.
        path: PathBuf,
        /// All classes.
        classes: String,
    },
    /// A checkpoint of the authors' programs cannot be imported.
    #[cfg(feature = "pytorch")]
    #[error("{} cannot be imported", path.display())]
    Authors {
        /// The checkpoint.
        path: PathBuf,
        /// Why not.
        source: AuthorsError,
    },
    /// The numbers of a checkpoint cannot be rounded to an exact network.
    #[cfg(feature = "pytorch")]
    #[error("{} cannot become an exact network", path.display())]
    Quantize {
        /// The checkpoint.
        path: PathBuf,
        /// Why not.
        source: QuantizeError,
    },
    /// A network for other images than the data set's.
    #[cfg(feature = "pytorch")]
    #[error(
        "{} takes {} pixels and gives {} classes, but the data set has {} and {}; give its own --dataset",
        path.display(), found[0], found[1], expected[0], expected[1]
    )]
    OtherShape {
        /// The checkpoint.
        path: PathBuf,
        /// Its pixels and classes.
        found: [usize; 2],
        /// Those of the data set.
        expected: [usize; 2],
    },
    /// A model cannot be written as ONNX.
    #[error("{} cannot be written as ONNX", path.display())]
    Onnx {
        /// The model.
        path: PathBuf,
        /// Why not.
        source: OnnxError,
    },
    /// A model cannot be written as plain numbers.
    #[error("{} cannot be written as plain numbers", path.display())]
    Plain {
        /// The model.
        path: PathBuf,
        /// Why not.
        source: PlainError,
    },
    /// Test images are asked for that there are not.
    #[error("--images goes to {last}, but there are {images} test images, numbered from 0")]
    NoSuchImages {
        /// The last one asked for.
        last: usize,
        /// How many there are.
        images: usize,
    },
    /// An image of which no certificate can be written.
    #[error("there is no certificate of {} to write", path.display())]
    NoCertificate {
        /// The image.
        path: PathBuf,
        /// Why not.
        source: CertifyError,
    },
    /// Two images whose certificates would be one file.
    #[error("two of the images would have the certificate {}; certify them one by one", path.display())]
    SameName {
        /// The certificate's file.
        path: PathBuf,
    },
    /// A folder without images.
    #[error("{} holds no file that ends in .png", path.display())]
    NoImages {
        /// The folder.
        path: PathBuf,
    },
    /// Some of several images cannot be certified; each has its own message.
    #[error("{failed} of {images} images could not be certified; see the messages above")]
    SomeImages {
        /// How many.
        failed: usize,
        /// Of how many.
        images: usize,
    },
    /// A file is to be written in a format that this program does not write.
    #[error("{} ends in none of {endings}; the ending says how it is written", path.display())]
    Ending {
        /// The file.
        path: PathBuf,
        /// The endings that there are.
        endings: &'static str,
    },
    /// A PNG of the wrong size.
    #[error(
        "{} is {found}, but the net takes {expected}; resize it, for example with \
         `magick IN.png -resize {expected}! OUT.png`",
        path.display()
    )]
    ImageSize {
        /// The file.
        path: PathBuf,
        /// Its width and height.
        found: String,
        /// Those of the net's images.
        expected: String,
    },
}
