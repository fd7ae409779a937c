//! An input and its output, stored beside the weights.
//!
//! Two more tensors of the file, `selftest.input` and `selftest.output`, which the member `selftest` of the
//! metadata names. The input is what the model takes, prepared, or a picture that is prepared as the metadata
//! say; the output is what came out of it where the weights come from. A loader that is asked to verify runs
//! the one and compares with the other: a wrong order of axes among equal sizes cannot hide, nor, with a
//! picture, a wrong order of colours. They are no parameters: the hash of the weights leaves them out.

use crate::error::{Result, WeightsError};
use crate::metadata::SelfTestNames;
use crate::safetensors::Weights;
use crate::tensor::Tensor;

/// Name of the input that [`Weights::with_selftest`] stores.
pub const INPUT: &str = "selftest.input";

/// Name of the output that [`Weights::with_selftest`] stores.
pub const OUTPUT: &str = "selftest.output";

/// How far an output cell may be off where the metadata do not say.
pub const TOLERANCE: f64 = 1e-3;

/// A stored input and its output.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SelfTest<'a> {
    /// What goes in.
    pub input: &'a Tensor,
    /// What must come out.
    pub output: &'a Tensor,
    /// How far an output cell may be off, in its own unit.
    pub tolerance: f64,
}

impl Weights {
    /// The stored input and output, if there are any.
    pub fn selftest(&self) -> Option<SelfTest<'_>> {
        let names = self.metadata()?.selftest.as_ref()?;
        let tolerance = names.tolerance.unwrap_or(TOLERANCE);
        let (input, output) = (self.get(&names.input)?, self.get(&names.output)?);
        Some(SelfTest { input, output, tolerance })
    }

    /// The same with an input and its output, which take the place of former ones.
    ///
    /// # Errors
    /// Without metadata, or if a name is taken.
    pub fn with_selftest(
        self,
        input: Tensor,
        output: Tensor,
        tolerance: Option<f64>,
    ) -> Result<Self> {
        let Some(mut metadata) = self.metadata().cloned() else {
            let reason = "weights without metadata cannot have one".into();
            return Err(WeightsError::SelfTestForm { file: String::new(), reason });
        };
        let former = metadata.selftest.take();
        metadata.selftest =
            Some(SelfTestNames { input: INPUT.into(), output: OUTPUT.into(), tolerance });
        let mut tensors = self.into_tensors();
        if let Some(former) = former {
            tensors.retain(|t| t.name() != former.input && t.name() != former.output);
        }
        tensors.extend([input.renamed(INPUT), output.renamed(OUTPUT)]);
        Self::new(Some(metadata), tensors)
    }
}

impl SelfTest<'_> {
    /// Compares what a model made of the input, and gives the largest difference.
    ///
    /// # Errors
    /// If the shape is another one, or a cell is off by more than the tolerance or not a number.
    ///
    /// ```
    /// use upconv_weights::{Metadata, Tensor, Weights};
    /// let one = Tensor::from_f32("x", &[1, 2], &[1.0, 2.0])?;
    /// let two = Tensor::from_f32("y", &[1, 2], &[2.0, 4.0])?;
    /// let weights = Weights::new(Some(Metadata::new("double")), vec![])?;
    /// let weights = weights.with_selftest(one, two, Some(0.01))?;
    /// let test = weights.selftest().unwrap();
    /// assert_eq!(test.check("f", &[1, 2], &[2.0, 4.0])?, 0.0);
    /// let error = test.check("f", &[1, 2], &[2.0, 5.0]).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "f: self-test failed: output cell 1 is 5, but 4 is stored (tolerance 0.01)"
    /// );
    /// # Ok::<(), upconv_weights::WeightsError>(())
    /// ```
    pub fn check(&self, file: &str, shape: &[usize], got: &[f32]) -> Result<f64> {
        let expected = self.output.to_f32()?;
        if shape != self.output.shape() || got.len() != expected.len() {
            let stored = self.output.shape();
            let reason = format!("the output has shape {shape:?}, but {stored:?} is stored");
            return Err(WeightsError::SelfTestForm { file: file.into(), reason });
        }
        let (mut worst, mut place) = (0.0, None);
        for (index, (&got, &expected)) in got.iter().zip(&expected).enumerate() {
            let off = (f64::from(got) - f64::from(expected)).abs();
            // What is not a number is off by any measure.
            let off = if off.is_nan() { f64::INFINITY } else { off };
            if off > worst {
                (worst, place) = (off, Some(index));
            }
        }
        match place.filter(|_| worst > self.tolerance) {
            None => Ok(worst),
            Some(index) => Err(WeightsError::SelfTest {
                file: file.into(),
                index,
                got: got[index],
                expected: expected[index],
                tolerance: self.tolerance,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Metadata;

    fn weights() -> Weights {
        let weight = Tensor::from_f32("w", &[1], &[2.0]).unwrap();
        Weights::new(Some(Metadata::new("m")), vec![weight]).unwrap()
    }

    fn pair() -> (Tensor, Tensor) {
        let tensor = |value| Tensor::from_f32("any", &[1], &[value]).unwrap();
        (tensor(1.0), tensor(2.0))
    }

    #[test]
    fn it_lies_in_the_file_and_not_in_the_hash() {
        let (input, output) = pair();
        let tested = weights().with_selftest(input, output, None).unwrap();
        assert_eq!(tested.weights_hash(), weights().weights_hash());
        assert_eq!(tested.parameters().count(), 1);
        let mut file = Vec::new();
        tested.write_to(&mut file).unwrap();
        let read = Weights::from_bytes("f", &file).unwrap();
        let test = read.selftest().unwrap();
        assert_eq!((test.input.name(), test.tolerance), (INPUT, TOLERANCE));
        assert!(test.check("f", &[1], &[2.0009]).is_ok());
        assert!(test.check("f", &[1], &[2.0011]).is_err());
        assert!(test.check("f", &[1], &[f32::NAN]).is_err());
        assert!(test.check("f", &[1, 1], &[2.0]).is_err());
        // A new pair takes the place of the old one.
        let (input, output) = pair();
        assert_eq!(read.clone().with_selftest(input, output, None).unwrap(), read);
    }

    #[test]
    fn names_without_tensors_are_refused() {
        let mut metadata = Metadata::new("m");
        metadata.selftest =
            Some(SelfTestNames { input: "i".into(), output: "o".into(), tolerance: None });
        let error = Weights::new(Some(metadata), vec![]).unwrap_err().to_string();
        assert_eq!(error, "self-test: the metadata name tensor \"i\", which is not there");
        let (input, output) = pair();
        assert!(Weights::new(None, vec![]).unwrap().with_selftest(input, output, None).is_err());
    }
}
