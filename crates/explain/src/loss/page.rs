//! The table of all ways, and what is lost and why.

use super::{Loss, Method};
use crate::document::{Block, Page};
use crate::lang::{Lang, say};

pub(super) fn page(loss: &Loss, name: &str, lang: Lang) -> Page {
    let data = &loss.data;
    let ([width, height], factor) = (data.size, data.factor);
    let mut blocks = vec![
        Block::Title(say!(
            lang,
            "The size comes back, the values do not: {name}",
            "尺寸回来了，数值没有回来：{name}"
        )),
        Block::Prose(say!(
            lang,
            "{width}x{height} pixels, brought down by {factor} and up again",
            "{width}x{height} 像素，缩小到 1/{factor} 再放大回来"
        )),
    ];
    if loss.whole != data.size {
        let [width, height] = loss.whole;
        blocks.push(Block::Prose(say!(
            lang,
            "(the middle of {width}x{height}: sides are multiples of {factor})",
            "（取自 {width}x{height} 的中间部分：边长为 {factor} 的倍数）"
        )));
    }
    blocks.push(Block::Heading(lang.pick("How near each way comes", "各方法的接近程度").into()));
    blocks.push(Block::figure(table(loss, lang), lang));
    blocks.push(Block::Prose(
        lang.pick(
            "kept: numbers that are kept for each number of the picture. PSNR in dB, SSIM up to 1: more is nearer.",
            "保留：相对于图片中每个数所保留的数的个数。PSNR 以 dB 计，SSIM 最大为 1：越大越接近。",
        )
        .into(),
    ));
    blocks.push(Block::Heading(lang.pick("What is lost, and why", "丢失了什么，为什么").into()));
    blocks.push(Block::Prose(why(loss, lang)));
    blocks.push(Block::Heading(lang.pick("The matrix", "矩阵").into()));
    blocks.push(Block::Prose(matrix(loss, lang)));
    Page { blocks }
}

/// `34.12 dB`, or that nothing differs.
pub(super) fn psnr(psnr: Option<f64>, lang: Lang) -> String {
    psnr.map_or(lang.pick("exact", "完全相同").into(), |psnr| format!("{psnr:.2}"))
}

fn table(loss: &Loss, lang: Lang) -> Vec<String> {
    let head = [lang.pick("kept", "保留"), "PSNR", "SSIM", lang.pick("method", "方法")];
    let mut rows = vec![head.map(str::to_owned)];
    for (method, row) in Method::ALL.into_iter().zip(&loss.data.rows) {
        rows.push([
            format!("{:.3}", row.kept),
            psnr(row.psnr, lang),
            format!("{:.4}", row.ssim),
            method.label(lang).to_owned(),
        ]);
    }
    crate::document::table(&rows, |n| n < 3)
}

fn why(loss: &Loss, lang: Lang) -> String {
    let data = &loss.data;
    let kernel = 2 * data.factor;
    let [all, kept] = [data.size[0] * data.size[1], {
        let side = |n: usize| data.size[n] / data.factor - 1;
        side(0) * side(1)
    }];
    let unseen = format!("{:.2}", 100.0 * data.unseen);
    let of = |method: &str| data.rows.iter().find(|row| row.method == method);
    let value = |method: &str| of(method).map_or(String::new(), |row| psnr(row.psnr, lang));
    let (transposed, squares) = (value("conv_transpose"), value("least_squares"));
    let bilinear = value("conv_bilinear");
    let (with, without) = (value("max_unpool"), value("max_unpool_no_indices"));
    let channels = data.factor * data.factor;
    say!(
        lang,
        "The convolution of {kernel}x{kernel} keeps {kept} means of {all} pixels; what changes no mean is gone, and \
         no way up can know it: {unseen} % of this picture's variance. A transposed convolution restores the size. It \
         lays the transpose of C down, and not the inverse, so that each pixel becomes a mean of means, twice \
         blurred: {transposed} dB. Least squares solves with C and finds all that C has seen, {squares} dB; the \
         rest it leaves out, where bilinear interpolation guesses it to be smooth, {bilinear} dB. Max pooling loses all pixels but one of each block; indices say where that one goes ({with} dB, \
         {without} without them), the others stay zero. Pixel shuffle loses nothing because it throws nothing away: it \
         keeps {channels} channels for one; take their mean and it is another blur. Trained layers do better than \
         means because they guess from other pictures; they do not get back what this one had.",
        "{kernel}x{kernel} 的卷积从 {all} 个像素中只留下 {kept} 个均值；不改变任何均值的变化都已丢失，任何上采样都无从得知：\
         占这张图片方差的 {unseen} %。转置卷积恢复的是尺寸：它铺下的是 C 的转置而不是逆，于是每个像素成为均值的均值，被模糊了两次：\
         {transposed} dB。最小二乘用 C 求解，找回 C 看到过的一切，{squares} dB；其余部分它不去猜测，而双线性插值猜测那一部分是平滑的，\
         {bilinear} dB。最大池化在每块中只留下一个像素；\
         索引记得它原来的位置（{with} dB，没有索引则为 {without}），其余的仍是零。像素重排没有损失，因为它什么也没有丢弃：\
         一个通道变成 {channels} 个通道；若只取它们的均值，就又成了一种模糊。训练过的层比均值做得好，是因为它们从别的图片中学会了猜测，\
         而不是找回了这一张原有的内容。"
    )
}

fn matrix(loss: &Loss, lang: Lang) -> String {
    let matrix = &loss.data.matrix;
    let (side, rows, columns, rank) = (matrix.side, matrix.rows, matrix.columns, matrix.rank);
    let (null, share) = (columns - rank, format!("{:.1}", 100.0 * matrix.null_share));
    say!(
        lang,
        "For a picture of {side}x{side} the same convolution is a matrix C of {rows} rows and {columns} columns. Its \
         rank is {rank}: in {null} of {columns} directions, {share} %, a picture changes and C times it does not. The \
         transpose of C has the same rank: what it makes of {rows} numbers lies in {rank} directions, whatever its taps \
         are.",
        "对于 {side}x{side} 的图片，同样的卷积是一个 {rows} 行 {columns} 列的矩阵 C。它的秩为 {rank}：在 {columns} 个方向中，\
         有 {null} 个（{share} %）方向上图片改变而 C 乘以它不变。C 的转置有同样的秩：无论核元素取什么值，它由 {rows} \
         个数得到的结果都只在 {rank} 个方向之内。"
    )
}
