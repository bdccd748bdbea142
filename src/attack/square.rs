//! Square attack (Andriushchenko, Croce, Flammarion, Hein, ECCV 2020): a random search that needs
//! no gradient. Squares of ever smaller size are moved to one end of the ball; what lowers the
//! margin stays.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::perturbation::Record;
use super::{Ball, Change, Classifier};

/// Share of the image that the first squares cover.
const FIRST_SHARE: f64 = 0.8;

/// After how many of 10,000 queries the share of a square is halved; the paper's schedule.
const HALVINGS: [u64; 9] = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];

/// One round.
#[derive(Clone, Debug)]
pub(super) struct SquareRound {
    input: Vec<i32>,
    margin: f64,
    /// Queries so far, and in all.
    queries: u32,
    limit: u32,
}

impl SquareRound {
    /// Begins a round of `limit` queries with vertical stripes one pixel wide, each at a random end of the
    /// ball.
    pub(super) fn new(
        limit: u32,
        classifier: &mut impl Classifier,
        ball: &Ball,
        rng: &mut ChaCha8Rng,
        record: &mut Record,
    ) -> Self {
        let [_, columns] = ball.shape();
        let ends: Vec<bool> = (0..columns).map(|_| rng.random()).collect();
        let input: Vec<_> = (0..ball.pixels())
            .map(|pixel| ball.end(pixel, ends[pixel % columns]))
            .collect();
        let logits = classifier.logits(&input);
        let margin = record.count(ball, &input, &logits);
        Self {
            input,
            margin,
            queries: 1,
            limit,
        }
    }

    /// Makes the round's image the base of changes, after others have used the classifier.
    pub(super) fn resume(&self, classifier: &mut impl Classifier) {
        classifier.hold(&self.input);
    }

    /// Tries one square. Returns whether the round goes on.
    pub(super) fn step(
        &mut self,
        classifier: &mut impl Classifier,
        ball: &Ball,
        rng: &mut ChaCha8Rng,
        record: &mut Record,
    ) -> bool {
        let [rows, columns] = ball.shape();
        let width = width(ball.shape(), self.queries, self.limit);
        let height = width.min(rows);
        let mut place = |last| rng.random_range(0..=last);
        let (row, column) = (place(rows - height), place(columns - width));
        let square = || {
            (row..row + height).flat_map(move |row| {
                (column..column + width).map(move |column| row * columns + column)
            })
        };
        let changes_to = |input: &[i32], upper: bool| -> Vec<Change> {
            let ends = square().map(|pixel| Change {
                pixel,
                value: ball.end(pixel, upper),
            });
            ends.filter(|change| input[change.pixel] != change.value)
                .collect()
        };
        let upper = rng.random();
        let mut changes = changes_to(&self.input, upper);
        if changes.is_empty() {
            changes = changes_to(&self.input, !upper);
        }
        let before: Vec<_> = changes
            .iter()
            .map(|change| self.input[change.pixel])
            .collect();
        for change in &changes {
            self.input[change.pixel] = change.value;
        }
        let logits = classifier.try_changes(&changes);
        let margin = record.count(ball, &self.input, &logits);
        if margin < self.margin {
            self.margin = margin;
            classifier.keep_changes();
        } else {
            for (change, before) in changes.iter().zip(before) {
                self.input[change.pixel] = before;
            }
        }
        self.queries += 1;
        record.steps += 1;
        self.queries < self.limit
    }
}

/// Width of the square after so many queries of `limit`, in images of that shape.
fn width([rows, columns]: [usize; 2], queries: u32, limit: u32) -> usize {
    let of_10_000 = u64::from(queries) * 10_000 / u64::from(limit.max(1));
    let halvings = HALVINGS.iter().filter(|&&from| of_10_000 > from).count();
    let share = FIRST_SHARE / f64::from(1 << halvings);
    let width = (share * (rows * columns) as f64).sqrt().round() as usize;
    width.clamp(1, (columns - 1).max(1))
}
