//! `--data`: somebody's own images instead of a described data set.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::{CliError, DatasetName, note, same_dataset};
use crate::data::import::{At, FEW, Imported, Importer, MOST_BYTES, Wrong};
use crate::data::{Dataset, ImportOptions, Ink, Origin, Split};
use crate::exact::Lineage;
use crate::train::TrainConfig;
use crate::train::lineage::origin;

/// Images of one's own.
#[derive(clap::Args)]
pub(super) struct OwnData {
    /// Images of your own: a zip or folder with a folder of PNG or JPEG files for each class, a CSV of label
    /// and pixels, or, given one after the other, the two IDX files of a pair and EMNIST's mapping
    #[arg(long, value_name = "PATH")]
    data: Vec<PathBuf>,
    /// Rows and columns of --data are exchanged, as in the files of EMNIST
    #[arg(long, requires = "data")]
    transpose: bool,
    /// What the images of --data are drawn with; `auto` looks at their borders
    #[arg(long, value_enum, requires = "data")]
    ink: Option<InkName>,
    /// Scale and centre the strokes of --data as the page does with a drawing
    #[arg(long, requires = "data")]
    centre: bool,
    /// Seed that decides which images of --data are held out
    #[arg(long, value_name = "SEED", requires = "data")]
    split_seed: Option<u64>,
}

/// The names of inks on the command line.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum InkName {
    /// What most borders say.
    Auto,
    /// Bright on black.
    Bright,
    /// Dark on white.
    Dark,
}

/// What a run is trained on.
pub(super) enum Images {
    /// A described data set.
    Described(DatasetName),
    /// Somebody's own images.
    Own(Box<Imported>),
}

impl Images {
    /// The images that the two options name, of which clap lets one be given.
    pub(super) fn of(
        dataset: Option<DatasetName>,
        own: &OwnData,
        recorded: Option<&Origin>,
    ) -> Result<Self, CliError> {
        match (dataset, own.load(recorded)?) {
            (_, Some(own)) => Ok(Self::Own(own.into())),
            (Some(dataset), None) => Ok(Self::Described(dataset)),
            (None, None) => unreachable!("clap asks for one of them"),
        }
    }

    /// The name that files record.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Described(dataset) => dataset.as_str(),
            Self::Own(own) => &own.data.description.name,
        }
    }

    /// The configuration for these images.
    pub(super) fn configure(&self, config: TrainConfig) -> TrainConfig {
        match self {
            Self::Described(dataset) => config.on(dataset.description()),
            Self::Own(own) => {
                let epsilon = own.suggested_epsilon.parse();
                let epsilon = epsilon.expect("what is suggested is a decimal");
                config.on_imported(&own.data.description, own.held_out, epsilon)
            }
        }
    }

    /// The images to train on, the held-out ones last.
    pub(super) fn training(&self, data_dir: &Path) -> Result<Dataset, CliError> {
        match self {
            Self::Described(dataset) => Ok(dataset.load(data_dir, Split::Train)?),
            Self::Own(own) => Ok(own.data.clone()),
        }
    }

    /// Refuses the file at `path` if it was trained on another data set.
    pub(super) fn same_as(&self, found: &str, path: &Path) -> Result<(), CliError> {
        same_dataset(self.name(), found, path)
    }
}

/// Folders in a folder that are looked into.
const MOST_DEPTH: usize = 8;

impl OwnData {
    /// Whether images of one's own are given.
    pub(super) fn is_given(&self) -> bool {
        !self.data.is_empty()
    }

    /// The images, if there are any; `recorded` says how they are read unless the arguments do. What could
    /// not be used is said on standard error.
    pub(super) fn load(&self, recorded: Option<&Origin>) -> Result<Option<Imported>, CliError> {
        let Some(first) = self.data.first() else {
            return Ok(None);
        };
        let mut importer = Importer::new(self.options(recorded));
        for path in &self.data {
            let name = file_name(path);
            match path.is_dir() {
                true => add_folder(&mut importer, path, &name, 0)?,
                false => add_file(&mut importer, path, &name)?,
            }
        }
        let (imported, problems) = importer.finish(&file_name(first));
        for problem in &problems.listed {
            note(format_args!("warning: {problem}"));
        }
        let unlisted = problems.count - problems.listed.len();
        if unlisted > 0 {
            note(format_args!("warning: and {unlisted} more like these"));
        }
        let imported = imported.map_err(|source| CliError::Import {
            path: first.clone(),
            source,
        })?;
        note(summary(&imported));
        Ok(Some(imported))
    }

    /// The images of the run behind the model at `path`: of a described data set, or those that are given,
    /// which must be the run's.
    pub(super) fn of_run(&self, run: &Lineage, path: &Path) -> Result<Images, CliError> {
        let dataset = run.text("dataset").unwrap_or_default();
        let Some(origin) = origin(run) else {
            return Ok(Images::Described(DatasetName::recorded(dataset, path)?));
        };
        let own = self.load(Some(&origin))?;
        let own = own.ok_or_else(|| CliError::OwnImages {
            path: path.into(),
            title: dataset.into(),
        })?;
        let found = own.data.description.imported.as_ref();
        match found.is_some_and(|found| found.sha256 == origin.sha256) {
            true => Ok(Images::Own(own.into())),
            false => Err(CliError::OtherOwnImages { path: path.into() }),
        }
    }

    fn options(&self, recorded: Option<&Origin>) -> ImportOptions {
        let is_asked =
            self.transpose || self.ink.is_some() || self.centre || self.split_seed.is_some();
        match recorded {
            Some(origin) if !is_asked => origin.options,
            _ => ImportOptions {
                transposed: self.transpose,
                ink: match self.ink {
                    None | Some(InkName::Auto) => Ink::Auto,
                    Some(InkName::Bright) => Ink::Bright,
                    Some(InkName::Dark) => Ink::Dark,
                },
                centred: self.centre,
                split_seed: self.split_seed.unwrap_or(0),
            },
        }
    }
}

/// What was understood, in a few lines.
fn summary(imported: &Imported) -> String {
    let description = &imported.data.description;
    let classes = description.classes.iter().zip(imported.counts());
    let classes: Vec<_> = classes
        .map(|(name, [training, held_out])| {
            let few = match training + held_out < FEW {
                true => ", which is few",
                false => "",
            };
            format!("{name} ({}{few})", training + held_out)
        })
        .collect();
    let mut lines = vec![format!(
        "{}: {} images, {} of them held out, of {} classes: {}",
        description.title,
        imported.data.len(),
        imported.held_out,
        classes.len(),
        classes.join(", ")
    )];
    if imported.inverted {
        lines.push("dark ink on white: negatives are taken".into());
    }
    let mut count = |number: usize, what: &str| {
        if number > 0 {
            lines.push(format!("{number} images {what}"));
        }
    };
    count(imported.duplicates, "are the same as another");
    count(
        imported.contradictions,
        "are the same as one of another class: see which label is right",
    );
    count(
        imported.other_ink,
        "seem to have the other ink; --ink says which one it is",
    );
    lines.join("\n")
}

fn file_name(path: &Path) -> String {
    let name = path.canonicalize().unwrap_or_else(|_| path.into());
    let name = name.file_name().unwrap_or(path.as_os_str());
    // A hidden file inside of a folder is left out, but not one that is asked for.
    name.to_string_lossy().trim_start_matches('.').to_owned()
}

/// Adds every file of a folder, by name.
fn add_folder(
    importer: &mut Importer,
    folder: &Path,
    name: &str,
    depth: usize,
) -> Result<(), CliError> {
    let unreadable = |source| CliError::Read {
        path: folder.into(),
        source,
    };
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if !path.is_dir() {
            add_file(importer, &path, &name)?;
        } else if depth < MOST_DEPTH {
            add_folder(importer, &path, &name, depth + 1)?;
        } else {
            importer.refuse(&name, At::File, Wrong::TooDeep);
        }
    }
    Ok(())
}

/// Adds a file, of which no more is read than could be used.
fn add_file(importer: &mut Importer, path: &Path, name: &str) -> Result<(), CliError> {
    let mut bytes = Vec::new();
    let mut read = || {
        let file = File::open(path)?;
        match file.metadata()?.len() > MOST_BYTES as u64 {
            true => Ok(false),
            false => file
                .take(MOST_BYTES as u64 + 1)
                .read_to_end(&mut bytes)
                .map(|_| true),
        }
    };
    match read() {
        Ok(true) => importer.add(name, &bytes),
        Ok(false) => importer.refuse(name, At::File, Wrong::TooLarge),
        Err(source) => {
            return Err(CliError::Read {
                path: path.into(),
                source,
            });
        }
    }
    Ok(())
}
