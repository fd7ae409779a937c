//! `upconv serve`: the explorer in a browser.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use clap::Args;
use serde::Serialize;
use upconv_explain::Lang;
use upconv_server::{GivenWeights, NetworkError, ServeError, Settings, SettingsError};

use crate::args::{Context, Global};
use crate::failure::Failure;
use crate::{output, threads};

/// Where the token may stand, so that no list of processes shows it.
const TOKEN: &str = "UPCONV_TOKEN";

const EXAMPLES: &str = "\
Examples:
  upconv serve --open
  upconv serve --addr 127.0.0.1:8080
  upconv serve --weights efficientnet-lite0.safetensors --weights street=runs/road
  upconv serve --runs runs
  UPCONV_TOKEN=$(openssl rand -hex 16) upconv serve --addr 0.0.0.0:7878

It serves until Ctrl-C; what is being answered then is answered still. Pages and networks for people and roads are part
of the program: no files are read but those that are named, nothing is fetched, and nothing that is sent is kept.
Another file that takes the place of a file of weights is read within some seconds. The API is described at
/api/v1/openapi.json; /healthz and /metrics are for
those who look after servers. Requests are noted on standard error, with --json as JSON.";

/// Show transposed convolution and the models in a browser, with an API behind them
///
/// Only this machine can reach it, unless --addr says otherwise; then a token is needed, and a reverse proxy that
/// speaks TLS should stand before it.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:7878")]
    pub(crate) addr: SocketAddr,
    /// Open it in the browser
    #[arg(long)]
    pub(crate) open: bool,
    /// What clients must know: 16 letters, digits, '-' or '_' at least [default: UPCONV_TOKEN]
    #[arg(long, value_name = "T")]
    pub(crate) token: Option<String>,
    /// Serve these weights too, under their file's name or another one; repeatable; of a run the best
    #[arg(long, value_name = "[NAME=]FILE|RUN", value_parser = given_weights)]
    pub(crate) weights: Vec<GivenWeights>,
    /// Show the runs of training in this folder and up to three below it, while they are trained too; repeatable
    #[arg(long, value_name = "DIR")]
    pub(crate) runs: Vec<PathBuf>,
}

/// What stands before a `=` is a name, unless it looks like a path.
fn given_weights(text: &str) -> Result<GivenWeights, String> {
    let of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    match text.split_once('=') {
        Some((name, "")) => Err(format!("{name}= names no file")),
        Some((name, path)) if !name.is_empty() && name.chars().all(of_name) => {
            Ok(GivenWeights { name: Some(name.into()), path: path.into() })
        }
        _ => Ok(GivenWeights { name: None, path: text.into() }),
    }
}

#[derive(Serialize)]
struct Ready {
    addr: SocketAddr,
    url: String,
}

pub(crate) fn run(args: &Serve, global: &Global, context: Context) -> Result<ExitCode, Failure> {
    let Context { json, quiet, lang } = context;
    let from_outside = || std::env::var(TOKEN).ok().filter(|token| !token.is_empty());
    let settings = Settings {
        addr: args.addr,
        token: args.token.clone().or_else(from_outside),
        threads: threads::count(global.threads.as_deref(), lang)?,
        weights: args.weights.clone(),
        runs: args.runs.clone(),
    };
    args.runs.iter().try_for_each(|folder| is_folder(folder, lang))?;
    settings.check().map_err(|error| wrong(&error, lang))?;
    if !quiet {
        upconv_server::log_to_stderr(json);
    }
    let ready = |addr: SocketAddr| {
        let url = url(addr);
        match json {
            true => output::print_json(&Ready { addr, url: url.clone() }),
            false => {
                // Whoever reads it may be gone; the server runs all the same.
                let _ = output::print(&match lang {
                    Lang::En => format!("upconv serves at {url} (Ctrl-C ends it)\n"),
                    Lang::Zh => format!("upconv 正在 {url} 提供服务（Ctrl-C 结束）\n"),
                });
            }
        }
        if args.open {
            open(&url, settings.token.as_deref(), lang);
        }
    };
    upconv_server::serve(&settings, ready).map_err(|error| match &error {
        ServeError::Settings(error) => wrong(error, lang),
        ServeError::Listen { addr, source } => Failure::other(&match lang {
            Lang::En => format!(
                "cannot listen on {addr}: {source}; --addr takes another port, 0 a free one"
            ),
            Lang::Zh => {
                format!("无法监听 {addr}：{source}；可用 --addr 换一个端口，0 表示任一空闲端口")
            }
        }),
        ServeError::Network(error) => network(error, lang),
        ServeError::Start(_) => Failure::other(&error),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A folder that is to be shown must be there when the server starts.
fn is_folder(folder: &Path, lang: Lang) -> Result<(), Failure> {
    if folder.is_dir() {
        return Ok(());
    }
    let folder = folder.display().to_string();
    let message = match lang {
        Lang::En => format!("--runs {folder}: there is no such folder"),
        Lang::Zh => format!("--runs {folder}：没有这个文件夹"),
    };
    Err(Failure::file(&message, Some(folder)))
}

fn network(error: &NetworkError, lang: Lang) -> Failure {
    let message = match (error, lang) {
        (NetworkError::Twice { name }, Lang::Zh) => {
            format!("--weights：有两个网络都叫 {name}；可用 NAME=PATH 为其中一个另取名称")
        }
        (NetworkError::Name { name }, Lang::Zh) => format!(
            "--weights：{name:?} 不能作为网络的名称：只能含字母、数字、“.”、“-”和“_”；可用 NAME=PATH 另取名称"
        ),
        (NetworkError::Twice { .. } | NetworkError::Name { .. }, Lang::En) => {
            format!("--weights: {error}")
        }
        _ => return Failure::file(error, error.file()),
    };
    Failure::usage(Some("weights"), message)
}

fn wrong(error: &SettingsError, lang: Lang) -> Failure {
    match (error, lang) {
        (SettingsError::TokenNeeded { addr }, Lang::Zh) => Failure::usage(
            Some("token"),
            format!("其他机器可以访问 {addr}，因此需要 --token，至少 16 个字符"),
        ),
        (SettingsError::TokenNeeded { .. }, Lang::En) => {
            Failure::usage(Some("token"), format!("{error}: --token T, or {TOKEN}"))
        }
        (SettingsError::TokenWeak, Lang::Zh) => Failure::usage(
            Some("token"),
            "--token 至少 16 个字符，只能含字母、数字、“-”和“_”".into(),
        ),
        (SettingsError::TokenWeak, Lang::En) => Failure::usage(Some("token"), error.to_string()),
        (SettingsError::Threads, _) => Failure::usage(Some("threads"), error.to_string()),
    }
}

/// As a browser on this machine reaches it.
fn url(addr: SocketAddr) -> String {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}/", SocketAddr::new(ip, addr.port()))
}

/// Shows a page in the browser of the desktop; without one there is a note.
fn open(url: &str, token: Option<&str>, lang: Lang) {
    let page = token.map_or_else(|| url.to_owned(), |token| format!("{url}?token={token}"));
    let program = match std::env::consts::OS {
        "macos" => "open",
        "windows" => "explorer",
        _ => "xdg-open",
    };
    let quiet = |command: &mut Command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(|_| ())
    };
    if let Err(error) = quiet(Command::new(program).arg(page)) {
        output::note(&match lang {
            Lang::En => {
                format!("note: cannot open a browser ({program}: {error}); open {url} by hand")
            }
            Lang::Zh => format!("注意：无法打开浏览器（{program}：{error}）；请手动打开 {url}"),
        });
    }
}
