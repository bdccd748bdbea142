//! The readers.

use std::time::Duration;

use burn::tensor::{Device, read_sync};
use linf_dist_net::baseline;
use linf_dist_net::data::idx;
use linf_dist_net::data::strokes::strokes_to_image;
use linf_dist_net::exact::{CertificateFile, Method, Model, Ticks};
use linf_dist_net::train::{Checkpoint, Processor, TrainConfig, Trainer};
use linf_dist_net::web::{Hyperparameters, OwnImages, Request, Session};

use crate::{Limits, fuzz, seeds};

const KB: usize = 1 << 10;
const MB: usize = 1 << 20;

#[test]
fn model_files() {
    let limits = Limits {
        multiple: 64,
        slack: MB,
    };
    fuzz("model_files", &seeds::models(), &limits, |bytes| {
        let Ok(model) = Model::from_bytes(bytes) else {
            return false;
        };
        // What is read can be written, read again and run.
        let written = model.to_bytes();
        assert_eq!(Model::from_bytes(&written).unwrap().to_bytes(), written);
        let image = vec![77; model.net.inputs()];
        let certificate = model.net.evaluator().certificate(&image).unwrap();
        assert_eq!(
            certificate.label.is_some(),
            certificate.ibp_radius.is_some()
        );
        true
    });
}

#[test]
fn certificates() {
    let limits = Limits {
        multiple: 64,
        slack: MB,
    };
    let mut model = Model::from_bytes(&seeds::models()[1]).unwrap();
    model.metadata.dataset = "points".into();
    let file = model.to_bytes();
    let image = [77, 200];
    let least = CertificateFile::new(&file, &image, 2, None, 0).unwrap();
    // One step beyond IBP, where branch and bound proves it.
    let radius = Ticks::new(least.ibp_radius.get() + 1);
    let beyond = CertificateFile::new(&file, &image, 2, Some(radius), 1000);
    let beyond = beyond.expect("branch and bound proves a tick more");
    assert_eq!(beyond.method, Method::BranchAndBound);
    let seeds = [&least, &beyond].map(CertificateFile::to_bytes);
    fuzz("certificates", &seeds, &limits, |bytes| {
        let Ok(certificate) = CertificateFile::check_with(bytes, &model, &least.model_sha256)
        else {
            return false;
        };
        assert!(
            certificate.to_bytes() == bytes,
            "there is one way to write it"
        );
        true
    });
}

#[test]
fn checkpoints_and_the_step_after_them() {
    let limits = Limits {
        multiple: 64,
        slack: MB,
    };
    let data = seeds::points();
    fuzz("checkpoints", &seeds::checkpoints(), &limits, |bytes| {
        let Ok(checkpoint) = Checkpoint::from_bytes(bytes) else {
            return false;
        };
        let Ok(mut trainer) = Trainer::restore(&checkpoint, data.clone(), Device::flex()) else {
            return false;
        };
        // A step may fail, with a sentence.
        trainer.is_finished() || trainer.step().is_ok() || read_sync(trainer.read()).is_err()
    });
}

#[cfg(feature = "import")]
#[test]
fn checkpoints_of_runs_on_own_images() {
    let limits = Limits {
        multiple: 64,
        slack: MB,
    };
    let own = seeds::own_images();
    let seeds = [seeds::checkpoint_on_own_images(&own)];
    fuzz("own_checkpoints", &seeds, &limits, |bytes| {
        let Ok(checkpoint) = Checkpoint::from_bytes(bytes) else {
            return false;
        };
        let trainer = Trainer::restore(&checkpoint, own.data.clone(), Device::flex());
        trainer.is_ok_and(|trainer| trainer.lineage().is_ok())
    });
}

#[cfg(feature = "pytorch")]
#[test]
fn checkpoints_of_pytorch() {
    use linf_dist_net::data::Normalisation;
    use linf_dist_net::interop::pytorch;
    let seeds = [
        &include_bytes!("../interop/v1.pth")[..],
        include_bytes!("../interop/v2-parallel.pth"),
    ];
    let path = std::env::temp_dir().join(format!("linf-fuzz-{}.pth", std::process::id()));
    let normalisation = Normalisation {
        mean: 0.4,
        std: 0.3,
    };
    let limits = Limits {
        multiple: 64,
        slack: MB,
    };
    fuzz("pytorch", &seeds.map(<[u8]>::to_vec), &limits, |bytes| {
        std::fs::write(&path, bytes).unwrap();
        pytorch::read(&path, normalisation).is_ok()
    });
    std::fs::remove_file(path).unwrap();
}

#[test]
fn files_of_baselines() {
    let limits = Limits {
        multiple: 64,
        slack: 4 * MB,
    };
    fuzz("baselines", &seeds::baselines(), &limits, |bytes| {
        let Ok(model) = baseline::Model::from_bytes(bytes) else {
            return false;
        };
        assert_eq!(
            baseline::Model::from_bytes(&model.to_bytes()).unwrap(),
            model
        );
        true
    });
}

#[test]
fn idx_files() {
    // Gzip packs up to a thousandfold; what is unpacked is bounded by itself.
    let limits = Limits {
        multiple: 2 * KB,
        slack: MB,
    };
    fuzz("idx_files", &seeds::idx_files(), &limits, |bytes| {
        let Ok(unpacked) = idx::unpack(bytes) else {
            return false;
        };
        let images = idx::parse(&unpacked, [None, Some(2), Some(3)]).is_ok();
        images | idx::parse(&unpacked, [None]).is_ok()
    });
}

#[cfg(feature = "import")]
#[test]
fn images_of_ones_own() {
    use linf_dist_net::data::ImportOptions;
    use linf_dist_net::data::import::Importer;
    let row = |index: usize| format!("{},{index},7,0,255\n", index % 2);
    let table: String = (0..12).map(row).collect();
    let shapes = include_bytes!("../../examples/shapes.zip").to_vec();
    let seeds = [shapes, table.into_bytes()];
    // Of a picture up to 2²⁴ pixels are unpacked, whatever it weighs.
    let limits = Limits {
        multiple: 64,
        slack: 192 * MB,
    };
    fuzz("own_images", &seeds, &limits, |bytes| {
        let mut importer = Importer::new(ImportOptions::default());
        importer.add("set", bytes);
        let (imported, _) = importer.finish("set");
        imported.is_ok()
    });
    let jpeg = include_bytes!("../import-bar.jpg").to_vec();
    fuzz("jpeg", &[jpeg], &limits, |bytes| {
        let mut importer = Importer::new(ImportOptions::default());
        importer.add("class/one.jpg", bytes);
        importer.len() == 1
    });
}

#[test]
fn strokes_of_a_pen() {
    let stroke = [0.2_f32, 0.2, 0.8, 0.3, 0.5, 0.9, 0.3, 0.4];
    let seed: Vec<u8> = stroke
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    let limits = Limits {
        multiple: 4 * KB,
        slack: MB,
    };
    fuzz("strokes", &[seed], &limits, |bytes| {
        let numbers = bytes.chunks_exact(4);
        let points: Vec<f32> = numbers
            .map(|number| f32::from_le_bytes(number.try_into().unwrap()))
            .collect();
        let middle = bytes.first().map_or(0, |byte| u32::from(byte & 3));
        strokes_to_image(&points, &[0, middle], 0.08).is_ok()
    });
}

#[cfg(feature = "import")]
#[test]
fn messages_to_the_trainer() {
    let config = TrainConfig {
        images: 400,
        ..TrainConfig::preset("tiny").unwrap()
    };
    let own = seeds::own_images();
    let requests = [
        Request::Start { config },
        Request::Own(OwnImages {
            description: serde_json::to_string(&*own.data.description).unwrap(),
            images: own.data.images,
            labels: own.data.labels,
            held_out: own.held_out,
            epsilon: own.suggested_epsilon.parse().unwrap(),
        }),
        Request::Load {
            checkpoint: seeds::checkpoints().remove(0),
        },
        Request::Data {
            dataset: "mnist".into(),
            shards: Vec::new(),
        },
        Request::Set {
            hyperparameters: Hyperparameters {
                learning_rate: 0.01,
                epsilon_train: 0.35,
                epsilon: "0.3".parse().unwrap(),
            },
        },
        Request::Evaluate { images: 100 },
        Request::Step,
        Request::Save,
        Request::Export,
        Request::Stop,
    ];
    let seeds: Vec<_> = (requests.iter())
        .map(|request| serde_json::to_vec(request).unwrap())
        .collect();
    let clock = || Duration::ZERO;
    let mut session = Session::new(Processor::cpu("A test."), clock);
    // A checkpoint in writing has some four bytes for each of its own.
    let limits = Limits {
        multiple: 64,
        slack: MB,
    };
    fuzz("messages", &seeds, &limits, |bytes| {
        let Ok(request) = serde_json::from_slice::<Request>(bytes) else {
            return false;
        };
        // Whatever it answers, it answers.
        !read_sync(session.handle(request)).is_empty()
    });
}
