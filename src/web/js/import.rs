//! The API of the importer: files in, one checked data set out.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::{js_error, to_js};
use crate::data::ImportOptions;
use crate::data::import::{At, FEW, Imported, Importer, Labelled, Problems, Wrong};
use crate::error::sentence;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** How the files of images are read. */
export interface ImportOptions {
  /** Rows and columns are exchanged, as in EMNIST's files. */
  transposed: boolean;
  /** What the images are drawn with; `auto` looks at their borders. */
  ink: 'auto' | 'bright' | 'dark';
  /** Strokes are scaled and centred as those of a drawing are. */
  centred: boolean;
  /** Seed that decides which images are held out. */
  split_seed: number;
}

/** Images of somebody's own that can be trained on. */
export interface ImportedSet {
  /** What they are, for the trainer: JSON whose `classes` are the names of the classes. */
  description: string;
  /** Name in files, such as own-shapes, and in sentences. */
  name: string;
  title: string;
  /** 784 grey levels an image, bright ink on black; the held-out images are the last. */
  images: Uint8Array<ArrayBuffer>;
  /** A class for each image. */
  labels: Uint8Array<ArrayBuffer>;
  heldOut: number;
  classes: ImportedClass[];
  /** Images that are the same as another. */
  duplicates: number;
  /** Images that are the same as one of another class. */
  contradictions: number;
  /** Whether negatives were taken. */
  inverted: boolean;
  /** Images whose border says that they are drawn the other way. */
  otherInk: number;
  /** The radius that suits them: a decimal fraction of 1.0. */
  epsilon: string;
}

/** A class, and how many of its images there are. */
export interface ImportedClass {
  name: string;
  training: number;
  heldOut: number;
  /** Whether they are too few to learn much from. */
  few: boolean;
}

/** Images of classes that are known, and what of the files could not be used. */
export interface LabelledOutcome {
  /** 784 grey levels an image, bright ink on black, in the order of the files. */
  images: Uint8Array<ArrayBuffer>;
  /** Index of its class for each image. */
  labels: Uint8Array<ArrayBuffer>;
  /** A sentence each, the first hundred. */
  problems: string[];
  problemCount: number;
}

/** What came of files: a data set, or why there is none; and what of them could not be used. */
export interface ImportOutcome {
  set: ImportedSet | null;
  /** A sentence. */
  error: string | null;
  /** A sentence each, the first hundred. */
  problems: string[];
  problemCount: number;
}
"#;

/// Collects images from files, one after the other.
#[wasm_bindgen]
pub struct ImageImporter {
    importer: Importer,
}

#[wasm_bindgen]
impl ImageImporter {
    /// An importer without images. Throws an `Error` if the options are none.
    #[wasm_bindgen(constructor)]
    pub fn new(
        #[wasm_bindgen(unchecked_param_type = "ImportOptions")] options: JsValue,
    ) -> Result<ImageImporter, JsError> {
        console_error_panic_hook::set_once();
        let options: ImportOptions = serde_wasm_bindgen::from_value(options).map_err(js_error)?;
        let importer = Importer::new(options);
        Ok(Self { importer })
    }

    /// An importer that takes the images of these classes alone, as those of a network. Throws an `Error` if
    /// the options are none.
    #[wasm_bindgen(js_name = ofClasses)]
    pub fn of_classes(
        #[wasm_bindgen(unchecked_param_type = "ImportOptions")] options: JsValue,
        classes: Vec<String>,
    ) -> Result<ImageImporter, JsError> {
        console_error_panic_hook::set_once();
        let options: ImportOptions = serde_wasm_bindgen::from_value(options).map_err(js_error)?;
        let importer = Importer::of_classes(options, classes);
        Ok(Self { importer })
    }

    /// Reads a file. `path` is its name with the folders that it lies in, joined by `/`.
    pub fn add(&mut self, path: &str, bytes: &[u8]) {
        self.importer.add(path, bytes);
    }

    /// Notes a file that is too large to be read.
    #[wasm_bindgen(js_name = refuseLarge)]
    pub fn refuse_large(&mut self, path: &str) {
        self.importer.refuse(path, At::File, Wrong::TooLarge);
    }

    /// Notes a file that the browser cannot read.
    #[wasm_bindgen(js_name = refuseUnreadable)]
    pub fn refuse_unreadable(&mut self, path: &str, why: &str) {
        let why = std::io::Error::other(why);
        self.importer.refuse(path, At::File, Wrong::Unreadable(why));
    }

    /// Images so far.
    #[wasm_bindgen(getter)]
    pub fn images(&self) -> usize {
        self.importer.len()
    }

    /// Makes one set of everything that was read; `name` is the file's or folder's.
    #[wasm_bindgen(unchecked_return_type = "ImportOutcome")]
    pub fn finish(self, name: &str) -> Result<JsValue, JsError> {
        let (imported, problems) = self.importer.finish(name);
        let Problems { listed, count } = problems;
        let (set, error) = match imported {
            Ok(imported) => (Some(ImportedSet::new(imported)), None),
            Err(error) => (None, Some(sentence(&error))),
        };
        to_js(&ImportOutcome {
            set,
            error,
            problems: listed.iter().map(|problem| sentence(problem)).collect(),
            problem_count: count,
        })
    }

    /// Gives the images of the classes that the importer was made for, with their labels.
    #[wasm_bindgen(js_name = finishLabelled, unchecked_return_type = "LabelledOutcome")]
    pub fn finish_labelled(self) -> Result<JsValue, JsError> {
        let (Labelled { images, labels }, problems) = self.importer.finish_labelled();
        let Problems { listed, count } = problems;
        to_js(&LabelledOutcome {
            images,
            labels,
            problems: listed.iter().map(|problem| sentence(problem)).collect(),
            problem_count: count,
        })
    }
}

/// Most bytes of a file that is read.
#[wasm_bindgen(js_name = mostBytes)]
pub fn most_bytes() -> usize {
    crate::data::import::MOST_BYTES
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImportOutcome {
    set: Option<ImportedSet>,
    error: Option<String>,
    problems: Vec<String>,
    problem_count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LabelledOutcome {
    #[serde(with = "serde_bytes")]
    images: Vec<u8>,
    #[serde(with = "serde_bytes")]
    labels: Vec<u8>,
    problems: Vec<String>,
    problem_count: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImportedSet {
    description: String,
    name: String,
    title: String,
    #[serde(with = "serde_bytes")]
    images: Vec<u8>,
    #[serde(with = "serde_bytes")]
    labels: Vec<u8>,
    held_out: usize,
    classes: Vec<ImportedClass>,
    duplicates: usize,
    contradictions: usize,
    inverted: bool,
    other_ink: usize,
    epsilon: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ImportedClass {
    name: String,
    training: usize,
    held_out: usize,
    few: bool,
}

impl ImportedSet {
    fn new(imported: Imported) -> Self {
        let description = &imported.data.description;
        let classes = description.classes.iter().zip(imported.counts());
        let classes = classes.map(|(name, [training, held_out])| ImportedClass {
            name: name.clone(),
            training,
            held_out,
            few: training + held_out < FEW,
        });
        Self {
            classes: classes.collect(),
            description: serde_json::to_string(&**description).expect("it is plain data"),
            name: description.name.clone(),
            title: description.title.clone(),
            held_out: imported.held_out,
            duplicates: imported.duplicates,
            contradictions: imported.contradictions,
            inverted: imported.inverted,
            other_ink: imported.other_ink,
            epsilon: imported.suggested_epsilon,
            images: imported.data.images,
            labels: imported.data.labels,
        }
    }
}
