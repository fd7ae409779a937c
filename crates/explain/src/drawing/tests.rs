//! What is drawn, against the reference kernel: every view of 200 random settings.

use upconv_geometry::{Axis, Channels, ConvTransposeShape, Dialect, Setting};
use upconv_kernels::reference::conv_transpose::conv_transpose;

use super::panel::Panel;
use super::*;
use crate::sample;

/// Settings of one to three axes, as drawings that have numbers in them, and what the reference makes of these
/// numbers.
fn drawings(count: usize) -> Vec<(Drawing, Vec<i64>)> {
    let mut drawn = Vec::new();
    for (setting, _) in sample::settings(4 * count) {
        let explained = Explained::new(setting, Lang::En).expect("it was accepted before");
        let Some(drawing) = Drawing::new(&explained, DrawingOptions::default()) else { continue };
        let Some(own) = &drawing.subject.numbers else { continue };
        let channels = Channels { batch: 1, in_channels: 1, out_channels: 1, groups: 1 };
        let axes = subject::drawn(explained.axes()).to_vec();
        let shape = ConvTransposeShape::new(channels, axes).expect("legal");
        let y = conv_transpose(&shape, &own.x, &own.w, None).expect("legal");
        drawn.push((drawing, y.into_iter().map(|v| v as i64).collect()));
        if drawn.len() == count {
            return drawn;
        }
    }
    panic!("too few settings can be drawn: {}", drawn.len());
}

/// The numbers of a panel; a cell without one is 0.
fn numbers(panel: &Panel) -> Vec<i64> {
    let number = |text: &String| text.parse().expect("a number");
    let cells = panel.cells.iter().map(|cell| cell.as_ref().and_then(|cell| cell.text.as_ref()));
    cells.map(|text| text.map_or(0, number)).collect()
}

fn last(drawing: &Drawing, view: View) -> Frame {
    drawing.frame(view, drawing.telling(view), usize::MAX).expect("it can be drawn")
}

#[test]
fn scattered_and_gathered_values_are_those_of_the_reference() {
    for (drawing, y) in drawings(200) {
        let frame = last(&drawing, View::Scatter);
        let result = &frame.panels[1][0];
        let (all, window) = (numbers(result), &result.windows[0]);
        let inside = window.rows.clone().flat_map(|i| window.columns.clone().map(move |j| (i, j)));
        let kept: Vec<i64> = inside.map(|(i, j)| all[i * result.columns + j]).collect();
        assert_eq!(kept, y, "{}", drawing.setting);
        let frame = last(&drawing, View::Gather);
        assert_eq!(numbers(&frame.panels[1][0]), y, "{}", drawing.setting);
    }
}

/// Before the first input nothing is there; after the last the result is whole.
#[test]
fn scattered_sums_grow_step_by_step() {
    for (drawing, _) in drawings(50) {
        let whole = numbers(&last(&drawing, View::Scatter).panels[1][0]);
        let steps = drawing.steps(View::Scatter);
        let end = drawing.frame(View::Scatter, steps - 1, steps - 1).expect("it can be drawn");
        assert_eq!(numbers(&end.panels[1][0]), whole, "{}", drawing.setting);
        // One input times the sum of the kernel: every step adds as much in all.
        let own = drawing.subject.numbers.as_ref().expect("numbers");
        // Counted: whole numbers.
        let kernel = own.w.iter().sum::<f64>() as i64;
        let start = drawing.frame(View::Scatter, 0, 0).expect("it can be drawn");
        let added: i64 = numbers(&start.panels[1][0]).iter().sum();
        assert_eq!(added, own.x[0] as i64 * kernel, "{}", drawing.setting);
    }
}

/// The flipped kernel times the cells it lies on gives the output, as the picture has them.
#[test]
fn the_kernel_over_the_stretched_input_gives_the_output() {
    for (drawing, y) in drawings(200) {
        let dilation = drawing.subject.axes.each_ref().map(Axis::dilation);
        for (step, &expected) in y.iter().enumerate() {
            let frame = drawing.frame(View::ZeroInsertion, step, step).expect("it can be drawn");
            let (stretched, flipped) = (&frame.panels[0][0], &frame.panels[1][0]);
            let (input, kernel) = (numbers(stretched), numbers(flipped));
            let window = &stretched.windows[0];
            let mut sum = 0;
            for i in 0..flipped.rows {
                for j in 0..flipped.columns {
                    let row = window.rows.start + i * dilation[0];
                    let column = window.columns.start + j * dilation[1];
                    sum +=
                        kernel[i * flipped.columns + j] * input[row * stretched.columns + column];
                }
            }
            assert_eq!(sum, expected, "y[{step}] of {}", drawing.setting);
        }
    }
}

#[test]
fn the_matrix_times_x_is_y() {
    let mut drawn = 0;
    for (drawing, y) in drawings(200) {
        let Some(frame) = drawing.frame(View::Matrix, 0, usize::MAX) else { continue };
        let [transposed, x, shown] = &frame.panels[1][..] else { panic!("three panels") };
        let (matrix, x) = (numbers(transposed), numbers(x));
        let product = |row: &[i64]| row.iter().zip(&x).map(|(a, b)| a * b).sum::<i64>();
        let got: Vec<i64> = matrix.chunks(transposed.columns).map(product).collect();
        assert_eq!((&got, numbers(shown)), (&y, y.clone()), "{}", drawing.setting);
        let forward = &frame.panels[0][0];
        let c = numbers(forward);
        for i in 0..forward.rows {
            for j in 0..forward.columns {
                assert_eq!(c[i * forward.columns + j], matrix[j * forward.rows + i]);
            }
        }
        drawn += 1;
    }
    assert!(drawn > 100, "{drawn}");
}

#[test]
fn phases_and_overlap_agree_with_the_products() {
    for (drawing, y) in drawings(200) {
        let letters = |panel: &Panel| -> Vec<Option<String>> {
            panel
                .cells
                .iter()
                .map(|cell| cell.as_ref().and_then(|cell| cell.text.clone()))
                .collect()
        };
        let frame = last(&drawing, View::Phases);
        let (kernel, output) = (letters(&frame.panels[0][0]), letters(&frame.panels[0][1]));
        let counts = numbers(&last(&drawing, View::Overlap).panels[0][0]);
        for cell in 0..y.len() {
            let products = drawing.subject.products(cell);
            assert_eq!(counts[cell], products.len() as i64, "y[{cell}] of {}", drawing.setting);
            for (_, tap) in products {
                assert_eq!(kernel[tap], output[cell], "y[{cell}] of {}", drawing.setting);
            }
        }
    }
}

#[test]
fn the_forward_convolution_reads_what_the_input_is_scattered_to() {
    let options = DrawingOptions { forward: true, ..Default::default() };
    let setting = Setting {
        input: vec![3, 3],
        kernel: vec![3, 3],
        stride: vec![2, 2],
        output: Some(vec![5, 5]),
        padding: Some(upconv_geometry::Padding::Same),
        ..Setting::new(Dialect::Tensorflow)
    };
    let explained = Explained::new(setting, Lang::En).expect("legal");
    let drawing = Drawing::new(&explained, options).expect("small");
    let frame = drawing.frame(View::Scatter, 4, 4).expect("it can be drawn");
    let lit = |panel: &Panel| -> Vec<usize> {
        let lit = |n: &usize| panel.cells[*n].as_ref().is_some_and(|cell| cell.lit);
        (0..panel.cells.len()).filter(lit).collect()
    };
    // The middle cell: rows and columns 1 to 3 of the 5x5 output.
    assert_eq!(lit(&frame.panels[2][0]), [6, 7, 8, 11, 12, 13, 16, 17, 18]);
    assert_eq!(lit(&frame.panels[2][1]), [4]);
}

#[test]
fn what_is_too_large_is_not_drawn() {
    let drawn = |input: Vec<i64>, kernel: Vec<i64>| {
        let setting = Setting { input, kernel, ..Setting::new(Dialect::Definition) };
        let explained = Explained::new(setting, Lang::En).expect("legal");
        Drawing::new(&explained, DrawingOptions::default())
    };
    assert!(drawn(vec![300, 300], vec![3, 3]).is_none());
    assert!(drawn(vec![1 << 30], vec![3]).is_none());
    assert!(drawn(vec![2, 300, 300], vec![3, 3, 3]).is_none());
    // Of three axes the first may be long, as it is not drawn.
    let three = drawn(vec![300, 2, 2], vec![5, 3, 3]).expect("4x4 outputs are drawn");
    let two = drawn(vec![2, 2], vec![3, 3]).expect("4x4 outputs");
    assert!(three.setting.contains("drawn are axes 1 and 2"), "{}", three.setting);
    let caption = |drawing: &Drawing| last(drawing, View::Gather).caption;
    assert_eq!(caption(&three), caption(&two));
    // Large enough for no numbers: cells alone, and no matrix.
    let large = drawn(vec![46, 46], vec![3, 3]).expect("48 cells a side");
    assert!(large.html().len() < 2 << 20, "{} bytes", large.html().len());
    assert!(large.svg(View::Matrix).is_none());
    for view in [View::Scatter, View::Gather, View::ZeroInsertion, View::Phases, View::Overlap] {
        let svg = large.svg(view).expect("it can be drawn");
        assert!(svg.len() < 2 << 20, "{view:?}: {} bytes", svg.len());
    }
}

#[test]
fn every_picture_of_a_view_has_the_same_marks_in_the_same_order() {
    for (drawing, _) in drawings(30) {
        for view in View::ALL {
            let Some(frames) = drawing.frames(view) else { continue };
            let scenes = compose::scenes(&drawing.head(view), &frames);
            let kinds = |scene: &scene::Scene| -> Vec<bool> {
                scene.marks.iter().map(|mark| matches!(mark, scene::Mark::Text { .. })).collect()
            };
            for scene in &scenes {
                assert_eq!((scene.width, scene.height), (scenes[0].width, scenes[0].height));
                assert_eq!(kinds(scene), kinds(&scenes[0]), "{view:?} of {}", drawing.setting);
            }
        }
    }
}
