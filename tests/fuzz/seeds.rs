//! What readers should get: small files of every kind, made here.

use std::io::Write;
use std::sync::Arc;

use burn::tensor::{Device, read_sync};
use flate2::Compression;
use flate2::write::GzEncoder;
use linf_dist_net::baseline::{self, BaselineNet, Geometry, Layer};
#[cfg(feature = "import")]
use linf_dist_net::data::ImportOptions;
#[cfg(feature = "import")]
use linf_dist_net::data::import::{Imported, Importer};
use linf_dist_net::data::{Dataset, DatasetDescription, Normalisation};
use linf_dist_net::exact::{Accuracies, Arguments, ExactNet, Lineage, Metadata, Model, Operation};
use linf_dist_net::train::{TrainConfig, Trainer};

/// Points around three corners of a triangle.
pub fn points() -> Dataset {
    let normalisation = Normalisation {
        mean: 0.4,
        std: 0.3,
    };
    let corners = [[20, 30], [200, 60], [90, 210]];
    let point = |index: usize| corners[index % 3].map(|level| level + (index * 31 % 17) as u8);
    let count = 48;
    Dataset {
        description: Arc::new(DatasetDescription::in_memory(
            "made",
            [1, 2],
            3,
            normalisation,
        )),
        images: (0..count).flat_map(point).collect(),
        labels: (0..count).map(|index| (index % 3) as u8).collect(),
    }
}

fn trainer(prune_from_epoch: usize) -> Trainer {
    let config = TrainConfig {
        dataset: "made".into(),
        hidden: vec![5, 4],
        batch: 8,
        held_out: 8,
        random_shift: 0,
        epochs_start: 1,
        epochs_growth: 2,
        epochs_inf: 1,
        prune_from_epoch,
        ..TrainConfig::preset("tiny").unwrap()
    };
    let mut trainer = Trainer::new(config, points(), Device::flex()).unwrap();
    for _ in 0..12 {
        trainer.step().unwrap();
    }
    trainer
}

/// Checkpoints: with all weights, and with some dropped.
pub fn checkpoints() -> Vec<Vec<u8>> {
    let bytes = |from| read_sync(trainer(from).checkpoint()).unwrap().to_bytes();
    vec![bytes(0), bytes(1)]
}

/// Somebody's own images: twelve of two classes, from a table.
#[cfg(feature = "import")]
pub fn own_images() -> Imported {
    let row = |index: usize| format!("{},{index},7,0,255\n", index % 2);
    let table: String = (0..12).map(row).collect();
    let mut importer = Importer::new(ImportOptions::default());
    importer.add("own.csv", table.as_bytes());
    importer.finish("own").0.expect("a table of two classes")
}

/// A checkpoint of a run on them.
#[cfg(feature = "import")]
pub fn checkpoint_on_own_images(own: &Imported) -> Vec<u8> {
    let config = TrainConfig {
        hidden: vec![3],
        batch: 4,
        random_shift: 0,
        epochs_start: 1,
        epochs_growth: 1,
        epochs_inf: 1,
        ..TrainConfig::preset("tiny").unwrap()
    };
    let config = config.on_imported(
        &own.data.description,
        own.held_out,
        own.suggested_epsilon.parse().unwrap(),
    );
    let mut trainer = Trainer::new(config, own.data.clone(), Device::flex()).unwrap();
    trainer.step().unwrap();
    read_sync(trainer.checkpoint()).unwrap().to_bytes()
}

fn lineage() -> Lineage {
    let arguments = Arguments::from([("preset".into(), "tiny".into())]);
    Lineage::new(Operation::Train, arguments, Some(7), Vec::new()).unwrap()
}

/// Model files: of one member and measured, and of two.
pub fn models() -> Vec<Vec<u8>> {
    let net = read_sync(trainer(0).exact_net(usize::MAX)).unwrap();
    let pair = ExactNet::ensemble(&[&net, &net]).unwrap();
    let file = |net, accuracies| {
        let metadata = Metadata {
            dataset: "mnist".into(),
            classes: ["left", "right", "top"].map(str::to_owned).to_vec(),
            epsilon: "0.3".parse().unwrap(),
            lineage: lineage(),
            accuracies,
        };
        Model { net, metadata }.to_bytes()
    };
    let measured = Accuracies {
        clean: 0.9863,
        certified_lipschitz: 0.92,
        certified_ibp: 0.9273,
    };
    vec![file(net, Some(measured)), file(pair, None)]
}

/// Files of baselines: dense, and beginning with a convolution.
pub fn baselines() -> Vec<Vec<u8>> {
    let conv = Geometry::Conv {
        channels: 1,
        side: 28,
        kernel: 4,
        stride: 4,
    };
    let dense = |inputs| Geometry::Dense { inputs };
    let files = [
        baseline_of(&[(dense(16), 4), (dense(4), 3)]),
        baseline_of(&[(conv, 2), (dense(2 * 7 * 7), 3)]),
    ];
    files.into()
}

fn baseline_of(layers: &[(Geometry, usize)]) -> Vec<u8> {
    let number = |index: usize| (index * 7 % 13) as f32 / 8.0 - 0.75;
    let layers = layers.iter().map(|&(geometry, channels)| Layer {
        weight: (0..channels * geometry.fan_in()).map(number).collect(),
        bias: (0..channels).map(number).collect(),
        geometry,
    });
    let metadata = baseline::Metadata {
        dataset: "mnist".into(),
        lineage: lineage(),
        accuracies: None,
    };
    let plain = BaselineNet::new(layers.collect()).unwrap();
    baseline::Model { plain, metadata }.to_bytes()
}

/// IDX files: images of 2×3 and labels, raw and gzip.
pub fn idx_files() -> Vec<Vec<u8>> {
    let images = [
        &[0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 2, 0, 0, 0, 3][..],
        &[77; 24],
    ]
    .concat();
    let labels = [&[0, 0, 8, 1, 0, 0, 0, 4][..], &[0, 1, 2, 1]].concat();
    let packed = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    vec![packed(&images), packed(&labels), images, labels]
}
