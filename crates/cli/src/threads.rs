//! How many threads compute.

use upconv_explain::Lang;

use crate::failure::Failure;

/// The environment variables that are asked, in this order.
const VARIABLES: [&str; 3] = ["UPCONV_THREADS", "OMP_NUM_THREADS", "RAYON_NUM_THREADS"];

/// Most threads that one may ask for.
const MAX_THREADS: usize = 1024;

/// The argument `--threads`, if given.
pub(crate) fn from_argument(argument: Option<&str>, lang: Lang) -> Result<Option<usize>, Failure> {
    argument.map(|text| parse("--threads", text, lang)).transpose()
}

/// The argument, else the environment, else the process's share of the machine, which respects its
/// affinity mask and its control group.
pub(crate) fn count(argument: Option<&str>, lang: Lang) -> Result<usize, Failure> {
    if let Some(count) = from_argument(argument, lang)? {
        return Ok(count);
    }
    for name in VARIABLES {
        let Some(value) = std::env::var_os(name) else { continue };
        let value = value.to_string_lossy();
        // OpenMP lists one number per level; the outermost counts. To rayon 0 means its default.
        let first = value.split(',').next().unwrap_or_default().trim();
        if first.is_empty() || (first == "0" && name == "RAYON_NUM_THREADS") {
            continue;
        }
        return parse(name, first, lang);
    }
    Ok(std::thread::available_parallelism().map_or(1, usize::from))
}

/// Sets up the pool on which kernels run.
pub(crate) fn start(argument: Option<&str>, lang: Lang) -> Result<usize, Failure> {
    let count = count(argument, lang)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count).build_global();
    pool.map_err(|error| Failure::other(&error))?;
    Ok(count)
}

fn parse(name: &str, text: &str, lang: Lang) -> Result<usize, Failure> {
    match text.parse() {
        Ok(count @ 1..=MAX_THREADS) => Ok(count),
        _ => {
            let field = name.trim_start_matches('-');
            Err(Failure::usage(
                Some(field),
                match lang {
                    Lang::En => format!("{name} '{text}' must be a number from 1 to {MAX_THREADS}"),
                    Lang::Zh => format!("{name} '{text}' 必须是 1 到 {MAX_THREADS} 之间的数"),
                },
            ))
        }
    }
}
