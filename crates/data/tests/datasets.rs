//! Folders of images and masks: which items are found, and what is told about the others.
#![allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};
use support::{encoded, jpeg, with_orientation};
use upconv_data::DataError;
use upconv_data::datasets::split::Rule;
use upconv_data::datasets::{Part, SegmentationFolder, VOID};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) -> &Self {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
        self
    }

    /// A photo of 3 x 2 pixels, red everywhere.
    fn photo(&self, name: &str) -> &Self {
        let photo = RgbImage::from_pixel(3, 2, image::Rgb([200, 10, 20]));
        let format = ImageFormat::from_path(name).unwrap();
        self.write(name, &encoded(&photo.into(), format))
    }

    /// A grey mask of 3 x 2 pixels.
    fn mask(&self, name: &str, labels: [u8; 6]) -> &Self {
        let mask = GrayImage::from_raw(3, 2, labels.to_vec()).unwrap();
        self.write(name, &encoded(&mask.into(), ImageFormat::Png))
    }

    /// A mask in colours.
    fn coloured(&self, name: &str, colours: [[u8; 3]; 6]) -> &Self {
        let mask = RgbImage::from_raw(3, 2, colours.concat()).unwrap();
        self.write(name, &encoded(&mask.into(), ImageFormat::Png))
    }

    fn open(&self) -> SegmentationFolder {
        SegmentationFolder::open(self.0.path()).unwrap()
    }

    fn refusal(&self) -> String {
        SegmentationFolder::open(self.0.path()).unwrap_err().to_string()
    }

    /// Problems, with the folder left out.
    fn problems(&self, opened: &SegmentationFolder) -> Vec<String> {
        let folder = format!("{}/", self.0.path().display());
        opened.problems.iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
    }
}

const MASK: [u8; 6] = [0, 1, 2, 0, 0, VOID];

fn names(opened: &SegmentationFolder, part: Part) -> Vec<String> {
    opened.part(part).map_or_else(
        |_| Vec::new(),
        |part| part.pairs.iter().map(|pair| pair.name.clone()).collect(),
    )
}

#[test]
fn a_folder_of_images_and_masks() {
    let folder = Folder::new();
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
        folder.photo(&format!("images/{name}.png"));
        folder.mask(&format!("masks/{name}.png"), MASK);
    }
    let opened = folder.open();
    // By the digests of the names: `printf %s d | sha256sum` begins with 18ac, that of f with 252f.
    assert_eq!(names(&opened, Part::Val), ["d", "f"]);
    assert_eq!(names(&opened, Part::Train), ["a", "b", "c", "e", "g", "h", "i"]);
    assert_eq!(opened.rule, Rule::Names);
    assert!(opened.problems.is_empty());
    let error = opened.part(Part::Test).unwrap_err().to_string();
    assert!(error.ends_with("has no item in the part test"), "{error}");

    let train = opened.part(Part::Train).unwrap();
    assert_eq!(train.classes.list().len(), 3);
    assert_eq!(train.classes.list()[2].name, "class 2");
    let item = train.load(3).unwrap();
    assert_eq!(item.labels(), MASK);
    assert_eq!(item.rgb(), [200, 10, 20].repeat(6));
    let counts = train.count_labels();
    assert_eq!((counts[0], counts[1], counts[2], counts[255]), (21, 7, 7, 7));
    assert!(train.load(7).unwrap_err().to_string().contains("index is 7"));
}

#[test]
fn names_with_spaces_and_chinese_and_folders_below() {
    let folder = Folder::new();
    folder.photo("Images/城市 街道/照片 1.jpg").mask("Masks/城市 街道/照片 1.png", MASK);
    folder.photo("Images/my photo.png").mask("Masks/my photo_mask.png", MASK);
    folder.photo("Images/v1.2 final.png").mask("Masks/v1.2 final.png", MASK);
    let opened = folder.open();
    assert!(opened.problems.is_empty(), "{:?}", opened.problems);
    let mut all = names(&opened, Part::Train);
    all.extend(names(&opened, Part::Val));
    all.sort();
    assert_eq!(all, ["my photo", "v1.2 final", "城市 街道/照片 1"]);
    opened.part(Part::Train).unwrap().load(1).unwrap();
}

#[test]
fn bad_pairs_are_reported_and_the_rest_is_used() {
    let folder = Folder::new();
    folder.photo("images/good.png").mask("masks/good.png", MASK);
    folder.photo("images/lonely.png");
    folder.mask("masks/nobody.png", MASK);
    folder.photo("images/larger.png");
    let larger = GrayImage::new(30, 20);
    folder.write("masks/larger.png", &encoded(&larger.into(), ImageFormat::Png));
    folder.photo("images/cut.png").mask("masks/cut.png", MASK);
    let file = fs::read(folder.path("masks/cut.png")).unwrap();
    folder.write("masks/cut.png", &file[..50]);
    folder.write("images/text.png", b"hello").mask("masks/text.png", MASK);
    folder.photo("images/lossy.png");
    folder.write("masks/lossy.jpg", &jpeg(&GrayImage::new(3, 2).into()));
    folder.photo("images/twice.png").photo("images/twice.jpg").mask("masks/twice.png", MASK);
    folder.photo("images/deep.png");
    let deep = image::ImageBuffer::<image::Luma<u16>, _>::from_pixel(3, 2, image::Luma([1000]));
    folder.write("masks/deep.png", &encoded(&DynamicImage::from(deep), ImageFormat::Png));
    let opened = folder.open();
    let mut problems = folder.problems(&opened);
    problems.sort();
    let expected = [
        "images/larger.png has 3x2 pixels, but its mask masks/larger.png has 30x20",
        "images/lonely.png has no mask: looked for lonely.png or lonely_mask.png in masks",
        "images/text.png is no picture",
        "images/twice.png has no mask: looked for a mask of its own: twice is the name of two images",
        "masks/cut.png",
        "masks/deep.png row 0, column 0 holds 1000, but class numbers are 0 to 255",
        "masks/lossy.jpg is a JPEG, which changes colours",
        "masks/nobody.png belongs to no image: none is called nobody in images",
    ];
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{problem}");
    }
    let mut used = names(&opened, Part::Train);
    used.extend(names(&opened, Part::Val));
    used.sort();
    assert_eq!(used, ["good", "twice"]);
}

#[test]
fn a_table_of_classes_for_colours() {
    let folder = Folder::new();
    let (sky, road) = ([70, 130, 180], [128, 64, 128]);
    folder.photo("images/a.png").coloured("masks/a.png", [sky, road, road, sky, [0; 3], sky]);
    folder.photo("images/b.png").coloured("masks/b.png", [sky, road, [1, 2, 3], sky, sky, sky]);
    let table = "[void]\ncolours = [[0, 0, 0]]\n\
                 [[class]]\nname = 'sky'\ncolour = [70, 130, 180]\n\
                 [[class]]\nname = 'road'\ncolour = [128, 64, 128]\n";
    folder.write("classes.toml", table.as_bytes());
    folder.write("train.txt", b"a\nb\n");
    let train = folder.open().part(Part::Train).unwrap();
    assert_eq!(train.classes.list()[1].name, "road");
    assert_eq!(train.load(0).unwrap().labels(), [0, 1, 1, 0, VOID, 0]);
    // What is not in the table is met when the mask is read, and named.
    let error = train.load(1).unwrap_err().to_string();
    let expected = "b.png row 0, column 2 has the colour [1, 2, 3], which classes.toml gives to no";
    assert!(error.contains(expected), "{error}");
    folder.write("classes.toml", table.replace("[void]", "[void]\nothers = true").as_bytes());
    let train = folder.open().part(Part::Train).unwrap();
    assert_eq!(train.load(1).unwrap().labels(), [0, 1, VOID, 0, 0, 0]);
    // Without the table.
    fs::remove_file(folder.path("classes.toml")).unwrap();
    let error = folder.refusal();
    assert!(error.contains("has no pair of an image and a mask that can be used"), "{error}");
    assert!(
        error.contains("holds 3 colours ([0, 0, 0], [70, 130, 180], [128, 64, 128])"),
        "{error}"
    );
    folder.write("classes.toml", b"[[class]]\nname = 'sky'\ncolor = [70, 130, 180]\n");
    let error = folder.refusal();
    assert!(error.contains("classes.toml line 3: unknown field `color`"), "{error}");
}

#[test]
fn black_and_white_masks() {
    let folder = Folder::new();
    folder.photo("images/a.png").mask("masks/a.png", [0, 255, 255, 0, 0, 0]);
    folder.photo("images/b.png").mask("masks/b.png", [0, 0, 255, 0, 0, 0]);
    let error = folder.refusal();
    assert!(error.contains("hold no other number than 0"), "{error}");
    assert!(error.contains("`masks = \"colours\"`"), "{error}");
    let table = "masks = 'colours'\n[[class]]\nname = 'no'\ncolour = [0, 0, 0]\n\
                 [[class]]\nname = 'yes'\ncolour = [255, 255, 255]\n";
    folder.write("classes.toml", table.as_bytes()).write("train.txt", b"a.png");
    let train = folder.open().part(Part::Train).unwrap();
    assert_eq!(train.load(0).unwrap().labels(), [0, 1, 1, 0, 0, 0]);
    // The same by numbers.
    let table = "[[class]]\nname = 'no'\n[[class]]\nname = 'yes'\nnumbers = [255]\n";
    folder.write("classes.toml", table.as_bytes());
    let train = folder.open().part(Part::Train).unwrap();
    assert_eq!(train.load(0).unwrap().labels(), [0, 1, 1, 0, 0, 0]);
}

#[test]
fn parts_in_folders() {
    // Both ways: the part above or below.
    for above in [true, false] {
        let folder = Folder::new();
        let path = |part: &str, kind: &str, name: &str| match above {
            true => format!("{part}/{kind}/{name}.png"),
            false => format!("{kind}/{part}/{name}.png"),
        };
        for (part, name) in [("train", "b"), ("train", "a"), ("validation", "a"), ("test", "c")] {
            folder.photo(&path(part, "images", name));
            if part != "test" {
                folder.mask(&path(part, "labels", name), MASK);
            }
        }
        let opened = folder.open();
        assert_eq!(opened.rule, Rule::Folders);
        assert!(opened.problems.is_empty(), "{:?}", opened.problems);
        assert_eq!(names(&opened, Part::Train), ["a", "b"]);
        assert_eq!(names(&opened, Part::Val), ["a"]);
        assert_eq!(names(&opened, Part::Test), ["c"]);
        // Without a mask nothing counts.
        assert_eq!(opened.part(Part::Test).unwrap().load(0).unwrap().labels(), [VOID; 6]);
        if !above {
            folder.photo("images/d.png").mask("labels/d.png", MASK);
            let opened = folder.open();
            let problems = folder.problems(&opened);
            assert_eq!(problems.len(), 1);
            assert!(
                problems[0].starts_with("images/d.png lies beside the folders"),
                "{problems:?}"
            );
        }
    }
}

#[test]
fn lists_of_names_and_of_paths() {
    let folder = Folder::new();
    for name in ["a", "b c", "d", "e"] {
        folder.photo(&format!("photos/{name}.png")).mask(&format!("masks/{name}.png"), MASK);
    }
    // A mask that no list wants is no problem.
    folder.mask("masks/spare.png", MASK);
    folder.write("train.txt", "\u{feff}# ours\r\nd\r\n\r\nb c\r\nno such\r\n".as_bytes());
    folder.write(
        "val.txt",
        b"photos/a.png masks/a.png\nphotos/b c.png masks/b c.png\nphotos/e.png\n",
    );
    folder.write("test.txt", b"photos/e.png\n");
    let opened = folder.open();
    assert_eq!(opened.rule, Rule::Lists);
    // In the order of the lists.
    assert_eq!(names(&opened, Part::Train), ["d", "b c"]);
    assert_eq!(names(&opened, Part::Val), ["a", "b c", "e"]);
    assert_eq!(names(&opened, Part::Test), ["e"]);
    let problems = folder.problems(&opened);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].starts_with("train.txt, line 5: \"no such\" is neither"), "{problems:?}");
}

#[test]
fn lists_without_folders_that_are_known_and_pascal_voc() {
    let folder = Folder::new();
    folder.photo("data/x/1.png").mask("data/y/1 label.png", MASK);
    folder.photo("data/x/2.png");
    folder.write("train.txt", b"data/x/1.png data/y/1 label.png\ndata/x/2.png");
    let opened = folder.open();
    assert_eq!(names(&opened, Part::Train), ["data/x/1"]);
    let expected = "data/x/2.png has no mask: looked for a mask behind it in line 2 of train.txt";
    assert_eq!(folder.problems(&opened), [expected]);

    let voc = Folder::new();
    for name in ["2007_000032", "2007_000033", "2007_000001"] {
        voc.photo(&format!("JPEGImages/{name}.jpg"));
    }
    for name in ["2007_000032", "2007_000033"] {
        voc.mask(&format!("SegmentationClass/{name}.png"), MASK);
    }
    voc.write("ImageSets/Segmentation/train.txt", b"2007_000032\n");
    voc.write("ImageSets/Segmentation/val.txt", b"2007_000033\n2007_000001\n");
    let opened = voc.open();
    assert_eq!(names(&opened, Part::Train), ["2007_000032"]);
    assert_eq!(names(&opened, Part::Val), ["2007_000033"]);
    assert!(voc.problems(&opened)[0].starts_with("JPEGImages/2007_000001.jpg has no mask"));
}

#[test]
fn folders_with_nothing_to_be_used() {
    let folder = Folder::new();
    let error = folder.refusal();
    assert!(
        error.contains("is no data set that is known here: there must be a folder of images"),
        "{error}"
    );
    assert!(error.contains("masks") && error.contains("train.txt") && error.contains("image_2"));
    fs::create_dir(folder.path("images")).unwrap();
    let error = folder.refusal();
    assert!(error.ends_with("has no pair of an image and a mask that can be used"), "{error}");
    folder.photo("images/a.png");
    let error = folder.refusal();
    assert!(
        error.contains("; the first problem: ") && error.contains("a.png has no mask"),
        "{error}"
    );
    let missing = SegmentationFolder::open(Path::new("no such folder")).unwrap_err();
    assert!(matches!(missing, DataError::NoDataSet { .. }));
}

#[test]
fn a_photo_that_a_camera_noted_to_be_turned() {
    let folder = Folder::new();
    let photo = jpeg(&RgbImage::new(3, 2).into());
    // Orientation 6: a quarter turn.
    folder.write("images/a.jpg", &with_orientation(&photo, 6)).mask("masks/a.png", MASK);
    let error = folder.refusal();
    let expected = "a.jpg has 2x3 pixels, but its mask";
    assert!(
        error.contains(expected) && error.contains("perhaps the photo's EXIF note turns it"),
        "{error}"
    );
    // One for the upright photo is right.
    let upright = GrayImage::from_raw(2, 3, vec![0, 1, 1, 0, 0, 1]).unwrap();
    folder.write("masks/a.png", &encoded(&upright.into(), ImageFormat::Png));
    let item = folder.open().part(Part::Train).unwrap().load(0).unwrap();
    assert_eq!(item.labels(), [0, 1, 1, 0, 0, 1]);
}

#[test]
fn kitti_road() {
    let folder = Folder::new();
    let (road, other, void) = ([255, 0, 255], [255, 0, 0], [0, 0, 0]);
    for (category, count) in [("um", 3), ("umm", 9), ("uu", 1)] {
        for number in 0..count {
            let colours = [road, other, void, road, road, other];
            folder.photo(&format!("training/image_2/{category}_{number:06}.png"));
            folder
                .coloured(&format!("training/gt_image_2/{category}_road_{number:06}.png"), colours);
        }
    }
    folder.coloured("training/gt_image_2/um_lane_000000.png", [void; 6]);
    folder.write("training/calib/um_000001.txt", b"P2: 1");
    folder.photo("training/image_2/uu_000007.png").photo("training/image_2/strange.png");
    folder.photo("testing/image_2/um_000000.png");
    let opened = folder.open();
    // The last sixth of each: 1 of 3, 9 / 6 = 1.5, rounded to 2 of 9, none of 1.
    assert_eq!(names(&opened, Part::Val), ["um_000002", "umm_000007", "umm_000008"]);
    assert_eq!(names(&opened, Part::Train).len(), 2 + 7 + 1);
    assert_eq!(names(&opened, Part::Test), ["um_000000"]);
    assert_eq!(opened.rule, Rule::LastOfEach);
    let train = opened.part(Part::Train).unwrap();
    let classes: Vec<&str> = train.classes.list().iter().map(|class| class.name.as_str()).collect();
    assert_eq!(classes, ["other", "road"]);
    assert_eq!(train.load(0).unwrap().labels(), [1, 0, VOID, 1, 1, 0]);
    assert_eq!(train.pairs[0].calibration, None);
    assert_eq!(train.pairs[1].calibration, Some(folder.path("training/calib/um_000001.txt")));
    let problems = folder.problems(&opened);
    assert_eq!(problems.len(), 2);
    assert!(problems[0].starts_with("training/image_2/strange.png has no mask"), "{problems:?}");
    let expected = "training/image_2/uu_000007.png has no mask: looked for training/gt_image_2/uu_road_000007.png";
    assert_eq!(problems[1], expected);
    assert_eq!(opened.part(Part::Test).unwrap().load(0).unwrap().labels(), [VOID; 6]);

    // Masks of the test images, and lists as KittiSeg writes them.
    folder.coloured("testing/gt_image_2/um_road_000000.png", [road; 6]);
    let opened = folder.open();
    assert_eq!(opened.part(Part::Test).unwrap().load(0).unwrap().labels(), [1; 6]);
    let line = |name: &str| {
        format!("training/image_2/um_{name}.png training/gt_image_2/um_road_{name}.png\n")
    };
    folder.write("train.txt", (line("000002") + &line("000001")).as_bytes());
    folder.write("val.txt", b"um_000000\n");
    folder.write("testing.txt", b"testing/image_2/um_000000.png\n");
    let opened = folder.open();
    assert_eq!(names(&opened, Part::Train), ["um_000002", "um_000001"]);
    let of = |part: Part| opened.part(part).unwrap().pairs[0].image.clone();
    assert_eq!(
        opened.part(Part::Train).unwrap().pairs[1].calibration,
        Some(folder.path("training/calib/um_000001.txt"))
    );
    assert_eq!(of(Part::Val), folder.path("training/image_2/um_000000.png"));
    assert_eq!(of(Part::Test), folder.path("testing/image_2/um_000000.png"));
}

/// What stands between lines of three backticks, by the word behind the first.
fn blocks(page: &str, kind: &str) -> Vec<String> {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page));
    let text = text.unwrap();
    let parts = text.split("```").skip(1).step_by(2);
    parts.filter_map(|part| part.strip_prefix(kind)).map(str::to_owned).collect()
}

#[test]
fn the_examples_of_the_documents_work() {
    for page in ["data-formats.md", "data-formats.zh-CN.md"] {
        let tables = blocks(page, "toml\n");
        // Grey masks for each table, and what their labels are then.
        let cases = [
            ([0, 1, 2, 255, 0, 0], [0, 1, 2, VOID, 0, 0]),
            ([0; 6], [0; 6]),
            ([7, 28, 0, 255, 9, 26], [0, 1, VOID, VOID, 0, 1]),
            ([0, 255, 0, 0, 255, 0], [0, 1, 0, 0, 1, 0]),
        ];
        assert_eq!(tables.len(), cases.len(), "{page}");
        for (number, (table, (mask, labels))) in tables.iter().zip(cases).enumerate() {
            let folder = Folder::new();
            folder.photo("images/street/0003.png").write("classes.toml", table.as_bytes());
            folder.write("train.txt", b"street/0003\n");
            let expected = if number == 1 {
                let (road, other) = ([255, 0, 255], [255, 0, 0]);
                let colours = [road, other, [0; 3], [9; 3], [255, 0, 254], other];
                folder.coloured("masks/street/0003.png", colours);
                [1, 0, VOID, VOID, 1, 0]
            } else {
                folder.mask("masks/street/0003.png", mask);
                labels
            };
            let item = folder.open().part(Part::Train).unwrap().load(0).unwrap();
            assert_eq!(item.labels(), expected, "{page}, table {number}");
        }
    }
    // The layouts are the same in both languages.
    assert_eq!(blocks("data-formats.md", "text\n"), blocks("data-formats.zh-CN.md", "text\n"));
}
