//! The certificate as a file, described for outsiders in `docs/certificate-format.md`.
//!
//! The file holds what a checker cannot know, the image, and every number that is claimed of it. There is
//! one way to write a certificate: [`CertificateFile::check`] makes the file anew from its image and the
//! model, and the bytes must be the same. So a changed byte is refuted wherever it is. Only the splits of
//! branch and bound are taken from the file, and then every sub-box is proved.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::branch_and_bound::{SplitTree, SplitsError};
use crate::data::{datasets, sha256_hex};
use crate::exact::{Evaluator, InputError, Model, ModelError, Ticks};

const FORMAT: &str = "linf-dist-net certificate";
const FORMAT_VERSION: u32 = 1;
/// The last member: the SHA-256 of all bytes before its line.
const SHA256: &str = "sha256";

/// What proves a certificate's radius: the first of these that does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The margin.
    Lipschitz,
    /// Interval bound propagation.
    Ibp,
    /// Pairwise-margin bounds over sub-boxes.
    BranchAndBound,
}

/// A certificate of one image. All lengths are in ticks of the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFile {
    /// The program that wrote it. Nothing is claimed of it.
    pub program: String,
    /// SHA-256 of the model's unpacked file, in lower-case hexadecimal.
    pub model_sha256: String,
    /// The data set that the model names.
    pub dataset: String,
    /// Ticks per pixel level, S.
    pub scale: u32,
    /// Members of the model.
    pub members: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// The image, a byte a pixel, `[height, width]`.
    pub image: Vec<u8>,
    /// Class of the largest logit.
    pub label: usize,
    /// What that class is called, if the model or the description of its data set says it.
    pub label_name: Option<String>,
    /// The logits, `[classes]`.
    pub logits: Vec<i32>,
    /// How far the label's logit is above the second largest.
    pub margin: Ticks,
    /// The largest radius that the margin proves.
    pub lipschitz_radius: Ticks,
    /// The largest radius that interval bound propagation proves.
    pub ibp_radius: Ticks,
    /// The radius that is claimed: no change of up to so many ticks per pixel changes the label.
    pub radius: Ticks,
    /// What proves it.
    pub method: Method,
    /// Lower and upper bound of every logit within `radius` by interval bound propagation, `[classes]`.
    pub bounds: Vec<[i32; 2]>,
    /// How branch and bound splits the box; none for the other methods.
    pub splits: Option<SplitTree>,
}

/// Why there is no certificate.
#[derive(Debug, Error)]
pub enum CertifyError {
    /// The model's file cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The image does not have the network's size.
    #[error(transparent)]
    Image(#[from] InputError),
    /// Several logits are the largest.
    #[error("the largest logits are tied, so there is no label, and nothing is proved")]
    NoLabel,
    /// The radius is not proved.
    #[error(
        "the label is not proved at {radius} ticks of 1/{scale} level; IBP proves {ibp_radius}"
    )]
    NotProved {
        /// What was asked for.
        radius: Ticks,
        /// Ticks per level.
        scale: u32,
        /// The largest radius that interval bound propagation proves.
        ibp_radius: Ticks,
    },
}

/// The first thing that is wrong with a certificate's file.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refutation {
    /// Not a JSON object of a certificate's members.
    #[error("this is no certificate: {0}")]
    NotCertificate(String),
    /// A certificate of another version.
    #[error(
        "the certificate has format version {0}, but only version {FORMAT_VERSION} is read here"
    )]
    Version(u64),
    /// The same value can be written otherwise, and it is.
    #[error("line {line} is not written as in a certificate: it should be `{expected}`")]
    NotCanonical {
        /// Number of the line, from 1.
        line: usize,
        /// What should stand there.
        expected: String,
    },
    /// A member is not what the model and the image give.
    #[error("`{member}` is {found}, but it is {expected}")]
    Differs {
        /// Name of the member.
        member: &'static str,
        /// Its value in the file, as JSON.
        found: String,
        /// What it is, as JSON.
        expected: String,
    },
    /// The image does not have the model's size.
    #[error("`image` does not fit the model: {0}")]
    Image(InputError),
    /// The image has no label.
    #[error("`label` is claimed, but the largest logits are tied, so there is no label")]
    NoLabel,
    /// The radius goes beyond the domain.
    #[error("`radius_ticks` is {0}, beyond the domain")]
    Radius(Ticks),
    /// The radius is not proved by interval bound propagation, and there are no sub-boxes.
    #[error("`radius_ticks` is {0}, which IBP does not prove, and `splits` lists no sub-boxes")]
    NoParts(Ticks),
    /// The splits of branch and bound prove nothing.
    #[error("`splits` proves nothing: {0}")]
    Splits(SplitsError),
}

impl Refutation {
    /// The member of the file that is wrong, where it is one.
    pub fn member(&self) -> Option<&'static str> {
        match self {
            Self::NotCertificate(_) | Self::NotCanonical { .. } => None,
            Self::Version(_) => Some("format_version"),
            Self::Differs { member, .. } => Some(member),
            Self::Image(_) => Some("image"),
            Self::NoLabel => Some("label"),
            Self::Radius(_) => Some("radius_ticks"),
            Self::NoParts(_) | Self::Splits(_) => Some("splits"),
        }
    }
}

/// The members of a file, as JSON has them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    #[serde(rename = "format")]
    _format: String,
    #[serde(rename = "format_version")]
    _format_version: u32,
    program: String,
    model_sha256: String,
    dataset: String,
    scale: u32,
    members: usize,
    width: usize,
    height: usize,
    image: String,
    label: usize,
    label_name: Option<String>,
    logits_ticks: Vec<i32>,
    margin_ticks: Ticks,
    lipschitz_radius_ticks: Ticks,
    ibp_radius_ticks: Ticks,
    radius_ticks: Ticks,
    method: Method,
    bounds_ticks: Vec<[i32; 2]>,
    splits: Option<SplitTree>,
    sha256: String,
}

/// What tells a certificate from other JSON.
#[derive(Deserialize)]
struct Head {
    format: String,
    format_version: u64,
}

impl CertificateFile {
    /// Certifies an image of `width` pixels a row with the network of a model's unpacked file: at `radius`,
    /// or else at the largest that IBP proves. Where IBP does not prove the radius, the box is split at most
    /// `splits` times.
    ///
    /// # Errors
    /// Fails if the file is no model, if the image is not of the network's size, if it has no label, and
    /// if the radius is not proved.
    pub fn new(
        model: &[u8],
        image: &[u8],
        width: usize,
        radius: Option<Ticks>,
        splits: usize,
    ) -> Result<Self, CertifyError> {
        let sha256 = sha256_hex(model);
        let model = Model::from_bytes(model)?;
        Self::of_model(&model, sha256, image, width, radius, splits)
    }

    /// The same with a model that has been read, whose file has that SHA-256.
    pub fn of_model(
        model: &Model,
        model_sha256: String,
        image: &[u8],
        width: usize,
        radius: Option<Ticks>,
        splits: usize,
    ) -> Result<Self, CertifyError> {
        let mut evaluator = model.net.evaluator();
        let height = image.len().checked_div(width).unwrap_or_default();
        let claimed = Claimed {
            program: program(),
            width,
            height,
            image: image.to_vec(),
            radius,
        };
        let mut certificate = claimed.certify(model, model_sha256, &mut evaluator)?;
        if certificate.method == Method::BranchAndBound {
            certificate.splits = evaluator.split_tree(image, certificate.radius, splits)?;
            if certificate.splits.is_none() {
                return Err(CertifyError::NotProved {
                    radius: certificate.radius,
                    scale: certificate.scale,
                    ibp_radius: certificate.ibp_radius,
                });
            }
        }
        Ok(certificate)
    }

    /// Checks the bytes of a certificate's file against the bytes of an unpacked model file. Everything
    /// that is claimed is computed anew.
    ///
    /// # Errors
    /// Fails if the file is no model. The inner error is the first thing that is wrong with the
    /// certificate.
    pub fn check(file: &[u8], model: &[u8]) -> Result<Result<Self, Refutation>, ModelError> {
        let sha256 = sha256_hex(model);
        let model = Model::from_bytes(model)?;
        Ok(Self::check_with(file, &model, &sha256))
    }

    /// The same with a model that has been read, whose file has that SHA-256.
    pub fn check_with(file: &[u8], model: &Model, model_sha256: &str) -> Result<Self, Refutation> {
        let found = Self::from_bytes(file)?;
        found.check_against(model, model_sha256)?;
        Ok(found)
    }

    /// Reads a file. What it says is believed only once it has been checked; that it is written as a
    /// certificate is, and has its own SHA-256, is checked here.
    pub fn from_bytes(file: &[u8]) -> Result<Self, Refutation> {
        let unread = |error: serde_json::Error| Refutation::NotCertificate(error.to_string());
        let head: Head = serde_json::from_slice(file).map_err(unread)?;
        if head.format != FORMAT {
            let format = format!("its format is {:?}", head.format);
            return Err(Refutation::NotCertificate(format));
        }
        if head.format_version != u64::from(FORMAT_VERSION) {
            return Err(Refutation::Version(head.format_version));
        }
        let members: Members = serde_json::from_slice(file).map_err(unread)?;
        let image = from_hex(&members.image)
            .ok_or_else(|| Refutation::NotCertificate("`image` is not hexadecimal".into()))?;
        let found = Self {
            program: members.program,
            model_sha256: members.model_sha256,
            dataset: members.dataset,
            scale: members.scale,
            members: members.members,
            width: members.width,
            height: members.height,
            image,
            label: members.label,
            label_name: members.label_name,
            logits: members.logits_ticks,
            margin: members.margin_ticks,
            lipschitz_radius: members.lipschitz_radius_ticks,
            ibp_radius: members.ibp_radius_ticks,
            radius: members.radius_ticks,
            method: members.method,
            bounds: members.bounds_ticks,
            splits: members.splits,
        };
        let body = found.body();
        check_lines(file, &body, &members.sha256)?;
        let digest = sha256_hex(body.as_bytes());
        differs(SHA256, json(&members.sha256), json(&digest))?;
        Ok(found)
    }

    /// The bytes of the file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let body = self.body();
        let digest = sha256_hex(body.as_bytes());
        format!("{body}{}", last_line(&digest)).into_bytes()
    }

    /// The file up to the line of its own SHA-256.
    fn body(&self) -> String {
        let lines = self.entries().map(|(name, value)| line(name, &value));
        format!("{{\n{},\n", lines.join(",\n"))
    }

    /// The names of all members but the last, and their values as JSON.
    fn entries(&self) -> [(&'static str, String); 20] {
        [
            ("format", json(&FORMAT)),
            ("format_version", json(&FORMAT_VERSION)),
            ("program", json(&self.program)),
            ("model_sha256", json(&self.model_sha256)),
            ("dataset", json(&self.dataset)),
            ("scale", json(&self.scale)),
            ("members", json(&self.members)),
            ("width", json(&self.width)),
            ("height", json(&self.height)),
            ("image", json(&to_hex(&self.image))),
            ("label", json(&self.label)),
            ("label_name", json(&self.label_name)),
            ("logits_ticks", json(&self.logits)),
            ("margin_ticks", json(&self.margin)),
            ("lipschitz_radius_ticks", json(&self.lipschitz_radius)),
            ("ibp_radius_ticks", json(&self.ibp_radius)),
            ("radius_ticks", json(&self.radius)),
            ("method", json(&self.method)),
            ("bounds_ticks", json(&self.bounds)),
            ("splits", json(&self.splits)),
        ]
    }

    /// Computes everything anew from the image and the radius.
    fn check_against(&self, model: &Model, model_sha256: &str) -> Result<(), Refutation> {
        differs(
            "model_sha256",
            json(&self.model_sha256),
            json(&model_sha256),
        )?;
        let mut evaluator = model.net.evaluator();
        let claimed = Claimed {
            program: self.program.clone(),
            width: self.width,
            height: self.height,
            image: self.image.clone(),
            radius: Some(self.radius),
        };
        let expected = claimed.certify(model, model_sha256.into(), &mut evaluator);
        let mut expected = expected.map_err(|error| match error {
            CertifyError::Image(error) => Refutation::Image(error),
            CertifyError::NotProved { radius, .. } => Refutation::Radius(radius),
            _ => Refutation::NoLabel,
        })?;
        if expected.method == Method::BranchAndBound {
            // What is proved of these is checked once the rest has been found to be true.
            expected.splits.clone_from(&self.splits);
        }
        for ((member, found), (_, expected)) in self.entries().into_iter().zip(expected.entries()) {
            differs(member, found, expected)?;
        }
        if expected.method != Method::BranchAndBound {
            return Ok(());
        }
        let splits = self.splits.as_ref();
        let splits = splits.ok_or(Refutation::NoParts(self.radius))?;
        let proved = evaluator.check_split_tree(&self.image, self.radius, splits);
        proved
            .map_err(Refutation::Image)?
            .map_err(Refutation::Splits)
    }
}

/// What a certificate is about, before anything is computed.
struct Claimed {
    program: String,
    width: usize,
    height: usize,
    image: Vec<u8>,
    radius: Option<Ticks>,
}

impl Claimed {
    /// Computes all the rest, but for the splits of branch and bound.
    fn certify(
        self,
        model: &Model,
        model_sha256: String,
        evaluator: &mut Evaluator<'_>,
    ) -> Result<CertificateFile, CertifyError> {
        let Self {
            program,
            width,
            height,
            image,
            radius,
        } = self;
        let described = datasets::find(&model.metadata.dataset);
        let fits = match &described {
            Some(described) => described.shape == [height, width],
            None => width.checked_mul(height) == Some(model.net.inputs()),
        };
        let certificate = evaluator.certificate(&image)?;
        if !fits {
            let found = width.saturating_mul(height);
            let expected = model.net.inputs();
            return Err(InputError::Pixels { found, expected }.into());
        }
        let (Some(label), Some(lipschitz_radius), Some(ibp_radius)) = (
            certificate.label,
            certificate.lipschitz_radius,
            certificate.ibp_radius,
        ) else {
            return Err(CertifyError::NoLabel);
        };
        let radius = radius.unwrap_or(ibp_radius);
        if radius > evaluator.full_scale() {
            let scale = model.net.scale();
            return Err(CertifyError::NotProved {
                radius,
                scale,
                ibp_radius,
            });
        }
        let method = match radius {
            radius if radius <= lipschitz_radius => Method::Lipschitz,
            radius if radius <= ibp_radius => Method::Ibp,
            _ => Method::BranchAndBound,
        };
        let bounds = evaluator.bounds(&image, radius)?;
        Ok(CertificateFile {
            program,
            model_sha256,
            dataset: model.metadata.dataset.clone(),
            scale: model.net.scale(),
            members: model.net.members(),
            width,
            height,
            image,
            label,
            label_name: model.class_name(label),
            logits: certificate.logits,
            margin: certificate.margin,
            lipschitz_radius,
            ibp_radius,
            radius,
            method,
            bounds: bounds.logits,
            splits: None,
        })
    }
}

/// What this program calls itself in a certificate.
fn program() -> String {
    concat!("linf-dist-net ", env!("CARGO_PKG_VERSION")).into()
}

/// Compact JSON.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings and numbers are JSON")
}

fn line(name: &str, value: &str) -> String {
    format!("  {}: {value}", json(&name))
}

/// The line of the file's own SHA-256, and the end of the file.
fn last_line(digest: &str) -> String {
    format!("{}\n}}\n", line(SHA256, &json(&digest)))
}

/// Refutes a member that is not what it should be.
fn differs(member: &'static str, found: String, expected: String) -> Result<(), Refutation> {
    if found == expected {
        return Ok(());
    }
    Err(Refutation::Differs {
        member,
        found,
        expected,
    })
}

/// Refutes a file that is not written as `body` and its last line are: another order, other spaces or
/// another spelling of the same value.
fn check_lines(file: &[u8], body: &str, digest: &str) -> Result<(), Refutation> {
    let written = format!("{body}{}", last_line(digest));
    if file == written.as_bytes() {
        return Ok(());
    }
    let mut found = file.split_inclusive(|&byte| byte == b'\n');
    let mut expected = written.split_inclusive('\n');
    let mut number = 0;
    loop {
        number += 1;
        let line = expected.next();
        if found.next() != line.map(str::as_bytes) {
            return Err(Refutation::NotCanonical {
                line: number,
                expected: line.unwrap_or_default().trim_end_matches('\n').into(),
            });
        }
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes that hexadecimal digits, of either case, stand for.
fn from_hex(digits: &str) -> Option<Vec<u8>> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16);
    let pairs = digits.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| match pair {
        [high, low] => u8::try_from(16 * digit(high)? + digit(low)?).ok(),
        _ => None,
    });
    bytes.collect()
}
