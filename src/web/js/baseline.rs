//! The baseline networks' API: classifies, certifies by interval bound propagation, and attacks.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::attack::{begin, paint, progress};
use super::measure::{ImageCertificates, search};
use super::{js_error, to_js};
use crate::attack::{AttackError, Classifier, Grid, Run, label};
use crate::baseline::{BaselineClassifier, IntervalCertifier, Model, certify_image};
use crate::exact::Levels;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What a baseline is and where it came from. */
export interface BaselineInfo {
  /** The layers from pixels to classes in words, such as "784-48-10", or "784-conv8k4s2-10" with
   *  a convolution of 8 channels, squares of 4×4 pixels and steps of 2; ReLU is between them. */
  architecture: string;
  classes: number;
  dataset: string;
  /** How it was made, as JSON: `{operation, arguments, seed, parents: []}`. */
  lineage: string;
  /** Fractions of the test set, `certified` at `epsilon` (of full scale 1, an exact decimal);
   *  null when not recorded. */
  accuracies: { epsilon: string; clean: number; certified: number } | null;
}

/** A baseline's label and the radius for which it is proved. Its logits are dimensionless. */
export interface BaselineCertificate {
  /** null when the largest logits are tied. */
  label: number | null;
  /** Per class. */
  logits: number[];
  /** The radius that interval bound propagation proves, in pixel levels; null when it does not prove
   *  even the image itself, as when rounding could decide. */
  ibpRadiusLevels: number | null;
}

/** What is known of each of many images, an entry an image; -1 stands for none. A baseline's logits are no
 *  lengths, so there is neither a margin nor a Lipschitz radius. */
export interface BaselineCertificates {
  predicted: Int32Array;
  marginTicks: Int32Array;
  lipschitzRadiusTicks: Int32Array;
  ibpRadiusTicks: Int32Array;
}

/** Bounds of a baseline's logits while no pixel moves by more than ε. */
export interface BaselineBounds {
  /** Per class. */
  lower: number[];
  /** Per class. */
  upper: number[];
  /** Whether the label is proved at this ε. The proof compares classes pair by pair, which is
   *  stronger than comparing `lower` and `upper`: they may overlap where it succeeds. */
  certified: boolean;
}
"#;

/// A baseline network, with one attack at a time.
#[wasm_bindgen]
pub struct BaselineNetwork {
    model: Model,
    classifier: BaselineClassifier,
    scale: u32,
    run: Option<Run>,
}

#[wasm_bindgen]
impl BaselineNetwork {
    /// Reads an unpacked model file. Radii and attacks are in multiples of 1/`scale` of a level:
    /// give the scale of the exact network that is compared with. Throws an `Error` that says what
    /// is wrong.
    #[wasm_bindgen(constructor)]
    pub fn new(model: &[u8], scale: u32) -> Result<BaselineNetwork, JsError> {
        console_error_panic_hook::set_once();
        if !scale.is_power_of_two() || scale > 4096 {
            let message = format!("scale {scale} is not a power of two up to 4096");
            return Err(JsError::new(&message));
        }
        let model = Model::from_bytes(model).map_err(js_error)?;
        let classifier = BaselineClassifier::new(&model.plain, scale);
        Ok(Self {
            model,
            classifier,
            scale,
            run: None,
        })
    }

    /// What the network is and where it came from.
    #[wasm_bindgen(unchecked_return_type = "BaselineInfo")]
    pub fn info(&self) -> Result<JsValue, JsError> {
        let Model { plain, metadata } = &self.model;
        to_js(&BaselineInfo {
            architecture: plain.architecture(),
            classes: plain.classes(),
            dataset: &metadata.dataset,
            lineage: metadata.lineage.to_json(),
            accuracies: metadata.accuracies.map(|accuracies| Accuracies {
                epsilon: accuracies.epsilon.to_string(),
                clean: accuracies.clean,
                certified: accuracies.certified,
            }),
        })
    }

    /// Label, logits and proved radius of an image, a byte an input. Throws an `Error` for another
    /// length.
    #[wasm_bindgen(unchecked_return_type = "BaselineCertificate")]
    pub fn certify(&mut self, image: &[u8]) -> Result<JsValue, JsError> {
        self.check(image)?;
        let scale = self.scale.cast_signed();
        let input: Vec<_> = image
            .iter()
            .map(|&level| i32::from(level) * scale)
            .collect();
        let logits = self.classifier.logits(&input);
        let certificate = IntervalCertifier::new(&self.model.plain, self.scale).certify(image);
        to_js(&BaselineCertificate {
            label: label(&logits),
            logits: logits
                .iter()
                .map(|logit| logit / f64::from(self.scale))
                .collect(),
            ibp_radius_levels: certificate
                .map(|certificate| certificate.ibp_radius.levels(self.scale)),
        })
    }

    /// Label and proved radius of each of many images, `[n, inputs]` bytes, radii in ticks of 1/scale of a
    /// level. Throws an `Error` for another length.
    #[wasm_bindgen(js_name = certifyAll, unchecked_return_type = "BaselineCertificates")]
    pub fn certify_all(&mut self, images: &[u8]) -> Result<JsValue, JsError> {
        let certifier = IntervalCertifier::new(&self.model.plain, self.scale);
        let mut records = Vec::new();
        for image in images.chunks(self.model.plain.inputs()) {
            self.check(image)?;
            // No label is known here, and none is asked for.
            records.push(certify_image(&mut self.classifier, &certifier, image, 0));
        }
        ImageCertificates::of(&records)
    }

    /// Searches for the smallest change, in whole levels, that flips `label` of an image, a byte an
    /// input, outside of the proved radius `ibpRadiusTicks` (-1: nothing is proved), with about so many
    /// queries. Returns its radius in ticks, or -1 if none was found. `seed` and `index` decide everything
    /// random. Throws an `Error` for another length or label.
    #[wasm_bindgen(js_name = smallestFlip)]
    pub fn smallest_flip(
        &mut self,
        image: &[u8],
        label: u8,
        #[wasm_bindgen(js_name = ibpRadiusTicks)] ibp_radius_ticks: i32,
        queries: u32,
        seed: u32,
        index: u32,
    ) -> Result<i32, JsError> {
        self.check(image)?;
        let classifier = &mut self.classifier;
        search(
            classifier,
            image,
            label,
            ibp_radius_ticks,
            queries,
            seed,
            index,
        )
    }

    /// Bounds of the logits of an image, a byte an input, while no pixel moves by more than
    /// `epsilonLevels`, rounded up to a multiple of 1/scale. Throws an `Error` for another length
    /// or an ε that is not a number from 0.
    #[wasm_bindgen(unchecked_return_type = "BaselineBounds")]
    pub fn bounds(
        &self,
        image: &[u8],
        #[wasm_bindgen(js_name = epsilonLevels)] epsilon_levels: f64,
    ) -> Result<JsValue, JsError> {
        self.check(image)?;
        let epsilon = Levels::new(epsilon_levels).map_err(js_error)?;
        let radius = epsilon.ticks_ceil(self.scale);
        let certifier = IntervalCertifier::new(&self.model.plain, self.scale);
        let bounds = certifier.logit_bounds(image, radius);
        let certified = certifier
            .label(image)
            .is_some_and(|label| certifier.is_certified(image, label, radius));
        to_js(&BaselineBounds {
            lower: bounds.iter().map(|ends| ends[0]).collect(),
            upper: bounds.iter().map(|ends| ends[1]).collect(),
            certified,
        })
    }

    /// Begins an attack on the label of an image, a byte an input, in place of the one before.
    /// Throws an `Error` for another length, for invalid settings, and for an image whose
    /// largest logits are tied.
    pub fn start(
        &mut self,
        image: &[u8],
        #[wasm_bindgen(unchecked_param_type = "AttackSettings")] settings: JsValue,
    ) -> Result<(), JsError> {
        self.check(image)?;
        let certificate = IntervalCertifier::new(&self.model.plain, self.scale).certify(image);
        let proved = certificate.map(|certificate| certificate.ibp_radius);
        self.run = Some(begin(&mut self.classifier, image, proved, settings)?);
        Ok(())
    }

    /// Makes about `queries` more queries, fewer if the attack ends, and returns what all of them
    /// found. Throws an `Error` when no attack was begun.
    #[wasm_bindgen(unchecked_return_type = "AttackProgress")]
    pub fn advance(&mut self, queries: u32) -> Result<JsValue, JsError> {
        let run = self
            .run
            .as_mut()
            .ok_or_else(|| JsError::new("no attack was begun; call start first"))?;
        run.advance(&mut self.classifier, queries.into());
        progress(run, &self.classifier)
    }

    /// Evaluates an image that somebody painted, a level an input. Every pixel is first brought to the
    /// nearest value within `epsilonLevels` of `image`, in 0…255 and on the grid. Throws an `Error`
    /// as `start` does.
    #[wasm_bindgen(unchecked_return_type = "Perturbed")]
    pub fn paint(
        &mut self,
        image: &[u8],
        painted: &[f32],
        #[wasm_bindgen(js_name = epsilonLevels)] epsilon_levels: f64,
        #[wasm_bindgen(unchecked_param_type = "Grid")] grid: JsValue,
    ) -> Result<JsValue, JsError> {
        let grid: Grid = serde_wasm_bindgen::from_value(grid).map_err(js_error)?;
        let epsilon = Levels::new(epsilon_levels).map_err(js_error)?;
        paint(&mut self.classifier, image, painted, epsilon, grid)
    }

    fn check(&self, image: &[u8]) -> Result<(), JsError> {
        let (found, expected) = (image.len(), self.model.plain.inputs());
        match found == expected {
            true => Ok(()),
            false => Err(js_error(AttackError::Pixels { found, expected })),
        }
    }
}

// The shapes of `TYPES` above.

#[derive(Serialize)]
struct BaselineInfo<'model> {
    architecture: String,
    classes: usize,
    dataset: &'model str,
    lineage: String,
    accuracies: Option<Accuracies>,
}

#[derive(Serialize)]
struct Accuracies {
    epsilon: String,
    clean: f64,
    certified: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BaselineCertificate {
    label: Option<usize>,
    logits: Vec<f64>,
    ibp_radius_levels: Option<Levels>,
}

#[derive(Serialize)]
struct BaselineBounds {
    lower: Vec<f64>,
    upper: Vec<f64>,
    certified: bool,
}
