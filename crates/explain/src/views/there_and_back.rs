//! There and back: the forward convolution of the output has the size of the input, and not its values.

use super::{Worked, grid};
use crate::document::Block;
use crate::lang::{Lang, say};

/// What the forward convolution makes of the output, and why it cannot be the input.
pub(crate) fn blocks(worked: &Worked, lang: Lang) -> Vec<Block> {
    let columns = worked.columns().input();
    let cells: Vec<_> = worked.back.iter().map(i64::to_string).collect();
    let (rank, all) = (worked.rank, worked.y.len());
    let unseen = all - rank;
    let share = format!("{:.1}", 100.0 * unseen as f64 / all.max(1) as f64);
    let again = match worked.back == worked.x {
        true => lang.pick(
            "With the numbers above C * y, the convolution of the output, is x again:",
            "代入上面的数字，C * y 即输出的卷积，又是 x：",
        ),
        false => lang.pick(
            "With the numbers above C * y, the convolution of the output, is not x = 1, 2, 3, ... again, but",
            "代入上面的数字，C * y 即输出的卷积，并不是原来的 x = 1、2、3……，而是",
        ),
    };
    let seen = match unseen {
        0 => say!(
            lang,
            "With these taps C has rank {rank}, as many as y has cells: nothing of y is lost.",
            "取这些核元素时 C 的秩为 {rank}，与 y 的格数相同：y 没有丢失任何东西。"
        ),
        _ => say!(
            lang,
            "With these taps C has rank {rank}: in {unseen} of {all} directions, {share} %, y can change \
             without any change of C * y. No way back can know what happened there.",
            "取这些核元素时 C 的秩为 {rank}：在 {all} 个方向中有 {unseen} 个（{share} %），y 沿这些方向改变而 C * y 不变。\
             无论怎样返回，都无从得知那里发生了什么。"
        ),
    };
    vec![
        Block::Prose(again.into()),
        Block::figure(grid::plain(&cells, columns), lang),
        Block::Prose(seen),
    ]
}
