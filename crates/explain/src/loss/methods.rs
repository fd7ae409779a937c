//! The ways down and up again.

use upconv_geometry::{ConvPadding, PoolRounding};
use upconv_kernels::KernelError;
use upconv_kernels::pool::PoolWindow;
use upconv_kernels::reference::bilinear::bilinear_kernel;
use upconv_kernels::reference::max_pool::{IndexMeaning, max_pool};
use upconv_kernels::reference::max_unpool::{MaxUnpool, max_unpool};
use upconv_kernels::reference::pixel_shuffle::{pixel_shuffle, pixel_unshuffle};

use super::least_squares::least_squares;
use super::planes::{CHANNELS, Pair, Planes};
use crate::lang::Lang;

/// How a picture is brought down and up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// A convolution that takes means, and the transposed convolution with the same kernel, divided by the
    /// overlap.
    ConvTranspose,
    /// The same convolution, and bilinear interpolation.
    ConvBilinear,
    /// Maxima of blocks, put back where they were.
    MaxUnpool,
    /// Maxima of blocks, put into the first cell of each.
    MaxUnpoolNoIndices,
    /// Every cell of a block becomes a channel, and a cell again.
    PixelShuffle,
    /// The same, but of the channels only their mean is kept.
    PixelShuffleMean,
    /// The convolution of the first way, and of all pictures that it makes the same of that which varies least.
    LeastSquares,
}

impl Method {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::ConvTranspose,
        Self::ConvBilinear,
        Self::MaxUnpool,
        Self::MaxUnpoolNoIndices,
        Self::PixelShuffle,
        Self::PixelShuffleMean,
        Self::LeastSquares,
    ];

    /// Its name in data.
    pub fn name(self) -> &'static str {
        match self {
            Self::ConvTranspose => "conv_transpose",
            Self::ConvBilinear => "conv_bilinear",
            Self::MaxUnpool => "max_unpool",
            Self::MaxUnpoolNoIndices => "max_unpool_no_indices",
            Self::PixelShuffle => "pixel_shuffle",
            Self::PixelShuffleMean => "pixel_shuffle_mean",
            Self::LeastSquares => "least_squares",
        }
    }

    pub(super) fn label(self, lang: Lang) -> &'static str {
        match self {
            Self::ConvTranspose => lang.pick("transposed convolution", "转置卷积"),
            Self::ConvBilinear => lang.pick("bilinear", "双线性插值"),
            Self::MaxUnpool => lang.pick("max unpool, with indices", "最大反池化，有索引"),
            Self::MaxUnpoolNoIndices => lang.pick("max unpool, no indices", "最大反池化，无索引"),
            Self::PixelShuffle => lang.pick("pixel shuffle", "像素重排"),
            Self::PixelShuffleMean => lang.pick("pixel shuffle of the mean", "像素重排，只留均值"),
            Self::LeastSquares => lang.pick("least squares, knows C", "最小二乘，已知 C"),
        }
    }

    /// Numbers that are kept of a picture, for each of its own.
    pub(super) fn kept(self, pair: &Pair) -> f64 {
        let cells = |[height, width]: [usize; 2]| (height * width) as f64;
        let blocks = 1.0 / (pair.factor * pair.factor) as f64;
        match self {
            Self::ConvTranspose | Self::ConvBilinear | Self::LeastSquares => {
                cells(pair.small()) / cells(pair.large())
            }
            // A maximum and its index.
            Self::MaxUnpool => 2.0 * blocks,
            Self::MaxUnpoolNoIndices | Self::PixelShuffleMean => blocks,
            Self::PixelShuffle => 1.0,
        }
    }

    /// The picture brought down and up, not limited to 0 to 1.
    pub(super) fn apply(self, pair: &Pair, picture: &Planes) -> Result<Planes, KernelError> {
        let mean = pair.mean_kernel();
        let small = || pair.down(&mean, &picture.values);
        let values = match self {
            Self::ConvTranspose => pair.up_evenly(&mean, &small()?)?,
            Self::ConvBilinear => {
                pair.up_evenly(&bilinear_kernel(&[2 * pair.factor; 2])?, &small()?)?
            }
            Self::LeastSquares => least_squares(pair, &mean, &small()?)?,
            Self::MaxUnpool => unpool(pair, picture, |index, _| index)?,
            Self::MaxUnpoolNoIndices => unpool(pair, picture, |_, first| first)?,
            Self::PixelShuffle => shuffled(pair, picture, |_| ())?,
            Self::PixelShuffleMean => shuffled(pair, picture, |cells| {
                let mean = cells.iter().sum::<f64>() / cells.len() as f64;
                cells.fill(mean);
            })?,
        };
        Ok(picture.with(values))
    }
}

/// Maxima of blocks, each put where `place` says: it is told where it was, and where its block begins.
fn unpool(
    pair: &Pair,
    picture: &Planes,
    place: impl Fn(i64, i64) -> i64,
) -> Result<Vec<f64>, KernelError> {
    let (kernel, stride) = (vec![pair.factor; 2], vec![pair.factor; 2]);
    let pool = PoolWindow {
        kernel: kernel.clone(),
        stride: stride.clone(),
        dilation: vec![1; 2],
        padding: vec![ConvPadding::Valid; 2],
        rounding: PoolRounding::Floor,
    };
    let mut pooled = max_pool(&pool, &picture.shape(), &picture.values, IndexMeaning::Plane)?;
    let columns = picture.width / pair.factor;
    let blocks = columns * (picture.height / pair.factor);
    for (n, index) in pooled.indices.iter_mut().enumerate() {
        let (row, column) = (n % blocks / columns, n % columns);
        let first = (row * picture.width + column) * pair.factor;
        *index = place(*index, first as i64);
    }
    let unpool = MaxUnpool { kernel, stride, padding: vec![0; 2], output_size: None };
    max_unpool(&unpool, &pooled.shape, &pooled.values, &pooled.shape, &pooled.indices)
}

/// The cells of every block as channels, changed, and put back.
fn shuffled(
    pair: &Pair,
    picture: &Planes,
    change: impl Fn(&mut [f64]),
) -> Result<Vec<f64>, KernelError> {
    let (factor, [batch, _, height, width]) = (pair.factor, picture.shape());
    let mut deep = pixel_unshuffle(&picture.shape(), &picture.values, factor)?;
    let (cells, blocks) = (factor * factor, height / factor * (width / factor));
    let mut block = vec![0.0; cells];
    for own in deep.chunks_exact_mut(cells * blocks) {
        for at in 0..blocks {
            block.iter_mut().enumerate().for_each(|(n, cell)| *cell = own[n * blocks + at]);
            change(&mut block);
            block.iter().enumerate().for_each(|(n, &cell)| own[n * blocks + at] = cell);
        }
    }
    let shape = [batch, CHANNELS * cells, height / factor, width / factor];
    pixel_shuffle(&shape, &deep, factor)
}
