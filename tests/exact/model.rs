//! The model file: what is written is read, and what is damaged is refused with one sentence.

use std::fs;
use std::ops::Range;
use std::path::Path;

use linf_dist_net::exact::io::MAX_DEPTH;
use linf_dist_net::exact::{
    Accuracies, Argument, Arguments, EntryError, ExactNet, Lineage, LineageError, Metadata, Model,
    ModelError, Operation, Parent,
};
use proptest::prelude::*;
use safetensors::{Dtype, SafeTensors};
use serde_json::{Number, Value, json};

use crate::nets::{dense_net, pruned};

/// So many operations, one behind the other.
fn lineage(depth: usize) -> Lineage {
    let arguments = Arguments::from([
        ("note".into(), "\"quotes\" and ε".into()),
        (
            "share".into(),
            Argument::Number(Number::from_f64(0.1).unwrap()),
        ),
        (
            "hidden".into(),
            Argument::List(vec![5_u64.into(), true.into()]),
        ),
    ]);
    let first = Lineage::new(Operation::Train, arguments, Some(u64::MAX), vec![]).unwrap();
    (1..depth).fold(first, |lineage, _| prune(lineage).unwrap())
}

fn prune(lineage: Lineage) -> Result<Lineage, LineageError> {
    let sha256 = Some("0123456789abcdef".repeat(4));
    let parents = vec![Parent { sha256, lineage }];
    Lineage::new(Operation::Prune, Arguments::new(), None, parents)
}

fn metadata() -> Metadata {
    Metadata {
        dataset: "mnist".into(),
        classes: Vec::new(),
        epsilon: "0.3".parse().unwrap(),
        lineage: lineage(1),
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
fn the_names_of_classes_are_read_as_they_are_written() {
    let mut named = model();
    named.metadata.classes = vec!["cat".into(), "\"dog\" ω".into()];
    let bytes = named.to_bytes();
    let read = Model::from_bytes(&bytes).unwrap();
    assert_eq!(read.metadata, named.metadata);
    // A model without names is the same file as before there were any.
    named.metadata.classes.clear();
    assert_eq!(named.to_bytes(), model().to_bytes());
}

#[test]
fn names_that_are_not_those_of_the_classes_are_refused() {
    let refused = |classes: &[&str]| {
        let mut named = model();
        named.metadata.classes = classes.iter().map(|&name| name.into()).collect();
        Model::from_bytes(&named.to_bytes()).unwrap_err()
    };
    let error = refused(&["a", "b", "c"]);
    let [named, classes] = [3, 2];
    assert!(
        matches!(error, ModelError::Names { named: n, classes: c } if n == named && c == classes),
        "{error}"
    );
    let long = "x".repeat(65);
    for names in [
        ["a", "a"],
        ["", "b"],
        [" a", "b"],
        ["a\n", "b"],
        [&long, "b"],
    ] {
        let error = refused(&names);
        assert!(
            matches!(
                error,
                ModelError::Entry(EntryError::Value { key: "classes", .. })
            ),
            "{error}"
        );
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

fn error(change: impl FnOnce(&mut Value)) -> ModelError {
    Model::from_bytes(&with_header(change)).unwrap_err()
}

fn refused(change: impl FnOnce(&mut Value)) -> String {
    error(change).to_string()
}

/// The error of a file whose metadata have another value for an entry, or none.
fn entry_error(key: &'static str, value: Option<&str>) -> ModelError {
    error(move |header| {
        let metadata = header["__metadata__"].as_object_mut().unwrap();
        match value {
            Some(value) => metadata.insert(key.into(), json!(value)),
            None => metadata.remove(key),
        };
    })
}

#[test]
fn other_versions_and_formats_are_refused() {
    for version in ["1", "2", "3", "5", "4.0", ""] {
        let error = entry_error("format_version", Some(version));
        assert!(
            matches!(&error, ModelError::Version(found) if found == version),
            "{error:?}"
        );
        assert!(error.to_string().contains("export the model again"));
    }
    let other = entry_error("format", Some("pt"));
    assert!(matches!(other, ModelError::Format(found) if found == "pt"));
    let none = error(|header| {
        header.as_object_mut().unwrap().remove("__metadata__");
    });
    assert!(matches!(none, ModelError::Format(found) if found.is_empty()));
}

#[test]
fn every_entry_of_the_metadata_is_required() {
    assert!(Model::from_bytes(&with_header(|_| {})).is_ok());
    // Of the accuracies there are all three or none.
    for key in [
        "format_version",
        "architecture",
        "scale",
        "members",
        "dataset",
        "epsilon",
        "lineage",
        "clean",
        "certified_lipschitz",
        "certified_ibp",
    ] {
        let error = entry_error(key, None);
        assert!(
            matches!(error, ModelError::Entry(EntryError::Missing(missing)) if missing == key),
            "{key}: {error:?}"
        );
    }
    let unmeasured = with_header(|header| {
        let metadata = header["__metadata__"].as_object_mut().unwrap();
        for key in ["clean", "certified_lipschitz", "certified_ibp"] {
            metadata.remove(key);
        }
    });
    let model = Model::from_bytes(&unmeasured).unwrap();
    assert_eq!(model.metadata.accuracies, None);
}

#[test]
fn values_that_are_no_plain_decimals_are_refused() {
    let values = [
        ("scale", ["32.0", "+2", "02", "", "two"].as_slice()),
        ("members", &["two", "+1", "01", "-1", " 1"]),
        (
            "architecture",
            &[
                "",
                "9",
                "-0",
                "9-0-2",
                "9--2",
                "9-3-70000",
                "a-b",
                "+9-3-2",
                "+784-012",
                "9-03-2",
                "9-65536-65536-2",
            ],
        ),
        ("clean", &["most", "1.5", "-0", "+1", "NaN", "1e-3", ""]),
        ("certified_ibp", &["2"]),
    ];
    for (key, values) in values {
        for &value in values {
            let error = entry_error(key, Some(value));
            assert!(
                matches!(&error, ModelError::Entry(EntryError::Value { key: of, .. }) if *of == key),
                "{key} {value:?}: {error:?}"
            );
        }
    }
    let error = entry_error("epsilon", Some("a third"));
    assert!(matches!(error, ModelError::Entry(EntryError::Epsilon(_))));
}

#[test]
fn what_is_no_lineage_is_refused() {
    for text in [
        "",
        "{}",
        "linf train",
        r#"{"operation":"train","arguments":{}}"#,
        r#"{"operation":"train","arguments":{"a":{}},"parents":[]}"#,
        r#"{"operation":"train","arguments":{"a":null},"parents":[]}"#,
        r#"{"operation":"train","arguments":{},"seed":-1,"parents":[]}"#,
        r#"{"operation":"prune","arguments":{},"parents":[{"lineage":{"operation":"train","arguments":{},"parents":[]}}]}"#,
    ] {
        let error = entry_error("lineage", Some(text));
        assert!(
            matches!(
                error,
                ModelError::Entry(EntryError::Lineage(LineageError::Json(_)))
            ),
            "{text}: {error:?}"
        );
    }
    let refused = |text: String| Lineage::from_json(&text).unwrap_err();
    let of_parent = |sha256: &str| {
        let parent = r#"{"operation":"train","arguments":{},"parents":[]}"#;
        format!(
            r#"{{"operation":"prune","arguments":{{}},"parents":[{{"sha256":"{sha256}","lineage":{parent}}}]}}"#
        )
    };
    for digest in ["", "abc", &"g".repeat(64), &"A".repeat(64)] {
        assert!(matches!(
            refused(of_parent(digest)),
            LineageError::Sha256(_)
        ));
    }
    assert!(Lineage::from_json(&of_parent(&"a".repeat(64))).is_ok());
    let control = r#"{"operation":"train","arguments":{"a":["\u001b[2J"]},"parents":[]}"#;
    assert!(matches!(refused(control.into()), LineageError::Control(_)));
    let long = format!(
        r#"{{"operation":"train","arguments":{{"a":"{}"}},"parents":[]}}"#,
        "a".repeat(1 << 20)
    );
    assert!(matches!(refused(long), LineageError::Size));
    let nested = r#"{"operation":"prune","arguments":{},"parents":[{"sha256":null,"lineage":"#;
    assert!(Lineage::from_json(&nested.repeat(10_000)).is_err());
}

/// So a file can never be written that cannot be read.
#[test]
fn a_lineage_grows_to_its_bounds_and_no_further() {
    let deepest = lineage(MAX_DEPTH);
    assert_eq!(Lineage::from_json(&deepest.to_json()).unwrap(), deepest);
    assert!(matches!(prune(deepest), Err(LineageError::Depth)));
    let mut joined = lineage(1);
    let error = loop {
        let parent = || Parent {
            sha256: None,
            lineage: joined.clone(),
        };
        let parents = vec![parent(), parent()];
        match Lineage::new(Operation::Ensemble, Arguments::new(), None, parents) {
            Ok(ensemble) => joined = ensemble,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LineageError::Size), "{error}");
    assert!(Lineage::from_json(&joined.to_json()).is_ok());
}

#[test]
fn operations_of_other_programs_and_other_keys_are_read() {
    let text = r#"{"operation":"distil","arguments":{},"parents":[],"author":{"name":"x"}}"#;
    let lineage = Lineage::from_json(text).unwrap();
    assert_eq!(*lineage.operation(), Operation::Other("distil".into()));
    assert_eq!(
        lineage.to_json(),
        r#"{"operation":"distil","arguments":{},"parents":[]}"#
    );
}

#[test]
fn the_members_of_ensembles_of_ensembles_are_found() {
    let join = |parents: &[&Lineage]| {
        let parents = parents.iter().map(|lineage| Parent {
            sha256: None,
            lineage: (*lineage).clone(),
        });
        let arguments = Arguments::new();
        Lineage::new(Operation::Ensemble, arguments, None, parents.collect()).unwrap()
    };
    let (one, two, three) = (lineage(1), lineage(2), lineage(3));
    let all = join(&[&one, &join(&[&two, &three])]);
    assert_eq!(all.members(), Some(3));
    for (index, member) in [&one, &two, &three].into_iter().enumerate() {
        assert_eq!(
            all.member(index).map(|parent| &parent.lineage),
            Some(member)
        );
    }
    assert_eq!(all.member(3), None);
    let unknown = Operation::Other("distil".into());
    let unknown = Lineage::new(unknown, Arguments::new(), None, vec![]).unwrap();
    assert_eq!(join(&[&one, &unknown]).members(), None);
}

/// The files that the page has are what this program writes.
#[test]
fn the_shipped_models_are_written_as_they_were_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("www/public/models");
    for name in ["mnist-eps0.3", "mnist-eps0.1", "fashion-eps0.1"] {
        let bytes = fs::read(folder.join(format!("{name}.safetensors"))).unwrap();
        let model = Model::from_bytes(&bytes).unwrap();
        assert!(model.to_bytes() == bytes, "{name}");
        assert_eq!(model.metadata.lineage.members(), Some(model.net.members()));
    }
}

#[test]
fn tensors_that_do_not_fit_the_architecture_are_refused() {
    let entry = |key: &'static str, value: &'static str| entry_error(key, Some(value)).to_string();
    // Another architecture than the tensors have.
    assert!(entry("architecture", "9-4-2").contains("no network"));
    assert!(entry("architecture", "9-60000-2").contains("each of the layer's 60000 units"));
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
