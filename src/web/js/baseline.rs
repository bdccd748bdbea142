//! An baseline for a Worker of the page: run, proved as far as intervals go, and attacked.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::attack::{begin, paint, progress};
use super::{epsilon_in_domain, js_error, to_js};
use crate::attack::{AttackError, Classifier, Grid, Run, label};
use crate::baseline::{BaselineClassifier, IntervalCertifier, Model};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What an baseline is and where it came from. */
export interface OrdinaryInfo {
  /** The layers from pixels to classes in words, such as "784-48-10", or "784-conv8k4s2-10" with
   *  a convolution of 8 channels, squares of 4×4 pixels and steps of 2; ReLU is between them. */
  architecture: string;
  classes: number;
  dataset: string;
  /** How it was trained. */
  recipe: 'standard' | 'adversarial' | 'ibp';
  /** The configuration of the training, as JSON. */
  config: string;
  /** A whole number of up to 64 bits. */
  seed: string;
  /** The command that made the network. */
  command: string;
  /** Fractions of the test set, `certified` at `epsilon` (of full scale 1, an exact decimal);
   *  null when not recorded. */
  accuracies: { epsilon: string; clean: number; certified: number } | null;
}

/** What an baseline makes of an image. Its logits have no unit. */
export interface OrdinaryVerdict {
  /** null in a tie, which is no label. */
  label: number | null;
  /** Per class. */
  logits: number[];
  /** How far intervals prove the label, in pixel levels; null when they do not prove it even for
   *  the image itself, as when rounding could decide. */
  radiusLevels: number | null;
}

/** Where the logits of an baseline can go when no pixel moves by more than ε. */
export interface OrdinaryBounds {
  /** Per class. */
  lower: number[];
  /** Per class. */
  upper: number[];
  /** Whether the label is proved at this ε. The proof compares classes pair by pair, which is
   *  stronger than comparing `lower` and `upper`: they may overlap where it succeeds. */
  certified: boolean;
}
"#;

/// A baseline, ready for images of its own size, with one attack at a time.
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
    #[wasm_bindgen(unchecked_return_type = "OrdinaryInfo")]
    pub fn info(&self) -> Result<JsValue, JsError> {
        let Model { plain, metadata } = &self.model;
        to_js(&OrdinaryInfo {
            architecture: plain.architecture(),
            classes: plain.classes(),
            dataset: &metadata.dataset,
            recipe: &metadata.recipe,
            config: &metadata.config,
            seed: metadata.seed.to_string(),
            command: &metadata.command,
            accuracies: metadata.accuracies.map(|accuracies| Accuracies {
                epsilon: accuracies.epsilon.to_string(),
                clean: accuracies.clean,
                certified: accuracies.certified,
            }),
        })
    }

    /// Label, logits and proved radius of an image, a byte for each of the network's inputs. Throws an `Error` for another
    /// length.
    #[wasm_bindgen(unchecked_return_type = "OrdinaryVerdict")]
    pub fn certify(&mut self, image: &[u8]) -> Result<JsValue, JsError> {
        self.check(image)?;
        let scale = self.scale.cast_signed();
        let input: Vec<_> = image
            .iter()
            .map(|&level| i32::from(level) * scale)
            .collect();
        let logits = self.classifier.logits(&input);
        let proof = IntervalCertifier::new(&self.model.plain, self.scale).certify(image);
        to_js(&OrdinaryVerdict {
            label: label(&logits),
            logits: logits
                .iter()
                .map(|logit| logit / f64::from(self.scale))
                .collect(),
            radius_levels: proof.map(|proof| f64::from(proof.radius) / f64::from(self.scale)),
        })
    }

    /// Where the logits of an image, a byte an input, can go when no pixel moves by more than
    /// `epsilonLevels`, rounded up to a multiple of 1/scale. Throws an `Error` for another length
    /// or an ε that is not a number from 0.
    #[wasm_bindgen(unchecked_return_type = "OrdinaryBounds")]
    pub fn bounds(
        &self,
        image: &[u8],
        #[wasm_bindgen(js_name = epsilonLevels)] epsilon_levels: f64,
    ) -> Result<JsValue, JsError> {
        self.check(image)?;
        let epsilon = epsilon_in_domain(epsilon_levels)?;
        let radius = (epsilon * f64::from(self.scale)).ceil() as u32;
        let certifier = IntervalCertifier::new(&self.model.plain, self.scale);
        let bounds = certifier.logit_bounds(image, radius);
        let certified = certifier
            .label(image)
            .is_some_and(|label| certifier.is_certified(image, label, radius));
        to_js(&OrdinaryBounds {
            lower: bounds.iter().map(|ends| ends[0]).collect(),
            upper: bounds.iter().map(|ends| ends[1]).collect(),
            certified,
        })
    }

    /// Begins an attack on the label of an image, a byte an input, in place of the one before.
    /// Throws an `Error` for another length, for settings that are none, and for an image whose
    /// largest logits are tied.
    pub fn start(
        &mut self,
        image: &[u8],
        #[wasm_bindgen(unchecked_param_type = "AttackSettings")] settings: JsValue,
    ) -> Result<(), JsError> {
        self.check(image)?;
        let proof = IntervalCertifier::new(&self.model.plain, self.scale).certify(image);
        let proved = proof.map(|proof| proof.radius);
        self.run = Some(begin(&mut self.classifier, image, proved, settings)?);
        Ok(())
    }

    /// Makes about `queries` more queries, fewer if the attack comes to its end, and tells what has
    /// come of all so far. Throws an `Error` when no attack was begun.
    #[wasm_bindgen(unchecked_return_type = "AttackProgress")]
    pub fn advance(&mut self, queries: u32) -> Result<JsValue, JsError> {
        let run = self
            .run
            .as_mut()
            .ok_or_else(|| JsError::new("no attack was begun; call start first"))?;
        run.advance(&mut self.classifier, queries.into());
        progress(run, &self.classifier)
    }

    /// The answer to an image that somebody painted, a level an input: every pixel is first brought to
    /// the nearest value within `epsilonLevels` of `image`, in 0…255 and on the grid. Throws an
    /// `Error` as `start` does.
    #[wasm_bindgen(unchecked_return_type = "Perturbed")]
    pub fn paint(
        &mut self,
        image: &[u8],
        painted: &[f32],
        #[wasm_bindgen(js_name = epsilonLevels)] epsilon_levels: f64,
        #[wasm_bindgen(unchecked_param_type = "Grid")] grid: JsValue,
    ) -> Result<JsValue, JsError> {
        let grid: Grid = serde_wasm_bindgen::from_value(grid).map_err(js_error)?;
        paint(&mut self.classifier, image, painted, epsilon_levels, grid)
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
struct OrdinaryInfo<'model> {
    architecture: String,
    classes: usize,
    dataset: &'model str,
    recipe: &'model str,
    config: &'model str,
    seed: String,
    command: &'model str,
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
struct OrdinaryVerdict {
    label: Option<usize>,
    logits: Vec<f64>,
    radius_levels: Option<f64>,
}

#[derive(Serialize)]
struct OrdinaryBounds {
    lower: Vec<f64>,
    upper: Vec<f64>,
    certified: bool,
}
