//! Random numbers that are the same everywhere: a stream for each purpose, told by its name alone.
//!
//! The bits are those of ChaCha with 8 rounds, whose key is the [`Stream`]'s name itself. Different
//! names are different keys, so that no stream tells anything about another, and whoever needs the
//! numbers of item 17 in epoch 3 gets them without drawing those of any other item: neither the order
//! of the work nor the number of threads matters.
//!
//! What is made of the bits is defined here and not by a library whose next version may draw otherwise.
//! Only additions, products, square roots and comparisons decide over a number's bits.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// What random numbers are for; eight bytes, by convention a word filled up with spaces.
///
/// ```
/// use upconv_data::random::Purpose;
/// const DROPOUT: Purpose = Purpose(*b"dropout ");
/// assert_ne!(DROPOUT, Purpose::ORDER);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Purpose(pub [u8; 8]);

impl Purpose {
    /// The order of the items of an epoch.
    pub const ORDER: Self = Self(*b"order   ");
    /// The changes that are made to an item of an epoch.
    pub const AUGMENT: Self = Self(*b"augment ");
    /// Pictures that a network draws; each is an index.
    pub const SAMPLE: Self = Self(*b"sample  ");
}

/// The name of a stream of random numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Stream {
    /// The seed of the whole run.
    pub seed: u64,
    /// What the numbers are for.
    pub purpose: Purpose,
    /// The epoch, from 0; 0 where there are none.
    pub epoch: u64,
    /// The item, the step or whatever else is counted; 0 where nothing is.
    pub index: u64,
}

impl Stream {
    /// The stream from its start.
    pub fn start(self) -> Random {
        Random::at(Position { stream: self, words: 0 })
    }
}

/// A place in a stream: all that is to be kept so that it goes on exactly there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The stream.
    pub stream: Stream,
    /// Words of 32 bits drawn so far.
    pub words: u64,
}

/// A stream of random numbers.
///
/// ```
/// use upconv_data::random::{Position, Purpose, Random, Stream};
/// let stream = Stream { seed: 1, purpose: Purpose::AUGMENT, epoch: 0, index: 7 };
/// let mut random = stream.start();
/// let die = random.range(1, 6);
/// assert!((1..=6).contains(&die));
///
/// // Written down and read again it goes on where it was.
/// let kept = serde_json::to_string(&random.position())?;
/// let mut again = Random::at(serde_json::from_str(&kept)?);
/// assert_eq!(again.uniform(), random.uniform());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Random {
    stream: Stream,
    bits: ChaCha8Rng,
}

impl Random {
    /// A stream from a position on.
    pub fn at(position: Position) -> Self {
        let Position { stream, words } = position;
        let mut key = [0; 32];
        key[..8].copy_from_slice(&stream.seed.to_le_bytes());
        key[8..16].copy_from_slice(&stream.purpose.0);
        key[16..24].copy_from_slice(&stream.epoch.to_le_bytes());
        key[24..].copy_from_slice(&stream.index.to_le_bytes());
        let mut bits = ChaCha8Rng::from_seed(key);
        bits.set_word_pos(words.into());
        Self { stream, bits }
    }

    /// Where the stream is.
    pub fn position(&self) -> Position {
        // Nobody draws 2^64 words.
        Position { stream: self.stream, words: self.bits.get_word_pos() as u64 }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.bits.next_u64()
    }

    /// A number in 0..1, 1 excluded: a multiple of 2^-53, each as likely as any other.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A number between two others; `first` if `last` is not above it.
    pub fn between(&mut self, first: f64, last: f64) -> f64 {
        let drawn = first + (last - first) * self.uniform();
        if first < last { drawn.min(last) } else { first }
    }

    /// True in `probability` of all cases: never at 0, always at 1.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.uniform() < probability
    }

    /// A whole number from `first` to `last`, both included, each as likely as any other; `first` if
    /// `last` is not above it.
    ///
    /// # Source
    /// D. Lemire, Fast random integer generation in an interval, ACM TOMACS 29(1), 2019, algorithm 5.
    pub fn range(&mut self, first: usize, last: usize) -> usize {
        let Some(span) = last.checked_sub(first) else { return first };
        let Some(count) = (span as u64).checked_add(1) else { return self.bits() as usize };
        // 2^64 modulo `count`: so many products fall into a part that is not a whole multiple.
        let uneven = count.wrapping_neg() % count;
        loop {
            let product = u128::from(self.bits()) * u128::from(count);
            if product as u64 >= uneven {
                // Below `count`, so that the sum is at most `last`.
                return first + (product >> 64) as usize;
            }
        }
    }

    /// A number of the normal distribution with mean 0 and deviation 1.
    ///
    /// The logarithm, which differs by a last bit between systems, only decides whether a number in a
    /// thin layer is taken.
    ///
    /// # Source
    /// J. L. Leva, A fast normal random number generator, ACM TOMS 18(4), 1992, section 3.
    pub fn normal(&mut self) -> f64 {
        loop {
            // 1 - u in place of u, as the logarithm of 0 has no value.
            let u = 1.0 - self.uniform();
            let v = 1.7156 * (self.uniform() - 0.5);
            let x = u - 0.449871;
            let y = v.abs() + 0.386595;
            let q = x * x + y * (0.19600 * y - 0.25472 * x);
            let inside = q < 0.27597 || (q <= 0.27846 && v * v <= -4.0 * u * u * u.ln());
            if inside {
                return v / u;
            }
        }
    }

    /// Puts things into a random order, each as likely as any other.
    ///
    /// # Source
    /// D. E. Knuth, The Art of Computer Programming, volume 2, section 3.4.2, algorithm P.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            things.swap(last, self.range(0, last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMED: Stream = Stream { seed: 42, purpose: Purpose::AUGMENT, epoch: 3, index: 17 };

    fn stream(seed: u64) -> Random {
        Stream { seed, purpose: Purpose(*b"test    "), epoch: 0, index: 0 }.start()
    }

    #[test]
    fn the_bits_are_those_of_the_published_vectors() {
        // draft-strombergson-chacha-test-vectors-01, 256-bit key, 8 rounds: TC1 (key of zeros) and TC2
        // (a key with one bit).
        let zeros = Stream { seed: 0, purpose: Purpose([0; 8]), epoch: 0, index: 0 };
        let bits = |stream: Stream| stream.start().bits().to_le_bytes();
        assert_eq!(bits(zeros), [0x3e, 0x00, 0xef, 0x2f, 0x89, 0x5f, 0x40, 0xd6]);
        let one = Stream { seed: 1, ..zeros };
        assert_eq!(bits(one), [0xcf, 0x5e, 0xe9, 0xa0, 0x49, 0x4a, 0xa9, 0x61]);
    }

    /// All values of this test are those of a ChaCha, a Lemire, a Leva and a Knuth written in Python.
    #[test]
    fn numbers_of_a_named_stream() {
        let mut random = NAMED.start();
        let bits = [0x22ff_bbb1_f421_f85c, 0x04f8_d972_8b98_2608, 0x3cf5_89ad_0783_0e4f];
        assert_eq!([(); 3].map(|()| random.bits()), bits);
        let mut later = Random::at(Position { stream: NAMED, words: 61 });
        assert_eq!(later.bits(), 0x269d_baa5_21f4_df4f);
        let uniform = [0.1367146787125718, 0.019422140565069856, 0.23812160944318006];
        let mut random = NAMED.start();
        assert_eq!([(); 3].map(|()| random.uniform()), uniform);
        let normal = [-0.22010758226131433, -0.0702272336978196, -0.6244121168799978];
        let mut random = NAMED.start();
        assert_eq!([(); 3].map(|()| random.normal()), normal);
        let mut order = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
        NAMED.start().shuffle(&mut order);
        assert_eq!(order, [4, 5, 8, 7, 6, 3, 2, 9, 0, 1]);
    }

    #[test]
    fn every_position_is_one_to_go_on_from() {
        let mut random = stream(5);
        // Beyond the block of 16 words and the buffer of 64.
        for words in 0..200u64 {
            assert_eq!(random.position().words, 2 * words);
            let kept = serde_json::to_string(&random.position()).unwrap();
            let mut again = Random::at(serde_json::from_str(&kept).unwrap());
            assert_eq!(again.bits(), random.bits(), "{words}");
        }
    }

    #[test]
    fn each_part_of_the_name_makes_another_stream() {
        let names = [
            NAMED,
            Stream { seed: 43, ..NAMED },
            Stream { purpose: Purpose::ORDER, ..NAMED },
            Stream { epoch: 17, index: 3, ..NAMED },
        ];
        let first: std::collections::HashSet<u64> =
            names.into_iter().map(|name| name.start().bits()).collect();
        assert_eq!(first.len(), names.len());
    }

    #[test]
    fn ranges_are_even_and_keep_their_ends() {
        let mut random = stream(1);
        assert_eq!((random.range(7, 7), random.range(7, 3)), (7, 7));
        assert!((0..100).all(|_| random.range(usize::MAX - 1, usize::MAX) >= usize::MAX - 1));
        let before = random.position().words;
        random.range(0, usize::MAX);
        assert_eq!(random.position().words, before + 2);
        // Chi-square with 9 degrees of freedom stays below 33.7 in 9,999 of 10,000 cases.
        let mut counts = [0u32; 10];
        for _ in 0..100_000 {
            counts[random.range(20, 29) - 20] += 1;
        }
        let chi: f64 = counts.iter().map(|&n| (f64::from(n) - 1e4).powi(2) / 1e4).sum();
        assert!(chi < 33.7, "{chi}: {counts:?}");
    }

    #[test]
    fn a_range_of_two_thirds_of_all_numbers_is_even_too() {
        // Spread over 2^64 draws, three quarters as many numbers would get one or two each by a plain
        // product: every third number twice, the others once, so that it came up in half of all cases.
        let mut random = stream(2);
        let last = (1usize << 63) + (1 << 62) - 1;
        let threes = (0..10_000).filter(|_| random.range(0, last).is_multiple_of(3)).count() as f64;
        // One third, within four deviations of 47.
        assert!((threes - 3333.3).abs() < 189.0, "{threes}");
    }

    #[test]
    fn uniform_numbers_and_chances() {
        let mut random = stream(3);
        let drawn: Vec<f64> = (0..100_000).map(|_| random.uniform()).collect();
        assert!(drawn.iter().all(|u| (0.0..1.0).contains(u)));
        let mean = drawn.iter().sum::<f64>() / 1e5;
        // 1/2, within four deviations of 1/sqrt(12 * 10^5).
        assert!((mean - 0.5).abs() < 0.0037, "{mean}");
        assert!((0..1000).all(|_| !random.chance(0.0) && random.chance(1.0)));
        let often = (0..100_000).filter(|_| random.chance(0.8)).count() as f64;
        assert!((often - 8e4).abs() < 4.0 * 126.5, "{often}");
        assert!((0..1000).all(|_| (-2.0..=3.0).contains(&random.between(-2.0, 3.0))));
        assert_eq!((random.between(1.0, 1.0), random.between(2.0, 1.0)), (1.0, 2.0));
    }

    #[test]
    fn normal_numbers_have_the_moments_and_tails_of_the_distribution() {
        let mut random = stream(4);
        let n = 200_000;
        let drawn: Vec<f64> = (0..n).map(|_| random.normal()).collect();
        let moment = |power: i32| drawn.iter().map(|x| x.powi(power)).sum::<f64>() / f64::from(n);
        // Moments 0, 1, 0, 3, with deviations sqrt(1/n), sqrt(2/n), sqrt(15/n), sqrt(96/n); five each.
        let bound = |variance: f64| 5.0 * (variance / f64::from(n)).sqrt();
        for (power, expected, variance) in
            [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)]
        {
            let got = moment(power);
            assert!((got - expected).abs() < bound(variance), "{power}: {got}");
        }
        // P(|x| > 1.96) = 0.0500, P(|x| > 3) = 0.0026998, P(|x| < 0.1) = 0.0796557.
        for (share, count) in [
            (0.04999579, drawn.iter().filter(|x| x.abs() > 1.96).count()),
            (0.0026998, drawn.iter().filter(|x| x.abs() > 3.0).count()),
            (0.0796557, drawn.iter().filter(|x| x.abs() < 0.1).count()),
        ] {
            let expected = share * f64::from(n);
            assert!((count as f64 - expected).abs() < 5.0 * expected.sqrt(), "{share}: {count}");
        }
    }

    #[test]
    fn every_order_is_as_likely() {
        let mut random = stream(6);
        let mut counts = std::collections::HashMap::new();
        for _ in 0..24_000 {
            let mut order = [0u8, 1, 2, 3];
            random.shuffle(&mut order);
            *counts.entry(order).or_insert(0u32) += 1;
        }
        assert_eq!(counts.len(), 24);
        // Chi-square with 23 degrees of freedom stays below 58.6 in 9,999 of 10,000 cases.
        let chi: f64 = counts.values().map(|&n| (f64::from(n) - 1e3).powi(2) / 1e3).sum();
        assert!(chi < 58.6, "{chi}");
    }
}
