//! How plain loops are shared out: by the size of the problem, never by the number of threads.

use rayon::prelude::*;

/// Values of a part, at least.
const PART: usize = 1 << 14;
/// Below so many values other threads are not woken.
const SMALL: usize = 1 << 16;

/// How many units of `cost` values each (what is read or written, whichever is more) make a part of `units`.
pub(crate) fn units_of_part(units: usize, cost: usize) -> usize {
    match units.saturating_mul(cost) {
        all if all < SMALL => units.max(1),
        _ => PART.div_ceil(cost.max(1)),
    }
}

/// Cuts `y` into parts of whole units of `unit` values, the last of which may be shorter, and has `work` write
/// each: it gets the number of the part's first unit and the part. `cost` is that of one unit, in values.
pub(crate) fn each_part<T: Send>(
    y: &mut [T],
    unit: usize,
    cost: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    let unit = unit.max(1);
    let units = units_of_part(y.len().div_ceil(unit), cost);
    if units * unit >= y.len() {
        return work(0, y);
    }
    let parts = y.par_chunks_mut(units * unit).enumerate();
    parts.for_each(|(number, part)| work(number * units, part));
}
