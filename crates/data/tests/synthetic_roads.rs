//! The rendered streets as a set of files.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};
use upconv_data::synthetic::roads::{
    Category, Novelty, Part, ROAD, Roads, VOID, category, novelty, picture,
};
use upconv_data::{Size, decode};

const SIZE: Size = Size { height: 47, width: 156 };

fn small(training: usize, testing: usize) -> Roads {
    Roads { testing, size: SIZE, ..Roads::new(7, training) }
}

/// All files below a folder, relative, in order.
fn files(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, into: &mut Vec<std::path::PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, into) } else { into.push(path) }
        }
    }
    let mut found = vec![];
    walk(folder, &mut found);
    let relative =
        |path: &std::path::PathBuf| path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
    let mut names: Vec<String> = found.iter().map(relative).collect();
    names.sort();
    names
}

#[test]
fn the_layout_names_and_colours_are_those_of_kitti() {
    let folder = tempfile::tempdir().unwrap();
    let made = small(4, 1).write(folder.path(), |_| {}).unwrap();
    let names = files(folder.path());
    assert_eq!(
        names,
        [
            "testing/calib/um_000000.txt",
            "testing/gt_image_2/um_road_000000.png",
            "testing/image_2/um_000000.png",
            "training/calib/um_000000.txt",
            "training/calib/um_000001.txt",
            "training/calib/umm_000000.txt",
            "training/calib/uu_000000.txt",
            "training/gt_image_2/um_road_000000.png",
            "training/gt_image_2/um_road_000001.png",
            "training/gt_image_2/umm_road_000000.png",
            "training/gt_image_2/uu_road_000000.png",
            "training/image_2/um_000000.png",
            "training/image_2/um_000001.png",
            "training/image_2/umm_000000.png",
            "training/image_2/uu_000000.png",
        ]
    );
    // The sum as its documentation has it.
    let (mut digest, mut bytes) = (Sha256::new(), 0);
    for name in &names {
        let content = fs::read(folder.path().join(name)).unwrap();
        digest.update((name.len() as u64).to_le_bytes());
        digest.update(name);
        digest.update((content.len() as u64).to_le_bytes());
        digest.update(&content);
        bytes += content.len() as u64;
    }
    let sha256: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((made.files, made.bytes, made.sha256), (15, bytes, sha256));

    let read = |name: &str| {
        let file = fs::read(folder.path().join("training").join(name)).unwrap();
        decode::decode(&file).unwrap()
    };
    let (image, mask) = (read("image_2/umm_000000.png"), read("gt_image_2/umm_road_000000.png"));
    let expected = picture(7, Part::Training, 1, SIZE);
    assert_eq!((image.size(), image.rgb), (SIZE, expected.rgb));
    let colours = expected.labels.iter().flat_map(|&label| match label {
        1 => [255, 0, 255],
        0 => [255, 0, 0],
        _ => [0, 0, 0],
    });
    assert_eq!(mask.rgb, colours.collect::<Vec<u8>>());
    let text = fs::read_to_string(folder.path().join("training/calib/umm_000000.txt")).unwrap();
    let lines: Vec<(&str, usize)> = text
        .lines()
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, numbers)| {
            assert!(numbers.split_whitespace().all(|number| number.parse::<f64>().is_ok()));
            (name, numbers.split_whitespace().count())
        })
        .collect();
    let matrices = [
        ("P0", 12),
        ("P1", 12),
        ("P2", 12),
        ("P3", 12),
        ("R0_rect", 9),
        ("Tr_velo_to_cam", 12),
        ("Tr_imu_to_velo", 12),
        ("Tr_cam_to_road", 12),
    ];
    assert_eq!(lines, matrices);
}

#[test]
fn the_bytes_depend_on_the_seed_and_on_nothing_else() {
    let write = |roads: Roads, threads: usize| {
        let folder = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| roads.write(folder.path(), |_| {})).unwrap()
    };
    let one = write(small(5, 2), 1);
    assert_eq!(one, write(small(5, 2), 3));
    assert_ne!(one.sha256, write(Roads { seed: 8, ..small(5, 2) }, 2).sha256);
}

#[test]
fn a_folder_with_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let made = small(3, 1).write(folder.path(), |_| {}).unwrap();
    // Over itself it may go, also after a run that was killed.
    let torn = folder.path().join("training/image_2");
    fs::write(torn.join(".upconv-left.part"), "half").unwrap();
    fs::remove_file(torn.join("uu_000000.png")).unwrap();
    assert_eq!(small(3, 1).write(folder.path(), |_| {}).unwrap(), made);
    // A smaller set would leave pictures of the larger one in it.
    let error = small(2, 1).write(folder.path(), |_| {}).unwrap_err().to_string();
    assert!(error.contains("uu_") && error.contains("not of this set"), "{error}");
    let notes = folder.path().join("notes.txt");
    fs::write(&notes, "mine").unwrap();
    let error = small(3, 1).write(folder.path(), |_| {}).unwrap_err().to_string();
    assert!(error.contains("has notes.txt in it"), "{error}");
    assert_eq!(fs::read(&notes).unwrap(), b"mine");
}

#[test]
fn numbers_out_of_range_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |roads: Roads| roads.write(folder.path(), |_| {}).unwrap_err().to_string();
    assert_eq!(
        refused(small(3_000_001, 0)),
        "3000001 training pictures; 1 to 3000000 are possible"
    );
    let size = Size { height: 31, width: 100 };
    assert_eq!(refused(Roads { size, ..small(1, 0) }), "31 rows; 32 to 8192 are possible");
    assert_eq!(files(folder.path()), [] as [&str; 0]);
}

#[test]
fn every_picture_shows_a_road_and_what_is_none() {
    for part in Part::ALL {
        for index in 0..30 {
            let scenery = picture(3, part, index, SIZE);
            let share = |wanted: u8| {
                let count = scenery.labels.iter().filter(|&&label| label == wanted).count();
                count as f64 / scenery.labels.len() as f64
            };
            let (road, void) = (share(ROAD), share(VOID));
            assert!((0.05..0.5).contains(&road), "{part:?} {index}: {road}");
            assert!(void < 0.03, "{part:?} {index}: {void}");
            // No flat grey and nothing burnt out.
            let colours: BTreeSet<u8> = scenery.rgb.iter().copied().collect();
            assert!(colours.len() > 60, "{part:?} {index}: {}", colours.len());
        }
    }
}

#[test]
fn the_size_changes_the_sampling_not_the_scene() {
    let double = Size { height: 2 * SIZE.height, width: 2 * SIZE.width };
    let (small, large) =
        (picture(3, Part::Training, 4, SIZE), picture(3, Part::Training, 4, double));
    let same = (0..SIZE.pixels()).filter(|place| {
        let (row, column) = (place / SIZE.width, place % SIZE.width);
        let corner = 2 * row * double.width + 2 * column;
        small.labels[*place] == large.labels[corner]
    });
    let share = same.count() as f64 / SIZE.pixels() as f64;
    assert!(share > 0.97, "{share}");
}

#[test]
fn each_kind_of_street_meets_each_novelty() {
    assert!((0..30).all(|index| novelty(Part::Training, index).is_none()));
    let mut pairs: Vec<(&str, Novelty)> = (0..9)
        .map(|index| (category(index).0.name(), novelty(Part::Testing, index).unwrap()))
        .collect();
    pairs.dedup();
    for kind in Category::ALL {
        for new in [Novelty::Width, Novelty::Turn, Novelty::Light] {
            let count = pairs.iter().filter(|&&pair| pair == (kind.name(), new)).count();
            assert_eq!(count, 1, "{kind:?} {new:?}");
        }
    }
}
