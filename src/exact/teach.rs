//! Teaches a finished network a few more images, in its own integers.
//!
//! At p = ∞ the gradient of a logit is one-hot: one arg-max path leads from it down to one pixel, and
//! the logit moves by one tick with each weight on that path. So a step needs neither floats nor Burn.
//! An image whose label is not proved at the wanted radius moves the weights of two paths in every
//! member, the label's and its strongest runner-up's, by a whole number of ticks. The result is an
//! [`ExactNet`] like any other, and its certificates are as exact. Only weights that pruning has kept
//! take part.
//!
//! Teaching costs a little of what was proved before. So earlier images are shown in between, and move
//! weights back where they have lost their radius. [`TeachConfig::usual`] forgot least in experiments.
//!
//! It takes seconds, so a [`Teaching`] goes pass by pass: whoever waits sees how far it has come.

use std::borrow::Cow;

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use thiserror::Error;

use crate::data::{Dataset, sha256_hex};
use crate::exact::certify::argmax_path::{Point, decisive, walk};
use crate::exact::{
    Arguments, CsrLayer, Epsilon, ExactNet, Lineage, LineageError, Metadata, Model, NetError,
    Operation, Parent, Ticks, lipschitz_radius,
};

/// Reminders are drawn from so many training images, the first ones, by the command line and by the page:
/// the same images on either side, and a download that a visitor can wait for.
pub const REMINDER_POOL: usize = 10_000;

/// Passes over all new images, as usual.
pub const PASSES: u32 = 9;
/// Times that each new image is shown in a pass, as usual.
pub const REPEATS: u32 = 40;
/// Earlier images that are evaluated in a pass, as usual.
pub const REMINDERS: usize = 2_000;

/// Arguments of a teaching in a lineage.
pub(crate) const IMAGES: &str = "images";
pub(crate) const IMAGES_SHA256: &str = "images_sha256";
pub(crate) const EPSILON: &str = "epsilon";
/// Those that a command has no option for.
#[cfg(feature = "cli")]
pub(crate) const USUAL: [(&str, u64); 4] = [
    ("passes", PASSES as u64),
    ("repeats", REPEATS as u64),
    ("reminders", REMINDERS as u64),
    ("reminder_pool", REMINDER_POOL as u64),
];

/// How a network is taught.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TeachConfig {
    /// Passes over all new images.
    pub passes: u32,
    /// Times that each new image is shown in a pass.
    pub repeats: u32,
    /// Earlier images that are evaluated in a pass, and shown where they have lost their radius. Each
    /// pass takes others, until all have had their turn.
    pub reminders: usize,
    /// How far a weight moves in the first passes: half as far after every third of the passes, and at
    /// least one tick.
    pub step: Ticks,
    /// The radius that the margin should prove; images where it does are left alone.
    pub radius: Ticks,
    /// Seed of the order in which the images are shown.
    pub seed: u64,
}

impl TeachConfig {
    /// The settings that teach a handful of images within seconds and keep most of what `net` proves at
    /// ε: nine passes, forty repeats among 2,000 reminders, steps from a quarter of a level.
    pub fn usual(net: &ExactNet, epsilon: Epsilon, seed: u64) -> Self {
        Self {
            passes: PASSES,
            repeats: REPEATS,
            reminders: REMINDERS,
            step: Ticks::new(net.scale().div_ceil(4)),
            radius: epsilon.ticks(net.scale()),
            seed,
        }
    }
}

/// Why a network was not taught.
#[derive(Debug, Error)]
pub enum TeachError {
    /// Images and labels do not fit the network.
    #[error("image {image} does not fit: the network has {inputs} pixels and {classes} classes")]
    Image {
        /// Its index among the new images, or the earlier ones.
        image: usize,
        /// Pixels of the network.
        inputs: usize,
        /// Classes of the network.
        classes: usize,
    },
    /// The weights have moved too far.
    #[error("the taught network is refused; a smaller step may help")]
    Net(#[from] NetError),
    /// The history of the model is too long to be added to.
    #[error("what was done to the model before cannot be recorded with it")]
    Lineage(#[from] LineageError),
}

/// Teaches `net` the `new` images, and reminds it of those of `before` in between, so that they keep
/// their labels and certificates. The same images, configuration and seed teach the same network, in
/// whichever order the new images are given.
///
/// Fails when images do not fit the network, or its weights have moved too far for an exact network.
pub fn teach(
    net: &ExactNet,
    new: &Dataset,
    before: &Dataset,
    config: TeachConfig,
) -> Result<ExactNet, TeachError> {
    let mut teaching = Teaching::new(net, new, Cow::Borrowed(before), config)?;
    while !teaching.is_finished() {
        teaching.step()?;
    }
    teaching.net()
}

/// [`teach`], pass by pass.
#[derive(Clone, Debug)]
pub struct Teaching<'before> {
    pupil: Pupil,
    /// Sorted.
    new: Dataset,
    before: Cow<'before, Dataset>,
    config: TeachConfig,
    random: ChaCha8Rng,
    /// Earlier images that have not had their turn.
    unseen: Vec<usize>,
    passes_done: u32,
}

impl<'before> Teaching<'before> {
    /// Begins to teach `net` the `new` images, and to remind it of those of `before`.
    ///
    /// # Errors
    /// Fails when images do not fit the network.
    pub fn new(
        net: &ExactNet,
        new: &Dataset,
        before: Cow<'before, Dataset>,
        config: TeachConfig,
    ) -> Result<Self, TeachError> {
        for set in [new, &*before] {
            check(net, set)?;
        }
        Ok(Self {
            pupil: Pupil::of(net),
            new: sorted(new),
            before,
            config,
            random: ChaCha8Rng::seed_from_u64(config.seed),
            unseen: Vec::new(),
            passes_done: 0,
        })
    }

    /// Passes that are done, of [`TeachConfig::passes`].
    pub fn passes_done(&self) -> u32 {
        self.passes_done
    }

    /// Whether all passes are done.
    pub fn is_finished(&self) -> bool {
        self.passes_done >= self.config.passes
    }

    /// Does one pass; none where all are done.
    ///
    /// # Errors
    /// Fails when the weights have moved too far for an exact network.
    pub fn step(&mut self) -> Result<(), TeachError> {
        if self.is_finished() {
            return Ok(());
        }
        let (config, pass) = (self.config, self.passes_done);
        let mut order: Vec<(&Dataset, usize)> = Vec::new();
        for _ in 0..config.repeats {
            order.extend((0..self.new.len()).map(|image| (&self.new, image)));
        }
        let before = &*self.before;
        let mut reminders = Vec::new();
        for _ in 0..config.reminders.min(before.len()) {
            if self.unseen.is_empty() {
                self.unseen.extend(0..before.len());
                self.unseen.shuffle(&mut self.random);
            }
            reminders.extend(self.unseen.pop());
        }
        // Most have their radius and would be left alone: evaluating them in one batch finds that out much
        // sooner. In the last pass each is evaluated in its turn, since no later pass repairs what that
        // one breaks.
        if pass + 1 < config.passes {
            reminders = self.pupil.unproved(before, reminders, config.radius)?;
        }
        order.extend(reminders.into_iter().map(|image| (before, image)));
        order.shuffle(&mut self.random);
        let step = config.step.get() >> (3 * pass / config.passes);
        let step = i32::try_from(step.max(1)).unwrap_or(i32::MAX);
        for (set, image) in order {
            let label = usize::from(set.labels[image]);
            self.pupil
                .show(set.image(image), label, config.radius, step);
        }
        self.passes_done += 1;
        Ok(())
    }

    /// The network as it is now.
    ///
    /// # Errors
    /// Fails when the weights have moved too far for an exact network.
    pub fn net(&self) -> Result<ExactNet, TeachError> {
        Ok(self.pupil.net()?)
    }

    /// The model of the network as it is now, taught at `epsilon`, with the record of how: `metadata` and
    /// `sha256` are those of the model that it was before. Its accuracies are not known.
    ///
    /// # Errors
    /// Fails when the weights have moved too far, or the history of the model is too long to be added to.
    pub fn model(
        &self,
        metadata: &Metadata,
        sha256: String,
        epsilon: Epsilon,
    ) -> Result<Model, TeachError> {
        let Self { new, config, .. } = self;
        let numbers = [
            (IMAGES, new.len() as u64),
            ("passes", config.passes.into()),
            ("repeats", config.repeats.into()),
            ("reminders", config.reminders as u64),
            ("reminder_pool", self.before.len() as u64),
            ("step_ticks", config.step.get().into()),
            ("radius_ticks", config.radius.get().into()),
        ];
        let mut arguments: Arguments = numbers
            .into_iter()
            .map(|(name, number)| (name.to_owned(), number.into()))
            .collect();
        arguments.insert(IMAGES_SHA256.into(), images_sha256(new).into());
        arguments.insert(EPSILON.into(), epsilon.to_string().into());
        let parent = Parent {
            sha256: Some(sha256),
            lineage: metadata.lineage.clone(),
        };
        let lineage = Lineage::new(Operation::Teach, arguments, Some(config.seed), vec![parent])?;
        let metadata = Metadata {
            lineage,
            accuracies: None,
            ..metadata.clone()
        };
        let net = self.net()?;
        Ok(Model { net, metadata })
    }
}

/// SHA-256, in lower-case hexadecimal, of labelled images in whichever order: of each, from the smallest,
/// the label and the pixels, a byte each.
pub fn images_sha256(set: &Dataset) -> String {
    let set = sorted(set);
    let one = |image: usize| [&[set.labels[image]], set.image(image)].concat();
    sha256_hex(&(0..set.len()).flat_map(one).collect::<Vec<_>>())
}

/// The images by their labels, and by their pixels where these are the same.
fn sorted(set: &Dataset) -> Dataset {
    let mut order: Vec<usize> = (0..set.len()).collect();
    order.sort_by_key(|&image| (set.labels[image], set.image(image)));
    let mut sorted = Dataset::empty(set.description.clone());
    for image in order {
        sorted.images.extend_from_slice(set.image(image));
        sorted.labels.push(set.labels[image]);
    }
    sorted
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
#[derive(Clone, Debug)]
struct Pupil {
    scale: u32,
    layers: Vec<CsrLayer>,
    bias: Vec<i32>,
    members: usize,
    /// The input and the values of every layer, in ticks: however far weights move, nothing overflows.
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

    /// Shows an image. If its margin proves less than `radius`, moves the weights that decide its label
    /// and the strongest runner-up.
    fn show(&mut self, image: &[u8], label: usize, radius: Ticks, step: i32) {
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
        // All paths first: moving the weights of one may change another.
        let outputs = (0..self.members).flat_map(|member| {
            let first = member * classes;
            [(first + label, step), (first + runner_up, -step)]
        });
        let paths: Vec<_> = outputs
            .map(|(output, by)| (output, self.path(output), by))
            .collect();
        for (output, path, by) in paths {
            for Link {
                layer,
                weight,
                slope,
            } in path
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
        radius: Ticks,
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

    /// The weights on the arg-max path of a unit of the last layer for the image that was last run,
    /// and how its logit moves with each.
    fn path(&self, output: usize) -> Vec<Link> {
        let mut links = Vec::with_capacity(self.layers.len());
        let pixel = walk(
            self.layers.len(),
            Point::of_output(output),
            |index, point| {
                let (layer, x) = (&self.layers[index], &self.values[index]);
                let places = layer.pattern.places(point.unit..point.unit + 1);
                let distances = places.map(|place| {
                    let input = layer.pattern.columns()[place] as usize;
                    (input, distance(x[input], layer.weights[place]), place)
                });
                let (input, weight) = decisive(distances, self.values[index + 1][point.unit])?;
                let below = point.through(input, x[input], layer.weights[weight].into());
                links.push(Link {
                    layer: index,
                    weight,
                    // A distance falls as its weight rises wherever it rises with its input.
                    slope: -i32::from(below.sign),
                });
                Some(below)
            },
        );
        debug_assert!(
            pixel.is_some(),
            "a unit's value is the distance of one of its weights"
        );
        links
    }
}

/// The strongest runner-up of a label, and the radius that its margin over that proves, if any.
fn runner_up_of<T: Copy + Into<i64>>(
    logits: &[T],
    label: usize,
    members: usize,
) -> (usize, Option<Ticks>) {
    let logit = |class: usize| -> i64 { logits[class].into() };
    let runner_up = (0..logits.len())
        .filter(|&class| class != label)
        .max_by_key(|&class| logit(class))
        .expect("a network has two classes");
    let margin = (logit(label) - logit(runner_up)).clamp(0, u32::MAX.into()) as u32;
    (runner_up, lipschitz_radius(Ticks::new(margin), members))
}

fn distance(x: i64, weight: i32) -> i64 {
    (x - i64::from(weight)).abs()
}

/// A weight on an arg-max path.
struct Link {
    layer: usize,
    /// Its index among the layer's kept weights.
    weight: usize,
    /// How far the logit moves when it moves by one unit.
    slope: i32,
}
