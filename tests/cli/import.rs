//! `linf import` of checkpoints that PyTorch wrote.

use std::path::Path;

use linf_dist_net::data::sha256_hex;
use linf_dist_net::exact::{Model, Operation};
use tempfile::TempDir;

use crate::{printed, refused};

/// Written by `tests/interop/checkpoints.py`.
fn fixture(name: &str) -> String {
    format!("{}/tests/interop/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn import<'a>(checkpoint: &'a str, model: &'a Path) -> [&'a str; 7] {
    let model = model.to_str().unwrap();
    [
        "import",
        checkpoint,
        model,
        "--dataset",
        "mnist",
        "--epsilon",
        "0.1",
    ]
}

#[test]
fn a_checkpoint_becomes_a_model_that_records_where_it_came_from() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    let checkpoint = fixture("v2-parallel.pth");
    let text = printed(&import(&checkpoint, &path));
    // Half a tick of each of three layers and of the bias, in ticks of 1/32.
    assert!(text.contains("0.0625"), "{text}");
    let model = Model::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(model.net.architecture(), [784, 8, 8, 10]);
    assert_eq!(model.metadata.dataset, "mnist");
    assert_eq!(model.metadata.epsilon.to_string(), "0.1");
    let lineage = &model.metadata.lineage;
    assert_eq!(lineage.operation(), &Operation::Import);
    let sha256 = sha256_hex(&std::fs::read(&checkpoint).unwrap());
    assert_eq!(lineage.text("checkpoint_sha256"), Some(&*sha256));
    assert_eq!(lineage.members(), Some(1));
    let commands = printed(&["lineage", path.to_str().unwrap()]);
    let again = "linf import model.pth model.safetensors --dataset mnist --scale 32 --epsilon 0.1";
    assert!(
        commands.contains(again) && commands.contains(&sha256),
        "{commands}"
    );
    // It is not replaced unasked.
    refused(&import(&checkpoint, &path));
}

#[test]
fn what_is_no_such_network_leaves_no_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("model.safetensors");
    for name in ["hostile.pth", "hybrid.pth", "conv.pth", "expected.json"] {
        let message = refused(&import(&fixture(name), &path));
        assert!(message.contains(name), "{message}");
        assert!(!path.exists());
    }
}
