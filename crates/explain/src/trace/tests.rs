use upconv_geometry::{Dialect, Padding, Setting};

use super::*;
use crate::lang::Lang;
use crate::sample;

fn trace(setting: Setting, x: &str, w: &str) -> Result<Trace, TraceError> {
    let explained = Explained::new(setting, Lang::En).expect("a legal setting");
    Trace::of(&explained, &Fill::parse("x", x)?, &Fill::parse("w", w)?)
}

fn plain(input: &[i64], kernel: &[i64], stride: i64) -> Setting {
    let (input, kernel, stride) = (input.to_vec(), kernel.to_vec(), vec![stride]);
    Setting { input, kernel, stride, ..Setting::new(Dialect::Definition) }
}

/// All sides tell of the same connections, and the numbers are those of the fast kernels.
#[test]
fn every_side_tells_the_same() {
    let mut traced = 0;
    for (setting, resolved) in sample::settings(400) {
        let shown = format!("{setting:?}");
        let Ok(trace) = trace(setting, "random:5", "random:6") else { continue };
        traced += 1;
        let outputs: usize = trace.output.iter().product();
        let mut gathered = vec![Vec::new(); outputs];
        let mut uncropped = vec![0.0; trace.uncropped.iter().product()];
        let plane = &trace.planes[0];
        for (input, landings) in trace.scatter.iter().enumerate() {
            // Nothing is lost before the crop.
            assert_eq!(landings.len(), plane.w.len(), "{shown}");
            for landing in landings {
                uncropped[landing.uncropped] += plane.x[input] * plane.w[landing.tap];
                if let Some(output) = landing.output {
                    gathered[output].push([input, landing.tap]);
                }
            }
        }
        assert_eq!(uncropped, plane.uncropped, "{shown}");
        for output in 0..outputs {
            let mut own = trace.gather[output].clone();
            own.sort_unstable();
            gathered[output].sort_unstable();
            assert_eq!(own, gathered[output], "{shown}");
            let phase = trace.phases.outputs[output];
            assert!(own.iter().all(|[_, tap]| trace.phases.taps[*tap] == Some(phase)), "{shown}");
            assert_eq!(through_zeros(&trace, output), own, "{shown}");
            let sum: f64 = plane.products[output].iter().sum();
            assert_eq!(sum, plane.y[output], "{shown}");
        }
        cropped(&trace, &shown);
        fast(&trace, &resolved.axes, &shown);
    }
    assert!(traced > 200, "{traced}");
}

/// What the flipped kernel meets on the stretched input.
fn through_zeros(trace: &Trace, output: usize) -> Vec<[usize; 2]> {
    let stretched = &trace.stretched;
    let [row, column] = stretched.corner[output];
    let mut met = Vec::new();
    for (n, tap) in stretched.taps.iter().enumerate() {
        let (i, j) = (row + n / stretched.span[1], column + n % stretched.span[1]);
        let input = stretched.inputs[i * stretched.size[1] + j];
        met.extend(input.zip(*tap).map(|(input, tap)| [input, tap]));
    }
    met.sort_unstable();
    met
}

/// The window holds the uncropped result, zeros beside it, and every output cell once.
fn cropped(trace: &Trace, shown: &str) {
    let (crop, plane) = (&trace.crop, &trace.planes[0]);
    let mut met = Vec::new();
    for (output, uncropped) in crop.output.iter().zip(&crop.uncropped) {
        let Some(output) = *output else { continue };
        assert_eq!(uncropped.map_or(0.0, |cell| plane.uncropped[cell]), plane.y[output], "{shown}");
        met.push(output);
    }
    assert_eq!(met, (0..plane.y.len()).collect::<Vec<_>>(), "{shown}");
    let inside: Vec<usize> = crop.uncropped.iter().copied().flatten().collect();
    assert_eq!(inside, (0..plane.uncropped.len()).collect::<Vec<_>>(), "{shown}");
    assert_eq!(crop.output.len(), crop.size[0] * crop.size[1], "{shown}");
}

/// The same numbers through the kernels that models run on.
fn fast(trace: &Trace, axes: &[Axis], shown: &str) {
    use upconv_kernels::{ConvTransposePlan, PlanOptions};
    let groups = trace.planes.len();
    let channels = Channels { batch: 1, in_channels: groups, out_channels: groups, groups };
    let shape = ConvTransposeShape::new(channels, axes.to_vec()).expect("a legal shape");
    let plan = ConvTransposePlan::new(&shape, &PlanOptions::default()).expect("a plan");
    let all = |f: fn(&Plane) -> &Vec<f64>| -> Vec<f32> {
        trace.planes.iter().flat_map(f).map(|&value| value as f32).collect()
    };
    let mut y = vec![0.0; shape.y().iter().product()];
    plan.forward(&all(|p| &p.x), &all(|p| &p.w), None, &mut y).expect("right lengths");
    assert_eq!(y, all(|p| &p.y), "{shown}");
}

#[test]
fn a_picture_by_hand() {
    // Kernel 3, stride 2 over 2x2 in TensorFlow's SAME: 4x4, of which the first row and column are not cropped.
    let setting = Setting {
        padding: Some(Padding::Same),
        output: Some(vec![4, 4]),
        ..Setting { dialect: Dialect::Tensorflow, ..plain(&[2, 2], &[3, 3], 2) }
    };
    let trace = trace(setting, "1,2,3,4", "ones").expect("it is small");
    assert_eq!((trace.uncropped, trace.window_begin), ([5, 5], [0, 0]));
    #[rustfmt::skip]
    assert_eq!(trace.planes[0].y, [
        1.0, 1.0, 3.0, 2.0,
        1.0, 1.0, 3.0, 2.0,
        4.0, 4.0, 10.0, 6.0,
        3.0, 3.0, 7.0, 4.0,
    ]);
    assert_eq!(trace.overlap[..4], [1, 1, 2, 1]);
    assert_eq!(trace.phases.count, 4);
    // Input 3 lays its last row and column beyond the window.
    let cropped = trace.scatter[3].iter().filter(|landing| landing.output.is_none()).count();
    assert_eq!(cropped, 5);
}

#[test]
fn what_is_too_large_is_refused() {
    assert_eq!(trace(plain(&[4, 4, 4], &[3], 1), "ones", "ones"), Err(TraceError::Rank { got: 3 }));
    assert_eq!(trace(plain(&[200], &[3], 1), "ones", "ones"), Err(TraceError::TooLarge));
    let grouped = Setting { groups: 9, ..plain(&[4], &[3], 1) };
    assert_eq!(trace(grouped, "ones", "ones"), Err(TraceError::Groups { got: 9 }));
    let wide = trace(plain(&[24, 24], &[20, 20], 1), "ones", "ones");
    assert_eq!(wide, Err(TraceError::Products { got: 230_400 }));
}
