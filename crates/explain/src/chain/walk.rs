//! The size after every layer, as the dialect says.

use upconv_geometry::limits::{MAX_AXIS, cells};
use upconv_geometry::{
    Axis, AxisParams, ConvPadding, Dialect, GeometryError, Padding, PoolAxisParams, PoolRounding,
    Setting, pool_output,
};

use super::error::Problem;
use super::{Layer, Op, Wanted};

type Size = Vec<usize>;

/// The sizes of all points, and what each layer does not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Walk {
    /// The input, and the output of every layer.
    pub(super) points: Vec<Size>,
    /// Cells at the end of each axis of a layer's input that it never reads.
    pub(super) unread: Vec<Size>,
}

/// The input as a size.
pub(super) fn input(list: &[i64]) -> Result<Size, GeometryError> {
    let one = |(axis, &got): (usize, &i64)| match usize::try_from(got) {
        Ok(size) if size > 0 => limited("input", axis, size as i128),
        _ => Err(GeometryError::InputEmpty { axis, got }),
    };
    let size: Size = list.iter().enumerate().map(one).collect::<Result<_, _>>()?;
    cells("input", &size)?;
    Ok(size)
}

impl Walk {
    /// Goes through all layers; else the number of the layer that cannot be, and why.
    pub(super) fn of(
        dialect: Dialect,
        layers: &[Layer],
        input: &[usize],
    ) -> Result<Self, (usize, Problem)> {
        let mut walk = Self { points: vec![input.to_vec()], unread: Vec::new() };
        for (number, layer) in layers.iter().enumerate() {
            walk.step(dialect, layer).map_err(|problem| (number, problem))?;
        }
        Ok(walk)
    }

    /// Goes through the next layer.
    pub(super) fn step(&mut self, dialect: Dialect, layer: &Layer) -> Result<(), Problem> {
        let (output, unread) = step(dialect, layer, &self.points)?;
        self.points.push(output);
        self.unread.push(unread);
        Ok(())
    }

    /// Takes the last layer back.
    pub(super) fn back(&mut self) {
        self.points.pop();
        self.unread.pop();
    }

    /// Whether the size comes back and every skip connection fits.
    pub(super) fn fits(&self, layers: &[Layer]) -> bool {
        let skips = layers.iter().zip(self.points.iter().skip(1));
        self.points.first() == self.points.last()
            && skips.clone().all(|(layer, output)| match layer.skip {
                Some(point) => self.points.get(point) == Some(output),
                None => true,
            })
    }
}

/// A size along one axis, if it is legal.
fn limited(what: &'static str, axis: usize, got: i128) -> Result<usize, GeometryError> {
    let over = GeometryError::SizeLimit { what, axis: Some(axis), got, limit: MAX_AXIS };
    match usize::try_from(got) {
        Ok(size) if got <= i128::from(MAX_AXIS) => Ok(size),
        _ => Err(over),
    }
}

/// Output and unread cells of a layer whose input is the last of the points.
fn step(dialect: Dialect, layer: &Layer, points: &[Size]) -> Result<(Size, Size), Problem> {
    let input: &[usize] = points.last().map_or(&[], Vec::as_slice);
    let wanted = || match &layer.wanted {
        Some(Wanted::Size(size)) => Some(size.clone()),
        Some(Wanted::Like(point)) => {
            points.get(*point).map(|size| size.iter().map(|&n| n as i64).collect())
        }
        None => None,
    };
    let (output, unread) = match layer.op {
        Op::Conv | Op::MaxPool | Op::AvgPool => forward(dialect, layer, input)?,
        Op::ConvTranspose => transposed(dialect, layer, input, wanted())?,
        Op::Resize | Op::PixelShuffle | Op::PixelUnshuffle => {
            let output = match wanted() {
                Some(size) => super::walk::input(&size).map_err(Problem::Geometry)?,
                None => multiplied(layer, input)?,
            };
            (output, vec![0; input.len()])
        }
    };
    cells("output", &output).map_err(Problem::Geometry)?;
    Ok((output, unread))
}

/// By a factor, up or down.
fn multiplied(layer: &Layer, input: &[usize]) -> Result<Size, Problem> {
    let each = input.iter().zip(&layer.factor).enumerate();
    each.map(|(axis, (&cells, &factor))| {
        // The reader takes factors from 1 on.
        let factor = usize::try_from(factor).unwrap_or(1).max(1);
        match layer.op {
            Op::PixelUnshuffle if cells % factor != 0 => {
                Err(Problem::NotMultiple { axis, got: cells, factor })
            }
            Op::PixelUnshuffle => Ok(cells / factor),
            _ => limited("output", axis, cells as i128 * factor as i128).map_err(Problem::Geometry),
        }
    })
    .collect()
}

/// A convolution or pooling.
fn forward(dialect: Dialect, layer: &Layer, input: &[usize]) -> Result<(Size, Size), Problem> {
    let tap = |(axis, &got): (usize, &i64)| match usize::try_from(got) {
        Ok(kernel) if kernel > 0 => Ok(kernel),
        _ => Err(Problem::Geometry(GeometryError::KernelEmpty { axis, got })),
    };
    let kernel: Size = layer.kernel.iter().enumerate().map(tap).collect::<Result<_, _>>()?;
    let padding = match &layer.padding {
        Some(word @ (Padding::Same | Padding::Valid | Padding::SameUpper | Padding::SameLower))
            if layer.op.is_pool() && dialect == Dialect::Pytorch =>
        {
            return Err(Problem::Geometry(GeometryError::PaddingUnknown {
                dialect: "a pooling of pytorch",
                got: word.to_string(),
                allowed: "one number per axis",
            }));
        }
        Some(padding) => padding.clone(),
        None => usual_padding(dialect, input.len()),
    };
    let axes = dialect.conv_axes(input, &kernel, &layer.stride, &layer.dilation, &padding);
    let axes = axes.map_err(|error| refused(layer, input, error))?;
    if !layer.op.is_pool() {
        let output = axes.iter().map(|axis| axis.output()).collect();
        return Ok((output, axes.iter().map(|axis| behind(axis.transposed())).collect()));
    }
    let (mut output, mut unread) = (Vec::new(), Vec::new());
    for (number, axis) in axes.iter().enumerate() {
        let adjoint = axis.transposed();
        let (kernel, stride, dilation) = (axis.kernel(), adjoint.stride(), adjoint.dilation());
        let padding = match &padding {
            Padding::Same | Padding::SameUpper => ConvPadding::SameUpper,
            Padding::SameLower => ConvPadding::SameLower,
            Padding::Valid => ConvPadding::Valid,
            Padding::Pads(pads) => match pads.get(number) {
                Some(&(before, after)) => ConvPadding::Pads { before, after },
                None => ConvPadding::Valid,
            },
        };
        let rounding = match dialect {
            _ if !layer.ceil_mode => PoolRounding::Floor,
            Dialect::Caffe => PoolRounding::CeilCaffe,
            _ => PoolRounding::CeilTorch,
        };
        let input = axis.input();
        let params = PoolAxisParams { input, kernel, stride, dilation, padding, rounding };
        let size = pool_output(number, params).map_err(Problem::Geometry)?;
        let window_begin = axis.pad_before();
        let params =
            AxisParams { input: size, kernel, stride, dilation, window_begin, output: input };
        let adjoint = Axis::new(number, params).map_err(Problem::Geometry)?;
        output.push(size);
        unread.push(behind(&adjoint));
    }
    Ok((output, unread))
}

/// Cells that lie behind everything that the windows reach: where the adjoint has zeros at its end.
fn behind(adjoint: &Axis) -> usize {
    usize::try_from(-adjoint.pad_after()).unwrap_or(0)
}

/// What a layer without the key has.
fn usual_padding(dialect: Dialect, axes: usize) -> Padding {
    match dialect {
        Dialect::Tensorflow | Dialect::Tflite => Padding::Same,
        Dialect::Keras => Padding::Valid,
        _ => Padding::Pads(vec![(0, 0); axes]),
    }
}

/// Where the words for transposed convolutions, which crop, would mislead, others stand in.
fn refused(layer: &Layer, input: &[usize], error: GeometryError) -> Problem {
    let numbers = error.axis().and_then(|axis| {
        let (kernel, dilation) = (layer.kernel.get(axis)?, layer.dilation.get(axis)?);
        let spanned = kernel.checked_sub(1)?.checked_mul(*dilation)?.checked_add(1)?;
        Some((*input.get(axis)?, spanned))
    });
    match (&error, numbers) {
        (GeometryError::OutputSizeNotPositive { .. }, Some((input, kernel))) => {
            Problem::TooSmall { input, kernel, error }
        }
        (GeometryError::NegativePadding { .. } | GeometryError::PaddingNotSymmetric { .. }, _) => {
            Problem::Zeros(error)
        }
        _ => Problem::Geometry(error),
    }
}

fn transposed(
    dialect: Dialect,
    layer: &Layer,
    input: &[usize],
    output: Option<Vec<i64>>,
) -> Result<(Size, Size), Problem> {
    let setting = Setting {
        input: input.iter().map(|&cells| cells as i64).collect(),
        kernel: layer.kernel.clone(),
        stride: layer.stride.clone(),
        dilation: layer.dilation.clone(),
        padding: layer.padding.clone(),
        output,
        output_padding: layer.output_padding.clone(),
        ..Setting::new(dialect)
    };
    let axes = setting.resolve().map_err(Problem::Geometry)?.axes;
    // Input `i` lands from `i * stride` on: from the end of the window on it reaches nothing.
    let unread = |axis: &Axis| {
        let end = usize::try_from(axis.window_begin() + axis.output() as i64).unwrap_or(0);
        axis.input().saturating_sub(end.div_ceil(axis.stride()))
    };
    Ok((axes.iter().map(Axis::output).collect(), axes.iter().map(unread).collect()))
}
