//! The exact network and its JavaScript API give, bit for bit, what native code recorded.

#[path = "../exact/cases.rs"]
#[allow(dead_code, reason = "the native tests use more of it")]
pub mod cases;

use linf_dist_net::exact::{ExactNet, Model};
use linf_dist_net::web::certify::{Certifier, strokes_to_image};
use serde_json::{Value, json};
use wasm_bindgen::{JsCast, JsError, JsValue};
use wasm_bindgen_test::wasm_bindgen_test;

pub const MODEL: &[u8] = include_bytes!("golden-net.safetensors");
const OUTCOMES: &str = include_str!("golden-outcomes.json");

fn golden() -> Value {
    serde_json::from_str(OUTCOMES).unwrap()
}

/// What JavaScript would print, read back.
pub fn from_js(value: Result<JsValue, JsError>) -> Value {
    let value = value.map_err(JsValue::from).unwrap();
    let text: String = js_sys::JSON::stringify(&value).unwrap().into();
    serde_json::from_str(&text).unwrap()
}

pub fn message<T>(outcome: Result<T, JsError>) -> String {
    let error = JsValue::from(outcome.err().expect("this should throw"));
    js_sys::Error::from(error).message().into()
}

/// Ticks in the golden file to levels as JavaScript prints them: 2.0 is 2 there.
fn levels(ticks: &Value) -> Value {
    let levels = ticks.as_f64().unwrap() / 32.0;
    if levels.fract() == 0.0 {
        json!(levels as i64)
    } else {
        json!(levels)
    }
}

fn all_levels<'a>(ticks: impl IntoIterator<Item = &'a Value>) -> Vec<Value> {
    ticks.into_iter().map(levels).collect()
}

#[wasm_bindgen_test]
fn integer_network_is_bit_identical_to_native() {
    let model = Model::from_bytes(MODEL).unwrap();
    assert_eq!(model.to_bytes(), MODEL);
    assert_eq!(cases::outcomes(&model.net), golden());
}

#[wasm_bindgen_test]
fn quantizing_is_bit_identical_to_native() {
    assert_eq!(cases::model().to_bytes(), MODEL);
}

#[wasm_bindgen_test]
fn certify_gives_javascript_the_golden_certificates_in_levels() {
    let certifier = Certifier::new(MODEL).map_err(JsValue::from).unwrap();
    for (image, golden) in cases::images()
        .iter()
        .zip(golden()["outcomes"].as_array().unwrap())
    {
        let critical = golden["critical_pixels"].as_array().unwrap().iter();
        let expected = json!({
            "label": golden["label"],
            "logits": all_levels(golden["logits"].as_array().unwrap()),
            "marginLevels": levels(&golden["margin"]),
            "lipschitzRadiusLevels": levels(&golden["lipschitz_radius"]),
            "ibpRadiusLevels": levels(&golden["ibp_radius"]),
            "criticalPixels": critical
                .map(|pair| json!([{ "pixel": pair[0], "sign": pair[1] }]))
                .collect::<Vec<_>>(),
        });
        assert_eq!(from_js(certifier.certify(image)), expected);
    }
}

/// A column of what is known of many images.
pub fn column(certificates: &JsValue, name: &str) -> Vec<i32> {
    let column = js_sys::Reflect::get(certificates, &name.into()).unwrap();
    column.unchecked_into::<js_sys::Int32Array>().to_vec()
}

#[wasm_bindgen_test]
fn many_images_are_certified_and_attacked_as_native_code_does() {
    let certifier = Certifier::new(MODEL).map_err(JsValue::from).unwrap();
    let images = cases::images();
    let all = certifier.certify_all(&images.concat());
    let all = all.map_err(JsValue::from).unwrap();
    let golden = golden();
    let outcomes = golden["outcomes"].as_array().unwrap();
    for (name, golden) in [
        ("predicted", "label"),
        ("marginTicks", "margin"),
        ("lipschitzRadiusTicks", "lipschitz_radius"),
        ("ibpRadiusTicks", "ibp_radius"),
    ] {
        let value = |outcome: &Value| outcome[golden].as_i64().unwrap_or(-1) as i32;
        let expected: Vec<i32> = outcomes.iter().map(value).collect();
        assert_eq!(column(&all, name), expected, "{name}");
    }
    let flips = golden["smallest_flips"].as_array().unwrap().iter();
    let (predicted, radii) = (column(&all, "predicted"), column(&all, "ibpRadiusTicks"));
    for (index, (image, golden)) in images.iter().zip(flips).enumerate() {
        let Ok(label) = u8::try_from(predicted[index]) else {
            continue;
        };
        let flip = certifier.smallest_flip(
            image,
            label,
            radii[index],
            cases::FLIP_QUERIES as u32,
            cases::FLIP_SEED,
            index as u32,
        );
        let expected = golden.as_i64().unwrap_or(-1) as i32;
        assert_eq!(flip.map_err(JsValue::from).unwrap(), expected, "{index}");
    }
    let pixels = "the image has 783 pixels, but the network takes 784";
    assert_eq!(message(certifier.certify_all(&[0; 784 + 783])), pixels);
    let none = certifier.certify_all(&[]).map_err(JsValue::from).unwrap();
    assert!(column(&none, "predicted").is_empty());
}

#[wasm_bindgen_test]
fn an_ensemble_is_told_in_averages() {
    let mut model = Model::from_bytes(MODEL).unwrap();
    model.net = ExactNet::ensemble(&[&model.net, &model.net]).unwrap();
    let [one, two] = [MODEL, &model.to_bytes()[..]]
        .map(|model| Certifier::new(model).map_err(JsValue::from).unwrap());
    let info = from_js(two.info());
    assert_eq!(info["members"], 2);
    assert_eq!(info["classes"], 10);
    assert_eq!(info["architecture"], json!([784, 24, 24, 20]));
    for image in &cases::images() {
        // With itself a net has the same average; each member has the same pixels.
        let mut certificate = from_js(one.certify(image));
        for members in certificate["criticalPixels"].as_array_mut().unwrap() {
            let members = members.as_array_mut().unwrap();
            members.push(members[0].clone());
        }
        assert_eq!(from_js(two.certify(image)), certificate);
        let [one, two] = [&one, &two].map(|certifier| from_js(certifier.bounds(image, 10.5)));
        for name in ["lower", "upper", "certified"] {
            assert_eq!(one[name], two[name], "{name}");
        }
    }
}

#[wasm_bindgen_test]
fn bounds_gives_javascript_the_golden_bounds_in_levels() {
    let certifier = Certifier::new(MODEL).map_err(JsValue::from).unwrap();
    for (image, golden) in cases::images()
        .iter()
        .zip(golden()["outcomes"].as_array().unwrap())
    {
        for bounds in golden["bounds"].as_array().unwrap() {
            let epsilon = bounds["radius"].as_f64().unwrap() / 32.0;
            let value = certifier
                .bounds(image, epsilon)
                .map_err(JsValue::from)
                .unwrap();
            let copy = |name: &str| {
                let copy = js_sys::Reflect::get(&value, &name.into()).unwrap();
                assert!(copy.is_instance_of::<js_sys::Uint8Array>());
                js_sys::Uint8Array::from(copy).to_vec()
            };
            let step = epsilon.floor();
            let moved = |sign: f64| -> Vec<u8> {
                image
                    .iter()
                    .map(|&level| (f64::from(level) + sign * step) as u8)
                    .collect()
            };
            assert_eq!(copy("lightest"), moved(1.0));
            assert_eq!(copy("darkest"), moved(-1.0));

            let value = from_js(Ok(value));
            let ends = bounds["logits"].as_array().unwrap();
            assert_eq!(
                value["lower"],
                json!(all_levels(ends.iter().map(|ends| &ends[0])))
            );
            assert_eq!(
                value["upper"],
                json!(all_levels(ends.iter().map(|ends| &ends[1])))
            );
            assert_eq!(value["certified"], bounds["certified"]);
        }
    }
}

#[wasm_bindgen_test]
fn info_tells_what_the_file_records() {
    let certifier = Certifier::new(MODEL).map_err(JsValue::from).unwrap();
    let info = from_js(certifier.info());
    let model = Model::from_bytes(MODEL).unwrap();
    let kept: usize = model.net.weights_kept().iter().map(|(kept, _)| kept).sum();
    assert_eq!(
        info,
        json!({
            "architecture": [784, 12, 12, 10],
            "members": 1,
            "classes": 10,
            "classNames": [],
            "scale": 32,
            "dataset": "none",
            "epsilon": "0.3",
            "lineage": model.metadata.lineage.to_json(),
            "accuracies": null,
            "weightsTotal": 784 * 12 + 12 * 12 + 12 * 10,
            "weightsKept": kept,
        })
    );
}

#[wasm_bindgen_test]
fn strokes_give_the_golden_image() {
    let (points, starts, pen_width) = cases::strokes();
    let image = strokes_to_image(&points, &starts, pen_width)
        .map_err(JsValue::from)
        .unwrap();
    let hex: String = image
        .unwrap()
        .iter()
        .map(|level| format!("{level:02x}"))
        .collect();
    assert_eq!(json!(hex), golden()["drawn"]);
}

#[wasm_bindgen_test]
fn an_empty_canvas_gives_no_image() {
    assert_eq!(
        strokes_to_image(&[], &[], 0.07)
            .map_err(JsValue::from)
            .unwrap(),
        None
    );
}

#[wasm_bindgen_test]
fn errors_reach_javascript_with_their_causes() {
    let truncated = message(Certifier::new(&MODEL[..MODEL.len() - 1]));
    assert_eq!(
        truncated,
        "this is not a complete safetensors file; it may be truncated or of another kind: \
         incomplete metadata, file not fully covered"
    );
    let certifier = Certifier::new(MODEL).map_err(JsValue::from).unwrap();
    let pixels = "the image has 783 pixels, but the network takes 784";
    assert_eq!(message(certifier.certify(&[0; 783])), pixels);
    assert_eq!(message(certifier.bounds(&[0; 783], 1.0)), pixels);
    for epsilon in [-1.0, f64::NAN] {
        let error = message(certifier.bounds(&[0; 784], epsilon));
        assert!(error.contains("must be a number from 0"), "{error}");
    }
    let odd = message(strokes_to_image(&[0.5], &[0], 0.07));
    assert!(odd.contains("an odd number"), "{odd}");
}
