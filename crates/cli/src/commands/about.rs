//! `upconv about`: version, licences, and what this build finds on this machine.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use upconv_kernels::Isa;
use upconv_models::registry;

use crate::args::{Context, Global};
use crate::failure::Failure;
use crate::{output, threads};

const NOTICES: [&str; 2] = [
    "upconv is licensed under the MIT License or the Apache License, Version 2.0, at\nyour choice.",
    "It is built with Rust crates under permissive licences (MIT, Apache-2.0, BSD,\nUnicode-3.0, \
     Zlib and the like); each keeps its own copyright and licence.\nCargo.lock names them.",
];

/// Licences of the program, and of the weights that it carries.
fn notices() -> Vec<String> {
    let weights = registry::MODELS.iter().filter_map(|entry| {
        let weights = entry.built_in().ok()??;
        let attribution = weights.metadata()?.attribution.clone()?;
        Some(format!("Weights of {}: {attribution}", entry.name))
    });
    NOTICES.iter().map(|notice| (*notice).to_owned()).chain(weights).collect()
}

#[derive(Serialize)]
struct About {
    name: &'static str,
    version: &'static str,
    licence: &'static str,
    build: Build,
    cpu: Cpu,
    threads: usize,
    devices: [&'static str; 1],
    notices: Vec<String>,
}

#[derive(Serialize)]
struct Build {
    arch: &'static str,
    os: &'static str,
    debug: bool,
}

#[derive(Serialize)]
struct Cpu {
    /// Instruction sets that kernels can use here, slowest first.
    isas: Vec<&'static str>,
}

pub(crate) fn run(global: &Global, context: Context) -> Result<ExitCode, Failure> {
    let about = About {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        licence: env!("CARGO_PKG_LICENSE"),
        build: Build {
            arch: std::env::consts::ARCH,
            os: std::env::consts::OS,
            debug: cfg!(debug_assertions),
        },
        cpu: Cpu { isas: Isa::available().into_iter().map(Isa::name).collect() },
        threads: threads::count(global.threads.as_deref(), context.lang)?,
        devices: ["cpu"],
        notices: notices().iter().map(|notice| notice.replace('\n', " ")).collect(),
    };
    let text = if context.json { output::json_line(&about) } else { page(&about) };
    let path = Path::new("standard output");
    output::print(&text).map_err(|error| Failure::write(path, &error, context.lang))?;
    Ok(ExitCode::SUCCESS)
}

fn page(about: &About) -> String {
    let About { name, version, licence, build, cpu, threads, .. } = about;
    let kind = if build.debug { ", debug" } else { "" };
    [
        format!("{name} {version} ({} {}{kind})", build.arch, build.os),
        format!("licence:          {licence}"),
        format!("instruction sets: {}", cpu.isas.join(", ")),
        format!("threads:          {threads}"),
        format!("devices:          {}", about.devices.join(", ")),
        String::new(),
        notices().join("\n"),
        String::new(),
    ]
    .join("\n")
}
