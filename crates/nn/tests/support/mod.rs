//! What the tests share: numbers from a seed, and closeness that says where it fails.
#![allow(dead_code, clippy::unwrap_used)]

use burn::tensor::{Device, Tensor, TensorData};
use upconv_geometry::dialect::definition;
use upconv_geometry::{Axis, Channels, ConvAxis, ConvShape, ConvTransposeShape, Dialect, Padding};

/// `length` values between -1 and 1, the same for the same seed.
pub(crate) fn values(seed: u64, length: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // 24 bits are exact in an f32.
        (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..length).map(|_| next()).collect()
}

pub(crate) fn tensor<const D: usize>(
    values: &[f32],
    shape: &[usize],
    device: &Device,
) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape.to_vec()), device)
}

pub(crate) fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// Every difference at most `bound * (1 + |wanted|)`.
pub(crate) fn assert_close(what: &str, got: &[f32], wanted: &[f64], bound: f64) {
    assert_eq!(got.len(), wanted.len(), "{what}: length");
    for (at, (&got, &wanted)) in got.iter().zip(wanted).enumerate() {
        let off = (f64::from(got) - wanted).abs();
        assert!(
            off <= bound * (1.0 + wanted.abs()),
            "{what}: value {at} is {got}, but should be {wanted}"
        );
    }
}

/// One convolution of any rank, in plain numbers.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) input: Vec<usize>,
    pub(crate) kernel: Vec<usize>,
    pub(crate) stride: Vec<i64>,
    pub(crate) dilation: Vec<i64>,
    pub(crate) padding: Padding,
    pub(crate) channels: [usize; 2],
    pub(crate) groups: usize,
}

impl Case {
    pub(crate) fn axes(&self) -> Vec<ConvAxis> {
        let Self { input, kernel, stride, dilation, padding, .. } = self;
        Dialect::Definition.conv_axes(input, kernel, stride, dilation, padding).unwrap()
    }

    pub(crate) fn conv(&self) -> ConvShape {
        let [in_channels, out_channels] = self.channels;
        let channels = Channels { batch: 2, in_channels, out_channels, groups: self.groups };
        ConvShape::new(channels, self.axes()).unwrap()
    }

    pub(crate) fn transposed_axes(&self) -> Vec<Axis> {
        let op = definition::ConvTranspose {
            stride: self.stride.clone(),
            padding: self.padding.clone(),
            dilation: self.dilation.clone(),
            ..Default::default()
        };
        op.axes(&self.input, &self.kernel).unwrap()
    }

    pub(crate) fn conv_transpose(&self) -> ConvTransposeShape {
        let [in_channels, out_channels] = self.channels;
        let channels = Channels { batch: 2, in_channels, out_channels, groups: self.groups };
        ConvTransposeShape::new(channels, self.transposed_axes()).unwrap()
    }
}

/// Settings of every rank: groups, depthwise, dilation, both SAME rules on odd and even sizes, uneven
/// and negative padding, kernels below, at and above the stride.
pub(crate) fn cases() -> Vec<Case> {
    let case = |input: &[usize], kernel: &[usize], stride: &[i64]| Case {
        input: input.to_vec(),
        kernel: kernel.to_vec(),
        stride: stride.to_vec(),
        dilation: vec![1; input.len()],
        padding: Padding::Valid,
        channels: [2, 3],
        groups: 1,
    };
    vec![
        case(&[6], &[3], &[2]),
        Case { padding: Padding::Same, ..case(&[7], &[4], &[3]) },
        Case { padding: Padding::Pads(vec![(2, 0)]), ..case(&[5], &[3], &[1]) },
        Case { padding: Padding::Pads(vec![(-1, 2)]), ..case(&[6], &[2], &[2]) },
        case(&[5, 4], &[1, 3], &[2, 1]),
        Case { padding: Padding::Same, ..case(&[5, 6], &[3, 3], &[2, 2]) },
        Case { padding: Padding::SameLower, ..case(&[4, 5], &[4, 3], &[2, 2]) },
        Case {
            dilation: vec![2, 1],
            groups: 2,
            channels: [4, 2],
            ..case(&[7, 5], &[3, 2], &[1, 2])
        },
        Case {
            padding: Padding::Same,
            channels: [3, 3],
            groups: 3,
            ..case(&[6, 5], &[5, 3], &[2, 1])
        },
        Case {
            padding: Padding::Pads(vec![(1, 0), (0, 2), (1, 1)]),
            ..case(&[3, 4, 3], &[2, 3, 2], &[1, 2, 2])
        },
        Case {
            dilation: vec![1, 2, 1],
            padding: Padding::Same,
            ..case(&[3, 3, 4], &[2, 2, 3], &[2, 1, 2])
        },
        // Enough channels for the matrix path.
        Case { padding: Padding::Same, channels: [8, 16], ..case(&[9, 7], &[3, 3], &[2, 1]) },
    ]
}

/// Calls `$run::<rank of the tensors>($case)`.
#[allow(unused_macros)]
macro_rules! by_rank {
    ($run:ident, $case:expr) => {
        match $case.input.len() {
            1 => $run::<3>(&$case),
            2 => $run::<4>(&$case),
            _ => $run::<5>(&$case),
        }
    };
}
#[allow(unused_imports)]
pub(crate) use by_rank;
