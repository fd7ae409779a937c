//! The page that explains one setting: the window first, then sizes, numbers, matrix, overlap, code.

use upconv_geometry::{Axis, AxisParams, Padding};

use crate::axes::{alike, label, window};
use crate::document::{Block, Page};
use crate::explanation::{Explained, Explanation};
use crate::lang::{Lang, say, short, sizes};
use crate::views::{Worked, crop, gather, grid, scatter, there_and_back, zero_insertion};

pub(crate) fn page(explained: &Explained, data: &Explanation) -> Page {
    let (axes, lang) = (explained.axes(), explained.lang);
    let mut blocks = title(explained);
    let mut section = |heading: String, content: Vec<Block>| {
        if !content.is_empty() {
            blocks.push(Block::Heading(heading));
            blocks.extend(content);
        }
    };
    section(lang.pick("The window", "窗口").into(), window_blocks(axes, lang));
    section(
        lang.pick("Sizes, step by step", "尺寸的推导").into(),
        data.derivation.iter().cloned().map(Block::Item).collect(),
    );
    match &data.worked {
        Some(worked) => {
            section(
                lang.pick("Scatter: from the input's side", "散布：从输入看").into(),
                scatter::blocks(worked, lang),
            );
            let mut gathered = gather::blocks(worked, lang);
            gathered.extend(gather::phases(axes, lang));
            section(lang.pick("Gather: from the output's side", "汇集：从输出看").into(), gathered);
            section(
                lang.pick("Zero insertion", "插零").into(),
                zero_insertion::blocks(worked, lang),
            );
        }
        None => {
            let mut content = vec![Block::Prose(too_large(explained))];
            content.extend(gather::phases(axes, lang));
            section(lang.pick("In numbers", "代入数字").into(), content);
        }
    }
    let mut content = data.matrix.blocks(axes, lang);
    content.extend(data.worked.iter().flat_map(|worked| there_and_back::blocks(worked, lang)));
    section(lang.pick("As a matrix", "矩阵形式").into(), content);
    section(lang.pick("Overlap", "重叠").into(), overlap(axes, data, lang));
    let code = [
        ("TensorFlow", &data.code.tensorflow),
        ("Keras", &data.code.keras),
        ("PyTorch", &data.code.pytorch),
        ("ONNX", &data.code.onnx),
        ("upconv", &data.code.upconv),
    ];
    let code = code.map(|(label, text)| Block::Code { label: label.into(), text: text.clone() });
    section(
        lang.pick("The same result as code", "得到同样结果的代码").into(),
        code.into_iter().collect(),
    );
    Page { blocks }
}

fn title(explained: &Explained) -> Vec<Block> {
    let (axes, lang) = (explained.axes(), explained.lang);
    let of = |f: fn(&Axis) -> usize| axes.iter().map(f).collect::<Vec<_>>();
    let (input, output) = (sizes(&of(Axis::input)), sizes(&of(Axis::output)));
    let dialect = lang.dialect(explained.setting.dialect);
    let mut facts = vec![
        format!("{} {}", lang.pick("kernel", "卷积核"), sizes(&of(Axis::kernel))),
        format!("{} {}", lang.pick("stride", "步幅"), short(&of(Axis::stride))),
    ];
    if axes.iter().any(|a| a.dilation() > 1) {
        facts.push(format!("{} {}", lang.pick("dilation", "膨胀率"), short(&of(Axis::dilation))));
    }
    match &explained.setting.padding {
        Some(Padding::Pads(pads)) => {
            let pairs: Vec<_> = pads.iter().map(|(b, e)| format!("{b}:{e}")).collect();
            facts.push(format!("{} {}", lang.pick("padding", "填充"), pairs.join(",")));
        }
        Some(word) => facts.push(format!("{} {word}", lang.pick("padding", "填充"))),
        None => {}
    }
    if let Some(added) = &explained.setting.output_padding {
        facts.push(format!("output_padding {}", short(added)));
    }
    if explained.resolved.groups > 1 {
        facts.push(format!("{} {}", lang.pick("groups", "分组"), explained.resolved.groups));
    }
    vec![
        Block::Title(say!(
            lang,
            "Transposed convolution, {dialect}: {input} -> {output}",
            "转置卷积，{dialect}：{input} -> {output}"
        )),
        Block::Prose(facts.join(lang.pick(", ", "，"))),
    ]
}

fn window_blocks(axes: &[Axis], lang: Lang) -> Vec<Block> {
    let mut blocks = vec![Block::Prose(crop::legend(axes, lang))];
    for (numbers, a) in alike(axes) {
        let (label, window) = (label(&numbers, lang), window(a));
        let (cells, output) = (lang.cells(a.full() as i64), a.output());
        let (before, after) = (side(a.pad_before(), lang), side(a.pad_after(), lang));
        blocks.push(Block::Prose(say!(
            lang,
            "{label}: {cells} uncropped, {output} in the window {window}: {before} in front, {after} \
             behind",
            "{label}：未裁剪 {cells}，取 {output} 格，窗口 {window}：前面{before}，后面{after}"
        )));
        blocks.push(Block::Figure(crop::forms(a, lang)));
    }
    blocks
}

/// `1 cropped`, `2 zeros added`.
fn side(count: i64, lang: Lang) -> String {
    match count {
        0.. => say!(lang, "{count} cropped", "裁掉 {count}"),
        _ => {
            let zeros = lang.zeros(-count);
            say!(lang, "{zeros} added", "补 {zeros}")
        }
    }
}

/// Says why there are no worked numbers, and with which input there would be.
fn too_large(explained: &Explained) -> String {
    let (axes, lang) = (explained.axes(), explained.lang);
    if axes.len() > 2 {
        return say!(
            lang,
            "Three dimensions do not fit on a page: every axis works as the pictures above show, and the \
             products of the axes combine.",
            "三维无法画在一页上：每个轴都如上图所示，各轴的乘积相互组合。"
        );
    }
    let of = |f: fn(&Axis) -> usize| axes.iter().map(f).collect::<Vec<_>>();
    let (input, kernel) = (sizes(&of(Axis::input)), sizes(&of(Axis::kernel)));
    let text = say!(
        lang,
        "Input {input} with kernel {kernel} is too large to draw with numbers",
        "输入 {input}、卷积核 {kernel} 太大，无法画出数字"
    );
    match [3, 2].into_iter().find(|&input| Worked::new(&with_input(axes, input)).is_some()) {
        Some(input) => {
            let smaller = sizes(&vec![input; axes.len()]);
            say!(
                lang,
                "{text}; --input {smaller} with the same kernel and stride would be drawn.",
                "{text}；卷积核和步幅不变、换成 --input {smaller} 即可画出。"
            )
        }
        None => text + lang.pick(".", "。"),
    }
}

/// The same axes with so many input cells, uncropped; none if that is beyond the limits.
fn with_input(axes: &[Axis], input: usize) -> Vec<Axis> {
    let smaller = |a: &Axis| {
        let (kernel, stride, dilation) = (a.kernel(), a.stride(), a.dilation());
        let output = (input - 1) * stride + a.effective_kernel();
        Axis::new(0, AxisParams { input, kernel, stride, dilation, window_begin: 0, output }).ok()
    };
    axes.iter().map(smaller).collect::<Option<_>>().unwrap_or_default()
}

fn overlap(axes: &[Axis], data: &Explanation, lang: Lang) -> Vec<Block> {
    let mut blocks = Vec::new();
    let lists: Option<Vec<&Vec<usize>>> =
        data.overlap.per_axis.iter().map(Option::as_ref).collect();
    let product = |counts: &[usize]| counts.iter().product::<usize>().to_string();
    match lists.as_deref() {
        Some([line]) if line.len() <= 24 => {
            let cells: Vec<_> = line.iter().map(usize::to_string).collect();
            blocks.push(intro(lang));
            blocks.push(Block::figure(grid::plain(&cells, line.len()), lang));
        }
        Some([rows, columns]) if rows.len() <= 16 && columns.len() <= 24 => {
            let pairs = rows.iter().flat_map(|&r| columns.iter().map(move |&c| [r, c]));
            let cells: Vec<_> = pairs.map(|pair| product(&pair)).collect();
            blocks.push(intro(lang));
            blocks.push(Block::figure(grid::plain(&cells, columns.len()), lang));
        }
        _ => {}
    }
    let inside = &data.overlap.inside;
    let least = inside.iter().map(|range| range[0]).fold(1usize, usize::saturating_mul);
    let most = inside.iter().map(|range| range[1]).fold(1usize, usize::saturating_mul);
    let products = lang.products(most);
    blocks.push(Block::Prose(match data.overlap.uniform {
        true => say!(
            lang,
            "Away from the border every cell receives {products}: the stride divides the kernel, so the \
             overlap is even.",
            "远离边缘的每一格都收到 {products}：步幅整除卷积核，重叠均匀。"
        ),
        false => say!(
            lang,
            "Away from the border a cell receives {least} to {products}.",
            "远离边缘的格收到 {least} 到 {products}。"
        ),
    }));
    blocks.extend(phase_balance(axes, least, most, lang).map(Block::Prose));
    for warning in &data.warnings {
        blocks.push(Block::Warning(lang.pick("Warning: ", "警告：").to_owned() + warning));
    }
    if !data.overlap.uniform {
        let multiples: Vec<_> =
            axes.iter().map(|a| next_multiple(a.kernel(), a.stride())).collect();
        let kernel = sizes(&multiples);
        let dilated = axes.iter().any(|a| a.has_holes() && a.kernel() >= a.stride());
        blocks.push(Block::Prose(match dilated {
            true => say!(
                lang,
                "Cure: a dilation that has no common factor with the stride, or a resize followed by a \
                 convolution of stride 1.",
                "办法：取与步幅互质的膨胀率，或先放大再做步幅 1 的卷积。"
            ),
            false => say!(
                lang,
                "Cures: a kernel that is a multiple of the stride (here {kernel}), or a resize followed \
                 by a convolution of stride 1.",
                "办法：取步幅整数倍的卷积核（这里可用 {kernel}），或先放大再做步幅 1 的卷积。"
            ),
        }));
    }
    blocks
}

/// How evenly taps are shared out among the phases; `least` and `most` are those of the emptiest and the fullest
/// phase of all axes together. Nothing where there is one phase only.
fn phase_balance(axes: &[Axis], least: usize, most: usize, lang: Lang) -> Option<String> {
    if axes.iter().all(|a| a.stride() == 1) {
        return None;
    }
    let shared = match (least, most) {
        (0, _) => say!(
            lang,
            "A phase (cells a stride apart) has between 0 and {most} taps: the emptiest has none.",
            "一个相位（相距一个步幅的格）有 0 到 {most} 个核元素：最空的相位一个也没有。"
        ),
        _ if least == most => say!(
            lang,
            "Every phase (cells a stride apart) has as many taps, {most}: the ratio of the fullest to the \
             emptiest is 1.",
            "每个相位（相距一个步幅的格）的核元素一样多，都是 {most} 个：最满与最空之比为 1。"
        ),
        _ => {
            let ratio = short_number(most as f64 / least as f64);
            say!(
                lang,
                "A phase (cells a stride apart) has {least} to {most} taps: the fullest has {ratio} times as \
                 many as the emptiest.",
                "一个相位（相距一个步幅的格）有 {least} 到 {most} 个核元素：最满的是最空的 {ratio} 倍。"
            )
        }
    };
    let learned = lang.pick(
        " In the end the learned weights decide: explain --weights FILE --layer NAME measures them.",
        "最终由学到的权重决定：explain --weights FILE --layer NAME 可以测量它们。",
    );
    Some(shared + learned)
}

/// Two digits behind the point at most: `2`, `1.5`, `1.33`.
pub(crate) fn short_number(value: f64) -> String {
    let text = format!("{value:.2}");
    match text.trim_end_matches('0').trim_end_matches('.') {
        "-0" => "0".to_owned(),
        short => short.to_owned(),
    }
}

fn intro(lang: Lang) -> Block {
    Block::Prose(
        lang.pick("Products that each output cell receives:", "每个输出格收到的乘积个数：").into(),
    )
}

fn next_multiple(kernel: usize, stride: usize) -> usize {
    kernel.div_ceil(stride) * stride
}
