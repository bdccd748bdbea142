//! `linf export MODEL --onnx …`: the formats of runtimes and verifiers.

use std::fmt::Write;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ValueEnum;

use super::output::{Output, check_target};
use super::target::{make_folder_of, write};
use super::{CliError, DatasetName, note, print_line, read_model};
use crate::data::Split;
use crate::exact::{Epsilon, Model};
use crate::interop::onnx::{self, Around, OnnxError, to_onnx};
use crate::interop::plain::{PlainError, to_float_safetensors, to_json};
use crate::interop::vnnlib::{Property, Version};

/// What a model is written as.
#[derive(clap::Args)]
pub(super) struct Formats {
    /// Write the model as ONNX
    #[arg(long, value_name = "FILE.onnx", group = "format")]
    onnx: Option<PathBuf>,
    /// Write a folder of properties for verifiers, in the layout of VNN-COMP: `onnx/`, `vnnlib/` and
    /// `instances.csv`; of VNN-LIB 2.0 `vnnlib-2.0/` and `instances-2.0.csv`
    #[arg(long, value_name = "FOLDER", group = "format", requires_all = ["images", "epsilon"])]
    vnnlib: Option<PathBuf>,
    /// Write the weights as float32 tensors, in pixel levels (.safetensors)
    #[arg(long, value_name = "FILE", group = "format")]
    safetensors_f32: Option<PathBuf>,
    /// Write a small model as JSON
    #[arg(long, value_name = "FILE.json", group = "format")]
    json: Option<PathBuf>,
    /// Form of the ONNX: `compact` for runtimes, `verifier` for verifiers, which with --vnnlib is the
    /// default and is written for each image's box by itself
    #[arg(long, value_enum, requires = "format", conflicts_with_all = ["safetensors_f32", "json"])]
    form: Option<Form>,
    /// Test images of --vnnlib, from 0, both ends included, such as 0..99
    #[arg(long, value_name = "FIRST..LAST", requires = "vnnlib")]
    images: Option<Images>,
    /// Seconds that a verifier may take for a property of --vnnlib
    #[arg(long, default_value_t = 300, requires = "vnnlib")]
    timeout: u32,
}

/// A form of ONNX.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Form {
    /// A few operators on large tensors
    Compact,
    /// `Gemm` and `Relu` alone
    Verifier,
}

impl From<Form> for onnx::Form {
    fn from(form: Form) -> Self {
        match form {
            Form::Compact => Self::Compact,
            Form::Verifier => Self::Verifier,
        }
    }
}

/// Numbers of images.
#[derive(Clone, Debug)]
struct Images(RangeInclusive<usize>);

impl FromStr for Images {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) if first <= last => Ok(Self(first..=last)),
            _ => Err("give a number or a range of them, such as 0..99".into()),
        }
    }
}

impl Formats {
    /// Writes the model at `path` as what was asked for.
    pub(super) fn write(
        &self,
        path: &Path,
        epsilon: Option<Epsilon>,
        output: &Output,
    ) -> Result<(), CliError> {
        let (model, sha256) = read_model(path)?;
        let form = self.form.map(onnx::Form::from);
        let unwritten = |source: OnnxError| CliError::Onnx {
            path: path.into(),
            source,
        };
        let unnumbered = |source: PlainError| CliError::Plain {
            path: path.into(),
            source,
        };
        if let Some(target) = &self.onnx {
            let form = form.unwrap_or(onnx::Form::Compact);
            let bytes = || to_onnx(&model, &sha256, form, None).map_err(unwritten);
            write_file(target, output, bytes)?;
        }
        if let Some(target) = &self.safetensors_f32 {
            let bytes = || to_float_safetensors(&model, &sha256).map_err(unnumbered);
            write_file(target, output, bytes)?;
        }
        if let Some(target) = &self.json {
            let text = || to_json(&model, &sha256).map_err(unnumbered);
            write_file(target, output, || text().map(String::into_bytes))?;
        }
        if let (Some(folder), Some(images), Some(epsilon)) = (&self.vnnlib, &self.images, epsilon) {
            let benchmark = Benchmark {
                model: &model,
                sha256: &sha256,
                form: form.unwrap_or(onnx::Form::Verifier),
                epsilon,
                timeout: self.timeout,
            };
            benchmark.write(path, folder, &images.0, output)?;
        }
        Ok(())
    }
}

/// Writes a file, unless it is there and is not to be replaced, and says how large it is.
fn write_file(
    target: &Path,
    output: &Output,
    bytes: impl FnOnce() -> Result<Vec<u8>, CliError>,
) -> Result<(), CliError> {
    check_target(target, output.force)?;
    let bytes = bytes()?;
    write(target, &bytes)?;
    print_line(format!("{}: {} bytes", target.display(), bytes.len()));
    Ok(())
}

/// A folder of properties.
struct Benchmark<'a> {
    model: &'a Model,
    sha256: &'a str,
    form: onnx::Form,
    epsilon: Epsilon,
    timeout: u32,
}

impl Benchmark<'_> {
    fn write(
        &self,
        path: &Path,
        folder: &Path,
        images: &RangeInclusive<usize>,
        output: &Output,
    ) -> Result<(), CliError> {
        let Self { model, sha256, .. } = self;
        let dataset = DatasetName::recorded(&model.metadata.dataset, path)?;
        let test = dataset.load(&output.data_dir, Split::Test)?;
        let last = *images.end();
        if last >= test.len() {
            let images = test.len();
            return Err(CliError::NoSuchImages { last, images });
        }
        let place = |name: &str| folder.join(name);
        let instances = ["instances.csv", "instances-2.0.csv"].map(place);
        make_folder_of(&instances[0])?;
        check_target(&instances[0], output.force)?;
        let unwritten = |source: OnnxError| CliError::Onnx {
            path: path.into(),
            source,
        };
        let store = |name: &str, bytes: &[u8]| {
            let target = place(name);
            make_folder_of(&target)?;
            write(&target, bytes)
        };
        let mut lists = [String::new(), String::new()];
        let (mut written, mut wrong) = (0, Vec::new());
        let radius = self.epsilon.ticks(model.net.scale());
        let mut evaluator = model.net.evaluator();
        if self.form == onnx::Form::Compact {
            let bytes = to_onnx(model, sha256, self.form, None).map_err(unwritten)?;
            store("onnx/model.onnx", &bytes)?;
        }
        for index in images.clone() {
            let image = test.image(index);
            let label = usize::from(test.labels[index]);
            let found = evaluator.radii(image).map_err(|source| CliError::Input {
                path: path.into(),
                source,
            })?;
            if found.label != Some(label) {
                wrong.push(index.to_string());
                continue;
            }
            let network = match self.form {
                onnx::Form::Compact => "onnx/model.onnx".to_owned(),
                onnx::Form::Verifier => {
                    let name = format!("onnx/image_{index}_eps_{}.onnx", self.epsilon);
                    let around = Some(Around { image, radius });
                    let bytes = to_onnx(model, sha256, self.form, around).map_err(unwritten)?;
                    store(&name, &bytes)?;
                    name
                }
            };
            let property = Property {
                image,
                radius,
                scale: model.net.scale(),
                label,
                classes: model.net.classes(),
            };
            let about = format!(
                "{} test image {index}, labelled {label}, epsilon {}: {radius} of 1/{} pixel level",
                dataset.as_str(),
                self.epsilon,
                model.net.scale(),
            );
            let versions = [(Version::V1, "vnnlib"), (Version::V2, "vnnlib-2.0")];
            for ((version, folder), list) in versions.into_iter().zip(&mut lists) {
                let name = format!("{folder}/image_{index}_eps_{}.vnnlib", self.epsilon);
                store(&name, property.to_text(version, &about).as_bytes())?;
                writeln!(list, "{network},{name},{}", self.timeout).expect("a String takes all");
            }
            written += 1;
        }
        for (target, list) in instances.iter().zip(&lists) {
            write(target, list.as_bytes())?;
        }
        print_line(format!("{}: {written} properties", folder.display()));
        if !wrong.is_empty() {
            note(format_args!(
                "left out, since the network does not label them rightly: {}",
                wrong.join(", ")
            ));
        }
        Ok(())
    }
}
