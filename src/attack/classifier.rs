//! The interface of a network under attack.

use super::Ball;

/// The surrogate for the gradient of a maximum.
///
/// The gradient of ‖·‖∞ has the largest coordinate only. That of ‖·‖_p also has those that are nearly as
/// large, the more of them the smaller p is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surrogate {
    /// The gradient of the network as it is.
    Exact,
    /// Every ‖·‖∞ is differentiated as ‖·‖_p.
    P(u16),
}

/// One pixel's new value, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Index of the pixel.
    pub pixel: usize,
    /// Its new value.
    pub value: i32,
}

/// A network under attack. Inputs are in ticks, 0 to 255·S each, and batches are row-major.
///
/// Logits are `f64`, which holds those of the integer network and `f32` ones exactly, so that
/// comparing them is exact for both.
pub trait Classifier {
    /// Ticks per pixel level, S.
    fn scale(&self) -> u32;

    /// Number of pixels.
    fn inputs(&self) -> usize;

    /// Number of classes.
    fn classes(&self) -> usize;

    /// Number of ensemble members of an ℓ∞-dist net, whose logits are sums over them; 1 for any other
    /// network.
    fn members(&self) -> usize {
        1
    }

    /// Prepares for the images of `ball`. Callers enter a ball that holds all inputs before they ask for
    /// logits or gradients.
    fn enter(&mut self, ball: &Ball);

    /// Logits, `[n, classes]`, of inputs, `[n, inputs]`.
    fn logits(&mut self, inputs: &[i32]) -> Vec<f64>;

    /// Computes logits, `[n, classes]`, of inputs, `[n, inputs]`, and the gradients, `[n, inputs]`, of
    /// `z_label − z_runner_up`, each with its own runner-up and surrogate, `[n]`. The runner-up is the
    /// strongest other class where none is given.
    ///
    /// Only the direction of a gradient counts. A network that has useful gradients itself ignores
    /// `surrogates`.
    fn gradients(
        &mut self,
        inputs: &[i32],
        label: usize,
        runners_up: &[Option<usize>],
        surrogates: &[Surrogate],
    ) -> (Vec<f64>, Vec<f32>);

    /// Makes `input`, `[inputs]`, the base of changes, which the methods above leave as it is.
    fn hold(&mut self, input: &[i32]);

    /// Logits, `[classes]`, of the base with some changes, no pixel twice. The base stays.
    fn try_changes(&mut self, changes: &[Change]) -> Vec<f64>;

    /// Makes the changes that were last tried a part of the base.
    fn keep_changes(&mut self);
}

/// The strongest class but `label`, the lowest of equal ones.
pub fn runner_up_of(logits: &[f64], label: usize) -> usize {
    let others = (0..logits.len()).filter(|&class| class != label);
    others
        .reduce(|best, class| {
            if logits[class] > logits[best] {
                class
            } else {
                best
            }
        })
        .expect("a network has at least two classes")
}

/// How far `label` is above every other class; at most 0 when it is lost, ties included.
pub(super) fn margin(logits: &[f64], label: usize) -> f64 {
    logits[label] - logits[runner_up_of(logits, label)]
}
