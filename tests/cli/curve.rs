//! `linf curve`, and `linf eval` with several ε and a line per image: the same numbers from one pass.
//!
//! `tests/measured.json` holds digests of the files that are written for a shipped network; the page's test
//! (`tests/e2e/measure.spec.ts`) compares what it saves with the same digests.

use std::path::Path;
use std::{env, fs};

use linf_dist_net::data::sha256_hex;
use serde_json::Value;
use tempfile::TempDir;

use crate::{printed, refused};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const MODEL: &str = "www/public/models/mnist-eps0.3.safetensors";
const BASELINE: &str = "www/public/models/baseline/ibp.safetensors";

fn in_root(path: &str) -> String {
    format!("{ROOT}/{path}")
}

fn on_mnist(arguments: &[&str]) -> Vec<String> {
    let data_dir = in_root("data");
    let common = ["--dataset", "mnist", "--data-dir", &data_dir];
    let all = arguments.iter().chain(&common);
    all.map(|&argument| argument.to_owned()).collect()
}

fn run(arguments: &[&str]) -> String {
    let arguments = on_mnist(arguments);
    printed(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The lines of a CSV file after its head, split into fields.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().skip(1);
    lines
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect()
}

/// The page's files have these digests. With `UPDATE_GOLDEN` set, writes them before it reads them.
fn compare_with_the_pages(model_sha256: &Value, files: [(&str, &Path); 4]) {
    let digest = |path: &Path| Value::from(sha256_hex(&fs::read(path).unwrap()));
    let digests = files.map(|(name, path)| (name.to_owned(), digest(path)));
    let model = ("model_sha256".to_owned(), model_sha256.clone());
    let found: Value = digests.into_iter().chain([model]).collect();
    let path = in_root("tests/measured.json");
    if env::var_os("UPDATE_GOLDEN").is_some() {
        let json = serde_json::to_string_pretty(&found).unwrap();
        fs::write(&path, json + "\n").unwrap();
    }
    let written: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    assert_eq!(written, found);
}

#[test]
#[ignore = "needs the data sets"]
fn a_curve_holds_what_eval_prints_at_every_epsilon() {
    let folder = TempDir::new().unwrap();
    let [csv, json, svg, images] =
        ["c.csv", "c.json", "c.svg", "i.csv"].map(|name| folder.path().join(name));
    let model = in_root(MODEL);
    let out = |path: &Path| path.to_str().unwrap().to_owned();
    run(&[
        "curve",
        "--models",
        &model,
        "--out",
        &out(&csv),
        "--out",
        &out(&json),
        "--out",
        &out(&svg),
    ]);
    let evaluated = run(&[
        "eval",
        "--model",
        &model,
        "--epsilon",
        "0.3",
        "--epsilon",
        "0",
        "--epsilon",
        "1",
        "--per-image",
        &out(&images),
        "--json",
    ]);
    let evaluated: Vec<Value> = evaluated
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(evaluated.len(), 3);
    // The figures of the model card.
    assert_eq!(evaluated[0]["clean"], 0.9863);
    assert_eq!(evaluated[0]["certified_ibp"], 0.9273);

    let curve = rows(&csv);
    assert_eq!(curve.len(), 511);
    let whole: Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    let of_json = &whole["curves"][0];
    assert_eq!(of_json["model_sha256"], evaluated[0]["model_sha256"]);
    for (evaluation, point) in evaluated.iter().zip([153, 0, 510]) {
        let row = &curve[point];
        let number = |at: usize| row[at].parse::<f64>().unwrap();
        assert_eq!(evaluation["clean"], number(6));
        assert_eq!(evaluation["certified_lipschitz"], number(7));
        assert_eq!(evaluation["certified_ibp"], number(8));
        assert_eq!(evaluation["certified_ibp"], of_json["certified_ibp"][point]);
    }

    // Every image of the file adds up to the same.
    let images_path = images;
    let images = rows(&images_path);
    assert_eq!(images.len(), 10_000);
    let is_certified = |row: &Vec<String>| {
        row[1] == row[2] && row[8].parse::<f64>().is_ok_and(|radius| radius >= 76.5)
    };
    let certified = images.iter().filter(|row| is_certified(row)).count();
    assert_eq!(evaluated[0]["certified_ibp"], certified as f64 / 1e4);
    for (index, row) in images.iter().enumerate() {
        assert_eq!(row[0], index.to_string());
        // A tick of this network is a quarter of a level.
        let levels = |ticks: &str| ticks.parse::<f64>().map(|ticks| ticks / 4.0).ok();
        assert_eq!(row[8].parse::<f64>().ok(), levels(&row[5]));
        assert_eq!(row[7].parse::<f64>().ok(), levels(&row[4]));
    }
    compare_with_the_pages(
        &of_json["model_sha256"],
        [
            ("curve_csv", &csv),
            ("curve_json", &json),
            ("curve_svg", &svg),
            ("images_csv", &images_path),
        ],
    );
    assert!(
        fs::read_to_string(&svg)
            .unwrap()
            .contains("data-images=\"10000\"")
    );
}

#[test]
#[ignore = "needs the data sets"]
fn networks_of_both_kinds_stand_side_by_side_with_what_attacks_leave() {
    let folder = TempDir::new().unwrap();
    let csv = folder.path().join("c.csv");
    let (ours, theirs) = (in_root(MODEL), in_root(BASELINE));
    let arguments = [
        "curve",
        "--models",
        &ours,
        &theirs,
        "--limit",
        "60",
        "--attacked",
        "8",
        "--queries",
        "300",
        "--out",
        csv.to_str().unwrap(),
    ];
    run(&arguments);
    let rows = rows(&csv);
    assert_eq!(rows.len(), 2 * 511);
    for row in &rows {
        let number = |at: usize| row[at].parse::<f64>().unwrap();
        assert_eq!(row[4], "60");
        assert_eq!(row[9], "8");
        let [robust, low, high] = [10, 11, 12].map(number);
        assert!((0.0..=robust).contains(&low) && (robust..=1.0).contains(&high));
    }
    // An ordinary network has no Lipschitz radius.
    assert!(rows[..511].iter().all(|row| !row[7].is_empty()));
    assert!(rows[511..].iter().all(|row| row[7].is_empty()));

    // The same seed gives the same bytes, and what is there is not replaced unasked.
    let first = fs::read(&csv).unwrap();
    let again = on_mnist(&arguments);
    let again: Vec<_> = again.iter().map(String::as_str).collect();
    assert!(refused(&again).contains("exists already"));
    printed(&[&again[..], &["--force"]].concat());
    assert_eq!(fs::read(&csv).unwrap(), first);
}

#[test]
fn files_of_unknown_endings_are_refused_before_any_work() {
    for arguments in [
        &["curve", "--models", "nowhere", "--out", "curve.txt"][..],
        &[
            "eval",
            "--model",
            "nowhere",
            "--epsilon",
            "0.3",
            "--per-image",
            "images",
        ],
    ] {
        let arguments = on_mnist(arguments);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        assert!(refused(&arguments).contains(".csv"));
    }
}
