//! Measures a baseline's accuracies over a labelled set.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::thread;

use super::{BaselineClassifier, BaselineNet, Evaluator, IntervalCertifier};
use crate::attack::{Classifier, label};
use crate::data::Dataset;
use crate::exact::{Epsilon, ImageRecord};

/// What a network achieves on a labelled set of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Images labelled rightly; a tie is wrong.
    pub clean: usize,
    /// Images labelled rightly and proved within ε.
    pub certified: usize,
}

/// Ticks per pixel level that ε is rounded up to; the published radii are whole in them.
const SCALE: u32 = 32;
/// Images that are run at a time.
const BATCH: usize = 500;

/// Evaluates a network on all of `data` at ε, on up to `threads` threads.
///
/// # Panics
/// If the images are not of the network's size.
pub fn evaluate(
    plain: &BaselineNet,
    data: &Dataset,
    epsilon: Epsilon,
    threads: NonZeroUsize,
) -> Evaluation {
    let net = Evaluator::new(plain);
    let mut clean = 0;
    for (images, labels) in data
        .images
        .chunks(BATCH * plain.inputs())
        .zip(data.labels.chunks(BATCH))
    {
        let levels: Vec<f32> = images.iter().map(|&level| level.into()).collect();
        let logits = net.logits(&levels);
        let rows = logits.chunks_exact(plain.classes()).zip(labels);
        clean += rows.filter(|(row, label)| is_right(row, **label)).count();
    }

    let certifier = IntervalCertifier::new(plain, SCALE);
    let radius = epsilon.ticks(SCALE);
    let certified = |index: &usize| {
        let label = usize::from(data.labels[*index]);
        certifier.is_certified(data.image(*index), label, radius)
    };
    let count = |indices: Range<usize>| indices.filter(certified).count();
    // One thread works here, so that a classifier without threads can evaluate as well.
    if threads.get() == 1 {
        let certified = count(0..data.len());
        return Evaluation { clean, certified };
    }
    let share = data.len().div_ceil(threads.get()).max(1);
    let certified = thread::scope(|scope| {
        let shares = (0..data.len()).step_by(share).map(|from| {
            let indices = from..data.len().min(from + share);
            scope.spawn(move || count(indices))
        });
        // All of them are started before the first is waited for.
        let workers: Vec<_> = shares.collect();
        let counts = workers.into_iter().map(|worker| worker.join());
        counts
            .map(|count| count.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .sum()
    });
    Evaluation { clean, certified }
}

/// Certifies an 8-bit image, `[inputs]`, with its label in the data set: the label that the evaluation in
/// f32 gives, and the radius that interval bound propagation proves for it. A baseline's logits are no
/// lengths, so there is no margin, and it has no Lipschitz radius. `certifier` is of the same network and
/// scale as `classifier`.
///
/// # Panics
/// If the image is not of the network's size.
pub fn certify_image(
    classifier: &mut BaselineClassifier,
    certifier: &IntervalCertifier<'_>,
    image: &[u8],
    image_label: u8,
) -> ImageRecord {
    let scale = classifier.scale().cast_signed();
    let input: Vec<i32> = image
        .iter()
        .map(|&level| i32::from(level) * scale)
        .collect();
    let predicted = label(&classifier.logits(&input));
    let certificate = certifier.certify(image);
    let proved = certificate.filter(|certificate| Some(certificate.label) == predicted);
    ImageRecord {
        label: image_label,
        predicted,
        margin: None,
        lipschitz_radius: None,
        ibp_radius: proved.map(|certificate| certificate.ibp_radius),
    }
}

/// Whether the label's logit is above all others.
fn is_right(logits: &[f32], label: u8) -> bool {
    let label = usize::from(label);
    let mut others = logits.iter().enumerate();
    others.all(|(class, logit)| class == label || *logit < logits[label])
}
