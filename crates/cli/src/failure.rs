//! How a command ends when it does not succeed.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use upconv_explain::{ChainError, ErrorObject, Lang};
use upconv_geometry::GeometryError;
use upconv_weights::WeightsError;

use crate::args::Device;
use crate::output;

/// Most legal values that an error names one by one.
const MAX_LEGAL_IN_TEXT: usize = 8;

/// The rule of wrong arguments.
const USAGE: &str = "USAGE";

/// Why a command did not succeed, and with which status it ends.
#[derive(Debug)]
pub(crate) struct Failure {
    object: Box<ErrorObject>,
    status: u8,
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: &'a ErrorObject,
}

impl Failure {
    /// Wrong use of the command line; `field` is the argument without its dashes.
    pub(crate) fn usage(field: Option<&str>, message: String) -> Self {
        let field = field.map(|field| field.replace('-', "_"));
        let object = ErrorObject { rule: Some(USAGE.into()), message, field, ..Default::default() };
        Self { object: Box::new(object), status: 2 }
    }

    /// A setting that its dialect refuses.
    pub(crate) fn geometry(error: &GeometryError, lang: Lang) -> Self {
        Self { object: Box::new(ErrorObject::of(error, lang)), status: 1 }
    }

    /// A chain that cannot be read or worked out.
    pub(crate) fn chain(error: &ChainError, lang: Lang) -> Self {
        Self { object: Box::new(error.object(lang)), status: 1 }
    }

    /// A file that cannot be written.
    pub(crate) fn write(path: &Path, error: &io::Error, lang: Lang) -> Self {
        let file = path.display().to_string();
        let message = match lang {
            Lang::En => format!("cannot write {file}: {error}"),
            Lang::Zh => format!("无法写入 {file}：{error}"),
        };
        let object = ErrorObject { message, file: Some(file), ..Default::default() };
        Self { object: Box::new(object), status: 1 }
    }

    /// Anything else that went wrong.
    pub(crate) fn other(error: &dyn Display) -> Self {
        let object = ErrorObject { message: error.to_string(), ..Default::default() };
        Self { object: Box::new(object), status: 1 }
    }

    /// Anything else that went wrong with a file.
    pub(crate) fn file(error: &dyn Display, file: Option<String>) -> Self {
        let object = ErrorObject { message: error.to_string(), file, ..Default::default() };
        Self { object: Box::new(object), status: 1 }
    }

    /// A weight file that is not what it should be.
    pub(crate) fn weights(error: &WeightsError) -> Self {
        let object = ErrorObject {
            message: error.to_string(),
            file: error.file().map(Into::into),
            field: error.field().map(Into::into),
            ..Default::default()
        };
        Self { object: Box::new(object), status: 1 }
    }

    /// What programs read of it.
    pub(crate) fn object(&self) -> &ErrorObject {
        &self.object
    }

    /// A device that this build does not have.
    pub(crate) fn device(device: Device, lang: Lang) -> Self {
        let name = match device {
            Device::Cpu => "cpu",
            Device::Wgpu => "wgpu",
            Device::Cuda => "cuda",
        };
        let message = match lang {
            Lang::En => {
                format!("--device {name}: this build computes on the CPU only; use --device cpu")
            }
            Lang::Zh => format!("--device {name}：此版本只能用 CPU 计算；请用 --device cpu"),
        };
        let field = Some("device".into());
        let object = ErrorObject { message, field, ..Default::default() };
        Self { object: Box::new(object), status: 1 }
    }

    /// Tells about it and gives the exit status.
    pub(crate) fn finish(&self, json: bool, lang: Lang) -> ExitCode {
        match json {
            true => output::print_json(&Envelope { error: &self.object }),
            false => output::note(&self.line(lang)),
        }
        ExitCode::from(self.status)
    }

    /// `error: message (RULE, legal [5, 6])`
    fn line(&self, lang: Lang) -> String {
        let message = &self.object.message;
        let mut line = match lang {
            Lang::En => format!("error: {message}"),
            Lang::Zh => format!("错误：{message}"),
        };
        if self.status == 2 {
            return line
                + match lang {
                    Lang::En => " (--help shows the usage)",
                    Lang::Zh => "（用 --help 查看用法）",
                };
        }
        let Some(rule) = &self.object.rule else { return line };
        let legal = self.object.legal.as_ref().filter(|legal| legal.len() <= MAX_LEGAL_IN_TEXT);
        line += &match (lang, legal) {
            (Lang::En, Some(legal)) => format!(" ({rule}, legal {legal:?})"),
            (Lang::En, None) => format!(" ({rule})"),
            (Lang::Zh, Some(legal)) => format!("（{rule}，合法值 {legal:?}）"),
            (Lang::Zh, None) => format!("（{rule}）"),
        };
        line
    }
}
