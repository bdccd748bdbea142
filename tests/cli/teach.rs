//! `linf teach`: what is refused, and that it writes the file that the page writes.
//!
//! `tests/taught.json` holds the digest of the network that five drawings make of a shipped one; the page's
//! test compares what it writes with the same file.

use std::fs;

use linf_dist_net::data::sha256_hex;
use linf_dist_net::exact::{Model, Operation};
use serde_json::Value;
use tempfile::TempDir;

use crate::{printed, refused};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const MODEL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/www/public/models/mnist-eps0.3.safetensors"
);
const DRAWINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/drawings");

#[test]
fn folders_that_are_no_classes_and_other_images_than_recorded_are_refused() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("taught.safetensors");
    let out = out.to_str().unwrap();
    let images = folder.path().join("images");
    fs::create_dir(&images).unwrap();
    let named = images.to_str().unwrap();
    let teach = |images: &str, more: &[&str]| {
        let command = ["teach", MODEL, "--images", images, "--out", out];
        refused(&[&command, more].concat())
    };
    // No folders at all, one without an image, and one that no class is called.
    assert!(teach(named, &[]).contains(named));
    let seven = images.join("7");
    fs::create_dir(&seven).unwrap();
    assert!(teach(named, &[]).contains(seven.to_str().unwrap()));
    fs::remove_dir(&seven).unwrap();
    let other = images.join("ten");
    fs::create_dir(&other).unwrap();
    assert!(teach(named, &[]).contains(other.to_str().unwrap()));

    let digest = "0".repeat(64);
    assert!(teach(DRAWINGS, &["--images-sha256", &digest]).contains(&digest));
    assert!(!fs::exists(out).unwrap());
}

#[test]
#[ignore = "needs the data sets"]
fn drawings_are_learned_and_the_file_is_the_pages() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("taught.safetensors");
    let out = out.to_str().unwrap();
    let data = format!("{ROOT}/data");
    let command = ["teach", MODEL, "--images", DRAWINGS, "--out", out];
    let report = printed(&[&command, &["--data-dir", &data, "--json"][..]].concat());
    let report: Value = serde_json::from_str(&report).unwrap();
    let expected = fs::read(format!("{ROOT}/tests/taught.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let bytes = fs::read(out).unwrap();
    for key in ["images_sha256", "model_sha256"] {
        assert_eq!(report[key], expected[key], "{key}");
    }
    assert_eq!(report["model_sha256"], sha256_hex(&bytes));
    assert_eq!(report["learned"], 5);
    for image in report["images"].as_array().unwrap() {
        assert_ne!(image["before"]["label"], image["label"]);
        assert_eq!(image["after"]["label"], image["label"]);
    }

    // Nothing is claimed that was not measured, and the record repeats it.
    let Model { metadata, .. } = Model::from_bytes(&bytes).unwrap();
    assert_eq!(metadata.accuracies, None);
    assert_eq!(*metadata.lineage.operation(), Operation::Teach);
    let commands = printed(&["lineage", out]);
    let last = commands.lines().last().unwrap();
    assert!(last.starts_with("linf teach "), "{last}");
    assert!(!last.contains('#'), "{last}");
    assert!(last.contains(report["images_sha256"].as_str().unwrap()));

    // The evaluation of the written file is what the report says of it.
    let held_out = &report["held_out"];
    assert_eq!(held_out["images"], 5_000);
    for counts in ["before", "after"] {
        assert!(held_out[counts]["clean"].as_u64().unwrap() > 4_900);
    }
}
