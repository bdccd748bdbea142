//! The schedule of a run: p, the learning rate and λ at each iteration.

use super::config::{LossConfig, TrainConfig};
use crate::norm_dist::Norm;

/// The settings of one iteration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepSettings {
    /// The norm of every layer.
    pub norm: Norm,
    /// Learning rate of weights and bias.
    pub learning_rate: f32,
    /// Learning rate of the logits' scale (mixture loss).
    pub scale_learning_rate: f32,
    /// Weight of the cross-entropy (mixture loss), 0 with the hinge loss.
    pub lambda: f32,
}

/// The schedule of a run, a function of the iteration alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    p_start: f32,
    p_end: f32,
    /// The iterations at which p starts to grow, at which it becomes ∞, and at which the run ends.
    until: [usize; 3],
    learning_rate: f32,
    loss: LossConfig,
}

impl Schedule {
    /// The schedule of `config` with `per_epoch` iterations an epoch.
    pub fn new(config: &TrainConfig, per_epoch: usize) -> Self {
        let growth = config.epochs_start + config.epochs_growth;
        Self {
            p_start: config.p_start,
            p_end: config.p_end,
            until: [config.epochs_start, growth, config.epochs()].map(|epochs| epochs * per_epoch),
            learning_rate: config.learning_rate,
            loss: config.loss,
        }
    }

    /// The number of iterations.
    pub fn iterations(&self) -> usize {
        self.until[2]
    }

    /// The settings of an iteration, counted from 0.
    ///
    /// p grows exponentially and is rounded to the nearest quick exponent ([`Norm::quick`]). λ falls
    /// exponentially along with it. The learning rate falls along half a cosine over the whole run.
    pub fn at(&self, iteration: usize) -> StepSettings {
        let [start, growth, end] = self.until;
        let part = |from: usize, to: usize| {
            (iteration.saturating_sub(from) as f64 / (to - from).max(1) as f64).min(1.0)
        };
        let progress = if iteration < start {
            0.0
        } else if iteration >= growth {
            1.0
        } else {
            part(start, growth)
        } as f32;
        let p = self.p_start * (self.p_end / self.p_start).powf(progress);
        let cosine = (0.5 * (1.0 + (std::f64::consts::PI * part(0, end)).cos())) as f32;
        let (lambda, scale_learning_rate) = match self.loss {
            LossConfig::Mixture {
                lambda_start,
                lambda_end,
                scale_learning_rate,
            } => (
                lambda_start * (lambda_end / lambda_start).powf(progress),
                scale_learning_rate,
            ),
            LossConfig::Hinge { .. } => (0.0, 0.0),
        };
        StepSettings {
            norm: if iteration >= growth {
                Norm::Inf
            } else {
                Norm::quick(p)
            },
            learning_rate: self.learning_rate * cosine,
            scale_learning_rate: scale_learning_rate * cosine,
            lambda,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule() -> Schedule {
        let config = TrainConfig {
            epochs_start: 2,
            epochs_growth: 6,
            epochs_inf: 2,
            ..TrainConfig::preset("tiny").unwrap()
        };
        Schedule::new(&config, 100)
    }

    #[test]
    fn p_waits_then_grows_then_is_infinite() {
        let schedule = schedule();
        let p = |iteration| schedule.at(iteration).norm;
        assert_eq!((p(0), p(200)), (Norm::P(8.0), Norm::P(8.0)));
        // Half way in the logarithm: √(8·1000) = 89.4, whose nearest quick exponent is 82.
        assert_eq!(p(500), Norm::P(82.0));
        // 1026 is the quick exponent nearest to 1000.
        assert_eq!(p(799), Norm::P(1026.0));
        assert_eq!(p(800), Norm::Inf);
    }

    #[test]
    fn the_learning_rate_falls_to_zero_along_half_a_cosine() {
        let schedule = schedule();
        let rate = |iteration| schedule.at(iteration).learning_rate;
        assert_eq!(rate(0), 0.02);
        assert!((rate(500) - 0.01).abs() < 1e-6);
        assert!(rate(999) < 1e-6 && rate(999) > 0.0);
        assert_eq!(schedule.iterations(), 1000);
    }

    #[test]
    fn lambda_falls_exponentially_with_the_progress_of_p() {
        let schedule = schedule();
        let lambda = |iteration| schedule.at(iteration).lambda;
        assert_eq!(lambda(100), 0.05);
        assert!((lambda(500) - (0.05f32 * 0.0002).sqrt()).abs() < 1e-5);
        assert!((lambda(900) - 0.0002).abs() < 1e-8);
    }
}
