//! `font`: cuts the font of pictures anew out of Noto Sans CJK, as Debian packages it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use upconv_data::digest;

use crate::unexpected;

/// The package, its exact version, and SHA-256 of the file.
const PACKAGE: &str = "fonts-noto-cjk=1:20220127+repack1-1";
const SHA256: &str = "4a2515eb6db3978b897fef9709ed0d2b1f4c6c4df4d83d6c4ef65f71f1b1f502";
/// The collection in it.
const COLLECTION: &str = "usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc";
/// Where the script, its requirements and the result lie.
const FOLDER: &str = "crates/explain/fonts";

pub(crate) fn run(root: &Path, arguments: &[&str]) -> Result<()> {
    if let Some(argument) = arguments.first() {
        return Err(unexpected("font", argument));
    }
    let folder = root.join(FOLDER);
    let script = folder.join("subset.py");
    let mut probe = Command::new("python3");
    probe.args(["-c", "import fontTools"]);
    if !probe.output().is_ok_and(|output| output.status.success()) {
        bail!(
            "python3 has no fontTools; install with: python3 -m pip install -r {FOLDER}/requirements.txt \
             (in an environment of its own)"
        );
    }
    let work = tempfile::tempdir()?;
    let mut apt = Command::new("apt-get");
    apt.args(["download", PACKAGE]).current_dir(work.path());
    quietly(&mut apt)
        .with_context(|| format!("cannot fetch {PACKAGE} (Debian, with a network)"))?;
    let archive = std::fs::read_dir(work.path())?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .find(|path| path.extension().is_some_and(|ending| ending == "deb"))
        .context("apt-get left no package")?;
    let found = digest::of_file(&archive)?;
    if found != SHA256 {
        bail!("{PACKAGE} has SHA-256 {found}, not {SHA256}");
    }
    let unpacked = work.path().join("unpacked");
    let mut dpkg = Command::new("dpkg-deb");
    dpkg.arg("-x").arg(&archive).arg(&unpacked);
    quietly(&mut dpkg).context("cannot unpack the package")?;
    let out = folder.join("upconv-sans.otf");
    let mut cut = Command::new("python3");
    cut.arg(script).arg(unpacked.join(COLLECTION)).arg(&out);
    quietly(&mut cut).context("cannot cut the font")?;
    println!("{} {}", digest::of_file(&out)?, out.display());
    Ok(())
}

/// Runs a program; what it says is shown if it fails.
fn quietly(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
