//! Steps and values in order, before and while it is decided where each value lies.

use std::ops::Range;

use super::arena::{self, Lifetime};
use super::network::NetworkOptions;
use super::step::{Concat, Copy, Part, Step, Turn};
use crate::error::Result;
use crate::extent::Extent;
use crate::options::Layout;
use crate::simd::Detected;

/// Where a value lies.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// In an input, if it is read, or in an output, if it is written: the number of it.
    Outside(usize),
    Arena(Range<usize>),
}

/// A step that knows where its values lie.
#[derive(Debug)]
pub(super) struct PlacedStep {
    pub(super) step: Box<dyn Step>,
    pub(super) reads: Vec<Place>,
    pub(super) writes: Place,
    /// How many it writes.
    pub(super) values: usize,
}

/// Steps without places.
pub(super) struct Draft {
    isa: Detected,
    options: NetworkOptions,
    values: Vec<ValueDraft>,
    steps: Vec<StepDraft>,
}

struct StepDraft {
    step: Box<dyn Step>,
    reads: Vec<usize>,
    writes: usize,
}

#[derive(Default)]
struct ValueDraft {
    length: usize,
    /// It is an input or an output, by number.
    outside: Option<usize>,
    /// It lies in another value, from there on.
    within: Option<Within>,
}

#[derive(Clone, Copy)]
struct Within {
    value: usize,
    from: usize,
}

impl Draft {
    pub(super) fn new(options: NetworkOptions) -> Result<Self> {
        let isa = Detected::choose(options.isa)?;
        Ok(Self { isa, options, values: Vec::new(), steps: Vec::new() })
    }

    fn value(&mut self, value: ValueDraft) -> usize {
        self.values.push(value);
        self.values.len() - 1
    }

    /// Adds a step; gives the value that it makes.
    pub(super) fn step(&mut self, step: Box<dyn Step>, reads: Vec<usize>, length: usize) -> usize {
        let writes = self.value(ValueDraft { length, ..Default::default() });
        self.steps.push(StepDraft { step, reads, writes });
        writes
    }

    /// An input of the network; gives its value in the layout of `extent`.
    pub(super) fn input(&mut self, number: usize, extent: Extent) -> usize {
        let (length, outside) = (values(extent), Some(number));
        let given = self.value(ValueDraft { length, outside, within: None });
        match self.turns(extent) {
            true => self.turn(given, Extent { layout: self.options.outside, ..extent }),
            false => given,
        }
    }

    /// Whether the two layouts differ for a value.
    fn turns(&self, extent: Extent) -> bool {
        extent.layout != self.options.outside && extent.channels > 1 && extent.cells > 1
    }

    /// The value, whose layout `extent` says, in the other one.
    fn turn(&mut self, value: usize, extent: Extent) -> usize {
        self.step(Box::new(Turn { isa: self.isa, extent }), vec![value], values(extent))
    }

    /// The outputs of the network, each from a value in the layout of its extent.
    pub(super) fn outputs(&mut self, outputs: &[(usize, Extent)]) {
        for (number, &(value, extent)) in outputs.iter().enumerate() {
            let once = outputs.iter().filter(|(other, _)| *other == value).count() == 1;
            let made = match self.turns(extent) {
                true => self.turn(value, extent),
                // Only what a step writes and nobody reads can be written outside.
                false if once && self.is_free(value) => value,
                false => self.step(Box::new(Copy), vec![value], values(extent)),
            };
            self.values[made].outside = Some(number);
        }
    }

    fn is_free(&self, value: usize) -> bool {
        let draft = &self.values[value];
        let contains =
            |other: &ValueDraft| other.within.is_some_and(|within| within.value == value);
        draft.outside.is_none()
            && draft.within.is_none()
            && !self.values.iter().any(contains)
            && !self.steps.iter().any(|step| step.reads.contains(&value))
    }

    /// The channels of values of these shapes one behind the other.
    pub(super) fn concat(&mut self, reads: Vec<usize>, x: &[&[usize]], extent: Extent) -> usize {
        let writes = self.value(ValueDraft { length: values(extent), ..Default::default() });
        // The channels of an image lie in one piece: who makes them writes them to their place.
        let in_place = extent.batch == 1 && (extent.layout == Layout::Nchw || extent.cells == 1);
        let (mut parts, mut copied, mut first) = (Vec::new(), Vec::new(), 0);
        for (read, shape) in reads.into_iter().zip(x) {
            let channels = shape[1];
            let draft = &mut self.values[read];
            if in_place && draft.outside.is_none() && draft.within.is_none() {
                draft.within = Some(Within { value: writes, from: first * extent.cells });
            } else {
                parts.push(Part { first, channels });
                copied.push(read);
            }
            first += channels;
        }
        if !copied.is_empty() {
            let step = Box::new(Concat { parts, extent });
            self.steps.push(StepDraft { step, reads: copied, writes });
        }
        writes
    }

    /// Decides where every value lies; gives the steps and the length of the arena.
    pub(super) fn place(mut self) -> (Vec<PlacedStep>, usize) {
        self.overwrite();
        let lifetimes = self.lifetimes();
        let (begins, arena) = arena::place(&lifetimes);
        let place = |value: usize| {
            let (draft, (root, from)) = (&self.values[value], self.root(value));
            match draft.outside {
                Some(number) => Place::Outside(number),
                None => Place::Arena(begins[root] + from..begins[root] + from + draft.length),
            }
        };
        let placed = self.steps.iter().map(|step| {
            let values = self.values[step.writes].length;
            // What is overwritten is not read from elsewhere.
            let own = self.root(step.writes);
            let overwritten = |read: usize| {
                step.step.works_in_place()
                    && self.values[read].outside.is_none()
                    && self.root(read) == own
            };
            let reads = step.reads.iter().filter(|&&read| !overwritten(read));
            (reads.map(|&read| place(read)).collect::<Vec<_>>(), place(step.writes), values)
        });
        let places: Vec<_> = placed.collect();
        let steps = self.steps.into_iter().zip(places);
        let steps = steps.map(|(draft, (reads, writes, values))| PlacedStep {
            step: draft.step,
            reads,
            writes,
            values,
        });
        (steps.collect(), arena)
    }

    /// Lets steps overwrite their first input where it is read for the last time.
    fn overwrite(&mut self) {
        for at in 0..self.steps.len() {
            let StepDraft { step, reads, writes } = &self.steps[at];
            let (&[first, ..], writes) = (&reads[..], *writes) else { continue };
            let later = self.steps[at + 1..].iter().any(|step| step.reads.contains(&first));
            let twice = reads[1..].contains(&first);
            let free = |value: &ValueDraft| value.outside.is_none() && value.within.is_none();
            let contains =
                |value: &ValueDraft| value.within.is_some_and(|within| within.value == first);
            let fits = self.values[first].length == self.values[writes].length
                && free(&self.values[first])
                && free(&self.values[writes])
                && !self.values.iter().any(contains);
            if step.works_in_place() && fits && !later && !twice {
                self.values[first].within = Some(Within { value: writes, from: 0 });
            }
        }
    }

    /// The value that is placed, and where in it this one begins.
    fn root(&self, mut value: usize) -> (usize, usize) {
        let mut begin = 0;
        while let Some(Within { value: outer, from }) = self.values[value].within {
            (value, begin) = (outer, begin + from);
        }
        (value, begin)
    }

    /// Of every value that is no part of another; the parts count with it.
    fn lifetimes(&self) -> Vec<Lifetime> {
        let none = |value: &ValueDraft| {
            let inside = value.outside.is_none() && value.within.is_none();
            Lifetime { length: if inside { value.length } else { 0 }, steps: 0..0 }
        };
        let mut all: Vec<Lifetime> = self.values.iter().map(none).collect();
        for (at, step) in self.steps.iter().enumerate() {
            for &value in step.reads.iter().chain([&step.writes]) {
                let steps = &mut all[self.root(value).0].steps;
                let first = if steps.end == 0 { at } else { steps.start };
                *steps = first..at + 1;
            }
        }
        all
    }
}

fn values(extent: Extent) -> usize {
    extent.batch * extent.channels * extent.cells
}
