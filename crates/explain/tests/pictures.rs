//! Data and pictures of 30 settings over all dialects, pinned: whoever changes what is written sees it here.
//!
//! The values in them are checked elsewhere, against the reference kernel; this is about everything else.
//! `UPCONV_WRITE_PICTURES=1 cargo test -p upconv-explain --test pictures` writes the files anew; look at the
//! difference before you keep it.

use std::fs;
use std::path::PathBuf;

use upconv_explain::{Drawing, DrawingOptions, Explained, Lang, Theme, View};
use upconv_geometry::{Dialect, Padding, Setting};

/// Input, kernel, stride.
fn plain(dialect: Dialect, input: &[i64], kernel: &[i64], stride: &[i64]) -> Setting {
    let [input, kernel, stride] = [input, kernel, stride].map(<[i64]>::to_vec);
    Setting { input, kernel, stride, ..Setting::new(dialect) }
}

fn pads(pairs: &[(i64, i64)]) -> Option<Padding> {
    Some(Padding::Pads(pairs.to_vec()))
}

/// All settings, each with the view that is drawn.
fn settings() -> Vec<(Setting, View)> {
    use Dialect as D;
    use View as V;
    let same = || Some(Padding::Same);
    let p = plain;
    vec![
        (p(D::Definition, &[3], &[3], &[2]), V::Scatter),
        (p(D::Definition, &[2, 2], &[3, 3], &[1]), V::Matrix),
        (p(D::Definition, &[2, 3], &[3, 2], &[2, 1]), V::Gather),
        (
            Setting { dilation: vec![2], ..p(D::Definition, &[3, 3], &[2, 2], &[2]) },
            V::ZeroInsertion,
        ),
        (Setting { groups: 2, ..p(D::Definition, &[2, 2], &[2, 2], &[2]) }, V::Phases),
        (
            Setting {
                padding: same(),
                output: Some(vec![5]),
                ..p(D::Tensorflow, &[3], &[3], &[2])
            },
            V::Gather,
        ),
        (
            Setting {
                padding: same(),
                output: Some(vec![6]),
                ..p(D::Tensorflow, &[3], &[3], &[2])
            },
            V::Scatter,
        ),
        (
            Setting {
                padding: same(),
                output: Some(vec![5, 6]),
                ..p(D::Tensorflow, &[3, 3], &[3, 3], &[2])
            },
            V::Overlap,
        ),
        (
            Setting {
                padding: Some(Padding::Valid),
                output: Some(vec![8, 8]),
                ..p(D::Tensorflow, &[4, 4], &[2, 2], &[2])
            },
            V::Phases,
        ),
        (
            Setting {
                padding: same(),
                output: Some(vec![4, 4]),
                ..p(D::Tensorflow, &[2, 2], &[4, 4], &[2])
            },
            V::Matrix,
        ),
        (Setting { padding: same(), ..p(D::Keras, &[3, 3], &[3, 3], &[2]) }, V::Scatter),
        (
            Setting { padding: Some(Padding::Valid), ..p(D::Keras, &[2, 4], &[2, 3], &[1, 2]) },
            V::ZeroInsertion,
        ),
        (
            Setting {
                padding: same(),
                output_padding: Some(vec![1]),
                ..p(D::Keras, &[4], &[3], &[2])
            },
            V::Gather,
        ),
        (
            Setting { padding: same(), dilation: vec![2], ..p(D::Keras, &[4, 4], &[3, 3], &[1]) },
            V::Overlap,
        ),
        (p(D::Pytorch, &[3, 3], &[3, 3], &[2]), V::Overlap),
        (Setting { padding: pads(&[(1, 1)]), ..p(D::Pytorch, &[4, 4], &[4, 4], &[2]) }, V::Scatter),
        (
            Setting {
                padding: pads(&[(1, 1)]),
                output_padding: Some(vec![1]),
                ..p(D::Pytorch, &[3, 3], &[3, 3], &[2])
            },
            V::Gather,
        ),
        (
            Setting {
                padding: pads(&[(2, 2)]),
                output_padding: Some(vec![1]),
                ..p(D::Pytorch, &[4], &[5], &[2])
            },
            V::Matrix,
        ),
        (
            Setting {
                padding: pads(&[(1, 1)]),
                dilation: vec![2, 1],
                ..p(D::Pytorch, &[3, 2], &[2, 3], &[3, 2])
            },
            V::ZeroInsertion,
        ),
        (Setting { groups: 4, ..p(D::Pytorch, &[2, 2], &[3, 3], &[2]) }, V::Phases),
        (
            Setting { padding: pads(&[(1, 0), (0, 1)]), ..p(D::Onnx, &[3, 4], &[3, 3], &[2]) },
            V::Scatter,
        ),
        (Setting { padding: same(), ..p(D::Onnx, &[3], &[4], &[3]) }, V::ZeroInsertion),
        (
            Setting { padding: Some(Padding::SameLower), ..p(D::Onnx, &[3], &[4], &[3]) },
            V::ZeroInsertion,
        ),
        (
            Setting { padding: pads(&[(0, 2)]), dilation: vec![2], ..p(D::Onnx, &[4], &[3], &[3]) },
            V::Scatter,
        ),
        (Setting { output: Some(vec![6, 6]), ..p(D::Onnx, &[2, 2], &[3, 3], &[2]) }, V::Matrix),
        (p(D::Caffe, &[4, 4], &[4, 4], &[2]), V::Phases),
        (Setting { padding: pads(&[(1, 1)]), ..p(D::Caffe, &[3, 3], &[4, 4], &[2]) }, V::Gather),
        (
            Setting {
                padding: same(),
                output: Some(vec![4, 4]),
                ..p(D::Tflite, &[2, 2], &[2, 2], &[2])
            },
            V::Scatter,
        ),
        (
            Setting {
                padding: Some(Padding::Valid),
                output: Some(vec![5, 7]),
                ..p(D::Tflite, &[2, 3], &[3, 3], &[2])
            },
            V::Gather,
        ),
        // Too many cells for numbers.
        (p(D::Pytorch, &[14, 14], &[5, 5], &[3]), V::Overlap),
    ]
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/pictures")
}

#[test]
fn data_and_pictures_are_as_pinned() {
    let settings = settings();
    assert_eq!(settings.len(), 30);
    let write = std::env::var_os("UPCONV_WRITE_PICTURES").is_some();
    let mut changed = Vec::new();
    for (n, (setting, view)) in settings.into_iter().enumerate() {
        // Both languages, both themes.
        let lang = if n % 3 == 2 { Lang::Zh } else { Lang::En };
        let theme = if n % 4 == 3 { Theme::Dark } else { Theme::Light };
        let name = format!("{:02}-{}-{}", n + 1, setting.dialect.name(), view.name());
        let explained = match Explained::new(setting, lang) {
            Ok(explained) => explained,
            Err(error) => panic!("{name}: {error}"),
        };
        let options = DrawingOptions { theme, forward: n % 5 == 0 };
        let drawing = Drawing::new(&explained, options);
        let svg = drawing.and_then(|drawing| drawing.svg(view));
        let Some(svg) = svg else { panic!("{name} is not drawn") };
        assert!(svg.len() < 2 << 20, "{name}: {} bytes", svg.len());
        let json = serde_json::to_string(&explained.data()).expect("plain data") + "\n";
        for (ending, got) in [("json", json), ("svg", svg)] {
            let path = folder().join(format!("{name}.{ending}"));
            if write {
                fs::create_dir_all(folder()).expect("a folder of this crate");
                fs::write(&path, &got).expect("a file of this crate");
            }
            if fs::read_to_string(&path).ok().as_deref() != Some(&got) {
                changed.push(path.display().to_string());
            }
        }
    }
    assert!(changed.is_empty(), "other than pinned: {}", changed.join(", "));
}
