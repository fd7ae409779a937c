//! Each dialect's own rule for size and window, in its own words.

use upconv_geometry::{Dialect, Padding};

use super::{Lines, View, minus, plus};
use crate::lang::say;

/// On which side an odd cell is cropped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Odd {
    Behind,
    InFront,
}

impl View<'_> {
    /// Whether the padding's words mean SAME, whose legal sizes have `ceil(size / stride) = input`.
    pub(super) fn is_same(&self) -> bool {
        match &self.setting.padding {
            // Settings read a missing padding as `same` for these two.
            None => matches!(self.setting.dialect, Dialect::Tensorflow | Dialect::Tflite),
            Some(word) => matches!(word, Padding::Same | Padding::SameUpper | Padding::SameLower),
        }
    }
}

impl Lines<'_> {
    pub(super) fn rule(&mut self, view: &View<'_>) {
        match view.setting.dialect {
            Dialect::Tensorflow => self.tensorflow(view),
            Dialect::Keras => self.keras(view),
            Dialect::Pytorch => self.pytorch(view),
            Dialect::Onnx => self.onnx(view),
            Dialect::Caffe => self.caffe(view),
            Dialect::Tflite => self.tflite(view),
            Dialect::Definition => self.definition(view),
        }
        let output = view.axis.output() as i64;
        if !view.legal.contains(output) && !view.unchecked {
            let (lang, input) = (self.lang, view.axis.input());
            self.push(say!(
                lang,
                "{output} is computed although it is none of the legal sizes: the forward convolution \
                 does not lead from it back to {input}",
                "{output} 不在合法尺寸之列，但仍会计算：前向卷积无法由它回到 {input}"
            ));
        }
    }

    fn tensorflow(&mut self, view: &View<'_>) {
        let (lang, a) = (self.lang, view.axis);
        let output = a.output();
        if view.wanted.is_none() {
            self.push(match &view.setting.padding {
                Some(Padding::Pads(_)) => say!(
                    lang,
                    "TensorFlow has no default size, output_shape must name one of these; the smallest, \
                     {output}, is shown here",
                    "TensorFlow 没有默认尺寸，必须用 output_shape 指定其中之一；这里画的是最小的 {output}"
                ),
                _ => say!(
                    lang,
                    "TensorFlow has no default size, output_shape must name one of these; {output}, \
                     which Keras takes by default, is shown here",
                    "TensorFlow 没有默认尺寸，必须用 output_shape 指定其中之一；这里画的是 Keras 默认的 \
                     {output}"
                ),
            });
        }
        match &view.setting.padding {
            _ if view.is_same() => self.split(view, "TensorFlow SAME", Odd::Behind, 0),
            Some(Padding::Pads(_)) => {
                let (before, after) = view.pads;
                self.push(say!(
                    lang,
                    "TensorFlow EXPLICIT [{before}, {after}]: the window begins at {before}",
                    "TensorFlow EXPLICIT [{before}, {after}]：窗口从 {before} 开始"
                ));
            }
            _ => self.push(say!(
                lang,
                "TensorFlow VALID: the window begins at 0, nothing is cropped",
                "TensorFlow VALID：窗口从 0 开始，不裁剪"
            )),
        }
    }

    fn keras(&mut self, view: &View<'_>) {
        let (lang, a) = (self.lang, view.axis);
        let colon = lang.pick(": ", "：");
        let (input, stride, output) = (a.input(), a.stride(), a.output());
        let (span, full) = (a.effective_kernel(), a.full());
        if let (Some(wanted), Some(added), None) = (view.wanted, view.reached_with, view.added) {
            self.push(say!(
                lang,
                "Keras takes no output size; {wanted} is reached with output_padding {added}",
                "Keras 不接受输出尺寸；取 output_padding {added} 可得到 {wanted}"
            ));
        }
        let same = view.is_same();
        self.push(match (same, view.reached_with) {
            (true, None) => format!("Keras same{colon}output = {input} * {stride} = {output}"),
            (true, Some(added)) => {
                format!("Keras same{colon}output = ({input} - 1) * {stride} + {span} mod 2 + {added} = {output}")
            }
            (false, None) => {
                format!("Keras valid{colon}output = {full} + max(0, {stride} - {span}) = {output}")
            }
            (false, Some(added)) => format!("Keras valid{colon}output = {full} + {added} = {output}"),
        });
        match same {
            true => self.split(
                view,
                lang.pick("then as TensorFlow SAME", "然后同 TensorFlow SAME"),
                Odd::Behind,
                0,
            ),
            false => self.push(say!(
                lang,
                "the window begins at 0, nothing is cropped",
                "窗口从 0 开始，不裁剪"
            )),
        }
    }

    fn pytorch(&mut self, view: &View<'_>) {
        let (lang, a) = (self.lang, view.axis);
        let colon = lang.pick(": ", "：");
        let (full, output, padding) = (a.full(), a.output(), view.pads.0);
        let added = view.reached_with.unwrap_or(0);
        if let Some(wanted) = view.wanted {
            self.push(say!(
                lang,
                "output_size {wanted} stands for output_padding = {wanted} - ({full} - 2 * {padding}) = \
                 {added}",
                "output_size {wanted} 相当于 output_padding = {wanted} - ({full} - 2 * {padding}) = {added}"
            ));
        }
        self.push(format!("PyTorch{colon}output = {full} - 2 * {padding} + {added} = {output}"));
        self.push(say!(
            lang,
            "PyTorch: padding {padding} is cropped at both ends, the window begins at {padding}",
            "PyTorch：两端各裁掉 padding {padding}，窗口从 {padding} 开始"
        ));
        self.added_behind(view, added);
    }

    fn onnx(&mut self, view: &View<'_>) {
        let (lang, a) = (self.lang, view.axis);
        let colon = lang.pick(": ", "：");
        let (full, output, input, stride) = (a.full(), a.output(), a.input(), a.stride());
        let added = view.added.unwrap_or(0);
        if added > 0 {
            let natural = full as i64 + added;
            self.push(say!(
                lang,
                "ONNX: natural size T = {full} + {added} = {natural} (output_padding is in it)",
                "ONNX：自然尺寸 T = {full} + {added} = {natural}（已含 output_padding）"
            ));
        }
        let (name, odd) = match &view.setting.padding {
            Some(Padding::Same | Padding::SameUpper) => ("ONNX SAME_UPPER", Odd::Behind),
            Some(Padding::SameLower) => ("ONNX SAME_LOWER", Odd::InFront),
            Some(Padding::Valid) => ("ONNX VALID", Odd::InFront),
            _ => ("ONNX NOTSET", Odd::InFront),
        };
        if view.wanted.is_some() {
            if matches!(view.setting.padding, Some(Padding::Pads(_))) {
                self.push(say!(
                    lang,
                    "ONNX: pads do not count when output_shape is given",
                    "ONNX：给出 output_shape 后 pads 不起作用"
                ));
            }
            return self.split(view, name, odd, added);
        }
        if view.is_same() {
            let natural = full as i64 + added;
            let crop = (natural - (input * stride) as i64).max(0);
            self.push(say!(
                lang,
                "{name}: up to input * stride is kept, P = max(0, {natural} - {input} * {stride}) = {crop}",
                "{name}：最多保留 输入 * 步幅，P = max(0, {natural} - {input} * {stride}) = {crop}"
            ));
            return self.split(view, name, odd, added);
        }
        let (begin, end) = view.pads;
        let (minus_begin, minus_end) = (minus(begin), minus(end));
        self.push(format!(
            "{name}{colon}output = {full} + {added}{minus_begin}{minus_end} = {output}"
        ));
        self.push(say!(
            lang,
            "{name}: pads begin {begin}, end {end}: the window begins at {begin}",
            "{name}：pads 前 {begin}、后 {end}：窗口从 {begin} 开始"
        ));
        self.added_behind(view, added);
    }

    fn caffe(&mut self, view: &View<'_>) {
        let (lang, a) = (self.lang, view.axis);
        let colon = lang.pick(": ", "：");
        let (full, output, pad) = (a.full(), a.output(), view.pads.0);
        self.push(format!("Caffe{colon}output = {full} - 2 * {pad} = {output}"));
        self.push(say!(
            lang,
            "Caffe: pad {pad} is cropped at both ends; it has no other size, a Crop layer would follow",
            "Caffe：两端各裁掉 pad {pad}；没有别的尺寸可选，需要时后接 Crop 层"
        ));
    }

    fn tflite(&mut self, view: &View<'_>) {
        let (lang, a) = (self.lang, view.axis);
        let output = a.output();
        if view.wanted.is_none() {
            self.push(say!(
                lang,
                "TFLite has no default size; {output}, which Keras takes by default, is shown here",
                "TFLite 没有默认尺寸；这里画的是 Keras 默认的 {output}"
            ));
        }
        if view.unchecked && !view.legal.contains(output as i64) {
            self.push(say!(
                lang,
                "TensorFlow refuses {output}; TFLite never checks and computes some window of it",
                "TensorFlow 会拒绝 {output}；TFLite 从不检查，照样算出某个窗口"
            ));
        }
        if !view.is_same() {
            return self.push(say!(
                lang,
                "TFLite VALID: the window begins at 0, nothing is cropped in front",
                "TFLite VALID：窗口从 0 开始，前面不裁剪"
            ));
        }
        let (stride, span, begin) = (a.stride(), a.effective_kernel(), a.window_begin());
        let expected = output.div_ceil(stride);
        let crop = (((expected - 1) * stride + span) as i64 - output as i64).max(0);
        self.push(say!(
            lang,
            "TFLite SAME works from the output alone: inputs it expects = ceil({output} / {stride}) = \
             {expected}; P = max(0, ({expected} - 1) * {stride} + {span} - {output}) = {crop}; window \
             begins at floor({crop} / 2) = {begin}",
            "TFLite SAME 只看输出：它以为的输入 = ceil({output} / {stride}) = {expected}；P = max(0, \
             ({expected} - 1) * {stride} + {span} - {output}) = {crop}；窗口起点 floor({crop} / 2) = \
             {begin}"
        ));
        self.odd(crop, Odd::Behind);
    }

    fn definition(&mut self, view: &View<'_>) {
        let (lang, a) = (self.lang, view.axis);
        if view.is_same() {
            let odd = match view.setting.padding {
                Some(Padding::SameLower) => Odd::InFront,
                _ => Odd::Behind,
            };
            return self.split(view, "same", odd, 0);
        }
        let (full, output, (before, after)) = (a.full(), a.output(), view.pads);
        let added = output as i64 - (full as i64 - before - after);
        let (minus_before, minus_after) = (minus(before), minus(after));
        let more = if added == 0 { String::new() } else { plus(added) };
        self.push(format!("output = {full}{minus_before}{minus_after}{more} = {output}"));
        self.push(say!(
            lang,
            "the window begins at {before}, the padding in front",
            "窗口从 {before} 开始，即前面的填充"
        ));
    }

    /// A crop that is divided between both ends.
    fn split(&mut self, view: &View<'_>, name: &str, odd: Odd, added: i64) {
        let (lang, a) = (self.lang, view.axis);
        let (natural, output) = (a.full() as i64 + added, a.output() as i64);
        let begin = a.window_begin();
        let crop = (natural - output).max(0);
        let total = match natural >= output {
            true => format!("P = {natural} - {output} = {crop}"),
            false => format!("P = max(0, {natural} - {output}) = {crop}"),
        };
        let round = if odd == Odd::Behind { "floor" } else { "ceil" };
        self.push(say!(
            lang,
            "{name}: {total}; window begins at {round}({crop} / 2) = {begin}",
            "{name}：{total}；窗口起点 {round}({crop} / 2) = {begin}"
        ));
        self.odd(crop, odd);
    }

    /// Points at the odd cell, which is where the frameworks part.
    fn odd(&mut self, crop: i64, odd: Odd) {
        if crop % 2 == 0 {
            return;
        }
        let lang = self.lang;
        self.push(match odd {
            Odd::Behind => say!(
                lang,
                "P = {crop} is odd: here the odd cell is cropped behind (bottom, right); ONNX with \
                 output_shape, and its SAME_LOWER, crop it in front",
                "P = {crop} 是奇数：这里多出的一格从后面（下、右）裁掉；ONNX 给出 output_shape 时以及 \
                 SAME_LOWER 则从前面裁掉"
            ),
            Odd::InFront => say!(
                lang,
                "P = {crop} is odd: here the odd cell is cropped in front (top, left); TensorFlow SAME \
                 and ONNX SAME_UPPER crop it behind",
                "P = {crop} 是奇数：这里多出的一格从前面（上、左）裁掉；TensorFlow SAME 与 ONNX \
                 SAME_UPPER 则从后面裁掉"
            ),
        });
    }

    /// What `output_padding` puts at the end: computed cells, as far as the uncropped row reaches.
    fn added_behind(&mut self, view: &View<'_>, added: i64) {
        if added <= 0 {
            return;
        }
        let lang = self.lang;
        let beyond = (-view.axis.pad_after()).clamp(0, added);
        let computed = added - beyond;
        if computed > 0 {
            let cells = lang.cells(computed);
            self.push(say!(
                lang,
                "output_padding keeps {cells} more at the end, with computed values and no zeros",
                "output_padding 在末尾多保留 {cells}，是算出来的值，不是零"
            ));
        }
        if beyond > 0 {
            let cells = lang.cells(beyond);
            self.push(say!(
                lang,
                "output_padding reaches {cells} past the uncropped row: zeros, to which only the bias is \
                 added",
                "output_padding 超出未裁剪行 {cells}：那里是零，只加偏置"
            ));
        }
    }
}
