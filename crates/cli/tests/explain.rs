//! `upconv explain`: what it prints, in which form and where.

mod common;

use std::io::Read;
use std::process::{Command, Stdio};

use common::{json, run, stdout, upconv};
use serde_json::json;

const SAME: &str =
    "explain --dialect tensorflow --input 3x3 --kernel 3x3 --stride 2 --padding same";
const DEFINITION: &str =
    "explain --dialect definition --input 2x2 --kernel 3x3 --stride 1 --padding 0";

#[test]
fn the_window_of_tensorflow_moves_with_the_size() {
    let five = stdout(&format!("{SAME} --output 5x5"));
    assert!(five.contains("window (1,1): 1 cropped in front, 1"), "{five}");
    assert!(five.contains("window      x[ =  =  =  =  =] x"), "{five}");
    let six = stdout(&format!("{SAME} --output 6x6"));
    assert!(six.contains("window (0,1): 0 cropped in front, 1"), "{six}");
    assert!(six.contains("window    [ =  =  =  =  =  =] x"), "{six}");
}

#[test]
fn the_matrix_and_its_transpose_are_shown() {
    let text = stdout(DEFINITION);
    assert!(text.contains("  C: 4 x 16\n"), "{text}");
    assert!(text.contains("  transpose(C): 16 x 4\n"), "{text}");
}

#[test]
fn json_has_the_fixed_members() {
    let found = json(&format!("{SAME} --output 5x5 --json"), 0);
    assert_eq!(found["dialect"], json!("tensorflow"));
    assert_eq!(found["groups"], json!(1));
    assert_eq!(found["output"], json!([5, 5]));
    let axis = found["axes"][1].as_object().unwrap();
    let members = [
        "axis",
        "input",
        "kernel",
        "effective_kernel",
        "stride",
        "dilation",
        "full",
        "window_begin",
        "output",
        "pad_before",
        "pad_after",
        "legal_outputs",
    ];
    for member in members {
        assert!(axis.contains_key(member), "{member}");
    }
    assert_eq!(axis["legal_outputs"], json!([5, 6]));
    assert_eq!(found["overlap"]["uniform"], json!(false));
    assert_eq!(found["overlap"]["per_axis"], json!([[1, 2, 1, 2, 1], [1, 2, 1, 2, 1]]));
    assert!(found["derivation"][0].is_string());
    for framework in ["tensorflow", "keras", "pytorch", "onnx", "upconv"] {
        assert!(found["code"][framework].is_string(), "{framework}");
    }
    // The same by another word.
    assert_eq!(json(&format!("{SAME} --output 5x5 --format json"), 0), found);
    assert_eq!(json(&format!("{SAME} --output 5x5 --format=json"), 0), found);
}

#[test]
fn every_dialect_and_rank_is_explained() {
    for words in [
        "explain --dialect keras --input 4 --kernel 3 --stride 2 --padding same --output-padding 1",
        "explain --dialect torch --input 4x5 --kernel 3 --stride 2x1 --padding 1x0 --output-padding 1x0",
        "explain --dialect pytorch --input 2x3x4 --kernel 2 --stride 2 --groups 2",
        "explain --dialect onnx --input 4 --kernel 3 --stride 2 --padding same_lower",
        "explain --dialect onnx --input 5x7 --kernel 3 --padding 1:0,0:1",
        "explain --dialect caffe --input 16 --kernel 4 --stride 2 --padding 1",
        "explain --dialect tflite --input 3 --kernel 3 --stride 2 --output 7",
        "explain --dialect definition --input 3 --kernel 3 --padding -1:-2 --dilation 2",
        "explain --dialect TensorFlow --input 3 --kernel 3",
    ] {
        let text = stdout(words);
        assert!(text.starts_with("Transposed convolution, "), "{text}");
        assert!(json(&format!("{words} --json"), 0)["axes"][0]["full"].is_u64());
    }
}

#[test]
fn all_dialects_in_one_table() {
    let words =
        "explain --all-dialects --input 3x3 --kernel 3x3 --stride 2 --padding same --output 6x6";
    let text = stdout(words);
    assert!(text.contains("tensorflow   6x6       0,0         (0,1)"), "{text}");
    assert!(text.contains("pytorch      refused"), "{text}");
    assert!(text.contains("- caffe: caffe has no padding \"same\""), "{text}");
    let rows = json(&format!("{words} --json"), 0)["rows"].clone();
    assert_eq!(rows.as_array().map(Vec::len), Some(7));
    for member in ["dialect", "output", "window_begin", "error", "differs"] {
        assert!(rows[0].as_object().unwrap().contains_key(member), "{member}");
    }
    assert_eq!(rows[2]["error"]["rule"], json!("PADDING_UNKNOWN"));
    // Where nobody accepts the words, they are wrong.
    let all = run("explain --all-dialects --input 3 --kernel 3 --stride 0", 1);
    assert!(String::from_utf8(all.stdout).unwrap().contains("stride 0 must be at least 1"));
}

#[test]
fn chinese_by_argument_and_by_locale() {
    let text = stdout(&format!("{SAME} --output 5x5 --lang zh"));
    assert!(text.starts_with("转置卷积，TensorFlow：3x3 -> 5x5\n"), "{text}");
    assert!(text.contains("窗口 (1,1)：前面裁掉 1，后面裁掉 1"), "{text}");
    let by_locale = upconv(SAME).env("LC_ALL", "zh_CN.UTF-8").output().unwrap();
    assert!(String::from_utf8(by_locale.stdout).unwrap().starts_with("转置卷积"));
    let english =
        upconv(SAME).args(["--lang", "en"]).env("LC_ALL", "zh_CN.UTF-8").output().unwrap();
    assert!(String::from_utf8(english.stdout).unwrap().starts_with("Transposed"));
    let plain = upconv(SAME).env("LC_ALL", "C.UTF-8").env("LANGUAGE", "zh").output().unwrap();
    assert!(String::from_utf8(plain.stdout).unwrap().starts_with("Transposed"));
}

#[test]
fn narrow_screens_stay_readable() {
    for width in [30, 40, 60] {
        let output = upconv(SAME).env("COLUMNS", width.to_string()).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let prose = text.split("\nThe same result as code").next().unwrap();
        for line in prose.lines().filter(|line| line.contains(' ')) {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn a_file_is_written_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.json");
    let words = format!("{SAME} --output 5x5 --json --quiet -o {}", path.display());
    for _ in 0..2 {
        let output = run(&words, 0);
        assert!(output.stdout.is_empty() && output.stderr.is_empty());
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, stdout(&format!("{SAME} --output 5x5 --json")));
    }
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o600, 0o600);
        let neighbour = folder.path().join("neighbour");
        std::fs::write(&neighbour, "").unwrap();
        assert_eq!(mode, std::fs::metadata(neighbour).unwrap().permissions().mode());
    }
    assert_eq!(stdout(&format!("{SAME} -o -")), stdout(SAME));
}

#[cfg(unix)]
#[test]
fn a_link_and_a_device_stay_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    std::fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    run(&format!("{SAME} -o {}", link.display()), 0);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("Transposed"));
    run(&format!("{SAME} -o /dev/null"), 0);
    use std::os::unix::fs::FileTypeExt;
    assert!(std::fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    // 65,536 cells: more than a pipe holds, so that the writer meets the closed end.
    let words = "explain --dialect torch --input 65536 --kernel 1 --json";
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("upconv"))
        .args(words.split_whitespace())
        .env("LC_ALL", "C")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn help_is_quick_and_has_examples() {
    for words in ["--help", "explain --help", "-h", "explain -h"] {
        let text = stdout(words);
        assert!(text.contains("Usage: upconv"), "{text}");
        assert!(text.contains("Examples:"), "{text}");
    }
    let quickest = (0..5).map(|_| {
        let start = std::time::Instant::now();
        stdout("explain --help");
        start.elapsed()
    });
    // 20 ms are allowed; a loaded machine that runs tests gets more.
    assert!(quickest.min().unwrap().as_millis() < 200);
}

#[test]
fn about_tells_version_and_licence() {
    let about = json("about --json --threads 3", 0);
    assert_eq!(about["version"], json!(env!("CARGO_PKG_VERSION")));
    assert_eq!(about["licence"], json!("MIT OR Apache-2.0"));
    assert_eq!(about["threads"], json!(3));
    assert!(about["cpu"]["isas"].as_array().unwrap().contains(&json!("portable")));
    assert!(stdout("about").contains("instruction sets: portable"));
    let from_environment = upconv("about --json").env("OMP_NUM_THREADS", "5,2").output().unwrap();
    assert!(String::from_utf8(from_environment.stdout).unwrap().contains("\"threads\":5"));
    let ours_first = upconv("about --json")
        .env("OMP_NUM_THREADS", "5")
        .env("UPCONV_THREADS", "4")
        .output()
        .unwrap();
    assert!(String::from_utf8(ours_first.stdout).unwrap().contains("\"threads\":4"));
}

#[test]
fn pictures_are_written_by_name_and_by_the_ending_of_the_file() {
    let svg = stdout(&format!("{SAME} --output 5x5 --format svg"));
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"800\""), "{svg}");
    assert!(svg.contains("CC0 1.0") && svg.ends_with("</svg>\n"), "{svg}");
    // Rows and columns 4 = 2*2 + 0 = 2*1 + 2: inputs 1 and 2 through taps 2 and 0, x = 1..9, w = 1..9.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gather.svg");
    let words = format!("{SAME} --output 6x6 --view gather --quiet -o {}", path.display());
    assert!(stdout(&words).is_empty());
    let drawn = std::fs::read_to_string(&path).unwrap();
    assert!(drawn.contains("= 9*1 + 8*3 + 6*7 + 5*9 = 120<"), "{drawn}");
    let path = folder.path().join("page.html");
    run(&format!("{SAME} --output 5x5 --quiet --lang zh -o {}", path.display()), 0);
    let page = std::fs::read_to_string(&path).unwrap();
    assert!(page.contains("<html lang=\"zh-CN\">") && page.contains(">散布</button>"));
    assert!(!page.contains("http://") && !page.contains("src="), "it loads nothing");
}

/// Frames of a GIF, counted by its graphic control extensions (GIF89a, section 23).
#[test]
fn a_gif_has_a_frame_for_every_step() {
    let output = run(&format!("{DEFINITION} --view scatter --format gif"), 0);
    let gif = output.stdout;
    assert_eq!(&gif[..6], b"GIF89a");
    let width = u16::from_le_bytes([gif[6], gif[7]]);
    assert_eq!(width, 800);
    let controls = gif.windows(3).filter(|bytes| bytes == &[0x21, 0xf9, 0x04]).count();
    // One for each of the 2x2 inputs.
    assert_eq!(controls, 4);
}

#[test]
fn what_is_too_large_to_draw_is_said_and_the_text_given() {
    let words = "explain --dialect torch --input 300x300 --kernel 4x4 --stride 2 --padding 1";
    let output = run(&format!("{words} --format svg"), 1);
    let (text, note) = (output.stdout, String::from_utf8(output.stderr).unwrap());
    assert_eq!(String::from_utf8(text).unwrap(), stdout(words));
    assert!(note.starts_with("error: too large to draw"), "{note}");
    let matrix = run(&format!("{SAME} --output 6x6 --format svg --view phases"), 0);
    assert!(matrix.stderr.is_empty());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.svg");
    run(&format!("{words} -o {}", path.display()), 1);
    assert!(!path.exists());
}

#[test]
fn wrong_words_about_pictures_are_refused() {
    for words in [
        format!("{DEFINITION} --format svg --view sideways"),
        format!("{DEFINITION} --view gather"),
        format!("{DEFINITION} --format html --theme dark"),
        format!("{DEFINITION} --format svg --json"),
        "explain --all-dialects --input 3 --kernel 3 --format svg".to_owned(),
    ] {
        run(&words, 2);
    }
    let refused =
        common::error_line("explain --dialect torch --input 3 --kernel 0 --format svg", 1);
    assert!(refused.contains("kernel"), "{refused}");
}
