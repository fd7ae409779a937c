//! Which language, and whether JSON: known before the arguments are parsed, as errors need it too.

use std::ffi::OsString;

use upconv_explain::Lang;

/// What the raw arguments and the environment tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Early {
    pub(crate) lang: Lang,
    pub(crate) json: bool,
}

impl Early {
    pub(crate) fn from_args(args: impl Iterator<Item = OsString>) -> Self {
        let args: Vec<String> = args.map(|arg| arg.to_string_lossy().into_owned()).collect();
        let value = |name: &str| {
            let equals = format!("{name}=");
            let place = args.iter().rposition(|arg| arg == name || arg.starts_with(&equals))?;
            match args[place].strip_prefix(&equals) {
                Some(value) => Some(value.to_owned()),
                None => args.get(place + 1).cloned(),
            }
        };
        let lang = match value("--lang").as_deref() {
            Some("zh") => Lang::Zh,
            Some("en") => Lang::En,
            _ => from_locale(),
        };
        let json =
            args.iter().any(|arg| arg == "--json") || value("--format").as_deref() == Some("json");
        Self { lang, json }
    }
}

/// The language of the locale. The plain locale C means English, whatever else is set.
fn from_locale() -> Lang {
    let first = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.is_empty());
    if let Some(name) = first
        && matches!(name.split('.').next(), Some("C" | "POSIX"))
    {
        return Lang::En;
    }
    sys_locale::get_locale().map_or(Lang::En, |name| Lang::from_locale(&name))
}
