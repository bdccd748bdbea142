//! What the page measures with: certificates of many images as typed arrays, the search for the smallest
//! flip of one, and the curves and files made of both.
//!
//! JavaScript holds the images and what is known of them. Here they are counted and written, by the code
//! that the command line has too.

use js_sys::Int32Array;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::{js_error, to_js};
use crate::attack::Classifier;
use crate::exact::{ImageRecord, Ticks};
use crate::measure::{image_seed, try_image};

/// The shape of `ImageCertificates`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ImageCertificates {
    #[serde(with = "serde_wasm_bindgen::preserve")]
    predicted: Int32Array,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    margin_ticks: Int32Array,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    lipschitz_radius_ticks: Int32Array,
    #[serde(with = "serde_wasm_bindgen::preserve")]
    ibp_radius_ticks: Int32Array,
}

impl ImageCertificates {
    /// The records as JavaScript gets them, without their labels, which it knows.
    pub(super) fn of(records: &[ImageRecord]) -> Result<JsValue, JsError> {
        let column = |value: fn(&ImageRecord) -> Option<i32>| {
            let values: Vec<i32> = records.iter().map(|one| value(one).unwrap_or(-1)).collect();
            Int32Array::from(values.as_slice())
        };
        to_js(&Self {
            predicted: column(|one| one.predicted.and_then(|label| i32::try_from(label).ok())),
            margin_ticks: column(|one| one.margin.map(Ticks::signed)),
            lipschitz_radius_ticks: column(|one| one.lipschitz_radius.map(Ticks::signed)),
            ibp_radius_ticks: column(|one| one.ibp_radius.map(Ticks::signed)),
        })
    }
}

/// A length that JavaScript gives; -1 stands for none.
fn ticks(length: i32) -> Option<Ticks> {
    u32::try_from(length).ok().map(Ticks::new)
}

/// Searches for the smallest flip of an image that is labelled rightly, outside of the proved radius (-1:
/// nothing is proved). Returns its radius in ticks; -1 if none was found.
pub(super) fn search(
    classifier: &mut impl Classifier,
    image: &[u8],
    label: u8,
    ibp_radius_ticks: i32,
    queries: u32,
    seed: u32,
    index: u32,
) -> Result<i32, JsError> {
    let record = ImageRecord {
        label,
        predicted: Some(label.into()),
        margin: None,
        lipschitz_radius: None,
        ibp_radius: ticks(ibp_radius_ticks),
    };
    let seed = image_seed(seed, index);
    let tried = try_image(classifier, image, &record, queries.into(), seed);
    let flip = tried.map_err(js_error)?.flip;
    Ok(flip.map_or(-1, Ticks::signed))
}

#[cfg(feature = "certify")]
pub use files::*;

#[cfg(feature = "certify")]
mod files {
    use js_sys::{Float64Array, Uint32Array};
    use serde::Deserialize;

    use super::super::certify::Certifier;
    use super::*;
    use crate::attack::ExactClassifier;
    use crate::data::sha256_hex;
    use crate::measure::{
        Curve, ImagesFile, Part, Picture, Series, Survey, Tried, curves_csv, curves_json,
        curves_svg, images_csv, images_json, sample_order as order,
    };

    #[wasm_bindgen(typescript_custom_section)]
    const TYPES: &str = r#"
/** How many images are certified at each half level from 0 to 255: 511 points. */
export interface CertifiedCurve {
  images: number;
  /** Labelled rightly. */
  clean: number;
  /** Labelled rightly, with a Lipschitz radius of at least ε; null for a network without such radii. */
  certifiedLipschitz: Uint32Array | null;
  /** Labelled rightly, with an IBP radius of at least ε. */
  certifiedIbp: Uint32Array;
}

/** What attacks leave of a sample at each half level from 0 to 255. */
export interface SurveyCurve {
  /** Images of the sample. */
  images: number;
  /** Labelled rightly, and no flip within ε was found. */
  unflipped: Uint32Array;
  /** The 95 % confidence interval of that share. */
  low: Float64Array;
  high: Float64Array;
}

/** What a set of measured images is of. */
export interface MeasuredAbout {
  /** The network's name. */
  network: string;
  modelSha256: string;
  /** `linf-dist`, or the recipe of a baseline. */
  kind: string;
  dataset: string;
  /** Which images: a published half, those held out of images of somebody's own, or others of theirs. */
  split: 'test' | 'training' | 'held-out' | 'own';
  /** The number of the first image. */
  first: number;
  /** Ticks per pixel level. */
  scale: number;
  /** Members of an ensemble; 1 for any other network. */
  members: number;
  /** The radius that the network was trained for, a decimal fraction; null if that is not known. */
  epsilon: string | null;
  /** For the picture: a colour as in CSS, and a letter. */
  colour: string;
  letter: string;
}
"#;

    #[wasm_bindgen]
    extern "C" {
        /// What TypeScript calls it.
        #[wasm_bindgen(typescript_type = "MeasuredAbout")]
        pub type About;
    }

    /// The shape of `MeasuredAbout`.
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct AboutShape {
        network: String,
        model_sha256: String,
        kind: String,
        dataset: String,
        split: Part,
        first: usize,
        scale: u32,
        members: usize,
        epsilon: Option<String>,
        colour: String,
        letter: char,
    }

    #[wasm_bindgen]
    impl Certifier {
        /// Searches for the smallest change, in whole levels, that flips `label` of an image, a byte an
        /// input, outside of the proved radius `ibpRadiusTicks` (-1: nothing is proved), with about so
        /// many queries. Returns its radius in ticks, or -1 if none was found. `seed` and `index` decide
        /// everything random. Throws an `Error` for another length or label.
        #[wasm_bindgen(js_name = smallestFlip)]
        pub fn smallest_flip(
            &self,
            image: &[u8],
            label: u8,
            #[wasm_bindgen(js_name = ibpRadiusTicks)] ibp_radius_ticks: i32,
            queries: u32,
            seed: u32,
            index: u32,
        ) -> Result<i32, JsError> {
            let classifier = &mut ExactClassifier::new(&self.model.net);
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
    }

    /// SHA-256 of bytes in lower-case hexadecimal.
    #[wasm_bindgen]
    pub fn sha256(bytes: &[u8]) -> String {
        sha256_hex(bytes)
    }

    /// The order in which images are attacked: all numbers below `images`, as `seed` has it. The first N
    /// are a random sample.
    #[wasm_bindgen(js_name = sampleOrder)]
    pub fn sample_order(images: u32, seed: u32) -> Vec<u32> {
        order(images, seed.into())
    }

    /// Images of one set with what is known of them: measured by one network.
    #[wasm_bindgen]
    pub struct Measured {
        about: AboutShape,
        records: Vec<ImageRecord>,
        tried: Vec<Tried>,
    }

    #[wasm_bindgen]
    impl Measured {
        /// Takes the first images of a set: their labels, and of each what `ImageCertificates` says. Throws
        /// an `Error` if their numbers differ, or for a scale or number of members of 0.
        #[wasm_bindgen(constructor)]
        pub fn new(
            about: About,
            labels: &[u8],
            predicted: &[i32],
            #[wasm_bindgen(js_name = marginTicks)] margin_ticks: &[i32],
            #[wasm_bindgen(js_name = lipschitzRadiusTicks)] lipschitz_radius_ticks: &[i32],
            #[wasm_bindgen(js_name = ibpRadiusTicks)] ibp_radius_ticks: &[i32],
        ) -> Result<Measured, JsError> {
            let about: AboutShape =
                serde_wasm_bindgen::from_value(about.into()).map_err(js_error)?;
            if about.scale == 0 || about.members == 0 {
                return Err(JsError::new("scale and members must be at least 1"));
            }
            let columns = [
                predicted,
                margin_ticks,
                lipschitz_radius_ticks,
                ibp_radius_ticks,
            ];
            if columns.iter().any(|column| column.len() != labels.len()) {
                return Err(JsError::new("the columns are not of one length"));
            }
            let record = |(at, &label): (usize, &u8)| ImageRecord {
                label,
                predicted: usize::try_from(predicted[at]).ok(),
                margin: ticks(margin_ticks[at]),
                lipschitz_radius: ticks(lipschitz_radius_ticks[at]),
                ibp_radius: ticks(ibp_radius_ticks[at]),
            };
            Ok(Self {
                about,
                records: labels.iter().enumerate().map(record).collect(),
                tried: Vec::new(),
            })
        }

        /// Adds the sample that was attacked: the numbers of its images, and of each the smallest flip in
        /// ticks, -1 where none was found or the label is wrong. Throws an `Error` for a number of none of
        /// the images.
        pub fn attacked(&mut self, images: &[u32], flips: &[i32]) -> Result<(), JsError> {
            let tried = images.iter().zip(flips).map(|(&image, &flip)| {
                let record = self.records.get(image as usize);
                let record =
                    record.ok_or_else(|| JsError::new("an attacked image is not there"))?;
                Ok(Tried {
                    is_right: record.is_right(),
                    flip: ticks(flip),
                })
            });
            self.tried = tried.collect::<Result<_, JsError>>()?;
            Ok(())
        }

        /// What is proved.
        #[wasm_bindgen(unchecked_return_type = "CertifiedCurve")]
        pub fn curve(&self) -> Result<JsValue, JsError> {
            let curve = Curve::new(self.about.scale, &self.records);
            to_js(&CurveShape {
                images: curve.images,
                clean: curve.clean,
                certified_lipschitz: match &curve.certified_lipschitz {
                    Some(counts) => counts_to_js(counts).into(),
                    None => JsValue::NULL,
                },
                certified_ibp: counts_to_js(&curve.certified_ibp),
            })
        }

        /// What attacks leave of the sample.
        #[wasm_bindgen(unchecked_return_type = "SurveyCurve")]
        pub fn survey(&self) -> Result<JsValue, JsError> {
            let survey = Survey::new(self.about.scale, &self.tried);
            let ends = |end: usize| {
                let ends = (0..survey.unflipped.len()).map(|point| survey.interval(point)[end]);
                Float64Array::from(ends.collect::<Vec<_>>().as_slice())
            };
            to_js(&SurveyShape {
                images: survey.images,
                unflipped: counts_to_js(&survey.unflipped),
                low: ends(0),
                high: ends(1),
            })
        }

        /// A line for each image, as CSV.
        pub fn csv(&self) -> String {
            images_csv(&self.file(), &self.records)
        }

        /// The same as JSON.
        pub fn json(&self) -> String {
            images_json(&self.file(), &self.records)
        }

        fn file(&self) -> ImagesFile {
            let about = &self.about;
            ImagesFile {
                network: about.network.clone(),
                model_sha256: about.model_sha256.clone(),
                dataset: about.dataset.clone(),
                split: about.split,
                first: about.first,
                scale: about.scale,
                members: about.members,
            }
        }
    }

    /// Curves of several networks, to be written to one file.
    #[wasm_bindgen]
    #[derive(Default)]
    pub struct Curves {
        series: Vec<(Series, String, char)>,
    }

    #[wasm_bindgen]
    impl Curves {
        /// None yet.
        #[wasm_bindgen(constructor)]
        pub fn new() -> Self {
            Self::default()
        }

        /// Adds what was measured.
        pub fn add(&mut self, measured: &Measured) {
            let Measured {
                about,
                records,
                tried,
            } = measured;
            let series = Series {
                network: about.network.clone(),
                model_sha256: about.model_sha256.clone(),
                kind: about.kind.clone(),
                dataset: about.dataset.clone(),
                split: about.split,
                epsilon: about.epsilon.clone(),
                curve: Curve::new(about.scale, records),
                survey: (!tried.is_empty()).then(|| Survey::new(about.scale, tried)),
            };
            self.series
                .push((series, about.colour.clone(), about.letter));
        }

        /// A line for each network, set of images and ε, as CSV.
        pub fn csv(&self) -> String {
            curves_csv(&self.plain())
        }

        /// The same as JSON.
        pub fn json(&self) -> String {
            curves_json(&self.plain())
        }

        /// The same as a picture.
        pub fn svg(&self) -> String {
            let pictures = self.series.iter().map(|(series, colour, letter)| Picture {
                series,
                colour,
                letter: *letter,
            });
            curves_svg(&pictures.collect::<Vec<_>>())
        }

        fn plain(&self) -> Vec<Series> {
            self.series
                .iter()
                .map(|(series, ..)| series.clone())
                .collect()
        }
    }

    fn counts_to_js(counts: &[u64]) -> Uint32Array {
        let counts = counts
            .iter()
            .map(|&count| u32::try_from(count).unwrap_or(u32::MAX));
        Uint32Array::from(counts.collect::<Vec<_>>().as_slice())
    }

    /// The shape of `CertifiedCurve`.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct CurveShape {
        images: u64,
        clean: u64,
        #[serde(with = "serde_wasm_bindgen::preserve")]
        certified_lipschitz: JsValue,
        #[serde(with = "serde_wasm_bindgen::preserve")]
        certified_ibp: Uint32Array,
    }

    /// The shape of `SurveyCurve`.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct SurveyShape {
        images: u64,
        #[serde(with = "serde_wasm_bindgen::preserve")]
        unflipped: Uint32Array,
        #[serde(with = "serde_wasm_bindgen::preserve")]
        low: Float64Array,
        #[serde(with = "serde_wasm_bindgen::preserve")]
        high: Float64Array,
    }
}
