//! Images of one's own: files as people have them in, one checked [`Imported`] set out.
//!
//! Four formats are read: a zip or folder with a folder of PNG or JPEG files for each class, a pair of IDX
//! files (raw or gzip), and a CSV of labels and pixels; beside them EMNIST's file of names. Such files come from anywhere, so whatever is wrong
//! with one becomes a [`Problem`] that names the file and the row, and the rest is used. Everything that a
//! file claims (sizes, lengths, counts) is judged before memory is taken for it.
//!
//! Every image becomes 28×28 grey levels, bright ink on black, as the drawings of the page are.

mod archive;
mod grey;
mod idx_pair;
mod mapping;
mod picture;
mod problem;
mod radius;
mod split;
mod table;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::strokes::{PIXELS, SIDE};
use super::{Dataset, DatasetDescription, ImportOptions, Ink, Normalisation, Origin};
use idx_pair::IdxFiles;
use mapping::Mapping;

pub use grey::{Fit, Grey};
pub use picture::{Background, PictureError, Png, read_picture};
pub use problem::{At, ImportError, Problem, Wrong};
pub use split::FEW;

/// Most bytes of a file, 256 MiB.
pub const MOST_BYTES: usize = 256 << 20;
/// Most bytes that an archive unpacks to in all, 512 MiB; they are never in memory together.
pub const MOST_UNPACKED_BYTES: usize = 512 << 20;
/// Most bytes of a picture's file, 32 MiB.
pub const MOST_PICTURE_BYTES: usize = 32 << 20;
/// Most images that are taken: all of EMNIST's letters, in 103 MB.
pub const MOST_IMAGES: usize = 1 << 17;
/// Most classes.
pub const MOST_CLASSES: usize = 64;
/// Problems that are kept with their words; all are counted.
const MOST_PROBLEMS: usize = 100;
/// Most bytes of a class's name.
const MOST_NAME: usize = 40;
/// What the names of imported data sets begin with, so that none is that of a described one.
const OWN: &str = "own-";

/// Collects images from files, one after the other.
#[derive(Debug)]
pub struct Importer {
    options: ImportOptions,
    images: Vec<u8>,
    /// Index of each image's class in the order of first sight.
    labels: Vec<u8>,
    classes: HashMap<String, u8>,
    /// Names beyond the classes that are possible.
    beyond: BTreeSet<String>,
    /// The classes that there are, where they are known; images of others are left out.
    known: Option<Vec<String>>,
    /// Images of each class that is none of the known ones.
    unknown: BTreeMap<String, usize>,
    /// Images whose own border is bright.
    bright_borders: Vec<bool>,
    idx: IdxFiles,
    mapping: Mapping,
    problems: Problems,
    is_full: bool,
}

/// What of the files could not be used.
#[derive(Debug, Default)]
pub struct Problems {
    /// The first hundred.
    pub listed: Vec<Problem>,
    /// How many there are.
    pub count: usize,
}

impl Problems {
    fn add(&mut self, file: &str, at: At, what: impl Into<Wrong>) {
        self.count += 1;
        if self.listed.len() < MOST_PROBLEMS {
            self.listed.push(Problem {
                file: file.into(),
                at,
                what: what.into(),
            });
        }
    }
}

/// A data set from files, in the order that a run splits it: images to train on, then the held-out ones.
#[derive(Debug)]
pub struct Imported {
    /// All images; the description's `training_images` counts them.
    pub data: Dataset,
    /// How many of the last are held out.
    pub held_out: usize,
    /// Images of which there is another, equal one. Equal images are never on both sides of the split.
    pub duplicates: usize,
    /// Equal images with different labels.
    pub contradictions: usize,
    /// Whether negatives were taken.
    pub inverted: bool,
    /// Images whose border says that their ink is not that of the others.
    pub other_ink: usize,
    /// The ε that is suggested to train for, as a decimal fraction.
    pub suggested_epsilon: &'static str,
}

/// Images with their labels, in the order in which they were read: nothing is held out.
#[derive(Debug, Default)]
pub struct Labelled {
    /// Grey levels, `[images, 784]`, bright ink on black.
    pub images: Vec<u8>,
    /// Index of each image's class among the known ones, `[images]`.
    pub labels: Vec<u8>,
}

impl Importer {
    /// An importer without images that takes those of these classes, as those of a network. A folder or a
    /// label stands for the class of that name, in any case and with a hyphen for each slash, or of that
    /// number. See [`Importer::finish_labelled`].
    pub fn of_classes(options: ImportOptions, classes: Vec<String>) -> Self {
        Self {
            known: Some(classes),
            ..Self::new(options)
        }
    }

    /// An importer without images.
    pub fn new(options: ImportOptions) -> Self {
        Self {
            known: None,
            unknown: BTreeMap::new(),
            options,
            images: Vec::new(),
            labels: Vec::new(),
            classes: HashMap::new(),
            beyond: BTreeSet::new(),
            bright_borders: Vec::new(),
            idx: IdxFiles::default(),
            mapping: Mapping::default(),
            problems: Problems::default(),
            is_full: false,
        }
    }

    /// Reads a file. `path` is its name with the folders it lies in, joined by `/`; what it holds tells the
    /// format. Whatever is wrong becomes a problem.
    pub fn add(&mut self, path: &str, bytes: &[u8]) {
        if is_hidden(path) {
            return;
        }
        if bytes.len() > MOST_BYTES {
            return self.refuse(path, At::File, Wrong::TooLarge);
        }
        if bytes.starts_with(b"PK") {
            self.add_archive(path, bytes);
        } else if is_picture(bytes) {
            self.add_picture(path, path, bytes);
        } else if idx_pair::is_idx(bytes) {
            self.add_idx(path, bytes);
        } else if mapping::is_mapping(bytes) {
            self.add_mapping(path, bytes);
        } else if table::is_table(path, bytes) {
            self.add_table(path, bytes);
        } else {
            self.refuse(path, At::File, Wrong::Format);
        }
    }

    /// Notes a file that could not even be read, or is too large to be.
    pub fn refuse(&mut self, path: &str, at: At, what: impl Into<Wrong>) {
        self.problems.add(path, at, what);
    }

    /// How many images there are so far.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Adds a PNG or JPEG whose class is the folder that it lies in, by its `path`; `file` is what problems
    /// call it.
    fn add_picture(&mut self, file: &str, path: &str, bytes: &[u8]) {
        let Some(class) = class_of(path) else {
            return self.refuse(file, At::File, Wrong::NoClass);
        };
        if bytes.len() > MOST_PICTURE_BYTES {
            return self.refuse(file, At::File, Wrong::EntryTooLarge);
        }
        let background = match self.options.ink {
            Ink::Auto => Background::Contrast,
            Ink::Bright => Background::Black,
            Ink::Dark => Background::White,
        };
        match read_picture(bytes, background) {
            Ok(grey) => self.take(file, At::File, class, grey),
            Err(error) => self.refuse(file, At::File, error),
        }
    }

    /// Takes an image of a class.
    fn take(&mut self, file: &str, at: At, class: &str, mut grey: Grey) {
        if self.labels.len() == MOST_IMAGES {
            // Said once: what follows is the same.
            if !self.is_full {
                self.is_full = true;
                self.refuse(file, at, Wrong::TooManyImages);
            }
            return;
        }
        let Some(label) = self.label(class) else {
            return;
        };
        if self.options.transposed {
            grey = grey.transposed();
        }
        let bright_border = grey.has_bright_border();
        let negative = match self.options.ink {
            Ink::Auto => bright_border,
            Ink::Bright => false,
            Ink::Dark => true,
        };
        if negative {
            grey = grey.inverted();
        }
        let fit = match self.options.centred {
            true => Fit::Strokes,
            false => Fit::Whole,
        };
        self.images.extend(grey.fitted(fit));
        self.labels.push(label);
        self.bright_borders.push(bright_border);
    }

    /// The label of a class; none if there are too many classes.
    fn label(&mut self, class: &str) -> Option<u8> {
        let class = plain(class);
        if let Some(known) = &self.known {
            let label = place_of(&class, known);
            if label.is_none() && self.unknown.len() < MOST_IMAGES / 16 {
                *self.unknown.entry(short(&class).into()).or_default() += 1;
            }
            return label;
        }
        if let Some(label) = self.classes.get(&class) {
            return Some(*label);
        }
        if self.classes.len() == MOST_CLASSES {
            if self.beyond.len() < MOST_IMAGES / 16 {
                self.beyond.insert(short(&class).into());
            }
            return None;
        }
        let label = self.classes.len() as u8;
        self.classes.insert(class, label);
        Some(label)
    }

    /// Makes one set of everything that was read; `name` is what the user calls it.
    ///
    /// # Errors
    /// Fails if there are not two classes with a few images. The problems say what was left out either way.
    pub fn finish(mut self, name: &str) -> (Result<Imported, ImportError>, Problems) {
        self.finish_idx();
        let named = self.name_classes();
        let problems = std::mem::take(&mut self.problems);
        (named.and_then(|()| self.into_set(name)), problems)
    }

    /// Gives the images of the classes that the importer was made for. The problems say what was left out.
    pub fn finish_labelled(mut self) -> (Labelled, Problems) {
        self.finish_idx();
        self.agree_on_ink();
        for (class, images) in std::mem::take(&mut self.unknown) {
            self.refuse(&class, At::File, Wrong::UnknownClass { images });
        }
        let Self { images, labels, .. } = self;
        (Labelled { images, labels }, self.problems)
    }

    fn into_set(mut self, name: &str) -> Result<Imported, ImportError> {
        if !self.beyond.is_empty() {
            let found = self.classes.len() + self.beyond.len();
            return Err(ImportError::TooManyClasses { found });
        }
        let classes = self.sort_classes();
        match &classes[..] {
            [] => return Err(ImportError::NoImages),
            [only] => return Err(ImportError::OneClass(only.clone())),
            _ => {}
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = classes.iter().find(|class| !seen.insert(*class)) {
            return Err(ImportError::SameName(twice.clone()));
        }
        let (inverted, other_ink) = self.agree_on_ink();
        let split = split::split(
            &self.images,
            &self.labels,
            classes.len(),
            self.options.split_seed,
        )?;
        let (images, labels) = split.ordered(&self.images, &self.labels);
        let training = images.len() / PIXELS - split.held_out;
        let normalisation = normalisation(&images[..training * PIXELS])?;
        let suggested_epsilon = radius::suggested(&images, &labels, training);
        let description = DatasetDescription {
            training_images: labels.len(),
            classes,
            imported: Some(Origin {
                sha256: super::sha256_hex(&[&images[..], &labels[..]].concat()),
                options: self.options,
            }),
            ..DatasetDescription::in_memory(&own_name(name), [SIDE; 2], 0, normalisation)
        };
        let description = DatasetDescription {
            title: title(name),
            ..description
        };
        Ok(Imported {
            data: Dataset {
                description: description.into(),
                images,
                labels,
            },
            held_out: split.held_out,
            duplicates: split.duplicates,
            contradictions: split.contradictions,
            inverted,
            other_ink,
            suggested_epsilon,
        })
    }

    /// Numbers the classes in the order of their names, of numbers if all are, and gives the names.
    fn sort_classes(&mut self) -> Vec<String> {
        let mut sorted: Vec<_> = self.classes.iter().collect();
        let number = |name: &str| name.parse::<u64>().ok();
        match sorted.iter().all(|(name, _)| number(name).is_some()) {
            // "1" and "01" are two names of one number.
            true => sorted.sort_by_key(|(name, _)| (number(name), *name)),
            false => sorted.sort(),
        }
        let mut places = [0; MOST_CLASSES];
        for (place, (_, label)) in sorted.iter().enumerate() {
            places[usize::from(**label)] = place as u8;
        }
        for label in &mut self.labels {
            *label = places[usize::from(*label)];
        }
        let names = sorted.into_iter().map(|(name, _)| name);
        names.map(|name| short(name).trim_end().into()).collect()
    }

    /// Whether negatives are taken, and how many images would have it otherwise. Where that was to be found
    /// out, most images decide: those that were taken the other way are turned back.
    fn agree_on_ink(&mut self) -> (bool, usize) {
        let bright = self.bright_borders.iter().filter(|bright| **bright).count();
        let all = self.labels.len();
        let inverted = match self.options.ink {
            Ink::Auto => 2 * bright > all,
            Ink::Bright => false,
            Ink::Dark => true,
        };
        if self.options.ink == Ink::Auto {
            let images = self.images.chunks_exact_mut(PIXELS);
            for (image, bright) in images.zip(&self.bright_borders) {
                if *bright != inverted {
                    image.iter_mut().for_each(|level| *level = 255 - *level);
                }
            }
        }
        (inverted, if inverted { all - bright } else { bright })
    }
}

impl Imported {
    /// Images of each class, `[classes]`: those to train on and those held out.
    pub fn counts(&self) -> Vec<[usize; 2]> {
        let mut counts = vec![[0; 2]; self.data.description.classes.len()];
        let training = self.data.len() - self.held_out;
        for (index, label) in self.data.labels.iter().enumerate() {
            counts[usize::from(*label)][usize::from(index >= training)] += 1;
        }
        counts
    }
}

/// The class of a picture: the folder that it lies in.
fn class_of(path: &str) -> Option<&str> {
    let (folder, _) = path.rsplit_once('/')?;
    let class = folder.rsplit('/').next()?.trim();
    (!class.is_empty()).then_some(class)
}

/// Index of the known class that a folder or a label stands for.
fn place_of(class: &str, known: &[String]) -> Option<u8> {
    let is_same = |name: &String| name.replace('/', "-").to_lowercase() == class.to_lowercase();
    // "+1" and "0x1" are no numbers of classes.
    let is_number = class.bytes().all(|letter| letter.is_ascii_digit());
    let number = class.parse().ok().filter(|_| is_number);
    let place = known.iter().position(is_same).or(number)?;
    u8::try_from(place).ok().filter(|_| place < known.len())
}

/// Files that systems leave behind, of which nothing is said.
fn is_hidden(path: &str) -> bool {
    let names = path.split('/');
    let mut hidden = names.map(|name| {
        name.starts_with('.') && name.len() > 1
            || ["__MACOSX", "Thumbs.db", "desktop.ini"].contains(&name)
    });
    hidden.any(|hidden| hidden)
}

fn is_picture(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG") || bytes.starts_with(&[0xff, 0xd8])
}

/// A class's name without control characters; [`short`] of it is what files record.
fn plain(class: &str) -> String {
    let class: String = class
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    match class.trim() {
        "" => "unnamed".into(),
        class => class.into(),
    }
}

/// The start of a name that is as long as a class's may be.
fn short(name: &str) -> &str {
    let name = name.trim();
    &name[..name.floor_char_boundary(MOST_NAME)]
}

/// What an imported set is called in commands and files.
fn own_name(name: &str) -> String {
    let mut plain = String::from(OWN);
    for letter in title(name).chars() {
        match letter.is_ascii_alphanumeric() {
            true => plain.push(letter.to_ascii_lowercase()),
            false if !plain.ends_with('-') => plain.push('-'),
            false => {}
        }
    }
    match plain.trim_end_matches('-') {
        "own" => "own-images".into(),
        plain => plain.into(),
    }
}

/// What an imported set is called in sentences: its file or folder without the ending.
fn title(name: &str) -> String {
    let name = name.trim_end_matches('/');
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = match file.split_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file,
    };
    match short(stem) {
        "" => "images".into(),
        stem => stem.into(),
    }
}

/// Mean and standard deviation of the levels, to four digits of full scale, as the published ones are.
fn normalisation(images: &[u8]) -> Result<Normalisation, ImportError> {
    let mut counts = [0_u64; 256];
    for level in images {
        counts[usize::from(*level)] += 1;
    }
    // Whole numbers below 2⁵³: each is rounded once.
    let moment = |power: u32| {
        let terms = counts.iter().enumerate();
        let sum: u64 = terms
            .map(|(level, count)| (level as u64).pow(power) * count)
            .sum();
        sum as f64 / images.len() as f64
    };
    let mean = moment(1);
    let std = (moment(2) - mean * mean).max(0.0).sqrt();
    let rounded = |levels: f64| ((levels / 255.0 * 1e4).round() / 1e4) as f32;
    match rounded(std) > 0.0 {
        true => Ok(Normalisation {
            mean: rounded(mean),
            std: rounded(std),
        }),
        false => Err(ImportError::Blank),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::datasets;

    #[test]
    fn an_imported_set_is_never_called_as_a_described_one() {
        assert_eq!(own_name("shapes.zip"), "own-shapes");
        assert_eq!(own_name("a/b/My Shapes (2).tar.zip"), "own-my-shapes-2");
        assert_eq!(own_name("…"), "own-images");
        for described in datasets::all() {
            assert!(!described.name.starts_with(OWN));
            assert!(datasets::find(&own_name(&described.name)).is_none());
        }
    }

    #[test]
    fn a_class_has_a_name_that_files_may_record() {
        assert_eq!(plain(" a\tb\n"), "a b");
        assert_eq!(plain("\u{1}"), "unnamed");
        let long = plain(&"ω ".repeat(60));
        assert!(short(&long).len() <= MOST_NAME);
    }

    #[test]
    fn a_known_class_is_found_by_its_name_in_any_case_or_its_number() {
        let known = ["T-shirt/top", "Trouser", "0"].map(String::from);
        for (class, place) in [
            ("t-shirt-top", Some(0)),
            ("TROUSER", Some(1)),
            ("1", Some(1)),
            // A name comes before a number.
            ("0", Some(2)),
            ("3", None),
            ("+1", None),
            ("", None),
            ("Bag", None),
        ] {
            assert_eq!(place_of(class, &known), place, "{class}");
        }
    }

    #[test]
    fn the_class_is_the_folder_that_a_picture_lies_in() {
        assert_eq!(class_of("shapes/train/cross/1.png"), Some("cross"));
        assert_eq!(class_of("cross/1.png"), Some("cross"));
        assert_eq!(class_of("1.png"), None);
        assert_eq!(class_of("/1.png"), None);
        assert!(is_hidden("__MACOSX/cross/._1.png") && is_hidden("a/.DS_Store"));
        assert!(!is_hidden("a/b.png") && !is_hidden("./a/b.png"));
    }

    #[test]
    fn the_normalisation_is_that_of_the_levels() {
        let found = normalisation(&[0, 255, 0, 255]).unwrap();
        assert_eq!(
            found,
            Normalisation {
                mean: 0.5,
                std: 0.5
            }
        );
        assert_eq!(normalisation(&[7; 9]), Err(ImportError::Blank));
    }
}
