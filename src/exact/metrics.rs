//! Measures accuracies over a labelled set, through the exact network itself.

use std::{num::NonZeroUsize, ops::AddAssign, thread};

use super::{Accuracies, Epsilon, ExactNet, InputError, Proof, Radii, Ticks};

/// One image of a labelled set: its label in the data set, the network's label, and how far the latter
/// is proved.
///
/// Radii do not depend on ε, so records answer every question about ε without another pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageRecord {
    /// The label in the data set.
    pub label: u8,
    /// The network's label; none in a tie.
    pub predicted: Option<usize>,
    /// How far the largest logit is above the second largest, 0 in a tie; a sum over the members of an
    /// ensemble. None for a network whose logits are no lengths.
    pub margin: Option<Ticks>,
    /// The largest radius that the margin proves for the network's label; none without one.
    pub lipschitz_radius: Option<Ticks>,
    /// The largest radius that interval bound propagation proves for the network's label; none if it
    /// proves nothing, not even the image itself.
    pub ibp_radius: Option<Ticks>,
}

impl ImageRecord {
    /// The record of an image with its label and an exact network's certificate.
    pub fn new(label: u8, radii: &Radii) -> Self {
        Self {
            label,
            predicted: radii.label,
            margin: Some(radii.margin),
            lipschitz_radius: radii.lipschitz_radius,
            ibp_radius: radii.ibp_radius,
        }
    }

    /// Whether the network's label is that of the data set; a tie is wrong.
    pub fn is_right(&self) -> bool {
        self.predicted == Some(self.label.into())
    }
}

/// What a net achieves on a labelled set of images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evaluation {
    /// Images seen.
    pub images: u64,
    /// Images labelled rightly; a tie is wrong.
    pub clean: u64,
    /// Images labelled rightly whose Lipschitz radius is at least ε.
    pub certified_lipschitz: u64,
    /// Images labelled rightly whose IBP radius is at least ε.
    pub certified_ibp: u64,
    /// Sum of the Lipschitz radii in ticks; a wrong image counts 0.
    pub radius_lipschitz: u64,
    /// Sum of the IBP radii in ticks; a wrong image counts 0.
    pub radius_ibp: u64,
}

impl Evaluation {
    /// Counts the images of `records` at a radius of `epsilon`.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a ImageRecord>, epsilon: Ticks) -> Self {
        let mut total = Self::default();
        for record in records {
            total.count(record, epsilon);
        }
        total
    }

    fn count(&mut self, record: &ImageRecord, epsilon: Ticks) {
        self.images += 1;
        if !record.is_right() {
            return;
        }
        let ticks = |radius: Option<Ticks>| u64::from(radius.unwrap_or_default().get());
        self.clean += 1;
        self.certified_lipschitz += u64::from(record.lipschitz_radius >= Some(epsilon));
        self.certified_ibp += u64::from(record.ibp_radius >= Some(epsilon));
        self.radius_lipschitz += ticks(record.lipschitz_radius);
        self.radius_ibp += ticks(record.ibp_radius);
    }

    /// The counts as fractions of all images.
    pub fn accuracies(&self) -> Accuracies {
        let fraction = |count: u64| count as f64 / self.images as f64;
        Accuracies {
            clean: fraction(self.clean),
            certified_lipschitz: fraction(self.certified_lipschitz),
            certified_ibp: fraction(self.certified_ibp),
        }
    }
}

impl AddAssign for Evaluation {
    fn add_assign(&mut self, other: Self) {
        self.images += other.images;
        self.clean += other.clean;
        self.certified_lipschitz += other.certified_lipschitz;
        self.certified_ibp += other.certified_ibp;
        self.radius_lipschitz += other.radius_lipschitz;
        self.radius_ibp += other.radius_ibp;
    }
}

/// What branch and bound adds: counts over the images labelled rightly that IBP does not prove at ε.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BranchAndBound {
    /// Images tried.
    pub tried: u64,
    /// Of these, images proved by pairwise-margin bounds of the whole box.
    pub by_pairwise_margins: u64,
    /// Of these, images proved after splitting the box.
    pub by_splitting: u64,
}

impl AddAssign for BranchAndBound {
    fn add_assign(&mut self, other: Self) {
        self.tried += other.tried;
        self.by_pairwise_margins += other.by_pairwise_margins;
        self.by_splitting += other.by_splitting;
    }
}

/// Evaluates `net` on 8-bit `images`, `[n, inputs]`, with their `labels`, `[n]`, at ε, on up to
/// `threads` threads.
///
/// Fails when `images` is not `n` images of the net's size, or there are none.
pub fn evaluate(
    net: &ExactNet,
    images: &[u8],
    labels: &[u8],
    epsilon: Epsilon,
    threads: NonZeroUsize,
) -> Result<Evaluation, InputError> {
    let epsilon = epsilon.ticks(net.scale());
    in_shares(net.inputs(), images, labels, threads, |images, labels| {
        let mut total = Evaluation::default();
        each_record(net, images, labels, |record| total.count(&record, epsilon))?;
        Ok(total)
    })
}

/// Certifies each of 8-bit `images`, `[n, inputs]`, with their `labels`, `[n]`, on up to `threads`
/// threads; the records are in the order of the images.
///
/// Fails like [`evaluate`].
pub fn certify_images(
    net: &ExactNet,
    images: &[u8],
    labels: &[u8],
    threads: NonZeroUsize,
) -> Result<Vec<ImageRecord>, InputError> {
    let records = in_shares(net.inputs(), images, labels, threads, |images, labels| {
        let mut records = Records::default();
        each_record(net, images, labels, |record| records.0.push(record))?;
        Ok(records)
    })?;
    Ok(records.0)
}

/// Runs branch and bound with at most `splits` splits on each image where IBP fails; otherwise like
/// [`evaluate`].
pub fn branch_and_bound(
    net: &ExactNet,
    images: &[u8],
    labels: &[u8],
    epsilon: Epsilon,
    splits: usize,
    threads: NonZeroUsize,
) -> Result<BranchAndBound, InputError> {
    let epsilon = epsilon.ticks(net.scale());
    in_shares(net.inputs(), images, labels, threads, |images, labels| {
        let mut evaluator = net.evaluator();
        let mut total = BranchAndBound::default();
        for (image, &label) in images.chunks(net.inputs()).zip(labels) {
            let certificate = evaluator.certificate(image)?;
            if certificate.label != Some(label.into()) || certificate.ibp_radius >= Some(epsilon) {
                continue;
            }
            total.tried += 1;
            match evaluator.proof(image, epsilon, splits)? {
                Some(Proof::PairwiseMargin) => total.by_pairwise_margins += 1,
                Some(Proof::Splits { .. }) => total.by_splitting += 1,
                Some(Proof::Ibp) | None => {}
            }
        }
        Ok(total)
    })
}

/// Counts the images of so many pixels that lie one behind the other.
pub(crate) fn whole_images(images: &[u8], pixels: usize) -> Result<usize, InputError> {
    match images.len().is_multiple_of(pixels) {
        true => Ok(images.len() / pixels),
        false => Err(InputError::Images {
            bytes: images.len(),
            pixels,
        }),
    }
}

/// Measures shares of the images, one share a thread, and adds up the results.
fn in_shares<T: Default + AddAssign + Send>(
    inputs: usize,
    images: &[u8],
    labels: &[u8],
    threads: NonZeroUsize,
    measure: impl Fn(&[u8], &[u8]) -> Result<T, InputError> + Sync,
) -> Result<T, InputError> {
    let count = whole_images(images, inputs)?;
    if count != labels.len() {
        return Err(InputError::Labels {
            images: count,
            labels: labels.len(),
        });
    }
    if count == 0 {
        return Err(InputError::NoImages);
    }
    let share = count.div_ceil(threads.get());
    let shares = images.chunks(share * inputs).zip(labels.chunks(share));
    add_up(shares, |(images, labels)| measure(images, labels))
}

/// Measures each share on a thread of its own and adds up the results.
pub(in crate::exact) fn add_up<S: Send, T: Default + AddAssign + Send>(
    mut shares: impl ExactSizeIterator<Item = S>,
    measure: impl Fn(S) -> Result<T, InputError> + Sync,
) -> Result<T, InputError> {
    // A single share is measured here, so that a target without threads can do so as well.
    if shares.len() <= 1 {
        return shares.next().map_or(Ok(T::default()), measure);
    }
    let measure = &measure;
    thread::scope(|scope| {
        let workers: Vec<_> = shares
            .map(|share| scope.spawn(move || measure(share)))
            .collect();
        let mut total = T::default();
        for worker in workers {
            total += worker
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok(total)
    })
}

/// Records of some images, which are added in their order.
#[derive(Default)]
struct Records(Vec<ImageRecord>);

impl AddAssign for Records {
    fn add_assign(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }
}

/// Calls `see` with the record of each image.
fn each_record(
    net: &ExactNet,
    images: &[u8],
    labels: &[u8],
    mut see: impl FnMut(ImageRecord),
) -> Result<(), InputError> {
    let mut evaluator = net.evaluator();
    for (image, &label) in images.chunks(net.inputs()).zip(labels) {
        see(ImageRecord::new(label, &evaluator.radii(image)?));
    }
    Ok(())
}
