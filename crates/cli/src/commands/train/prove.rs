//! `upconv train ... --prove`: the next steps of a run, unbroken and killed, come to the same weights.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use upconv_explain::Lang;
use upconv_train::prove::{Proof, Stretch, prove};
use upconv_train::{Options, Run, Silent, Stop, Trainee, train};

use super::failure::failure;
use crate::args::Context;
use crate::failure::Failure;
use crate::output;

/// Steps of the stretch, where nobody says until where.
const STEPS: u64 = 10;
/// How often the copy is killed.
const KILLS: u64 = 5;

pub(super) fn run(
    until: Option<u64>,
    threads: usize,
    run: Run,
    mut trainee: Box<dyn Trainee>,
    context: Context,
) -> Result<ExitCode, Failure> {
    // A run that has not begun gets its first checkpoint; one that has says where it stands.
    let mut silent = Silent;
    let options = Options { until: Some(0), stop: Stop::default(), watch: &mut silent };
    let step = train(&run, trainee.as_mut(), options).map_err(|error| failure(&error))?.step;
    let steps = match until {
        None => STEPS,
        Some(until) if until > step => until - step,
        Some(until) => {
            let message = format!("--until {until}: the run is at step {step}; legal: above it");
            return Err(Failure::usage(Some("until"), message));
        }
    };
    let (folder, seed) = (run.folder().to_owned(), run.run_settings().seed);
    drop((run, trainee));
    let scratch = scratch(&folder)?;
    let program = std::env::current_exe().map_err(|error| Failure::other(&error))?;
    let child = |folder: &Path, until: u64| {
        let mut command = Command::new(&program);
        command.arg("train").arg("--resume").arg(folder);
        command.args(["--until", &until.to_string(), "--quiet"]);
        command.args(["--threads", &threads.to_string()]);
        command
    };
    let stretch = Stretch { run: folder, scratch: scratch.clone(), steps, kills: KILLS, seed };
    let proof = prove(&stretch, child);
    if proof.as_ref().is_ok_and(Proof::holds) {
        let _ = fs::remove_dir_all(&scratch);
    }
    let proof = proof.map_err(|error| failure(&error))?;
    let text = match context.json {
        true => output::json_line(&proof),
        false => text(&proof, &scratch, context.lang),
    };
    let path = Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(path, &error, context.lang))?;
    Ok(if proof.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A new folder beside the run, on the same disk.
fn scratch(run: &Path) -> Result<PathBuf, Failure> {
    let mut name = run.as_os_str().to_owned();
    name.push(format!(".proof-{}", std::process::id()));
    let path = PathBuf::from(name);
    fs::create_dir(&path).map_err(|error| Failure::write(&path, &error, Lang::En))?;
    Ok(path)
}

fn text(proof: &Proof, scratch: &Path, lang: Lang) -> String {
    let Proof { from, until, kills, weights_hash, difference, .. } = proof;
    match (difference, lang) {
        (None, Lang::En) => format!(
            "steps {from} to {until}: killed {kills} times, and the same as unbroken\nweights hash  {weights_hash}\n"
        ),
        (None, Lang::Zh) => format!(
            "第 {from} 步到第 {until} 步：强制结束 {kills} 次，结果与不中断时相同\n权重哈希  {weights_hash}\n"
        ),
        (Some(difference), Lang::En) => {
            format!("steps {from} to {until}: differs, {difference}; see {}\n", scratch.display())
        }
        (Some(difference), Lang::Zh) => format!(
            "第 {from} 步到第 {until} 步：结果不同，{difference}；见 {}\n",
            scratch.display()
        ),
    }
}
