//! Random numbers from a counter: any of them is computed by itself, on any processor.
//!
//! The generator is pcg4d of Jarzynski and Olano, *Hash Functions for GPU Rendering*, Journal of Computer
//! Graphics Techniques 9(3), 2020: four words from four, in some thirty 32-bit operations. It is good
//! enough to perturb images, and ten times cheaper than a generator of cryptographic descent, where making
//! an image would take longer than evaluating it. `random.wgsl` is its twin.

/// Hashes four words.
pub(super) fn pcg4d(counter: [u32; 4]) -> [u32; 4] {
    let mix = |[x, y, z, w]: [u32; 4]| {
        let x = x.wrapping_add(y.wrapping_mul(w));
        let y = y.wrapping_add(z.wrapping_mul(x));
        let z = z.wrapping_add(x.wrapping_mul(y));
        let w = w.wrapping_add(y.wrapping_mul(z));
        [x, y, z, w]
    };
    let spread = |word: u32| word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    mix(mix(counter.map(spread)).map(|word| word ^ word >> 16))
}

/// The numbers of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(pub(super) [u32; 4]);

impl Key {
    /// The key of a method's round under a seed.
    pub(super) fn new(seed: u32, method: u32, round: u64) -> Self {
        let (low, high) = (round as u32, (round >> 32) as u32);
        // Twice, since counters of neighbouring rounds are to have nothing in common.
        Self(pcg4d(pcg4d([seed, method, low, high])))
    }

    /// Four words for a block of four pixels, or for anything else that is counted.
    pub(super) fn words(self, block: u32, lane: u32, step: u32) -> [u32; 4] {
        let counter = [block, lane, step, 0];
        pcg4d(std::array::from_fn(|at| {
            counter[at].wrapping_add(self.0[at])
        }))
    }

    /// The word of one pixel, or of one column of stripes.
    pub(super) fn word(self, at: usize, lane: u32, step: u32) -> u32 {
        self.words(at as u32 / 4, lane, step)[at % 4]
    }
}

/// The number in `0..count` that a word stands for. Some are likelier than others by `count / 2³²`.
pub(super) fn below(count: u32, word: u32) -> u32 {
    ((u64::from(count) * u64::from(word)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_paper() {
        // Computed once, in Python, with the code that the paper prints.
        assert_eq!(
            pcg4d([0; 4]),
            [251_852_841, 760_645_481, 850_445_371, 3_542_436_074]
        );
        assert_eq!(
            pcg4d([1, 2, 3, 4]),
            [908_250_390, 4_044_648_920, 3_775_961_919, 45_698_095]
        );
    }

    #[test]
    fn a_word_stands_for_every_number_below_the_count() {
        assert_eq!(below(7, 0), 0);
        assert_eq!(below(7, u32::MAX), 6);
        assert_eq!(below(1, u32::MAX), 0);
        let mut counts = [0; 5];
        let key = Key::new(1, 2, 3);
        for pixel in 0..10_000 {
            counts[below(5, key.word(pixel, 4, 5)) as usize] += 1;
        }
        // Five standard deviations are 200.
        assert!(
            counts.iter().all(|count| (1800..2200).contains(count)),
            "{counts:?}"
        );
    }
}
