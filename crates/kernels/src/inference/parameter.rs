//! Values of weights, biases and statistics: at hand, or read when they are needed.

use std::borrow::Cow;
use std::fmt;

use crate::error::{KernelError, Result};

/// Values of a parameter.
///
/// A graph holds its parameters until it is compiled, which reads them one after the other and keeps them in the
/// form that the kernels read. So parameters that lie in a mapped file, or as F16, are never all in memory twice.
///
/// ```
/// use upconv_kernels::inference::Parameter;
/// let borrowed = Parameter::from(&[1.0, 2.0][..]);
/// let later = Parameter::later(2, || Ok(vec![3.0, 4.0].into()));
/// assert_eq!((borrowed.len(), later.len()), (2, 2));
/// ```
pub struct Parameter<'w> {
    length: usize,
    read: Box<Read<'w>>,
}

/// What reads the values, or says why it cannot.
type Read<'w> = dyn Fn() -> std::result::Result<Cow<'w, [f32]>, String> + 'w;

impl<'w> Parameter<'w> {
    /// `length` values that `read` gives, or it says in one line why not.
    pub fn later(
        length: usize,
        read: impl Fn() -> std::result::Result<Cow<'w, [f32]>, String> + 'w,
    ) -> Self {
        Self { length, read: Box::new(read) }
    }

    /// How many values.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The values.
    ///
    /// # Errors
    /// What the reader says; another number of values than it was said to give.
    pub(super) fn read(&self) -> Result<Cow<'w, [f32]>> {
        let values = (self.read)().map_err(|reason| KernelError::Parameter { reason })?;
        if values.len() != self.length {
            let reason = format!("{} values were read where {} belong", values.len(), self.length);
            return Err(KernelError::Parameter { reason });
        }
        Ok(values)
    }
}

impl<'w> From<&'w [f32]> for Parameter<'w> {
    fn from(values: &'w [f32]) -> Self {
        Self::later(values.len(), move || Ok(values.into()))
    }
}

impl From<Vec<f32>> for Parameter<'_> {
    fn from(values: Vec<f32>) -> Self {
        Self::later(values.len(), move || Ok(values.clone().into()))
    }
}

impl fmt::Debug for Parameter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parameter({})", self.length)
    }
}
