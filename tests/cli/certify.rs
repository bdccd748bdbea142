//! `linf certify` of many images: files, folders, and what cannot be read among them.

use std::fs;
use std::path::Path;
use std::process::Command;

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
fn what_branch_and_bound_proves_in_a_certificate_is_the_verdict_too() {
    let folder = TempDir::new().unwrap();
    let image = folder.path().join("one.png");
    png(&image, 1);
    let certificate = folder.path().join("one.json");
    let [image, certificate] = [&image, &certificate].map(|path| path.to_str().unwrap());
    // IBP proves 33.46875 levels of it, which is a little less.
    let at = [
        "certify",
        "--model",
        MODEL,
        image,
        "--epsilon",
        "0.13137",
        "--json",
    ];
    let without = &lines(&printed(&at))[0];
    assert_eq!(without["certified_ibp"], false);
    assert_eq!(without.get("certified_branch_and_bound"), None);
    let splits = ["--out", certificate, "--splits", "500"];
    let with = &lines(&printed(&[&at[..], &splits].concat()))[0];
    assert_eq!(with["certified_ibp"], false);
    assert_eq!(with["certified_branch_and_bound"], true);
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

/// Runs `tools/check.py`, an implementation of its own, on a certificate.
fn checked_in_python(certificate: &Path) -> Option<(bool, Value)> {
    let root = env!("CARGO_MANIFEST_DIR");
    // `npm test` names a Python that has NumPy; without one there is nothing to compare with.
    let named = std::env::var("LINF_PYTHON");
    let python = named.clone().unwrap_or("python3".into());
    let has_numpy = Command::new(&python).args(["-c", "import numpy"]).output();
    if !has_numpy.is_ok_and(|output| output.status.success()) {
        assert!(named.is_err(), "{python} has no NumPy");
        return None;
    }
    let output = Command::new(python)
        .arg(format!("{root}/tools/check.py"))
        .args([certificate.to_str().unwrap(), MODEL])
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    let report = serde_json::from_slice(&output.stdout);
    let report: Value = report.unwrap_or_else(|_| panic!("{errors}"));
    assert_eq!(
        report["verified"] == true,
        output.status.success(),
        "{errors}"
    );
    Some((output.status.success(), report))
}

/// Runs `linf check`.
fn checked(certificate: &Path) -> (bool, Value) {
    let certificate = certificate.to_str().unwrap();
    let output = linf(&["check", certificate, "--model", MODEL, "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let code = if report["verified"] == true { 0 } else { 1 };
    assert_eq!(output.status.code(), Some(code));
    (code == 0, report)
}

#[test]
fn a_certificate_that_is_written_is_verified_by_both_checkers_and_a_changed_one_refuted() {
    let folder = folder();
    let one = folder.path().join("one.png");
    let file = folder.path().join("certificate.json");
    let [one, out] = [&one, &file].map(|path| path.to_str().unwrap());
    let certify = ["certify", "--model", MODEL, one, "--out", out];
    let json = printed(&[&certify[..], &["--json"]].concat());
    let report = &lines(&json)[0];
    let written = fs::read_to_string(&file).unwrap();
    let certificate: Value = serde_json::from_str(&written).unwrap();
    let scale = certificate["scale"].as_f64().unwrap();
    let radius = certificate["radius_ticks"].as_f64().unwrap() / scale;
    assert_eq!(report["ibp_radius_levels"], radius);
    assert_eq!(report["label"], certificate["label"]);
    assert_eq!(report["model_sha256"], certificate["model_sha256"]);

    let (verified, found) = checked(&file);
    assert!(verified, "{found}");
    for member in ["label", "label_name", "radius_ticks", "scale", "method"] {
        assert_eq!(found[member], certificate[member]);
    }
    let refused = refused(&certify);
    assert!(refused.contains(out), "{refused}");
    printed(&[&certify[..], &["--force"]].concat());

    let logits = certificate["logits_ticks"][3].to_string();
    let changed = folder.path().join("changed.json");
    fs::write(&changed, written.replacen(&logits, "-1", 1)).unwrap();
    let (verified, found) = checked(&changed);
    assert!(!verified && found["member"] == "sha256", "{found}");
    let broken = folder.path().join("broken.json");
    fs::write(&broken, "no certificate").unwrap();
    let (verified, found) = checked(&broken);
    assert!(!verified && found["member"].is_null(), "{found}");

    for (path, expected) in [(&file, true), (&changed, false), (&broken, false)] {
        if let Some((verified, found)) = checked_in_python(path) {
            assert_eq!(verified, expected, "{found}");
        }
    }
}

#[test]
fn certificates_of_several_images_lie_in_a_folder() {
    let folder = folder();
    let [many, out] = ["many", "out"].map(|name| folder.path().join(name));
    let [many, out] = [&many, &out].map(|path| path.to_str().unwrap());
    let certify = ["certify", "--model", MODEL, many, "--out", out];
    printed(&certify);
    for name in ["a", "b", "c"] {
        let path = Path::new(out).join(name).with_extension("json");
        assert!(checked(&path).0);
    }
    // Another image of the same name.
    let twin = folder.path().join("a.png");
    png(&twin, 2);
    let twin = twin.to_str().unwrap();
    let message = refused(&[&certify[..], &["--force", twin]].concat());
    assert!(message.contains("a.json"), "{message}");
}

#[test]
fn nothing_is_written_of_a_label_that_is_not_proved_at_epsilon() {
    let folder = folder();
    let [one, file] = ["one.png", "certificate.json"].map(|name| folder.path().join(name));
    let [one, out] = [&one, &file].map(|path| path.to_str().unwrap());
    let certify = ["certify", "--model", MODEL, one, "--out", out, "--epsilon"];
    let message = refused(&[&certify[..], &["1"]].concat());
    assert!(message.contains(one), "{message}");
    assert!(!file.exists());
    printed(&[&certify[..], &["0"]].concat());
    let (verified, found) = checked(&file);
    assert!(verified, "{found}");
    assert_eq!(found["radius_ticks"], 0);
    assert_eq!(found["method"], "lipschitz");
}
