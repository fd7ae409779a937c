//! `upconv explain`: one setting in one dialect, or the same words in all of them; what a picture loses; what
//! weights do.

pub(crate) mod args;
mod loss;
mod weights;

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use upconv_explain::{
    AllDialects, Drawing, DrawingOptions, Explained, Lang, Layout, MAX_CELLS_PICTURED,
    MAX_MATRIX_DRAWN, MAX_SIDE_PICTURED, Theme, View, Words,
};

use crate::args::Context;
use crate::failure::Failure;
use crate::output;
use crate::sizes::setting;
use args::{Explain, Format, ThemeName};

pub(crate) fn run(args: &Explain, context: Context) -> Result<ExitCode, Failure> {
    let Context { json, lang, .. } = context;
    if let Some(image) = &args.loss {
        return loss::run(image, args, context);
    }
    if let (Some(file), Some(layer)) = (&args.weights, &args.layer) {
        return weights::run(file, layer, args, context);
    }
    let format = format(args, context)?;
    let setting = setting(&words(args), lang)?;
    // A file is not read on this terminal.
    let layout = if args.out.is_some() { Layout::default() } else { output::layout() };
    if args.all_dialects {
        let table = AllDialects::of(&setting, lang);
        let text = match json {
            true => output::json_line(&table),
            false => table.page(lang).text(layout),
        };
        deliver(text.as_bytes(), args.out.as_deref(), context)?;
        // The table is there, but if nobody accepts the words they are wrong.
        return Ok(if table.all_refused() { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    let picture = Picture::new(args, format, lang)?;
    let explained =
        Explained::new(setting, lang).map_err(|error| Failure::geometry(&error, lang))?;
    let bytes = match (format, picture) {
        (Format::Json, _) => output::json_line(&explained.data()).into_bytes(),
        (_, Some(picture)) => match picture.draw(&explained) {
            Some(bytes) => bytes,
            None => {
                let text = explained.page().text(output::layout());
                deliver(text.as_bytes(), None, context)?;
                return Err(Failure::other(&too_large(picture.view, lang)));
            }
        },
        _ => explained.page().text(layout).into_bytes(),
    };
    deliver(&bytes, args.out.as_deref(), context)?;
    Ok(ExitCode::SUCCESS)
}

/// What is asked for, by name or by the ending of the file.
fn format(args: &Explain, context: Context) -> Result<Format, Failure> {
    let Context { json, lang, .. } = context;
    let ending =
        args.out.as_ref().and_then(|out| out.extension()).and_then(|ending| ending.to_str());
    let by_ending = match ending.map(str::to_lowercase).as_deref() {
        Some("svg") => Some(Format::Svg),
        Some("gif") => Some(Format::Gif),
        Some("html" | "htm") => Some(Format::Html),
        _ => None,
    };
    let name = |format: Format| match format {
        Format::Text => "text",
        Format::Json => "json",
        Format::Svg => "svg",
        Format::Gif => "gif",
        Format::Html => "html",
    };
    let usage = |message| Err(Failure::usage(Some("format"), message));
    match args.format {
        Some(format) if json && format != Format::Json => {
            let format = name(format);
            return usage(match lang {
                Lang::En => format!("--format {format} contradicts --json"),
                Lang::Zh => format!("--format {format} 与 --json 矛盾"),
            });
        }
        Some(format @ (Format::Svg | Format::Gif | Format::Html)) if args.all_dialects => {
            let format = name(format);
            return usage(match lang {
                Lang::En => format!("--all-dialects is a table: text or json, not {format}"),
                Lang::Zh => format!("--all-dialects 是表格：只能是 text 或 json，不能是 {format}"),
            });
        }
        _ => {}
    }
    let to_terminal = args.out.is_none() && io::stdout().is_terminal();
    match args.format.or(by_ending.filter(|_| !json && !args.all_dialects)) {
        _ if json => Ok(Format::Json),
        Some(Format::Gif) if to_terminal => usage(match lang {
            Lang::En => "a GIF is no text for a terminal; give -o FILE".into(),
            Lang::Zh => "GIF 不是终端上的文字；请用 -o FILE 写入文件".into(),
        }),
        format => Ok(format.unwrap_or(Format::Text)),
    }
}

/// A picture that is asked for.
#[derive(Clone, Copy)]
struct Picture {
    format: Format,
    view: View,
    options: DrawingOptions,
}

impl Picture {
    /// `None` if none is.
    fn new(args: &Explain, format: Format, lang: Lang) -> Result<Option<Self>, Failure> {
        let given = [
            ("view", args.view.is_some()),
            ("theme", args.theme.is_some()),
            ("forward", args.forward),
        ];
        let legal: &[&str] = match format {
            Format::Text | Format::Json => &[],
            Format::Html => &["forward"],
            Format::Svg | Format::Gif => &["view", "theme", "forward"],
        };
        if let Some((name, _)) = given.iter().find(|(name, is)| *is && !legal.contains(name)) {
            let message = match lang {
                Lang::En => format!("--{name} is for --format svg or gif"),
                Lang::Zh => format!("--{name} 只用于 --format svg 或 gif"),
            };
            return Err(Failure::usage(Some(name), message));
        }
        if legal.is_empty() {
            return Ok(None);
        }
        let view = match &args.view {
            Some(name) => View::from_name(name).ok_or_else(|| unknown_view(name, lang))?,
            None => View::default(),
        };
        if args.forward && view != View::Scatter {
            let view = view.name();
            let message = match lang {
                Lang::En => format!("--forward is drawn beside the view scatter, not {view}"),
                Lang::Zh => format!("--forward 只画在视图 scatter 旁边，不用于 {view}"),
            };
            return Err(Failure::usage(Some("forward"), message));
        }
        let theme = match args.theme {
            Some(ThemeName::Dark) => Theme::Dark,
            Some(ThemeName::Light) | None => Theme::Light,
        };
        Ok(Some(Self { format, view, options: DrawingOptions { theme, forward: args.forward } }))
    }

    /// `None` if it is too large.
    fn draw(&self, explained: &Explained) -> Option<Vec<u8>> {
        let drawing = Drawing::new(explained, self.options)?;
        match self.format {
            Format::Html => Some(drawing.html().into_bytes()),
            Format::Gif => drawing.gif(self.view),
            _ => drawing.svg(self.view).map(String::into_bytes),
        }
    }
}

fn unknown_view(name: &str, lang: Lang) -> Failure {
    let legal = View::ALL.map(View::name).join(", ");
    Failure::usage(
        Some("view"),
        match lang {
            Lang::En => format!("--view '{name}' is unknown; legal: {legal}"),
            Lang::Zh => format!("--view '{name}' 未知；合法的有：{legal}"),
        },
    )
}

fn too_large(view: View, lang: Lang) -> String {
    match (view, lang) {
        (View::Matrix, Lang::En) => format!(
            "the matrix is too large to draw: up to {MAX_MATRIX_DRAWN} rows and columns are; above stands \
             the text"
        ),
        (View::Matrix, Lang::Zh) => {
            format!(
                "矩阵太大，无法绘制：最多 {MAX_MATRIX_DRAWN} 行、{MAX_MATRIX_DRAWN} 列；以上是文字说明"
            )
        }
        (_, Lang::En) => format!(
            "too large to draw: axes of up to {MAX_SIDE_PICTURED} cells, {MAX_CELLS_PICTURED} in all, are; above stands the \
             text"
        ),
        (_, Lang::Zh) => format!(
            "太大，无法绘制：只绘制每轴不超过 {MAX_SIDE_PICTURED} 格、总共不超过 {MAX_CELLS_PICTURED} 格的设置；以上是文字说明"
        ),
    }
}

/// The words of the command line.
fn words(args: &Explain) -> Words {
    Words {
        dialect: args.dialect.clone(),
        input: args.input.clone(),
        kernel: args.kernel.clone(),
        stride: args.stride.clone(),
        dilation: args.dilation.clone(),
        groups: args.groups.clone(),
        padding: args.padding.clone(),
        output: args.output.clone(),
        output_padding: args.output_padding.clone(),
    }
}

/// To standard output, or to a file; `-` is standard output.
fn deliver(bytes: &[u8], out: Option<&Path>, context: Context) -> Result<(), Failure> {
    let lang = context.lang;
    match out {
        Some(path) if path.as_os_str() != "-" => {
            output::write_file(path, bytes).map_err(|error| Failure::write(path, &error, lang))?;
            wrote(path, context);
            Ok(())
        }
        _ => {
            let path = Path::new("standard output");
            output::print_bytes(bytes).map_err(|error| Failure::write(path, &error, lang))
        }
    }
}

/// Says so on standard error, unless nobody wants to hear it.
fn wrote(path: &Path, context: Context) {
    let path = path.display();
    if !context.quiet {
        output::note(&match context.lang {
            Lang::En => format!("wrote {path}"),
            Lang::Zh => format!("已写入 {path}"),
        });
    }
}
