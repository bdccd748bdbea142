//! `linf train` and `linf export`: from MNIST to a model, with interruptions. Tests
//! that need `data/mnist`, which `scripts/data.sh` fetches, are ignored unless asked for.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};
use std::{env, fs};

use burn::tensor::{Device, read_sync};
use linf_dist_net::data::{Split, datasets};
use linf_dist_net::exact::{Arguments, Lineage, Model, Operation};
use linf_dist_net::train::{TrainConfig, Trainer};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{printed, refused};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");

fn train<'a>(out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = [
        "train",
        "--dataset",
        "mnist",
        "--data-dir",
        DATA,
        "--preset",
        "tiny",
        "--out",
        out,
    ];
    fixed.into_iter().chain(more.iter().copied()).collect()
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_string()
}

#[test]
#[ignore = "needs the data sets"]
fn a_run_is_interrupted_resumed_exported_and_measured() {
    let folder = TempDir::new().unwrap();
    let (out, model) = (path(&folder, "run"), path(&folder, "model.safetensors"));
    let checkpoint = path(&folder, "run/checkpoint.safetensors");
    let log = path(&folder, "run/log.csv");

    let told = interrupted(&train(&out, &["--seed", "3"]), &log, "-INT");
    assert!(told.contains("--resume goes on"), "{told}");
    let message = refused(&train(&out, &["--seed", "3"]));
    assert!(message.contains("add --resume"), "{message}");
    let message = refused(&train(&out, &["--seed", "4", "--resume"]));
    assert!(
        message.contains("whose seed is 3 where 4 is asked for"),
        "{message}"
    );
    // As a run leaves it that was killed long after its last checkpoint.
    let later = fs::read_to_string(&log).unwrap() + "3,99999,8,,,,,,,,\n";
    fs::write(&log, later).unwrap();
    let told = printed(&train(&out, &["--seed", "3", "--resume"]));
    assert!(told.contains("finished"), "{told}");
    let epochs = |log: &str| -> Vec<String> {
        let log = fs::read_to_string(log).unwrap();
        let lines = log.lines().skip(1);
        let first = lines.map(|line| line.split(',').next().unwrap().into());
        first.collect()
    };
    assert_eq!(epochs(&log), ["1", "2", "3"]);

    let rarely = path(&folder, "rarely");
    printed(&train(&rarely, &["--every", "2"]));
    let log = path(&folder, "rarely/log.csv");
    assert_eq!(epochs(&log), ["1", "2", "3"]);
    let log = fs::read_to_string(log).unwrap();
    let unmeasured: Vec<_> = log.lines().map(|line| line.ends_with(",,,,")).collect();
    assert_eq!(unmeasured, [false, true, false, false], "{log}");

    let told = printed(&[
        "export",
        &checkpoint,
        &model,
        "--data-dir",
        DATA,
        "--measure",
    ]);
    assert!(told.contains("weights are kept"), "{told}");
    let message = refused(&["export", &checkpoint, &model, "--data-dir", DATA]);
    assert!(message.contains("--force"), "{message}");

    let report = printed(&[
        "eval",
        "--model",
        &model,
        "--dataset",
        "mnist",
        "--data-dir",
        DATA,
        "--epsilon",
        "0.1",
        "--json",
    ]);
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["images"], 10_000);
    assert!(report["clean"].as_f64().unwrap() > 0.6, "{report}");
}

#[test]
#[ignore = "needs the data sets"]
fn a_run_of_the_page_goes_on_without_a_preset() {
    let config = TrainConfig {
        images: 640,
        hidden: vec![16],
        ..TrainConfig::preset("tiny").unwrap()
    };
    let mnist = datasets::find("mnist").unwrap();
    let data = datasets::load(&mnist, &Path::new(DATA).join("mnist"), Split::Train).unwrap();
    let mut trainer = Trainer::new(config, data, Device::flex()).unwrap();
    trainer.step().unwrap();
    // As a visitor who turned a hyperparameter and saved.
    trainer.change(0.01, 0.4, "0.2".parse().unwrap()).unwrap();
    let folder = TempDir::new().unwrap();
    let checkpoint = path(&folder, "checkpoint.safetensors");
    fs::write(
        &checkpoint,
        read_sync(trainer.checkpoint()).unwrap().to_bytes(),
    )
    .unwrap();

    let out = path(&folder, "");
    let dataset = ["train", "--data-dir", DATA, "--out", &out, "--dataset"];
    let message = refused(&[&dataset[..], &["fashion-mnist", "--resume"]].concat());
    assert!(message.contains("whose dataset is \"mnist\""), "{message}");
    let told = printed(&[&dataset[..], &["mnist", "--resume"]].concat());
    assert!(told.contains("30 of 30 iterations, finished"), "{told}");
    let model = path(&folder, "model.safetensors");
    let told = printed(&["export", &checkpoint, &model, "--data-dir", DATA]);
    assert!(told.contains("weights are kept"), "{told}");
}

#[test]
#[ignore = "needs the data sets"]
fn the_command_that_a_model_records_makes_it_again() {
    let folder = TempDir::new().unwrap();
    let (out, model) = (path(&folder, "run"), path(&folder, "model.safetensors"));
    let hyperparameters = [
        "hidden=[16,12]",
        "images=640",
        "held_out=1000",
        "epsilon=0.2",
        r#"loss={"hinge":{"mix":0.5,"weight_decay":0.01}}"#,
    ];
    let mut more = vec!["--seed", "5"];
    more.extend(
        hyperparameters
            .iter()
            .flat_map(|hyperparameter| ["--set", hyperparameter]),
    );
    printed(&train(&out, &more));
    let checkpoint = path(&folder, "run/checkpoint.safetensors");
    let export = ["export", &checkpoint, &model, "--data-dir", DATA];
    printed(&export);
    let read = || fs::read(&model).unwrap();
    let anywhere = Model::from_bytes(&read()).unwrap().net;
    let prune = [
        "prune",
        "--data-dir",
        DATA,
        "--radius",
        "0.05",
        "--min-support",
        "2",
    ];
    let message = refused(&[&prune[..], &[&model, &model]].concat());
    assert!(message.contains("add --force"), "{message}");
    printed(&[&prune[..], &["--force", &model, &model]].concat());
    let bytes = read();
    let near = Model::from_bytes(&bytes).unwrap();
    assert!(near.net.share_kept() < anywhere.share_kept());
    run_again(&model);
}

/// Runs the commands of a model's lineage, and compares what they make.
fn run_again(model: &str) {
    let folder = TempDir::new().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join(DATA);
    std::os::unix::fs::symlink(data, folder.path().join("data")).unwrap();
    let commands = printed(&["lineage", model]);
    let programs = Path::new(env!("CARGO_BIN_EXE_linf")).parent().unwrap();
    let programs = format!("{}:{}", programs.display(), env::var("PATH").unwrap());
    let done = Command::new("sh")
        .args(["-ec", &commands])
        .current_dir(folder.path())
        .env("PATH", programs)
        .output()
        .unwrap();
    assert!(done.status.success(), "{commands}: {done:?}");
    let again = fs::read(folder.path().join("model.safetensors")).unwrap();
    assert!(again == fs::read(model).unwrap(), "{commands}");
}

/// The training runs that a model's lineage names.
fn runs(model: &str) -> usize {
    fn count(lineage: &Lineage) -> usize {
        let own = usize::from(*lineage.operation() == Operation::Train);
        let parents = lineage.parents().iter();
        own + parents.map(|parent| count(&parent.lineage)).sum::<usize>()
    }
    let model = Model::from_bytes(&fs::read(model).unwrap()).unwrap();
    count(&model.metadata.lineage)
}

/// A run that is over soon.
const SMALL: [&str; 4] = ["--set", "hidden=[16,12]", "--set", "images=640"];

/// Trains with these options, and gives the model file of what comes out.
fn trained(folder: &TempDir, name: &str, options: &[&str]) -> String {
    let run = path(folder, name);
    printed(&train(&run, options));
    let checkpoint = format!("{run}/checkpoint.safetensors");
    let model = format!("{run}.safetensors");
    printed(&["export", &checkpoint, &model, "--data-dir", DATA]);
    model
}

const EVAL_HELD_OUT: [&str; 8] = [
    "eval",
    "--dataset",
    "mnist",
    "--data-dir",
    DATA,
    "--epsilon",
    "0.3",
    "--held-out",
];

#[test]
#[ignore = "needs the data sets"]
fn an_ensemble_is_measured_on_what_was_held_out_and_is_not_trained_on() {
    let folder = TempDir::new().unwrap();
    let model = trained(&folder, "model", &SMALL);

    let two = path(&folder, "two.safetensors");
    printed(&["ensemble", &model, &model, &two]);
    let held_out = |model: &str| -> Value {
        let json = printed(&[&EVAL_HELD_OUT[..], &["--json", "--model", model]].concat());
        serde_json::from_str(&json).unwrap()
    };
    let (mut of_one, of_two) = (held_out(&model), held_out(&two));
    assert_eq!(
        (&of_one["held_out"], &of_one["images"]),
        (&json!(true), &json!(5_000))
    );
    of_one["model_sha256"] = of_two["model_sha256"].clone();
    assert_eq!(of_one, of_two);
    let members = refused(
        &[
            &train(&path(&folder, "two"), &[]),
            &["--finetune", &two][..],
        ]
        .concat(),
    );
    assert!(members.contains("a net of 2 members"), "{members}");

    run_again(&two);
    let message = refused(&["prune", "--force", "--radius", "0", &two, &two]);
    assert!(message.contains("is an ensemble"), "{message}");

    // A member is again one net, with the record of its own run, and can be trained on.
    let member = path(&folder, "member.safetensors");
    printed(&["member", &two, "2", &member]);
    let (of_head, of_model) = (held_out(&member), held_out(&model));
    assert_eq!(of_head["certified_ibp"], of_model["certified_ibp"]);
    run_again(&member);
    trained(
        &folder,
        "on",
        &["--finetune", &member, "--set", "images=640"],
    );
    let message = refused(&["member", &two, "3", &path(&folder, "third.safetensors")]);
    assert!(
        message.contains("has no member 3; members are numbered from 1, and it has 2"),
        "{message}"
    );

    // Of two that held out different images only what both held out is left.
    let fewer = [&SMALL[..], &["--set", "held_out=300"]].concat();
    let few = trained(&folder, "few", &fewer);
    printed(&["ensemble", "--force", &model, &few, &two]);
    assert_eq!(held_out(&two)["images"], 300);
    // Of a member what its own run held out.
    for (number, images) in [("1", 5_000), ("2", 300)] {
        printed(&["member", "--force", &two, number, &member]);
        assert_eq!(held_out(&member)["images"], images);
    }
    assert_eq!((runs(&two), runs(&member)), (2, 1));
    // Members are counted through ensembles of ensembles.
    let three = path(&folder, "three.safetensors");
    printed(&["ensemble", &two, &model, &three]);
    printed(&["member", "--force", &three, "3", &member]);
    assert_eq!((runs(&three), runs(&member)), (3, 1));
    assert_eq!(held_out(&member)["images"], 5_000);
    let finetuned = trained(
        &folder,
        "finetuned",
        &["--finetune", &few, "--set", "images=640"],
    );
    assert_eq!(held_out(&finetuned)["images"], 300);

    // Of one that does not say how it was made, and of what was made of it, nothing is known.
    let mut unsaid = Model::from_bytes(&fs::read(&model).unwrap()).unwrap();
    let found = Operation::Other("found".into());
    unsaid.metadata.lineage = Lineage::new(found, Arguments::new(), None, vec![]).unwrap();
    let other = path(&folder, "other.safetensors");
    fs::write(&other, unsaid.to_bytes()).unwrap();
    refused(&[&EVAL_HELD_OUT[..], &["--model", &other]].concat());
    let finetuned = trained(
        &folder,
        "finetuned-other",
        &["--finetune", &other, "--set", "images=640"],
    );
    refused(&[&EVAL_HELD_OUT[..], &["--model", &finetuned]].concat());

    let all = path(&folder, "all.safetensors");
    let mut seen = Model::from_bytes(&fs::read(&model).unwrap()).unwrap();
    let lineage = seen.metadata.lineage.to_json();
    let lineage = lineage.replace(r#""held_out":5000"#, r#""held_out":0"#);
    seen.metadata.lineage = Lineage::from_json(&lineage).unwrap();
    fs::write(&all, seen.to_bytes()).unwrap();
    let message = refused(&[&EVAL_HELD_OUT[..], &["--model", &all]].concat());
    assert!(message.contains("none of them were held out"), "{message}");
}

#[test]
#[ignore = "needs the data sets"]
fn the_weights_of_a_model_are_trained_on_and_it_says_how_that_was() {
    let folder = TempDir::new().unwrap();
    let model = trained(&folder, "model", &SMALL);
    let first = Model::from_bytes(&fs::read(&model).unwrap()).unwrap();

    let finetune = [
        "--finetune",
        &model,
        "--set",
        "p_start=30",
        "--set",
        "images=640",
    ];
    let out = path(&folder, "run/finetuned");
    let message = refused(&train(
        &out,
        &[&finetune[..], &["--set", "hidden=[9]"]].concat(),
    ));
    assert!(message.contains("`hidden`"), "{message}");
    let other = [
        "train",
        "--dataset",
        "fashion-mnist",
        "--preset",
        "tiny",
        "--out",
        &out,
    ];
    let message = refused(&[&other[..], &["--data-dir", DATA, "--finetune", &model]].concat());
    assert!(
        message.contains("was trained on mnist, not on fashion-mnist"),
        "{message}"
    );
    let finetuned = path(&folder, "finetuned.safetensors");
    let checkpoint = path(&folder, "run/finetuned/checkpoint.safetensors");
    let log = path(&folder, "run/finetuned/log.csv");
    fs::create_dir_all(&out).unwrap();
    fs::write(&log, "of a run that left no checkpoint").unwrap();
    let message = refused(&train(&out, &finetune));
    assert!(message.contains("log.csv is the log of a run"), "{message}");
    fs::remove_file(&log).unwrap();
    printed(&train(&out, &finetune));
    // The command that began it goes on with it, here to its end.
    let told = printed(&train(&out, &[&finetune[..], &["--resume"]].concat()));
    assert!(told.contains("finished"), "{told}");
    printed(&["export", &checkpoint, &finetuned, "--data-dir", DATA]);
    let bytes = fs::read(&finetuned).unwrap();
    let second = Model::from_bytes(&bytes).unwrap();
    assert!(second.net.share_kept() <= first.net.share_kept());
    assert_ne!(second.net.to_sparse(), first.net.to_sparse());
    run_again(&finetuned);
}

/// Starts a command, sends it a signal once `log` is there, and returns what it printed.
fn interrupted(arguments: &[&str], log: &str, signal: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_linf"))
        .args(arguments)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !Path::new(log).exists() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "the run ended before it was interrupted"
        );
        assert!(
            begun.elapsed() < Duration::from_secs(300),
            "no epoch after five minutes"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    send(&child, signal);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    String::from_utf8(output.stdout).unwrap()
}

fn send(child: &Child, signal: &str) {
    let status = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn what_cannot_begin_is_refused_in_one_sentence() {
    let folder = TempDir::new().unwrap();
    let out = path(&folder, "run");
    let message = refused(&[
        "train",
        "--dataset",
        "mnist",
        "--data-dir",
        DATA,
        "--preset",
        "huge",
        "--out",
        &out,
    ]);
    assert!(
        message.contains(
            "the presets are tiny, look, quick, standard, standard-0.1, hinge, look-fashion, fashion, finetune, finetune-0.1, finetune-fashion"
        ),
        "{message}"
    );
    let message = refused(&train(&out, &["--resume"]));
    assert!(message.contains("cannot read"), "{message}");
    let message = refused(&train(&out, &["--set", "width=64"]));
    assert!(
        message.contains("there is no hyperparameter `width`"),
        "{message}"
    );
    let message = refused(&train(&out, &["--set", "batch=1"]));
    assert!(message.contains("batch must be from 2"), "{message}");
    let message = refused(&[
        "train",
        "--dataset",
        "mnist",
        "--data-dir",
        &out,
        "--preset",
        "tiny",
        "--out",
        &out,
    ]);
    assert!(message.contains("mnist"), "{message}");
    assert!(!Path::new(&out).join("checkpoint.safetensors").exists());
}

#[test]
fn a_file_that_is_no_checkpoint_is_refused_and_nothing_is_written() {
    let folder = TempDir::new().unwrap();
    let (checkpoint, model) = (
        path(&folder, "checkpoint.safetensors"),
        path(&folder, "model.safetensors"),
    );
    fs::write(&checkpoint, b"this is a text").unwrap();
    let message = refused(&["export", &checkpoint, &model, "--data-dir", DATA]);
    assert!(
        message.contains("not a complete checkpoint file"),
        "{message}"
    );
    assert!(!Path::new(&model).exists());
}

#[test]
#[ignore = "needs the data sets"]
fn a_run_that_the_system_or_a_closed_terminal_ends_is_saved_and_goes_on() {
    for signal in ["-TERM", "-HUP"] {
        let folder = TempDir::new().unwrap();
        let (out, log) = (path(&folder, "run"), path(&folder, "run/log.csv"));
        // No epoch of its three is measured and saved but the last.
        let told = interrupted(&train(&out, &["--every", "3"]), &log, signal);
        assert!(told.contains("--resume goes on"), "{signal}: {told}");
        let told = printed(&train(&out, &["--resume", "--every", "3"]));
        assert!(told.contains("finished"), "{signal}: {told}");
    }
}

#[test]
#[ignore = "needs the data sets"]
fn a_run_that_is_killed_before_its_first_epoch_goes_on() {
    let folder = TempDir::new().unwrap();
    let (out, checkpoint) = (
        path(&folder, "run"),
        path(&folder, "run/checkpoint.safetensors"),
    );
    let arguments = train(&out, &[]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_linf"))
        .args(&arguments)
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !Path::new(&checkpoint).exists() {
        assert!(
            begun.elapsed() < Duration::from_secs(300),
            "nothing was saved"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let message = refused(&arguments);
    assert!(message.contains("another linf"), "{message}");
    child.kill().unwrap();
    child.wait().unwrap();
    let told = printed(&train(&out, &["--resume"]));
    assert!(told.contains("finished"), "{told}");
}

#[test]
#[cfg(target_os = "linux")]
#[ignore = "needs the data sets"]
fn a_full_disk_behind_the_output_ends_no_run() {
    let full = || fs::File::options().write(true).open("/dev/full").unwrap();
    let folder = TempDir::new().unwrap();
    let out = path(&folder, "run");
    let status = Command::new(env!("CARGO_BIN_EXE_linf"))
        .args(train(&out, &[]))
        .stdout(full())
        .stderr(full())
        .status()
        .unwrap();
    // What could not be printed is told by the exit code, after the work.
    assert_eq!(status.code(), Some(2));
    let (checkpoint, model) = (
        path(&folder, "run/checkpoint.safetensors"),
        path(&folder, "model.safetensors"),
    );
    let status = Command::new(env!("CARGO_BIN_EXE_linf"))
        .args(["export", &checkpoint, &model, "--data-dir", DATA])
        .stdout(full())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(2));
    assert!(Model::from_bytes(&fs::read(model).unwrap()).is_ok());
}

#[test]
#[ignore = "needs the data sets"]
fn a_place_that_cannot_be_written_is_refused_before_the_work() {
    let folder = TempDir::new().unwrap();
    let (out, model) = (path(&folder, "run"), path(&folder, "model.safetensors"));
    printed(&train(&out, &[]));
    let checkpoint = path(&folder, "run/checkpoint.safetensors");
    printed(&["export", &checkpoint, &model, "--data-dir", DATA]);

    let missing = path(&folder, "missing/model.safetensors");
    for arguments in [
        &["export", &checkpoint, &missing][..],
        &["prune", &model, &missing, "--radius", "0"],
        &["ensemble", &model, &model, &missing],
    ] {
        // The data are not looked for, either.
        let arguments = [arguments, &["--data-dir", "nowhere"]].concat();
        let message = refused(&arguments);
        assert!(message.contains("cannot write"), "{message}");
    }
    // Under a file there can be no folder.
    let under_a_file = path(&folder, "model.safetensors/run");
    let message = refused(&train(&under_a_file, &[]));
    assert!(message.contains("cannot write"), "{message}");
    let under_a_file = path(&folder, "model.safetensors/baseline");
    let baseline = [
        "baseline",
        "train",
        "--dataset",
        "mnist",
        "--data-dir",
        "nowhere",
    ];
    let message = refused(&[&baseline[..], &["--recipe", "ibp", &under_a_file]].concat());
    assert!(message.contains("cannot write"), "{message}");
}
