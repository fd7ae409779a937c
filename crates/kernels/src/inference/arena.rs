//! Where values lie between the operations: one buffer, in which a place is used again as soon as nobody needs what
//! lay there.
//!
//! Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference" (2020), section 4.2: the largest
//! value first, each as low as the values that live at the same time let it.

use std::ops::Range;

/// Values of a cache line; every place begins with one.
const LINE: usize = 16;

/// A value to be placed: its length, and the steps from the one that writes it to the last one that reads it.
#[derive(Clone, Debug)]
pub(super) struct Lifetime {
    pub(super) length: usize,
    pub(super) steps: Range<usize>,
}

/// Where each value begins, and the length of the whole.
pub(super) fn place(values: &[Lifetime]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(values[at].length));
    let mut places = vec![0; values.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut total = 0;
    for at in order {
        let Lifetime { length, ref steps } = values[at];
        let together = |other: &&usize| {
            let other = &values[**other].steps;
            other.start < steps.end && steps.start < other.end
        };
        let end = |other: usize| (places[other] + values[other].length).next_multiple_of(LINE);
        let mut taken: Vec<Range<usize>> =
            placed.iter().filter(together).map(|&other| places[other]..end(other)).collect();
        taken.sort_by_key(|range| range.start);
        let mut first = 0;
        for range in taken {
            if range.start >= first + length {
                break;
            }
            first = first.max(range.end);
        }
        places[at] = first;
        total = total.max(first + length);
        placed.push(at);
    }
    (places, total)
}

/// One range to write, and others to read, none of which overlaps it.
pub(super) struct Split<'a> {
    before: &'a [f32],
    after: &'a [f32],
    write: Range<usize>,
}

impl<'a> Split<'a> {
    /// The place `write` of `arena`, and the rest.
    pub(super) fn new(arena: &'a mut [f32], write: Range<usize>) -> (&'a mut [f32], Self) {
        let (before, rest) = arena.split_at_mut(write.start);
        let (own, after) = rest.split_at_mut(write.len());
        (own, Self { before, after, write })
    }

    /// The values of a range that lies before or behind the one that is written.
    pub(super) fn read(&self, range: &Range<usize>) -> &'a [f32] {
        match range.end <= self.write.start {
            true => &self.before[range.clone()],
            false => &self.after[range.start - self.write.end..range.end - self.write.end],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime(length: usize, steps: Range<usize>) -> Lifetime {
        Lifetime { length, steps }
    }

    #[test]
    fn a_chain_needs_its_two_largest_neighbours() {
        // Each is written by one step and read by the next.
        let chain =
            [lifetime(64, 0..2), lifetime(128, 1..3), lifetime(32, 2..4), lifetime(64, 3..5)];
        let (places, total) = place(&chain);
        assert_eq!(total, 128 + 64);
        assert_eq!(places, [128, 0, 128, 0]);
    }

    #[test]
    fn what_lives_long_is_not_written_over() {
        let values =
            [lifetime(16, 0..4), lifetime(16, 1..3), lifetime(16, 2..4), lifetime(10, 3..5)];
        let (places, total) = place(&values);
        for (a, one) in values.iter().enumerate() {
            for (b, other) in values.iter().enumerate().skip(a + 1) {
                let in_time =
                    one.steps.start < other.steps.end && other.steps.start < one.steps.end;
                let in_place =
                    places[a] < places[b] + other.length && places[b] < places[a] + one.length;
                assert!(!(in_time && in_place), "{a} {b}");
            }
        }
        assert_eq!(total, 48);
    }

    #[test]
    fn a_range_is_written_while_others_are_read() {
        let mut arena: Vec<f32> = (0..10).map(|n| n as f32).collect();
        let (write, rest) = Split::new(&mut arena, 3..5);
        assert_eq!(
            (rest.read(&(0..3)), rest.read(&(5..7))),
            (&[0.0, 1.0, 2.0][..], &[5.0, 6.0][..])
        );
        write.fill(9.0);
        assert_eq!(arena[2..6], [2.0, 9.0, 9.0, 5.0]);
    }
}
