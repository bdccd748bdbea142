//! *Play*: two networks learn the same points of two pixels, side by side.
//!
//! One is an ℓ∞-dist net, trained by the product's own [`Trainer`] on the CPU; at every frame it becomes
//! the exact integer network, whose labels and certificates are shown. The other is a ReLU net of the same
//! widths. There are only 65,536 images of two pixels, so that what both prove is compared with the truth.

mod config;
mod counts;
mod frame;
mod nets;

use burn::tensor::{Device, read_sync};

use self::config::{MOST_WEIGHTS, MOST_WIDTH, NORMALISATION, epsilon_of, points};
pub use self::config::{PlayConfig, PlayError, PlayHyperparameters};
pub use self::frame::{LEVELS, NetTruth, PlayFrame, PlayNet, PlayTruth, PlayUnits, TIE};
use self::nets::{FITS, Nets, Verdict, images};
use crate::baseline::train::{Config, Recipe, StandardTrainer};
use crate::data::Dataset;
use crate::exact::MAX_LEVEL;
use crate::train::Trainer;

/// Points in a batch, if there are so many.
const BATCH: usize = 128;
/// Learning rate of the ReLU net. It has no hyperparameters of its own.
const RELU_LEARNING_RATE: f32 = 5e-3;

/// Two networks that learn the same points.
pub struct Play {
    points: Dataset,
    epsilon_levels: u8,
    trainer: Trainer,
    relu: StandardTrainer,
    mean: RunningMean,
    relu_mean: RunningMean,
    moment: Option<Moment>,
}

/// Both networks after so many steps, and what they say: made once, however often it is asked for.
struct Moment {
    iteration: usize,
    nets: Nets,
    verdicts: [Vec<Verdict>; 2],
    /// The labels of all images, as soon as somebody asks.
    labels: Option<[Vec<u8>; 2]>,
}

impl Moment {
    fn new(iteration: usize, nets: Nets, points: &Dataset) -> Self {
        Self {
            iteration,
            verdicts: [nets.ours_verdicts(points), nets.relu_verdicts(points)],
            nets,
            labels: None,
        }
    }

    /// What both networks label `side` times `side` images.
    fn maps(&mut self, side: usize) -> [Vec<u8>; 2] {
        match side {
            LEVELS => self.all_labels().0.clone(),
            _ => self.nets.labels(&images(side)),
        }
    }

    /// What both networks label all images, and their verdicts on the points.
    fn all_labels(&mut self) -> (&[Vec<u8>; 2], &[Vec<Verdict>; 2]) {
        let nets = &self.nets;
        let labels = self
            .labels
            .get_or_insert_with(|| nets.labels(&images(LEVELS)));
        (labels, &self.verdicts)
    }
}

/// The mean loss and accuracy of the steps since the last frame.
#[derive(Default)]
struct RunningMean {
    loss: f32,
    accuracy: f32,
    steps: usize,
    /// The means of the frame before.
    last: [Option<f32>; 2],
}

impl RunningMean {
    fn add(&mut self, loss: f32, accuracy: f32) {
        self.loss += loss;
        self.accuracy += accuracy;
        self.steps += 1;
    }

    /// The mean loss and accuracy of the steps since the last call, or of those before it if there were
    /// none since.
    fn take(&mut self) -> [Option<f32>; 2] {
        if self.steps > 0 {
            let last = [self.loss, self.accuracy].map(|sum| Some(sum / self.steps as f32));
            *self = Self {
                last,
                ..Self::default()
            };
        }
        self.last
    }
}

impl Play {
    /// Begins a game with these points: pixels, `[n, 2]`, and their labels, `[n]`.
    ///
    /// # Errors
    /// Fails for points that are none, and for hyperparameters that are out of range.
    pub fn new(config: &PlayConfig, pixels: &[u8], labels: &[u8]) -> Result<Self, PlayError> {
        let points = points(config.classes, pixels, labels)?;
        let weights = config.weights();
        if weights > MOST_WEIGHTS {
            return Err(PlayError::Weights(weights));
        }
        if let Some(&width) = config.hidden.iter().find(|&&width| width > MOST_WIDTH) {
            return Err(PlayError::Width(width));
        }
        let batch = points.len().min(BATCH);
        let train = config.train_config(batch, points.len() / batch)?;
        let hidden: Vec<_> = config.hidden.iter().map(ToString::to_string).collect();
        let epochs = train.epochs();
        let trainer = Trainer::new(train, points.clone(), Device::flex())?;
        let relu = Config {
            dataset: "points".into(),
            seed: config.seed.into(),
            hidden: hidden.join("-"),
            batch,
            epochs,
            learning_rate: RELU_LEARNING_RATE,
            recipe: Recipe::Standard,
            held_out: 0,
        };
        Ok(Self {
            relu: StandardTrainer::new(relu, points.clone())?,
            points,
            epsilon_levels: config.hyperparameters.epsilon_levels,
            trainer,
            mean: RunningMean::default(),
            relu_mean: RunningMean::default(),
            moment: None,
        })
    }

    /// Changes hyperparameters before the next step.
    ///
    /// # Errors
    /// Fails, changing nothing, when one of them is out of range.
    pub fn change(&mut self, hyperparameters: PlayHyperparameters) -> Result<(), PlayError> {
        self.trainer.change(
            hyperparameters.learning_rate,
            hyperparameters.epsilon_train_levels / MAX_LEVEL as f32,
            epsilon_of(hyperparameters.epsilon_levels)?,
        )?;
        self.epsilon_levels = hyperparameters.epsilon_levels;
        Ok(())
    }

    /// Steps done.
    pub fn iteration(&self) -> usize {
        self.trainer.iteration()
    }

    /// Whether the run has ended.
    pub fn is_finished(&self) -> bool {
        self.trainer.is_finished()
    }

    /// Trains both networks for up to `steps` steps.
    ///
    /// # Errors
    /// Fails when a loss or a weight is not finite.
    pub fn advance(&mut self, steps: usize) -> Result<(), PlayError> {
        for _ in 0..steps {
            if self.trainer.is_finished() {
                break;
            }
            self.trainer.step()?;
            let report = self.relu.step()?;
            self.relu_mean.add(report.loss, report.accuracy);
        }
        for report in read_sync(self.trainer.read())? {
            self.mean.add(report.loss, report.accuracy);
        }
        Ok(())
    }

    /// Both networks now, with maps of `side` times `side` images.
    ///
    /// # Errors
    /// Fails when a network has a weight that is not finite, or when `side` is no power of two up to 256.
    pub fn frame(&mut self, side: usize) -> Result<PlayFrame, PlayError> {
        check_side(side)?;
        let (moment, points) = self.moment()?;
        let [ours_map, relu_map] = moment.maps(side);
        let [ours, relu] = &moment.verdicts;
        let ours = PlayNet::new(ours_map, ours, points);
        let relu = PlayNet::new(relu_map, relu, points);
        let [loss, accuracy] = self.mean.take();
        let [relu_loss, relu_accuracy] = self.relu_mean.take();
        Ok(PlayFrame {
            iteration: self.trainer.iteration(),
            iterations: self.trainer.schedule().iterations(),
            p: self.trainer.p(),
            side,
            points: self.points.len(),
            ours: PlayNet {
                loss,
                accuracy,
                ..ours
            },
            relu: PlayNet {
                loss: relu_loss,
                accuracy: relu_accuracy,
                ..relu
            },
        })
    }

    /// Looks all images up, in both networks.
    ///
    /// # Errors
    /// Fails when a network has a weight that is not finite.
    pub fn truth(&mut self) -> Result<PlayTruth, PlayError> {
        let epsilon_levels = self.epsilon_levels;
        let (moment, points) = self.moment()?;
        let iteration = moment.iteration;
        let ([ours_map, relu_map], [ours, relu]) = moment.all_labels();
        Ok(PlayTruth {
            iteration,
            epsilon_levels,
            ours: NetTruth::new(ours_map, ours, points, epsilon_levels),
            relu: NetTruth::new(relu_map, relu, points, epsilon_levels),
        })
    }

    /// Where every unit of the first hidden layer of the ℓ∞-dist net decides, with maps of `side` times
    /// `side` images.
    ///
    /// # Errors
    /// As [`frame`](Self::frame).
    pub fn units(&mut self, side: usize) -> Result<PlayUnits, PlayError> {
        check_side(side)?;
        let (moment, _) = self.moment()?;
        let iteration = moment.iteration;
        let mut evaluator = moment.nets.ours.evaluator();
        let mut decide = |image: &[u8]| {
            let path = evaluator.label_path(image).expect(FITS);
            path.map_or([TIE; 2], |(units, pixel)| {
                [units[0] as u8, pixel.pixel as u8]
            })
        };
        let images = images(side);
        let decided: Vec<_> = images.chunks_exact(2).map(&mut decide).collect();

        let first = &read_sync(self.trainer.float_net(self.points.len()))?.layers[0];
        let levels = first
            .weight
            .iter()
            .map(|&weight| NORMALISATION.level(weight));
        let weights: Vec<f32> = levels.collect();
        let mean = |unit: &[f32]| {
            let far = |image: &[u8]| {
                let pixels = image.iter().zip(unit);
                pixels.fold(0f32, |far, (&x, w)| far.max((f32::from(x) - w).abs()))
            };
            let images = self.points.images.chunks_exact(2);
            images.map(far).sum::<f32>() / self.points.len() as f32
        };
        Ok(PlayUnits {
            iteration,
            side,
            units: decided.iter().map(|[unit, _]| *unit).collect(),
            pixels: decided.iter().map(|[_, pixel]| *pixel).collect(),
            means: weights.chunks_exact(2).map(mean).collect(),
            weights,
        })
    }

    /// The networks after the steps done so far, and the points.
    fn moment(&mut self) -> Result<(&mut Moment, &Dataset), PlayError> {
        let iteration = self.trainer.iteration();
        let kept = self.moment.take();
        let moment = match kept.filter(|moment| moment.iteration == iteration) {
            Some(moment) => moment,
            None => {
                let nets = Nets {
                    ours: read_sync(self.trainer.exact_net(self.points.len()))?,
                    relu: self.relu.baseline_net()?,
                };
                Moment::new(iteration, nets, &self.points)
            }
        };
        Ok((self.moment.insert(moment), &self.points))
    }
}

fn check_side(side: usize) -> Result<(), PlayError> {
    match side.is_power_of_two() && side <= LEVELS {
        true => Ok(()),
        false => Err(PlayError::Side(side)),
    }
}
