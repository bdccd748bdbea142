//! A baseline as attacks see it.

use linf_dist_net::attack::{
    Attack, Change, Classifier, Grid, Run, Settings, Surrogate, own_label, runner_up_of,
};
use linf_dist_net::baseline::{BaselineClassifier, IntervalCertifier};
use linf_dist_net::exact::Ticks;

#[cfg(target_arch = "wasm32")]
use crate::test;
use crate::{convolutional, image, patterned};

const SCALE: u32 = 32;

fn ticks(image: &[u8]) -> Vec<i32> {
    image.iter().map(|&level| i32::from(level) * 32).collect()
}

#[test]
fn gradients_are_those_of_the_margin() {
    for plain in [patterned(&[784, 20, 10]), convolutional()] {
        check_gradients(BaselineClassifier::new(&plain, SCALE));
    }
}

fn check_gradients(mut classifier: BaselineClassifier) {
    let input = ticks(&image());
    let label = own_label(&mut classifier, &image()).unwrap();
    let logits = classifier.logits(&input);
    let runner_up = runner_up_of(&logits, label);
    let (own, gradients) = classifier.gradients(
        &input.repeat(2),
        label,
        &[None, Some(runner_up)],
        &[Surrogate::Exact; 2],
    );
    let both = logits.repeat(2);
    assert!(
        own.iter()
            .zip(&both)
            .all(|(a, b)| (a - b).abs() < 1e-3 * b.abs())
    );
    assert_eq!(gradients[..784], gradients[784..]);
    // The network is piecewise linear: a small step is enough, a tiny one drowns in rounding.
    let mut compared = 0;
    for pixel in (0..784).step_by(41) {
        let step = 4;
        let mut moved = input.clone();
        moved[pixel] += if moved[pixel] > 255 * 16 { -step } else { step };
        let logits_moved = classifier.logits(&moved);
        let margin = |logits: &[f64]| logits[label] - logits[runner_up];
        let slope =
            (margin(&logits_moved) - margin(&logits)) / f64::from(moved[pixel] - input[pixel]);
        let gradient = f64::from(gradients[pixel]);
        assert!(
            (slope - gradient).abs() < 2e-3,
            "{pixel}: {slope} and {gradient}"
        );
        compared += usize::from(gradient.abs() > 4e-3);
    }
    assert!(compared > 10);
}

#[test]
fn changes_are_tried_on_the_base_until_they_are_kept() {
    let mut classifier = BaselineClassifier::new(&patterned(&[784, 20, 10]), SCALE);
    let mut input = ticks(&image());
    classifier.hold(&input);
    let change = |pixel, value| Change { pixel, value };
    let first = classifier.try_changes(&[change(200, 100), change(300, 8160)]);
    let mut changed = input.clone();
    (changed[200], changed[300]) = (100, 8160);
    assert_eq!(first, classifier.logits(&changed));
    // The first changes were not kept; the second are.
    let second = classifier.try_changes(&[change(500, 77)]);
    input[500] = 77;
    assert_eq!(second, classifier.logits(&input));
    classifier.keep_changes();
    let third = classifier.try_changes(&[change(501, 78)]);
    input[501] = 78;
    assert_eq!(third, classifier.logits(&input));
}

#[test]
fn attacks_flip_beyond_what_is_proved_and_never_within() {
    let plain = patterned(&[784, 20, 10]);
    let image = image();
    let proof = IntervalCertifier::new(&plain, SCALE)
        .certify(&image)
        .unwrap();
    assert!(proof.ibp_radius > Ticks::ZERO);
    let mut classifier = BaselineClassifier::new(&plain, SCALE);
    assert_eq!(own_label(&mut classifier, &image), Ok(proof.label));
    let mut misclassifications = |radius| {
        let settings = Settings::new(Attack::all(), radius, Grid::Ticks, 1);
        let mut run = Run::new(&classifier, &image, proof.label, settings).unwrap();
        run.advance(&mut classifier, 2000);
        run.misclassifications()
    };
    assert_eq!(misclassifications(proof.ibp_radius), 0);
    let far = Ticks::new(100 * proof.ibp_radius.get());
    assert!(misclassifications(far) > 0);
}
