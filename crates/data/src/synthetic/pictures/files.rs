//! The set as files, in both layouts of CIFAR-10.

use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::{Backgrounds, Part, Shape, picture};
use crate::datasets::cifar::{self, BATCHES, Form};
use crate::error::{DataError, Result};
use crate::random::{Purpose, Stream};
use crate::synthetic::folder::{self, Made};

/// Most pictures of a set: one of its files is in memory at a time.
const MAX_COUNT: usize = 600_000;

/// Under which the pictures may be used; those on patches of photos are under that of the photos, too.
pub const LICENCE: &str = "CC0-1.0";

/// A set to be written: `cifar-10-batches-bin` and `cifar-10-batches-py` with the same pictures, five files for training
/// and one for testing, which has a sixth of them. In every file each class is as frequent as any other, or has one more.
#[derive(Debug)]
pub struct ShapeSet {
    /// From which all random numbers come.
    pub seed: u64,
    /// Pictures of both parts.
    pub count: usize,
    /// Photos to cut backgrounds from; noise without them.
    pub backgrounds: Option<Backgrounds>,
}

impl ShapeSet {
    /// Names of all files relative to the folder, with `/` between parts.
    pub fn names(&self) -> Vec<String> {
        let files = |form: Form| {
            let batches = (1..=BATCHES).map(move |number| form.batch(number));
            let all = batches.chain([form.test(), form.names_file().into()]);
            all.map(move |name| format!("{}/{name}", form.folder()))
        };
        Form::ALL.into_iter().flat_map(files).collect()
    }

    /// Writes the set into a folder, which is created; the same bytes for any number of threads.
    ///
    /// `report` is called after each picture with the number of those done, from any thread.
    ///
    /// # Errors
    /// If the number is out of range, the folder has files that are not of this set, or a file cannot be written.
    pub fn write(&self, folder: &Path, report: impl Fn(usize) + Sync) -> Result<Made> {
        let (what, got, first, last) = ("pictures", self.count, 6, MAX_COUNT);
        if !(first..=last).contains(&got) {
            return Err(DataError::OutOfRange { what, got, first, last });
        }
        let names = self.names();
        folder::prepare(folder, &names)?;
        let done = AtomicUsize::new(0);
        for number in 0..=BATCHES {
            let (labels, pictures) =
                self.batch(number, || report(1 + done.fetch_add(1, Ordering::Relaxed)));
            let is_test = number == BATCHES;
            let title = match is_test {
                true => "testing batch 1 of 1".to_owned(),
                false => format!("training batch {} of {BATCHES}", number + 1),
            };
            let first = self.range(number).start;
            let file_names: Vec<String> = labels
                .iter()
                .enumerate()
                .map(|(at, &label)| format!("{}_{:06}.png", class_name(label), first + at))
                .collect();
            for form in Form::ALL {
                let file = if is_test { form.test() } else { form.batch(number + 1) };
                let content = match form {
                    Form::Binary => cifar::binary(&labels, &pictures),
                    Form::Pickle => cifar::pickle(&title, &labels, &pictures, &file_names),
                };
                folder::write(folder, &format!("{}/{file}", form.folder()), &content)?;
            }
        }
        let classes: Vec<String> = Shape::ALL.iter().map(|shape| shape.name().into()).collect();
        for form in Form::ALL {
            let content = match form {
                Form::Binary => (classes.join("\n") + "\n").into_bytes(),
                Form::Pickle => cifar::names_pickle(self.range(0).len(), &classes),
            };
            folder::write(folder, &format!("{}/{}", form.folder(), form.names_file()), &content)?;
        }
        folder::finish(folder, names)
    }

    /// The pictures of a file, of all that are counted through; the last file is that for testing.
    fn range(&self, number: usize) -> Range<usize> {
        let first = |number: usize| number * self.count / (BATCHES + 1);
        first(number)..first(number + 1)
    }

    /// Labels, and pictures in planes.
    fn batch(&self, number: usize, report: impl Fn() + Sync) -> (Vec<u8>, Vec<u8>) {
        let range = self.range(number);
        let mut labels: Vec<u8> = (0..range.len()).map(|at| (at % 10) as u8).collect();
        let index = number as u64;
        let stream = Stream { seed: self.seed, purpose: Purpose(*b"classes "), epoch: 0, index };
        stream.start().shuffle(&mut labels);
        let part = if number == BATCHES { Part::Testing } else { Part::Training };
        let pictures: Vec<Vec<u8>> = labels
            .par_iter()
            .enumerate()
            .map(|(at, &label)| {
                let shape = Shape::ALL[usize::from(label) % 10];
                let drawn =
                    picture(self.seed, part, range.start + at, shape, self.backgrounds.as_ref());
                report();
                drawn
            })
            .collect();
        (labels, pictures.concat())
    }
}

fn class_name(label: u8) -> String {
    Shape::ALL[usize::from(label) % 10].name().replace(' ', "_")
}
