//! The balance of a weight as a page for people.

use upconv_geometry::Dialect;

use super::cures::{Cure, percent};
use super::weight::axes_in_words;
use super::{BalanceData, PhaseRow};
use crate::document::{Block, Page, table};
use crate::lang::{Lang, say, short, sizes};
use crate::page::short_number;
use crate::views::grid;

/// Most phases in the table; data has all.
const MAX_ROWS: usize = 16;
/// Longest rows and columns of a period that are drawn, and most rows of all its planes.
const MAX_SIDE: usize = 8;
const MAX_PLANES: usize = 4;

/// Where a weight was found, for the title of its page.
///
/// ```
/// use upconv_explain::{Balance, BalanceOf, Lang, Layout, TransposedWeight};
/// use upconv_geometry::Dialect;
/// let weight = TransposedWeight {
///     values: &[1.0, 1.0, 1.0], shape: &[1, 1, 3], stride: &[2], groups: 1, bias: None,
/// };
/// let of = BalanceOf {
///     file: "net.safetensors", layer: "up.weight", shape: &[1, 1, 3], dialect: Dialect::Pytorch,
/// };
/// let text = Balance::of(&weight).unwrap().page(&of, Lang::En).text(Layout::default());
/// assert!(text.starts_with("Chessboard of up.weight"));
/// assert!(text.contains("phases have 1 to 2 taps, a ratio of 2"), "{text}");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct BalanceOf<'a> {
    /// The file.
    pub file: &'a str,
    /// The name of the weight.
    pub layer: &'a str,
    /// Its shape in the file.
    pub shape: &'a [usize],
    /// Whose order its axes have there.
    pub dialect: Dialect,
}

pub(super) fn page(data: &BalanceData, of: &BalanceOf<'_>, lang: Lang) -> Page {
    let mut blocks = title(data, of, lang);
    let mut section = |heading: &str, content: Vec<Block>| {
        blocks.push(Block::Heading(heading.into()));
        blocks.extend(content);
    };
    section(lang.pick("Balance", "平衡"), verdict(data, lang));
    if data.phases.len() > 1 {
        section(lang.pick("Phases", "相位"), phases(data, lang));
        section(lang.pick("What a constant becomes", "常数输入会变成什么"), pattern(data, lang));
        let cures = data.cures.iter().map(|cure| Block::Item(cure_text(cure, lang)));
        section(lang.pick("What can be done", "可以怎么办"), cures.collect());
    }
    Page { blocks }
}

fn title(data: &BalanceData, of: &BalanceOf<'_>, lang: Lang) -> Vec<Block> {
    let BalanceOf { file, layer, shape, dialect } = of;
    let (kernel, stride) = (sizes(&data.kernel), short(&data.stride));
    let (inputs, outputs, groups) = (data.in_channels, data.out_channels, data.groups);
    let grouped = match groups {
        1 => String::new(),
        _ => say!(lang, ", groups {groups}", "，分组 {groups}"),
    };
    let (shape, words) = (sizes(shape), axes_in_words(*dialect));
    let dialect = lang.dialect(*dialect);
    vec![
        Block::Title(say!(lang, "Chessboard of {layer}", "{layer} 的棋盘格")),
        Block::Prose(say!(
            lang,
            "{file}: {inputs} -> {outputs} channels, kernel {kernel}, stride {stride}{grouped}. Shape {shape}, read as \
             {dialect} has it, {words}; --dialect reads it otherwise.",
            "{file}：{inputs} -> {outputs} 通道，卷积核 {kernel}，步幅 {stride}{grouped}。形状 {shape}，按 {dialect} 的轴顺序 \
             {words} 读取；可用 --dialect 更改。"
        )),
    ]
}

fn verdict(data: &BalanceData, lang: Lang) -> Vec<Block> {
    if data.phases.len() == 1 {
        return vec![Block::Prose(
            lang.pick(
                "Stride 1 has one phase: every output has the same taps, and there is no chessboard.",
                "步幅 1 只有一个相位：每个输出使用同样的核元素，不会有棋盘格。",
            )
            .into(),
        )];
    }
    let (imbalance, share) = (number(data.imbalance), percent(data.imbalance));
    let meaning = match data.out_channels {
        1 => say!(
            lang,
            "Imbalance {imbalance}: where the input is 1 everywhere, the largest and the smallest phase of the \
             output differ by {share} of their mean magnitude. 0 is balanced.",
            "不平衡度 {imbalance}：输入处处为 1 时，输出的最大相位与最小相位之差为平均幅度的 {share}。0 为平衡。"
        ),
        outputs => say!(
            lang,
            "Imbalance {imbalance}: where the input is 1 everywhere, the largest and the smallest phase of an \
             output channel differ by {share} of its mean magnitude (both as root mean squares over {outputs} \
             channels). 0 is balanced.",
            "不平衡度 {imbalance}：输入处处为 1 时，一个输出通道的最大相位与最小相位之差为其平均幅度的 {share}\
             （二者均为 {outputs} 个通道的均方根）。0 为平衡。"
        ),
    };
    let mut blocks = vec![Block::Prose(meaning)];
    if data.holes {
        let empty = data.phases.iter().filter(|row| row.taps == 0).count();
        let all = data.phases.len();
        blocks.push(Block::Warning(say!(
            lang,
            "Warning: the kernel is shorter than the stride. {empty} of {all} phases have no tap: their cells \
             are holes that hold only the bias, whatever is learned.",
            "警告：卷积核比步幅短。{all} 个相位中有 {empty} 个没有核元素：它们的格子是空洞，无论学到什么都只有偏置。"
        )));
        return blocks;
    }
    let taps = || data.phases.iter().map(|row| row.taps);
    let (least, most) = (taps().min().unwrap_or(0), taps().max().unwrap_or(0));
    blocks.push(Block::Prose(match least == most {
        true => say!(
            lang,
            "The overlap is even (taps of each phase: {most}): what differs was learned.",
            "重叠是均匀的（每个相位 {most} 个核元素）：差异来自学到的权重。"
        ),
        false => {
            let ratio = short_number(most as f64 / least as f64);
            say!(
                lang,
                "The overlap is uneven as well: phases have {least} to {most} taps, a ratio of {ratio}.",
                "重叠本身也不均匀：各相位有 {least} 到 {most} 个核元素，相差 {ratio} 倍。"
            )
        }
    }));
    blocks
}

fn phases(data: &BalanceData, lang: Lang) -> Vec<Block> {
    let head = [
        lang.pick("phase", "相位"),
        lang.pick("taps", "核元素"),
        lang.pick("response", "响应"),
        lang.pick("norm", "范数"),
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(data.phases.iter().take(MAX_ROWS).map(|row| {
        let PhaseRow { phase, taps, response, norm } = row;
        [place(phase), taps.to_string(), number(*response), number(*norm)]
    }));
    let mut blocks = vec![Block::figure(table(&rows, |n| n > 0), lang)];
    let more = data.phases.len().saturating_sub(MAX_ROWS);
    if more > 0 {
        blocks.push(Block::Prose(say!(
            lang,
            "{more} more phases stand in --json.",
            "另有 {more} 个相位，见 --json。"
        )));
    }
    blocks.push(Block::Prose(
        lang.pick(
            "phase: place in the uncropped result, modulo the stride. response: what a cell away from the border \
             is where the input is 1 everywhere, without the bias, mean over output channels. norm: of all its \
             taps; it also counts what cancels in the response.",
            "相位：在未裁剪结果中的位置对步幅取余。响应：输入处处为 1 时，远离边缘的格的值，不含偏置，对输出通道取平均。\
             范数：该相位全部核元素的范数，也包括在响应中相互抵消的部分。",
        )
        .into(),
    ));
    blocks
}

/// One period of the output of the worst channel.
fn pattern(data: &BalanceData, lang: Lang) -> Vec<Block> {
    let worst = &data.worst;
    let (channel, imbalance) = (worst.channel, number(worst.imbalance));
    let bias = match worst.bias {
        Some(bias) => {
            let bias = number(bias);
            say!(lang, ", over a bias of {bias}", "，另加偏置 {bias}")
        }
        None => String::new(),
    };
    let mut blocks = vec![Block::Prose(match data.out_channels {
        1 => say!(
            lang,
            "With an input of 1 everywhere the output repeats this period{bias}:",
            "输入处处为 1 时，输出以此为周期重复{bias}："
        ),
        _ => say!(
            lang,
            "Output channel {channel} is the worst, with {imbalance}. With an input of 1 everywhere it repeats \
             this period{bias}:",
            "输出通道 {channel} 最差，为 {imbalance}。输入处处为 1 时，它以此为周期重复{bias}："
        ),
    })];
    let (columns, rows) = match data.stride.as_slice() {
        [.., rows, columns] => (*columns, *rows),
        [columns] => (*columns, 1),
        [] => (1, 1),
    };
    let plane = columns * rows;
    let planes = worst.response.len() / plane.max(1);
    if columns > MAX_SIDE || rows > MAX_SIDE || planes > MAX_PLANES {
        let size = sizes(&data.stride);
        blocks.push(Block::Prose(say!(
            lang,
            "({size} numbers: too many to show; worst.response of --json has them)",
            "（{size} 个数，太多而无法显示；见 --json 的 worst.response）"
        )));
        return blocks;
    }
    let cells: Vec<String> = worst.response.iter().map(|&value| number(value)).collect();
    let grid = grid::plain(&cells, columns);
    // Three axes: a plane for each place on the first.
    let separated = grid.chunks(rows.max(1)).collect::<Vec<_>>().join(&[String::new()][..]);
    blocks.push(Block::figure(separated, lang));
    blocks
}

/// `Resize, then convolve: 16 -> 144 products (x9), trained anew. Nearest neighbour ...`
fn cure_text(cure: &Cure, lang: Lang) -> String {
    let (label, note) = (cure.label(lang), &cure.note);
    let [now, then, ratio] = [cure.products_now, cure.products, cure.ratio].map(short_number);
    let cost = match now == then {
        true => say!(lang, "{now} products as now", "乘积 {now} 个，与现在相同"),
        false => say!(
            lang,
            "{now} -> {then} products (x{ratio})",
            "乘积 {now} -> {then} 个（{ratio} 倍）"
        ),
    };
    let training = match cure.retrain {
        true => lang.pick("trained anew", "需重新训练"),
        false => lang.pick("no training", "无需训练"),
    };
    say!(lang, "{label}: {cost}, {training}. {note}", "{label}：{cost}，{training}。{note}")
}

/// `(0,1)`
fn place(phase: &[usize]) -> String {
    format!("({})", phase.iter().map(usize::to_string).collect::<Vec<_>>().join(","))
}

/// Four digits; whole numbers as they are, if they are short.
fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if value == value.trunc() && size < 1e5 => format!("{}", value + 0.0),
        0.001..1.0 => format!("{value:.4}"),
        1.0..10.0 => format!("{value:.3}"),
        10.0..100.0 => format!("{value:.2}"),
        100.0..1e5 => format!("{value:.1}"),
        _ => format!("{value:.2e}"),
    }
}
