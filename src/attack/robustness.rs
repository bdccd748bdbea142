//! Evaluates a model's robustness image by image: its empirical robust accuracy, and attacks inside
//! certificates, where any misclassification would disprove the code that certified.
//!
//! The outcome of an image depends only on that image and the seed. So threads may share the images in
//! any order and add the outcomes.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::perturbation::Found;
use super::plan::{Attack, AttackName};
use super::run::{Run, Settings};
use super::{AttackError, Classifier, ExactClassifier, Grid};
use crate::exact::{DenseNet, ExactNet, Ticks};

/// Queries between two checks whether the image is misclassified.
const LOOK: u64 = 32;

/// What to do with every image.
#[derive(Clone, Debug)]
pub struct RobustnessEvaluation {
    /// The attack.
    pub attack: Attack,
    /// The radius at which the accuracy is measured.
    pub epsilon: Ticks,
    /// Everything random follows from it and the image's index.
    pub seed: u64,
    /// Queries inside every image's certificate.
    pub queries: u64,
    /// Of the perturbations inside certificates, one in so many, on average, is given to the
    /// plain reference too.
    pub sample_every: Option<NonZeroU64>,
}

/// The outcome for some images; outcomes are added.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Images seen.
    pub images: u64,
    /// Labelled rightly.
    pub clean: u64,
    /// Labelled rightly and proved at ε by interval bound propagation.
    pub certified: u64,
    /// Labelled rightly with no misclassification found at ε: the certified images, where there is
    /// none, and those that withstood every attack.
    pub empirical_robust: u64,
    /// Queries at ε, on images that are labelled rightly and not proved there.
    pub queries_at_epsilon: u64,
    /// Images misclassified at ε, by the attack that succeeded first.
    pub misclassifications_by: BTreeMap<AttackName, u64>,
    /// Images attacked inside their certificates.
    pub images_inside: u64,
    /// Queries inside certificates, at the largest radius that is proved, by attack.
    pub queries_inside_by: BTreeMap<AttackName, u64>,
    /// Of these, how many the plain reference has evaluated too.
    pub compared: u64,
    /// How many have other logits there: of these, and of each image's perturbation of the smallest margin,
    /// which the whole network evaluates.
    pub differences: u64,
    /// Perturbations inside certificates that are kept for a third evaluation, the first
    /// [`KEPT`] of them.
    pub kept: Vec<Kept>,
    /// Misclassifications inside a certificate: there must be none.
    pub violations: Vec<Violation>,
}

/// Perturbations that an [`Outcome`] keeps, at most one of each image.
pub const KEPT: usize = 64;

/// A perturbed image and its logits, as the attack saw them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The perturbed image in ticks.
    #[serde(rename = "input_ticks")]
    pub input: Vec<i32>,
    /// Its logits in ticks.
    #[serde(rename = "logits_ticks")]
    pub logits: Vec<i32>,
}

/// A misclassified perturbation within a proved radius.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Index of the image.
    pub image: u64,
    /// The proved radius.
    #[serde(rename = "radius_ticks")]
    pub radius: Ticks,
    /// Name of the method.
    pub attack: AttackName,
    /// The perturbed image in ticks.
    #[serde(rename = "input_ticks")]
    pub input: Vec<i32>,
}

impl RobustnessEvaluation {
    /// Attacks the image of an index, at ε and inside its certificate; `reference` is the dense
    /// form of the same net, without which nothing is compared with it.
    pub fn attack_image(
        &self,
        net: &ExactNet,
        reference: Option<&DenseNet>,
        index: u64,
        image: &[u8],
        label: usize,
    ) -> Result<Outcome, AttackError> {
        let pixels = AttackError::Pixels {
            found: image.len(),
            expected: net.inputs(),
        };
        let mut whole = net.evaluator();
        let certificate = whole.certificate(image).map_err(|_| pixels)?;
        let mut outcome = Outcome {
            images: 1,
            ..Outcome::default()
        };
        let classifier = &mut ExactClassifier::new(net);
        let seed = self.seed << 32 | index;
        if certificate.label == Some(label) {
            outcome.clean = 1;
            let proved = certificate.ibp_radius >= Some(self.epsilon);
            outcome.certified = proved.into();
            outcome.empirical_robust = 1;
            if !proved {
                self.attack_at_epsilon(classifier, seed, image, label, &mut outcome)?;
            }
        }
        if let (Some(own), Some(radius)) = (certificate.label, certificate.ibp_radius) {
            let run = self.attack_inside(classifier, seed, image, own, radius)?;
            outcome.images_inside = 1;
            outcome.queries_inside_by = run.queries_by().clone();
            let strongest = run
                .strongest()
                .filter(|found| found.perturbed.misclassified());
            outcome.violations.extend(strongest.map(|found| Violation {
                image: index,
                radius,
                attack: found.attack.into(),
                input: found.perturbed.input.clone(),
            }));
            outcome
                .kept
                .extend(run.samples().first().map(|sample| Kept {
                    input: sample.input.clone(),
                    // Integers all of them.
                    logits: sample.logits.iter().map(|logit| *logit as i32).collect(),
                }));
            // The attack evaluates a net restricted to the ball; the whole network checks its result.
            if let Some(Found { perturbed, .. }) = run.strongest() {
                let logits = whole.logits_at(&perturbed.input).ok();
                let same = logits.is_some_and(|logits| {
                    let logits = logits.iter().copied().map(f64::from);
                    logits.eq(perturbed.logits.iter().copied())
                });
                outcome.differences += u64::from(!same);
            }
            let samples = run.samples().iter();
            for (sample, reference) in samples.zip(reference.into_iter().cycle()) {
                let input: Vec<_> = sample.input.iter().copied().map(i64::from).collect();
                let logits = reference.logits(&input).into_iter();
                let same = logits
                    .map(|logit| logit as f64)
                    .eq(sample.logits.iter().copied());
                outcome.compared += 1;
                outcome.differences += u64::from(!same);
            }
        }
        Ok(outcome)
    }

    /// Attacks at ε until the image is misclassified or the attack ends.
    fn attack_at_epsilon(
        &self,
        classifier: &mut impl Classifier,
        seed: u64,
        image: &[u8],
        label: usize,
        outcome: &mut Outcome,
    ) -> Result<(), AttackError> {
        let mut settings = Settings::new(self.attack.clone(), self.epsilon, Grid::Ticks, seed);
        settings.rounds = Some(self.attack.rounds());
        let mut run = Run::new(classifier, image, label, settings)?;
        while !run.is_done() && run.misclassifications() == 0 {
            run.advance(classifier, LOOK);
        }
        outcome.queries_at_epsilon = run.queries();
        let strongest = run
            .strongest()
            .filter(|found| found.perturbed.misclassified());
        if let Some(found) = strongest {
            outcome.empirical_robust = 0;
            outcome.misclassifications_by.insert(found.attack.into(), 1);
        }
        Ok(())
    }

    /// Attacks at the largest proved radius with the given number of queries.
    fn attack_inside(
        &self,
        classifier: &mut impl Classifier,
        seed: u64,
        image: &[u8],
        label: usize,
        radius: Ticks,
    ) -> Result<Run, AttackError> {
        // Short rounds, so that a thousand queries hold every method.
        let attack = self.attack.clone().shortened();
        let mut settings = Settings::new(attack, radius, Grid::Ticks, seed);
        settings.rounds = None;
        settings.sample_every = self.sample_every;
        let mut run = Run::new(classifier, image, label, settings)?;
        run.advance(classifier, self.queries);
        Ok(run)
    }
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.images += other.images;
        self.clean += other.clean;
        self.certified += other.certified;
        self.empirical_robust += other.empirical_robust;
        self.queries_at_epsilon += other.queries_at_epsilon;
        self.images_inside += other.images_inside;
        self.compared += other.compared;
        self.differences += other.differences;
        self.violations.extend(other.violations);
        let room = KEPT.saturating_sub(self.kept.len());
        self.kept.extend(other.kept.into_iter().take(room));
        for (sums, counts) in [
            (&mut self.misclassifications_by, other.misclassifications_by),
            (&mut self.queries_inside_by, other.queries_inside_by),
        ] {
            for (attack, count) in counts {
                *sums.entry(attack).or_default() += count;
            }
        }
    }
}
