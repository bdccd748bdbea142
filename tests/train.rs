//! The trainer as a whole, on a small synthetic data set.
//! The same tests run natively and in the browser.
#![cfg(feature = "train")]

mod blocks;

use std::num::NonZeroUsize;
use std::sync::Arc;

use blocks::{NORMALISATION, blocks};
use burn::tensor::{Device, read_sync};
use linf_dist_net::exact::{Arguments, ExactNet, Lineage, Operation, Parent};
use linf_dist_net::net::{LinfDistNet, WeightInit};
use linf_dist_net::train::{
    Checkpoint, CheckpointError, HeldOutReport, LossConfig, TrainConfig, TrainError, Trainer,
};
use serde_json::Value;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

fn config() -> TrainConfig {
    TrainConfig {
        hidden: vec![24],
        batch: 20,
        held_out: 100,
        epochs_start: 2,
        epochs_growth: 4,
        epochs_inf: 2,
        ..TrainConfig::preset("tiny").unwrap()
    }
}

fn trainer(config: TrainConfig) -> Trainer {
    Trainer::new(config, blocks(500), Device::flex()).unwrap()
}

fn run(trainer: &mut Trainer, steps: usize) -> Vec<f32> {
    (0..steps).for_each(|_| trainer.step().unwrap());
    let reports = read_sync(trainer.read()).unwrap();
    reports.iter().map(|report| report.loss).collect()
}

#[test]
fn training_learns_and_ends_certified_as_an_integer_network() {
    for loss in [
        config().loss,
        LossConfig::Hinge {
            mix: 0.75,
            weight_decay: 5e-3,
        },
    ] {
        let mut trainer = trainer(TrainConfig { loss, ..config() });
        let steps = trainer.schedule().iterations();
        assert_eq!(steps, 8 * 20);
        let losses = run(&mut trainer, steps);
        assert!(trainer.is_finished());
        let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
        assert!(
            mean(&losses[steps - 20..]) < 0.6 * mean(&losses[..20]),
            "{loss:?}: {losses:?}"
        );
        let epsilon = "0.1".parse().unwrap();
        let report = read_sync(trainer.evaluate(epsilon, 400, NonZeroUsize::MIN)).unwrap();
        assert_eq!(report.evaluation.images, 100);
        assert!(report.evaluation.clean > 80, "{loss:?}: {report:?}");
        assert!(report.evaluation.certified_ibp > 50, "{loss:?}: {report:?}");
        assert!(report.evaluation.certified_ibp >= report.evaluation.certified_lipschitz);
    }
}

/// Compares an uninterrupted run with one that is resumed from a checkpoint.
fn compare_with_resumed(new: impl Fn() -> Trainer) {
    let mut whole = new();
    run(&mut whole, 70);
    let mut first = new();
    run(&mut first, 33);
    let saved = read_sync(first.checkpoint()).unwrap().to_bytes();
    let checkpoint = Checkpoint::from_bytes(&saved).unwrap();
    let mut second = Trainer::restore(&checkpoint, blocks(500), Device::flex()).unwrap();
    assert_eq!(second.iteration(), 33);
    run(&mut second, 37);
    assert!(read_sync(second.checkpoint()).unwrap() == read_sync(whole.checkpoint()).unwrap());
}

#[test]
fn a_resumed_run_ends_in_the_same_bits() {
    compare_with_resumed(|| trainer(config()));
}

/// The net of a run of a few epochs.
fn trained() -> ExactNet {
    let mut trainer = trainer(TrainConfig {
        epochs_growth: 2,
        epochs_inf: 1,
        ..config()
    });
    run(&mut trainer, 5 * 20);
    read_sync(trainer.exact_net(400)).unwrap()
}

/// What a fine-tuned net came from.
fn parent() -> Parent {
    Parent {
        sha256: Some("ab".repeat(32)),
        lineage: Lineage::new(
            Operation::Export,
            Arguments::from([("scale".into(), 32_u64.into())]),
            None,
            Vec::new(),
        )
        .unwrap(),
    }
}

fn finetuned(config: TrainConfig, net: &ExactNet) -> Result<Trainer, TrainError> {
    Trainer::finetune(config, (net, parent()), blocks(500))
}

/// As [`config`], from a p at which the pruned weights would not count.
fn finetuning() -> TrainConfig {
    TrainConfig {
        p_start: 30.0,
        p_end: 200.0,
        ..config()
    }
}

#[test]
fn a_dequantized_net_quantizes_to_itself() {
    let net = trained();
    assert!(net.share_kept() < 0.9, "{}", net.share_kept());
    let data = blocks(500);
    let plain = |&level: &u8| NORMALISATION.normalised(level);
    let batches = || {
        let images = data.images.chunks(100 * 784);
        images.map(|images| images.iter().map(plain).collect())
    };
    let dequantized = LinfDistNet::dequantize(&net, NORMALISATION, batches);
    let float = read_sync(dequantized.to_float(NORMALISATION)).unwrap();
    let again = ExactNet::quantize(&float, net.scale()).unwrap();
    assert_eq!(again.to_sparse(), net.to_sparse());
    assert_eq!(again.bias(), net.bias());
}

#[test]
fn fine_tuning_trains_the_weights_of_a_pruned_net() {
    let net = trained();
    let mut trainer = finetuned(finetuning(), &net).unwrap();
    assert_eq!(trainer.parent(), Some(&parent()));
    let lineage = trainer.lineage().unwrap();
    assert_eq!(*lineage.operation(), Operation::Finetune);
    assert_eq!(lineage.parents(), [parent()]);
    let epsilon = "0.1".parse().unwrap();
    let evaluate =
        |trainer: &Trainer| read_sync(trainer.evaluate(epsilon, 400, NonZeroUsize::MIN)).unwrap();
    let before = evaluate(&trainer);
    let losses = run(&mut trainer, 8 * 20);
    assert!(trainer.is_finished());
    let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
    assert!(
        mean(&losses[140..]) < mean(&losses[..20]),
        "nothing was learned: {losses:?}"
    );
    let after = evaluate(&trainer);
    let certified = |report: &HeldOutReport| report.evaluation.certified_ibp;
    assert!(
        certified(&after) >= certified(&before),
        "{before:?} {after:?}"
    );
    assert!(after.weights_kept <= before.weights_kept);
    let pictures = read_sync(trainer.pictures(3)).unwrap();
    assert_eq!(pictures.len(), 3 * 784);
}

#[test]
fn a_resumed_run_of_a_pruned_net_ends_in_the_same_bits() {
    let net = trained();
    compare_with_resumed(|| finetuned(finetuning(), &net).unwrap());
}

/// As [`config`], with weights dropped before every epoch but the first two.
fn gradually_pruning() -> TrainConfig {
    TrainConfig {
        prune_from_epoch: 2,
        ..config()
    }
}

#[test]
fn gradual_pruning_drops_weights_every_epoch_and_learns_as_much() {
    let mut whole = trainer(config());
    run(&mut whole, 8 * 20);
    let mut pruned = trainer(gradually_pruning());
    let epochs = 0..8;
    let weights: Vec<_> = epochs
        .map(|_| {
            run(&mut pruned, 20);
            pruned.weights()
        })
        .collect();
    assert_eq!(weights[..2], [whole.weights(); 2]);
    let falls = weights[1..].is_sorted_by(|one, next| next <= one);
    assert!(falls && weights[7] < weights[0] / 3, "{weights:?}");

    let epsilon = "0.1".parse().unwrap();
    let [whole, pruned] = [whole, pruned]
        .map(|trainer| read_sync(trainer.evaluate(epsilon, 400, NonZeroUsize::MIN)).unwrap());
    let certified = |report: &HeldOutReport| report.evaluation.certified_ibp;
    assert!(
        certified(&pruned) + 10 >= certified(&whole),
        "{whole:?} {pruned:?}"
    );
}

#[test]
fn a_resumed_run_with_gradual_pruning_ends_in_the_same_bits() {
    compare_with_resumed(|| trainer(gradually_pruning()));
    // Resumed exactly where weights are dropped.
    let mut whole = trainer(gradually_pruning());
    run(&mut whole, 45);
    let mut first = trainer(gradually_pruning());
    run(&mut first, 40);
    let checkpoint = read_sync(first.checkpoint()).unwrap();
    let mut second = Trainer::restore(&checkpoint, blocks(500), Device::flex()).unwrap();
    run(&mut second, 5);
    assert!(read_sync(second.checkpoint()).unwrap() == read_sync(whole.checkpoint()).unwrap());
}

#[test]
fn a_pruned_net_that_cannot_be_trained_is_refused() {
    let net = trained();
    let error = |config| finetuned(config, &net).err().unwrap();
    let widths = error(TrainConfig {
        hidden: vec![20, 30],
        ..finetuning()
    });
    assert!(
        matches!(&widths, TrainError::Widths { expected, found }
            if *expected == [784, 20, 30, 10] && *found == [784, 24, 10]),
        "{widths}"
    );
    let hinge = error(TrainConfig {
        loss: LossConfig::Hinge {
            mix: 0.75,
            weight_decay: 5e-3,
        },
        ..finetuning()
    });
    assert!(matches!(hinge, TrainError::HingeOfPruned), "{hinge}");

    let trainer = finetuned(finetuning(), &net).unwrap();
    let bytes = read_sync(trainer.checkpoint()).unwrap().to_bytes();
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let names = std::str::from_utf8(&bytes[8..header]).unwrap();
    let header_of: serde_json::Value = serde_json::from_str(names).unwrap();
    let end = header_of["layer.0.columns"]["data_offsets"][1]
        .as_u64()
        .unwrap() as usize;
    let mut broken = bytes.clone();
    broken[header + end - 4..header + end].copy_from_slice(&9999u32.to_le_bytes());
    let error = Checkpoint::from_bytes(&broken).err().unwrap();
    assert!(matches!(error, CheckpointError::Patterns { .. }), "{error}");
}

#[test]
fn the_seed_determines_the_run() {
    let losses = |seed| run(&mut trainer(TrainConfig { seed, ..config() }), 5);
    assert_eq!(losses(1), losses(1));
    assert_ne!(losses(1), losses(2));
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_changes_nothing() {
    // So small a deviation makes the inputs infinite.
    let mut data = blocks(500);
    Arc::make_mut(&mut data.description).normalisation.std = 1e-39;
    let mut trainer = Trainer::new(config(), data, Device::flex()).unwrap();
    let before = read_sync(trainer.checkpoint()).unwrap();
    let error = trainer.step().err();
    assert!(
        matches!(error, Some(TrainError::Diverged { iteration: 0, .. })),
        "{error:?}"
    );
    assert!(read_sync(trainer.checkpoint()).unwrap() == before);
}

#[test]
fn a_learning_rate_far_too_high_stops_the_run() {
    let mut trainer = trainer(TrainConfig {
        learning_rate: 1e38,
        ..config()
    });
    let error = (0..150).find_map(|_| trainer.step().err());
    assert!(
        matches!(error, Some(TrainError::Diverged { .. })),
        "{error:?}"
    );
}

#[test]
fn a_training_set_smaller_than_a_batch_is_refused() {
    let error = Trainer::new(config(), blocks(110), Device::flex())
        .err()
        .unwrap();
    let expected = matches!(
        error,
        TrainError::TooFewImages {
            found: 10,
            batch: 20
        }
    );
    assert!(expected, "{error}");
}

/// What the page saved before it knew today's names of hyperparameters.
#[test]
fn a_checkpoint_of_the_version_before_is_read() {
    let config = TrainConfig {
        random_shift: 2,
        random_shift_probability: 0.5,
        prune_from_epoch: 3,
        prune_tolerance: 1e-5,
        weight_init: WeightInit::SignedIdentity,
        ..config()
    };
    let bytes = read_sync(trainer(config.clone()).checkpoint())
        .unwrap()
        .to_bytes();
    let earlier = |change: &dyn Fn(&mut Value)| {
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let (header, data) = bytes[8..].split_at(length);
        let mut header: Value = serde_json::from_slice(header).unwrap();
        let metadata = &mut header["__metadata__"];
        metadata["format_version"] = "1".into();
        let mut config = metadata["config"].as_str().unwrap().to_owned();
        for (today, then) in [
            ("random_shift_probability", "crop_share"),
            ("random_shift", "crop"),
            ("prune_from_epoch", "thin_after"),
            ("prune_tolerance", "thin_tolerance"),
            ("weight_init", "start"),
        ] {
            let renamed = config.replace(&format!("\"{today}\""), &format!("\"{then}\""));
            assert_ne!(renamed, config, "{today}");
            config = renamed;
        }
        metadata["config"] = config.into();
        change(metadata);
        let mut header = serde_json::to_vec(&header).unwrap();
        header.resize(header.len().next_multiple_of(8), b' ');
        let length = (header.len() as u64).to_le_bytes();
        Checkpoint::from_bytes(&[&length[..], &header, data].concat())
    };
    let read = earlier(&|_| {}).unwrap();
    assert_eq!(*read.config(), config);
    assert_eq!(read.parent(), None);
    let restored = Trainer::restore(&read, blocks(500), Device::flex()).unwrap();
    assert!(read_sync(restored.checkpoint()).unwrap().to_bytes() == bytes);

    // Commands were told of a net that was fine-tuned; they are not read, but that there was one is.
    let read = earlier(&|metadata| metadata["origin"] = "linf train".into()).unwrap();
    let lineage = &read.parent().unwrap().lineage;
    assert!(matches!(lineage.operation(), Operation::Other(_)));
    let unknown = earlier(&|metadata| metadata["format_version"] = "3".into());
    assert!(matches!(unknown, Err(CheckpointError::Format)));
}

#[test]
fn damaged_checkpoints_are_refused() {
    let bytes = read_sync(trainer(config()).checkpoint())
        .unwrap()
        .to_bytes();
    for bytes in [
        &bytes[..bytes.len() / 2],
        b"hello, this is not a checkpoint",
    ] {
        let error = Checkpoint::from_bytes(bytes).unwrap_err();
        assert!(
            matches!(error, CheckpointError::NotSafetensors(_)),
            "{error}"
        );
    }

    let mut broken = bytes.clone();
    let end = broken.len();
    broken[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    let checkpoint = Checkpoint::from_bytes(&broken).unwrap();
    let error = Trainer::restore(&checkpoint, blocks(500), Device::flex())
        .err()
        .unwrap();
    assert!(
        matches!(error, TrainError::Checkpoint(CheckpointError::NotFinite(_))),
        "{error}"
    );

    // A mean of squares whose root could not be taken.
    let mut negative = bytes.clone();
    let at = {
        let tensors = safetensors::SafeTensors::deserialize(&negative).unwrap();
        let moments = tensors.tensor("layer.0.weight.second_moment").unwrap();
        moments.data().as_ptr() as usize - negative.as_ptr() as usize
    };
    negative[at..at + 4].copy_from_slice(&(-1e-9_f32).to_le_bytes());
    let checkpoint = Checkpoint::from_bytes(&negative).unwrap();
    let error = Trainer::restore(&checkpoint, blocks(500), Device::flex())
        .err()
        .unwrap();
    assert!(
        matches!(error, TrainError::Checkpoint(CheckpointError::Negative(_))),
        "{error}"
    );

    // Replaces words of the header by others of the same length.
    let mut short = trainer(TrainConfig {
        epochs_start: 1,
        epochs_growth: 0,
        epochs_inf: 0,
        ..config()
    });
    run(&mut short, 10);
    let bytes = read_sync(short.checkpoint()).unwrap().to_bytes();
    let restored = |word: &str, other: &str| {
        assert_eq!(word.len(), other.len());
        let at = bytes.windows(word.len()).position(|w| w == word.as_bytes());
        let mut bytes = bytes.clone();
        bytes[at.unwrap()..][..word.len()].copy_from_slice(other.as_bytes());
        let checkpoint = Checkpoint::from_bytes(&bytes).unwrap();
        let trainer = Trainer::restore(&checkpoint, blocks(500), Device::flex());
        trainer.err().unwrap()
    };
    let error = restored(r#""iteration":"10""#, r#""iteration":"99""#);
    assert!(
        matches!(
            error,
            TrainError::Checkpoint(CheckpointError::Iteration { found: 99, all: 20 })
        ),
        "{error}"
    );
    // A net far larger than its file is refused before it is allocated.
    let error = restored(r#"\"hidden\":[24]"#, r#"\"hidden\":[80]"#);
    assert!(
        matches!(&error, TrainError::Checkpoint(CheckpointError::Tensor { name, .. })
            if name == "layer.0.weight"),
        "{error}"
    );
}
