//! Square attack (Andriushchenko, Croce, Flammarion, Hein, ECCV 2020): a random search that needs
//! no gradient. Squares of ever smaller size are moved to one end of the ball; what lowers the
//! margin stays.

use std::sync::Arc;

use rand::RngExt;

use super::method::{Context, Method, Round};
use super::{Change, Classifier};

/// Share of the image that the first squares cover.
const FIRST_SHARE: f64 = 0.8;

/// After how many of 10,000 queries the share of a square is halved; the paper's schedule.
const HALVINGS: [u64; 9] = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];

/// Square attack.
#[derive(Clone, Copy, Debug)]
pub struct Square {
    /// Queries of a round, to which its schedule of sizes is scaled.
    pub queries: u32,
}

impl Default for Square {
    fn default() -> Self {
        Self { queries: 5000 }
    }
}

impl Method for Square {
    fn name(&self) -> &'static str {
        "square"
    }

    fn title(&self) -> &'static str {
        "Square"
    }

    fn summary(&self) -> &'static str {
        "random squares, without a gradient"
    }

    fn shortened(&self) -> Option<Arc<dyn Method>> {
        Some(Arc::new(Self { queries: 400 }))
    }

    /// Begins with vertical stripes one pixel wide, each at a random end of the ball.
    fn begin(&self, context: &mut Context<'_>, _round: u64) -> Box<dyn Round> {
        let ball = context.ball;
        let [_, columns] = ball.shape();
        let ends: Vec<bool> = (0..columns).map(|_| context.rng.random()).collect();
        let input: Vec<_> = (0..ball.pixels())
            .map(|pixel| ball.end(pixel, ends[pixel % columns]))
            .collect();
        let (_, margin) = context.query_one(&input);
        Box::new(SquareRound {
            input,
            margin,
            queries: 1,
            limit: self.queries,
        })
    }
}

#[derive(Debug)]
struct SquareRound {
    input: Vec<i32>,
    margin: f64,
    /// Queries so far, and in all.
    queries: u32,
    limit: u32,
}

impl Round for SquareRound {
    fn resume(&self, classifier: &mut dyn Classifier) {
        classifier.hold(&self.input);
    }

    /// Tries one square.
    fn step(&mut self, context: &mut Context<'_>) -> bool {
        let (ball, rng) = (context.ball, &mut *context.rng);
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
        let (_, margin) = context.query_changes(&changes, &self.input);
        if margin < self.margin {
            self.margin = margin;
            context.classifier.keep_changes();
        } else {
            for (change, before) in changes.iter().zip(before) {
                self.input[change.pixel] = before;
            }
        }
        self.queries += 1;
        context.count_step();
        self.queries < self.limit
    }
}

/// Width of the square after so many queries of `limit`, in images of that shape.
pub(super) fn width([rows, columns]: [usize; 2], queries: u32, limit: u32) -> usize {
    let of_10_000 = u64::from(queries) * 10_000 / u64::from(limit.max(1));
    let halvings = HALVINGS.iter().filter(|&&from| of_10_000 > from).count();
    let share = FIRST_SHARE / f64::from(1 << halvings);
    let width = (share * (rows * columns) as f64).sqrt().round() as usize;
    width.clamp(1, (columns - 1).max(1))
}
