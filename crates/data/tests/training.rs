//! From files to batches.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use image::{GrayImage, ImageFormat, RgbImage};
use support::encoded;
use upconv_data::Size;
use upconv_data::augment::{Augment, Flip, Range, SoftCrop};
use upconv_data::datasets::{LabelledBatch, LabelledSource, Part, SegmentationFolder, VOID};
use upconv_data::loader::{Loader, LoaderState, Options, Source};

const START: LoaderState = LoaderState { epoch: 0, position: 0, seed: 5 };

/// Photos in which red is the column, green the row, blue the number of the photo, and the label the
/// column; all of the last row is void.
fn folder(sizes: &[(u32, u32)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["images", "masks"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let mut list = String::new();
    for (number, &(width, height)) in sizes.iter().enumerate() {
        let photo =
            RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, number as u8]));
        let mask = GrayImage::from_fn(width, height, |x, y| {
            image::Luma([if y + 1 == height { VOID } else { x as u8 }])
        });
        let write = |kind: &str, file: Vec<u8>| {
            fs::write(folder.path().join(kind).join(format!("{number}.png")), file).unwrap();
        };
        write("images", encoded(&photo.into(), ImageFormat::Png));
        write("masks", encoded(&mask.into(), ImageFormat::Png));
        list += &format!("{number}\n");
    }
    fs::write(folder.path().join("train.txt"), list).unwrap();
    folder
}

fn source(folder: &Path, augment: Augment, cache: u64) -> Arc<LabelledSource> {
    let data = SegmentationFolder::open(folder).unwrap().part(Part::Train).unwrap();
    Arc::new(LabelledSource::new(data, augment, cache).unwrap())
}

fn batches(source: Arc<LabelledSource>, options: Options, count: usize) -> Vec<LabelledBatch> {
    let loader = Loader::new(source, options, START).unwrap();
    loader.take(count).map(|step| step.unwrap().batch).collect()
}

#[test]
fn the_layout_of_a_batch() {
    let folder = folder(&[(3, 2), (3, 2), (3, 2)]);
    let source = source(folder.path(), Augment::none(), 0);
    let batches = batches(source, Options::evaluation(2), 9);
    assert_eq!(batches.len(), 2);
    let LabelledBatch { count, size, images, labels } = &batches[0];
    assert_eq!((*count, *size), (2, Size { height: 2, width: 3 }));
    // Planes of red, green and blue of the first image, then those of the second.
    let shared = [0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0];
    assert_eq!(*images, [&shared[..], &[0.0; 6], &shared, &[1.0; 6]].concat());
    assert_eq!(*labels, [0, 1, 2, VOID, VOID, VOID].repeat(2));
    assert_eq!((batches[1].count, batches[1].images.len()), (1, 18));
}

#[test]
fn both_gives_each_image_and_its_mirror_in_each_epoch() {
    let folder = folder(&[(3, 2), (3, 2)]);
    let augment = Augment { flip: Flip::Both, ..Augment::none() };
    let source = source(folder.path(), augment, 0);
    assert_eq!(source.len(), 4);
    assert!(source.name(3).ends_with("1.png (mirrored)"));
    let mut seen: Vec<(u32, u8)> =
        batches(source, Options { epochs: Some(1), ..Options::training(1) }, 9)
            .iter()
            .map(|batch| (batch.images[12] as u32, batch.labels[0]))
            .collect();
    seen.sort_unstable();
    assert_eq!(seen, [(0, 0), (0, 2), (1, 0), (1, 2)]);
}

#[test]
fn sizes_that_differ_need_a_batch_of_one_or_a_patch() {
    let folder = folder(&[(30, 20), (31, 20)]);
    let open = |augment| source(folder.path(), augment, 0);
    let mut loader = Loader::new(open(Augment::none()), Options::evaluation(2), START).unwrap();
    let error = loader.next().unwrap().unwrap_err().to_string();
    assert!(
        error.contains("0.png has 30x20 pixels and ") && error.contains("1.png has 31x20"),
        "{error}"
    );
    assert!(error.ends_with("set `patch` or `fixed_resize`, or a batch of 1"), "{error}");
    assert_eq!(batches(open(Augment::none()), Options::evaluation(1), 9).len(), 2);
    let size = Size { height: 25, width: 16 };
    for augment in [
        Augment { patch: Some(size), ..Augment::none() },
        Augment { fixed_resize: Some(size), ..Augment::none() },
    ] {
        let batches = batches(open(augment), Options::evaluation(2), 9);
        assert_eq!((batches.len(), batches[0].size, batches[0].count), (1, size, 2));
    }
}

/// All that draws, except what mixes neighbours.
fn everything() -> Augment {
    Augment {
        flip: Flip::Random,
        soft_crop: Some(SoftCrop { chance: 0.5, max: 9 }),
        random_resize: Some(upconv_data::augment::RandomResize::default()),
        patch: Some(Size { height: 24, width: 24 }),
        brightness: Some(30.0),
        contrast: Some(Range { min: 0.75, max: 1.25 }),
        hue: Some(0.15),
        saturation: Some(Range { min: 0.5, max: 1.6 }),
        ..Augment::none()
    }
}

#[test]
fn the_same_bits_for_any_threads_and_any_cache() {
    let folder = folder(&[(40, 30), (31, 40), (20, 20), (50, 33), (41, 41)]);
    let alone = Options { threads: 1, ahead: 1, ..Options::training(2) };
    let expected = batches(source(folder.path(), everything(), 0), alone, 8);
    let colours: std::collections::HashSet<u32> =
        expected.iter().map(|batch| batch.images[300].to_bits()).collect();
    assert!(colours.len() > 5);
    // No cache, one for about two of the images, one for all.
    for cache in [0, 10_000, 1 << 20] {
        for threads in [1, 2, 5] {
            let source = source(folder.path(), everything(), cache);
            let options = Options { threads, ahead: 6, ..alone };
            assert_eq!(batches(source, options, 8), expected, "{cache} {threads}");
        }
    }
}

#[test]
fn what_is_in_the_cache_is_not_read_again() {
    let folder = folder(&[(10, 10), (10, 10), (10, 10)]);
    let once = Options { epochs: Some(2), ..Options::training(1) };
    for (cache, kept) in [(1 << 20, 3), (800, 2), (0, 0)] {
        let source = source(folder.path(), Augment::none(), cache);
        let mut loader =
            Loader::new(source, Options { threads: 1, ahead: 1, ..once }, START).unwrap();
        let first: Vec<usize> =
            loader.by_ref().take(3).flat_map(|step| step.unwrap().indices).collect();
        // One was loaded ahead already; the rest of the second epoch finds its files gone.
        let moved = folder.path().join("gone");
        fs::rename(folder.path().join("images"), &moved).unwrap();
        let second: Vec<_> = loader.by_ref().collect();
        fs::rename(&moved, folder.path().join("images")).unwrap();
        let loaded =
            second.iter().flatten().flat_map(|step| &step.indices).copied().collect::<Vec<_>>();
        let from_cache = &first[..kept];
        assert!(
            from_cache.iter().all(|index| loaded.contains(index)),
            "{cache}: {loaded:?} {from_cache:?}"
        );
        if kept == 0 {
            assert!(loaded.len() <= 1, "{loaded:?}");
        }
    }
}

#[test]
fn a_file_that_breaks_later_is_told_and_left_out() {
    let folder = folder(&[(10, 10), (10, 10), (10, 10)]);
    let source = source(folder.path(), Augment::kittiseg(), 0);
    let mask = folder.path().join("masks/1.png");
    fs::write(&mask, &fs::read(&mask).unwrap()[..60]).unwrap();
    let options = Options { epochs: Some(1), ..Options::training(1) };
    let mut loader = Loader::new(source, options, START).unwrap();
    let steps: Vec<_> = loader.by_ref().map(Result::unwrap).collect();
    assert_eq!(steps.len(), 4);
    let mut failed: Vec<_> =
        steps.iter().flat_map(|step| &step.failed).chain(loader.failed()).collect();
    failed.sort_by_key(|failed| failed.index);
    // The image and its mirror.
    assert!(failed.iter().map(|failed| failed.index).eq([2, 3]));
    assert!(failed[0].error.to_string().contains("1.png"), "{}", failed[0].error);
}
