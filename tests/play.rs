//! *Play*: both networks learn points of two pixels, and no proof contradicts the truth.
#![cfg(all(not(target_arch = "wasm32"), feature = "train"))]

use linf_dist_net::net::WeightInit;
use linf_dist_net::train::TrainError;
use linf_dist_net::web::{Play, PlayConfig, PlayError, PlayHyperparameters, PlayNet, TIE};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Points on a ring around points in its middle.
fn circles(count: usize, seed: u64) -> (Vec<u8>, Vec<u8>) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let point = |index: usize| {
        let label = (index % 2) as u8;
        let angle = std::f64::consts::TAU * rng.random::<f64>();
        let radius = match label {
            0 => 34.0 * rng.random::<f64>().sqrt(),
            _ => 96.0 + 16.0 * rng.random::<f64>(),
        };
        let pixel = |direction: f64| (127.5 + radius * direction).round() as u8;
        ([pixel(angle.cos()), pixel(angle.sin())], label)
    };
    let (pixels, labels): (Vec<_>, Vec<_>) = (0..count).map(point).unzip();
    (pixels.concat(), labels)
}

fn config() -> PlayConfig {
    PlayConfig {
        classes: 2,
        hidden: vec![32, 32],
        weight_init: WeightInit::SignedIdentity,
        seed: 1,
        steps_start: 300,
        steps_growth: 800,
        steps_inf: 100,
        p_start: 8.0,
        p_end: 400.0,
        hyperparameters: PlayHyperparameters {
            learning_rate: 0.03,
            epsilon_train_levels: 24.0,
            epsilon_levels: 16,
        },
    }
}

/// How many points are labelled rightly and proved at ε.
fn certified(net: &PlayNet, labels: &[u8], epsilon_levels: u8) -> usize {
    let pairs = net.radii.iter().zip(net.labels.iter().zip(labels));
    pairs
        .filter(|(radius, (found, label))| found == label && **radius >= epsilon_levels.into())
        .count()
}

fn begun(config: &PlayConfig, seed: u64) -> Play {
    let (pixels, labels) = circles(160, seed);
    Play::new(config, &pixels, &labels).unwrap()
}

/// Both proofs agree with what is looked up, and with themselves.
fn assert_true(play: &mut Play, labels: &[u8]) -> [usize; 4] {
    let (frame, truth) = (play.frame(32).unwrap(), play.truth().unwrap());
    assert_eq!(frame.iteration, truth.iteration);
    for (net, truth_of) in [(&frame.ours, &truth.ours), (&frame.relu, &truth.relu)] {
        assert_eq!(truth_of.contradictions, 0);
        for epsilon in 0..=u8::MAX {
            let counted = certified(net, labels, epsilon);
            let named = usize::from(net.certified[usize::from(epsilon)]);
            assert_eq!(counted, named);
        }
        let certified = usize::from(net.certified[usize::from(truth.epsilon_levels)]);
        assert!(certified <= truth_of.robust && truth_of.robust <= net.right);
        let squares = net.radii.iter().filter(|radius| **radius >= 0.0);
        assert_eq!(
            squares.count(),
            net.labels.iter().filter(|label| **label != TIE).count()
        );
    }
    let certified = |net: &PlayNet| net.certified[usize::from(truth.epsilon_levels)].into();
    [
        certified(&frame.ours),
        truth.ours.robust,
        certified(&frame.relu),
        truth.relu.robust,
    ]
}

#[test]
fn circles_are_certified_and_no_proof_contradicts_the_truth_on_the_way() {
    let (pixels, labels) = circles(160, 1);
    let mut play = Play::new(&config(), &pixels, &labels).unwrap();
    assert_true(&mut play, &labels);
    while !play.is_finished() {
        play.advance(100).unwrap();
        assert_true(&mut play, &labels);
    }
    let [ours, robust, relu, relu_robust] = assert_true(&mut play, &labels);
    assert!(ours >= 152, "{ours} of 160 are certified");
    assert!(robust >= ours);
    // The ReLU net is robust at more points than it can prove.
    assert!(relu < ours / 2, "{relu} of 160 by the ReLU net");
    assert!(relu_robust > relu);
    let frame = play.frame(64).unwrap();
    assert_eq!(frame.iteration, frame.iterations);
    assert_eq!(frame.p, f32::INFINITY);
    assert!(frame.ours.loss.unwrap() < 0.3 && frame.relu.accuracy.unwrap() > 0.9);
}

/// How many points have their label everywhere within ε in a map of all images.
fn robust(map: &[u8], pixels: &[u8], labels: &[u8], epsilon: u8) -> usize {
    let near = |level: u8| level.saturating_sub(epsilon)..=level.saturating_add(epsilon);
    let points = pixels.chunks_exact(2).zip(labels);
    let is_robust = |(image, label): &(&[u8], &u8)| {
        near(image[1])
            .all(|y| near(image[0]).all(|x| map[usize::from(y) * 256 + usize::from(x)] == **label))
    };
    points.filter(is_robust).count()
}

#[test]
fn the_points_decide_which_images_are_looked_up() {
    let (pixels, labels) = circles(160, 3);
    let mut play = Play::new(&config(), &pixels, &labels).unwrap();
    play.advance(50).unwrap();
    let (coarse, fine, truth) = (
        play.frame(64).unwrap(),
        play.frame(256).unwrap(),
        play.truth().unwrap(),
    );
    for (net, truth) in [(&fine.ours, &truth.ours), (&fine.relu, &truth.relu)] {
        assert_eq!(robust(&net.map, &pixels, &labels, 16), truth.robust);
    }
    for (y, row) in coarse.ours.map.chunks_exact(64).enumerate() {
        for (x, label) in row.iter().enumerate() {
            assert_eq!(*label, fine.ours.map[(4 * y + 2) * 256 + 4 * x + 2]);
        }
    }
    // Labels of the points are those of their images in the map.
    for (at, image) in pixels.chunks_exact(2).enumerate() {
        let place = usize::from(image[1]) * 256 + usize::from(image[0]);
        assert_eq!(fine.ours.labels[at], fine.ours.map[place]);
        assert_eq!(fine.relu.labels[at], fine.relu.map[place]);
    }
}

#[test]
fn a_unit_decides_where_its_arg_max_path_says() {
    let mut play = begun(&config(), 1);
    play.advance(200).unwrap();
    let (units, frame) = (play.units(32).unwrap(), play.frame(32).unwrap());
    assert_eq!(units.weights.len(), 2 * 32);
    assert_eq!(units.means.len(), 32);
    assert!(units.means.iter().all(|mean| *mean > 0.0));
    for (at, label) in frame.ours.map.iter().enumerate() {
        let (unit, pixel) = (units.units[at], units.pixels[at]);
        if *label == TIE {
            assert_eq!((unit, pixel), (TIE, TIE));
            continue;
        }
        // The pixel that decides is the one that is farther from the unit's weights, up to their rounding.
        let image = [at % 32, at / 32].map(|place| (8 * place + 4) as f32);
        let weights = &units.weights[2 * usize::from(unit)..][..2];
        let far = [0, 1].map(|pixel: usize| (image[pixel] - weights[pixel]).abs());
        assert!(far[usize::from(pixel)] >= far[1 - usize::from(pixel)] - 1.0 / 16.0);
    }
    assert!(units.pixels.contains(&0) && units.pixels.contains(&1));
}

#[test]
fn the_same_seed_gives_the_same_frames() {
    let frames = |seed| {
        let mut play = begun(&PlayConfig { seed, ..config() }, 1);
        let mut frames = Vec::new();
        for _ in 0..3 {
            play.advance(20).unwrap();
            frames.push(play.frame(16).unwrap());
        }
        frames
    };
    assert_eq!(frames(5), frames(5));
    assert_ne!(frames(5), frames(6));
}

#[test]
fn epsilon_is_changed_between_two_steps_and_the_training_goes_on() {
    let mut play = begun(&config(), 1);
    play.advance(400).unwrap();
    let (frame, before) = (play.frame(16).unwrap(), play.truth().unwrap());
    let at = |epsilon_levels| PlayHyperparameters {
        epsilon_levels,
        ..config().hyperparameters
    };
    play.change(at(1)).unwrap();
    let easier = play.truth().unwrap();
    play.change(at(127)).unwrap();
    let harder = play.truth().unwrap();
    assert_eq!(
        [&before, &easier, &harder].map(|truth| truth.epsilon_levels),
        [16, 1, 127]
    );
    assert!(harder.ours.robust < before.ours.robust);
    assert!(easier.ours.robust > before.ours.robust);
    // A radius that is proved is the same whatever ε is.
    assert_eq!(easier.ours.inside, before.ours.inside);
    assert_eq!(easier.iteration, 400);
    assert_eq!(play.frame(16).unwrap(), frame);
    let refused = PlayHyperparameters {
        learning_rate: -1.0,
        ..config().hyperparameters
    };
    assert!(matches!(play.change(refused), Err(PlayError::Config(_))));
    assert_eq!(play.truth().unwrap(), harder);
    play.advance(1).unwrap();
    assert_eq!(play.frame(16).unwrap().iteration, 401);
}

#[test]
fn points_and_networks_that_cannot_be_are_refused() {
    let refused = |config: &PlayConfig, pixels: &[u8], labels: &[u8]| {
        Play::new(config, pixels, labels).err().unwrap()
    };
    let with = |change: fn(&mut PlayConfig)| {
        let mut config = config();
        change(&mut config);
        refused(&config, &[0; 8], &[0, 1, 0, 1])
    };
    let usual = config();
    assert!(matches!(
        refused(&usual, &[1, 2], &[0]),
        PlayError::Points(1)
    ));
    assert!(matches!(
        refused(&usual, &[1, 2, 3], &[0, 1]),
        PlayError::Pixels { found: 3, .. }
    ));
    assert!(matches!(
        refused(&usual, &[1, 2, 3, 4], &[0, 2]),
        PlayError::Label {
            index: 1,
            label: 2,
            ..
        }
    ));
    assert!(matches!(
        with(|config| config.classes = 5),
        PlayError::Classes(5)
    ));
    assert!(matches!(
        with(|config| config.hidden = vec![4096, 4096]),
        PlayError::Weights(_)
    ));
    assert!(matches!(
        with(|config| config.hidden = vec![256]),
        PlayError::Width(256)
    ));
    assert!(matches!(
        with(|config| config.hidden = vec![]),
        PlayError::Train(TrainError::Config(_))
    ));
    assert!(matches!(
        with(|config| config.p_end = 2.0),
        PlayError::Train(TrainError::Config(_))
    ));
    let mut play = begun(&usual, 1);
    for side in [0, 3, 512] {
        assert!(matches!(play.frame(side), Err(PlayError::Side(found)) if found == side));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whatever the points, the widths and the seed, at any step.
    #[test]
    fn no_proof_contradicts_what_is_looked_up(
        seed in any::<u32>(),
        classes in 2..=4_usize,
        hidden in prop::collection::vec(1..=12_usize, 1..=3),
        points in prop::collection::vec(any::<([u8; 2], u8)>(), 2..40),
        steps in 0..60_usize,
        epsilon_levels in 1..=60_u8,
    ) {
        let mut config = PlayConfig { seed, classes, hidden, ..config() };
        config.hyperparameters.epsilon_levels = epsilon_levels;
        let pixels: Vec<u8> = points.iter().flat_map(|(image, _)| *image).collect();
        let labels: Vec<u8> = points.iter().map(|(_, label)| label % classes as u8).collect();
        let mut play = Play::new(&config, &pixels, &labels).unwrap();
        play.advance(steps).unwrap();
        assert_true(&mut play, &labels);
    }
}
