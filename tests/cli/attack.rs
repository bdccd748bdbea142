//! `linf attack`: what it prints, how it goes on, what it refuses. Its tests are ignored unless
//! asked for, as they need `data/mnist`, which `scripts/data.sh` fetches.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use linf_dist_net::data::sha256_hex;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{linf, misused, printed, refused};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");

/// 784-12-12-10 with random weights, of no data set.
const MODEL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/browser/golden-net.safetensors"
);

fn attack<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let fixed = [
        "attack",
        "--model",
        MODEL,
        "--dataset",
        "mnist",
        "--data-dir",
        DATA,
        "--epsilon",
        "0.05",
        "--other-dataset",
    ];
    fixed.into_iter().chain(more.iter().copied()).collect()
}

fn state(folder: &TempDir) -> String {
    folder.path().join("state.json").to_str().unwrap().into()
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

#[test]
#[ignore = "needs the data sets"]
fn attack_reports_the_accuracy_that_is_left_and_what_was_tried_inside_certificates() {
    let arguments = attack(&["--limit", "100", "--queries", "700", "--json"]);
    let report = parsed(&printed(&arguments));
    let number = |name: &str| report[name].as_f64().unwrap();
    assert_eq!(report["images"], 100);
    assert!(number("certified_ibp") <= number("empirical_robust"));
    assert!(number("empirical_robust") <= number("clean"));
    let gap = number("empirical_robust") - number("certified_ibp");
    assert!((number("gap") - gap).abs() < 1e-9);
    let misclassified = report["misclassifications_by"]
        .as_object()
        .unwrap()
        .values();
    let misclassified: u64 = misclassified.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(
        misclassified as f64,
        (100.0 * (number("clean") - number("empirical_robust"))).round()
    );

    assert_eq!(report["misclassifications_inside"], 0);
    assert_eq!(report["violations"], json!([]));
    assert!(number("queries_inside") >= 700.0 * number("images_inside"));
    let by = report["queries_inside_by"].as_object().unwrap();
    let names: Vec<_> = by.keys().collect();
    assert_eq!(names, ["argmax_path", "fgsm", "pgd", "random", "square"]);
    let sum: u64 = by.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(report["queries_inside"], sum);
    assert!(number("compared") >= 5000.0);
    assert_eq!(report["differences"], 0);
    if cfg!(feature = "webgpu") {
        let gpu = &report["gpu"];
        assert!(gpu["adapter"].is_string(), "{gpu}");
        assert_eq!(
            (&gpu["compared"], &gpu["differences"]),
            (&json!(64), &json!(0))
        );
    }

    let text = printed(&attack(&["--limit", "100", "--queries", "700"]));
    assert!(text.contains("100 images, ε = 0.05, seed 1"), "{text}");
    assert!(text.contains(&format!("{sum} queries")), "{text}");
    assert!(text.contains(", 0 misclassified"), "{text}");
}

#[test]
#[ignore = "needs the data sets"]
fn the_report_is_the_same_with_any_number_of_threads() {
    let report = |threads: &str| {
        let arguments = attack(&["--limit", "70", "--queries", "50", "--json"]);
        let output = Command::new(env!("CARGO_BIN_EXE_linf"))
            .args(arguments)
            .env("RAYON_NUM_THREADS", threads)
            .output();
        parsed(&String::from_utf8(output.unwrap().stdout).unwrap())
    };
    assert_eq!(report("1"), report("5"));
}

#[test]
#[ignore = "needs the data sets"]
fn interrupted_attacks_go_on_from_their_state_to_the_same_report() {
    let folder = TempDir::new().unwrap();
    let state = state(&folder);
    let arguments = attack(&[
        "--limit",
        "320",
        "--queries",
        "600",
        "--json",
        "--state",
        &state,
    ]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_linf"))
        .args(&arguments)
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !Path::new(&state).exists() {
        assert!(
            start.elapsed() < Duration::from_secs(300),
            "no state was written"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let done = parsed(&fs::read_to_string(&state).unwrap());
    let images = done["outcome"]["images"].as_u64().unwrap();
    assert!((64..320).contains(&images), "{images} images were done");

    let other = [&arguments[..], &["--seed", "2"]].concat();
    let message = refused(&other);
    assert!(message.contains("give those it began with"), "{message}");

    let report = printed(&arguments);
    let whole = attack(&["--limit", "320", "--queries", "600", "--json"]);
    assert_eq!(parsed(&report), parsed(&printed(&whole)));
}

#[test]
#[ignore = "needs the data sets"]
fn a_flip_inside_a_certificate_and_other_logits_fail_the_command() {
    let folder = TempDir::new().unwrap();
    let state = state(&folder);
    let arguments = attack(&[
        "--limit",
        "5",
        "--queries",
        "0",
        "--json",
        "--state",
        &state,
    ]);
    printed(&arguments);
    let honest = parsed(&fs::read_to_string(&state).unwrap());
    let violation =
        json!({ "image": 3, "radius_ticks": 80, "attack": "pgd", "input_ticks": [1, 2] });
    for (field, value, sentence) in [
        (
            "violations",
            json!([violation]),
            "test image 3 is misclassified within 2.5 levels",
        ),
        (
            "differences",
            json!(7),
            "7 of 0 perturbed images have other logits",
        ),
    ] {
        let mut forged = honest.clone();
        forged["outcome"][field] = value.clone();
        fs::write(&state, forged.to_string()).unwrap();
        let edited = refused(&arguments);
        assert!(edited.contains("state.json"), "{edited}");
        let counts = json!([forged["question"], forged["outcome"]]);
        forged["sha256"] = sha256_hex(counts.to_string().as_bytes()).into();
        fs::write(&state, forged.to_string()).unwrap();
        let output = linf(&arguments);
        assert_eq!(output.status.code(), Some(2));
        let report = parsed(&String::from_utf8(output.stdout).unwrap());
        assert_eq!(report[field], value);
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains(sentence), "{message}");
    }
}

#[test]
#[ignore = "needs the data sets"]
fn a_state_that_is_none_is_refused() {
    let folder = TempDir::new().unwrap();
    let state = state(&folder);
    fs::write(&state, "{}").unwrap();
    let message = refused(&attack(&["--limit", "5", "--state", &state]));
    assert!(
        message.contains("state.json is no state of attacks"),
        "{message}"
    );
}

#[test]
#[ignore = "needs the data sets"]
fn the_plain_reference_can_be_left_out() {
    let arguments = ["--limit", "10", "--queries", "100", "--json"];
    let with = parsed(&printed(&attack(&arguments)));
    let without = [&arguments[..], &["--reference", "0"]].concat();
    let without = parsed(&printed(&attack(&without)));
    assert!(with["compared"].as_u64().unwrap() > 0);
    assert_eq!(without["compared"], 0);
    assert_eq!(with["queries_inside_by"], without["queries_inside_by"]);
}

#[test]
#[ignore = "needs the data sets"]
fn a_number_of_images_that_cannot_be_is_refused() {
    let message = refused(&attack(&["--limit", "10001"]));
    assert!(message.contains("10000"), "{message}");
    let output = linf(&attack(&["--limit", "0"]));
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("from 1"), "{message}");
}

#[test]
#[ignore = "needs the data sets"]
fn a_model_of_another_data_set_is_measured_only_where_that_is_wanted() {
    let on = |command, more: &[&str]| {
        let fixed = ["--dataset", "mnist", "--data-dir", DATA, "--epsilon", "0.1"];
        let model: &[&str] = match command {
            "compare" => &[command, MODEL, "--limit", "5"],
            "attack" => &[command, "--model", MODEL, "--limit", "5", "--queries", "0"],
            _ => &[command, "--model", MODEL],
        };
        linf(&[model, &fixed, more].concat())
    };
    for command in ["eval", "attack", "compare"] {
        let refused = on(command, &[]);
        assert_eq!(refused.status.code(), Some(2), "{command}");
        let message = String::from_utf8(refused.stderr).unwrap();
        assert!(message.contains("--other-dataset"), "{command}: {message}");
        let measured = on(command, &["--other-dataset"]);
        assert!(measured.status.success(), "{command}");
    }
}

#[test]
#[ignore = "needs the data sets"]
fn one_program_at_a_time_goes_on_with_a_state() {
    let folder = TempDir::new().unwrap();
    let state = state(&folder);
    let lock = fs::File::create(format!("{state}.lock")).unwrap();
    lock.try_lock().unwrap();
    let arguments = attack(&["--limit", "5", "--queries", "0", "--state", &state]);
    let message = refused(&arguments);
    assert!(message.contains("another linf"), "{message}");
    drop(lock);
    printed(&arguments);
}

#[test]
#[ignore = "needs the data sets"]
fn a_state_that_cannot_be_written_is_refused_before_the_attack() {
    let folder = TempDir::new().unwrap();
    let state = folder.path().join("missing/state.json");
    let message = refused(&attack(&["--state", state.to_str().unwrap()]));
    assert!(message.contains("cannot write"), "{message}");
}

#[test]
#[ignore = "needs the data sets"]
fn the_shards_of_an_evaluation_add_up_to_the_whole() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let common = ["--limit", "50", "--queries", "60", "--json"];
    let shard = |which: &str, state: &str| {
        parsed(&printed(&attack(
            &[&common[..], &["--shard", which, "--state", state]].concat(),
        )))
    };
    let states = [path("one"), path("two"), path("three")];
    let parts: Vec<Value> = ["1/3", "2/3", "3/3"]
        .iter()
        .zip(&states)
        .map(|(which, state)| shard(which, state))
        .collect();
    assert_eq!(parts[1]["shard"], "2/3");

    let merged = path("merged");
    let [one, two, three] = states.each_ref().map(String::as_str);
    let sum = printed(&[
        "attack", "merge", "--json", "--out", &merged, three, one, two,
    ]);
    let mut sum = parsed(&sum);
    let whole = attack(&common);
    let mut alone = parsed(&printed(&whole));
    for report in [&mut sum, &mut alone] {
        report.as_object_mut().unwrap().remove("gpu");
    }
    assert_eq!(sum, alone);
    // The sum is the state of the whole evaluation: nothing is left to be done.
    let again = [&whole[..], &["--state", &merged]].concat();
    let mut again = parsed(&printed(&again));
    again.as_object_mut().unwrap().remove("gpu");
    assert_eq!(again, alone);

    // What is no complete set of shards is refused, and says which one it is about.
    let other = path("other");
    shard("1/2", &other);
    let mut edited = parsed(&fs::read_to_string(three).unwrap());
    edited["outcome"]["images"] = json!(3);
    let edited_path = path("edited");
    fs::write(&edited_path, edited.to_string()).unwrap();
    for (files, named) in [
        (&[one, two][..], "3"),
        (&[two, three], "1"),
        (&[one, two, two, three], two),
        (&[one, two, &other], &other),
        (&[one, two, &edited_path], &edited_path),
        (&[one, two, "nowhere"], "nowhere"),
    ] {
        let message = refused(&[&["attack", "merge"], files].concat());
        assert!(message.contains(named), "{message}");
    }
}

#[test]
fn a_shard_needs_a_state_file_and_two_numbers() {
    for shard in ["0/3", "4/3", "1", "1/0", "a/b", "1/3/5"] {
        let message = misused(&attack(&["--shard", shard, "--state", "nowhere/state"]));
        assert!(message.contains("--shard"), "{message}");
    }
    let message = misused(&attack(&["--shard", "1/3"]));
    assert!(message.contains("--state"), "{message}");
}
