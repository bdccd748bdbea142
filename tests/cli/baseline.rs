//! `linf baseline train` and `linf compare`. Tests that need `data/mnist`, which
//! `scripts/data.sh` fetches, are ignored unless asked for.

use std::fs;

use serde_json::Value;
use tempfile::TempDir;

use crate::{misused, printed, refused};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/www/public/models");

fn compare(more: &[&str]) -> Vec<String> {
    let fixed = [
        "compare",
        "--dataset",
        "mnist",
        "--data-dir",
        DATA,
        "--epsilon",
        "0.3",
    ];
    let arguments = fixed.into_iter().chain(more.iter().copied());
    arguments.map(String::from).collect()
}

fn model(name: &str) -> String {
    format!("{MODELS}/{name}.safetensors")
}

#[test]
#[ignore = "needs the data sets"]
fn compare_orders_the_accuracies_of_every_shipped_network() {
    let shipped = [
        "mnist-eps0.3",
        "baseline/relu",
        "baseline/adversarial",
        "baseline/ibp",
    ];
    let files = shipped.map(model);
    let mut arguments = compare(&["--limit", "40", "--json"]);
    arguments.extend(files.iter().cloned());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let report: Value = serde_json::from_str(&printed(&arguments)).unwrap();
    assert_eq!(report["images"], 40);
    assert_eq!(report["attack"]["name"], "pgd");
    let networks = report["networks"].as_array().unwrap();
    let kinds: Vec<_> = networks.iter().map(|network| &network["kind"]).collect();
    assert_eq!(kinds, ["linf-dist", "standard", "adversarial", "ibp"]);
    for (network, file) in networks.iter().zip(&files) {
        let figure = |name: &str| network[name].as_f64().unwrap();
        assert!(figure("clean") > 0.85, "{network}");
        assert!(
            figure("certified") <= figure("empirical_robust"),
            "{network}"
        );
        assert!(figure("empirical_robust") <= figure("clean"), "{network}");
        assert!(figure("microseconds_per_image") > 0.0, "{network}");
        assert_eq!(network["bytes"], fs::metadata(file).unwrap().len());
    }
    let empirical_robust = |index: usize| networks[index]["empirical_robust"].as_f64().unwrap();
    assert_eq!(empirical_robust(1), 0.0);
    assert!(empirical_robust(0) > 0.8 && empirical_robust(2) > 0.6 && empirical_robust(3) > 0.6);
}

#[test]
#[ignore = "needs the data sets"]
fn compare_gives_the_same_accuracies_again() {
    let accuracies = || {
        let mut arguments = compare(&["--limit", "30", "--json"]);
        arguments.push(model("baseline/adversarial"));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let report: Value = serde_json::from_str(&printed(&arguments)).unwrap();
        let network = &report["networks"][0];
        ["clean", "empirical_robust", "certified"].map(|name| network[name].clone())
    };
    assert_eq!(accuracies(), accuracies());
}

#[test]
#[ignore = "needs the data sets"]
fn a_file_of_neither_kind_is_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("text.safetensors");
    fs::write(&file, "this is a text").unwrap();
    let mut arguments = compare(&[]);
    arguments.push(file.to_str().unwrap().into());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let message = refused(&arguments);
    assert!(
        message.contains("not a complete safetensors file"),
        "{message}"
    );
}

#[test]
#[ignore = "needs the data sets"]
fn a_network_is_measured_on_its_own_data_set_alone() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("relu.safetensors");
    let shipped = fs::read(model("baseline/relu")).unwrap();
    fs::write(&file, &shipped).unwrap();
    let measure = |dataset| {
        let fixed = ["baseline", "measure", "--data-dir", DATA, "--dataset"];
        [&fixed[..], &[dataset, file.to_str().unwrap()]].concat()
    };
    let message = refused(&measure("fashion-mnist"));
    assert!(
        message.contains("was trained on mnist, not on fashion-mnist"),
        "{message}"
    );
    let told = printed(&measure("mnist"));
    assert!(told.contains("10000 test images"), "{told}");
    // Measured again, it records what it did.
    assert!(fs::read(&file).unwrap() == shipped);
}

#[test]
fn what_cannot_be_trained_is_refused_in_one_sentence() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("model.safetensors");
    let arguments = |recipe| {
        [
            "baseline",
            "train",
            "--dataset",
            "mnist",
            "--data-dir",
            DATA,
            "--recipe",
            recipe,
            file.to_str().unwrap(),
        ]
    };
    let train_with = |recipe, more: &[&str]| refused(&[&arguments(recipe)[..], more].concat());
    let train = |recipe| train_with(recipe, &[]);
    for (name, setting) in [("steps", "steps=3"), ("kappa", "kappa=2")] {
        let message = train_with("ibp", &["--set", setting]);
        assert!(message.contains(name), "{message}");
    }
    for setting in ["seed=3", "kappa"] {
        let message = misused(&[&arguments("ibp")[..], &["--set", setting]].concat());
        assert!(message.contains("--set"), "{message}");
    }
    let checkpoint = file.with_added_extension("checkpoint");
    let message = train_with("ibp", &["--resume"]);
    assert!(message.contains(checkpoint.to_str().unwrap()), "{message}");
    fs::write(&checkpoint, "a run that was stopped").unwrap();
    assert!(train_with("ibp", &[]).contains("--force"));
    assert_eq!(
        fs::read_to_string(&checkpoint).unwrap(),
        "a run that was stopped"
    );
    fs::remove_file(&checkpoint).unwrap();
    let message = train("magic");
    assert!(
        message.contains("the recipes are standard, adversarial, ibp"),
        "{message}"
    );
    fs::write(&file, "something of value").unwrap();
    let message = train("standard");
    assert!(message.contains("--force"), "{message}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "something of value");
}
