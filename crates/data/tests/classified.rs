//! Folders of pictures with classes: CIFAR-10 in both forms, IDX, photos.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

use std::fs;
use std::io::Write;
use std::path::Path;

use upconv_data::datasets::classified::{ClassifiedFolder, ClassifiedSource, Jitter};
use upconv_data::datasets::{Classified, Part, cifar};
use upconv_data::loader::{Loader, LoaderState, Options, Order};
use upconv_data::synthetic::pictures::{Shape, ShapeSet};
use upconv_data::{Size, encode};

/// 60 pictures, ten of each file.
fn shapes(folder: &Path) {
    let set = ShapeSet { seed: 3, count: 60, backgrounds: None };
    set.write(folder, |_| ()).unwrap();
}

fn all(data: &Classified) -> Vec<(Vec<u8>, u8)> {
    let one = |index| (data.load(index).unwrap().rgb, data.label(index).unwrap());
    (0..data.len()).map(one).collect()
}

#[test]
fn both_forms_of_cifar_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    shapes(folder.path());
    let [binary, pickle] = cifar::Form::ALL.map(|form| folder.path().join(form.folder()));
    let files = |form: cifar::Form| (1..=5).map(|n| form.batch(n)).collect::<Vec<_>>();
    let read = |folder: &Path, form| cifar::read(folder, form, &files(form)).unwrap();
    let pictures = read(&binary, cifar::Form::Binary);
    assert_eq!(pictures, read(&pickle, cifar::Form::Pickle));
    // As the original describes its bytes: class, then planes.
    let first = fs::read(binary.join("data_batch_1.bin")).unwrap();
    assert_eq!(first.len(), 10 * 3073);
    assert_eq!((first[0], &first[1..3073]), (pictures.labels[0], &pictures.pixels[..3072]));

    let [one, other] = [&binary, &pickle].map(|folder| {
        let found = ClassifiedFolder::open(folder, Some(15)).unwrap();
        assert_eq!(found.classes[9], "blob pair");
        Part::ALL.map(|part| all(&found.part(part).unwrap()))
    });
    assert_eq!(one, other);
    assert_eq!(one.each_ref().map(Vec::len), [35, 15, 10]);
    // Red, green and blue of the first pixel lie 1024 bytes apart in the file.
    assert_eq!(one[0][0].0[..3], [first[1], first[1025], first[2049]]);
    // The folder above is as good, and a tenth is for validation.
    let above = ClassifiedFolder::open(folder.path(), None).unwrap();
    assert_eq!(above.part(Part::Val).unwrap().len(), 5);
    let none = ClassifiedFolder::open(folder.path(), Some(0)).unwrap();
    let error = none.part(Part::Val).unwrap_err().to_string();
    assert!(error.ends_with("has no picture in the part val"), "{error}");
    let error = ClassifiedFolder::open(folder.path(), Some(50)).unwrap_err().to_string();
    assert!(error.contains("validation is 50, but must be fewer"), "{error}");
}

/// A file that Python and NumPy wrote, by cifar/make.py.
#[test]
fn a_pickle_of_python_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cifar");
    let found = cifar::read(&folder, cifar::Form::Pickle, &[cifar::Form::Pickle.batch(1)]).unwrap();
    assert_eq!(found.labels, [3, 8]);
    let pixels = (0..2 * 3072).map(|at| ((31 * (at / 3072) + 7 * (at % 3072)) % 256) as u8);
    assert_eq!(found.pixels, pixels.collect::<Vec<u8>>());
}

#[test]
fn damaged_cifar_is_named() {
    let folder = tempfile::tempdir().unwrap();
    shapes(folder.path());
    let open = |form: cifar::Form| {
        ClassifiedFolder::open(&folder.path().join(form.folder()), None).unwrap_err().to_string()
    };
    let file = folder.path().join("cifar-10-batches-bin/data_batch_3.bin");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..7000]).unwrap();
    let error = open(cifar::Form::Binary);
    assert!(
        error.ends_with(
            "data_batch_3.bin picture 2 at byte 6146: expected 3073 bytes, one for the class and 3072 for the \
             pixels, got 854 bytes"
        ),
        "{error}"
    );
    let mut wrong = whole.clone();
    wrong[3073] = 255;
    fs::write(&file, wrong).unwrap();
    let error = open(cifar::Form::Binary);
    assert!(
        error.ends_with("class of picture 1 at byte 3073: expected 0 to 254, got 255"),
        "{error}"
    );
    fs::write(&file, b"").unwrap();
    assert!(open(cifar::Form::Binary).contains("picture 0 at byte 0: expected 3073"));

    let file = folder.path().join("cifar-10-batches-py/data_batch_3");
    let whole = fs::read(&file).unwrap();
    for end in [0, 1, 2, 3, 40, 100, 200, 300, 20_000, whole.len() - 1] {
        fs::write(&file, &whole[..end]).unwrap();
        let error = open(cifar::Form::Pickle);
        assert!(error.contains("data_batch_3"), "{end}: {error}");
    }
    fs::write(&file, &whole[..20_000]).unwrap();
    let error = open(cifar::Form::Pickle);
    assert!(error.contains("cut short") && error.contains("from byte"), "{error}");
    // One that would call a function.
    fs::write(&file, b"cos\nsystem\n(S'true'\ntR.").unwrap();
    let error = open(cifar::Form::Pickle);
    assert!(error.contains("os") && error.contains("system"), "{error}");
    // Fewer labels than rows.
    let cut =
        [&b"\x80\x02}(U\x06labels]"[..], &whole[whole.iter().position(|&b| b == b'U').unwrap()..]];
    fs::write(&file, cut.concat()).unwrap();
    assert!(open(cifar::Form::Pickle).contains("data_batch_3"));
}

fn idx(magic: u32, sizes: &[u32], cells: &[u8]) -> Vec<u8> {
    let numbers = [magic].into_iter().chain(sizes.iter().copied());
    let mut file: Vec<u8> = numbers.flat_map(u32::to_be_bytes).collect();
    file.extend(cells);
    file
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

#[test]
fn idx_plain_and_packed_by_its_first_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let cells: Vec<u8> = (0..10 * 6).collect();
    let images = idx(0x0803, &[10, 2, 3], &cells);
    let labels = idx(0x0801, &[10], &[0, 1, 2, 0, 1, 2, 0, 1, 2, 0]);
    // The name promises gzip, the content is plain, and the other way round.
    fs::write(path("train-images-idx3-ubyte.gz"), &images).unwrap();
    fs::write(path("train-labels-idx1-ubyte"), packed(&labels)).unwrap();
    fs::write(path("classes.txt"), "a\nb\nc\n").unwrap();
    let open = || ClassifiedFolder::open(folder.path(), Some(4));
    let found = open().unwrap();
    assert_eq!(found.classes[..], ["a", "b", "c"]);
    let val = found.part(Part::Val).unwrap();
    assert_eq!((val.len(), val.size()), (4, Some(Size { height: 2, width: 3 })));
    let picture = val.load(0).unwrap();
    // Grey becomes three equal colours.
    assert_eq!(picture.rgb[..6], [36, 36, 36, 37, 37, 37]);
    assert_eq!(val.label(0), Some(0));

    for (name, content, expected) in [
        (
            "train-images-idx3-ubyte.gz",
            images[..50].to_vec(),
            "cells at byte 16: expected 60 bytes, got 34 bytes",
        ),
        (
            "train-images-idx3-ubyte.gz",
            packed(&images[..9]),
            "header at byte 0: expected 16 bytes, got 9 bytes",
        ),
        (
            "train-images-idx3-ubyte.gz",
            [&images[..], &[1]].concat(),
            "end at byte 76: expected no more bytes",
        ),
        (
            "train-images-idx3-ubyte.gz",
            idx(0x0803, &[u32::MAX, u32::MAX, 9], &cells),
            "sizes at byte 4: expected 1 to",
        ),
        (
            "train-images-idx3-ubyte.gz",
            labels.clone(),
            "magic number at byte 0: expected 0x00000803, got 0x00000801",
        ),
        (
            "train-labels-idx1-ubyte",
            idx(0x0801, &[9], &[0; 9]),
            "count of labels at byte 4: expected 10, as pictures, got 9",
        ),
        (
            "train-labels-idx1-ubyte",
            idx(0x0801, &[10], &[255; 10]),
            "class of picture 0 at byte 8: expected 0 to 254",
        ),
        ("train-labels-idx1-ubyte", packed(&labels)[..20].to_vec(), "cannot be read"),
    ] {
        let before = fs::read(path(name)).unwrap();
        fs::write(path(name), content).unwrap();
        let error = open().unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(expected), "{expected}: {error}");
        fs::write(path(name), before).unwrap();
    }
    fs::write(path("classes.txt"), "a\nb\n").unwrap();
    let error = open().unwrap_err().to_string();
    assert!(error.contains("names of classes at byte 0: expected 3"), "{error}");
}

/// A picture of one colour.
fn photo(path: &Path, grey: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let size = Size { height: 4, width: 6 };
    encode::rgb_png(fs::File::create(path).unwrap(), size, &[grey; 72]).unwrap();
}

#[test]
fn folders_of_photos() {
    let folder = tempfile::tempdir().unwrap();
    for class in ["cats", "dogs"] {
        for number in 0..10 {
            photo(&folder.path().join(format!("{class}/{number}.png")), 10 * number);
        }
    }
    fs::write(folder.path().join("cats/broken.png"), b"no picture").unwrap();
    let found = ClassifiedFolder::open(folder.path(), None).unwrap();
    assert_eq!(found.classes[..], ["cats", "dogs"]);
    let [train, val] = [Part::Train, Part::Val].map(|part| found.part(part).unwrap());
    // A tenth of each class; the broken one counts until it is opened.
    assert_eq!((train.len(), val.len()), (19, 2));
    assert_eq!((val.label(0), val.label(1)), (Some(0), Some(1)));
    assert!(found.part(Part::Test).is_err());
    // The same ones for validation, whatever else is there.
    let again = ClassifiedFolder::open(folder.path(), None).unwrap().part(Part::Val).unwrap();
    assert_eq!((val.name(0), val.name(1)), (again.name(0), again.name(1)));
    let broken = (0..train.len()).find(|&at| train.name(at).ends_with("broken.png"));
    if let Some(at) = broken {
        assert!(train.load(at).unwrap_err().to_string().contains("broken.png"));
    }

    let parts = tempfile::tempdir().unwrap();
    photo(&parts.path().join("train/a/1.png"), 1);
    photo(&parts.path().join("train/b/1.png"), 2);
    photo(&parts.path().join("val/a/1.png"), 3);
    photo(&parts.path().join("test/b/1.png"), 4);
    photo(&parts.path().join("test/c/1.png"), 4);
    let found = ClassifiedFolder::open(parts.path(), None).unwrap();
    let of = |part| {
        all(&found.part(part).unwrap()).iter().map(|(rgb, l)| (rgb[0], *l)).collect::<Vec<_>>()
    };
    assert_eq!(of(Part::Train), [(1, 0), (2, 1)]);
    assert_eq!((of(Part::Val), of(Part::Test)), (vec![(3, 0)], vec![(4, 1)]));
    assert!(found.problems[0].to_string().contains("c is no data set"), "{}", found.problems[0]);
    let error =
        ClassifiedFolder::open(&parts.path().join("train/a"), None).unwrap_err().to_string();
    assert!(
        error.contains("a folder of pictures for each class") && error.contains("0 found"),
        "{error}"
    );
}

#[test]
fn batches_are_the_same_again_and_moved_anew() {
    let folder = tempfile::tempdir().unwrap();
    shapes(folder.path());
    let part = ClassifiedFolder::open(folder.path(), Some(0)).unwrap().part(Part::Train).unwrap();
    let size = Size { height: 32, width: 32 };
    let batches = |jitter, order, threads| {
        let prepare = Box::new(|picture: &upconv_data::Picture| {
            Ok(picture.rgb.iter().map(|&value| f32::from(value)).collect())
        });
        let source = ClassifiedSource::new(part.clone(), size, prepare, jitter, 0);
        let options = Options { order, threads, ..Options::training(8) };
        let loader =
            Loader::new(source.into(), options, LoaderState { seed: 5, ..Default::default() });
        loader.unwrap().take(14).map(|step| step.unwrap().batch).collect::<Vec<_>>()
    };
    let jitter = Jitter { shift: 4, flip: true };
    let moved = batches(jitter, Order::Shuffled, 1);
    assert_eq!(moved, batches(jitter, Order::Shuffled, 3));
    let still = batches(Jitter::default(), Order::Shuffled, 2);
    let labels = |batches: &[upconv_data::datasets::classified::ClassifiedBatch]| {
        batches.iter().flat_map(|batch| batch.labels.clone()).collect::<Vec<_>>()
    };
    assert_eq!(labels(&moved), labels(&still));
    assert_ne!(moved[0].images, still[0].images);
    // Two epochs of 50: each class ten times.
    let counts = |labels: &[u8]| {
        (0..10).map(|c| labels.iter().filter(|&&l| l == c).count()).collect::<Vec<_>>()
    };
    assert_eq!(counts(&labels(&still)), [10; 10]);
    assert_ne!(counts(&labels(&batches(Jitter::default(), Order::Drawn, 2))), [10; 10]);
}

/// The whole set is a function of its words, and every file has all classes alike.
#[test]
fn shapes_do_not_depend_on_threads() {
    let made = |threads: usize, seed| {
        let folder = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let set = ShapeSet { seed, count: 65, backgrounds: None };
        let made = pool.install(|| set.write(folder.path(), |_| ())).unwrap();
        let test =
            ClassifiedFolder::open(folder.path(), Some(0)).unwrap().part(Part::Test).unwrap();
        let mut labels: Vec<u8> = all(&test).into_iter().map(|(_, label)| label).collect();
        labels.sort_unstable();
        assert_eq!(labels, [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        made
    };
    let one = made(1, 1);
    assert_eq!(one.files, 14);
    assert_eq!(one, made(3, 1));
    assert_ne!(one.sha256, made(2, 2).sha256);
    let error = ShapeSet { seed: 1, count: 5, backgrounds: None };
    let error = error.write(Path::new("nowhere"), |_| ()).unwrap_err().to_string();
    assert_eq!(error, "5 pictures; 6 to 600000 are possible");
    assert_eq!(Shape::ALL[3].name(), "triangle");
}
