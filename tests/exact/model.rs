//! The model file: what is written is read, and what is damaged is refused with one sentence.

use std::ops::Range;

use linf_dist_net::exact::{Accuracies, ExactNet, Lineage, Metadata, Model, ModelError, Operation};
use proptest::prelude::*;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Value, json};

use crate::nets::{dense_net, pruned};

fn metadata() -> Metadata {
    Metadata {
        dataset: "mnist".into(),
        epsilon: "0.3".parse().unwrap(),
        lineage: Lineage {
            seed: Some(u64::MAX),
            ..Lineage::new(Operation::Train, [("note", "\"quotes\" and ε".into())], [])
        },
        accuracies: Some(Accuracies {
            clean: 0.9876,
            certified_lipschitz: 0.9,
            certified_ibp: 0.1 + 0.2,
        }),
    }
}

/// Weights that need 16 and 32 bits.
fn model() -> Model {
    use linf_dist_net::exact::{DenseLayer, DenseNet};
    let weight = (0..27).map(|i| i * 100 % 510).collect();
    let wide = vec![0, 40_000, -40_000, 7, 8, 9];
    let layers = vec![
        DenseLayer {
            inputs: 9,
            outputs: 3,
            weight,
        },
        DenseLayer {
            inputs: 3,
            outputs: 2,
            weight: wide,
        },
    ];
    let net = DenseNet::new(2, layers, vec![5, -6])
        .unwrap()
        .prune()
        .unwrap();
    Model {
        net,
        metadata: metadata(),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(dense in dense_net()) {
        let model = Model { net: pruned(&dense), metadata: metadata() };
        let bytes = model.to_bytes();
        let read = Model::from_bytes(&bytes).unwrap();
        prop_assert_eq!(read.net.to_sparse(), model.net.to_sparse());
        prop_assert_eq!(read.net.bias(), model.net.bias());
        prop_assert_eq!(read.net.members(), model.net.members());
        prop_assert_eq!(read.net.scale(), model.net.scale());
        prop_assert_eq!(&read.metadata, &model.metadata);
        prop_assert_eq!(read.to_bytes(), bytes);
    }

    #[test]
    fn a_damaged_byte_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = model().to_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = Model::from_bytes(&bytes);
    }
}

#[test]
fn a_truncated_file_is_refused_wherever_it_ends() {
    let bytes = model().to_bytes();
    for end in 0..bytes.len() {
        let error = Model::from_bytes(&bytes[..end]).unwrap_err();
        assert!(
            matches!(error, ModelError::NotSafetensors(_)),
            "{end}: {error}"
        );
    }
}

#[test]
fn tensors_are_as_small_as_their_values_allow() {
    let bytes = model().to_bytes();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let planes = |name| tensors.tensor(name).unwrap().shape()[0];
    assert_eq!(planes("layers.0.weight"), 2);
    assert_eq!(planes("layers.1.weight"), 4);
    assert_eq!(tensors.tensor("bias").unwrap().dtype(), Dtype::I16);
}

/// A layer's tensors as docs/model-format.md describes them, byte for byte.
#[test]
fn golden_gaps_and_planes() {
    use linf_dist_net::exact::CsrLayer;
    // Left out before each: 0, 254, 255 (of two rows) and 510.
    let rows = [
        vec![(0, 1), (255, -2)],
        vec![(111, 0x0304)],
        vec![(222, -0x0304)],
    ];
    let first = CsrLayer::from_rows(400, rows);
    let second = CsrLayer::from_rows(3, [[(0, 0x01_0203)], [(2, -1)]]);
    let layers = [first, second];
    let net = ExactNet::new(2, &layers, vec![0, 0]).unwrap();
    let metadata = metadata();
    let mut bytes = Model { net, metadata }.to_bytes();
    let read = Model::from_bytes(&bytes).unwrap();
    assert_eq!(read.net.to_sparse(), layers);
    let data = |name| bytes[place(&bytes, name)].to_vec();
    assert_eq!(data("layers.0.gap"), [0, 254, 255, 0, 255, 255, 0]);
    assert_eq!(
        data("layers.0.weight"),
        [1, 0xfe, 4, 0xfc, 0, 0xff, 3, 0xfc]
    );
    assert_eq!(data("layers.1.gap"), [0, 4]);
    assert_eq!(
        data("layers.1.weight"),
        [3, 0xff, 2, 0xff, 1, 0xff, 0, 0xff]
    );
    // Both in the second row: the first is empty.
    let gaps = place(&bytes, "layers.1.gap");
    bytes[gaps].copy_from_slice(&[3, 1]);
    let error = Model::from_bytes(&bytes).unwrap_err().to_string();
    assert!(error.contains("no network"), "{error}");
}

/// Where a tensor's data lie in a file.
fn place(bytes: &[u8], name: &str) -> Range<usize> {
    let tensors = SafeTensors::deserialize(bytes).unwrap();
    let data = tensors.tensor(name).unwrap().data();
    let start = data.as_ptr() as usize - bytes.as_ptr() as usize;
    start..start + data.len()
}

/// The file of [`model`] with its header changed; the data stay.
fn with_header(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let bytes = model().to_bytes();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let (header, data) = bytes[8..].split_at(length);
    let mut header: Value = serde_json::from_slice(header).unwrap();
    change(&mut header);
    let header = serde_json::to_vec(&header).unwrap();
    [&(header.len() as u64).to_le_bytes()[..], &header, data].concat()
}

fn refused(change: impl FnOnce(&mut Value)) -> String {
    Model::from_bytes(&with_header(change))
        .unwrap_err()
        .to_string()
}

#[test]
fn a_header_that_says_something_else_is_refused_in_one_sentence() {
    assert!(Model::from_bytes(&with_header(|_| {})).is_ok());
    let entry = |key: &'static str, value: &'static str| {
        refused(move |header| header["__metadata__"][key] = json!(value))
    };
    assert!(entry("format", "pt").contains("`format` is \"pt\""));
    for version in ["1", "2", "3", "5"] {
        let said = format!("format version \"{version}\"");
        assert!(entry("format_version", version).contains(&said));
    }
    assert!(entry("members", "two").contains("`members` is \"two\""));
    assert!(entry("scale", "32.0").contains("`scale` is \"32.0\""));
    for widths in [
        "",
        "9",
        "9-0-2",
        "9--2",
        "9-3-70000",
        "a-b",
        "+9-3-2",
        "09-3-2",
        "-0",
    ] {
        assert!(
            entry("architecture", widths).contains("`architecture` is"),
            "{widths}"
        );
    }
    for lineage in [
        "",
        "{}",
        "linf train",
        r#"{"operation":"train","arguments":{}}"#,
    ] {
        assert!(entry("lineage", lineage).contains("no valid lineage"));
    }
    // Some of the accuracies, but not all.
    let some = refused(|header| {
        header["__metadata__"]
            .as_object_mut()
            .unwrap()
            .remove("clean");
    });
    assert_eq!(some, "the file's metadata lack `clean`");
    assert!(entry("clean", "most").contains("`clean` is \"most\""));
    assert!(entry("epsilon", "a third").contains("no valid ε"));
    let missing = refused(|header| {
        header["__metadata__"]
            .as_object_mut()
            .unwrap()
            .remove("lineage");
    });
    assert_eq!(missing, "the file's metadata lack `lineage`");
    let no_metadata = refused(|header| {
        header.as_object_mut().unwrap().remove("__metadata__");
    });
    assert!(no_metadata.contains("`format` is \"\""));
    // Another architecture than the tensors have.
    assert!(entry("architecture", "9-4-2").contains("no network"));
    assert!(entry("architecture", "9-60000-2").contains("each of the layer's 60000 units"));
    assert!(entry("architecture", "9-65536-65536-2").contains("`architecture` is"));
    assert!(entry("architecture", "9-3-3").contains("`bias`"));
    assert!(entry("architecture", "9-3-2-2").contains("lacks the tensor `layers.2.gap`"));
    // One pixel less leaves a weight beyond the last row.
    let error = entry("architecture", "8-3-2");
    assert!(
        error.contains("`layers.0.gap` keeps a weight beyond"),
        "{error}"
    );
    let error = refused(|header| header["layers.0.weight"]["dtype"] = json!("I8"));
    assert!(error.contains("`layers.0.weight` is I8"), "{error}");
    let error = refused(|header| {
        let bias = header["bias"].take();
        header.as_object_mut().unwrap().remove("bias");
        header["offset"] = bias;
    });
    assert_eq!(error, "the file lacks the tensor `bias`");
}

#[test]
fn gaps_that_fit_no_layer_are_refused() {
    let damaged = |change: fn(&mut [u8])| {
        let mut bytes = model().to_bytes();
        let gaps = place(&bytes, "layers.1.gap");
        change(&mut bytes[gaps]);
        Model::from_bytes(&bytes).unwrap_err().to_string()
    };
    let beyond = damaged(|gaps| gaps[0] = 6);
    assert!(
        beyond.contains("`layers.1.gap` keeps a weight beyond"),
        "{beyond}"
    );
    let count = damaged(|gaps| gaps[0] = 255);
    assert!(count.contains("`layers.1.weight`"), "{count}");
    let few = damaged(|gaps| gaps[1..].fill(255));
    assert!(few.contains("one for each of the layer's 2 units"), "{few}");
}

#[test]
fn a_net_that_could_overflow_is_refused() {
    let bytes = with_header(|_| {});
    let model = Model::from_bytes(&bytes).unwrap();
    let sparse = model.net.to_sparse();
    let error = ExactNet::new(2, &sparse, vec![i32::MAX; 2]).unwrap_err();
    assert!(error.to_string().contains("beyond the limit"), "{error}");
}
