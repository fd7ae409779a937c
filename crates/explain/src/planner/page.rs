//! Planned settings as a page for people.

use upconv_geometry::Dialect;

use super::Planned;
use crate::document::{Block, Page};
use crate::lang::{Lang, say, short, sizes};

/// Settings of a dialect that the page shows; data has more.
const SHOWN: usize = 4;

/// What was planned for each dialect, best first, with the code of its best setting.
///
/// ```
/// use upconv_explain::{Lang, Layout, plan, plan_page};
/// use upconv_geometry::Dialect;
/// let found = plan(Dialect::Pytorch, &[7], &[14], Lang::En);
/// let page = plan_page(&[(Dialect::Pytorch, found)], &[7], &[14], Lang::En);
/// let text = page.text(Layout::default());
/// assert!(text.contains("kernel 2, stride 2, padding 0"), "{text}");
/// ```
pub fn plan_page(
    planned: &[(Dialect, Vec<Planned>)],
    from: &[i64],
    to: &[i64],
    lang: Lang,
) -> Page {
    let (from, to) = (sizes(from), sizes(to));
    let mut blocks = vec![
        Block::Title(say!(lang, "From {from} to {to}", "从 {from} 到 {to}")),
        Block::Prose(
            lang.pick(
                "Best first: no chessboard, no odd pixel, fewest products for each pair of channels. An even \
                 overlap does not make weights even: look at the result too.",
                "按优劣排列：没有棋盘格，没有多出的像素，每对通道的乘积最少。重叠均匀并不保证权重均匀，结果也要看。",
            )
            .into(),
        ),
    ];
    for (dialect, planned) in planned {
        blocks.push(Block::Heading(lang.dialect(*dialect).into()));
        if planned.is_empty() {
            blocks.push(Block::Prose(
                lang.pick(
                    "no setting among kernels up to about twice the stride; --to another size, or two layers",
                    "在核长约为步幅两倍以内没有可用的设置；请换一个尺寸，或用两层",
                )
                .into(),
            ));
            continue;
        }
        blocks.extend(planned.iter().take(SHOWN).map(|one| Block::Item(line(one, lang))));
        if let Some(best) = planned.first() {
            let label = lang.pick("the first as code", "第一个的代码").into();
            blocks.push(Block::Code { label, text: best.code.clone() });
        }
    }
    Page { blocks }
}

/// `kernel 4, stride 2, padding 1: even, symmetric, 3844 products`
fn line(one: &Planned, lang: Lang) -> String {
    let (kernel, stride, padding) = (short(&one.kernel), short(&one.stride), pads(&one.padding));
    let mut text = say!(
        lang,
        "kernel {kernel}, stride {stride}, padding {padding}",
        "卷积核 {kernel}，步幅 {stride}，填充 {padding}"
    );
    if let Some(added) = &one.output_padding {
        let added = short(added);
        text += &say!(lang, ", output_padding {added}", "，output_padding {added}");
    }
    let overlap = match one.uniform {
        true => lang.pick("even overlap", "重叠均匀"),
        false => lang.pick("chessboard", "棋盘格"),
    };
    let crop = match one.symmetric {
        true => lang.pick("symmetric", "两端对称"),
        false => lang.pick("an odd pixel at one end", "一端多一个像素"),
    };
    let scale = match one.rescaled {
        true => lang.pick(
            ", but pictures are scaled by the stride and then cropped or widened",
            "，但图像按步幅缩放后再裁剪或补边",
        ),
        false => "",
    };
    let products = one.products;
    text + &say!(
        lang,
        ": {overlap}, {crop}, {products} products{scale}",
        "：{overlap}，{crop}，{products} 个乘积{scale}"
    )
}

/// `1` for `1x1`.
fn pads(text: &str) -> String {
    short(&text.split('x').collect::<Vec<_>>())
}
