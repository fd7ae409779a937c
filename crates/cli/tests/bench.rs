//! `upconv bench`: the line protocol against plain loops, JSON, wrong shapes. No time is asserted.

mod common;

use common::{error_line, json, run, upconv};
use serde_json::{Value, json};

/// A small workload; unused axes in front have size, kernel and stride 1.
#[derive(Clone, Copy)]
struct Small {
    transposed: bool,
    rank: usize,
    batch: usize,
    channels: (usize, usize),
    groups: usize,
    input: [usize; 3],
    kernel: [usize; 3],
    stride: [usize; 3],
    padding: [usize; 3],
    output_padding: [usize; 3],
    dilation: [usize; 3],
    bias: bool,
    bilinear: bool,
}

const PLAIN: Small = Small {
    transposed: true,
    rank: 2,
    batch: 1,
    channels: (1, 1),
    groups: 1,
    input: [1; 3],
    kernel: [1; 3],
    stride: [1; 3],
    padding: [0; 3],
    output_padding: [0; 3],
    dilation: [1; 3],
    bias: false,
    bilinear: false,
};

/// One of each kind of thing: axes that differ, groups, dilation, 1 to 3 axes, bilinear weights.
fn small() -> Vec<Small> {
    let two = Small {
        batch: 2,
        channels: (3, 4),
        input: [1, 4, 5],
        kernel: [1, 3, 4],
        stride: [1, 2, 3],
        padding: [0, 1, 0],
        output_padding: [0, 1, 2],
        bias: true,
        ..PLAIN
    };
    let grouped =
        Small { channels: (4, 6), groups: 2, dilation: [1, 2, 1], output_padding: [0; 3], ..two };
    let one = Small {
        rank: 1,
        channels: (5, 3),
        input: [1, 1, 9],
        kernel: [1, 1, 8],
        stride: [1, 1, 4],
        padding: [0, 0, 2],
        ..PLAIN
    };
    let three = Small {
        rank: 3,
        channels: (2, 3),
        input: [2, 3, 4],
        kernel: [2, 3, 2],
        stride: [2, 1, 2],
        padding: [0, 1, 0],
        bias: true,
        ..PLAIN
    };
    let dense = Small {
        channels: (3, 3),
        input: [1, 5, 6],
        kernel: [1, 4, 4],
        stride: [1, 2, 2],
        padding: [0, 1, 1],
        bilinear: true,
        ..PLAIN
    };
    let depthwise = Small { groups: 3, ..dense };
    let forward = |s: Small| Small { transposed: false, output_padding: [0; 3], ..s };
    let all = [two, grouped, one, three, dense, depthwise];
    all.into_iter().chain(all.map(forward)).collect()
}

impl Small {
    fn json(&self) -> Value {
        let axes = |list: [usize; 3]| json!(list[3 - self.rank..]);
        json!({
            "id": "T", "kind": if self.transposed { "tconv" } else { "conv" },
            "batch": self.batch, "cin": self.channels.0, "cout": self.channels.1,
            "input": axes(self.input), "kernel": axes(self.kernel), "stride": axes(self.stride),
            "padding": axes(self.padding), "output_padding": axes(self.output_padding),
            "dilation": axes(self.dilation), "groups": self.groups, "bias": self.bias,
            "weights": if self.bilinear { "bilinear" } else { "random" }, "flops": 1,
        })
    }

    fn output(&self) -> [usize; 3] {
        std::array::from_fn(|a| {
            let span = (self.kernel[a] - 1) * self.dilation[a] + 1;
            let (input, stride, padding) = (self.input[a], self.stride[a], self.padding[a]);
            match self.transposed {
                true => (input - 1) * stride + span + self.output_padding[a] - 2 * padding,
                false => (input + 2 * padding - span) / stride + 1,
            }
        })
    }

    /// The weight between two channels of a group, through tap `k`.
    fn weight(&self, from: usize, to: usize, k: [usize; 3]) -> f64 {
        let (inputs, outputs) = (self.channels.0 / self.groups, self.channels.1 / self.groups);
        // [in, out / groups, ...] or [out, in / groups, ...].
        let (first, second, seconds) = match self.transposed {
            true => (from, to % outputs, outputs),
            false => (to, from % inputs, inputs),
        };
        if self.bilinear {
            let on = second == if self.groups == 1 { first } else { 0 };
            // 4 taps in each direction, or the 1 of an unused axis.
            let line = |a: usize| match self.kernel[a] {
                4 => [0.25, 0.75, 0.75, 0.25][k[a]],
                _ => 1.0,
            };
            return if on { line(0) * line(1) * line(2) } else { 0.0 };
        }
        value(2, flat(&[first, second, k[0], k[1], k[2]], &[seconds], self.kernel))
    }

    /// The output in NCHW, in f64 by plain loops.
    fn run(&self) -> Vec<f64> {
        let output = self.output();
        let (inputs, outputs) = self.channels;
        let mut y = vec![0.0; self.batch * outputs * output.iter().product::<usize>()];
        for n in 0..self.batch {
            for to in 0..outputs {
                for from in 0..inputs {
                    if from / (inputs / self.groups) != to / (outputs / self.groups) {
                        continue;
                    }
                    // Of a transposed convolution the input walks, of a convolution the output.
                    let walked = if self.transposed { self.input } else { output };
                    for at in cells(walked) {
                        for k in cells(self.kernel) {
                            let met: [i64; 3] = std::array::from_fn(|a| {
                                (at[a] * self.stride[a] + k[a] * self.dilation[a]) as i64
                                    - self.padding[a] as i64
                            });
                            let other = if self.transposed { output } else { self.input };
                            if (0..3).any(|a| met[a] < 0 || met[a] >= other[a] as i64) {
                                continue;
                            }
                            let met = met.map(|m| m as usize);
                            let (i, o) = if self.transposed { (at, met) } else { (met, at) };
                            let x = flat(&[n, from, i[0], i[1], i[2]], &[inputs], self.input);
                            let place = flat(&[n, to, o[0], o[1], o[2]], &[outputs], output);
                            y[place] += value(1, x) * self.weight(from, to, k);
                        }
                    }
                }
            }
        }
        if self.bias {
            let plane = output.iter().product::<usize>();
            for (i, v) in y.iter_mut().enumerate() {
                *v += value(3, i / plane % outputs);
            }
        }
        y
    }
}

/// All places of a box.
fn cells(size: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    let [a, b, c] = size;
    (0..a * b * c).map(move |i| [i / (b * c), i / c % b, i % c])
}

/// Row-major index of five coordinates.
fn flat(at: &[usize; 5], second: &[usize; 1], size: [usize; 3]) -> usize {
    let lengths = [second[0], size[0], size[1], size[2]];
    lengths.iter().zip(&at[1..]).fold(at[0], |index, (length, place)| index * length + place)
}

/// The formula of the protocol, in numbers so wide that nothing wraps.
fn value(seed: u128, i: usize) -> f64 {
    let h = (((i as u128 + seed * 1_000_003) * 1_103_515_245 + 12_345) % (1 << 31)) >> 16;
    (h % 17) as f64 / 16.0 - 0.5
}

/// The answers to requests, one line each.
#[track_caller]
#[allow(clippy::unwrap_used)] // Helpers of tests are not known as such to clippy.
fn serve(words: &str, lines: &[String]) -> Vec<Value> {
    let input = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let output = upconv(words).write_stdin(input).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn request(workload: &Value, mode: &str, reps: usize) -> String {
    json!({"workload": workload, "mode": mode, "threads": 2, "reps": reps}).to_string()
}

#[test]
fn checks_agree_with_plain_loops_in_both_layouts() {
    let all = small();
    let lines: Vec<String> = all.iter().map(|w| request(&w.json(), "check", 1)).collect();
    for layout in ["nchw", "nhwc"] {
        let answers = serve(&format!("bench --serve --layout {layout} --threads 2"), &lines);
        assert_eq!(answers.len(), all.len());
        for (number, (small, answer)) in all.iter().zip(answers).enumerate() {
            let y = small.run();
            let weighted = |f: &dyn Fn(usize, f64) -> f64| -> f64 {
                y.iter().enumerate().map(|(i, &v)| f(i, v)).sum()
            };
            // Multiples of 1/256, or 1/4096 for tents, and small: exact in f32 in any order.
            let expected = json!({
                "sum": weighted(&|_, v| v),
                "abs": weighted(&|_, v| v.abs()),
                "pos": weighted(&|i, v| v * ((i % 11) as f64 - 5.0)),
            });
            assert_eq!(answer, expected, "{layout}, workload {number}");
        }
    }
}

#[test]
fn repeats_are_answered_with_so_many_times() {
    let workload = small()[0].json();
    let asked = [("fwd", 3), ("fwdbwd", 2), ("check", 0), ("fwd", 0), ("fwdbwd", 1)];
    let lines: Vec<String> = asked.iter().map(|(m, reps)| request(&workload, m, *reps)).collect();
    let answers = serve("bench --serve --threads 2", &lines);
    for ((mode, reps), answer) in asked.iter().zip(answers) {
        if *mode == "check" {
            assert!(answer["abs"].as_f64().unwrap() > 0.0);
            continue;
        }
        let ms = answer["ms"].as_array().unwrap();
        assert_eq!(ms.len(), *reps, "{mode}");
        assert!(ms.iter().all(|ms| ms.as_f64().unwrap() > 0.0));
    }
}

#[test]
fn what_is_no_request_is_answered_and_the_next_one_too() {
    let good = small()[0].json();
    let with = |key: &str, value: Value| {
        let mut workload = good.clone();
        workload[key] = value;
        request(&workload, "check", 1)
    };
    let unsupported = json!({"error": "unsupported"});
    for (line, part) in [
        (String::new(), "not a request: "),
        ("{".into(), "not a request: "),
        ("[]".into(), "not a request: "),
        ("{\"workload\": {}}".into(), "mode"),
        (request(&good, "backward", 1), "backward"),
        (json!({"workload": good, "mode": "fwd"}).to_string(), "reps"),
        (json!({"workload": 3, "mode": "fwd", "reps": 1}).to_string(), "workload: "),
        (with("cin", json!(-1)), "workload: "),
        (with("cin", Value::Null), "workload: "),
        (with("weights", json!("nice")), "nice"),
        (with("groups", json!(2)), "workload: "),
        (with("groups", json!(0)), "workload: "),
        (with("stride", json!([0, 1])), "workload: "),
        (with("stride", json!([1])), "workload: "),
        (with("kernel", json!([3])), "workload: "),
        (with("input", json!([1u64 << 40, 1])), "workload: "),
        (with("input", json!([4_000_000, 4_000_000])), "workload: "),
    ] {
        let lines = [line.clone(), request(&good, "check", 1)];
        let answers = serve("bench --serve --threads 2", &lines);
        let error = answers[0]["error"].as_str().unwrap();
        assert!(error.contains(part), "{line}: {error}");
        assert_eq!(answers.len(), 2);
        assert!(answers[1]["sum"].is_number(), "{line}");
    }
    // Nobody has said where the weights are.
    let model = json!({"kind": "model", "model": "dcgan", "shape": [1, 100, 1, 1]});
    let lines = [with("kind", json!("gemm")), request(&model, "check", 1)];
    assert_eq!(serve("bench --serve --threads 2", &lines), [unsupported.clone(), unsupported]);
    let answers = serve("bench --serve --threads 2", &[with("kind", json!("model"))]);
    assert!(answers[0]["error"].as_str().unwrap().contains("model"));
    assert!(serve("bench --serve", &[]).is_empty());
    let output = upconv("bench --serve").write_stdin(&b"\xff\xfe\n"[..]).output().unwrap();
    assert!(output.status.success() && output.stdout.starts_with(b"{\"error\":"));
}

#[test]
fn another_number_of_threads_is_noted() {
    let line = request(&small()[0].json(), "check", 1) + "\n";
    let note = |words| upconv(words).write_stdin(line.clone()).output().unwrap().stderr;
    assert_eq!(note("bench --serve --threads 1"), b"threads: 1 in use, 2 in the request\n");
    assert!(note("bench --serve --threads 1 --quiet").is_empty());
}

#[test]
fn json_has_the_members_of_the_specification() {
    let words = "bench --shape tconv:c2-3,i4x5,k3,s2,bias --shape conv:c1-1,i9,k3 --threads 1 \
                 --mode fwdbwd --all-algorithms --json --quiet";
    let report = json(words, 0);
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&report), ["machine", "peak_gflops", "results"]);
    assert!(report["machine"]["isas"].as_array().unwrap().contains(&json!("portable")));
    assert!(report["peak_gflops"].as_f64().unwrap() > 0.0);
    let results = report["results"].as_array().unwrap();
    let mut names = Vec::new();
    for row in results {
        let mut expected = [
            "name",
            "mode",
            "layout",
            "algorithm",
            "isa",
            "threads",
            "ms_min",
            "ms_median",
            "gflops",
            "peak_share",
            "workspace_bytes",
        ];
        expected.sort_unstable();
        assert_eq!(keys(row), expected);
        let expected = (&json!("fwdbwd"), &json!("nchw"), &json!(1));
        assert_eq!((&row["mode"], &row["layout"], &row["threads"]), expected);
        assert!(row["ms_min"].as_f64().unwrap() <= row["ms_median"].as_f64().unwrap());
        names.push((row["name"].as_str().unwrap(), row["algorithm"].as_str().unwrap()));
    }
    for name in ["tconv:c2-3,i4x5,k3,s2,bias", "conv:c1-1,i9,k3"] {
        assert!(names.contains(&(name, "direct")), "{names:?}");
    }
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "{names:?}");
}

#[test]
fn text_is_a_table() {
    for (words, status) in [("--shape conv:c1-1,i9,k3 --quiet", 0), ("c6 --lang zh --quiet", 0)] {
        let text = String::from_utf8(run(&format!("bench {words}"), status).stdout).unwrap();
        assert!(text.contains("GFLOP/s") && text.contains("layer  algorithm"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}

#[test]
fn wrong_words_and_shapes_are_one_line() {
    let line = error_line("bench W1 W99", 2);
    assert!(line.starts_with("error: there is no layer 'W99'; there are: W1, W2, "), "{line}");
    let error = json("bench x* --json", 2);
    assert_eq!(error["error"]["field"], json!("name"));
    let line = error_line("bench --shape deconv:c1-1", 2);
    assert!(line.contains("--shape 'deconv:c1-1': must begin with tconv: or conv:"), "{line}");
    let line = error_line("bench --shape conv:c1-1,i9,k3,z1 --lang zh", 2);
    assert!(line.contains("没有字段 'z1'"), "{line}");
    for (shape, rule) in [
        ("conv:c1-1,i2,k3", "OUTPUT_SIZE_NOT_POSITIVE"),
        ("tconv:c1-1,i2,k3,s0", "STRIDE_NOT_POSITIVE"),
        ("tconv:c1-1,i2,k3,op1", "OUTPUT_PADDING_TOO_LARGE"),
        ("tconv:c3-4,i2,k3,g2", "GROUPS_NOT_DIVIDING_CHANNELS"),
        ("tconv:c3-4,i2,k3,g0", "ZERO_GROUPS"),
        ("tconv:c1-1,i2147483648,k3", "SIZE_LIMIT"),
        ("tconv:c2147483647-1,i2147483647,k3", "SIZE_LIMIT"),
    ] {
        let error = json(&format!("bench W1 --shape {shape} --json"), 1);
        assert_eq!(error["error"]["rule"], json!(rule), "{shape}");
    }
    for words in ["--serve W1", "--serve --mode fwd", "--serve --shape conv:c1-1,i9,k3"] {
        assert_eq!(json(&format!("bench {words} --json"), 2)["error"]["rule"], json!("USAGE"));
    }
    run("bench --layout chwn", 2);
    // 2^40 cells are legal, but nobody has them.
    let words = "bench --shape conv:c1-1,i1048576x1048576,k1 --quiet";
    let line = error_line(words, 1);
    assert!(line.contains(": there is no memory for the 1099511627776 numbers of x"), "{line}");
}
