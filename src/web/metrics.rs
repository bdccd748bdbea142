//! What the page shows of a net in training, all of it about the exact integer network that its
//! weights of the moment give, never about the smooth net that is being trained.

use std::num::NonZeroUsize;

use super::protocol::Metrics;
use crate::exact::{ExactNet, evaluate};
use crate::train::{TrainError, Trainer};

/// Half margins beyond this many pixel levels, either way, are counted in the outermost bins: no
/// radius can be larger than half the range of a pixel and still be of use.
pub const MARGIN_REACH: i32 = 128;
/// Width of a bin of half margins, in pixel levels.
pub const MARGIN_BIN: i32 = 4;

/// Units of the first layer that are shown as images.
const PICTURES: usize = 24;

/// Measures the net of the moment on the first `images` held-out images, its means estimated over
/// `means` training images.
pub(super) async fn measure(
    trainer: &Trainer,
    images: usize,
    means: usize,
) -> Result<Metrics, TrainError> {
    let epsilon = trainer.config().epsilon;
    let net = trainer.exact_net(means).await?;
    let held_out = trainer.held_out();
    let images = images.min(held_out.len());
    let (pixels, labels) = (
        &held_out.images[..images * net.inputs()],
        &held_out.labels[..images],
    );
    let evaluation = evaluate(&net, pixels, labels, epsilon, NonZeroUsize::MIN)
        .expect("data sets hold images of the size that the net was built for");
    let accuracies = evaluation.accuracies();
    Ok(Metrics {
        iteration: trainer.iteration(),
        p: trainer.p(),
        images,
        epsilon,
        clean: accuracies.clean,
        certified_lipschitz: accuracies.certified_lipschitz,
        certified_ibp: accuracies.certified_ibp,
        weights_kept: net.share_kept(),
        margins: half_margins(&net, pixels, labels),
        pictures: trainer.pictures(PICTURES).await?,
    })
}

/// Histogram of `(z_y − max z_j)/2`, in pixel levels.
fn half_margins(net: &ExactNet, pixels: &[u8], labels: &[u8]) -> Vec<u32> {
    let mut evaluator = net.evaluator();
    let count = i64::from(2 * MARGIN_REACH / MARGIN_BIN);
    let mut bins = vec![0; count as usize];
    let bin_ticks = 2 * i64::from(MARGIN_BIN) * i64::from(net.scale());
    for (image, &label) in pixels.chunks_exact(net.inputs()).zip(labels) {
        let logits = evaluator
            .logits(image)
            .expect("data sets hold images of the size that the net was built for");
        let label = usize::from(label);
        let others = (0..net.classes()).filter(|class| *class != label);
        let runner_up = others
            .map(|class| logits[class])
            .max()
            .expect("a network has two classes");
        let margin = i64::from(logits[label]) - i64::from(runner_up);
        let bin = (margin.div_euclid(bin_ticks) + count / 2).clamp(0, count - 1);
        bins[bin as usize] += 1;
    }
    bins
}
