//! `golden`: computes the golden values anew, or verifies that nobody changed them.
//!
//! The values come from other frameworks through a Python script; the tests only read them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use upconv_data::digest;

use crate::{WrongUse, steps, unexpected};

const SCRIPT: &str = "golden/make_goldens.py";
const REQUIREMENTS: &str = "golden/requirements.txt";
const SUMS: &str = "SHA256SUMS";

/// Prints `name wanted found` for each package named in the arguments as `name==version`; `found`
/// is `-` for a package that is not installed.
const PROBE: &str = "\
import sys
from importlib.metadata import PackageNotFoundError, version
for line in sys.argv[1:]:
    name, wanted = line.split('==')
    try:
        found = version(name)
    except PackageNotFoundError:
        found = '-'
    print(name, wanted, found.split('+')[0])
";

pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    match arguments {
        ["--verify"] => verify(&root.join("golden")),
        ["--verify", folder] => verify(Path::new(folder)),
        _ => generate(root, &Options::parse(arguments)?),
    }
}

#[derive(Debug, Default, PartialEq)]
struct Options<'a> {
    out: Option<&'a str>,
    seed: Option<u64>,
    only: Option<&'a str>,
}

impl<'a> Options<'a> {
    fn parse(mut arguments: &[&'a str]) -> Result<Self> {
        let mut options = Self::default();
        while let [name, rest @ ..] = arguments {
            if !["--out", "--seed", "--only"].contains(name) {
                return Err(unexpected("golden", name));
            }
            let [value, rest @ ..] = rest else {
                return Err(WrongUse(format!("{name} needs a value")).into());
            };
            match *name {
                "--out" => options.out = Some(value),
                "--only" => options.only = Some(value),
                _ => {
                    let reason = || WrongUse(format!("--seed needs a number, not `{value}`"));
                    options.seed = Some(value.parse().map_err(|_| reason())?);
                }
            }
            arguments = rest;
        }
        if options.out.is_none() && (options.seed.is_some() || options.only.is_some()) {
            let reason = "--seed and --only need --out: other draws must not replace golden/";
            return Err(WrongUse(reason.to_owned()).into());
        }
        Ok(options)
    }
}

fn generate(root: &Path, options: &Options) -> Result<()> {
    check_packages(root)?;
    let folder = options.out.map_or_else(|| root.join("golden"), Into::into);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // Beside the old files, so that they are replaced by renaming, and only by a complete set.
    let fresh = tempfile::Builder::new()
        .prefix(".golden-")
        .tempdir_in(&folder)
        .with_context(|| format!("cannot write to {}", folder.display()))?;

    let mut command = Command::new("python3");
    command.arg(root.join(SCRIPT)).arg("--out").arg(fresh.path());
    if let Some(seed) = options.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    if let Some(parts) = options.only {
        command.args(["--only", parts]);
    }
    steps::stream(&mut command).context(SCRIPT)?;

    for name in golden_files(fresh.path())? {
        let made = digest::of_file(&fresh.path().join(&name))?;
        let target = folder.join(&name);
        let change = match digest::of_file(&target) {
            Ok(old) if old == made => "unchanged",
            Ok(_) => "CHANGED",
            Err(_) => "new",
        };
        println!("{change:9}  {name}");
        fs::rename(fresh.path().join(&name), &target)
            .with_context(|| format!("cannot write {}", target.display()))?;
    }
    // All of the folder: some golden files are not made by the script.
    let mut sums = String::new();
    for name in golden_files(&folder)? {
        sums += &format!("{}  {name}\n", digest::of_file(&folder.join(&name))?);
    }
    fs::write(folder.join(SUMS), sums).with_context(|| format!("cannot write {SUMS}"))?;
    verify(&folder)
}

/// Fails with an instruction if Python or one of its packages is not there.
fn check_packages(root: &Path) -> Result<()> {
    let path = root.join(REQUIREMENTS);
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let wanted =
        text.lines().map(str::trim).filter(|line| line.contains("==") && !line.starts_with('#'));
    let output = Command::new("python3")
        .args(["-c", PROBE])
        .args(wanted)
        .output()
        .context("cannot start python3, which computes the golden values")?;
    if !output.status.success() {
        bail!("python3: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let mut missing = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let [name, wanted, found] = line.split_whitespace().collect::<Vec<_>>()[..] {
            if found == "-" {
                missing.push(name.to_owned());
            } else if found != wanted {
                eprintln!(
                    "warning: {name} is {found}, the committed values come from {wanted}: they may differ"
                );
            }
        }
    }
    if !missing.is_empty() {
        bail!(
            "python3 has no {}; install with: python3 -m pip install -r {REQUIREMENTS} (in an environment of its own, see golden/README.md)",
            missing.join(", ")
        );
    }
    Ok(())
}

/// Compares every golden file in `folder` with the list beside it.
///
/// # Errors
/// If a file is changed, missing or not listed; each one is printed.
pub(crate) fn verify(folder: &Path) -> Result<()> {
    let path = folder.join(SUMS);
    let text =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let listed = parse_sums(&text).with_context(|| format!("in {}", path.display()))?;
    let mut problems = 0;
    let mut report = |name: &str, what: &str| {
        eprintln!("{name}: {what}");
        problems += 1;
    };
    for (name, sum) in &listed {
        match digest::of_file(&folder.join(name)) {
            Ok(found) if found == *sum => {}
            Ok(_) => report(name, "changed"),
            Err(error) => report(name, &format!("{error:#}")),
        }
    }
    for name in golden_files(folder)? {
        if !listed.contains_key(&name) {
            report(&name, "not listed");
        }
    }
    if problems > 0 {
        bail!("{problems} golden files differ from {}", path.display());
    }
    println!("{} golden files are as listed in {}", listed.len(), path.display());
    Ok(())
}

/// Lines of `sha256sum`: the digest, two spaces, the name of a file in the same folder.
fn parse_sums(text: &str) -> Result<BTreeMap<String, String>> {
    let mut sums = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let parts = line.split_once("  ").filter(|(sum, name)| {
            sum.len() == 64
                && sum.bytes().all(|b| b.is_ascii_hexdigit())
                && !name.contains(['/', '\\'])
        });
        let Some((sum, name)) = parts else {
            bail!("line {}: not `SHA-256  NAME`", number + 1);
        };
        sums.insert(name.to_owned(), sum.to_ascii_lowercase());
    }
    if sums.is_empty() {
        bail!("it lists no file");
    }
    Ok(sums)
}

/// The names of the files that hold golden values, in order.
fn golden_files(folder: &Path) -> Result<Vec<String>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".safetensors") || name.ends_with(".json") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::{Options, digest, parse_sums, verify};

    #[test]
    fn options() {
        let parsed = Options::parse(&["--seed", "7", "--out", "there"]).unwrap();
        assert_eq!(parsed, Options { out: Some("there"), seed: Some(7), only: None });
        assert_eq!(Options::parse(&[]).unwrap(), Options::default());
        assert!(Options::parse(&["--only", "part_tf"]).is_err());
        assert!(Options::parse(&["--out", "there", "--fast"]).is_err());
    }

    #[test]
    fn sums_are_read_strictly() {
        let sum = digest::of_bytes(b"");
        assert_eq!(parse_sums(&format!("{sum}  a.json\n")).unwrap()["a.json"], sum);
        for text in ["", "abc  a.json", &format!("{sum} a.json"), &format!("{sum}  ../a.json")] {
            assert!(parse_sums(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn changed_missing_and_unlisted_files_fail() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("cases.json", "{}");
        write("SHA256SUMS", &format!("{}  cases.json\n", digest::of_bytes(b"{}")));
        assert!(verify(folder.path()).is_ok());
        write("extra.safetensors", "");
        assert!(verify(folder.path()).is_err());
        std::fs::remove_file(folder.path().join("extra.safetensors")).unwrap();
        write("cases.json", "{ }");
        assert!(verify(folder.path()).is_err());
        std::fs::remove_file(folder.path().join("cases.json")).unwrap();
        assert!(verify(folder.path()).is_err());
    }
}
