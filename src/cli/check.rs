//! `linf check`: verifies or refutes a certificate's file.

use std::{path::PathBuf, process::ExitCode};

use serde::Serialize;

use super::{CliError, named, print_line, read, read_model};
use crate::exact::{CertificateFile, Levels, Method, Refutation};

/// What is answered of a certificate that is refuted.
const REFUTED: u8 = 1;

/// Compute everything that a certificate's file claims anew, and verify or refute it
///
/// Exits with 0 if the certificate is verified, with 1 if it is refuted, and with 2 if a file cannot be
/// read.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Certificate that `linf certify --out` or the page wrote
    #[arg(value_name = "CERT.json")]
    certificate: PathBuf,
    /// Model that it is of (.safetensors)
    #[arg(long)]
    model: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Report {
    verified: bool,
    #[serde(flatten)]
    proved: Option<Proved>,
    #[serde(flatten)]
    refuted: Option<Refuted>,
}

/// What a certificate proves.
#[derive(Serialize)]
struct Proved {
    label: usize,
    label_name: Option<String>,
    radius_ticks: u32,
    scale: u32,
    method: Method,
}

/// What is wrong with a certificate first of all.
#[derive(Serialize)]
struct Refuted {
    /// The member of the file that is wrong; none where the file is no certificate at all.
    member: Option<&'static str>,
    reason: String,
}

pub(super) fn run(args: &Args) -> Result<ExitCode, CliError> {
    let (model, model_sha256) = read_model(&args.model)?;
    let file = read(&args.certificate)?;
    let checked = CertificateFile::check_with(&file, &model, &model_sha256);
    match args.json {
        true => print_line(to_json(&checked)),
        false => print_line(to_text(&checked)),
    }
    Ok(match checked {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(REFUTED),
    })
}

fn to_json(checked: &Result<CertificateFile, Refutation>) -> String {
    let proved = checked.as_ref().ok().map(|certificate| Proved {
        label: certificate.label,
        label_name: certificate.label_name.clone(),
        radius_ticks: certificate.radius.get(),
        scale: certificate.scale,
        method: certificate.method,
    });
    let refuted = checked.as_ref().err().map(|refutation| Refuted {
        member: refutation.member(),
        reason: refutation.to_string(),
    });
    let report = Report {
        verified: checked.is_ok(),
        proved,
        refuted,
    };
    serde_json::to_string(&report).expect("strings and numbers are JSON")
}

fn to_text(checked: &Result<CertificateFile, Refutation>) -> String {
    let certificate = match checked {
        Ok(certificate) => certificate,
        Err(refutation) => return format!("refuted: {refutation}"),
    };
    let method = match certificate.method {
        Method::Lipschitz => "the margin alone".to_owned(),
        Method::Ibp => "IBP".to_owned(),
        Method::BranchAndBound => {
            let splits = certificate.splits.iter().flatten().flatten().count();
            format!("branch and bound with {splits} splits")
        }
    };
    let label = named(certificate.label, certificate.label_name.as_deref());
    let radius: Levels = certificate.radius.levels(certificate.scale);
    format!("verified: label {label}, proved for changes of up to {radius} per pixel, by {method}")
}
