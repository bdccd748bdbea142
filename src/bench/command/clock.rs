//! Measures time: the best of many runs, by two clocks.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use serde::Serialize;

/// Wall time since the first call.
#[cfg(feature = "webgpu")]
pub(super) fn since_start() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// A duration by two clocks; of several runs the shortest by each clock.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Time {
    /// Number of threads.
    pub threads: usize,
    /// Seconds of wall time.
    pub wall: f64,
    /// Seconds of processor time, of all threads together.
    pub processor: f64,
}

impl Time {
    /// Measures one run.
    pub fn of(threads: usize, run: impl FnOnce()) -> Self {
        let (wall, processor) = (Instant::now(), ProcessTime::now());
        run();
        let processor = processor.elapsed().as_secs_f64();
        Self {
            threads,
            wall: wall.elapsed().as_secs_f64(),
            processor,
        }
    }

    /// Measures many runs, at least two, until `patience` has passed.
    pub fn best(threads: usize, patience: Duration, run: impl FnMut()) -> Self {
        Turns::of(threads, patience, run, || ()).one
    }

    /// Returns the shorter of two durations by each clock.
    pub fn shorter(self, other: Self) -> Self {
        Self {
            threads: self.threads,
            wall: self.wall.min(other.wall),
            processor: self.processor.min(other.processor),
        }
    }

    /// Divides the duration by `count`.
    pub fn per(self, count: usize) -> Self {
        Self {
            wall: self.wall / count as f64,
            processor: self.processor / count as f64,
            ..self
        }
    }

    /// Returns the seconds that are reported: processor time for one thread, which leaves out other
    /// programs; wall time for several. The processor's clock can report far too little for threads that
    /// are still running, and the best of many runs would select just that.
    pub fn seconds(self) -> f64 {
        match self.threads {
            1 => self.processor,
            _ => self.wall,
        }
    }
}

/// Times of two workloads that alternate. A processor's clock rate and the load of other programs
/// change from second to second, and both runs of a turn see much the same.
pub(super) struct Turns {
    /// The best time of the first workload.
    pub one: Time,
    /// The best time of the other workload.
    pub other: Time,
    /// The other's time divided by the first's: the median over the turns.
    pub ratio: f64,
}

impl Turns {
    /// Runs at least two turns, until `patience` has passed.
    pub fn of(
        threads: usize,
        patience: Duration,
        mut one: impl FnMut(),
        mut other: impl FnMut(),
    ) -> Self {
        let begun = Instant::now();
        let mut turn = || (Time::of(threads, &mut one), Time::of(threads, &mut other));
        // The first turn warms up caches and freshly allocated memory.
        let mut best = turn();
        let mut ratios = Vec::new();
        loop {
            let (one, other) = turn();
            ratios.push(other.seconds() / one.seconds());
            best = (best.0.shorter(one), best.1.shorter(other));
            if begun.elapsed() >= patience {
                break;
            }
        }
        ratios.sort_by(f64::total_cmp);
        Self {
            one: best.0,
            other: best.1,
            ratio: ratios[ratios.len() / 2],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn two_workloads_alternate_at_least_twice() {
        let order = RefCell::new(String::new());
        let run = |name| order.borrow_mut().push(name);
        let turns = Turns::of(3, Duration::ZERO, || run('a'), || run('b'));
        assert_eq!(*order.borrow(), "abab");
        assert_eq!((turns.one.threads, turns.other.threads), (3, 3));
    }
}
