//! A workload as one writes it on the command line: `tconv:n16,c512-256,i8x8,k5,s2,p2,op1`.

use upconv_explain::Lang;

use super::workload::{Kind, Weights, Workload};

/// Most spatial axes.
const MAX_AXES: usize = 3;

/// The fields with what they look like, as errors show them.
const FIELDS: [(&str, &str); 9] = [
    ("n", "n16"),
    ("c", "c64-32"),
    ("i", "i56x56"),
    ("k", "k4x4"),
    ("s", "s2"),
    ("p", "p1"),
    ("op", "op1"),
    ("d", "d1"),
    ("g", "g8"),
];

/// The fields without a value.
const FLAGS: [&str; 2] = ["bias", "bilinear"];

/// What is wrong with a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// It does not begin with the name of an operation.
    Kind,
    /// A field that does not exist.
    Unknown { field: String },
    /// A field that stands there again.
    Twice { field: String },
    /// A field whose value is not of its form.
    Form { field: String, example: &'static str },
    /// A field that must not be left out.
    Missing { example: &'static str },
    /// Another number of axes than the input has.
    Axes { field: String, got: usize, axes: usize },
    /// Output padding of a convolution.
    OutputPadding,
}

impl Wrong {
    /// One line.
    pub(super) fn message(&self, lang: Lang) -> String {
        let legal = || {
            let words = FIELDS.iter().map(|(name, _)| *name).chain(FLAGS);
            words.collect::<Vec<_>>().join(lang.pick(", ", "、"))
        };
        match (lang, self) {
            (Lang::En, Self::Kind) => "must begin with tconv: or conv:".into(),
            (Lang::Zh, Self::Kind) => "必须以 tconv: 或 conv: 开头".into(),
            (Lang::En, Self::Unknown { field }) => {
                format!("there is no field '{field}'; legal: {}", legal())
            }
            (Lang::Zh, Self::Unknown { field }) => {
                format!("没有字段 '{field}'；合法的有：{}", legal())
            }
            (Lang::En, Self::Twice { field }) => format!("'{field}' is given again"),
            (Lang::Zh, Self::Twice { field }) => format!("'{field}' 重复给出"),
            (Lang::En, Self::Form { field, example }) => {
                format!("'{field}' is not of the form of {example}")
            }
            (Lang::Zh, Self::Form { field, example }) => {
                format!("'{field}' 的写法不对，应如 {example}")
            }
            (Lang::En, Self::Missing { example }) => {
                format!("a field is missing, such as {example}")
            }
            (Lang::Zh, Self::Missing { example }) => format!("缺少字段，例如 {example}"),
            (Lang::En, Self::Axes { field, got, axes }) => {
                format!("'{field}' has {got} axes, but the input has {axes}")
            }
            (Lang::Zh, Self::Axes { field, got, axes }) => {
                format!("'{field}' 有 {got} 个轴，而输入有 {axes} 个轴")
            }
            (Lang::En, Self::OutputPadding) => "conv has no output padding (op)".into(),
            (Lang::Zh, Self::OutputPadding) => "conv 没有输出填充（op）".into(),
        }
    }
}

/// Reads a shape.
///
/// # Errors
/// What is wrong with the text. Whether its numbers go together is for [`Workload::shape`] to say.
pub(super) fn parse(text: &str) -> Result<Workload, Wrong> {
    let (kind, rest) = text.trim().split_once(':').ok_or(Wrong::Kind)?;
    let kind = [Kind::Transposed, Kind::Forward].into_iter().find(|k| k.name() == kind);
    let kind = kind.ok_or(Wrong::Kind)?;
    let fields = Fields::new(rest)?;
    let [input, kernel] = [fields.sizes(2)?, fields.sizes(3)?];
    let (Some(input), Some(kernel)) = (input, kernel) else {
        let place = if fields.values[2].is_none() { 2 } else { 3 };
        return Err(Wrong::Missing { example: FIELDS[place].1 });
    };
    let axes = input.len();
    let per_axis = |place| match fields.sizes(place)? {
        Some(sizes) => fields.spread(place, sizes, axes),
        None => Ok(Vec::new()),
    };
    let signed = |place| {
        let sizes: Vec<usize> = per_axis(place)?;
        let convert = |size| i64::try_from(size).map_err(|_| fields.form(place));
        sizes.into_iter().map(convert).collect::<Result<Vec<_>, _>>()
    };
    let (in_channels, out_channels) = fields.channels()?;
    let output_padding = signed(6)?;
    if kind == Kind::Forward && !output_padding.is_empty() {
        return Err(Wrong::OutputPadding);
    }
    Ok(Workload {
        kind,
        batch: fields.count(0)?,
        in_channels,
        out_channels,
        kernel: fields.spread(3, kernel, axes)?,
        input,
        stride: signed(4)?,
        padding: signed(5)?,
        output_padding,
        dilation: signed(7)?,
        groups: fields.count(8)?,
        bias: fields.flags[0],
        weights: if fields.flags[1] { Weights::Bilinear } else { Weights::Random },
    })
}

/// The texts behind the names of [`FIELDS`], and which of [`FLAGS`] are there.
struct Fields<'a> {
    values: [Option<&'a str>; FIELDS.len()],
    flags: [bool; FLAGS.len()],
}

impl<'a> Fields<'a> {
    fn new(text: &'a str) -> Result<Self, Wrong> {
        let mut fields = Self { values: [None; FIELDS.len()], flags: [false; FLAGS.len()] };
        for field in text.split(',').map(str::trim) {
            let unknown = || Wrong::Unknown { field: field.into() };
            let twice = if let Some(place) = FLAGS.iter().position(|flag| *flag == field) {
                std::mem::replace(&mut fields.flags[place], true)
            } else {
                let end = field.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(field.len());
                let (name, value) = field.split_at(end);
                let place = FIELDS.iter().position(|(known, _)| *known == name);
                fields.values[place.ok_or_else(unknown)?].replace(value).is_some()
            };
            if twice {
                return Err(Wrong::Twice { field: field.into() });
            }
        }
        Ok(fields)
    }

    /// The error of a field's value.
    fn form(&self, place: usize) -> Wrong {
        let (name, example) = FIELDS[place];
        let value = self.values[place].unwrap_or_default();
        Wrong::Form { field: format!("{name}{value}"), example }
    }

    /// One to three numbers, if the field is there.
    fn sizes(&self, place: usize) -> Result<Option<Vec<usize>>, Wrong> {
        let Some(value) = self.values[place] else { return Ok(None) };
        let sizes: Option<Vec<usize>> = value.split('x').map(number).collect();
        let legal = sizes.filter(|sizes| sizes.len() <= MAX_AXES);
        legal.map(Some).ok_or_else(|| self.form(place))
    }

    /// One number for each axis, a single one standing for all.
    fn spread(&self, place: usize, sizes: Vec<usize>, axes: usize) -> Result<Vec<usize>, Wrong> {
        match sizes.as_slice() {
            [size] => Ok(vec![*size; axes]),
            all if all.len() == axes => Ok(sizes),
            all => {
                let value = self.values[place].unwrap_or_default();
                let field = format!("{}{value}", FIELDS[place].0);
                Err(Wrong::Axes { field, got: all.len(), axes })
            }
        }
    }

    /// A single number, 1 where the field is not there.
    fn count(&self, place: usize) -> Result<usize, Wrong> {
        let Some(value) = self.values[place] else { return Ok(1) };
        number(value).ok_or_else(|| self.form(place))
    }

    fn channels(&self) -> Result<(usize, usize), Wrong> {
        let value = self.values[1].ok_or(Wrong::Missing { example: FIELDS[1].1 })?;
        let pair = value.split_once('-').and_then(|(a, b)| Some((number(a)?, number(b)?)));
        pair.ok_or_else(|| self.form(1))
    }
}

/// Digits, and nothing else.
fn number(text: &str) -> Option<usize> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field() {
        let all = parse("tconv:n2, c6-4,i5x7,k3x2,s2,p1x0,op1,d1x2,g2,bias,bilinear").unwrap();
        let expected = Workload {
            kind: Kind::Transposed,
            batch: 2,
            in_channels: 6,
            out_channels: 4,
            input: vec![5, 7],
            kernel: vec![3, 2],
            stride: vec![2, 2],
            padding: vec![1, 0],
            output_padding: vec![1, 1],
            dilation: vec![1, 2],
            groups: 2,
            bias: true,
            weights: Weights::Bilinear,
        };
        assert_eq!(all, expected);
        let few = parse("conv:k3,i9,c1-1").unwrap();
        assert_eq!((few.batch, few.groups, few.bias), (1, 1, false));
        assert!(few.stride.is_empty() && few.padding.is_empty());
    }

    #[test]
    fn every_error() {
        let error = |text: &str| parse(text).unwrap_err().message(Lang::En);
        for text in ["", "tconv", "deconv:c1-1", ":", "Tconv:c1-1,i1,k1"] {
            assert_eq!(error(text), "must begin with tconv: or conv:", "{text}");
        }
        let unknown = error("conv:c1-1,i9,k3,z2");
        assert!(unknown.starts_with("there is no field 'z2'; legal: n, c, i, k,"), "{unknown}");
        assert!(error("conv:").starts_with("there is no field ''"));
        assert_eq!(error("conv:c1-1,i9,k3,k4"), "'k4' is given again");
        assert_eq!(error("conv:c1-1,i9,k3,bias,bias"), "'bias' is given again");
        for field in ["c1", "c-1", "c1-", "c1-1-1", "c1x1", "c"] {
            let text = format!("conv:{field},i9,k3");
            assert_eq!(error(&text), format!("'{field}' is not of the form of c64-32"));
        }
        for field in ["k", "k-3", "k3x", "k3x-1", "k3x3x3x3", "k99999999999999999999", "k٣"] {
            let text = format!("conv:c1-1,i9,{field}");
            assert_eq!(error(&text), format!("'{field}' is not of the form of k4x4"));
        }
        assert_eq!(error("conv:c1-1,i9,k3,s9223372036854775808"), {
            "'s9223372036854775808' is not of the form of s2"
        });
        assert_eq!(error("conv:i9,k3"), "a field is missing, such as c64-32");
        assert_eq!(error("conv:c1-1,k3"), "a field is missing, such as i56x56");
        assert_eq!(error("conv:c1-1,i9"), "a field is missing, such as k4x4");
        let axes = "'s1x1x1' has 3 axes, but the input has 2";
        assert_eq!(error("conv:c1-1,i9x9,k3,s1x1x1"), axes);
        assert_eq!(error("conv:c1-1,i9,k3,op1"), "conv has no output padding (op)");
    }
}
