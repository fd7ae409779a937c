//! A chain from TOML, with the line of whatever is wrong.

use std::collections::HashMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use upconv_geometry::limits::MAX_AXIS;
use upconv_geometry::{Dialect, Legal, Padding};

use super::error::{Form, Located, Problem};
use super::{Chain, ChainError, INPUT, Layer, MAX_CHAIN_LAYERS, Op, Point, Wanted};

/// Most axes of a size.
const MAX_AXES: usize = 3;
/// Most characters of a layer's name.
const MAX_NAME: usize = 40;

const TOP_KEYS: [&str; 3] = ["dialect", INPUT, "layer"];

/// Keys of layers, in the order in which errors list them.
const KEYS: [&str; 12] = [
    "name",
    "op",
    "kernel",
    "stride",
    "padding",
    "dilation",
    "ceil_mode",
    "output_padding",
    "output",
    "like",
    "factor",
    "skip",
];

fn keys(op: Op) -> Vec<&'static str> {
    let own: &[&str] = match op {
        Op::Conv => &["kernel", "stride", "padding", "dilation"],
        Op::MaxPool => &["kernel", "stride", "padding", "dilation", "ceil_mode"],
        Op::AvgPool => &["kernel", "stride", "padding", "ceil_mode"],
        Op::ConvTranspose => {
            &["kernel", "stride", "padding", "dilation", "output_padding", "output", "like"]
        }
        Op::Resize => &["output", "like", "factor"],
        Op::PixelShuffle | Op::PixelUnshuffle => &["factor"],
    };
    let common = |key: &str| matches!(key, "name" | "op" | "skip");
    KEYS.into_iter().filter(|key| common(key) || own.contains(key)).collect()
}

const ANY: Legal = Legal { first: -MAX_AXIS, last: MAX_AXIS };
const POSITIVE: Legal = Legal { first: 1, last: MAX_AXIS };

type Node<'a> = Spanned<DeValue<'a>>;
type Read<T> = Result<T, ChainError>;

pub(super) fn read(text: &str, file: &str) -> Read<Chain> {
    let starts = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1);
    let reader = Reader { file, starts: starts.collect() };
    let root = DeTable::parse(text).map_err(|error| {
        let reason = error.message().replace(|c: char| c.is_control(), " ");
        reader.error(error.span(), None, None, Problem::NotToml(reason))
    })?;
    reader.chain(root.get_ref())
}

struct Reader<'a> {
    file: &'a str,
    /// Where the second line and all later ones begin.
    starts: Vec<usize>,
}

impl Reader<'_> {
    fn line(&self, span: &Range<usize>) -> usize {
        self.starts.partition_point(|start| *start <= span.start) + 1
    }

    fn error(
        &self,
        span: Option<Range<usize>>,
        layer: Option<&str>,
        field: Option<&str>,
        problem: Problem,
    ) -> ChainError {
        ChainError::from(Located {
            file: self.file.to_owned(),
            line: span.map(|span| self.line(&span)),
            layer: layer.map(Into::into),
            field: field.map(Into::into),
            problem,
        })
    }

    fn chain(&self, root: &DeTable<'_>) -> Read<Chain> {
        let top = Table { reader: self, table: root, layer: None, span: None };
        top.check_keys(|_| None, &TOP_KEYS)?;
        let dialect = match top.text("dialect")? {
            None => Dialect::Pytorch,
            Some((name, span)) => Dialect::from_name(&name.to_lowercase()).ok_or_else(|| {
                let legal = Dialect::ALL.map(Dialect::name).to_vec();
                let problem = Problem::Unknown { got: name.into(), legal };
                self.error(Some(span), None, Some("dialect"), problem)
            })?,
        };
        let input = top.numbers(INPUT, POSITIVE)?;
        let layers = match root.get("layer") {
            None => return Err(self.error(None, None, None, Problem::NoLayers)),
            Some(node) => {
                let wrong = |node: &Node<'_>| {
                    let got = node.get_ref().type_str();
                    let problem = Problem::Wrong { got, form: Form::Layers };
                    self.error(Some(node.span()), None, Some("layer"), problem)
                };
                let list = node.get_ref().as_array().ok_or_else(|| wrong(node))?;
                let as_table = |node| Node::get_ref(node).as_table().map(|t| (t, node.span()));
                list.iter()
                    .map(|node| as_table(node).ok_or_else(|| wrong(node)))
                    .collect::<Read<Vec<_>>>()?
            }
        };
        match layers.len() {
            0 => return Err(self.error(None, None, None, Problem::NoLayers)),
            1..=MAX_CHAIN_LAYERS => {}
            got => return Err(self.error(None, None, None, Problem::TooManyLayers { got })),
        }
        let names = self.names(&layers)?;
        let points: HashMap<&str, Point> =
            names.iter().enumerate().map(|(number, name)| (name.as_str(), number + 1)).collect();
        let read = |(number, (table, span)): (usize, &(&DeTable<'_>, Range<usize>))| {
            let name = names.get(number).map(String::as_str);
            let table = Table { reader: self, table, layer: name, span: Some(span.clone()) };
            table.read(dialect, &Names { own: number + 1, points: &points, all: &names })
        };
        let layers = layers.iter().enumerate().map(read).collect::<Read<_>>()?;
        Ok(Chain { file: self.file.to_owned(), dialect, input, layers })
    }

    /// The names of all layers, which differ.
    fn names(&self, layers: &[(&DeTable<'_>, Range<usize>)]) -> Read<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        let mut taken = std::collections::HashSet::new();
        for (number, (table, span)) in layers.iter().enumerate() {
            let usual = format!("op {}", number + 1);
            let top = Table { reader: self, table, layer: Some(&usual), span: Some(span.clone()) };
            let (name, span) = match top.text("name")? {
                Some((name, at)) => (name.to_owned(), at),
                None => (usual.clone(), span.clone()),
            };
            let legal = !name.is_empty()
                && name.chars().take(MAX_NAME + 1).count() <= MAX_NAME
                && !name.chars().any(char::is_control)
                && name != INPUT;
            let problem = match legal {
                false => Problem::Name { got: name.chars().take(MAX_NAME).collect() },
                true if !taken.insert(name.clone()) => Problem::NameTaken { got: name },
                true => {
                    names.push(name);
                    continue;
                }
            };
            return Err(self.error(Some(span), Some(&usual), Some("name"), problem));
        }
        Ok(names)
    }
}

/// What `like` and `skip` may name.
struct Names<'a> {
    /// The point after the layer itself.
    own: Point,
    points: &'a HashMap<&'a str, Point>,
    all: &'a [String],
}

/// A table of the file: the file itself, or a layer.
struct Table<'a> {
    reader: &'a Reader<'a>,
    table: &'a DeTable<'a>,
    layer: Option<&'a str>,
    span: Option<Range<usize>>,
}

impl Table<'_> {
    fn error(&self, span: Range<usize>, field: &str, problem: Problem) -> ChainError {
        self.reader.error(Some(span), self.layer, Some(field), problem)
    }

    fn missing(&self, field: &str, form: Form) -> ChainError {
        let span = self.span.clone();
        self.reader.error(span, self.layer, Some(field), Problem::Missing(form))
    }

    fn wrong(&self, field: &str, node: &Node<'_>, form: Form) -> ChainError {
        let got = node.get_ref().type_str();
        self.error(node.span(), field, Problem::Wrong { got, form })
    }

    /// Refuses keys that are not `legal`, the first of the file first.
    fn check_keys(
        &self,
        of_others: impl Fn(&str) -> Option<Problem>,
        legal: &[&'static str],
    ) -> Read<()> {
        let unknown = self.table.iter().map(|(key, _)| key);
        let unknown = unknown.filter(|key| !legal.contains(&key.get_ref().as_ref()));
        let Some(key) = unknown.min_by_key(|key| key.span().start) else { return Ok(()) };
        let name: String = key.get_ref().chars().take(MAX_NAME).collect();
        let (field, problem) = match of_others(&name) {
            Some(problem) => (Some(name.as_str()), problem),
            None => (None, Problem::UnknownKey { key: name.clone(), legal: legal.to_vec() }),
        };
        Err(self.reader.error(Some(key.span()), self.layer, field, problem))
    }

    fn text(&self, field: &str) -> Read<Option<(&str, Range<usize>)>> {
        let Some(node) = self.table.get(field) else { return Ok(None) };
        let text = node.get_ref().as_str().ok_or_else(|| self.wrong(field, node, Form::Text))?;
        Ok(Some((text, node.span())))
    }

    fn number(&self, field: &str, node: &Node<'_>, form: Form, legal: Legal) -> Read<i64> {
        let DeValue::Integer(integer) = node.get_ref() else {
            return Err(self.wrong(field, node, form));
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        number.filter(|number| legal.contains(*number)).ok_or_else(|| {
            let got = match number {
                Some(number) => number.to_string(),
                None => integer.as_str().chars().take(MAX_NAME).collect(),
            };
            self.error(node.span(), field, Problem::OutOfRange { got, legal })
        })
    }

    fn list<T>(
        &self,
        field: &str,
        node: &Node<'_>,
        form: Form,
        item: impl Fn(&Node<'_>) -> Read<T>,
    ) -> Read<Vec<T>> {
        let Some(list) = node.get_ref().as_array() else { return Ok(vec![item(node)?]) };
        match list.len() {
            0 => Err(self.missing(field, form)),
            1..=MAX_AXES => list.iter().map(item).collect(),
            got => Err(self.error(node.span(), field, Problem::TooManyAxes { got })),
        }
    }

    fn numbers(&self, field: &str, legal: Legal) -> Read<Option<Vec<i64>>> {
        let Some(node) = self.table.get(field) else { return Ok(None) };
        let form = Form::Numbers;
        self.list(field, node, form, |node| self.number(field, node, form, legal)).map(Some)
    }

    fn padding(&self) -> Read<Option<Padding>> {
        let (field, form) = ("padding", Form::Padding);
        let Some(node) = self.table.get(field) else { return Ok(None) };
        if let Some(word) = node.get_ref().as_str() {
            return Padding::from_word(word).map(Some).ok_or_else(|| {
                let legal = Padding::WORDS.to_vec();
                let got = word.chars().take(MAX_NAME).collect();
                self.error(node.span(), field, Problem::Unknown { got, legal })
            });
        }
        let pair = |node: &Node<'_>| {
            let number = |node| self.number(field, node, form, ANY);
            let Some(list) = node.get_ref().as_array() else {
                return number(node).map(|both| (both, both));
            };
            match list.len() {
                2 => Ok((number(&list[0])?, number(&list[1])?)),
                _ => Err(self.wrong(field, node, form)),
            }
        };
        self.list(field, node, form, pair).map(|pads| Some(Padding::Pads(pads)))
    }

    /// The place that `like` or `skip` names.
    fn point(&self, field: &str, names: &Names<'_>) -> Read<Option<Point>> {
        let Some((name, span)) = self.text(field)? else { return Ok(None) };
        let point = if name == INPUT { Some(0) } else { names.points.get(name).copied() };
        let got: String = name.chars().take(MAX_NAME).collect();
        match point {
            Some(point) if point < names.own => Ok(Some(point)),
            Some(_) => Err(self.error(span, field, Problem::LaterLayer { got })),
            None => {
                let before = names.all.iter().take(names.own - 1).cloned();
                let earlier = std::iter::once(INPUT.to_owned()).chain(before).collect();
                Err(self.error(span, field, Problem::NoSuchLayer { got, earlier }))
            }
        }
    }

    fn read(&self, dialect: Dialect, names: &Names<'_>) -> Read<Layer> {
        let all = || Op::ALL.map(Op::name).to_vec();
        let (op, span) = self.text("op")?.ok_or_else(|| self.missing("op", Form::Text))?;
        let op = Op::ALL.into_iter().find(|known| known.name() == op).ok_or_else(|| {
            let got = op.chars().take(MAX_NAME).collect();
            self.error(span, "op", Problem::Unknown { got, legal: all() })
        })?;
        let legal = keys(op);
        let of_others = |key: &str| {
            let known = KEYS.contains(&key);
            known.then(|| Problem::NotOfOp { op: op.name(), legal: legal.clone() })
        };
        self.check_keys(of_others, &legal)?;
        let kernel = self.numbers("kernel", ANY)?;
        if op.has_window() && kernel.is_none() {
            return Err(self.missing("kernel", Form::Numbers));
        }
        let kernel = kernel.unwrap_or_default();
        let ones = || if op.has_window() { vec![1] } else { Vec::new() };
        let usual = if op.is_pool() { kernel.clone() } else { ones() };
        let factor = self.numbers("factor", POSITIVE)?;
        let wanted = self.wanted(op, names)?;
        match (op, &factor, &wanted) {
            (Op::Resize, Some(_), Some(_)) => {
                let (field, problem) = ("factor", Problem::Together { other: "output, like" });
                return Err(self.error(self.at(field), field, problem));
            }
            (Op::Resize, None, None) => return Err(self.missing("size", Form::Size)),
            (Op::PixelShuffle | Op::PixelUnshuffle, None, _) => {
                return Err(self.missing("factor", Form::Numbers));
            }
            _ => {}
        }
        let line = |span: Range<usize>| self.reader.line(&span);
        let lines = KEYS.into_iter().filter_map(|key| Some((key, self.table.get(key)?.span())));
        Ok(Layer {
            name: self.layer.unwrap_or_default().to_owned(),
            op,
            stride: self.numbers("stride", ANY)?.unwrap_or(usual),
            kernel,
            dilation: self.numbers("dilation", ANY)?.unwrap_or_else(ones),
            padding: self.padding()?,
            ceil_mode: self.ceil_mode(dialect)?,
            output_padding: self.numbers("output_padding", ANY)?,
            wanted,
            factor: factor.unwrap_or_default(),
            skip: self.point("skip", names)?,
            line: self.span.clone().map_or(1, line),
            lines: lines.map(|(key, span)| (key, line(span))).collect(),
        })
    }

    fn at(&self, field: &str) -> Range<usize> {
        self.table.get(field).map(Spanned::span).or(self.span.clone()).unwrap_or_default()
    }

    fn wanted(&self, op: Op, names: &Names<'_>) -> Read<Option<Wanted>> {
        // What a transposed convolution can be told is for its dialect to say.
        let legal = if op == Op::Resize { POSITIVE } else { ANY };
        match (self.numbers("output", legal)?, self.point("like", names)?) {
            (Some(_), Some(_)) => {
                Err(self.error(self.at("like"), "like", Problem::Together { other: "output" }))
            }
            (Some(size), None) => Ok(Some(Wanted::Size(size))),
            (None, Some(point)) => Ok(Some(Wanted::Like(point))),
            (None, None) => Ok(None),
        }
    }

    fn ceil_mode(&self, dialect: Dialect) -> Read<bool> {
        let field = "ceil_mode";
        // Caffe counts an incomplete window unless it is told otherwise.
        let Some(node) = self.table.get(field) else { return Ok(dialect == Dialect::Caffe) };
        let ceil = node.get_ref().as_bool();
        let ceil = ceil.ok_or_else(|| self.wrong(field, node, Form::Truth))?;
        if ceil && matches!(dialect, Dialect::Tensorflow | Dialect::Keras | Dialect::Tflite) {
            let dialect = dialect.name();
            return Err(self.error(node.span(), field, Problem::NoCeilMode { dialect }));
        }
        Ok(ceil)
    }
}
