//! The layers that `upconv bench` knows by name.

use upconv_explain::Lang;

use super::notation::{self, Wrong};
use super::workload::Workload;

/// A layer with a name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) name: &'static str,
    shape: &'static str,
}

const fn known(name: &'static str, shape: &'static str) -> Known {
    Known { name, shape }
}

/// All of them, in the order of tables.
pub(super) const WORKLOADS: [Known; 23] = [
    // FCN-8s: the head, and a step before it.
    known("W1", "tconv:c21-21,i70x70,k16,s8,p4"),
    known("W2", "tconv:c21-21,i34x34,k4,s2,p1"),
    // DCGAN's generator: projection, then 8 to 16, 16 to 32 and 32 to 64 pixels; W4b is the variant with
    // 4x4 kernels.
    known("W3", "tconv:n16,c100-1024,i1x1,k4"),
    known("W4", "tconv:n16,c512-256,i8x8,k5,s2,p2,op1"),
    known("W4b", "tconv:n16,c1024-512,i4x4,k4,s2,p1"),
    known("W5", "tconv:n16,c256-128,i16x16,k5,s2,p2,op1"),
    known("W6", "tconv:n16,c128-3,i32x32,k5,s2,p2,op1"),
    // U-Net's way up.
    known("W7", "tconv:c256-128,i56x56,k2,s2,bias"),
    known("W8", "tconv:c128-64,i112x112,k2,s2,bias"),
    // FCN-32s.
    known("W9", "tconv:c21-21,i16x16,k64,s32,p16"),
    // A decoder with 3x3 kernels.
    known("W10", "tconv:c256-128,i32x32,k3,s2,p1,op1,bias"),
    // Bilinear upsampling as a depthwise operation.
    known("W11", "tconv:c21-21,i64x64,k4,s2,p1,g21,bilinear"),
    // Volumes.
    known("W12", "tconv:c32-16,i16x16x16,k4,s2,p1,bias"),
    // HiFi-GAN's vocoder.
    known("W13", "tconv:c512-256,i128,k16,s8,p4,bias"),
    // W1 with bilinear weights on the diagonal: 20 of 21 weights are zero.
    known("W14", "tconv:c21-21,i70x70,k16,s8,p4,bilinear"),
    // ResNet: 3x3 in four sizes (C1, C2, C3, C7), the stem, 1x1; C6 is MobileNet's depthwise layer.
    known("C1", "conv:c64-64,i56x56,k3,p1"),
    known("C2", "conv:c128-128,i28x28,k3,p1"),
    known("C3", "conv:c256-256,i14x14,k3,p1"),
    known("C4", "conv:c3-64,i224x224,k7,s2,p3"),
    known("C5", "conv:c256-64,i56x56,k1"),
    known("C6", "conv:c144-144,i56x56,k3,p1,g144"),
    known("C7", "conv:c512-512,i7x7,k3,p1"),
    // The inverse STFT of 224 frames: 513 real and 513 imaginary parts to samples.
    known("istft", "tconv:c1026-1,i224,k1024,s256"),
];

impl Known {
    pub(super) fn workload(self) -> Result<Workload, Wrong> {
        notation::parse(self.shape)
    }
}

/// The layers that any of the patterns names, in the order of the table; all, if there are none.
///
/// # Errors
/// A message about a pattern that names nothing.
pub(super) fn named(patterns: &[String], lang: Lang) -> Result<Vec<Known>, String> {
    let hit = |pattern: &str, known: &Known| matches(pattern.as_bytes(), known.name.as_bytes());
    let lost = |pattern: &&String| !WORKLOADS.iter().any(|known| hit(pattern, known));
    if let Some(pattern) = patterns.iter().find(lost) {
        let all = WORKLOADS.map(|known| known.name).join(lang.pick(", ", "、"));
        return Err(match lang {
            Lang::En => format!("there is no layer '{pattern}'; there are: {all}"),
            Lang::Zh => format!("没有名为 '{pattern}' 的层；现有：{all}"),
        });
    }
    let wanted = |known: &Known| patterns.is_empty() || patterns.iter().any(|p| hit(p, known));
    Ok(WORKLOADS.into_iter().filter(wanted).collect())
}

/// Whether a name fits a pattern, in which `*` stands for any letters, and case does not count.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|skip| matches(rest, &name[skip..])),
        ([p, pattern @ ..], [n, name @ ..]) => p.eq_ignore_ascii_case(n) && matches(pattern, name),
        (pattern, name) => pattern.is_empty() && name.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `id`, `output` and `flops` of the harness's workloads.json.
    const HARNESS: [(&str, &[usize], u128); 22] = [
        ("W1", &[560, 560], 1_090_631_808),
        ("W2", &[68, 68], 15_837_192),
        ("W3", &[4, 4], 52_428_800),
        ("W4", &[16, 16], 5_742_002_176),
        ("W4b", &[8, 8], 3_288_334_336),
        ("W5", &[32, 32], 6_217_007_104),
        ("W6", &[64, 64], 302_886_912),
        ("W7", &[112, 112], 822_083_584),
        ("W8", &[224, 224], 822_083_584),
        ("W9", &[512, 512], 867_944_448),
        ("W10", &[64, 64], 591_462_400),
        ("W11", &[128, 128], 2_709_672),
        ("W12", &[32, 32, 32], 244_047_872),
        ("W13", &[1024], 534_773_760),
        ("W14", &[560, 560], 1_090_631_808),
        ("C1", &[56, 56], 225_738_752),
        ("C2", &[28, 28], 220_332_032),
        ("C3", &[14, 14], 209_715_200),
        ("C4", &[112, 112], 232_429_056),
        ("C5", &[56, 56], 102_760_448),
        ("C6", &[56, 56], 7_936_128),
        ("C7", &[7, 7], 189_267_968),
    ];

    #[test]
    fn sizes_and_operations_are_the_harness_s() {
        for (name, output, flops) in HARNESS {
            let known = WORKLOADS.iter().find(|known| known.name == name).unwrap();
            let shape = known.workload().unwrap().shape().unwrap();
            assert_eq!((&shape.y()[2..], shape.flops()), (output, flops), "{name}");
        }
        let istft = WORKLOADS[22].workload().unwrap().shape().unwrap();
        // Nothing is cropped.
        assert_eq!(istft.y(), [1, 1, 223 * 256 + 1024]);
        assert_eq!(istft.flops(), 2 * 1026 * 1024 * 224);
    }

    #[test]
    fn patterns() {
        let names = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|p| (*p).to_owned()).collect();
            let found = named(&patterns, Lang::En);
            found.map(|found| found.iter().map(|known| known.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&[]).unwrap().len(), 23);
        assert_eq!(names(&["C2", "w4*", "W4"]).unwrap(), ["W4", "W4b", "C2"]);
        assert_eq!(names(&["*st*t"]).unwrap(), ["istft"]);
        for lost in ["W15", "", "W", "C*2*x"] {
            let message = names(&["W1", lost]).unwrap_err();
            assert!(message.starts_with(&format!("there is no layer '{lost}'; there are: W1, W2")));
        }
    }
}
