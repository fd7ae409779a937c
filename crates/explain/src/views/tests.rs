use upconv_geometry::{Axis, AxisParams, Channels, ConvTransposeShape};
use upconv_kernels::reference::conv_transpose::{conv_transpose, conv_transpose_x_backward};

use super::zero_insertion::Inserted;
use super::{Place, Span, Worked, gather, scatter, zero_insertion};
use crate::document::Block;
use crate::sample::{check_equations, settings};
use crate::{Lang, Layout, Page};

/// What the reference computes, for one channel.
fn reference(axes: &[Axis], x: &[i64], w: &[i64]) -> Vec<i64> {
    let channels = Channels { batch: 1, in_channels: 1, out_channels: 1, groups: 1 };
    let shape = ConvTransposeShape::new(channels, axes.to_vec()).unwrap();
    let float = |values: &[i64]| values.iter().map(|&v| v as f64).collect::<Vec<_>>();
    let y = conv_transpose(&shape, &float(x), &float(w), None).unwrap();
    y.into_iter().map(|v| v as i64).collect()
}

/// The way back is the gradient for x, which is the forward convolution.
#[test]
fn there_and_back_is_what_the_reference_makes_of_it() {
    for worked in examples() {
        let channels = Channels { batch: 1, in_channels: 1, out_channels: 1, groups: 1 };
        let shape = ConvTransposeShape::new(channels, worked.axes.clone()).unwrap();
        let float = |values: &[i64]| values.iter().map(|&v| v as f64).collect::<Vec<_>>();
        let back = conv_transpose_x_backward(&shape, &float(&worked.w), &float(&worked.y)).unwrap();
        assert_eq!(float(&worked.back), back, "{:?}", worked.axes);
        assert!(worked.rank <= worked.x.len().min(worked.y.len()));
    }
    // 1 2 3 laid down over each other from cell 0, 1 and 2 on: C has three steps, none follows from the others.
    let worked = Worked::new(&[axis(3, 3, 1, 1, 0, 5)]).unwrap();
    assert_eq!((worked.rank, &worked.y[..]), (3, &[1, 4, 10, 12, 9][..]));
    // 1 * 1 + 4 * 2 + 10 * 3, 4 * 1 + 10 * 2 + 12 * 3, 10 * 1 + 12 * 2 + 9 * 3.
    assert_eq!(worked.back, [39, 60, 61]);
    // A window of one cell sees one direction only.
    assert_eq!(Worked::new(&[axis(3, 3, 1, 1, 2, 1)]).unwrap().rank, 1);
}

fn examples() -> Vec<Worked> {
    settings(3000).iter().filter_map(|(_, resolved)| Worked::new(&resolved.axes)).collect()
}

fn axis(
    input: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    window_begin: i64,
    output: usize,
) -> Axis {
    Axis::new(0, AxisParams { input, kernel, stride, dilation, window_begin, output }).unwrap()
}

fn text(blocks: Vec<Block>) -> String {
    Page { blocks }.text(Layout { width: 100, bold: false })
}

#[test]
fn worked_numbers_are_those_of_the_reference() {
    let examples = examples();
    assert!(examples.len() > 500, "{}", examples.len());
    for worked in examples {
        assert_eq!(worked.y, reference(&worked.axes, &worked.x, &worked.w), "{:?}", worked.axes);
    }
}

#[test]
fn the_gathered_sums_hold() {
    let mut checked = 0;
    for worked in examples() {
        // The equations of a plane go over several lines; joined they are one.
        for block in gather::blocks(&worked, Lang::En) {
            let Block::Figure(forms) = block else { continue };
            let lines = forms.into_iter().next().unwrap();
            match worked.axes.len() {
                1 => lines.iter().for_each(|line| checked += check_equations(line)),
                _ => {
                    let joined = lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
                    checked += check_equations(&joined);
                }
            }
        }
    }
    assert!(checked > 1000, "{checked}");
}

#[test]
fn sliding_the_flipped_kernel_over_inserted_zeros_gives_the_output() {
    for worked in examples().iter().filter(|worked| worked.axes.len() == 1) {
        let a = worked.axes[0];
        let inserted = Inserted::of(&a);
        let span = a.effective_kernel();
        let y: Vec<i64> = (0..a.output())
            .map(|o| {
                let products = (0..span).map(|place| {
                    let ahead = span - 1 - place;
                    let tap = (ahead % a.dilation() == 0).then_some(ahead / a.dilation());
                    match (inserted.cells[o + place], tap) {
                        (Some(input), Some(tap)) => worked.x[input] * worked.w[tap],
                        _ => 0,
                    }
                });
                products.sum()
            })
            .collect();
        assert_eq!(y, worked.y, "{a:?}");
        // Zeros in front, spread inputs and zeros behind are the whole row.
        let spread = (a.input() as i64 - 1) * a.stride() as i64 + 1;
        assert_eq!(inserted.front + spread + inserted.behind, inserted.cells.len() as i64);
    }
}

#[test]
fn the_row_of_kernel_3_stride_2_by_hand() {
    let worked = Worked::new(&[axis(3, 3, 2, 1, 1, 5)]).unwrap();
    let drawn = text(scatter::blocks(&worked, Lang::En));
    let expected = "  \
  cell   0 1 2 3 4 5 6
  1 * w  1 2 3
  2 * w      2 4 6
  3 * w          3 6 9
  sum    1 2 5 4 9 6 9
  y       [2 5 4 9 6]
";
    assert!(drawn.ends_with(expected), "{drawn}");
    let drawn = text(zero_insertion::blocks(&worked, Lang::En));
    let expected = "  \
  input   . 1 . 2 . 3 .
  kernel  3 2 1          y[0] = 2
            3 2 1        y[1] = 5
              3 2 1      y[2] = 4
                3 2 1    y[3] = 9
                  3 2 1  y[4] = 6
";
    assert!(drawn.ends_with(expected), "{drawn}");
}

#[test]
fn a_window_beside_the_row_leaves_a_gap() {
    // The row is cells 0 and 1; the window cells 4 and 5.
    let span = Span::of(&axis(1, 2, 1, 1, 4, 2));
    let places: Vec<_> = span.cells().map(|cell| span.place(cell)).collect();
    use Place::{Added, Cropped, Nowhere};
    assert_eq!(places, [Cropped, Cropped, Nowhere, Nowhere, Added, Added]);
    assert_eq!(span.window(), 4..6);
}

#[test]
fn what_is_too_large_is_not_worked_out() {
    assert!(Worked::new(&[axis(9, 1, 1, 1, 0, 9)]).is_none());
    assert!(Worked::new(&[axis(8, 8, 8, 1, 0, 64)]).is_none());
    let small = axis(2, 2, 1, 1, 0, 3);
    assert!(Worked::new(&[small, small]).is_some());
    assert!(Worked::new(&[small, small, small]).is_none());
}
