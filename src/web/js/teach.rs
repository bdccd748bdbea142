//! Teaching a network a visitor's images: what `linf teach` does, pass by pass, with the same bits.

use std::borrow::Cow;
use std::sync::Arc;

use wasm_bindgen::prelude::*;

use super::{js_error, read_model};
use crate::data::datasets::{DatasetDescription, Normalisation};
use crate::data::{Dataset, sha256_hex};
use crate::exact::Metadata;
use crate::exact::teach::{TeachConfig, Teaching};

/// Teaches an exact network a few images, pass by pass.
#[wasm_bindgen]
pub struct Teacher {
    teaching: Teaching<'static>,
    metadata: Metadata,
    sha256: String,
    passes: u32,
}

#[wasm_bindgen]
impl Teacher {
    /// Begins to teach the network of an unpacked model file the `images`, `[n, inputs]`, with their
    /// `labels`, `[n]`, and to remind it of `before`, the first `reminderPool()` training images, with
    /// theirs. Throws an `Error` if the file is no model or the images do not fit it.
    #[wasm_bindgen(constructor)]
    pub fn new(
        model: &[u8],
        images: Vec<u8>,
        labels: Vec<u8>,
        before: Vec<u8>,
        #[wasm_bindgen(js_name = beforeLabels)] before_labels: Vec<u8>,
        seed: u32,
    ) -> Result<Teacher, JsError> {
        let sha256 = sha256_hex(model);
        let model = read_model(model)?;
        let (net, metadata) = (model.net, model.metadata);
        // Of its images a teaching knows only how large they are.
        let description = Arc::new(DatasetDescription::in_memory(
            &metadata.dataset,
            [1, net.inputs()],
            net.classes(),
            Normalisation::IDENTITY,
        ));
        let set = |images, labels| Dataset {
            description: Arc::clone(&description),
            images,
            labels,
        };
        let new = set(images, labels);
        let before = set(before, before_labels);
        let config = TeachConfig::usual(&net, metadata.epsilon, seed.into());
        let teaching = Teaching::new(&net, &new, Cow::Owned(before), config).map_err(js_error)?;
        Ok(Self {
            teaching,
            metadata,
            sha256,
            passes: config.passes,
        })
    }

    /// How many passes there are.
    #[wasm_bindgen(getter)]
    pub fn passes(&self) -> u32 {
        self.passes
    }

    /// Does one pass, and says how many are done. Throws an `Error` if the weights have moved too far.
    pub fn step(&mut self) -> Result<u32, JsError> {
        self.teaching.step().map_err(js_error)?;
        Ok(self.teaching.passes_done())
    }

    /// The model file of the network as it is now. Throws an `Error` if it cannot be written.
    pub fn model(&self) -> Result<Vec<u8>, JsError> {
        let (metadata, sha256) = (&self.metadata, self.sha256.clone());
        let model = self.teaching.model(metadata, sha256, metadata.epsilon);
        Ok(model.map_err(js_error)?.to_bytes())
    }
}
