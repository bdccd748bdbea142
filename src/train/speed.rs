//! How long a run takes on this machine, from the speed of the very kernels measured at a few p.
//!
//! A step's cost is that of its distance terms, forward and backward; how much one costs depends
//! on p, by a factor of ten. So a small layer is timed at several p and a run is priced by its
//! schedule. Everything else a step does is small beside that and is left out.

use std::time::Duration;

use super::config::TrainConfig;
use super::schedule::Schedule;
use crate::data::{CLASSES, PIXELS};
use crate::norm_dist::{Norm, Sizes, cpu};

/// The p at which the kernels are timed; a run's p is priced like the nearest of them.
const TIMED: [Norm; 6] = [
    Norm::P(8.0),
    Norm::P(24.0),
    Norm::P(64.0),
    Norm::P(200.0),
    Norm::P(700.0),
    Norm::Inf,
];
/// The layer that is timed: large enough for the kernels' tiles, small enough to take no time.
const SIZES: Sizes = Sizes {
    batch: 32,
    outputs: 64,
    inputs: PIXELS,
};
/// Timings of each p, of which the best counts: the first of them warm up caches and compilers.
const REPEATS: usize = 6;

/// Seconds per distance term at each of [`TIMED`], forward and backward together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Speed([f64; TIMED.len()]);

impl Speed {
    /// Times the kernels, which takes a fraction of a second. `clock` is the time since any moment.
    pub fn measure(clock: fn() -> Duration) -> Self {
        // No two values alike and none near the other side, as in a real layer.
        let wave = |k: usize| ((k * 7919) % 1009) as f32 / 500.0 - 1.0;
        let x: Vec<f32> = (0..SIZES.batch * SIZES.inputs).map(wave).collect();
        let w: Vec<f32> = (0..SIZES.outputs * SIZES.inputs)
            .map(|k| 1.7 * wave(k + 13))
            .collect();
        let grad = vec![1.0; SIZES.batch * SIZES.outputs];
        let terms = (SIZES.batch * SIZES.outputs * SIZES.inputs) as f64;
        Self(TIMED.map(|norm| {
            let timings = (0..REPEATS).map(|_| {
                let start = clock();
                let u = cpu::forward(&x, &w, SIZES, norm);
                cpu::backward(&x, &w, &u, &grad, SIZES, norm);
                (clock() - start).as_secs_f64()
            });
            timings.fold(f64::INFINITY, f64::min) / terms
        }))
    }

    /// Seconds of one step with `terms` distance terms.
    fn step(&self, norm: Norm, terms: f64) -> f64 {
        let log = |norm| match norm {
            Norm::P(p) => f32::ln(p),
            // Farther than any finite p that is timed.
            Norm::Inf => f32::MAX,
        };
        let away = |timed: Norm| (log(timed) - log(norm)).abs();
        let nearest = (0..TIMED.len())
            .min_by(|&a, &b| away(TIMED[a]).total_cmp(&away(TIMED[b])))
            .expect("some p are timed");
        self.0[nearest] * terms
    }

    /// Seconds from iteration `from` up to `to` of a run.
    pub fn seconds(
        &self,
        config: &TrainConfig,
        schedule: &Schedule,
        from: usize,
        to: usize,
    ) -> f64 {
        let terms = terms_per_step(config);
        (from..to)
            .map(|iteration| self.step(schedule.at(iteration).norm, terms))
            .sum()
    }
}

/// Distance terms of one step: batch times the number of weights.
fn terms_per_step(config: &TrainConfig) -> f64 {
    let widths = [PIXELS].into_iter().chain(config.hidden.iter().copied());
    let next = config.hidden.iter().copied().chain([CLASSES]);
    let weights: usize = widths
        .zip(next)
        .map(|(inputs, outputs)| inputs * outputs)
        .sum();
    (config.batch * weights) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_costs_its_terms_at_the_p_of_each_step() {
        // p = 8 costs one unit a term, p = ∞ a tenth; the rest is not met here.
        let speed = Speed([1.0, 0.0, 0.0, 0.0, 0.0, 0.1]);
        let config = TrainConfig {
            hidden: vec![3],
            batch: 2,
            epochs_start: 1,
            epochs_growth: 0,
            epochs_inf: 1,
            ..TrainConfig::preset("tiny").unwrap()
        };
        let terms = 2.0 * (784.0 * 3.0 + 3.0 * 10.0);
        let schedule = Schedule::new(&config, 5);
        let seconds = speed.seconds(&config, &schedule, 0, 10);
        assert!((seconds - terms * (5.0 + 0.5)).abs() < 1e-6, "{seconds}");
        assert_eq!(speed.seconds(&config, &schedule, 10, 10), 0.0);
    }
}
