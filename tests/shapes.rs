//! From images to an attacked certificate with data sets of other shapes and classes than MNIST's.
#![cfg(all(not(target_arch = "wasm32"), feature = "train"))]

use std::num::NonZeroUsize;
use std::sync::Arc;

use burn::tensor::{Device, read_sync};
use linf_dist_net::attack::{Attack, ExactClassifier, Grid, Run, Settings};
use linf_dist_net::data::{Dataset, DatasetDescription, Normalisation};
use linf_dist_net::exact::teach::{TeachConfig, teach};
use linf_dist_net::exact::{Arguments, DenseNet, ExactNet, Lineage, Operation, Parent, evaluate};
use linf_dist_net::net::float_logits;
use linf_dist_net::train::{Checkpoint, TrainConfig, Trainer};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

const NORMALISATION: Normalisation = Normalisation {
    mean: 0.4,
    std: 0.3,
};

fn dataset(
    shape: [usize; 2],
    classes: usize,
    count: usize,
    level: fn(usize, usize) -> u8,
) -> Dataset {
    let description = DatasetDescription::in_memory("made", shape, classes, NORMALISATION);
    let pixels = description.pixels();
    let image = |index: usize| {
        let noise = move |k: usize| ((index * 31 + k * 17) * 7919 % 31) as u8;
        (0..pixels).map(move |k| level(index % classes, k).saturating_add(noise(k)))
    };
    Dataset {
        images: (0..count).flat_map(image).collect(),
        labels: (0..count).map(|index| (index % classes) as u8).collect(),
        description: Arc::new(description),
    }
}

/// Points around three corners of a triangle.
fn points(count: usize) -> Dataset {
    dataset([1, 2], 3, count, |class, k| {
        [[20, 30], [200, 60], [90, 210]][class][k]
    })
}

/// 28×28 images with a bright block at one of 26 places.
fn letters(count: usize) -> Dataset {
    dataset([28, 28], 26, count, |class, k| {
        let place = k / 28 / 4 * 7 + k % 28 / 4;
        if place == class { 220 } else { 0 }
    })
}

fn config(hidden: &[usize]) -> TrainConfig {
    TrainConfig {
        dataset: "made".into(),
        hidden: hidden.to_vec(),
        batch: 26,
        held_out: 52,
        random_shift: 0,
        epochs_start: 3,
        epochs_growth: 6,
        epochs_inf: 2,
        epsilon_train: 0.1,
        learning_rate: 0.05,
        ..TrainConfig::preset("tiny").unwrap()
    }
}

/// A trainer at the end of its run, half of it after a checkpoint.
fn trained(config: TrainConfig, data: &Dataset) -> Trainer {
    let mut trainer = Trainer::new(config, data.clone(), Device::flex()).unwrap();
    for _ in 0..trainer.schedule().iterations() / 2 {
        trainer.step().unwrap();
    }
    let saved = read_sync(trainer.checkpoint()).unwrap().to_bytes();
    let checkpoint = Checkpoint::from_bytes(&saved).unwrap();
    let mut trainer = Trainer::restore(&checkpoint, data.clone(), Device::flex()).unwrap();
    while !trainer.is_finished() {
        trainer.step().unwrap();
    }
    trainer
}

/// Goes the whole way, and returns how many of the held-out images are labelled rightly and proved at
/// 0.05, after pruning.
fn whole_way(data: &Dataset, config: TrainConfig) -> [u64; 2] {
    let widths: Vec<usize> = [data.description.pixels()]
        .into_iter()
        .chain(config.hidden.iter().copied())
        .chain([data.description.classes.len()])
        .collect();
    let trainer = trained(config.clone(), data);
    let (training, held_out) = (trainer.training(), trainer.held_out());
    let float = read_sync(trainer.float_net(usize::MAX)).unwrap();
    let logits = float_logits(&float, &held_out.images);
    assert_eq!(
        logits.len(),
        held_out.len() * held_out.description.classes.len()
    );
    let net = ExactNet::quantize(&float, 32).unwrap();
    assert_eq!(net.architecture(), widths);

    // Pruned near the training images, and taught a label that it has already, the net goes on being
    // one for these images.
    let first = net.evaluator().certificate(training.image(0)).unwrap();
    let near = first.ibp_radius.unwrap();
    let pruned = net
        .prune_by_support(&training.images, near, 1, NonZeroUsize::MIN)
        .unwrap();
    assert!(pruned.share_kept() <= net.share_kept());
    let epsilon = "0.05".parse().unwrap();
    let lessons = TeachConfig {
        passes: 1,
        ..TeachConfig::usual(&pruned, epsilon, 1)
    };
    let taught = teach(&pruned, &training.first(1), training, lessons).unwrap();
    assert_eq!(taught.inputs(), pruned.inputs());

    for index in 0..held_out.len() {
        proved_and_attacked(&pruned, held_out.image(index)).unwrap();
    }
    let mut again = Trainer::finetune(
        TrainConfig {
            p_start: 30.0,
            ..config
        },
        (
            &pruned,
            Parent {
                sha256: None,
                lineage: Lineage::new(Operation::Export, Arguments::new(), None, vec![]).unwrap(),
            },
        ),
        data.clone(),
    )
    .unwrap();
    again.step().unwrap();
    // A pruned net's checkpoint knows how many inputs there are, of whatever data set.
    let saved = read_sync(again.checkpoint()).unwrap().to_bytes();
    let checkpoint = Checkpoint::from_bytes(&saved).unwrap();
    let restored = Trainer::restore(&checkpoint, data.clone(), Device::flex()).unwrap();
    assert_eq!(restored.weights(), again.weights());

    let (images, labels) = (&held_out.images, &held_out.labels);
    let found = evaluate(&pruned, images, labels, epsilon, NonZeroUsize::MIN).unwrap();
    [found.clean, found.certified_ibp]
}

/// The sparse net has the dense one's logits, and no attack within what is proved succeeds.
fn proved_and_attacked(net: &ExactNet, image: &[u8]) -> Result<(), TestCaseError> {
    let certificate = net.evaluator().certificate(image).unwrap();
    let scale = i64::from(net.scale());
    let ticks: Vec<i64> = image
        .iter()
        .map(|&level| i64::from(level) * scale)
        .collect();
    let logits: Vec<i64> = certificate.logits.iter().map(|&z| i64::from(z)).collect();
    prop_assert_eq!(DenseNet::from_exact(net).logits(&ticks), logits);
    let (Some(label), Some(radius)) = (certificate.label, certificate.ibp_radius) else {
        return Ok(());
    };
    prop_assert!(net.evaluator().bounds(image, radius).unwrap().certified);
    let classifier = &mut ExactClassifier::new(net);
    let settings = Settings::new(Attack::all(), radius, Grid::Ticks, 1);
    let mut run = Run::new(classifier, image, label, settings).unwrap();
    run.advance(classifier, 60);
    prop_assert_eq!(run.misclassifications(), 0);
    Ok(())
}

#[test]
fn two_inputs_and_three_classes_go_the_whole_way() {
    let [clean, certified] = whole_way(&points(500), config(&[12]));
    assert!(clean >= 50 && certified >= 40, "{clean}, {certified} of 52");
}

#[test]
fn images_of_26_classes_go_the_whole_way() {
    let [clean, certified] = whole_way(&letters(26 * 12), config(&[64]));
    assert!(clean >= 45 && certified >= 30, "{clean}, {certified} of 52");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_shape_and_number_of_classes_is_trained_and_certified(
        rows in 1..=4_usize,
        columns in 1..=4_usize,
        classes in 2..=30_usize,
        random_shift in 0..=2_u8,
    ) {
        let level = |class: usize, k: usize| (class * 53 + k * 101) as u8;
        let data = dataset([rows, columns], classes, 40, level);
        let config = TrainConfig {
            batch: 10,
            held_out: 10,
            random_shift,
            ..config(&[5])
        };
        let mut trainer = Trainer::new(config, data, Device::flex()).unwrap();
        for _ in 0..3 {
            trainer.step().unwrap();
        }
        let net = read_sync(trainer.exact_net(30)).unwrap();
        prop_assert_eq!(net.architecture(), vec![rows * columns, 5, classes]);
        for index in 0..trainer.held_out().len() {
            proved_and_attacked(&net, trainer.held_out().image(index))?;
        }
    }
}
