//! Chains whose sizes are known from papers, or worked by hand. Convolution: `floor((n + 2p - k) / s) + 1`;
//! PyTorch's transposed convolution: `(n - 1) s - 2p + k + output_padding`.

mod wrong;

use super::*;
use crate::document::{Layout, width};

fn check(text: &str, from: Option<&[i64]>) -> Checked {
    Chain::read(text, "net.toml").unwrap().check(from, Lang::En).unwrap()
}

fn error(text: &str) -> String {
    let chain = Chain::read(text, "net.toml");
    chain.and_then(|chain| chain.check(None, Lang::En)).unwrap_err().to_string()
}

fn outputs(checked: &Checked) -> Vec<usize> {
    checked.layers.iter().map(|layer| layer.output[0]).collect()
}

fn texts(checked: &Checked) -> Vec<&str> {
    checked.repairs.iter().map(|repair| repair.text.as_str()).collect()
}

/// Layer, axis, cells.
fn loses(checked: &Checked) -> Vec<(&str, usize, i64)> {
    checked.loses.iter().map(|lost| (lost.layer.as_str(), lost.axis, lost.cells)).collect()
}

const UNET: &str = include_str!("../../../../../examples/unet.toml");

#[test]
fn a_u_net_loses_a_pixel_of_225() {
    let checked = check(UNET, None);
    assert_eq!(
        outputs(&checked),
        [225, 112, 112, 56, 56, 28, 28, 14, 28, 56, 112, 224, 224],
        "halves, rounded down, and twice as much again"
    );
    assert!(!checked.round_trip && !checked.comes_back());
    assert_eq!(loses(&checked), [("pool1", 0, 1), ("pool1", 1, 1)]);
    assert_eq!(checked.layers[1].unread, [1, 1]);
    let fits: Vec<bool> =
        checked.layers.iter().filter_map(|l| l.skip.as_ref()).map(|s| s.fits).collect();
    assert_eq!(fits, [true, true, true, false]);
    assert_eq!(
        texts(&checked),
        [
            "like = \"enc1\" in up1 (output_size of the call)",
            "output_padding = 1 in up1",
            "input = [224, 224]: crop to it",
            "input = [240, 240]: pad to it",
        ]
    );
    // The first, made by hand.
    let name = "name = \"up1\"\n";
    let repaired = UNET.replace(name, &format!("{name}like = \"enc1\"\n"));
    let repaired = check(&repaired, None);
    assert!(repaired.comes_back() && repaired.loses.is_empty() && repaired.repairs.is_empty());
    let repaired = UNET.replace(name, &format!("{name}output_padding = 1\n"));
    assert!(check(&repaired, None).comes_back());
}

/// Four halvings come back exactly for multiples of 16.
#[test]
fn the_nearest_sizes_of_a_u_net_are_multiples_of_16() {
    for size in 16..300_i64 {
        let checked = check(UNET, Some(&[size, 240]));
        assert_eq!(checked.comes_back(), size % 16 == 0, "{size}");
        assert_eq!(checked.loses.is_empty(), size % 16 == 0, "{size}");
        let (below, above) = match size % 16 {
            0 => ([size - 16, 224], [size + 16, 256]),
            rest => ([size - rest, 240], [size - rest + 16, 240]),
        };
        let known = |size: [i64; 2]| Some(size.map(|n| n as usize).to_vec()).filter(|s| s[0] > 0);
        assert_eq!(checked.nearest.below, known(below), "{size}");
        assert_eq!(checked.nearest.above, known(above), "{size}");
    }
}

#[test]
fn two_halvings_that_lose_are_both_named_and_repaired_together() {
    // 227 -> 113 (one unread) -> 56 (one unread) -> 28 -> 14 -> 28, 56, 112, 224.
    let checked = check(UNET, Some(&[227, 240]));
    assert_eq!(loses(&checked), [("pool1", 0, 1), ("pool2", 0, 1)]);
    assert_eq!(
        texts(&checked)[..2],
        [
            "like = \"enc2\" in up2; like = \"enc1\" in up1 (output_size of the call)",
            "output_padding = [1, 0] in up2 and up1",
        ]
    );
    let repair = &checked.repairs[1];
    assert_eq!(repair.change.value, Value::Numbers(vec![1, 0]));
    assert_eq!(repair.also.len(), 1);
}

/// The sizes of figure 1 of the U-Net paper: 572 in, 388 out, no padding anywhere.
#[test]
fn the_first_u_net_shrinks_by_its_borders() {
    let conv = |name: &str| format!("[[layer]]\nname = \"{name}\"\nop = \"conv\"\nkernel = 3\n");
    let mut text = "input = [572, 572]\n".to_owned();
    for level in 1..=5 {
        text += &(conv(&format!("down{level}a")) + &conv(&format!("down{level}b")));
        if level < 5 {
            text += "[[layer]]\nop = \"max_pool\"\nkernel = 2\n";
        }
    }
    for level in (1..=4).rev() {
        text += "[[layer]]\nop = \"conv_transpose\"\nkernel = 2\nstride = 2\n";
        text += &format!("skip = \"down{level}b\"\n");
        text += &(conv(&format!("up{level}a")) + &conv(&format!("up{level}b")));
    }
    let checked = check(&text, None);
    assert_eq!(
        outputs(&checked),
        [
            570, 568, 284, 282, 280, 140, 138, 136, 68, 66, 64, 32, 30, 28, 56, 54, 52, 104, 102,
            100, 200, 198, 196, 392, 390, 388
        ]
    );
    assert!(loses(&checked).contains(&("down1a", 0, 2)));
    assert!(loses(&checked).iter().all(|(_, _, cells)| *cells == 2));
    // With padding 1 in all 18 convolutions: 572, 286, 143, 71, 35. Twice 35 is not 71, nor twice 71 143.
    let first = &checked.repairs[0];
    assert!(first.text.starts_with("padding = 1 in down1a, down1b, "), "{}", first.text);
    let end = "; like = \"down4b\" in op 15; like = \"down3b\" in op 18 (output_size of the call)";
    assert!(first.text.ends_with(end), "{}", first.text);
    assert_eq!(first.also.len(), 19);
    // The multiples of 16 on either side.
    let last = |repair: &Repair| repair.also.last().map(|change| change.value.clone());
    let sizes: Vec<_> = checked.repairs.iter().filter_map(last).collect();
    assert!(sizes.ends_with(&[Value::Numbers(vec![560; 2]), Value::Numbers(vec![576; 2])]));
}

const CODEC: &str = r#"
input = 400
[[layer]]
name = "down4"
op = "conv"
kernel = 8
stride = 4
padding = 2
[[layer]]
name = "down5"
op = "conv"
kernel = 10
stride = 5
padding = 3
[[layer]]
name = "up5"
op = "conv_transpose"
kernel = 10
stride = 5
padding = 3
[[layer]]
name = "up4"
op = "conv_transpose"
kernel = 8
stride = 4
padding = 2
"#;

/// An audio codec with kernel = 2 stride and padding = ceil(stride / 2): an odd stride makes a sample too few.
#[test]
fn a_codec_with_an_odd_stride_is_a_sample_short() {
    // 400 -> 396 / 4 + 1 = 100 -> floor(96 / 5) + 1 = 20; 19 * 5 - 6 + 10 = 99; 98 * 4 - 4 + 8 = 396.
    let checked = check(CODEC, None);
    assert_eq!(outputs(&checked), [100, 20, 99, 396]);
    assert!(checked.layers.iter().all(|layer| layer.unread == [0]));
    assert_eq!(loses(&checked), [("up5", 0, 1)]);
    assert!(checked.loses[0].reason.starts_with("20 -> 99, on the way back to the 100 of down4"));
    assert_eq!(
        texts(&checked),
        [
            "like = \"down4\" in up5 (output_size of the call)",
            "output_padding = 1 in up5",
            "input = 396: crop to it",
            "input = 416: pad to it",
        ]
    );
    // 416 -> 104 -> floor(100 / 5) + 1 = 21 -> 20 * 5 + 4 = 104 -> 103 * 4 + 4 = 416.
    assert!(check(CODEC, Some(&[416])).comes_back());
    let repaired = CODEC.replace("name = \"up5\"", "name = \"up5\"\noutput_padding = 1");
    assert!(check(&repaired, None).comes_back());
}

#[test]
fn same_of_tensorflow_rounds_up_and_needs_to_be_told() {
    let mut text = "dialect = \"tensorflow\"\ninput = 225\n".to_owned();
    for level in 1..=4 {
        text +=
            &format!("[[layer]]\nname = \"down{level}\"\nop = \"conv\"\nkernel = 3\nstride = 2\n");
    }
    let mut like = text.clone();
    for level in (0..=3).rev() {
        let up = "[[layer]]\nop = \"conv_transpose\"\nkernel = 3\nstride = 2\n";
        let beside = if level == 0 { "input".to_owned() } else { format!("down{level}") };
        text += &format!("{up}skip = \"{beside}\"\n");
        like += &format!("{up}skip = \"{beside}\"\nlike = \"{beside}\"\n");
    }
    // ceil(n / 2) down; twice as much where no size is given.
    let checked = check(&text, None);
    assert_eq!(outputs(&checked), [113, 57, 29, 15, 30, 60, 120, 240]);
    assert_eq!(loses(&checked)[0], ("op 5", 0, -1));
    assert!(checked.repairs[0].text.ends_with("like = \"input\" in op 8 (the output shape)"));
    assert_eq!(checked.repairs[0].also.len(), 3);
    let near = [checked.nearest.below.clone(), checked.nearest.above.clone()];
    assert_eq!(near, [Some(vec![224]), Some(vec![240])]);
    let told = check(&like, None);
    assert_eq!(outputs(&told), [113, 57, 29, 15, 29, 57, 113, 225]);
    assert!(told.comes_back() && told.loses.is_empty());
}

/// FCN-32s: 100 zeros around the picture, poolings that round up, kernel 64 and stride 32, and a crop.
#[test]
fn fcn_32s_comes_back_by_its_crop() {
    let fcn = |crop: &str| {
        let mut text =
            "input = [500, 500]\n[[layer]]\nname = \"conv1\"\nop = \"conv\"\nkernel = 3\n\
                        padding = 100\n"
                .to_owned();
        text += &"[[layer]]\nop = \"max_pool\"\nkernel = 2\nceil_mode = true\n".repeat(5);
        text += "[[layer]]\nname = \"fc6\"\nop = \"conv\"\nkernel = 7\n";
        text + "[[layer]]\nname = \"upscore\"\nop = \"conv_transpose\"\nkernel = 64\nstride = 32\n"
            + crop
    };
    // 500 + 200 - 2 = 698, halves rounded up, 22 - 6 = 16, 15 * 32 + 64 = 544; 544 - 500 = 44 = 2 * 22.
    let whole = check(&fcn(""), None);
    assert_eq!(outputs(&whole), [698, 349, 175, 88, 44, 22, 16, 544]);
    assert_eq!(texts(&whole)[0], "padding = 22 in upscore");
    let cropped = check(&fcn("padding = 22\n"), None);
    assert_eq!(cropped.output, [500, 500]);
    assert!(cropped.comes_back());
}

#[test]
fn pools_round_as_their_dialect_does() {
    let pool = |dialect: &str, more: &str| {
        let text = format!(
            "dialect = \"{dialect}\"\ninput = 225\n[[layer]]\nop = \"max_pool\"\nkernel = 2\n"
        );
        let checked = check(&(text + more), None);
        (checked.output[0], checked.layers[0].unread[0])
    };
    assert_eq!(pool("pytorch", ""), (112, 1));
    assert_eq!(pool("pytorch", "ceil_mode = true"), (113, 0));
    assert_eq!(pool("caffe", ""), (113, 0));
    assert_eq!(pool("caffe", "ceil_mode = false"), (112, 1));
    assert_eq!(pool("keras", ""), (112, 1));
    assert_eq!(pool("tensorflow", ""), (113, 0));
    // Windows of 3 at stride 2, a zero in front: the first covers -1 to 1, the last of 113 ends at 225.
    assert_eq!(pool("pytorch", "stride = 3"), (75, 1));
    assert_eq!(pool("onnx", "padding = [[1, 0]]"), (113, 0));
}

#[test]
fn shuffles_and_resizes_multiply() {
    let text = "input = [8, 12]\n[[layer]]\nop = \"pixel_unshuffle\"\nfactor = [2, 3]\n\
                [[layer]]\nop = \"pixel_shuffle\"\nfactor = 2\nskip = \"input\"\n\
                [[layer]]\nname = \"to\"\nop = \"resize\"\noutput = 12\n\
                [[layer]]\nop = \"resize\"\nlike = \"op 2\"\n";
    let checked = check(text, None);
    let sizes: Vec<&[usize]> = checked.layers.iter().map(|layer| &layer.output[..]).collect();
    assert_eq!(sizes, [&[4, 4][..], &[8, 8], &[12, 12], &[8, 8]]);
    assert_eq!(loses(&checked), [("op 2", 1, 4)]);
    assert!(checked.loses[0].reason.contains("go down by 3 and up by 2"), "{checked:?}");
    let odd = "input = 9\n[[layer]]\nop = \"pixel_unshuffle\"\nfactor = 2\n";
    assert_eq!(
        error(odd),
        "net.toml, line 2, layer \"op 1\": axis 0: 9 cells are no multiple of the factor 2"
    );
}

#[test]
fn a_bottleneck_without_padding_is_no_loss() {
    // 4 -> 1 -> 4 at the same scale; the halving before loses the last of 9.
    let text = "input = 9\n[[layer]]\nname = \"pool\"\nop = \"avg_pool\"\nkernel = 2\n\
                [[layer]]\nop = \"conv\"\nkernel = 4\n[[layer]]\nop = \"conv_transpose\"\nkernel = 4\n\
                [[layer]]\nname = \"up\"\nop = \"resize\"\nfactor = 2\n";
    let checked = check(text, None);
    assert_eq!(outputs(&checked), [4, 1, 4, 8]);
    assert_eq!(loses(&checked), [("pool", 0, 1)]);
    assert_eq!(texts(&checked)[0], "like = \"input\" in up");
}

#[test]
fn pages_keep_to_their_width_in_both_languages() {
    let chain = Chain::read(UNET, "examples/unet.toml").unwrap();
    for lang in [Lang::En, Lang::Zh] {
        for size in [[225, 225], [227, 240], [224, 224], [223, 1025]] {
            let page = chain.check(Some(&size), lang).unwrap().page();
            for columns in [40, 80] {
                let text = page.text(Layout { width: columns, bold: false });
                assert!(text.lines().all(|line| width(line) <= columns), "{columns}\n{text}");
            }
        }
    }
    let wide = chain.check(None, Lang::En).unwrap().page().text(Layout::default());
    assert!(wide.contains("up1    conv_transpose  224x224          enc1: not 225x225"), "{wide}");
}

/// Kernel 2, stride 3: the cell behind the last window belongs to its stride, and 75 * 3 = 225 counts it. The way
/// up makes 74 * 3 + 2 = 224 of 75.
#[test]
fn a_kernel_below_its_stride_is_no_loss_by_itself() {
    let text = "input = 225\n[[layer]]\nop = \"max_pool\"\nkernel = 2\nstride = 3\n\
                [[layer]]\nname = \"up\"\nop = \"conv_transpose\"\nkernel = 2\nstride = 3\n";
    let checked = check(text, None);
    assert_eq!((outputs(&checked), checked.layers[0].unread[0]), (vec![75, 224], 1));
    assert_eq!(loses(&checked), [("up", 0, 1)]);
}
