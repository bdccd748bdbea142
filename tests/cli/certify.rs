//! `linf certify` of many images: files, folders, and what cannot be read among them.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::{linf, printed, refused};

/// 784-12-12-10 with random weights.
const MODEL: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/browser/golden-net.safetensors"
);

/// A grey image of 28×28 pixels, a gradient of such a steepness.
fn png(path: &Path, steepness: usize) {
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), 28, 28);
    encoder.set_color(png::ColorType::Grayscale);
    let pixels: Vec<u8> = (0..784)
        .map(|pixel| (pixel % 28 * steepness) as u8)
        .collect();
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&pixels).unwrap();
}

fn lines(json: &str) -> Vec<Value> {
    json.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The folder `many` with three images and a text, beside the image `one.png`.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let many = folder.path().join("many");
    fs::create_dir(&many).unwrap();
    for (name, steepness) in [("b.png", 3), ("a.PNG", 9), ("c.png", 5)] {
        png(&many.join(name), steepness);
    }
    fs::write(many.join("notes.txt"), "no image").unwrap();
    png(&folder.path().join("one.png"), 7);
    folder
}

#[test]
fn files_and_folders_give_a_json_line_each_with_name_and_verdict() {
    let folder = folder();
    let one = folder.path().join("one.png");
    let many = folder.path().join("many");
    let [one, many] = [&one, &many].map(|path| path.to_str().unwrap());
    let json = printed(&[
        "certify",
        "--model",
        MODEL,
        one,
        many,
        "--epsilon",
        "0.01",
        "--json",
    ]);
    let reports = lines(&json);
    let names: Vec<_> = reports
        .iter()
        .map(|report| report["file"].as_str().unwrap().rsplit('/').next().unwrap())
        .collect();
    assert_eq!(names, ["one.png", "a.PNG", "b.png", "c.png"]);
    for report in &reports {
        // 0.01 is 2.55 levels, in ticks of 1/32 rounded up 2.5625.
        let radius = |name: &str| report[name].as_f64().unwrap();
        assert_eq!(report["epsilon"], "0.01");
        assert_eq!(
            report["certified_ibp"],
            radius("ibp_radius_levels") >= 2.5625
        );
        assert_eq!(
            report["certified_lipschitz"],
            radius("lipschitz_radius_levels") >= 2.5625
        );
        // Each is what the image gives by itself.
        let file = report["file"].as_str().unwrap();
        let alone = printed(&[
            "certify",
            "--model",
            MODEL,
            file,
            "--epsilon",
            "0.01",
            "--json",
        ]);
        assert_eq!(lines(&alone), std::slice::from_ref(report));
    }
    let text = printed(&["certify", "--model", MODEL, many, "--epsilon", "0.01"]);
    assert_eq!(text.lines().count(), 3);
}

#[test]
fn without_an_epsilon_there_is_no_verdict() {
    let folder = folder();
    let one = folder.path().join("one.png");
    let json = printed(&["certify", "--model", MODEL, one.to_str().unwrap(), "--json"]);
    assert_eq!(lines(&json)[0].get("certified_ibp"), None);
}

#[test]
fn an_image_that_cannot_be_read_does_not_keep_the_others_from_it() {
    let folder = folder();
    let many = folder.path().join("many");
    fs::write(many.join("broken.png"), "no image").unwrap();
    let output = linf(&[
        "certify",
        "--model",
        MODEL,
        many.to_str().unwrap(),
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(2));
    let reports = lines(&String::from_utf8(output.stdout).unwrap());
    let failed: Vec<_> = reports
        .iter()
        .map(|report| report.get("error").is_some())
        .collect();
    assert_eq!(failed, [false, false, true, false]);
    let messages = String::from_utf8(output.stderr).unwrap();
    assert!(messages.contains("broken.png"), "{messages}");
}

#[test]
fn a_folder_without_images_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().to_str().unwrap();
    let message = refused(&["certify", "--model", MODEL, path]);
    assert!(
        message.contains(path) && message.contains(".png"),
        "{message}"
    );
}
