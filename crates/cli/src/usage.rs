//! Errors of the command line itself, as clap finds them.

use std::process::ExitCode;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use upconv_explain::Lang;

use crate::failure::Failure;
use crate::language::Early;
use crate::output;

/// Prints help, version or error, and gives the exit status.
pub(crate) fn finish(error: &Error, early: Early) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // clap chooses colours by the terminal; a reader that has gone away is no failure.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if early.json || (early.lang == Lang::Zh && has_chinese(error.kind())) {
        return Failure::usage(field(error).as_deref(), message(error, early.lang))
            .finish(early.json, early.lang);
    }
    output::note(error.render().to_string().trim_end());
    ExitCode::from(2)
}

/// Whether the error is one that [`message`] has Chinese words for. The help that stands in for an
/// error, when no command is given, stays as it is.
fn has_chinese(kind: ErrorKind) -> bool {
    kind != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
}

/// One line.
fn message(error: &Error, lang: Lang) -> String {
    let plain = || {
        let text = error.render().to_string();
        let mut lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        lines.fold(first, |line, more| format!("{line} {more}"))
    };
    if lang == Lang::En {
        return match error.kind() {
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a command is missing".into(),
            _ => plain(),
        };
    }
    let of = |kind| context(error, kind);
    let argument = || of(ContextKind::InvalidArg).unwrap_or_default();
    match error.kind() {
        ErrorKind::MissingRequiredArgument => format!("缺少必需的参数：{}", argument()),
        ErrorKind::UnknownArgument => format!("未知的参数 '{}'", argument()),
        ErrorKind::ArgumentConflict => {
            let other = of(ContextKind::PriorArg).unwrap_or_default();
            match argument() == other {
                true => format!("参数 '{other}' 不能重复给出"),
                false => format!("参数 '{}' 不能与 '{other}' 同时使用", argument()),
            }
        }
        ErrorKind::InvalidValue if of(ContextKind::InvalidValue).is_none_or(|v| v.is_empty()) => {
            format!("参数 '{}' 缺少值", argument())
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = of(ContextKind::InvalidValue).unwrap_or_default();
            let legal = of(ContextKind::ValidValue).map(|legal| format!("；合法值：{legal}"));
            format!("参数 '{}' 的值 '{value}' 不合法{}", argument(), legal.unwrap_or_default())
        }
        ErrorKind::InvalidSubcommand => {
            format!("未知的命令 '{}'", of(ContextKind::InvalidSubcommand).unwrap_or_default())
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            "缺少命令".into()
        }
        ErrorKind::InvalidUtf8 => "参数不是有效的 UTF-8".into(),
        _ => plain(),
    }
}

/// The argument at fault without dashes and value names.
fn field(error: &Error) -> Option<String> {
    let argument = context(error, ContextKind::InvalidArg)?;
    let name = argument.split([' ', ',', '=', '、']).next()?.trim_start_matches('-');
    Some(name.trim_matches(['<', '>']).to_lowercase())
}

fn context(error: &Error, kind: ContextKind) -> Option<String> {
    Some(match error.get(kind)? {
        ContextValue::String(text) => text.clone(),
        ContextValue::Strings(texts) => texts.join("、"),
        other => other.to_string(),
    })
}
