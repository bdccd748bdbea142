//! The file of an baseline.

use linf_dist_net::baseline::{Accuracies, Metadata, Model, ModelError};
use linf_dist_net::exact::{Arguments, EntryError, Lineage, Operation};

#[cfg(target_arch = "wasm32")]
use crate::test;
use crate::{convolutional, patterned};

fn model() -> Model {
    Model {
        plain: patterned(&[784, 6, 10]),
        metadata: Metadata {
            dataset: "mnist".into(),
            lineage: Lineage::new(
                Operation::Baseline,
                Arguments::from([("recipe".into(), "standard".into())]),
                Some(u64::MAX),
                Vec::new(),
            )
            .unwrap(),
            accuracies: Some(Accuracies {
                epsilon: "0.3".parse().unwrap(),
                clean: 0.9712,
                certified: 0.0,
            }),
        },
    }
}

#[test]
fn a_file_is_read_as_it_was_written() {
    let bytes = model().to_bytes();
    assert_eq!(Model::from_bytes(&bytes).unwrap(), model());
    assert_eq!(Model::from_bytes(&bytes).unwrap().to_bytes(), bytes);
}

#[test]
fn a_file_of_convolutions_is_read_as_it_was_written() {
    let model = Model {
        plain: convolutional(),
        ..model()
    };
    assert_eq!(Model::from_bytes(&model.to_bytes()).unwrap(), model);
}

#[test]
fn a_file_without_accuracies_is_read() {
    let mut model = model();
    model.metadata.accuracies = None;
    assert_eq!(Model::from_bytes(&model.to_bytes()).unwrap(), model);
}

#[test]
fn what_is_no_such_file_is_refused_with_a_reason() {
    let bytes = model().to_bytes();
    let refused = |bytes: &[u8]| Model::from_bytes(bytes).unwrap_err();
    let cut = refused(&bytes[..bytes.len() - 1]);
    assert!(matches!(cut, ModelError::NotSafetensors(_)), "{cut}");
    let replaced = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = bytes
            .windows(from.len())
            .position(|window| window == from.as_bytes())
            .unwrap();
        let mut bytes = bytes.clone();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        refused(&bytes)
    };
    for (from, to) in [
        ("linf-dist-net baseline", "linf-dist-net singular"),
        ("\"format_version\":\"4\"", "\"format_version\":\"1\""),
    ] {
        let other = replaced(from, to);
        assert!(matches!(other, ModelError::Format(_)), "{other}");
    }
    let shape = replaced("784-6-10", "784-7-10");
    assert!(
        matches!(&shape, ModelError::Tensor { name, .. } if name == "layers.0.weight"),
        "{shape}"
    );
    let clean = replaced("0.9712", "9.9712");
    assert!(
        matches!(
            clean,
            ModelError::Entry(EntryError::Value { key: "clean", .. })
        ),
        "{clean}"
    );
    let seed = replaced("18446744073709551615", "28446744073709551615");
    assert!(
        matches!(seed, ModelError::Entry(EntryError::Lineage(_))),
        "{seed}"
    );
    // The radius and both accuracies, or none of the three.
    let some = replaced("\"certified\"", "\"certifies\"");
    assert!(
        matches!(some, ModelError::Entry(EntryError::Missing("certified"))),
        "{some}"
    );
}
