//! A training run as a conversation: requests go in, replies come out, and between them the owner
//! calls [`Session::advance`] for as long as it likes.
//!
//! The session knows no threads, files, JavaScript or clock of its own, so that a Web Worker can
//! drive it between two messages and a test can drive it natively, step by step. What needs numbers
//! from the device waits for them, as a browser reads a GPU only asynchronously: one request or one
//! advance at a time.

use std::sync::Arc;
use std::time::Duration;

use super::cost_model::{CostModel, Eta};
use super::metrics::measure;
use super::protocol::{Hyperparameters, OwnImages, Preset, Reply, Request, Shard, StepPoint};
use crate::data::{Dataset, DatasetDescription, datasets, sha256_hex};
use crate::error::sentence;
use crate::exact::{Lineage, Metadata, Model, Operation};
use crate::train::{
    Checkpoint, DeviceKind, PRESETS, Processor, Schedule, TrainConfig, TrainError, Trainer,
};

/// Images that the means are estimated over while training: enough for a chart, and quick.
const CHART_MEANS: usize = 2_000;
/// Images that they are estimated over for a network to be used.
const EXPORT_MEANS: usize = 10_000;
/// The largest whole number that JavaScript holds exactly, with all below it.
const MAX_SEED: u64 = (1 << 53) - 1;
/// Why a run is not on the GPU that is there.
const FEW_WEIGHTS: &str =
    "Weights of this run were dropped, and the CPU alone goes on without them.";

/// A run and all that can be asked of it.
pub struct Session {
    machine: Machine,
    /// The CPU, where the session has a GPU and the run in place has dropped weights.
    instead: Option<Machine>,
    clock: fn() -> Duration,
    /// The images that have been handed over.
    data: Option<Dataset>,
    /// Somebody's own images.
    own: Option<Dataset>,
    /// A run that waits for its images.
    waiting: Option<Waiting>,
    trainer: Option<Trainer>,
    running: bool,
    /// What the run in place costs, once that has been asked for.
    eta: Option<Eta>,
    correction: EtaCorrection,
}

/// A device, and how fast it is.
struct Machine {
    processor: Processor,
    /// Measured when the first estimate is asked for.
    speed: Option<CostModel>,
}

impl Machine {
    fn new(processor: Processor) -> Self {
        Self {
            processor,
            speed: None,
        }
    }

    async fn speed(&mut self, clock: fn() -> Duration) -> Result<CostModel, TrainError> {
        let speed = match self.speed {
            Some(speed) => speed,
            None => CostModel::measure(&self.processor, clock).await?,
        };
        self.speed = Some(speed);
        Ok(speed)
    }
}

enum Waiting {
    New(TrainConfig),
    Saved(Checkpoint),
}

impl Waiting {
    /// The name of the data set that it waits for.
    fn dataset(&self) -> &str {
        match self {
            Self::New(config) => &config.dataset,
            Self::Saved(checkpoint) => &checkpoint.config().dataset,
        }
    }
}

/// How long steps really take next to their estimate, over the last steps.
#[derive(Default)]
struct EtaCorrection {
    taken: f64,
    estimated: f64,
}

impl EtaCorrection {
    /// Share of the past that is forgotten for each new group of steps.
    const FORGET: f64 = 0.1;

    fn add(&mut self, taken: f64, estimated: f64) {
        self.taken = self.taken * (1.0 - Self::FORGET) + taken;
        self.estimated = self.estimated * (1.0 - Self::FORGET) + estimated;
    }

    /// Seconds that will be taken for what is estimated at `estimated` seconds.
    fn correct(&self, estimated: f64) -> f64 {
        if self.estimated > 0.0 {
            estimated * self.taken / self.estimated
        } else {
            estimated
        }
    }
}

impl Session {
    /// A session without a run. `clock` is the time since any moment.
    pub fn new(processor: Processor, clock: fn() -> Duration) -> Self {
        Self {
            machine: Machine::new(processor),
            instead: None,
            clock,
            data: None,
            own: None,
            waiting: None,
            trainer: None,
            running: false,
            correction: EtaCorrection::default(),
            eta: None,
        }
    }

    /// The first thing to be said: what can be trained here, and on what.
    pub fn opened(&self) -> Reply {
        let preset = |name: &str| Preset {
            name: name.into(),
            config: TrainConfig::preset(name).expect("the list names presets"),
        };
        Reply::Opened {
            presets: PRESETS.into_iter().map(preset).collect(),
            device: self.machine.processor.info().clone(),
        }
    }

    /// Whether [`advance`](Self::advance) has anything to do.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// Meets a request. What cannot be met is answered with an error and changes nothing.
    pub async fn handle(&mut self, request: Request) -> Vec<Reply> {
        let answer = self.answer(request).await;
        self.checked(answer)
            .unwrap_or_else(|error| vec![refusal(&error)])
    }

    /// The answer, unless the device turns out to have failed meanwhile.
    fn checked(
        &mut self,
        answer: Result<Vec<Reply>, SessionError>,
    ) -> Result<Vec<Reply>, SessionError> {
        let answer = match self.run_on().check() {
            Ok(()) => answer,
            Err(failure) => Err(TrainError::from(failure).into()),
        };
        self.running &= !answer.as_ref().is_err_and(SessionError::is_fatal);
        answer
    }

    async fn answer(&mut self, request: Request) -> Result<Vec<Reply>, SessionError> {
        match request {
            Request::Estimate { config, name } => Ok(vec![self.estimate(&config, name).await?]),
            Request::Start { config } => {
                config.check().map_err(TrainError::from)?;
                self.begin(Waiting::New(config))
            }
            Request::Load { checkpoint } => {
                let checkpoint = Checkpoint::from_bytes(&checkpoint).map_err(TrainError::from)?;
                checkpoint.config().check().map_err(TrainError::from)?;
                self.begin(Waiting::Saved(checkpoint))
            }
            Request::Data { dataset, shards } => self.take_data(dataset, &shards),
            Request::Own(images) => self.take_own(images),
            Request::Resume => {
                let trainer = self.trainer()?;
                if trainer.is_finished() {
                    let iteration = trainer.iteration();
                    return Ok(vec![Reply::Done { iteration }]);
                }
                self.running = true;
                Ok(vec![Reply::Running])
            }
            Request::Pause => {
                let iteration = self.trainer()?.iteration();
                self.running = false;
                Ok(vec![Reply::Paused { iteration }])
            }
            Request::Step => {
                let mut replies = self.steps(1).await?;
                self.running = false;
                if !matches!(replies.last(), Some(Reply::Done { .. })) {
                    let iteration = self.trainer()?.iteration();
                    replies.push(Reply::Paused { iteration });
                }
                Ok(replies)
            }
            Request::Set { hyperparameters } => {
                let Hyperparameters {
                    learning_rate,
                    epsilon_train,
                    epsilon,
                } = hyperparameters;
                let trainer = self.trainer.as_mut().ok_or(SessionError::NoRun)?;
                trainer
                    .change(learning_rate, epsilon_train, epsilon)
                    .map_err(TrainError::from)?;
                Ok(vec![ready(self.trainer()?, self.run_on())])
            }
            Request::Evaluate { images } => {
                let trainer = self.trainer()?;
                if trainer.held_out().is_empty() {
                    return Ok(Vec::new());
                }
                // Figures of all the images are those of the network that can be used.
                let means = match images < trainer.held_out().len() {
                    true => CHART_MEANS,
                    false => EXPORT_MEANS,
                };
                let metrics = measure(trainer, images, means).await?;
                Ok(vec![Reply::Metrics(metrics)])
            }
            Request::Save => {
                let trainer = self.trainer()?;
                Ok(vec![Reply::Checkpoint {
                    iteration: trainer.iteration(),
                    bytes: trainer.checkpoint().await?.to_bytes(),
                }])
            }
            Request::Export => {
                let trainer = self.trainer()?;
                Ok(vec![Reply::Model {
                    iteration: trainer.iteration(),
                    bytes: model(trainer).await?.to_bytes(),
                }])
            }
            Request::Stop => {
                self.running = false;
                self.trainer = None;
                self.instead = None;
                self.waiting = None;
                Ok(vec![Reply::Stopped])
            }
        }
    }

    /// Trains up to `steps` steps if the run goes on, and says what they did.
    pub async fn advance(&mut self, steps: usize) -> Vec<Reply> {
        if !self.running {
            return Vec::new();
        }
        let answer = self.steps(steps).await;
        self.checked(answer).unwrap_or_else(|error| {
            self.running = false;
            let mut replies = vec![refusal(&error)];
            if !error.is_fatal() {
                let iteration = self.trainer.as_ref().map_or(0, Trainer::iteration);
                replies.push(Reply::Paused { iteration });
            }
            replies
        })
    }

    fn trainer(&self) -> Result<&Trainer, SessionError> {
        self.trainer.as_ref().ok_or(SessionError::NoRun)
    }

    /// What the run in place runs on.
    fn run_on(&self) -> &Processor {
        &self.instead.as_ref().unwrap_or(&self.machine).processor
    }

    async fn estimate(
        &mut self,
        config: &TrainConfig,
        name: String,
    ) -> Result<Reply, SessionError> {
        config.check().map_err(TrainError::from)?;
        let description = self.described(&config.dataset)?;
        let images = config.training_images(description.training_images)?;
        let schedule = page_schedule(config, images)?;
        let speed = self.machine.speed(self.clock).await?;
        let widths = config.widths(&description);
        let seconds = speed.eta(config, &widths, &schedule).all();
        Ok(Reply::Estimate { name, seconds })
    }

    /// Puts a run in place if its images are there, and asks for them otherwise.
    fn begin(&mut self, run: Waiting) -> Result<Vec<Reply>, SessionError> {
        let (config, recorded) = match &run {
            Waiting::New(config) => (config, None),
            Waiting::Saved(checkpoint) => (checkpoint.config(), checkpoint.imported()),
        };
        let description = match recorded {
            Some(recorded) => Arc::clone(recorded),
            None => self.described(&config.dataset)?,
        };
        let images = config.training_images(description.training_images)?;
        page_schedule(config, images)?;
        let images = images + config.held_out;
        // Somebody's own images may have got other names of classes since a run was saved.
        let same = |there: &DatasetDescription| match (&there.imported, &description.imported) {
            (Some(there), Some(wanted)) => there.sha256 == wanted.sha256,
            _ => *there == *description,
        };
        let there = |data: &&Dataset| same(&data.description) && data.len() >= images;
        let Some(data) = [&self.data, &self.own].into_iter().flatten().find(there) else {
            let dataset = config.dataset.clone();
            self.running = false;
            self.waiting = Some(run);
            return Ok(vec![Reply::Wanted { dataset, images }]);
        };
        let data = data.last(images);
        let few = matches!(&run, Waiting::Saved(saved) if saved.has_few_weights());
        let gpu = self.machine.processor.info().kind == DeviceKind::Webgpu;
        let instead = (few && gpu).then(|| Machine::new(Processor::cpu(FEW_WEIGHTS)));
        let machine = instead.as_ref().unwrap_or(&self.machine);
        let device = machine.processor.device().clone();
        let trainer = match run {
            Waiting::New(config) => Trainer::new(config, data, device)?,
            Waiting::Saved(saved) => Trainer::restore(&saved, data, device)?,
        };
        self.running = false;
        self.correction = EtaCorrection::default();
        self.eta = None;
        self.instead = instead;
        let reply = ready(&trainer, self.run_on());
        self.trainer = Some(trainer);
        Ok(vec![reply])
    }

    /// The data set of this name, somebody's own among them.
    fn described(&self, name: &str) -> Result<Arc<DatasetDescription>, SessionError> {
        let own = self.own.as_ref().map(|own| &own.description);
        match own.filter(|own| own.name == name) {
            Some(own) => Ok(Arc::clone(own)),
            None => described(name),
        }
    }

    fn take_own(&mut self, own: OwnImages) -> Result<Vec<Reply>, SessionError> {
        let description: DatasetDescription =
            serde_json::from_str(&own.description).map_err(|_| SessionError::OwnImages)?;
        let images = own.labels.len();
        let classes = description.classes.len();
        let is_sound = description.is_sound_import()
            && description.training_images == images
            && own.images.len() == images * description.pixels()
            && own.held_out < images
            && own.labels.iter().all(|label| usize::from(*label) < classes);
        if !is_sound {
            return Err(SessionError::OwnImages);
        }
        let preset = |name: &str| {
            let config = TrainConfig::preset(name).expect("the list names presets");
            Preset {
                name: name.into(),
                config: config.on_imported(&description, own.held_out, own.epsilon),
            }
        };
        let mut replies = vec![Reply::Fitted {
            dataset: description.name.clone(),
            presets: PRESETS.into_iter().map(preset).collect(),
        }];
        let before = self.own.replace(Dataset {
            description: Arc::new(description),
            images: own.images,
            labels: own.labels,
        });
        let is_own = |name: &str| datasets::find(name).is_none();
        match self.begin_waiting(is_own, SessionError::OtherImages) {
            Ok(mut begun) => replies.append(&mut begun),
            Err(error) => {
                self.own = before;
                return Err(error);
            }
        }
        Ok(replies)
    }

    /// Puts the run in place that waits for the images that came, if one waits for a data set `of_these`.
    /// Fails with `not_these` where it needs others: asked once, handed over, so asking again would never
    /// end.
    fn begin_waiting(
        &mut self,
        of_these: impl Fn(&str) -> bool,
        not_these: SessionError,
    ) -> Result<Vec<Reply>, SessionError> {
        let waiting = self.waiting.take_if(|run| of_these(run.dataset()));
        let Some(run) = waiting else {
            return Ok(Vec::new());
        };
        let replies = self.begin(run)?;
        match self.waiting.take() {
            Some(_) => Err(not_these),
            None => Ok(replies),
        }
    }

    fn take_data(&mut self, dataset: String, shards: &[Shard]) -> Result<Vec<Reply>, SessionError> {
        let description = described(&dataset)?;
        let (size, classes) = (description.pixels(), description.classes.len());
        let mut data = Dataset::empty(description);
        for (index, Shard { sha256, bytes }) in shards.iter().enumerate() {
            let (pixels, labels) = bytes.split_at(bytes.len() / (size + 1) * size);
            let fits = pixels.len() == labels.len() * size;
            let are_classes = labels.iter().all(|label| usize::from(*label) < classes);
            if sha256_hex(bytes) != *sha256 || !fits || !are_classes {
                return Err(SessionError::Shard { dataset, index });
            }
            data.images.extend_from_slice(pixels);
            data.labels.extend_from_slice(labels);
        }
        self.data = Some(data);
        self.begin_waiting(|name| name == dataset, SessionError::TooFewImages)
    }

    async fn steps(&mut self, steps: usize) -> Result<Vec<Reply>, SessionError> {
        let clock = self.clock;
        let machine = self.instead.as_mut().unwrap_or(&mut self.machine);
        let trainer = self.trainer.as_mut().ok_or(SessionError::NoRun)?;
        if self.eta.is_none() {
            let speed = machine.speed(clock).await?;
            let widths = trainer.config().widths(trainer.description());
            self.eta = Some(speed.eta(trainer.config(), &widths, trainer.schedule()));
        }
        let (from, last) = (trainer.iteration(), trainer.schedule().iterations());
        let start = clock();
        for _ in 0..steps.min(last.saturating_sub(from)) {
            trainer.step()?;
        }
        let reports = trainer.read().await?.into_iter();
        let points = reports.map(|report| StepPoint {
            iteration: report.iteration,
            loss: report.loss,
            accuracy: report.accuracy,
            p: report.settings.norm.p(),
            learning_rate: report.settings.learning_rate,
        });
        let points: Vec<_> = points.collect();
        let taken = (clock() - start).as_secs_f64();
        let iteration = trainer.iteration();
        let eta = self.eta.as_ref().expect("it was just made");
        if !points.is_empty() {
            self.correction.add(taken, eta.seconds(from, iteration));
        }
        let images = points.len() * trainer.config().batch;
        let mut replies = vec![Reply::Progress {
            iteration,
            seconds_left: self.correction.correct(eta.seconds(iteration, last)),
            images_per_second: images as f64 / taken.max(1e-3),
            steps: points,
        }];
        if trainer.is_finished() {
            self.running = false;
            replies.push(Reply::Done { iteration });
        }
        Ok(replies)
    }
}

/// The data set of this name.
fn described(name: &str) -> Result<Arc<DatasetDescription>, SessionError> {
    datasets::find(name).ok_or_else(|| SessionError::Dataset(name.into()))
}

/// The schedule of a run that is trained on so many images, if a page can hold the run.
fn page_schedule(config: &TrainConfig, images: usize) -> Result<Schedule, SessionError> {
    if config.seed > MAX_SEED {
        return Err(SessionError::Seed(config.seed));
    }
    let schedule = config.schedule(images / config.batch);
    Ok(schedule.map_err(TrainError::from)?)
}

/// Why a request could not be met.
#[derive(Debug, thiserror::Error)]
enum SessionError {
    #[error("there is no run: start one, or load a checkpoint")]
    NoRun,
    #[error("the data set `{0}` is not known here")]
    Dataset(String),
    #[error(
        "part {} of the images of `{dataset}` is damaged: it is not the file that the page was built \
         with; load the page again", index + 1
    )]
    Shard { dataset: String, index: usize },
    #[error("the images do not fit their description; read their files again")]
    OwnImages,
    #[error(
        "the run was begun with other images than these; read the files that it was begun with, in the \
         same way"
    )]
    OtherImages,
    #[error("fewer images came than the run needs; load the page again")]
    TooFewImages,
    #[error(
        "the seed of this run is {0}, and one on this page is at most {most}; go on with the run by \
         linf train --resume", most = MAX_SEED
    )]
    Seed(u64),
    #[error(transparent)]
    Train(#[from] TrainError),
}

impl SessionError {
    /// Whether the device is lost, and with it the session.
    fn is_fatal(&self) -> bool {
        matches!(
            self,
            Self::Train(TrainError::Device(_) | TrainError::Read(_))
        )
    }
}

fn refusal(error: &SessionError) -> Reply {
    Reply::Error {
        message: sentence(error),
        fatal: error.is_fatal(),
    }
}

fn ready(trainer: &Trainer, processor: &Processor) -> Reply {
    Reply::Ready {
        device: processor.info().clone(),
        config: trainer.config().clone(),
        iteration: trainer.iteration(),
        iterations: trainer.schedule().iterations(),
        images: trainer.training().len(),
        held_out: trainer.held_out().len(),
    }
}

/// The exact integer network of the moment with its record.
async fn model(trainer: &Trainer) -> Result<Model, TrainError> {
    let config = trainer.config();
    let run = trainer.lineage()?;
    Ok(Model {
        net: trainer.exact_net(EXPORT_MEANS).await?,
        metadata: Metadata {
            dataset: config.dataset.clone(),
            classes: trainer.description().names_to_record(),
            epsilon: config.epsilon,
            lineage: Lineage::new(
                Operation::Page,
                run.arguments().clone(),
                run.seed(),
                run.parents().to_vec(),
            )?,
            accuracies: None,
        },
    })
}

#[cfg(all(test, feature = "webgpu"))]
mod tests {
    use burn::tensor::read_sync;

    use super::*;
    use crate::train::DeviceChoice;

    fn config() -> TrainConfig {
        TrainConfig {
            hidden: vec![4],
            batch: 2,
            images: 10,
            held_out: 0,
            ..TrainConfig::preset("tiny").unwrap()
        }
    }

    fn data() -> Request {
        let bytes = [vec![7; 10 * 784], vec![1; 10]].concat();
        let sha256 = sha256_hex(&bytes);
        Request::Data {
            dataset: "mnist".into(),
            shards: vec![Shard { sha256, bytes }],
        }
    }

    fn last(session: &mut Session, request: Request) -> Reply {
        read_sync(session.handle(request)).pop().unwrap()
    }

    #[test]
    #[ignore = "needs a GPU"]
    fn a_run_that_dropped_weights_goes_on_on_the_cpu() {
        let kind = |reply: Reply| match reply {
            Reply::Ready { device, .. } => device.kind,
            other => panic!("{other:?}"),
        };
        let mut session = Session::new(Processor::cpu("A test."), || Duration::ZERO);
        let pruning = TrainConfig {
            prune_from_epoch: 1,
            ..config()
        };
        for request in [Request::Start { config: pruning }, data(), Request::Resume] {
            last(&mut session, request);
        }
        read_sync(session.advance(6));
        let Reply::Checkpoint { bytes, .. } = last(&mut session, Request::Save) else {
            panic!("no checkpoint");
        };

        let processor = read_sync(Processor::open(DeviceChoice::Webgpu)).unwrap();
        let mut session = Session::new(processor, || Duration::ZERO);
        read_sync(session.handle(data()));
        let ready = last(&mut session, Request::Load { checkpoint: bytes });
        assert_eq!(kind(ready), DeviceKind::Cpu);
        last(&mut session, Request::Resume);
        let replies = read_sync(session.advance(9));
        assert!(
            matches!(replies[..], [.., Reply::Done { iteration: 15 }]),
            "{replies:?}"
        );

        let ready = last(&mut session, Request::Start { config: config() });
        assert_eq!(kind(ready), DeviceKind::Webgpu);
    }

    #[test]
    #[ignore = "needs a GPU"]
    fn a_lost_gpu_ends_the_session_with_a_way_on() {
        let processor = read_sync(Processor::open(DeviceChoice::Webgpu)).unwrap();
        let mut session = Session::new(processor, || Duration::ZERO);
        for request in [Request::Start { config: config() }, data(), Request::Resume] {
            last(&mut session, request);
        }
        read_sync(session.advance(1));
        assert!(session.is_running());
        session.machine.processor.gpu.as_ref().unwrap().destroy();
        let replies = read_sync(session.advance(1));
        let Reply::Error {
            message,
            fatal: true,
        } = &replies[0]
        else {
            panic!("{replies:?}");
        };
        assert!(
            message.ends_with("continue from the last checkpoint, on the CPU if need be"),
            "{message}"
        );
        assert!(!session.is_running());
    }
}
