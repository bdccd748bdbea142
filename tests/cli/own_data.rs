//! `--data`: a network of one's own images, from the files to the labels of other images.

use std::io::Write;
use std::path::Path;
use std::{env, fs};

use linf_dist_net::data::sha256_hex;
use linf_dist_net::exact::Model;
use serde_json::Value;
use tempfile::TempDir;

use crate::{linf, printed, refused};

/// Three classes of hand-made shapes, made by `examples/shapes.py`.
const SHAPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/shapes.zip");

/// A small network that has learned them: `linf train --data examples/shapes.zip --centre`, then `linf prune`.
const LEARNED_SHAPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shapes.safetensors");

/// A run that takes seconds in the tests' profile.
const SHORT: [&str; 10] = [
    "--preset",
    "tiny",
    "--device",
    "cpu",
    "--set",
    "hidden=[64,64]",
    "--set",
    "learning_rate=0.05",
    "--set",
    "random_shift=0",
];

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_string()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn train<'a>(data: &'a str, out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["train", "--data", data, "--out", out];
    [&fixed[..], &SHORT[..], more].concat()
}

#[test]
fn a_zip_of_three_classes_trains_to_a_network_that_carries_their_names() {
    let folder = TempDir::new().unwrap();
    let (out, model) = (path(&folder, "run"), path(&folder, "model.safetensors"));
    let checkpoint = path(&folder, "run/checkpoint.safetensors");
    printed(&train(SHAPES, &out, &["--centre", "--split-seed", "7"]));

    // The checkpoint records how the files were read.
    printed(&["export", &checkpoint, &model, "--data", SHAPES]);
    let written = Model::from_bytes(&fs::read(&model).unwrap()).unwrap();
    assert_eq!(written.metadata.dataset, "own-shapes");
    assert_eq!(written.metadata.classes, ["circle", "cross", "triangle"]);
    assert_eq!(written.net.architecture(), [784, 64, 64, 3]);

    let eval = [
        "eval",
        "--model",
        &model,
        "--data",
        SHAPES,
        "--epsilon",
        "0.1",
        "--json",
    ];
    let held_out = json(&printed(&[&eval[..], &["--held-out"]].concat()));
    assert_eq!(held_out["images"], 39);
    assert_eq!(held_out["held_out"], true);
    assert!(held_out["clean"].as_f64().unwrap() > 0.9, "{held_out}");
    // All of them: most were trained on, which is said.
    let all = linf(&eval);
    assert!(
        String::from_utf8(all.stderr)
            .unwrap()
            .contains("--held-out")
    );
    assert_eq!(json(&String::from_utf8(all.stdout).unwrap())["images"], 240);

    // Pruning looks at the images that were trained on.
    let pruned = path(&folder, "pruned.safetensors");
    printed(&["prune", &model, &pruned, "--radius", "0", "--data", SHAPES]);
    let classes = Model::from_bytes(&fs::read(&pruned).unwrap())
        .unwrap()
        .metadata
        .classes;
    assert_eq!(classes, written.metadata.classes);

    let lineage = json(&printed(&["lineage", &pruned, "--json"]));
    let command = lineage["commands"][0]["command"].as_str().unwrap();
    assert!(
        command.contains("--data own-shapes") && command.contains("--split-seed 7"),
        "{command}"
    );
    for index in [1, 2] {
        let command = lineage["commands"][index]["command"].as_str().unwrap();
        assert!(command.ends_with("--data own-shapes"), "{command}");
    }
}

#[test]
fn a_run_on_own_images_goes_on_with_the_same_images_only() {
    let folder = TempDir::new().unwrap();
    let out = path(&folder, "run");
    let checkpoint = path(&folder, "run/checkpoint.safetensors");
    let model = path(&folder, "model.safetensors");
    printed(&train(SHAPES, &out, &["--set", "epochs_growth=1"]));
    let message = refused(&["export", &checkpoint, &model]);
    assert!(message.contains("--data"), "{message}");
    // Split by another seed, they are in another order.
    let output = linf(&[
        "export",
        &checkpoint,
        &model,
        "--data",
        SHAPES,
        "--split-seed",
        "1",
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!Path::new(&model).exists());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("SHA-256"), "{message}");
    let resumed = printed(&["train", "--data", SHAPES, "--out", &out, "--resume"]);
    assert!(resumed.contains("finished"), "{resumed}");
}

#[test]
fn files_that_are_no_data_set_are_refused_before_a_folder_is_made() {
    let folder = TempDir::new().unwrap();
    let out = path(&folder, "run");
    let bad = path(&folder, "notes.csv");
    fs::write(&bad, "label,a,b\ncat,1,2\n").unwrap();
    let output = linf(&train(&bad, &out, &[]));
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("notes.csv, row 2, "), "{said}");
    assert!(!Path::new(&out).exists());
    let message = refused(&train(&path(&folder, "missing"), &out, &[]));
    assert!(message.contains("cannot read"), "{message}");
    let output = linf(&train(SHAPES, &out, &["--set", "held_out=5"]));
    assert_eq!(output.status.code(), Some(2));
    // One of the two is given.
    for more in [&["--dataset", "mnist", "--data", SHAPES][..], &[]] {
        let output = linf(&[&["train", "--preset", "tiny", "--out", &out], more].concat());
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn a_sparse_file_of_a_gigabyte_is_refused_in_a_sentence() {
    let folder = TempDir::new().unwrap();
    let large = folder.path().join("rows.csv");
    let mut file = fs::File::create(&large).unwrap();
    file.write_all(b"cat,1,2\n").unwrap();
    file.set_len(1 << 30).unwrap();
    let output = linf(&train(large.to_str().unwrap(), &path(&folder, "run"), &[]));
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("rows.csv") && said.contains("256 MB"),
        "{said}"
    );
}

/// The page measures the same images to the same figures and the same file. With `UPDATE_GOLDEN` set, writes
/// them before it reads them.
#[test]
fn images_of_ones_own_are_measured_as_the_page_measures_them() {
    let root = env!("CARGO_MANIFEST_DIR");
    let folder = TempDir::new().unwrap();
    let csv = path(&folder, "images.csv");
    let mnist = format!("{root}/www/public/models/mnist-eps0.3.safetensors");
    let drawings = format!("{root}/examples/drawings");
    let eval = |model: &str, data: &str, more: &[&str]| {
        let fixed = ["eval", "--model", model, "--data", data, "--epsilon", "0.3"];
        linf(&[&fixed[..], more].concat())
    };
    let figures = |model: &str, data: &str, more: &[&str]| {
        let to_file = ["--json", "--force", "--per-image", &csv];
        let output = eval(model, data, &[&to_file[..], more].concat());
        assert!(output.status.success());
        let report = json(&String::from_utf8(output.stdout).unwrap());
        let mut found: Value = ["images", "clean", "certified_lipschitz", "certified_ibp"]
            .into_iter()
            .map(|name| (name.to_owned(), report[name].clone()))
            .collect();
        found["images_csv"] = sha256_hex(&fs::read(&csv).unwrap()).into();
        found
    };
    let found = serde_json::json!({
        "drawings": figures(&mnist, &drawings, &[]),
        "held_out": figures(LEARNED_SHAPES, SHAPES, &["--held-out"]),
    });
    let golden = format!("{root}/tests/measured-own.json");
    if env::var_os("UPDATE_GOLDEN").is_some() {
        let text = serde_json::to_string_pretty(&found).unwrap();
        fs::write(&golden, text + "\n").unwrap();
    }
    assert_eq!(json(&fs::read_to_string(&golden).unwrap()), found);

    // The drawings are nobody's test set, and this network held none of them out.
    let images = path(&folder, "images.json");
    let to_file = ["--per-image", &images];
    assert!(eval(&mnist, &drawings, &to_file).status.success());
    assert_eq!(json(&fs::read_to_string(&images).unwrap())["split"], "own");
    let held_out = eval(&mnist, &drawings, &["--held-out"]);
    assert_eq!(held_out.status.code(), Some(2));
}

#[test]
fn one_image_is_measured_and_one_of_no_class_of_the_model_is_left_out() {
    let root = env!("CARGO_MANIFEST_DIR");
    let folder = TempDir::new().unwrap();
    let image = fs::read(format!("{root}/examples/drawings/7/wide.png")).unwrap();
    for class in ["7", "shoe"] {
        let class = folder.path().join("mine").join(class);
        fs::create_dir_all(&class).unwrap();
        fs::write(class.join("one.png"), &image).unwrap();
    }
    let model = format!("{root}/www/public/models/mnist-eps0.3.safetensors");
    let eval = |data: &str| {
        linf(&[
            "eval",
            "--model",
            &model,
            "--data",
            data,
            "--epsilon",
            "0.3",
            "--json",
        ])
    };
    let output = eval(&path(&folder, "mine"));
    assert!(String::from_utf8(output.stderr).unwrap().contains("shoe"));
    let report = json(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(report["images"], 1);
    let clean = report["clean"].as_f64().unwrap();
    assert!(clean == 0.0 || clean == 1.0, "{report}");
    // With no image left there is nothing to say.
    fs::remove_dir_all(folder.path().join("mine/7")).unwrap();
    assert_eq!(eval(&path(&folder, "mine")).status.code(), Some(2));
}
