//! `linf export MODEL --onnx …`: what is written, and what is refused.

use std::fs;

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use tempfile::TempDir;

use crate::{misused, printed, refused};

/// 784-12-12-10 with random weights.
const MODEL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/browser/golden-net.safetensors"
);

#[test]
fn a_model_is_written_as_onnx_floats_and_json_and_nothing_is_replaced_unasked() {
    let folder = TempDir::new().unwrap();
    for (option, name) in [
        ("--onnx", "net.onnx"),
        ("--safetensors-f32", "floats.safetensors"),
        ("--json", "net.json"),
    ] {
        let path = folder.path().join(name);
        let export = ["export", MODEL, option, path.to_str().unwrap()];
        printed(&export);
        let first = fs::read(&path).unwrap();
        let message = refused(&export);
        assert!(message.contains(name), "{message}");
        printed(&[&export[..], &["--force"]].concat());
        assert_eq!(fs::read(&path).unwrap(), first);
    }

    let floats = fs::read(folder.path().join("floats.safetensors")).unwrap();
    let floats = SafeTensors::deserialize(&floats).unwrap();
    let json = fs::read(folder.path().join("net.json")).unwrap();
    let json: Value = serde_json::from_slice(&json).unwrap();
    let scale = json["scale"].as_f64().unwrap();
    for (index, layer) in json["layers"].as_array().unwrap().iter().enumerate() {
        let weights = floats.tensor(&format!("layers.{index}.weights")).unwrap();
        assert_eq!(weights.dtype(), Dtype::F32);
        let levels = weights.data().as_chunks::<4>().0.iter();
        let levels = levels.map(|bytes| f64::from(f32::from_le_bytes(*bytes)));
        let units = layer["units"].as_array().unwrap().iter();
        let kept = units.flat_map(|unit| unit.as_array().unwrap());
        let ticks = kept.map(|pair| pair[1].as_f64().unwrap());
        assert!(levels.eq(ticks.map(|ticks| ticks / scale)), "layer {index}");
    }
}

#[test]
fn a_verifier_form_that_would_be_too_large_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("net.onnx");
    let export = ["export", MODEL, "--onnx", path.to_str().unwrap()];
    let message = refused(&[&export[..], &["--form", "verifier"]].concat());
    assert!(message.contains("MB"), "{message}");
    assert!(!path.exists());
}

#[test]
fn one_thing_is_exported_at_a_time() {
    for arguments in [
        &["export", MODEL][..],
        &["export", MODEL, "to.safetensors", "--json", "net.json"],
        &["export", MODEL, "--onnx", "net.onnx", "--json", "net.json"],
        &["export", MODEL, "--vnnlib", "folder", "--images", "0..9"],
        &["export", MODEL, "to.safetensors", "--form", "compact"],
        &[
            "export",
            MODEL,
            "--vnnlib",
            "folder",
            "--images",
            "9..0",
            "--epsilon",
            "0.1",
        ],
    ] {
        misused(arguments);
    }
    // What only the other half of the command heeds is refused, not ignored.
    for unheeded in [
        &["--scale", "8"][..],
        &["--measure"],
        &["--data", "folder"],
        &["--epsilon", "0.1"],
        &["--form", "compact"],
    ] {
        misused(&[&["export", MODEL, "--json", "net.json"], unheeded].concat());
    }
}
