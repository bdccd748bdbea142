//! The exact network's API: turns strokes into an image, and an image into a label with its
//! certificate.
//!
//! The library counts in ticks of 1/S of a pixel level; JavaScript gets levels, and every such name
//! ends in `Levels`. S is a power of two, so a JavaScript number holds every radius exactly. Logits
//! and the margin are sums over the ensemble's members; JavaScript gets the averages, which move by
//! as many levels as the pixels do.

use serde::{Serialize, Serializer};
use wasm_bindgen::prelude::*;

use super::measure::ImageCertificates;
use super::{js_error, read_model, to_js};
use crate::data::{HELD_OUT, strokes};
use crate::exact::teach::REMINDER_POOL;
use crate::exact::{self, ExactNet, ImageRecord, Levels, Model, Ticks};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What a model is and where it came from. */
export interface ModelInfo {
  /** Widths from the pixels to the last layer's units, such as [784, 1024, 10]. */
  architecture: number[];
  /** Members of the ensemble: a logit is the average over them. 1 for a single net. */
  members: number;
  classes: number;
  /** Ticks per pixel level: every radius is a multiple of 1/scale. */
  scale: number;
  dataset: string;
  /** Names of the classes of a data set that the page does not know, such as one's own images; empty else. */
  classNames: string[];
  /** The radius that the model was trained for: an exact decimal fraction of 1.0. */
  epsilon: string;
  /** How the model was made, as JSON: docs/model-format.md, "Lineage". */
  lineage: string;
  /** Fractions of the test set at `epsilon`; null when not recorded. */
  accuracies: { clean: number; certifiedLipschitz: number; certifiedIbp: number } | null;
  /** Weights of the dense net, and those that are kept. */
  weightsTotal: number;
  weightsKept: number;
}

/** The critical pixel of a logit in one member: the end of its arg-max path. */
export interface CriticalPixel {
  /** The index of the input; row-major from the top left where inputs are pixels of an image. */
  pixel: number;
  /** Raising the pixel by one tick times `sign` raises what the member adds to the logit by one tick,
   *  divided by the number of members, as long as the arg-max path stays the same. */
  sign: 1 | -1;
}

/** A label and the radii for which it is proved, in pixel levels. */
export interface Certificate {
  /** null when the largest logits are tied. */
  label: number | null;
  /** Per class. */
  logits: number[];
  /** How far the largest logit is above the second largest; 0 in a tie. */
  marginLevels: number;
  /** The Lipschitz certificate: no change of up to this many levels per pixel changes the label. */
  lipschitzRadiusLevels: number;
  /** The same, proved by interval bound propagation; never smaller. Both are 0 without a label. */
  ibpRadiusLevels: number;
  /** Per class, and for each class per member. */
  criticalPixels: CriticalPixel[][];
}

/** What is known of each of many images, an entry an image. Lengths are in ticks of 1/scale of a level;
 *  -1 stands for none. */
export interface ImageCertificates {
  /** The network's label; -1 in a tie. */
  predicted: Int32Array;
  /** How far the largest logit is above the second largest, summed over the members; 0 in a tie. -1 for
   *  a baseline, whose logits are no lengths. */
  marginTicks: Int32Array;
  /** The Lipschitz radius; -1 where there is none. */
  lipschitzRadiusTicks: Int32Array;
  /** The IBP radius; -1 where nothing is proved. */
  ibpRadiusTicks: Int32Array;
}

/** Bounds of the logits while no pixel moves by more than ε, in pixel levels. */
export interface Bounds {
  /** Per class. */
  lower: number[];
  /** Per class. */
  upper: number[];
  /** Whether the label's lower bound is above every other class's upper bound. */
  certified: boolean;
  /** Every pixel raised by ε, up to 255; of an ε with a fraction, only the whole levels, for a
   *  byte holds no others. Ink is 255, so this copy has the most ink everywhere. */
  lightest: Uint8Array;
  /** Every pixel lowered by ε, down to 0, the background; whole levels as above. */
  darkest: Uint8Array;
}
"#;

/// Draws strokes as a 28×28 image of 784 bytes, 0 background to 255 ink; `undefined` when nothing
/// is drawn.
///
/// `points` are x0, y0, x1, y1, … in canvas units 0..1, `starts` the index of each stroke's first
/// point (counted in points), `penWidth` is in canvas units. Throws an `Error` if they do not fit
/// together.
#[wasm_bindgen(js_name = strokesToImage)]
pub fn strokes_to_image(
    points: &[f32],
    starts: &[u32],
    #[wasm_bindgen(js_name = penWidth)] pen_width: f32,
) -> Result<Option<Vec<u8>>, JsError> {
    let image = strokes::strokes_to_image(points, starts, pen_width).map_err(js_error)?;
    Ok(image.map(Vec::from))
}

/// How many training images reminders are drawn from: the first ones of a data set.
#[wasm_bindgen(js_name = reminderPool)]
pub fn reminder_pool() -> usize {
    REMINDER_POOL
}

/// How many training images are held out of it to see what is forgotten: the last ones of a data set.
#[wasm_bindgen(js_name = heldOutImages)]
pub fn held_out_images() -> usize {
    HELD_OUT
}

/// Certifies images with an exact network.
#[wasm_bindgen]
pub struct Certifier {
    pub(super) model: Model,
}

#[wasm_bindgen]
impl Certifier {
    /// Reads an unpacked model file. Throws an `Error` that says what is wrong with it.
    #[wasm_bindgen(constructor)]
    pub fn new(model: &[u8]) -> Result<Certifier, JsError> {
        let model = read_model(model)?;
        Ok(Self { model })
    }

    /// What the model is and where it came from.
    #[wasm_bindgen(unchecked_return_type = "ModelInfo")]
    pub fn info(&self) -> Result<JsValue, JsError> {
        let Model { net, metadata } = &self.model;
        let weights = net.weights_kept();
        to_js(&ModelInfo {
            architecture: net.architecture(),
            members: net.members(),
            classes: net.classes(),
            scale: net.scale(),
            dataset: &metadata.dataset,
            class_names: &metadata.classes,
            epsilon: metadata.epsilon.to_string(),
            lineage: metadata.lineage.to_json(),
            accuracies: metadata.accuracies.map(|accuracies| Accuracies {
                clean: accuracies.clean,
                certified_lipschitz: accuracies.certified_lipschitz,
                certified_ibp: accuracies.certified_ibp,
            }),
            weights_total: weights.iter().map(|&(_, total)| total as f64).sum(),
            weights_kept: weights.iter().map(|(kept, _)| kept).sum(),
        })
    }

    /// Label, logits, margin, both radii and the critical pixels of an image, a byte an input.
    /// Throws an `Error` for another length.
    #[wasm_bindgen(unchecked_return_type = "Certificate")]
    pub fn certify(&self, image: &[u8]) -> Result<JsValue, JsError> {
        let net = &self.model.net;
        let certificate = net.evaluator().certificate(image).map_err(js_error)?;
        let radius = |radius: Option<Ticks>| radius.unwrap_or_default().levels(net.scale());
        to_js(&Certificate {
            label: certificate.label,
            logits: certificate
                .logits
                .iter()
                .map(|&logit| average_levels(net, logit))
                .collect(),
            margin_levels: average_levels(net, certificate.margin.get()),
            lipschitz_radius_levels: radius(certificate.lipschitz_radius),
            ibp_radius_levels: radius(certificate.ibp_radius),
            critical_pixels: (0..net.classes())
                .map(|class| {
                    let critical = certificate.critical_pixels_of(class);
                    let shape = |critical: &exact::CriticalPixel| CriticalPixel {
                        pixel: critical.pixel,
                        sign: critical.sign,
                    };
                    critical.map(shape).collect()
                })
                .collect(),
        })
    }

    /// Label, margin and both radii of each of many images, `[n, inputs]` bytes: the same as `certify`
    /// gives one by one, in a fraction of the calls. Throws an `Error` for another length.
    #[wasm_bindgen(js_name = certifyAll, unchecked_return_type = "ImageCertificates")]
    pub fn certify_all(&self, images: &[u8]) -> Result<JsValue, JsError> {
        let net = &self.model.net;
        let mut evaluator = net.evaluator();
        let radii = images
            .chunks(net.inputs())
            .map(|image| evaluator.radii(image));
        // No label is known here, and none is asked for.
        let records = radii.map(|radii| Ok(ImageRecord::new(0, &radii.map_err(js_error)?)));
        ImageCertificates::of(&records.collect::<Result<Vec<_>, JsError>>()?)
    }

    /// Bounds of the logits of an image, a byte an input, while no pixel moves by more than
    /// `epsilonLevels`, which is rounded up to a multiple of 1/scale for the bounds and down to
    /// whole levels for the two copies. Throws an `Error` for another length or an ε that is not a
    /// number from 0.
    #[wasm_bindgen(unchecked_return_type = "Bounds")]
    pub fn bounds(
        &self,
        image: &[u8],
        #[wasm_bindgen(js_name = epsilonLevels)] epsilon_levels: f64,
    ) -> Result<JsValue, JsError> {
        let epsilon = Levels::new(epsilon_levels).map_err(js_error)?;
        let net = &self.model.net;
        let radius = epsilon.ticks_ceil(net.scale());
        let bounds = net.evaluator().bounds(image, radius).map_err(js_error)?;
        let ends = |end: usize| {
            bounds
                .logits
                .iter()
                .map(|ends| average_levels(net, ends[end]))
                .collect()
        };
        // Bytes hold whole levels. The cast rounds down, so that both copies lie within ε.
        let step = epsilon.get() as u8;
        to_js(&Bounds {
            lower: ends(0),
            upper: ends(1),
            certified: bounds.certified,
            lightest: image
                .iter()
                .map(|level| level.saturating_add(step))
                .collect(),
            darkest: image
                .iter()
                .map(|level| level.saturating_sub(step))
                .collect(),
        })
    }
}

/// The average over the members, in pixel levels, of a sum over them in ticks. It is exact where the
/// number of members is a power of two.
fn average_levels(net: &ExactNet, ticks: impl Into<f64>) -> f64 {
    ticks.into() / f64::from(net.scale()) / net.members() as f64
}

/// As a `Uint8Array` rather than an array of numbers.
pub(super) fn as_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

// The shapes of `TYPES` above.

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelInfo<'model> {
    architecture: Vec<usize>,
    members: usize,
    classes: usize,
    scale: u32,
    dataset: &'model str,
    class_names: &'model [String],
    epsilon: String,
    lineage: String,
    accuracies: Option<Accuracies>,
    weights_total: f64,
    weights_kept: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Accuracies {
    clean: f64,
    certified_lipschitz: f64,
    certified_ibp: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Certificate {
    label: Option<usize>,
    logits: Vec<f64>,
    margin_levels: f64,
    lipschitz_radius_levels: Levels,
    ibp_radius_levels: Levels,
    critical_pixels: Vec<Vec<CriticalPixel>>,
}

#[derive(Serialize)]
struct CriticalPixel {
    pixel: usize,
    sign: i8,
}

#[derive(Serialize)]
struct Bounds {
    lower: Vec<f64>,
    upper: Vec<f64>,
    certified: bool,
    #[serde(serialize_with = "as_bytes")]
    lightest: Vec<u8>,
    #[serde(serialize_with = "as_bytes")]
    darkest: Vec<u8>,
}
