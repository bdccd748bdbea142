//! Curves as CSV and JSON, one line or array entry a point.

use std::fmt::Write;

use serde::Serialize;

use super::curve::{Curve, POINTS, STEPS_PER_LEVEL, epsilon_levels};
use super::images::field;
use super::part::Part;
use super::sample::Survey;

/// One network on one set of images.
#[derive(Clone, Debug)]
pub struct Series {
    /// The network's name.
    pub network: String,
    /// SHA-256 of its model file.
    pub model_sha256: String,
    /// `linf-dist`, or the recipe of a baseline.
    pub kind: String,
    /// The data set's name.
    pub dataset: String,
    /// Which of its images.
    pub split: Part,
    /// The radius that the network was trained for, a decimal fraction of full scale; none if its file
    /// does not say.
    pub epsilon: Option<String>,
    /// What is proved.
    pub curve: Curve,
    /// What was tried, on a sample.
    pub survey: Option<Survey>,
}

impl Series {
    fn share(&self, count: u64) -> f64 {
        count as f64 / self.curve.images as f64
    }

    /// The shares at a point: certified by the Lipschitz radius and by IBP; of the sample, without a flip
    /// that was found, with the interval of that.
    fn at(&self, point: usize) -> (Option<f64>, f64, Option<[f64; 3]>) {
        let Curve {
            certified_lipschitz,
            certified_ibp,
            ..
        } = &self.curve;
        let lipschitz = certified_lipschitz.as_ref();
        let tried = self.survey.as_ref().filter(|survey| survey.images > 0);
        let tried = tried.map(|survey| {
            let [low, high] = survey.interval(point);
            [
                survey.unflipped[point] as f64 / survey.images as f64,
                low,
                high,
            ]
        });
        (
            lipschitz.map(|counts| self.share(counts[point])),
            self.share(certified_ibp[point]),
            tried,
        )
    }
}

/// Curves as CSV: a line for each network, set of images and ε. Accuracies are fractions of all images;
/// those under attack are fractions of the sample, with a 95 % confidence interval. What there is not is
/// empty. Names that hold a comma or a quotation mark are quoted.
pub fn curves_csv(series: &[Series]) -> String {
    let mut text = String::from(
        "network,kind,dataset,split,images,epsilon_levels,clean,certified_lipschitz,certified_ibp,\
         attacked_images,empirical_robust,empirical_robust_low,empirical_robust_high\n",
    );
    for one in series {
        let images = one.curve.images;
        let [network, kind, dataset] =
            [&one.network, &one.kind, &one.dataset].map(|name| quoted(name));
        let split = one.split.as_str();
        for point in 0..POINTS {
            let (lipschitz, ibp, tried) = one.at(point);
            let epsilon = epsilon_levels(point);
            let clean = one.share(one.curve.clean);
            write!(
                text,
                "{network},{kind},{dataset},{split},{images},{epsilon},{clean}"
            )
            .expect("a String takes all");
            field(&mut text, lipschitz);
            field(&mut text, Some(ibp));
            let sampled = tried.and(one.survey.as_ref());
            field(&mut text, sampled.map(|survey| survey.images));
            for end in 0..3 {
                field(&mut text, tried.map(|tried| tried[end]));
            }
            text.push('\n');
        }
    }
    text
}

/// A field of CSV (RFC 4180).
fn quoted(name: &str) -> String {
    match name.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.into(),
    }
}

/// Curves as one JSON object. `certified_…` and `empirical_robust…` have an entry for each
/// `epsilon_levels`.
pub fn curves_json(series: &[Series]) -> String {
    #[derive(Serialize)]
    struct Whole {
        steps_per_level: u32,
        epsilon_levels: Vec<f64>,
        curves: Vec<One>,
    }
    #[derive(Serialize)]
    struct One {
        network: String,
        model_sha256: String,
        kind: String,
        dataset: String,
        split: Part,
        epsilon: Option<String>,
        images: u64,
        clean: f64,
        certified_lipschitz: Option<Vec<f64>>,
        certified_ibp: Vec<f64>,
        attacked: Option<Attacked>,
    }
    #[derive(Serialize)]
    struct Attacked {
        images: u64,
        empirical_robust: Vec<f64>,
        empirical_robust_low: Vec<f64>,
        empirical_robust_high: Vec<f64>,
    }
    let curves = series.iter().map(|one| {
        let points: Vec<_> = (0..POINTS).map(|point| one.at(point)).collect();
        let part = |end: usize| {
            points
                .iter()
                .filter_map(|(.., tried)| Some((*tried)?[end]))
                .collect()
        };
        One {
            network: one.network.clone(),
            model_sha256: one.model_sha256.clone(),
            kind: one.kind.clone(),
            dataset: one.dataset.clone(),
            split: one.split,
            epsilon: one.epsilon.clone(),
            images: one.curve.images,
            clean: one.share(one.curve.clean),
            certified_lipschitz: points.iter().map(|(lipschitz, ..)| *lipschitz).collect(),
            certified_ibp: points.iter().map(|(_, ibp, _)| *ibp).collect(),
            attacked: one
                .survey
                .as_ref()
                .filter(|survey| survey.images > 0)
                .map(|survey| Attacked {
                    images: survey.images,
                    empirical_robust: part(0),
                    empirical_robust_low: part(1),
                    empirical_robust_high: part(2),
                }),
        }
    });
    let whole = Whole {
        steps_per_level: STEPS_PER_LEVEL,
        epsilon_levels: (0..POINTS).map(epsilon_levels).collect(),
        curves: curves.collect(),
    };
    serde_json::to_string(&whole).expect("strings and numbers are JSON")
}
