//! The attack API of the exact network.

use wasm_bindgen::prelude::*;

use super::attack::{begin, paint, progress};
use super::{js_error, read_model};
use crate::attack::{Entered, ExactClassifier, Grid, Run};
use crate::exact::{ExactNet, Levels};

/// An exact network under attack, one attack at a time.
#[wasm_bindgen]
pub struct Attacker {
    net: ExactNet,
    run: Option<Run>,
    entered: Entered,
}

#[wasm_bindgen]
impl Attacker {
    /// Reads an unpacked model file. Throws an `Error` that says what is wrong with it.
    #[wasm_bindgen(constructor)]
    pub fn new(model: &[u8]) -> Result<Attacker, JsError> {
        let net = read_model(model)?.net;
        Ok(Self {
            net,
            run: None,
            entered: Entered::default(),
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
        let certificate = self.net.evaluator().certificate(image).map_err(js_error)?;
        let classifier = &mut ExactClassifier::new(&self.net);
        self.run = Some(begin(classifier, image, certificate.ibp_radius, settings)?);
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
        let mut classifier = ExactClassifier::resumed(&self.net, std::mem::take(&mut self.entered));
        run.advance(&mut classifier, queries.into());
        let progress = progress(run, &classifier);
        self.entered = classifier.leave();
        progress
    }

    /// Evaluates an image that somebody painted, a level an input. Every pixel is first brought to the
    /// nearest value within `epsilonLevels` of `image`, in 0…255 and on the grid. Throws an `Error`
    /// as `start` does.
    #[wasm_bindgen(unchecked_return_type = "Perturbed")]
    pub fn paint(
        &self,
        image: &[u8],
        painted: &[f32],
        #[wasm_bindgen(js_name = epsilonLevels)] epsilon_levels: f64,
        #[wasm_bindgen(unchecked_param_type = "Grid")] grid: JsValue,
    ) -> Result<JsValue, JsError> {
        let grid: Grid = serde_wasm_bindgen::from_value(grid).map_err(js_error)?;
        paint(
            &mut ExactClassifier::new(&self.net),
            image,
            painted,
            Levels::new(epsilon_levels).map_err(js_error)?,
            grid,
        )
    }
}
