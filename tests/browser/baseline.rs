//! The JavaScript API of the baselines, on the shipped one that is trained plainly.

use js_sys::{Float32Array, Reflect, Uint8Array};
use linf_dist_net::web::baseline::BaselineNetwork;
use serde_json::{Value, json};
use wasm_bindgen::{JsCast, JsError, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

const MODEL: &[u8] = include_bytes!("../../www/public/models/baseline/relu.safetensors");

fn network() -> BaselineNetwork {
    BaselineNetwork::new(MODEL, 32)
        .map_err(JsValue::from)
        .unwrap()
}

/// A one: a vertical stroke.
fn image() -> Vec<u8> {
    let stroke = |k: usize| (4..24).contains(&(k / 28)) && (13..16).contains(&(k % 28));
    (0..784).map(|k| if stroke(k) { 255 } else { 0 }).collect()
}

/// What JavaScript would print, read back.
fn from_js(value: Result<JsValue, JsError>) -> Value {
    let value = value.map_err(JsValue::from).unwrap();
    let text: String = js_sys::JSON::stringify(&value).unwrap().into();
    serde_json::from_str(&text).unwrap()
}

fn message<T>(outcome: Result<T, JsError>) -> String {
    let error = JsValue::from(outcome.err().expect("this should throw"));
    js_sys::Error::from(error).message().into()
}

fn settings(attack: &str, epsilon: f64) -> JsValue {
    let text = json!({ "attack": attack, "epsilonLevels": epsilon, "grid": "levels", "seed": 1 });
    js_sys::JSON::parse(&text.to_string()).unwrap()
}

#[wasm_bindgen_test]
fn info_tells_what_the_file_records() {
    let info = from_js(network().info());
    assert_eq!(info["classes"], 10);
    let lineage = info["lineage"].as_str().unwrap();
    let lineage: Value = serde_json::from_str(lineage).unwrap();
    assert_eq!(lineage["arguments"]["recipe"], "standard");
    assert_eq!(info["accuracies"]["epsilon"], "0.3");
    let architecture = info["architecture"].as_str().unwrap();
    assert!(architecture.starts_with("784-") && architecture.ends_with("-10"));
}

#[wasm_bindgen_test]
fn a_label_is_proved_within_its_radius_and_its_bounds_hold_the_logits() {
    let mut network = network();
    let certificate = from_js(network.certify(&image()));
    assert_eq!(certificate["label"], 1);
    let radius = certificate["ibpRadiusLevels"].as_f64().unwrap();
    assert!(radius > 0.0 && radius < 30.0, "{radius}");
    let inside = from_js(network.bounds(&image(), radius));
    assert_eq!(inside["certified"], true);
    let outside = from_js(network.bounds(&image(), radius + 1.0 / 32.0));
    assert_eq!(outside["certified"], false);
    for class in 0..10 {
        let logit = certificate["logits"][class].as_f64().unwrap();
        assert!(inside["lower"][class].as_f64().unwrap() <= logit);
        assert!(inside["upper"][class].as_f64().unwrap() >= logit);
    }
}

#[wasm_bindgen_test]
fn many_images_are_certified_as_one_by_one() {
    let mut network = network();
    let images = [image(), vec![0; 784], vec![255; 784]];
    let all = network.certify_all(&images.concat());
    let all = all.map_err(JsValue::from).unwrap();
    let column = |name: &str| {
        let column = Reflect::get(&all, &name.into()).unwrap();
        column.unchecked_into::<js_sys::Int32Array>().to_vec()
    };
    for (index, image) in images.iter().enumerate() {
        let one = from_js(network.certify(image));
        let label = one["label"].as_i64().unwrap_or(-1);
        assert_eq!(i64::from(column("predicted")[index]), label);
        let radius = one["ibpRadiusLevels"].as_f64();
        let ticks = radius.map_or(-1.0, |levels| 32.0 * levels);
        assert_eq!(f64::from(column("ibpRadiusTicks")[index]), ticks);
        assert_eq!(column("marginTicks")[index], -1);
        assert_eq!(column("lipschitzRadiusTicks")[index], -1);
    }
    // A flip that is found lies beyond the proof.
    let proved = column("ibpRadiusTicks")[0];
    let flip = network.smallest_flip(&images[0], 1, proved, 500, 1, 0);
    assert!(flip.map_err(JsValue::from).unwrap() > proved);
}

#[wasm_bindgen_test]
fn pgd_flips_a_plainly_trained_network_beyond_its_radius_and_not_within() {
    let mut network = network();
    let radius = from_js(network.certify(&image()))["ibpRadiusLevels"].as_f64();
    for (epsilon, misclassified) in [(radius.unwrap(), false), (76.0, true)] {
        network
            .start(&image(), settings("pgd", epsilon))
            .map_err(JsValue::from)
            .unwrap();
        let progress = network.advance(300).map_err(JsValue::from).unwrap();
        let best = Reflect::get(&progress, &"best".into()).unwrap();
        let levels = Reflect::get(&best, &"levels".into()).unwrap();
        let levels: Vec<f32> = levels.unchecked_into::<Float32Array>().to_vec();
        let pairs = levels.iter().zip(image());
        let farthest = pairs.fold(0.0f32, |far, (a, b)| far.max((a - f32::from(b)).abs()));
        assert!(f64::from(farthest) <= epsilon);
        let bytes = Reflect::get(&best, &"image".into()).unwrap();
        let label = from_js(network.certify(&bytes.unchecked_into::<Uint8Array>().to_vec()));
        assert_eq!(label["label"] != json!(1), misclassified);
        let progress = from_js(Ok(progress));
        assert_eq!(progress["best"]["misclassified"], misclassified);
        assert!(progress["queries"].as_u64().unwrap() >= 300);
    }
}

#[wasm_bindgen_test]
fn a_painted_image_is_brought_into_the_ball() {
    let painted = vec![255.0; 784];
    let answer = from_js(network().paint(&image(), &painted, 20.0, "levels".into()));
    assert_eq!(answer["radiusLevels"], 20);
}

#[wasm_bindgen_test]
fn errors_reach_javascript_as_sentences() {
    let cut = message(BaselineNetwork::new(&MODEL[..MODEL.len() - 1], 32));
    assert!(
        cut.starts_with("this is not a complete safetensors file"),
        "{cut}"
    );
    let scale = message(BaselineNetwork::new(MODEL, 3));
    assert!(scale.contains("not a power of two"), "{scale}");
    let pixels = "the image has 783 pixels, but the network takes 784";
    let mut network = network();
    assert_eq!(message(network.certify(&[0; 783])), pixels);
    assert_eq!(message(network.bounds(&[0; 783], 1.0)), pixels);
    assert_eq!(
        message(network.start(&[0; 783], settings("pgd", 1.0))),
        pixels
    );
    let early = message(network.advance(1));
    assert!(early.contains("call start first"), "{early}");
}
