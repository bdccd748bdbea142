//! What a game shows: both networks at one moment, what is true of them, and where units decide.

use serde::Serialize;

use super::counts::LabelCounts;
use super::nets::Verdict;
use crate::data::Dataset;
use crate::exact::MAX_LEVEL;

/// Levels of a pixel, 0 to 255.
pub const LEVELS: usize = MAX_LEVEL as usize + 1;
/// Stands for no label: the largest logits are equal.
pub const TIE: u8 = u8::MAX;

/// A moment of a game.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct PlayFrame {
    /// Steps done.
    pub iteration: usize,
    /// Steps in all.
    pub iterations: usize,
    /// p of the next step, or of the last one after the end; ∞ where it is.
    pub p: f32,
    /// Images in a row of the maps.
    pub side: usize,
    /// Number of points.
    pub points: usize,
    /// The ℓ∞-dist net, as the exact integer network.
    pub ours: PlayNet,
    /// The ReLU net.
    pub relu: PlayNet,
}

/// A network at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct PlayNet {
    /// Mean loss of the steps since the frame before; absent before the first step.
    pub loss: Option<f32>,
    /// Mean share of their batches that was labelled rightly by the network in training, which the ℓ∞-dist
    /// net is at a finite p; absent before the first step.
    pub accuracy: Option<f32>,
    /// Labels of images, `[side, side]`: a row for each level of the second pixel, upwards; 255 where
    /// there is none.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(target_arch = "wasm32", tsify(type = "Uint8Array"))]
    pub map: Vec<u8>,
    /// The label of each point; 255 where there is none.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(target_arch = "wasm32", tsify(type = "Uint8Array"))]
    pub labels: Vec<u8>,
    /// The radius that is proved for the label of each point, in pixel levels, rounded down to 1/32; −1
    /// without a label. By IBP for both networks; of the ReLU net in whole levels.
    pub radii: Vec<f32>,
    /// Points that are labelled rightly.
    pub right: usize,
    /// Points that are labelled rightly and certified at every ε of whole levels, `[256]`.
    pub certified: Vec<u16>,
}

/// What is true of both networks at one moment, of all 65,536 images.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct PlayTruth {
    /// Steps done.
    pub iteration: usize,
    /// The radius ε that `robust` is counted at, in pixel levels.
    pub epsilon_levels: u8,
    /// Of the ℓ∞-dist net.
    pub ours: NetTruth,
    /// Of the ReLU net.
    pub relu: NetTruth,
}

/// What is true of a network.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct NetTruth {
    /// Points that are labelled rightly and have no image of another label, or of none, within ε.
    pub robust: usize,
    /// Images inside of the squares that are proved around points with a label, counted for each of them.
    pub inside: usize,
    /// Of these, images that have another label than the square's point, or none. A proof is wrong
    /// unless it is 0.
    pub contradictions: usize,
}

/// The units of the first hidden layer of the ℓ∞-dist net, and where each of them decides.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(target_arch = "wasm32", derive(tsify::Tsify))]
#[serde(rename_all = "camelCase")]
pub struct PlayUnits {
    /// Steps done.
    pub iteration: usize,
    /// Images in a row of the maps.
    pub side: usize,
    /// The unit on the arg-max path of the label's logit, `[side, side]`; 255 where there is no label.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(target_arch = "wasm32", tsify(type = "Uint8Array"))]
    pub units: Vec<u8>,
    /// The critical pixel of that logit, 0 or 1, `[side, side]`; 255 where there is no label.
    #[serde(with = "serde_bytes")]
    #[cfg_attr(target_arch = "wasm32", tsify(type = "Uint8Array"))]
    pub pixels: Vec<u8>,
    /// The weights of every unit in pixel levels, `[units, 2]`: the middle of the squares on whose edges
    /// its value is the same. Outside of 0 to 255 for many.
    pub weights: Vec<f32>,
    /// The mean of every unit's value over the points, in pixel levels, `[units]`.
    pub means: Vec<f32>,
}

impl PlayNet {
    /// Shows a network without what is known of its training.
    pub(super) fn new(map: Vec<u8>, verdicts: &[Verdict], points: &Dataset) -> Self {
        Self {
            loss: None,
            accuracy: None,
            map,
            labels: verdicts.iter().map(|verdict| verdict.label).collect(),
            radii: verdicts.iter().map(Verdict::radius_levels).collect(),
            right: right(verdicts, points).count(),
            certified: certified(verdicts, points),
        }
    }
}

impl NetTruth {
    /// Compares a network's verdicts on the points with its labels of all images.
    pub(super) fn new(
        map: &[u8],
        verdicts: &[Verdict],
        points: &Dataset,
        epsilon_levels: u8,
    ) -> Self {
        let counts = LabelCounts::of(map, points.description.classes.len());
        let (mut robust, mut inside, mut contradictions) = (0, 0, 0);
        for (index, verdict) in verdicts.iter().enumerate() {
            let image = points.image(index);
            let (label, image) = (points.labels[index], [image[0], image[1]]);
            let (same, all) = counts.within(image, epsilon_levels.into(), label);
            robust += usize::from(same == all);
            if let Some(radius) = verdict.radius {
                // Whole levels: further images there are not.
                let (same, all) = counts.within(image, radius.get() as usize, verdict.label);
                inside += all;
                contradictions += all - same;
            }
        }
        Self {
            robust,
            inside,
            contradictions,
        }
    }
}

/// The verdicts on points that are labelled rightly.
fn right<'a>(verdicts: &'a [Verdict], points: &'a Dataset) -> impl Iterator<Item = &'a Verdict> {
    let pairs = verdicts.iter().zip(&points.labels);
    pairs.filter_map(|(verdict, &label)| (verdict.label == label).then_some(verdict))
}

/// How many points are labelled rightly and certified at every ε of whole levels.
fn certified(verdicts: &[Verdict], points: &Dataset) -> Vec<u16> {
    let mut counts = vec![0; LEVELS];
    for radius in right(verdicts, points).filter_map(|verdict| verdict.radius) {
        counts[radius.get() as usize] += 1;
    }
    // What is certified at a radius is certified at every smaller one.
    for epsilon in (1..LEVELS).rev() {
        counts[epsilon - 1] += counts[epsilon];
    }
    counts
}
