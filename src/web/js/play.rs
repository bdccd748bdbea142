//! What the Worker of *Play* calls: a game, its steps, its frames.

use wasm_bindgen::prelude::*;

use super::{js_error, to_js};
use crate::web::{Play, PlayConfig, PlayHyperparameters};

/// Two networks that learn the same points of two pixels.
#[wasm_bindgen]
pub struct PlaySession {
    play: Play,
}

#[wasm_bindgen]
impl PlaySession {
    /// Begins a game with points, `[n, 2]` pixel levels, and their labels, `[n]`. Throws an `Error` that
    /// says what cannot be.
    #[wasm_bindgen(constructor)]
    pub fn new(
        #[wasm_bindgen(unchecked_param_type = "PlayConfig")] config: JsValue,
        pixels: &[u8],
        labels: &[u8],
    ) -> Result<PlaySession, JsError> {
        console_error_panic_hook::set_once();
        let config: PlayConfig = serde_wasm_bindgen::from_value(config).map_err(js_error)?;
        let play = Play::new(&config, pixels, labels).map_err(js_error)?;
        Ok(Self { play })
    }

    /// Changes hyperparameters before the next step. Throws an `Error`, changing nothing, for a value out
    /// of range.
    pub fn change(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "PlayHyperparameters")] hyperparameters: JsValue,
    ) -> Result<(), JsError> {
        let hyperparameters: PlayHyperparameters =
            serde_wasm_bindgen::from_value(hyperparameters).map_err(js_error)?;
        self.play.change(hyperparameters).map_err(js_error)
    }

    /// Trains both networks for up to `steps` steps. Throws an `Error` when one of them diverges.
    pub fn advance(&mut self, steps: usize) -> Result<(), JsError> {
        self.play.advance(steps).map_err(js_error)
    }

    /// Both networks now, with maps of `side` times `side` images; `side` is a power of two up to 256.
    #[wasm_bindgen(unchecked_return_type = "PlayFrame")]
    pub fn frame(&mut self, side: usize) -> Result<JsValue, JsError> {
        to_js(&self.play.frame(side).map_err(js_error)?)
    }

    /// What is true of all 65,536 images in both networks.
    #[wasm_bindgen(unchecked_return_type = "PlayTruth")]
    pub fn truth(&mut self) -> Result<JsValue, JsError> {
        to_js(&self.play.truth().map_err(js_error)?)
    }

    /// Where every unit of the first hidden layer of the ℓ∞-dist net decides, with maps of `side` times
    /// `side` images.
    #[wasm_bindgen(unchecked_return_type = "PlayUnits")]
    pub fn units(&mut self, side: usize) -> Result<JsValue, JsError> {
        to_js(&self.play.units(side).map_err(js_error)?)
    }

    /// Steps done.
    #[wasm_bindgen(getter)]
    pub fn iteration(&self) -> usize {
        self.play.iteration()
    }

    /// Whether the run has ended.
    #[wasm_bindgen(getter, js_name = isFinished)]
    pub fn is_finished(&self) -> bool {
        self.play.is_finished()
    }
}
