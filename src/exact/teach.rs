//! Teaching a finished network a few more images, in its own integers.
//!
//! At p = ∞ the gradient of a logit is one-hot: one chain of arg-maxima leads from it down to one
//! pixel, and the logit moves by one unit with each weight of that chain. So a step needs no floats
//! and no Burn: an image whose label is not proved as far as is asked moves the weights of two
//! chains in every member, the label's and its strongest runner_up's, by a whole number of units. What comes
//! out is an [`ExactNet`] like any other, whose certificates are as exact; only weights that pruning
//! has kept take part.
//!
//! It costs a little of what was proved before. So images of before are shown in between, and move
//! weights back where they have lost their radius; [`TeachConfig::usual`] is what was found to forget
//! least.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use thiserror::Error;

use crate::data::Dataset;
use crate::exact::{CsrLayer, Epsilon, ExactNet, NetError, lipschitz_radius};

/// How a network is taught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TeachConfig {
    /// Times that all new images are gone through.
    pub passes: u32,
    /// How often each new image is shown in a pass.
    pub repeats: u32,
    /// Images of before that are looked at in a pass, and shown where they have lost their radius:
    /// others every time, until all have had their turn.
    pub reminders: usize,
    /// How far a weight moves in the first passes, in units; half as far after every third of the
    /// passes, and at least one unit.
    pub step: u32,
    /// The radius that the margin should prove, in units: images that have it are left alone.
    pub radius: u32,
    /// Seed of the order in which the images are shown.
    pub seed: u64,
}

impl TeachConfig {
    /// What teaches a handful of images within seconds and keeps the most of what `net` proves at ε:
    /// nine passes, forty repeats among 2,000 reminders, steps from a quarter of a level.
    pub fn usual(net: &ExactNet, epsilon: Epsilon, seed: u64) -> Self {
        Self {
            passes: 9,
            repeats: 40,
            reminders: 2_000,
            step: net.scale().div_ceil(4),
            radius: epsilon.units(net.scale()),
            seed,
        }
    }
}

/// Why a network was not taught.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum TeachError {
    /// Images and labels do not fit the network.
    #[error("image {image} does not fit: the network has {inputs} pixels and {classes} classes")]
    Image {
        /// Its index among the new images, or those of before.
        image: usize,
        /// Pixels of the network.
        inputs: usize,
        /// Classes of the network.
        classes: usize,
    },
    /// The weights have moved too far.
    #[error("the taught network is refused; a smaller step may help")]
    Net(#[from] NetError),
}

/// Teaches `net` the `new` images, and reminds it of those of `before` in between, so that they keep
/// their labels and proofs. The same images, lessons and seed teach the same network.
///
/// Fails when images do not fit the network, or its weights have moved too far for an exact network.
pub fn teach(
    net: &ExactNet,
    new: &Dataset,
    before: &Dataset,
    lessons: TeachConfig,
) -> Result<ExactNet, TeachError> {
    for set in [new, before] {
        check(net, set)?;
    }
    let mut pupil = Pupil::of(net);
    let mut random = ChaCha8Rng::seed_from_u64(lessons.seed);
    let mut unseen: Vec<usize> = Vec::new();
    for pass in 0..lessons.passes {
        let mut order: Vec<(&Dataset, usize)> = Vec::new();
        for _ in 0..lessons.repeats {
            order.extend((0..new.len()).map(|image| (new, image)));
        }
        let mut reminders = Vec::new();
        for _ in 0..lessons.reminders.min(before.len()) {
            if unseen.is_empty() {
                unseen.extend(0..before.len());
                unseen.shuffle(&mut random);
            }
            reminders.extend(unseen.pop());
        }
        // Most have their radius and would be left alone: all at once that is found out much sooner.
        // In the last pass each is looked at in its turn, since what that pass takes cannot be given back
        // later.
        if pass + 1 < lessons.passes {
            reminders = pupil.unproved(before, reminders, lessons.radius)?;
        }
        order.extend(reminders.into_iter().map(|image| (before, image)));
        order.shuffle(&mut random);
        let step = lessons.step >> (3 * pass / lessons.passes);
        let step = i32::try_from(step.max(1)).unwrap_or(i32::MAX);
        for (set, image) in order {
            let label = usize::from(set.labels[image]);
            pupil.show(set.image(image), label, lessons.radius, step);
        }
    }
    Ok(pupil.net()?)
}

fn check(net: &ExactNet, set: &Dataset) -> Result<(), TeachError> {
    let (inputs, classes) = (net.inputs(), net.classes());
    let pixels = set.description.pixels();
    let there = set.images.len() / pixels;
    let fits = |image: usize| {
        inputs == pixels && image < there && usize::from(set.labels[image]) < classes
    };
    match (0..set.len()).find(|&image| !fits(image)) {
        None => Ok(()),
        Some(image) => Err(TeachError::Image {
            image,
            inputs,
            classes,
        }),
    }
}

/// A network whose weights move.
struct Pupil {
    scale: u32,
    layers: Vec<CsrLayer>,
    bias: Vec<i32>,
    members: usize,
    /// The input and the values of every layer, in units: however far weights move, nothing overflows.
    values: Vec<Vec<i64>>,
}

impl Pupil {
    fn of(net: &ExactNet) -> Self {
        Self {
            scale: net.scale(),
            layers: net.to_sparse(),
            bias: net.bias().to_vec(),
            members: net.members(),
            values: net.architecture().into_iter().map(|n| vec![0; n]).collect(),
        }
    }

    /// The network as it is now.
    fn net(&self) -> Result<ExactNet, NetError> {
        ExactNet::with_members(self.scale, &self.layers, self.bias.clone(), self.members)
    }

    /// Shows an image, and moves what decides its label and the strongest runner_up if the margin proves
    /// less than `radius`.
    fn show(&mut self, image: &[u8], label: usize, radius: u32, step: i32) {
        self.run(image);
        let last = self.values.last().expect("the input is always there");
        let classes = self.bias.len() / self.members;
        let mut logits = vec![0; classes];
        for (unit, (u, &b)) in last.iter().zip(&self.bias).enumerate() {
            logits[unit % classes] -= u + i64::from(b);
        }
        let (runner_up, proved) = runner_up_of(&logits, label, self.members);
        if proved >= Some(radius) {
            return;
        }
        // All chains first: moving the one may change the other.
        let outputs = (0..self.members).flat_map(|member| {
            let first = member * classes;
            [(first + label, step), (first + runner_up, -step)]
        });
        let chains: Vec<_> = outputs
            .map(|(output, by)| (output, self.chain(output), by))
            .collect();
        for (output, chain, by) in chains {
            for Link {
                layer,
                weight,
                slope,
            } in chain
            {
                let weight = &mut self.layers[layer].weights[weight];
                *weight = weight.saturating_add(slope * by);
            }
            self.bias[output] = self.bias[output].saturating_sub(by);
        }
    }

    /// Those of the images whose margin does not prove `radius`.
    fn unproved(
        &self,
        set: &Dataset,
        mut images: Vec<usize>,
        radius: u32,
    ) -> Result<Vec<usize>, NetError> {
        let net = self.net()?;
        let pixels: Vec<_> = images.iter().flat_map(|&i| set.image(i)).copied().collect();
        let logits = net.batch_evaluator().logits(&pixels);
        let logits = logits.expect("images were checked to be of the network's size");
        let mut logits = logits.chunks_exact(net.classes());
        images.retain(|&image| {
            let logits = logits.next().expect("one for each class of each image");
            runner_up_of(logits, usize::from(set.labels[image]), self.members).1 < Some(radius)
        });
        Ok(images)
    }

    /// Values of every layer for an image, by the kept weights, in no particular order.
    fn run(&mut self, image: &[u8]) {
        for (value, &level) in self.values[0].iter_mut().zip(image) {
            *value = i64::from(level) * i64::from(self.scale);
        }
        for (index, layer) in self.layers.iter().enumerate() {
            let (before, after) = self.values.split_at_mut(index + 1);
            let x = &before[index];
            for (value, row) in after[0].iter_mut().zip(layer.pattern.rows()) {
                let weights = layer.pattern.columns()[row.clone()]
                    .iter()
                    .zip(&layer.weights[row]);
                let distances = weights.map(|(&column, &w)| distance(x[column as usize], w));
                *value = distances.max().unwrap_or(0);
            }
        }
    }

    /// The weights that decide a unit of the last layer for the image that was last run, and how its
    /// logit moves with each.
    fn chain(&self, output: usize) -> Vec<Link> {
        // Raising the value lowers the logit.
        let (mut unit, mut slope) = (output, -1);
        let mut links = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.iter().enumerate().rev() {
            let (x, value) = (&self.values[index], self.values[index + 1][unit]);
            let input = |weight: usize| layer.pattern.columns()[weight] as usize;
            let weight = layer
                .pattern
                .places(unit..unit + 1)
                .find(|&weight| distance(x[input(weight)], layer.weights[weight]) == value)
                .expect("a unit's value is the distance of one of its weights");
            let above = x[input(weight)] >= i64::from(layer.weights[weight]);
            let rises = if above { 1 } else { -1 };
            links.push(Link {
                layer: index,
                weight,
                slope: -slope * rises,
            });
            (unit, slope) = (input(weight), slope * rises);
        }
        links
    }
}

/// The strongest runner_up of a label, and the radius that its margin over that proves, if any.
fn runner_up_of<T: Copy + Into<i64>>(
    logits: &[T],
    label: usize,
    members: usize,
) -> (usize, Option<u32>) {
    let logit = |class: usize| -> i64 { logits[class].into() };
    let runner_up = (0..logits.len())
        .filter(|&class| class != label)
        .max_by_key(|&class| logit(class))
        .expect("a network has two classes");
    let margin = (logit(label) - logit(runner_up)).clamp(0, u32::MAX.into()) as u32;
    (runner_up, lipschitz_radius(margin, members))
}

fn distance(x: i64, weight: i32) -> i64 {
    (x - i64::from(weight)).abs()
}

/// A weight of a deciding chain.
struct Link {
    layer: usize,
    /// Its index among the layer's kept weights.
    weight: usize,
    /// How far the logit moves when it moves by one unit.
    slope: i32,
}
