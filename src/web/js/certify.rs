//! What the page calls for every stroke: strokes to image, image to label with its proof.
//!
//! Inside, lengths are integers in units of 1/S of a pixel level; the page shows levels. S is a
//! power of two, so the division is exact and a JavaScript number holds the result exactly; that is
//! so of every radius. Logits and the margin, which are sums over the net's members, are given as
//! averages, so that they move by as many levels as the pixels do.

use serde::{Serialize, Serializer};
use wasm_bindgen::prelude::*;

use super::{epsilon_in_domain, js_error, to_js};
use crate::data::strokes;
use crate::exact::{self, ExactNet, Model};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What a model is and where it came from. */
export interface ModelInfo {
  /** Widths from pixels to the last layer's units, such as [784, 1024, 10]. */
  architecture: number[];
  /** Units of the last layer for each class. With more than one the net is an ensemble: a logit is the
   *  average of so many. */
  members: number;
  classes: number;
  /** Units per pixel level: every radius is a multiple of 1/scale. */
  scale: number;
  dataset: string;
  /** The radius that the model was trained for, of full scale 1, as an exact decimal. */
  epsilon: string;
  recipe: string;
  /** A whole number of up to 64 bits; of an ensemble that of its first net. */
  seed: string;
  /** The command that made the model. */
  command: string;
  /** Fractions of the test set at `epsilon`; null when not recorded. */
  accuracies: { clean: number; certifiedLipschitz: number; certifiedInterval: number } | null;
  /** Weights of the dense net, and those that are kept. */
  weightsTotal: number;
  weightsKept: number;
}

/** The pixel that decides a logit, in one member. */
export interface CriticalPixel {
  /** The index of the input; row-major from the top left where inputs are pixels of an image. */
  pixel: number;
  /** Raising the pixel by one unit times `sign` raises what the member adds to the logit by one unit,
   *  divided by the number of members, as long as the same chain of units decides. */
  sign: 1 | -1;
}

/** A label and how far it is proved, in pixel levels. */
export interface Certificate {
  /** null in a tie, which is no label. */
  label: number | null;
  /** Per class. */
  logits: number[];
  /** How far the largest logit is above the second largest; 0 in a tie. */
  marginLevels: number;
  /** No change of up to this many levels per pixel misclassified the label: proved by the margin. */
  lipschitzRadiusLevels: number;
  /** The same, proved by interval propagation; never smaller. Both are 0 when there is no label. */
  intervalRadiusLevels: number;
  /** Per class, and for each class per member. */
  critical_pixels: CriticalPixel[][];
}

/** Where the logits can go when no pixel moves by more than ε, in pixel levels. */
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
    let image = digit::strokes_to_image(points, starts, pen_width).map_err(js_error)?;
    Ok(image.map(Vec::from))
}

/// An exact network, ready to certify images of its own size.
#[wasm_bindgen]
pub struct Certifier {
    model: Model,
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
            epsilon: metadata.epsilon.to_string(),
            recipe: &metadata.recipe,
            seed: metadata.seed.to_string(),
            command: &metadata.command,
            accuracies: metadata.accuracies.map(|accuracies| Accuracies {
                clean: accuracies.clean,
                certified_lipschitz: accuracies.certified_lipschitz,
                certified_ibp: accuracies.certified_ibp,
            }),
            weights_total: weights.iter().map(|&(_, total)| total as f64).sum(),
            weights_kept: weights.iter().map(|(kept, _)| kept).sum(),
        })
    }

    /// Label, logits, margin, both radii and the deciding pixels of an image, a byte an input.
    /// Throws an `Error` for another length.
    #[wasm_bindgen(unchecked_return_type = "Certificate")]
    pub fn certify(&self, image: &[u8]) -> Result<JsValue, JsError> {
        let net = &self.model.net;
        let certificate = net.evaluator().certificate(image).map_err(js_error)?;
        to_js(&Certificate {
            label: certificate.label,
            logits: certificate
                .logits
                .iter()
                .map(|&logit| average_levels(net, logit))
                .collect(),
            margin_levels: average_levels(net, certificate.margin),
            lipschitz_radius_levels: levels(net, certificate.lipschitz_radius.unwrap_or(0)),
            ibp_radius_levels: levels(net, certificate.ibp_radius.unwrap_or(0)),
            critical_pixels: (0..net.classes())
                .map(|class| {
                    let critical_pixels = certificate.critical_pixels_of(class);
                    let shape = |critical_pixels: &exact::CriticalPixel| CriticalPixel {
                        pixel: critical_pixels.pixel,
                        sign: critical_pixels.sign,
                    };
                    critical_pixels.map(shape).collect()
                })
                .collect(),
        })
    }

    /// Where the logits of an image, a byte an input, can go when no pixel moves by more than
    /// `epsilonLevels`, which is rounded up to a multiple of 1/scale for the bounds and down to
    /// whole levels for the two copies. Throws an `Error` for another length or an ε that is not a
    /// number from 0.
    #[wasm_bindgen(unchecked_return_type = "Bounds")]
    pub fn bounds(
        &self,
        image: &[u8],
        #[wasm_bindgen(js_name = epsilonLevels)] epsilon_levels: f64,
    ) -> Result<JsValue, JsError> {
        let epsilon = epsilon_in_domain(epsilon_levels)?;
        let net = &self.model.net;
        let radius = (epsilon * f64::from(net.scale())).ceil() as u32;
        let bounds = net.evaluator().bounds(image, radius).map_err(js_error)?;
        let ends = |end: usize| {
            bounds
                .logits
                .iter()
                .map(|ends| average_levels(net, ends[end]))
                .collect()
        };
        // Bytes hold whole levels; rounded down, so that both copies lie within ε.
        let step = epsilon as u8;
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

/// Reads an unpacked model file.
pub(super) fn read_model(model: &[u8]) -> Result<Model, JsError> {
    console_error_panic_hook::set_once();
    Model::from_bytes(model).map_err(js_error)
}

/// Units of `net` to pixel levels; exact.
fn levels(net: &ExactNet, units: impl Into<f64>) -> f64 {
    units.into() / f64::from(net.scale())
}

/// The average over the members, in pixel levels, of a sum over them; exact with one member, or two, four …
fn average_levels(net: &ExactNet, units: impl Into<f64>) -> f64 {
    levels(net, units) / net.members() as f64
}

/// As a `Uint8Array` rather than an array of numbers.
fn as_bytes<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
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
    epsilon: String,
    recipe: &'model str,
    seed: String,
    command: &'model str,
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
    lipschitz_radius_levels: f64,
    ibp_radius_levels: f64,
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
