//! The attacks of the exact network and their JavaScript API. That every query has the bits that
//! native code recorded is among the golden outcomes, which `certify` compares.

use std::num::NonZeroU64;

use js_sys::{Float32Array, Reflect, Uint8Array};
use linf_dist_net::attack::{Attack, RobustnessEvaluation};
use linf_dist_net::exact::{DenseNet, Model, Ticks};
use linf_dist_net::web::attacker::Attacker;
use serde_json::{Value, json};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::certify::{MODEL, cases, from_js, message};

fn attacker() -> Attacker {
    Attacker::new(MODEL).map_err(JsValue::from).unwrap()
}

fn settings(attack: &str, epsilon_levels: f64, grid: &str) -> JsValue {
    let settings = json!({
        "attack": attack,
        "epsilonLevels": epsilon_levels,
        "grid": grid,
        "seed": 7,
    });
    js_sys::JSON::parse(&settings.to_string()).unwrap()
}

fn start(attacker: &mut Attacker, image: &[u8], settings: JsValue) {
    let started = attacker.start(image, settings);
    started.map_err(JsValue::from).unwrap();
}

#[wasm_bindgen_test]
fn ten_thousand_attacked_images_have_the_logits_of_the_plain_reference() {
    let net = Model::from_bytes(MODEL).unwrap().net;
    let reference = DenseNet::from_exact(&net);
    let evaluation = RobustnessEvaluation {
        attack: Attack::all(),
        epsilon: Ticks::new(2448),
        seed: 1,
        queries: 2000,
        sample_every: NonZeroU64::new(1),
    };
    let mut compared = 0;
    for (index, image) in cases::images().iter().enumerate() {
        let outcome = evaluation.attack_image(&net, Some(&reference), index as u64, image, 0);
        let outcome = outcome.unwrap();
        assert_eq!(outcome.differences, 0);
        assert_eq!(outcome.violations, []);
        compared += outcome.compared;
    }
    assert!(compared >= 10_000, "{compared} compared");
}

#[wasm_bindgen_test]
fn progress_tells_javascript_what_was_tried_and_found() {
    let image = &cases::images()[0];
    let mut attacker = attacker();
    start(&mut attacker, image, settings("square", 200.5, "levels"));
    let progress = attacker.advance(600).map_err(JsValue::from).unwrap();
    let best = Reflect::get(&progress, &"best".into()).unwrap();
    let field = |name: &str| Reflect::get(&best, &name.into()).unwrap();
    assert!(field("levels").is_instance_of::<Float32Array>());
    let levels = Float32Array::from(field("levels")).to_vec();
    let bytes = Uint8Array::from(field("image")).to_vec();
    assert!(levels.iter().zip(&bytes).all(|(&x, &y)| x == f32::from(y)));
    let largest = image.iter().zip(&bytes).map(|(a, b)| a.abs_diff(*b)).max();

    let progress = from_js(Ok(progress));
    assert_eq!(progress["attack"], "square");
    assert_eq!(progress["queries"], 600);
    assert_eq!(progress["done"], false);
    assert_eq!(progress["radiusLevels"], 200);
    assert_eq!(progress["bracket"], Value::Null);
    let best = &progress["best"];
    assert_eq!(best["radiusLevels"], json!(largest.unwrap()));
    assert_eq!(best["attack"], "square");
    assert_eq!(
        best["misclassified"],
        json!(best["marginLevels"].as_f64() <= Some(0.0))
    );
    let misclassified = progress["misclassified"].as_u64().unwrap();
    assert_eq!(best["misclassified"], json!(misclassified > 0));
    assert_eq!(best["label"] == progress["label"], misclassified == 0);
    let logits = best["logits"].as_array().unwrap();
    let certifier = linf_dist_net::web::certify::Certifier::new(MODEL);
    let certificate = certifier.map_err(JsValue::from).unwrap().certify(&bytes);
    assert_eq!(from_js(certificate)["logits"].as_array().unwrap(), logits);
}

#[wasm_bindgen_test]
fn the_smallest_flip_tells_javascript_proof_and_break() {
    let mut attacker = attacker();
    let image = &cases::images()[0];
    start(&mut attacker, image, settings("min_norm", 255.0, "ticks"));
    let mut progress = from_js(attacker.advance(1000));
    while progress["done"] == false && progress["queries"].as_u64() < Some(20_000) {
        progress = from_js(attacker.advance(1000));
    }
    let certificate = Model::from_bytes(MODEL).unwrap().net;
    let certificate = certificate.evaluator().certificate(image).unwrap();
    let proved = certificate.ibp_radius.unwrap().levels(32).get();
    let bracket = &progress["bracket"];
    assert_eq!(bracket["provedLevels"].as_f64(), Some(proved));
    assert!(bracket["brokenLevels"].as_f64() > Some(proved));
    assert_eq!(bracket["brokenLevels"], progress["best"]["radiusLevels"]);
    assert_eq!(progress["best"]["misclassified"], true);
}

#[wasm_bindgen_test]
fn what_is_painted_is_cut_to_epsilon_and_to_the_pixels_domain() {
    let image = &cases::images()[0];
    let painted: Vec<f32> = image
        .iter()
        .map(|&level| f32::from(level) + 100.0)
        .collect();
    let painted = attacker().paint(image, &painted, 30.0, "levels".into());
    let painted = painted.map_err(JsValue::from).unwrap();
    let bytes = Reflect::get(&painted, &"image".into()).unwrap();
    let expected: Vec<_> = image.iter().map(|level| level.saturating_add(30)).collect();
    assert_eq!(Uint8Array::from(bytes).to_vec(), expected);
    assert_eq!(from_js(Ok(painted))["radiusLevels"], 30);
}

#[wasm_bindgen_test]
fn what_cannot_be_attacked_throws_a_sentence() {
    let mut attacker = attacker();
    let early = message(attacker.advance(1));
    assert!(early.contains("call start first"), "{early}");
    let pixels = message(attacker.start(&[0; 783], settings("all", 10.0, "ticks")));
    assert_eq!(
        pixels,
        "the image has 783 pixels, but the network takes 784"
    );
    let epsilon = message(attacker.start(&[0; 784], settings("all", -1.0, "ticks")));
    assert!(epsilon.contains("must be a number from 0"), "{epsilon}");
    let name = message(attacker.start(&[0; 784], settings("guess", 1.0, "ticks")));
    assert!(name.contains("`guess`"), "{name}");
    let painted = message(attacker.paint(&[0; 784], &[0.0; 3], 10.0, "ticks".into()));
    assert!(painted.contains("has 3 pixels"), "{painted}");
}
