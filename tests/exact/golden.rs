//! The golden files that the browser is compared to are what is computed here and now.

use std::{env, fs, path::PathBuf};

use crate::cases;

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// With `UPDATE_GOLDEN` set, writes the files before it reads them.
#[test]
fn golden_files_are_what_native_code_computes() {
    let model = cases::model();
    let outcomes = cases::outcomes(&model.net);
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path(cases::MODEL_FILE), model.to_bytes()).unwrap();
        let json = serde_json::to_string_pretty(&outcomes).unwrap();
        fs::write(path(cases::OUTCOMES_FILE), json + "\n").unwrap();
    }
    assert_eq!(fs::read(path(cases::MODEL_FILE)).unwrap(), model.to_bytes());
    let golden: serde_json::Value =
        serde_json::from_slice(&fs::read(path(cases::OUTCOMES_FILE)).unwrap()).unwrap();
    assert_eq!(golden, outcomes);
}

#[test]
fn golden_cases_are_worth_comparing() {
    let model = cases::model();
    let (kept, total) = model.net.weights_kept()[1];
    assert!(kept < total, "pruning drops something");
    let mut evaluator = model.net.evaluator();
    let certificates = cases::images()
        .into_iter()
        .map(|image| evaluator.certificate(&image).unwrap());
    let beyond = certificates
        .filter(|v| v.ibp_radius > v.lipschitz_radius)
        .count();
    assert!(beyond > 0, "intervals prove more than the margin somewhere");
}
