//! All images of a labelled set: certified accuracy as a function of ε, what attacks leave of a sample,
//! and the files that both are written to.
//!
//! An image's radii do not depend on ε. So one pass over the images gives an [`ImageRecord`] each, and
//! a [`Curve`] counts them at every ε. [`Survey`] does the same for a sample that was attacked: the
//! smallest flip that was found of each image counts at every ε as well. The first is proved, the second
//! is only tried, and no name here mixes them.
//!
//! The command line and the page write their files here, so that both hold the same bytes. Nothing here
//! depends on Burn, a GPU or JavaScript.

mod curve;
mod images;
mod part;
mod report;
mod sample;
mod svg;

pub use crate::exact::ImageRecord;
pub use curve::{Curve, POINTS, STEPS_PER_LEVEL, epsilon_levels};
pub use images::{ImagesFile, images_csv, images_json};
pub use part::Part;
pub use report::{Series, curves_csv, curves_json};
pub use sample::{
    SURVEY_QUERIES, Survey, Tried, image_seed, sample_order, try_image, wilson_interval,
};
pub use svg::{PALETTE, Picture, curves_svg};
