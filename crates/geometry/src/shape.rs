//! Whole operations: batch, channels, groups and the axes.

use crate::axis::Axis;
use crate::conv::ConvAxis;
use crate::error::{GeometryError, Result};
use crate::limits::cells;

/// A transposed convolution with everything that its tensors' sizes depend on.
///
/// # Shapes
/// `x: [batch, in_channels, input...]`, `w: [in_channels, out_channels / groups, kernel...]`,
/// `bias: [out_channels]`, `y: [batch, out_channels, output...]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvTransposeShape {
    batch: usize,
    in_channels: usize,
    out_channels: usize,
    groups: usize,
    axes: Vec<Axis>,
}

/// A convolution with everything that its tensors' sizes depend on.
///
/// # Shapes
/// `x: [batch, in_channels, input...]`, `w: [out_channels, in_channels / groups, kernel...]`,
/// `bias: [out_channels]`, `y: [batch, out_channels, output...]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvShape {
    batch: usize,
    in_channels: usize,
    out_channels: usize,
    groups: usize,
    axes: Vec<ConvAxis>,
}

/// Batch, channels and groups, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// Images in the batch; 0 is allowed.
    pub batch: usize,
    /// Channels of the operation's input.
    pub in_channels: usize,
    /// Channels of the operation's output.
    pub out_channels: usize,
    /// Groups; divides both.
    pub groups: usize,
}

impl Channels {
    fn check(&self) -> Result<()> {
        let groups = self.groups;
        if groups == 0 {
            return Err(GeometryError::ZeroGroups { got: 0 });
        }
        for channels in [self.in_channels, self.out_channels] {
            if !channels.is_multiple_of(groups) {
                return Err(GeometryError::GroupsNotDividingChannels { channels, groups });
            }
        }
        Ok(())
    }
}

/// `[first, second, rest...]`, checked against the limit on cells.
fn tensor(what: &'static str, first: usize, second: usize, rest: Vec<usize>) -> Result<Vec<usize>> {
    let shape: Vec<usize> = [first, second].into_iter().chain(rest).collect();
    cells(what, &shape)?;
    Ok(shape)
}

macro_rules! accessors {
    ($axis:ty) => {
        /// Images in the batch.
        pub fn batch(&self) -> usize {
            self.batch
        }

        /// Channels of the input.
        pub fn in_channels(&self) -> usize {
            self.in_channels
        }

        /// Channels of the output.
        pub fn out_channels(&self) -> usize {
            self.out_channels
        }

        /// Groups.
        pub fn groups(&self) -> usize {
            self.groups
        }

        /// The spatial axes.
        pub fn axes(&self) -> &[$axis] {
            &self.axes
        }

        /// Shape of the input.
        pub fn x(&self) -> Vec<usize> {
            let spatial = self.axes.iter().map(|a| a.input());
            [self.batch, self.in_channels].into_iter().chain(spatial).collect()
        }

        /// Shape of the output.
        pub fn y(&self) -> Vec<usize> {
            let spatial = self.axes.iter().map(|a| a.output());
            [self.batch, self.out_channels].into_iter().chain(spatial).collect()
        }
    };
}

impl ConvTransposeShape {
    /// Checks groups, and that every tensor stays within [`crate::limits::MAX_CELLS`].
    ///
    /// # Errors
    /// `ZERO_GROUPS`, `GROUPS_NOT_DIVIDING_CHANNELS`, `SIZE_LIMIT`.
    ///
    /// ```
    /// use upconv_geometry::{Axis, AxisParams, Channels, ConvTransposeShape};
    /// let axis = Axis::new(0, AxisParams {
    ///     input: 3, kernel: 4, stride: 2, dilation: 1, window_begin: 1, output: 6,
    /// })?;
    /// let channels = Channels { batch: 1, in_channels: 8, out_channels: 4, groups: 2 };
    /// let shape = ConvTransposeShape::new(channels, vec![axis])?;
    /// assert_eq!(shape.x(), [1, 8, 3]);
    /// assert_eq!(shape.weight(), [8, 2, 4]);
    /// assert_eq!(shape.y(), [1, 4, 6]);
    /// # Ok::<(), upconv_geometry::GeometryError>(())
    /// ```
    pub fn new(channels: Channels, axes: Vec<Axis>) -> Result<Self> {
        channels.check()?;
        let Channels { batch, in_channels, out_channels, groups } = channels;
        let of = |f: fn(&Axis) -> usize| axes.iter().map(f).collect();
        tensor("x", batch, in_channels, of(Axis::input))?;
        tensor("weight", in_channels, out_channels / groups, of(Axis::kernel))?;
        tensor("output", batch, out_channels, of(Axis::output))?;
        Ok(Self { batch, in_channels, out_channels, groups, axes })
    }

    accessors!(Axis);

    /// Shape of the weight.
    pub fn weight(&self) -> Vec<usize> {
        let kernel = self.axes.iter().map(Axis::kernel);
        [self.in_channels, self.out_channels / self.groups].into_iter().chain(kernel).collect()
    }
}

impl ConvShape {
    /// Checks groups, and that every tensor stays within [`crate::limits::MAX_CELLS`].
    ///
    /// # Errors
    /// `ZERO_GROUPS`, `GROUPS_NOT_DIVIDING_CHANNELS`, `SIZE_LIMIT`.
    pub fn new(channels: Channels, axes: Vec<ConvAxis>) -> Result<Self> {
        channels.check()?;
        let Channels { batch, in_channels, out_channels, groups } = channels;
        let of = |f: fn(&ConvAxis) -> usize| axes.iter().map(f).collect();
        tensor("x", batch, in_channels, of(ConvAxis::input))?;
        tensor("weight", out_channels, in_channels / groups, of(ConvAxis::kernel))?;
        tensor("output", batch, out_channels, of(ConvAxis::output))?;
        Ok(Self { batch, in_channels, out_channels, groups, axes })
    }

    accessors!(ConvAxis);

    /// Shape of the weight.
    pub fn weight(&self) -> Vec<usize> {
        let kernel = self.axes.iter().map(ConvAxis::kernel);
        [self.out_channels, self.in_channels / self.groups].into_iter().chain(kernel).collect()
    }
}
