//! The attacks' types in JavaScript, the same for every network under attack.
//!
//! The library counts in ticks of 1/S of a pixel level; JavaScript gets levels.

use js_sys::{Float32Array, Uint8Array};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

#[cfg(any(feature = "certify", feature = "baseline"))]
use super::{js_error, to_js};
#[cfg(any(feature = "certify", feature = "baseline"))]
use crate::attack::parallel::ParallelAttack;
#[cfg(any(feature = "certify", feature = "baseline"))]
use crate::attack::{Attack, AttackError, Ball, Classifier, Run, Settings, own_label};
use crate::attack::{Found, Grid, Perturbed};
use crate::exact::Levels;
#[cfg(any(feature = "certify", feature = "baseline"))]
use crate::exact::Ticks;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** The name of an attack: one of `attacks()`. `all` runs the others by turns until it is stopped.
 *  `min_norm`, the minimum-norm attack, does so at one radius after the other and searches for the
 *  smallest that changes the label. */
export type AttackName = string;

/** An attack that there is. */
export interface AttackInfo {
  name: AttackName;
  /** The name for people. */
  title: string;
  /** What it does, in a few words. */
  summary: string;
  /** Whether a GPU runs it too, in many lanes at once. */
  onGpu: boolean;
}

/** Which values a perturbed pixel may take: whole levels, as in a picture, or every tick of
 *  1/scale of a level, as the certificate covers. */
export type Grid = 'levels' | 'ticks';

export interface AttackSettings {
  attack: AttackName;
  /** No pixel moves by more than this; rounded down to the grid. For `min_norm` the largest radius
   *  that is tried: 255 searches everywhere. */
  epsilonLevels: number;
  grid: Grid;
  /** A whole number from 0 to 2^32 - 1: the same seed, the same queries. */
  seed: number;
}

/** A perturbed image and what the network makes of it. */
export interface Perturbed {
  /** A number a pixel, in levels. */
  levels: Float32Array;
  /** The same as bytes; null when some pixel is no whole level. */
  image: Uint8Array | null;
  /** Per class, in levels; the average over the members of the network. */
  logits: number[];
  /** null when the largest logits are tied, which counts as misclassified. */
  label: number | null;
  /** Whether the attacked label does not have the largest logit alone. */
  misclassified: boolean;
  /** How far the attacked label is above every other; at most 0 when misclassified. */
  marginLevels: number;
  /** The largest change of a pixel. */
  radiusLevels: number;
}

/** A perturbation, and when it was found. */
export interface Found extends Perturbed {
  /** The attack that found it; never `all` or `min_norm`. */
  attack: AttackName;
  /** Queries of the run up to and including this one. */
  queries: number;
  /** Steps of the attack since its last start. */
  steps: number;
}

export interface AttackProgress {
  /** The attack at work; with `all` and `min_norm` the one whose turn it is. */
  attack: AttackName;
  /** Whether the attack has ended; `random` and `all` never do. */
  done: boolean;
  /** The label under attack: the network's own for the image. */
  label: number;
  /** Perturbed images evaluated so far. */
  queries: number;
  /** How many of them are misclassified. */
  misclassified: number;
  /** The perturbation of the smallest margin so far; null before the first query. With `min_norm`
   *  the misclassified one of the smallest radius, once there is one. */
  best: Found | null;
  /** The radius at which perturbations are tried. */
  radiusLevels: number;
  /** With `min_norm` only: it is proved that no perturbation up to `provedLevels` changes the label
   *  (null: nothing is proved); one of `brokenLevels` does (null: none is found yet). */
  bracket: { provedLevels: number | null; brokenLevels: number | null } | null;
}
"#;

#[cfg(any(feature = "certify", feature = "baseline"))]
/// The attacks that there are: each method by itself, then `min_norm`, then `all`.
#[wasm_bindgen(unchecked_return_type = "AttackInfo[]")]
pub fn attacks() -> Result<JsValue, JsError> {
    let attacks = Attack::registered();
    let info = |attack: &Attack| AttackInfo {
        name: attack.name(),
        title: attack.title(),
        summary: attack.summary(),
        on_gpu: ParallelAttack::named(attack.name()).is_some(),
    };
    to_js(&attacks.iter().map(info).collect::<Vec<_>>())
}

/// The shape of `AttackInfo` above.
#[cfg(any(feature = "certify", feature = "baseline"))]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AttackInfo {
    name: &'static str,
    title: &'static str,
    summary: &'static str,
    on_gpu: bool,
}

/// The shape of `AttackSettings` above. `attack` is a name, or what one stands for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AttackSettings<Attack> {
    pub(super) attack: Attack,
    pub(super) epsilon_levels: Levels,
    pub(super) grid: Grid,
    pub(super) seed: u32,
}

/// What logits and pixels are counted in.
#[derive(Clone, Copy)]
pub(super) struct Units {
    /// Ticks per level.
    pub(super) scale: u32,
    /// Of the network, whose logits are sums over them.
    pub(super) members: usize,
}

#[cfg(any(feature = "certify", feature = "baseline"))]
impl Units {
    fn of(classifier: &impl Classifier) -> Self {
        Self {
            scale: classifier.scale(),
            members: classifier.members(),
        }
    }
}

#[cfg(any(feature = "certify", feature = "baseline"))]
/// Begins the attack that JavaScript describes on the label that the network gives to `image`;
/// `proved` is the radius that is proved for it.
pub(super) fn begin(
    classifier: &mut impl Classifier,
    image: &[u8],
    proved: Option<Ticks>,
    settings: JsValue,
) -> Result<Run, JsError> {
    let AttackSettings::<Attack> {
        attack,
        epsilon_levels,
        grid,
        seed,
    } = serde_wasm_bindgen::from_value(settings).map_err(js_error)?;
    // Rounded down, so that no query is outside.
    let radius = epsilon_levels.ticks_floor(classifier.scale());
    let label = own_label(classifier, image).map_err(js_error)?;
    let mut settings = Settings::new(attack, radius, grid, seed.into());
    settings.proved = proved;
    Run::new(classifier, image, label, settings).map_err(js_error)
}

#[cfg(any(feature = "certify", feature = "baseline"))]
/// What a run has found so far, as `AttackProgress`.
pub(super) fn progress(run: &Run, classifier: &impl Classifier) -> Result<JsValue, JsError> {
    let scale = classifier.scale();
    to_js(&Progress {
        attack: run.attack(),
        done: run.is_done(),
        label: run.label(),
        queries: run.queries(),
        misclassified: run.misclassifications(),
        best: run
            .strongest()
            .map(|found| FoundShape::new(found, Units::of(classifier))),
        radius_levels: run.ball().radius().levels(scale),
        bracket: run.bracket().map(|bracket| BracketShape {
            proved_levels: bracket.proved.map(|radius| radius.levels(scale)),
            broken_levels: bracket.broken.map(|radius| radius.levels(scale)),
        }),
    })
}

#[cfg(any(feature = "certify", feature = "baseline"))]
/// Evaluates an image that somebody painted, `[inputs]` levels, as `Perturbed`: the nearest image that is
/// within `epsilon` of `image` and in 0…255.
pub(super) fn paint(
    classifier: &mut impl Classifier,
    image: &[u8],
    painted: &[f32],
    epsilon: Levels,
    grid: Grid,
) -> Result<JsValue, JsError> {
    let label = own_label(classifier, image).map_err(js_error)?;
    let scale = classifier.scale();
    let ball = Ball::new(image, scale, epsilon.ticks_floor(scale), grid);
    let (found, expected) = (painted.len(), ball.pixels());
    if found != expected {
        return Err(js_error(AttackError::Pixels { found, expected }));
    }
    let perturbed = Perturbed::evaluate(classifier, &ball, label, ball.nearest(painted));
    to_js(&PerturbedShape::new(&perturbed, Units::of(classifier)))
}

// The shapes of `TYPES` above.

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Progress {
    pub(super) attack: &'static str,
    pub(super) done: bool,
    pub(super) label: usize,
    pub(super) queries: u64,
    pub(super) misclassified: u64,
    pub(super) best: Option<FoundShape>,
    pub(super) radius_levels: Levels,
    pub(super) bracket: Option<BracketShape>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BracketShape {
    proved_levels: Option<Levels>,
    broken_levels: Option<Levels>,
}

#[derive(Serialize)]
pub(super) struct FoundShape {
    #[serde(flatten)]
    perturbed: PerturbedShape,
    attack: &'static str,
    queries: u64,
    steps: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PerturbedShape {
    #[serde(with = "serde_wasm_bindgen::preserve")]
    levels: Float32Array,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    image: JsValue,
    logits: Vec<f64>,
    label: Option<usize>,
    misclassified: bool,
    margin_levels: f64,
    radius_levels: Levels,
}

impl FoundShape {
    pub(super) fn new(found: &Found, units: Units) -> Self {
        Self {
            perturbed: PerturbedShape::new(&found.perturbed, units),
            attack: found.attack,
            queries: found.queries,
            steps: found.steps,
        }
    }
}

impl PerturbedShape {
    fn new(perturbed: &Perturbed, Units { scale, members }: Units) -> Self {
        // As the certifier gives them: averages over the members.
        let average = |sum: f64| sum / f64::from(scale) / members as f64;
        // Pixels in ticks stay below 2²⁴, so single precision holds them too.
        let ticks = perturbed.input.iter();
        let levels: Vec<_> = ticks.map(|&ticks| ticks as f32 / scale as f32).collect();
        let whole = levels.iter().all(|level| level.fract() == 0.0);
        let bytes: Vec<_> = levels.iter().map(|&level| level as u8).collect();
        let logits = perturbed.logits.iter();
        Self {
            image: if whole {
                Uint8Array::from(bytes.as_slice()).into()
            } else {
                JsValue::NULL
            },
            levels: levels.as_slice().into(),
            logits: logits.map(|&sum| average(sum)).collect(),
            label: perturbed.label(),
            misclassified: perturbed.misclassified(),
            margin_levels: average(perturbed.margin),
            radius_levels: perturbed.radius.levels(scale),
        }
    }
}
