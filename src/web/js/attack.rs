//! The shapes in which the page speaks of attacks: the same for every network under attack.
//!
//! Inside, lengths are in units of 1/S of a pixel level; the page shows levels.

use js_sys::{Float32Array, Uint8Array};
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use super::{epsilon_in_domain, js_error, to_js};
use crate::attack::{
    Attack, AttackError, Ball, Classifier, Found, Grid, Perturbed, Run, Settings, own_label,
};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** `all` takes the attacks by turns, until it is stopped; `smallest` does so at one radius after
 *  the other, in search of the smallest that misclassified the label. */
export type AttackName = 'random' | 'fgsm' | 'pgd' | 'path' | 'square' | 'all' | 'smallest';

/** Which values a perturbed pixel may take: whole levels, as in a picture, or every unit of
 *  1/scale of a level, as the certificate covers. */
export type Grid = 'levels' | 'units';

export interface AttackSettings {
  attack: AttackName;
  /** No pixel moves by more than this; cut to the grid. For `smallest` the largest radius that is
   *  looked at: 255 to find a flip wherever it is. */
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
  /** null in a tie, which is no label and counts as a flip. */
  label: number | null;
  /** Whether the attacked label is lost. */
  misclassified: boolean;
  /** How far the attacked label is above every other; at most 0 when it is lost. */
  marginLevels: number;
  /** The largest change of a pixel. */
  radiusLevels: number;
}

/** A perturbation, and when it was found. */
export interface Found extends Perturbed {
  /** Never `all` or `smallest`, but the one of them that found it. */
  attack: AttackName;
  /** The how-manieth try of the run it was, from 1. */
  queries: number;
  /** How many steps the attack had taken from its last start. */
  steps: number;
}

export interface AttackProgress {
  /** The attack at work; of `all` and `smallest`, the one whose turn it is. */
  attack: AttackName;
  /** Whether the attack has come to its end; `random` and `all` never do. */
  done: boolean;
  /** The label under attack: the network's own for the image. */
  label: number;
  /** Perturbed images evaluated so far. */
  queries: number;
  /** How many of them lost the label. */
  misclassified: number;
  /** The perturbation of the smallest margin so far; null before the first try. Of `smallest` the
   *  flip of the smallest radius, once there is one. */
  best: Found | null;
  /** The radius at which perturbations are tried. */
  radiusLevels: number;
  /** Of `smallest` only: no perturbation up to `provedLevels` misclassified the label, which is proved
   *  (null: nothing is); one of `brokenLevels` does (null: none was found yet). */
  bracket: { provedLevels: number | null; brokenLevels: number | null } | null;
}
"#;

/// The shape of `AttackSettings` above.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttackSettings {
    attack: Attack,
    epsilon_levels: f64,
    grid: Grid,
    seed: u32,
}

/// Begins the attack that JavaScript describes on the label that `target` gives to `image`;
/// `proved` is the radius in units that is proved for it.
pub(super) fn begin(
    classifier: &mut impl Classifier,
    image: &[u8],
    proved: Option<u32>,
    settings: JsValue,
) -> Result<Run, JsError> {
    let AttackSettings {
        attack,
        epsilon_levels,
        grid,
        seed,
    } = serde_wasm_bindgen::from_value(settings).map_err(js_error)?;
    let radius = radius(classifier, epsilon_levels)?;
    let label = own_label(classifier, image).map_err(js_error)?;
    let mut settings = Settings::new(attack, radius, grid, seed.into());
    settings.proved = proved;
    Run::new(classifier, image, label, settings).map_err(js_error)
}

/// What has come of a run so far, as `AttackProgress`.
pub(super) fn progress(run: &Run, classifier: &impl Classifier) -> Result<JsValue, JsError> {
    let scale = classifier.scale();
    to_js(&Progress {
        attack: run.attack(),
        done: run.is_done(),
        label: run.label(),
        queries: run.queries(),
        misclassified: run.misclassified(),
        best: run
            .strongest()
            .map(|found| FoundShape::new(found, classifier)),
        radius_levels: in_levels(run.ball().radius(), scale),
        bracket: run.bracket().map(|bracket| BracketShape {
            proved_levels: bracket.proved.map(|units| in_levels(units, scale)),
            broken_levels: bracket.broken.map(|units| in_levels(units, scale)),
        }),
    })
}

/// The answer to an image that somebody painted, `[inputs]` levels: the nearest that is within
/// `epsilon_levels` of `image` and in 0…255, as `Perturbed`.
pub(super) fn paint(
    classifier: &mut impl Classifier,
    image: &[u8],
    painted: &[f32],
    epsilon_levels: f64,
    grid: Grid,
) -> Result<JsValue, JsError> {
    let label = own_label(classifier, image).map_err(js_error)?;
    let ball = Ball::new(
        image,
        classifier.scale(),
        radius(classifier, epsilon_levels)?,
        grid,
    );
    let (found, expected) = (painted.len(), ball.pixels());
    if found != expected {
        return Err(js_error(AttackError::Pixels { found, expected }));
    }
    let perturbed = Perturbed::evaluate(classifier, &ball, label, ball.nearest(painted));
    to_js(&PerturbedShape::new(&perturbed, classifier))
}

/// ε in units, rounded down, so that no try is outside.
fn radius(classifier: &impl Classifier, epsilon_levels: f64) -> Result<u32, JsError> {
    let units = (epsilon_in_domain(epsilon_levels)? * f64::from(classifier.scale())).floor();
    Ok(units as u32)
}

/// Units of 1/`scale` of a level to levels; exact, since S is a power of two.
fn in_levels(units: impl Into<f64>, scale: u32) -> f64 {
    units.into() / f64::from(scale)
}

// The shapes of `TYPES` above.

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    attack: Attack,
    done: bool,
    label: usize,
    queries: u64,
    misclassified: u64,
    best: Option<FoundShape>,
    radius_levels: f64,
    bracket: Option<BracketShape>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BracketShape {
    proved_levels: Option<f64>,
    broken_levels: Option<f64>,
}

#[derive(Serialize)]
struct FoundShape {
    #[serde(flatten)]
    perturbed: PerturbedShape,
    attack: Attack,
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
    radius_levels: f64,
}

impl FoundShape {
    fn new(found: &Found, classifier: &impl Classifier) -> Self {
        Self {
            perturbed: PerturbedShape::new(&found.perturbed, classifier),
            attack: found.attack,
            queries: found.queries,
            steps: found.steps,
        }
    }
}

impl PerturbedShape {
    fn new(perturbed: &Perturbed, classifier: &impl Classifier) -> Self {
        let scale = classifier.scale();
        // As the certifier gives them: averages over the members.
        let average = |sum: f64| in_levels(sum, scale) / classifier.members() as f64;
        // Pixels in units stay below 2²⁴, so single precision holds them too.
        let units = perturbed.input.iter();
        let levels: Vec<_> = units.map(|&units| units as f32 / scale as f32).collect();
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
            radius_levels: in_levels(perturbed.radius, scale),
        }
    }
}
