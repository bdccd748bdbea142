//! The training session as a conversation, on a small made-up data set.
//! The same tests run natively and in the browser.
#![cfg(feature = "train")]

use std::time::Duration;

use burn::tensor::read_sync;
use linf_dist_net::data::{DatasetDescription, ImportOptions, Normalisation, Origin, sha256_hex};
use linf_dist_net::exact::Model;
use linf_dist_net::train::{Checkpoint, DeviceChoice, DeviceKind, Processor, TrainConfig};
use linf_dist_net::web::{
    Hyperparameters, MARGIN_BIN, MARGIN_REACH, OwnImages, Reply, Request, Session, Shard,
};

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

/// A thousand steps of a clock that no machine's speed disturbs.
fn clock() -> Duration {
    use std::sync::atomic::{AtomicU64, Ordering};
    static TICKS: AtomicU64 = AtomicU64::new(0);
    Duration::from_millis(TICKS.fetch_add(1, Ordering::Relaxed))
}

/// A session on the CPU, which keeps nobody waiting, even in a browser.
fn session() -> Session {
    Session::new(Processor::cpu("A test."), clock)
}

fn handle(session: &mut Session, request: Request) -> Vec<Reply> {
    read_sync(session.handle(request))
}

fn advance(session: &mut Session, steps: usize) -> Vec<Reply> {
    read_sync(session.advance(steps))
}

fn config() -> TrainConfig {
    TrainConfig {
        hidden: vec![16],
        batch: 20,
        images: 400,
        held_out: 100,
        epochs_start: 1,
        epochs_growth: 1,
        epochs_inf: 1,
        ..TrainConfig::preset("tiny").unwrap()
    }
}

/// Ten classes of 28×28 images, a bright block whose place says the class; as shards of 100.
fn shards(count: usize) -> Vec<Shard> {
    let image = |index: usize| {
        let class = index % 10;
        (0..784usize).map(move |k| {
            let inside = k / 28 / 6 == class / 4 && k % 28 / 6 == class % 4;
            if inside {
                220
            } else {
                ((k + index) % 40) as u8
            }
        })
    };
    let shard = |first: usize| {
        let pixels = (first..first + 100).flat_map(image);
        let labels = (first..first + 100).map(|index| (index % 10) as u8);
        let bytes: Vec<u8> = pixels.chain(labels).collect();
        Shard {
            sha256: sha256_hex(&bytes),
            bytes,
        }
    };
    (0..count).step_by(100).map(shard).collect()
}

/// Images of somebody's own: three of the ten classes above, the last 30 held out.
fn own(count: usize, names: [&str; 3]) -> OwnImages {
    let bytes = shards(1000).into_iter().map(|shard| shard.bytes);
    let (mut images, mut labels) = (Vec::new(), Vec::new());
    for bytes in bytes {
        for index in 0..100 {
            let label = bytes[78_400 + index];
            if label < 3 && labels.len() < count {
                images.extend_from_slice(&bytes[784 * index..784 * (index + 1)]);
                labels.push(label);
            }
        }
    }
    let normalisation = Normalisation {
        mean: 0.1,
        std: 0.3,
    };
    let description = DatasetDescription {
        classes: names.map(str::to_owned).to_vec(),
        training_images: count,
        imported: Some(Origin {
            sha256: sha256_hex(&images),
            options: ImportOptions::default(),
        }),
        ..DatasetDescription::in_memory("own-blocks", [28, 28], 3, normalisation)
    };
    OwnImages {
        description: serde_json::to_string(&description).unwrap(),
        images,
        labels,
        held_out: 30,
        epsilon: "0.2".parse().unwrap(),
    }
}

#[test]
fn own_images_are_trained_on_and_their_classes_keep_their_names() {
    let names = ["left", "middle", "right"];
    let mut session = session();
    let [Reply::Fitted { dataset, presets }] =
        &handle(&mut session, Request::Own(own(180, names)))[..]
    else {
        panic!("not fitted");
    };
    assert_eq!(dataset, "own-blocks");
    let preset = presets.iter().find(|preset| preset.name == "look").unwrap();
    let config = TrainConfig {
        hidden: vec![16],
        epochs_start: 2,
        epochs_growth: 2,
        epochs_inf: 1,
        ..preset.config.clone()
    };
    assert_eq!((config.images, config.held_out), (150, 30));
    assert_eq!(config.epsilon, "0.2".parse().unwrap());
    let ready = handle(&mut session, Request::Start { config });
    assert!(
        matches!(
            ready[..],
            [Reply::Ready {
                images: 150,
                held_out: 30,
                ..
            }]
        ),
        "{ready:?}"
    );
    handle(&mut session, Request::Resume);
    advance(&mut session, 1_000);
    let [Reply::Model { bytes, .. }] = &handle(&mut session, Request::Export)[..] else {
        panic!("no model");
    };
    let model = Model::from_bytes(bytes).unwrap();
    assert_eq!(model.metadata.classes, names);
    assert_eq!(model.net.classes(), 3);

    // In another session a checkpoint asks for them, and takes no others.
    let [Reply::Checkpoint { bytes, .. }] = &handle(&mut session, Request::Save)[..] else {
        panic!("no checkpoint");
    };
    let mut other = self::session();
    let load = || Request::Load {
        checkpoint: bytes.clone(),
    };
    let wanted = handle(&mut other, load());
    assert!(
        matches!(&wanted[..], [Reply::Wanted { dataset, images: 180 }] if dataset == "own-blocks"),
        "{wanted:?}"
    );
    let refused = handle(&mut other, Request::Own(own(150, names)));
    assert!(
        matches!(refused[..], [Reply::Error { fatal: false, .. }]),
        "{refused:?}"
    );
    handle(&mut other, load());
    // Names that were given since do not matter.
    let found = handle(&mut other, Request::Own(own(180, ["a", "b", "c"])));
    assert!(
        matches!(found[..], [Reply::Fitted { .. }, Reply::Ready { .. }]),
        "{found:?}"
    );
}

#[test]
fn own_images_that_do_not_fit_their_description_are_refused() {
    let good = || own(90, ["a", "b", "c"]);
    let bad = [
        OwnImages {
            labels: vec![3; 90],
            ..good()
        },
        OwnImages {
            images: vec![0; 784],
            ..good()
        },
        OwnImages {
            description: "{}".into(),
            ..good()
        },
        OwnImages {
            held_out: 90,
            ..good()
        },
        own(90, ["a", "a", "b"]),
    ];
    for own in bad {
        let mut session = session();
        let refused = handle(&mut session, Request::Own(own));
        assert!(
            matches!(refused[..], [Reply::Error { fatal: false, .. }]),
            "{refused:?}"
        );
    }
}

fn data(count: usize) -> Request {
    Request::Data {
        dataset: "mnist".into(),
        shards: shards(count),
    }
}

/// The only reply to a request.
fn ask(session: &mut Session, request: Request) -> Reply {
    let mut replies = handle(session, request);
    assert_eq!(replies.len(), 1, "{replies:?}");
    replies.remove(0)
}

fn begun() -> Session {
    let mut session = session();
    let reply = ask(&mut session, Request::Start { config: config() });
    let expected = Reply::Wanted {
        dataset: "mnist".into(),
        images: 500,
    };
    assert_eq!(reply, expected);
    let ready = ask(&mut session, data(500));
    assert!(
        matches!(
            ready,
            Reply::Ready {
                iteration: 0,
                iterations: 60,
                images: 400,
                held_out: 100,
                ..
            }
        ),
        "{ready:?}"
    );
    session
}

fn iteration(reply: &Reply) -> usize {
    match reply {
        Reply::Progress { iteration, .. } | Reply::Paused { iteration } => *iteration,
        other => panic!("{other:?}"),
    }
}

/// The file, whose entries come in any order, and what it says.
fn checkpoint(session: &mut Session) -> (Vec<u8>, Checkpoint) {
    match ask(session, Request::Save) {
        Reply::Checkpoint { bytes, .. } => {
            let checkpoint = Checkpoint::from_bytes(&bytes).unwrap();
            (bytes, checkpoint)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_that_waits_for_images_is_not_lost_when_others_come() {
    let mut session = session();
    ask(&mut session, Request::Start { config: config() });
    let fitted = ask(&mut session, Request::Own(own(180, ["a", "b", "c"])));
    let Reply::Fitted { presets, .. } = fitted else {
        panic!("{fitted:?}");
    };
    let ready = ask(&mut session, data(500));
    assert!(matches!(ready, Reply::Ready { .. }), "{ready:?}");
    let mut other = self::session();
    let config = presets[0].config.clone();
    let unknown = ask(
        &mut other,
        Request::Start {
            config: config.clone(),
        },
    );
    assert!(matches!(unknown, Reply::Error { .. }), "{unknown:?}");
    let ready = ask(&mut session, Request::Start { config });
    assert!(
        matches!(ready, Reply::Ready { images: 150, .. }),
        "{ready:?}"
    );
}

#[test]
fn a_run_waits_for_its_images_and_for_the_word_to_go_on() {
    let mut session = begun();
    assert_eq!(advance(&mut session, 5), []);
    assert_eq!(ask(&mut session, Request::Resume), Reply::Running);
    let replies = advance(&mut session, 5);
    assert_eq!(iteration(&replies[0]), 5);
    assert_eq!(iteration(&ask(&mut session, Request::Pause)), 5);
    assert_eq!(advance(&mut session, 5), []);
    let replies = handle(&mut session, Request::Step);
    assert_eq!(replies.iter().map(iteration).collect::<Vec<_>>(), [6, 6]);
}

#[test]
fn a_run_ends_by_itself() {
    let mut session = begun();
    handle(&mut session, Request::Resume);
    let replies = advance(&mut session, 1000);
    let Reply::Progress {
        steps,
        seconds_left,
        ..
    } = &replies[0]
    else {
        panic!("{replies:?}");
    };
    assert_eq!((steps.len(), *seconds_left), (60, 0.0));
    assert!(steps[59].p.is_infinite() && steps[0].p == 8.0);
    assert_eq!(replies[1], Reply::Done { iteration: 60 });
    assert!(!session.is_running());
    assert_eq!(
        ask(&mut session, Request::Resume),
        Reply::Done { iteration: 60 }
    );
}

#[test]
fn a_saved_run_goes_on_elsewhere_to_the_same_bits() {
    let mut one = begun();
    handle(&mut one, Request::Resume);
    advance(&mut one, 25);
    let (saved, _) = checkpoint(&mut one);
    advance(&mut one, 30);

    let mut other = session();
    let load = Request::Load { checkpoint: saved };
    assert!(matches!(
        ask(&mut other, load.clone()),
        Reply::Wanted { .. }
    ));
    // More images than it asked for change nothing: the last ones count.
    let more = Request::Data {
        dataset: "mnist".into(),
        shards: [shards(100), shards(500)].concat(),
    };
    assert!(matches!(
        ask(&mut other, more),
        Reply::Ready { iteration: 25, .. }
    ));
    handle(&mut other, Request::Resume);
    advance(&mut other, 30);
    assert!(checkpoint(&mut other).1 == checkpoint(&mut one).1);
    // With its images there, it asks for none.
    assert!(matches!(
        ask(&mut other, load),
        Reply::Ready { iteration: 25, .. }
    ));
}

#[test]
fn what_is_measured_is_the_exact_network_that_is_exported() {
    let mut session = begun();
    handle(&mut session, Request::Resume);
    advance(&mut session, 1000);
    let Reply::Metrics(metrics) = ask(&mut session, Request::Evaluate { images: 80 }) else {
        panic!();
    };
    let Reply::Model { bytes, .. } = ask(&mut session, Request::Export) else {
        panic!();
    };
    let model = Model::from_bytes(&bytes).unwrap();
    assert_eq!(model.net.architecture(), [784, 16, 10]);
    assert_eq!(model.net.share_kept(), metrics.weights_kept);
    assert_eq!((metrics.images, metrics.iteration), (80, 60));
    assert_eq!(metrics.pictures.len(), 16 * 784);
    // A positive margin is a right label.
    let bins = (2 * MARGIN_REACH / MARGIN_BIN) as usize;
    assert_eq!(metrics.margins.len(), bins);
    assert_eq!(metrics.margins.iter().sum::<u32>(), 80);
    let wrong: u32 = metrics.margins[..bins / 2].iter().sum();
    assert!(f64::from(80 - wrong) >= metrics.clean * 80.0);
    assert!(metrics.clean >= metrics.certified_ibp);
    assert!(metrics.certified_ibp >= metrics.certified_lipschitz);
}

#[test]
fn a_knob_changes_between_two_steps_and_the_run_remembers_when() {
    let mut session = begun();
    handle(&mut session, Request::Resume);
    advance(&mut session, 7);
    let hyperparameters = Hyperparameters {
        learning_rate: 0.005,
        epsilon_train: 0.2,
        epsilon: "0.1".parse().unwrap(),
    };
    let Reply::Ready {
        config: changed, ..
    } = ask(&mut session, Request::Set { hyperparameters })
    else {
        panic!();
    };
    let expected = TrainConfig {
        learning_rate: 0.005,
        epsilon_train: 0.2,
        epsilon: "0.1".parse().unwrap(),
        changed_at: vec![7],
        ..config()
    };
    assert_eq!(changed, expected);
    let Reply::Progress { steps, .. } = &advance(&mut session, 1)[0] else {
        panic!("the run goes on");
    };
    assert!(steps[0].learning_rate < 0.005 && steps[0].learning_rate > 0.004);
    // The same values again are no change.
    handle(&mut session, Request::Set { hyperparameters });
    let Reply::Ready { config, .. } = ask(&mut session, Request::Set { hyperparameters }) else {
        panic!();
    };
    assert_eq!(config.changed_at, [7]);
}

#[test]
fn what_cannot_be_met_is_refused_in_one_sentence_and_changes_nothing() {
    let mut session = session();
    let refused = |session: &mut Session, request| match ask(session, request) {
        Reply::Error { message, .. } => message,
        other => panic!("{other:?}"),
    };
    let message = refused(&mut session, Request::Resume);
    assert_eq!(message, "there is no run: start one, or load a checkpoint");
    let config = TrainConfig {
        batch: 1,
        ..config()
    };
    let message = refused(&mut session, Request::Start { config });
    assert_eq!(message, "batch must be from 2 to 4096, not 1");
    let request = Request::Load {
        checkpoint: b"no checkpoint at all".to_vec(),
    };
    let message = refused(&mut session, request);
    assert!(
        message.starts_with("this is not a complete checkpoint file"),
        "{message}"
    );

    let mut session = begun();
    let (_, before) = checkpoint(&mut session);
    let hyperparameters = Hyperparameters {
        learning_rate: f32::NAN,
        epsilon_train: 0.2,
        epsilon: "0.1".parse().unwrap(),
    };
    let message = refused(&mut session, Request::Set { hyperparameters });
    assert!(message.starts_with("learning_rate must be"), "{message}");
    assert!(checkpoint(&mut session).1 == before);
}

#[test]
fn a_run_too_long_for_a_page_is_refused_before_any_of_its_steps_is_priced() {
    let long = TrainConfig {
        batch: 2,
        images: 55_000,
        held_out: 5_000,
        epochs_start: 1000,
        epochs_growth: 1000,
        epochs_inf: 1000,
        ..config()
    };
    let mut session = begun();
    let (_, before) = checkpoint(&mut session);
    for request in [
        Request::Start {
            config: long.clone(),
        },
        Request::Estimate {
            config: long,
            name: "long".into(),
        },
    ] {
        let reply = ask(&mut session, request);
        let Reply::Error {
            message,
            fatal: false,
        } = &reply
        else {
            panic!("{reply:?}");
        };
        assert!(message.contains("82500000"), "{message}");
    }
    assert!(checkpoint(&mut session).1 == before);
}

#[test]
fn a_seed_that_javascript_cannot_hold_is_refused_and_nothing_is_lost() {
    let mut session = begun();
    let (_, before) = checkpoint(&mut session);
    let largest = (1 << 53) - 1;
    for (seed, fits) in [(largest, true), (largest + 1, false), (u64::MAX, false)] {
        let config = TrainConfig { seed, ..config() };
        let reply = ask(&mut session, Request::Start { config });
        match reply {
            Reply::Ready { .. } if fits => session = begun(),
            Reply::Error { fatal: false, .. } if !fits => {}
            other => panic!("{seed}: {other:?}"),
        }
    }
    assert!(checkpoint(&mut session).1 == before);
}

#[test]
fn too_few_images_are_refused_rather_than_asked_for_again() {
    let mut session = session();
    handle(&mut session, Request::Start { config: config() });
    let Reply::Error { message, .. } = ask(&mut session, data(300)) else {
        panic!();
    };
    assert_eq!(
        message,
        "fewer images came than the run needs; load the page again"
    );
}

#[test]
fn an_estimate_grows_with_the_run() {
    let mut session = session();
    let mut seconds = |config| match ask(
        &mut session,
        Request::Estimate {
            config,
            name: "a".into(),
        },
    ) {
        Reply::Estimate { seconds, name } if name == "a" => seconds,
        other => panic!("{other:?}"),
    };
    let one = seconds(config());
    let twice = seconds(TrainConfig {
        epochs_start: 2,
        epochs_growth: 2,
        epochs_inf: 2,
        ..config()
    });
    assert!(one > 0.0);
    assert!((twice / one - 2.0).abs() < 0.2, "{twice} and {one}");
}

#[test]
fn a_damaged_shard_is_refused() {
    let mut session = session();
    handle(&mut session, Request::Start { config: config() });
    let mut shards = shards(500);
    shards[2].bytes[5] ^= 1;
    let request = Request::Data {
        dataset: "mnist".into(),
        shards,
    };
    let Reply::Error { message, .. } = ask(&mut session, request) else {
        panic!();
    };
    assert!(
        message.starts_with("part 3 of the images of `mnist` is damaged"),
        "{message}"
    );
}

#[test]
fn what_it_is_computed_on_is_told_first() {
    let processor = read_sync(Processor::open(DeviceChoice::Cpu)).unwrap();
    let Reply::Opened { presets, device } = Session::new(processor, clock).opened() else {
        panic!();
    };
    assert!(presets.iter().any(|preset| preset.name == "tiny"));
    assert_eq!(device.kind, DeviceKind::Cpu);
    assert!(!device.software && device.name.starts_with("CPU"));
    assert_eq!(device.why, "You asked for the CPU.");
}

#[test]
fn a_device_has_one_of_three_names() {
    assert_eq!(
        "webgpu".parse::<DeviceChoice>().unwrap(),
        DeviceChoice::Webgpu
    );
    let error = "gpu2".parse::<DeviceChoice>().unwrap_err().to_string();
    assert_eq!(
        error,
        "there is no device `gpu2`; it can be auto, webgpu or cpu"
    );
}

#[cfg(not(feature = "webgpu"))]
#[test]
fn without_gpu_kernels_auto_is_the_cpu() {
    let processor = read_sync(Processor::open(DeviceChoice::Auto)).unwrap();
    assert_eq!(processor.info().kind, DeviceKind::Cpu);
    let error = read_sync(Processor::open(DeviceChoice::Webgpu)).unwrap_err();
    assert!(
        matches!(error, linf_dist_net::train::DeviceError::NotBuilt),
        "{error}"
    );
}
