//! Time: the best of many runs, by two clocks.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use serde::Serialize;

/// The wall's time since it was first asked for.
#[cfg(feature = "webgpu")]
pub(super) fn since_start() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// How long something takes: the shortest run by each clock.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Time {
    /// Threads that took part.
    pub threads: usize,
    /// Seconds by the wall's clock.
    pub wall: f64,
    /// Seconds of processor time, of all threads together.
    pub processor: f64,
}

impl Time {
    /// Of one run.
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

    /// Of many runs, at least two, for as long as `patience` lasts.
    pub fn best(threads: usize, patience: Duration, run: impl FnMut()) -> Self {
        Turns::of(threads, patience, run, || ()).one
    }

    /// The shorter of two by each clock.
    pub fn shorter(self, other: Self) -> Self {
        Self {
            threads: self.threads,
            wall: self.wall.min(other.wall),
            processor: self.processor.min(other.processor),
        }
    }

    /// The same for each of `count` parts.
    pub fn per(self, count: usize) -> Self {
        Self {
            wall: self.wall / count as f64,
            processor: self.processor / count as f64,
            ..self
        }
    }

    /// The seconds that count: of one thread its processor time, which leaves out what other programs
    /// take; of several the wall's, since what a processor's clock says of threads that are still
    /// running can be far too little, and the best of many runs would be just that.
    pub fn seconds(self) -> f64 {
        match self.threads {
            1 => self.processor,
            _ => self.wall,
        }
    }
}

/// Two things that take turns. A processor's clock changes from second to second, and what it shares
/// with other programs too: both of a turn meet much the same.
pub(super) struct Turns {
    /// The best of one.
    pub one: Time,
    /// The best of the other.
    pub other: Time,
    /// How many times as long the other takes: the median over the turns.
    pub ratio: f64,
}

impl Turns {
    /// At least two turns, for as long as `patience` lasts.
    pub fn of(
        threads: usize,
        patience: Duration,
        mut one: impl FnMut(),
        mut other: impl FnMut(),
    ) -> Self {
        let begun = Instant::now();
        let mut turn = || (Time::of(threads, &mut one), Time::of(threads, &mut other));
        // The first warms up caches, and memory that is used for the first time.
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
    fn two_take_turns_at_least_twice() {
        let order = RefCell::new(String::new());
        let run = |name| order.borrow_mut().push(name);
        let turns = Turns::of(3, Duration::ZERO, || run('a'), || run('b'));
        assert_eq!(*order.borrow(), "abab");
        assert_eq!((turns.one.threads, turns.other.threads), (3, 3));
    }
}
