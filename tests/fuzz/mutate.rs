//! Mutations of files: of their bytes, and of the numbers that they have in writing.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Numbers at which arithmetic tends to break, in writing.
const WRITTEN: [&str; 16] = [
    "0",
    "-1",
    "1",
    "2",
    "255",
    "65536",
    "2147483647",
    "-2147483648",
    "4294967296",
    "9007199254740993",
    "18446744073709551615",
    "1e39",
    "-0",
    "1e-320",
    "NaN",
    "0.3000000000000001",
];
/// The same in bytes.
const NUMBERS: [u64; 10] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x7f80_0000,
    u64::MAX,
];
/// The most changes of one input.
const MOST: u32 = 6;

/// Makes one mutation after the other, in an order that its seed decides.
pub struct Mutator<'seeds> {
    seeds: &'seeds [Vec<u8>],
    random: ChaCha8Rng,
    input: Vec<u8>,
}

impl<'seeds> Mutator<'seeds> {
    pub fn new(seeds: &'seeds [Vec<u8>], seed: u64) -> Self {
        Self {
            seeds,
            random: ChaCha8Rng::seed_from_u64(seed),
            input: Vec::new(),
        }
    }

    /// The next input.
    pub fn next(&mut self) -> &[u8] {
        let from = self.random.random_range(0..self.seeds.len());
        self.input.clear();
        self.input.extend_from_slice(&self.seeds[from]);
        // Most often only a few: what is changed all over is refused at its first byte.
        let changes = 1 + self.random.random_range(0..MOST) * self.random.random_range(0..2);
        for _ in 0..changes {
            self.change();
        }
        &self.input
    }

    /// A place, near the beginning as often as anywhere: that is where headers are.
    fn place(&mut self) -> usize {
        let near = self.random.random_bool(0.5);
        let end = if near {
            self.input.len().min(64)
        } else {
            self.input.len()
        };
        self.random.random_range(0..end)
    }

    fn change(&mut self) {
        if self.input.is_empty() {
            self.input.push(self.random.random());
            return;
        }
        let at = self.place();
        match self.random.random_range(0..10) {
            0 => self.input[at] ^= 1 << self.random.random_range(0..8),
            1 => self.input[at] = self.random.random(),
            2 => {
                let number = NUMBERS[self.random.random_range(0..NUMBERS.len())].to_le_bytes();
                let width = [1, 2, 4, 8][self.random.random_range(0..4)];
                for (byte, new) in self.input[at..].iter_mut().zip(&number[..width]) {
                    *byte = *new;
                }
            }
            3 => self.input.truncate(at),
            4 => {
                let end = self.input.len().min(at + self.random.random_range(1..32));
                self.input.drain(at..end);
            }
            5 => {
                let end = self.input.len().min(at + self.random.random_range(1..32));
                let part = self.input[at..end].to_vec();
                let to = self.place();
                self.input.splice(to..to, part);
            }
            6 => {
                let from = self.random.random_range(0..self.seeds.len());
                let other = &self.seeds[from];
                let start = self.random.random_range(0..=other.len());
                let end = other.len().min(start + self.random.random_range(1..64));
                self.input.splice(at..at, other[start..end].iter().copied());
            }
            _ => self.rewrite_a_number(),
        }
    }

    /// Puts another number in the place of one that is in writing, if there is any.
    fn rewrite_a_number(&mut self) {
        let is_part = |byte: &u8| byte.is_ascii_digit() || b"-.".contains(byte);
        let from = self.random.random_range(0..self.input.len());
        let found = self.input[from..].iter().position(u8::is_ascii_digit);
        let Some(start) = found.map(|found| from + found) else {
            return;
        };
        let rest = self.input[start..].iter();
        let end = start + rest.take_while(|byte| is_part(byte)).count();
        let number = WRITTEN[self.random.random_range(0..WRITTEN.len())];
        self.input.splice(start..end, number.bytes());
    }
}

#[test]
fn the_same_seed_makes_the_same_inputs() {
    let seeds = [b"one 17".to_vec(), b"and another, 4.5".to_vec()];
    let inputs = |seed| {
        let mut mutator = Mutator::new(&seeds, seed);
        (0..500)
            .map(|_| mutator.next().to_vec())
            .collect::<Vec<_>>()
    };
    assert_eq!(inputs(7), inputs(7));
    assert_ne!(inputs(7), inputs(8));
}
