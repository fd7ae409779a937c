//! `upconv explain`: one setting in one dialect, or the same words in all of them.

use std::path::Path;
use std::process::ExitCode;

use upconv_explain::{AllDialects, Explained, Lang, Layout};
use upconv_geometry::{Dialect, Setting};

use crate::args::{Context, Explain, Format};
use crate::failure::Failure;
use crate::output;
use crate::sizes::{count, padding, sizes};

pub(crate) fn run(args: &Explain, context: Context) -> Result<ExitCode, Failure> {
    let Context { json, lang, .. } = context;
    if json && args.format == Some(Format::Text) {
        return Err(Failure::usage(
            Some("format"),
            match lang {
                Lang::En => "--format text contradicts --json".into(),
                Lang::Zh => "--format text 与 --json 矛盾".into(),
            },
        ));
    }
    let setting = setting(args, lang)?;
    // A file is not read on this terminal.
    let layout = if args.out.is_some() { Layout::default() } else { output::layout() };
    if args.all_dialects {
        let table = AllDialects::of(&setting, lang);
        let text = match json {
            true => output::json_line(&table),
            false => table.page(lang).text(layout),
        };
        deliver(&text, args.out.as_deref(), context)?;
        // The table is there, but if nobody accepts the words they are wrong.
        return Ok(if table.all_refused() { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    let explained =
        Explained::new(setting, lang).map_err(|error| Failure::geometry(&error, lang))?;
    let text = match json {
        true => output::json_line(&explained.data()),
        false => explained.page().text(layout),
    };
    deliver(&text, args.out.as_deref(), context)?;
    Ok(ExitCode::SUCCESS)
}

/// The words of the command line, not yet put to a dialect.
fn setting(args: &Explain, lang: Lang) -> Result<Setting, Failure> {
    let optional = |name, text: &Option<String>| match text {
        Some(text) => sizes(name, text, lang).map(Some),
        None => Ok(None),
    };
    let plain = Setting::new(dialect(args, lang)?);
    Ok(Setting {
        input: sizes("input", &args.input, lang)?,
        kernel: sizes("kernel", &args.kernel, lang)?,
        stride: optional("stride", &args.stride)?.unwrap_or(plain.stride),
        dilation: optional("dilation", &args.dilation)?.unwrap_or(plain.dilation),
        groups: match &args.groups {
            Some(text) => count("groups", text, lang)?,
            None => plain.groups,
        },
        padding: args.padding.as_ref().map(|text| padding(text, lang)).transpose()?,
        output: optional("output", &args.output)?,
        output_padding: optional("output-padding", &args.output_padding)?,
        ..plain
    })
}

fn dialect(args: &Explain, lang: Lang) -> Result<Dialect, Failure> {
    let Some(name) = &args.dialect else { return Ok(Dialect::Definition) };
    Dialect::from_name(&name.to_lowercase()).ok_or_else(|| {
        let legal = Dialect::ALL.map(Dialect::name).join(", ");
        Failure::usage(
            Some("dialect"),
            match lang {
                Lang::En => {
                    format!("--dialect '{name}' is unknown; legal: {legal} (torch is pytorch)")
                }
                Lang::Zh => {
                    format!("--dialect '{name}' 未知；合法的有：{legal}（torch 即 pytorch）")
                }
            },
        )
    })
}

/// To standard output, or to a file; `-` is standard output.
fn deliver(text: &str, out: Option<&Path>, context: Context) -> Result<(), Failure> {
    let Context { quiet, lang, .. } = context;
    match out {
        Some(path) if path.as_os_str() != "-" => {
            output::write_file(path, text).map_err(|error| Failure::write(path, &error, lang))?;
            if !quiet {
                let path = path.display();
                output::note(&match lang {
                    Lang::En => format!("wrote {path}"),
                    Lang::Zh => format!("已写入 {path}"),
                });
            }
            Ok(())
        }
        _ => {
            let path = Path::new("standard output");
            output::print(text).map_err(|error| Failure::write(path, &error, lang))
        }
    }
}
