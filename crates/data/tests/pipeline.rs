//! Many pictures at once: each exactly once, in order, broken ones apart, memory bounded.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use image::{DynamicImage, GrayImage, ImageFormat, RgbImage, RgbaImage};
use support::{Bright, encoded, jpeg, noise, with_orientation};
use upconv_data::decode::decode;
use upconv_data::pipeline::{Options, Outcome, Summary, run};
use upconv_data::walk::Inputs;
use upconv_data::{Kinds, Segment, Size};

fn noisy(width: u32, height: u32, seed: u32) -> DynamicImage {
    let pixels = noise((width * height * 3) as usize, seed);
    DynamicImage::ImageRgb8(RgbImage::from_raw(width, height, pixels).unwrap())
}

/// A file of the kind that its number says, and whether it is a good one.
fn make(number: u32) -> (&'static str, Vec<u8>, bool) {
    let (width, height) = (1 + number % 37, 1 + number % 23);
    let picture = noisy(width, height, number);
    let mut damaged = encoded(&noisy(40, 30, number), ImageFormat::Jpeg);
    match number % 10 {
        0 => ("png", encoded(&picture, ImageFormat::Png), true),
        1 => ("jpg", jpeg(&picture), true),
        2 => ("webp", encoded(&picture, ImageFormat::WebP), true),
        3 => ("bmp", encoded(&picture, ImageFormat::Bmp), true),
        4 => ("jpeg", with_orientation(&jpeg(&picture), 1 + (number / 10 % 8) as u16), true),
        // A PNG that calls itself a JPEG, one without a name for its kind, and one with alpha.
        5 => ("jpg", encoded(&picture.to_luma16().into(), ImageFormat::Png), true),
        6 => ("data", encoded(&picture.to_rgba8().into(), ImageFormat::Png), true),
        7 => ("png", Vec::new(), false),
        8 => {
            damaged.truncate(damaged.len() * (number as usize % 90) / 100);
            ("jpg", damaged, false)
        }
        _ => ("gif", b"GIF89a".to_vec(), false),
    }
}

fn outcomes(
    inputs: &Inputs,
    net: &dyn Segment,
    options: &Options,
) -> (Vec<(String, Option<String>)>, Summary) {
    let mut outcomes = Vec::new();
    let summary = run(&inputs.inputs, net, options, |Outcome { input, result }| {
        outcomes.push((input.label.clone(), result.err().map(|error| error.to_string())));
    });
    (outcomes, summary)
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn two_hundred_mixed_files() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in"), folder.path().join("out"));
    let mut good = 0;
    for number in 0..200 {
        let (ending, content, is_good) = make(number);
        let below = input.join(format!("{}", number % 7));
        fs::create_dir_all(&below).unwrap();
        // Some names are equal but for their endings.
        fs::write(below.join(format!("{}.{ending}", number / 14)), content).unwrap();
        good += usize::from(is_good);
    }
    let inputs = Inputs::find(std::slice::from_ref(&input), &output);
    let count = files(&input).len();
    assert_eq!(inputs.inputs.len(), count);
    let (found, summary) = outcomes(&inputs, &Bright, &Options::new(&output));
    let labels: Vec<&String> = inputs.inputs.iter().map(|input| &input.label).collect();
    assert_eq!(found.iter().map(|(label, _)| label).collect::<Vec<_>>(), labels);
    let done = found.iter().filter(|(_, error)| error.is_none()).count();
    assert_eq!(summary, Summary { done, failed: count - done, given_up: 0 });
    assert!(done <= good && done > 100, "{done}");
    for (label, error) in &found {
        let is_good = decode(&fs::read(label).unwrap()).is_ok();
        assert_eq!(error.is_none(), is_good, "{label}: {error:?}");
    }
    // Three files each, all whole, and nothing else.
    let made = files(&output);
    assert_eq!(made.len(), 3 * done);
    for (name, content) in &made {
        decode(content).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    // One thread, little memory: the same bytes.
    let again = folder.path().join("again");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let options = Options { memory: 1, ..Options::new(&again) };
    let inputs = Inputs::find(&[input], &again);
    let (second, _) = pool.install(|| outcomes(&inputs, &Bright, &options));
    assert_eq!(second, found);
    assert!(files(&again) == made);
}

/// Counts how many pictures are in it at a time.
#[derive(Default)]
struct Counting {
    inside: AtomicUsize,
    most: AtomicUsize,
}

impl Segment for Counting {
    fn name(&self) -> &str {
        "counting"
    }

    fn input_size(&self, _photo: Size) -> Size {
        Size { height: 1, width: 1 }
    }

    fn probabilities(&self, _rgb: &[f32], _size: Size) -> Result<Vec<f32>, String> {
        let now = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(5));
        self.inside.fetch_sub(1, Ordering::SeqCst);
        Ok(vec![0.5])
    }
}

#[test]
fn threads_work_side_by_side_within_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in");
    fs::create_dir(&input).unwrap();
    for number in 0..24 {
        let file = encoded(&noisy(100, 100, number), ImageFormat::Png);
        fs::write(input.join(format!("{number}.png")), file).unwrap();
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    let most = |memory| {
        let net = Counting::default();
        let options = Options { memory, ..Options::new(folder.path().join("out")) };
        let inputs = Inputs::find(std::slice::from_ref(&input), &options.folder);
        let (found, summary) = pool.install(|| outcomes(&inputs, &net, &options));
        assert_eq!((found.len(), summary.done), (24, 24));
        net.most.into_inner()
    };
    assert!((2..=4).contains(&most(1 << 30)));
    // 100 x 100 pixels at 32 bytes and a file of 30 kB twice: two fit into 800 kB, three do not.
    assert_eq!(most(800_000), 2);
    assert_eq!(most(1), 1);
}

#[test]
fn what_is_made_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.png");
    // White above, black below, and the left column transparent.
    let picture = RgbaImage::from_fn(6, 16, |x, y| {
        let value = if y < 8 { 255 } else { 0 };
        image::Rgba([value, value, value, if x == 0 { 0 } else { 255 }])
    });
    fs::write(&path, encoded(&picture.into(), ImageFormat::Png)).unwrap();
    let output = folder.path().join("deep/out");
    let kinds = Kinds { overlay: false, ..Kinds::ALL };
    let options = Options { kinds, ..Options::new(&output) };
    let inputs = Inputs::find(&[path], &output);
    let summary = run(&inputs.inputs, &Bright, &options, |outcome| {
        let done = outcome.result.unwrap();
        assert_eq!((done.size.width, done.size.height), (6, 16));
        // Laid on white the transparent column is bright all over: 4 of 8 rows, and 4 pixels more.
        assert_eq!(done.share, (4 * 6 + 4) as f64 / 48.0);
        assert_eq!(done.mask, Some(output.join("photo.mask.png")));
        assert_eq!(done.overlay, None);
        assert_eq!(done.cutout, Some(output.join("photo.cutout.png")));
    });
    assert_eq!(summary.done, 1);
    let made = files(&output);
    assert_eq!(made.keys().collect::<Vec<_>>(), ["photo.cutout.png", "photo.mask.png"]);
    let mask = decode(&made["photo.mask.png"]).unwrap();
    assert_eq!((mask.width, mask.height, mask.rgb[0], mask.rgb[3 * 95]), (6, 16, 255, 0));
    // Alpha is the mask times the photo's own.
    let alpha = decode(&made["photo.cutout.png"]).unwrap().alpha.unwrap();
    assert_eq!(alpha[..6], [0, 255, 255, 255, 255, 255]);
    assert_eq!(alpha[90..], [0; 6]);
    // Soft in between: the rows at 7.5 +- 0.5 are a quarter of the network's step away from it.
    assert!((1..255).contains(&alpha[6 * 7 + 1]), "{alpha:?}");
}

/// Gives what it was made with.
struct Fixed(Result<Vec<f32>, String>);

impl Segment for Fixed {
    fn name(&self) -> &str {
        "fixed"
    }

    fn input_size(&self, _photo: Size) -> Size {
        Size { height: 1, width: 2 }
    }

    fn probabilities(&self, _rgb: &[f32], _size: Size) -> Result<Vec<f32>, String> {
        self.0.clone()
    }
}

#[test]
fn networks_that_give_no_mask() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = Inputs::from_bytes("-", "stdin", upconv_data::sample::bmp());
    for (answer, text) in [
        (Ok(vec![0.5]), "the network's mask: 1 values, but 2x1 with 1 channels needs 2"),
        (Ok(vec![0.5, f32::NAN]), "the network gives NaN at row 0, column 1"),
        (Ok(vec![1.5, 0.0]), "the network gives 1.5 at row 0, column 0"),
        (Err("no kernel".to_owned()), "the network fails: no kernel"),
    ] {
        let (found, summary) =
            outcomes(&inputs, &Fixed(answer), &Options::new(folder.path().join("out")));
        assert!(found[0].1.as_ref().unwrap().starts_with(text), "{found:?}");
        assert_eq!(summary, Summary { done: 0, failed: 1, given_up: 0 });
    }
    assert!(!folder.path().join("out").exists());
}

#[test]
fn an_output_that_cannot_be_written_takes_nothing_else_with_it() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.png", "b.png", "c.png"] {
        fs::write(folder.path().join(name), encoded(&noisy(9, 9, 1), ImageFormat::Png)).unwrap();
    }
    let output = folder.path().join("out");
    // A folder stands where the overlay of b should be.
    fs::create_dir_all(output.join("b.overlay.png")).unwrap();
    let inputs = Inputs::find(&[folder.path().into()], &output);
    let (found, summary) = outcomes(&inputs, &Bright, &Options::new(&output));
    assert_eq!((summary.done, summary.failed), (2, 1));
    assert!(found[1].1.as_ref().unwrap().starts_with("cannot write"), "{found:?}");
    // Neither the mask nor the cut-out of b, and no temporary file.
    assert_eq!(files(&output).len(), 6);
}

#[test]
fn grey_photos_and_single_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let grey = GrayImage::from_raw(1, 1, vec![255]).unwrap();
    let file = encoded(&DynamicImage::ImageLuma8(grey), ImageFormat::Png);
    let inputs = Inputs::from_bytes("-", "stdin", file);
    let summary = run(&inputs.inputs, &Bright, &Options::new(folder.path()), |outcome| {
        assert_eq!(outcome.result.unwrap().share, 1.0);
    });
    assert_eq!(summary.done, 1);
    assert_eq!(files(folder.path()).len(), 3);
}
