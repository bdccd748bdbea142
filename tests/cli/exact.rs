//! `linf eval` and `linf certify`: what they print, what they refuse.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use linf_dist_net::data::sha256_hex;
use linf_dist_net::exact::{Model, Operation, Ticks};
use serde_json::Value;
use tempfile::TempDir;

use crate::{linf, printed, refused};

/// 784-12-12-10 with random weights.
const MODEL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/browser/golden-net.safetensors"
);

/// A temporary file.
fn file(folder: &TempDir, name: &str, contents: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, contents).unwrap();
    path
}

/// An image file with the given size and colour type.
fn png(path: &Path, side: u32, color: png::ColorType, pixels: &[u8]) {
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), side, side);
    encoder.set_color(color);
    encoder
        .write_header()
        .unwrap()
        .write_image_data(pixels)
        .unwrap();
}

/// A column gradient.
fn image() -> Vec<u8> {
    (0..784).map(|pixel| (pixel % 28 * 9) as u8).collect()
}

/// `linf certify` of a column gradient, its report going to `output`.
fn certify_into(output: impl Into<Stdio>) -> Output {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("gradient.png");
    png(&path, 28, png::ColorType::Grayscale, &image());
    let mut command = Command::new(env!("CARGO_BIN_EXE_linf"));
    command.args(["certify", "--model", MODEL, path.to_str().unwrap()]);
    let process = command.stdout(output).stderr(Stdio::piped()).spawn();
    process.unwrap().wait_with_output().unwrap()
}

#[test]
fn a_reader_that_has_left_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = certify_into(writer);
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_told() {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = certify_into(full);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.starts_with("error: cannot print to the standard output: "),
        "{message}"
    );
}

#[test]
fn certify_prints_the_verdict_of_the_image() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("gradient.png");
    png(&path, 28, png::ColorType::Grayscale, &image());
    let path = path.to_str().unwrap();

    let json = printed(&["certify", "--model", MODEL, path, "--json"]);
    let report: Value = serde_json::from_str(&json).unwrap();
    let model = Model::from_bytes(&fs::read(MODEL).unwrap()).unwrap();
    let certificate = model.net.evaluator().certificate(&image()).unwrap();
    let label = certificate.label.unwrap();
    let in_levels = |length: Ticks| length.levels(32).get();
    assert_eq!(report["label"], label);
    assert_eq!(report["margin_levels"], in_levels(certificate.margin));
    let radius = in_levels(certificate.lipschitz_radius.unwrap());
    assert_eq!(report["lipschitz_radius_levels"], radius);
    let radius = in_levels(certificate.ibp_radius.unwrap());
    assert_eq!(report["ibp_radius_levels"], radius);
    let logits = report["logits"].as_array().unwrap();
    assert_eq!(logits.len(), 10);
    for (logit, (&ticks, critical)) in logits
        .iter()
        .zip(certificate.logits.iter().zip(&certificate.critical_pixels))
    {
        assert_eq!(logit["logit_levels"], f64::from(ticks) / 32.0);
        let place = &logit["critical_pixels"].as_array().unwrap()[..];
        let [place] = place else {
            panic!("one member, not {place:?}")
        };
        let pixel = place["row"].as_u64().unwrap() * 28 + place["column"].as_u64().unwrap();
        assert_eq!(pixel, critical.pixel as u64);
        assert_eq!(place["sign"], critical.sign);
    }

    let text = printed(&["certify", "--model", MODEL, path]);
    assert!(text.starts_with(&format!("label  {label}\n")), "{text}");
    assert!(
        text.contains(&format!("IBP radius        {radius} of 255 levels")),
        "{text}"
    );
}

#[test]
fn images_of_another_size_are_refused_with_advice() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("image.png");
    png(&path, 32, png::ColorType::Grayscale, &[0; 32 * 32]);
    let message = refused(&["certify", "--model", MODEL, path.to_str().unwrap()]);
    assert!(
        message.contains("32x32, but the net takes 28x28"),
        "{message}"
    );
    assert!(message.contains("magick"), "{message}");
}

#[test]
fn images_of_every_kind_are_read_as_what_they_show() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("image.png");
    let certified = |color, pixels: &[u8], more: &[&str]| -> Value {
        png(&path, 28, color, pixels);
        let fixed = [
            "certify",
            "--model",
            MODEL,
            path.to_str().unwrap(),
            "--json",
        ];
        serde_json::from_str(&printed(&[&fixed[..], more].concat())).unwrap()
    };
    let grey = image();
    let expected = certified(png::ColorType::Grayscale, &grey, &[]);
    let with = |alpha: u8| -> Vec<u8> { grey.iter().flat_map(|&level| [level, alpha]).collect() };
    let colours: Vec<u8> = grey.iter().flat_map(|&level| [level; 3]).collect();
    assert_eq!(
        certified(png::ColorType::GrayscaleAlpha, &with(255), &[]),
        expected
    );
    assert_eq!(certified(png::ColorType::Rgb, &colours, &[]), expected);
    let negative: Vec<u8> = grey.iter().map(|level| 255 - level).collect();
    assert_eq!(
        certified(png::ColorType::Grayscale, &negative, &["--invert"]),
        expected
    );

    // What is transparent is background, whatever lies under it.
    let black = certified(png::ColorType::Grayscale, &[0; 784], &[]);
    assert_ne!(black, expected);
    assert_eq!(
        certified(png::ColorType::GrayscaleAlpha, &with(0), &[]),
        black
    );
    assert_eq!(
        certified(png::ColorType::GrayscaleAlpha, &with(0), &["--invert"]),
        black
    );
}

#[test]
fn dark_ink_on_white_is_pointed_out() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("image.png");
    let warned = |pixels: &[u8], more: &[&str]| {
        png(&path, 28, png::ColorType::Grayscale, pixels);
        let fixed = ["certify", "--model", MODEL, path.to_str().unwrap()];
        let output = linf(&[&fixed[..], more].concat());
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(warned(&[255; 784], &[]).contains("--invert"));
    assert_eq!(warned(&[255; 784], &["--invert"]), "");
    assert_eq!(warned(&[0; 784], &[]), "");
}

#[test]
fn files_that_are_no_image_are_refused() {
    let folder = TempDir::new().unwrap();
    let whole = folder.path().join("whole.png");
    png(&whole, 28, png::ColorType::Grayscale, &image());
    let bytes = fs::read(&whole).unwrap();
    let mut damaged = bytes.clone();
    // In the checksum of the pixels, before the 12 bytes of the end.
    let at = bytes.len() - 13;
    damaged[at] ^= 1;
    for (name, contents) in [
        ("text.png", &b"no image"[..]),
        ("cut.png", &bytes[..60]),
        ("damaged.png", &damaged),
    ] {
        let path = file(&folder, name, contents);
        let message = refused(&["certify", "--model", MODEL, path.to_str().unwrap()]);
        assert!(
            message.contains(name) && message.contains("not a complete PNG"),
            "{message}"
        );
    }
    let message = refused(&["certify", "--model", MODEL, "nowhere.png"]);
    assert!(message.contains("cannot read nowhere.png"), "{message}");
}

#[test]
fn files_that_are_no_model_are_refused_by_every_command() {
    let folder = TempDir::new().unwrap();
    let bytes = fs::read(MODEL).unwrap();
    let cut = file(&folder, "cut.safetensors", &bytes[..bytes.len() / 2]);
    let text = file(&folder, "text.safetensors", b"no model");
    let other = file(&folder, "other.safetensors", b"\x02\0\0\0\0\0\0\0{}");
    for (path, reason) in [
        (cut.to_str().unwrap(), "truncated"),
        (text.to_str().unwrap(), "of another kind"),
        (other.to_str().unwrap(), "`format` is \"\""),
        ("nowhere.safetensors", "cannot read nowhere.safetensors"),
    ] {
        let eval = [
            "eval",
            "--model",
            path,
            "--dataset",
            "mnist",
            "--epsilon",
            "0.3",
        ];
        for arguments in [&["certify", "--model", path, "image.png"][..], &eval] {
            let message = refused(arguments);
            assert!(
                message.contains(reason) && message.contains(path),
                "{message}"
            );
        }
    }
}

#[test]
fn missing_and_foreign_data_are_refused() {
    let folder = TempDir::new().unwrap();
    let data_dir = folder.path().to_str().unwrap();
    let eval = |data_dir| {
        let member = [
            "eval",
            "--model",
            MODEL,
            "--dataset",
            "mnist",
            "--epsilon",
            "0.3",
            "--other-dataset",
        ];
        refused(&[&member[..], &["--data-dir", data_dir, "--json"]].concat())
    };
    let message = eval(data_dir);
    assert!(
        message.contains("mnist") && message.contains("does not exist"),
        "{message}"
    );
    fs::create_dir(folder.path().join("mnist")).unwrap();
    fs::write(
        folder.path().join("mnist/t10k-labels-idx1-ubyte"),
        b"labels",
    )
    .unwrap();
    let message = eval(data_dir);
    assert!(message.contains("t10k-labels-idx1-ubyte"), "{message}");
    assert!(message.contains("SHA-256"), "{message}");
}

#[test]
fn an_epsilon_that_is_no_decimal_is_refused_with_advice() {
    let output = linf(&[
        "eval",
        "--model",
        MODEL,
        "--dataset",
        "mnist",
        "--epsilon",
        "76.5",
    ]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains("write 0.3 for 76.5 of 255 levels"),
        "{message}"
    );
}

#[test]
fn an_ensemble_is_written_with_the_record_of_its_members() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ensemble.safetensors");
    let path = path.to_str().unwrap();
    printed(&["ensemble", MODEL, MODEL, path]);
    let one = Model::from_bytes(&fs::read(MODEL).unwrap()).unwrap();
    let two = Model::from_bytes(&fs::read(path).unwrap()).unwrap();
    assert_eq!(two.net.architecture(), [784, 24, 24, 20]);
    assert_eq!(two.metadata.epsilon, one.metadata.epsilon);
    let lineage = &two.metadata.lineage;
    assert_eq!(*lineage.operation(), Operation::Ensemble);
    for parent in lineage.parents() {
        assert_eq!(parent.lineage, one.metadata.lineage);
        assert_eq!(parent.sha256, Some(sha256_hex(&fs::read(MODEL).unwrap())));
    }
    assert_eq!(lineage.parents().len(), 2);

    // With itself a net has the same average, and the same is proved of it.
    let image = folder.path().join("gradient.png");
    png(&image, 28, png::ColorType::Grayscale, &self::image());
    let report = |model: &str| -> Value {
        let json = printed(&[
            "certify",
            "--model",
            model,
            image.to_str().unwrap(),
            "--json",
        ]);
        serde_json::from_str(&json).unwrap()
    };
    let (mut of_one, of_two) = (report(MODEL), report(path));
    for logit in of_one["logits"].as_array_mut().unwrap() {
        let critical_pixels = logit["critical_pixels"].as_array_mut().unwrap();
        critical_pixels.push(critical_pixels[0].clone());
    }
    of_one["model_sha256"] = of_two["model_sha256"].clone();
    assert_eq!(of_one, of_two);

    let message = refused(&["ensemble", MODEL, MODEL, path]);
    assert!(message.contains("exists already"), "{message}");
    let mut other = one;
    other.metadata.epsilon = "0.2".parse().unwrap();
    let other = file(&folder, "other.safetensors", &other.to_bytes());
    let message = refused(&["ensemble", "--force", MODEL, other.to_str().unwrap(), path]);
    assert!(message.contains("same data set and ε"), "{message}");
}
