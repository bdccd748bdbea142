//! The model file: what is written is read, and what is damaged is refused with one sentence.

use linf_dist_net::exact::{Accuracies, ExactNet, Metadata, Model, ModelError};
use proptest::prelude::*;
use safetensors::SafeTensors;
use serde_json::{Value, json};

use crate::nets::{dense_net, pruned};

fn metadata() -> Metadata {
    Metadata {
        dataset: "mnist".into(),
        epsilon: "0.3".parse().unwrap(),
        recipe: "a recipe with \"quotes\" and ε".into(),
        seed: u64::MAX,
        command: "linf train".into(),
        accuracies: Some(Accuracies {
            clean: 0.9876,
            certified_lipschitz: 0.9,
            certified_interval: 0.1 + 0.2,
        }),
    }
}

/// 9 pixels, so that a row of bits has padding; weights that need 16 and 32 bits.
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
    let dtype = |name| format!("{:?}", tensors.tensor(name).unwrap().dtype());
    assert_eq!(dtype("layers.0.weight"), "I16");
    assert_eq!(dtype("layers.1.weight"), "I32");
    assert_eq!(dtype("bias"), "I16");
    assert_eq!(tensors.tensor("layers.0.kept").unwrap().shape(), [3, 2]);
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
    assert!(entry("format_version", "2").contains("format version \"2\""));
    assert!(entry("scale", "32.0").contains("`scale` is \"32.0\""));
    for widths in ["", "9", "9-0-2", "9--2", "9-3-70000", "a-b"] {
        assert!(
            entry("architecture", widths).contains("`architecture` is"),
            "{widths}"
        );
    }
    assert!(entry("seed", "-1").contains("`seed` is \"-1\""));
    assert!(entry("clean", "most").contains("`clean` is \"most\""));
    assert!(entry("epsilon", "a third").contains("no valid ε"));
    let missing = refused(|header| {
        header["__metadata__"]
            .as_object_mut()
            .unwrap()
            .remove("recipe");
    });
    assert_eq!(missing, "the file's metadata lack `recipe`");
    let no_metadata = refused(|header| {
        header.as_object_mut().unwrap().remove("__metadata__");
    });
    assert!(no_metadata.contains("`format` is \"\""));
    // Another architecture than the tensors have.
    assert!(entry("architecture", "9-4-2").contains("`layers.0.kept` is U8 [3, 2]"));
    assert!(entry("architecture", "9-3-3").contains("`layers.1.kept`"));
    assert!(entry("architecture", "9-3-2-2").contains("lacks the tensor `layers.2.kept`"));
    // One pixel less leaves a bit of the first row beyond the last input.
    let error = entry("architecture", "8-3-2");
    assert!(error.contains("`layers.0.kept`"), "{error}");
    let error = refused(|header| header["layers.0.weight"]["dtype"] = json!("F16"));
    assert!(error.contains("`layers.0.weight` is F16"), "{error}");
    let error = refused(|header| {
        let bias = header["bias"].take();
        header.as_object_mut().unwrap().remove("bias");
        header["offset"] = bias;
    });
    assert_eq!(error, "the file lacks the tensor `bias`");
}

#[test]
fn kept_bits_that_fit_no_row_are_refused() {
    let damaged = |flip: fn(&mut [u8])| {
        let mut bytes = model().to_bytes();
        // The bits of both layers come last: 3 rows of 2 bytes, then 2 rows of 1.
        let end = bytes.len();
        flip(&mut bytes[end - 8..]);
        Model::from_bytes(&bytes).unwrap_err().to_string()
    };
    // Bit 9 instead of bit 8 of the first row: the count stays, the column does not exist.
    let beyond = damaged(|bits| bits[1] = 0b10);
    assert!(beyond.contains("beyond the last input"), "{beyond}");
    let count = damaged(|bits| bits[7] = 0b1);
    assert!(count.contains("`layers.1.weight`"), "{count}");
    // The count stays, but the last row is empty.
    let empty = damaged(|bits| (bits[6], bits[7]) = (0b111, 0));
    assert!(
        empty.contains("no network") || empty.contains("is I"),
        "{empty}"
    );
}

#[test]
fn a_net_that_could_overflow_is_refused() {
    let bytes = with_header(|_| {});
    let model = Model::from_bytes(&bytes).unwrap();
    let sparse = model.net.to_sparse();
    let error = ExactNet::new(2, &sparse, vec![i32::MAX; 2]).unwrap_err();
    assert!(error.to_string().contains("beyond the limit"), "{error}");
}
