//! The API of the exact network on the GPU: certificates of many images, and attacks that make their
//! perturbations on the device.
//!
//! Where the device fails, an attack goes on by itself on the CPU, and says so.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::adapter::adapter_family;
use super::attack::{AttackSettings, FoundShape, Progress, Units};
use super::{js_error, read_model, to_js};
use crate::attack::parallel::{Lanes, ParallelAttack, ParallelRun, ParallelSettings};
use crate::error::sentence;
use crate::exact::{ExactNet, Levels, Ticks};
use crate::gpu::{Device, GpuAttack, GpuAttacker, GpuCertifier};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** The adapter that was opened. */
export interface Adapter {
  name: string;
  /** Whether it is a program and no hardware. The CPU is faster then. */
  software: boolean;
}

export interface GpuProgress extends AttackProgress {
  /** Whether the GPU is at work. */
  onGpu: boolean;
  /** Why it is no longer, in a sentence; null while it is. */
  trouble: string | null;
}

/** What is proved of an image. */
export interface Proved {
  /** null in a tie. */
  label: number | null;
  marginLevels: number;
  /** null without a label. */
  lipschitzRadiusLevels: number | null;
  ibpRadiusLevels: number | null;
}
"#;

/// An exact network on the GPU. One call at a time: wait for each promise before the next call.
#[wasm_bindgen]
pub struct GpuNetwork {
    net: ExactNet,
    device: Device,
    attacker: GpuAttacker,
    certifier: Option<GpuCertifier>,
    attack: Option<Attack>,
}

/// An attack, and what the CPU needs to repeat it.
struct Attack {
    gpu: GpuAttack,
    twin: (ParallelRun, Lanes),
}

#[wasm_bindgen]
impl GpuNetwork {
    /// Opens the fastest adapter, even one that is a program, and reads an unpacked model file. Rejects
    /// with an `Error` where there is no adapter or something is wrong with the file.
    pub async fn open(model: Vec<u8>) -> Result<GpuNetwork, JsError> {
        let net = read_model(&model)?.net;
        let device = Device::open_naming(adapter_family)
            .await
            .map_err(js_error)?;
        let attacker = GpuAttacker::new(&device).map_err(js_error)?;
        Ok(Self {
            net,
            device,
            attacker,
            certifier: None,
            attack: None,
        })
    }

    /// The adapter.
    #[wasm_bindgen(unchecked_return_type = "Adapter")]
    pub fn adapter(&self) -> Result<JsValue, JsError> {
        to_js(&Adapter {
            name: self.device.name(),
            software: self.device.is_software(),
        })
    }

    /// Whether the device was lost or has failed: it answers no more.
    #[wasm_bindgen(getter, js_name = hasFailed)]
    pub fn has_failed(&self) -> bool {
        self.device.failure().is_some()
    }

    /// Begins an attack on the label of an image, a byte an input, in place of the one before. Throws an
    /// `Error` for another length, for invalid settings, for an attack that the GPU does not run, and for
    /// an image whose largest logits are tied.
    pub fn start(
        &mut self,
        image: &[u8],
        #[wasm_bindgen(unchecked_param_type = "AttackSettings")] settings: JsValue,
    ) -> Result<(), JsError> {
        let settings: AttackSettings<String> =
            serde_wasm_bindgen::from_value(settings).map_err(js_error)?;
        let attack = ParallelAttack::named(&settings.attack).ok_or_else(|| {
            JsError::new(&format!("the GPU runs no attack `{}`", settings.attack))
        })?;
        // Rounded down, so that no query is outside.
        let radius = settings.epsilon_levels.ticks_floor(self.net.scale());
        let settings = ParallelSettings::new(attack, radius, settings.grid, settings.seed);
        let certificate = self.net.evaluator().certificate(image).map_err(js_error)?;
        let label = certificate
            .label
            .ok_or_else(|| js_error(crate::attack::AttackError::Tie))?;
        let gpu = GpuAttack::new(&self.net, &self.attacker, image, label, settings);
        let twin = ParallelRun::new(&self.net, image, label, settings);
        self.attack = Some(Attack {
            gpu: gpu.map_err(js_error)?,
            twin: twin.map_err(js_error)?,
        });
        Ok(())
    }

    /// Takes at most `steps` steps more of every lane, some thousand queries each, and returns what all of
    /// them found. Rejects with an `Error` when no attack was begun.
    #[wasm_bindgen(unchecked_return_type = "GpuProgress")]
    pub async fn advance(&mut self, steps: u32) -> Result<JsValue, JsError> {
        let attack = self.attack.as_mut().ok_or_else(not_begun)?;
        attack.gpu.advance(&self.net, steps).await;
        let run = attack.gpu.run();
        let (scale, members) = (self.net.scale(), self.net.members());
        let found = run.strongest();
        to_js(&GpuProgress {
            progress: Progress {
                attack: run.attack(),
                done: run.is_done(),
                label: run.label(),
                queries: run.queries(),
                misclassified: run.misclassifications(),
                best: found.map(|found| FoundShape::new(found, Units { scale, members })),
                radius_levels: run.ball().radius().levels(scale),
                bracket: None,
            },
            on_gpu: attack.gpu.is_on_gpu(),
            trouble: attack
                .gpu
                .trouble()
                .map(|error| format!("{}; the CPU goes on", sentence(error))),
        })
    }

    /// Makes all queries so far on the CPU as well. Returns whether count, smallest margin and strongest
    /// image are the same. Later calls repeat only what has come since. Throws an `Error` when no attack
    /// was begun.
    pub fn compare(&mut self) -> Result<bool, JsError> {
        let attack = self.attack.as_mut().ok_or_else(not_begun)?;
        let gpu = attack.gpu.run();
        let (twin, lanes) = &mut attack.twin;
        while twin.queries() < gpu.queries() {
            twin.advance(lanes, 1);
        }
        Ok(twin.queries() == gpu.queries()
            && twin.misclassifications() == gpu.misclassifications()
            && twin.strongest() == gpu.strongest())
    }

    /// Label, margin and both radii of many images, a byte an input, one after another. Rejects with an
    /// `Error` for no whole number of images, or where the device fails.
    #[wasm_bindgen(unchecked_return_type = "Proved[]")]
    pub async fn certify(&mut self, images: Vec<u8>) -> Result<JsValue, JsError> {
        let certifier = match &self.certifier {
            Some(certifier) => certifier,
            None => {
                let certifier = GpuCertifier::new(&self.net, &self.device);
                self.certifier.insert(certifier.map_err(js_error)?)
            }
        };
        let certified = certifier.certify(&images).await.map_err(js_error)?;
        let (scale, members) = (self.net.scale(), self.net.members());
        let levels = |radius: Option<Ticks>| radius.map(|radius| radius.levels(scale));
        let proved = certified.iter().map(|certified| Proved {
            label: certified.label,
            margin_levels: certified.margin.levels(scale).get() / members as f64,
            lipschitz_radius_levels: levels(certified.lipschitz_radius),
            ibp_radius_levels: levels(certified.ibp_radius),
        });
        to_js(&proved.collect::<Vec<_>>())
    }

    /// Gives the GPU back. An attack goes on on the CPU.
    pub fn destroy(&self) {
        self.device.destroy();
    }
}

fn not_begun() -> JsError {
    JsError::new("no attack was begun; call start first")
}

// The shapes of `TYPES` above.

#[derive(Serialize)]
struct Adapter<'device> {
    name: &'device str,
    software: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GpuProgress {
    #[serde(flatten)]
    progress: Progress,
    on_gpu: bool,
    trouble: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Proved {
    label: Option<usize>,
    margin_levels: f64,
    lipschitz_radius_levels: Option<Levels>,
    ibp_radius_levels: Option<Levels>,
}
