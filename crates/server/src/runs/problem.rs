//! What cannot be read of a run, for people.

use upconv_explain::Lang;
use upconv_train::TrainError;
use upconv_train::run::metrics::Damaged;
use upconv_train::run::{CHECKPOINTS, CONFIG, METRICS, SAMPLES};

/// What cannot be read of a run; the rest is shown all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The settings, and why.
    Settings(String),
    /// The numbers.
    Metrics(String),
    /// Some lines of the numbers.
    Lines(Damaged),
    /// Numbers for which there is no place.
    LeftOut(Vec<String>),
    /// Every checkpoint, or their folder.
    Checkpoints(String),
    /// The folder of the pictures.
    Pictures(String),
}

impl Problem {
    pub(crate) fn message(&self, lang: Lang) -> String {
        let unreadable = |what: &str, why: &str| match lang {
            Lang::En => format!("{what} cannot be read: {why}"),
            Lang::Zh => format!("{what} 无法读取：{why}"),
        };
        match self {
            Self::Settings(why) => unreadable(CONFIG, why),
            Self::Metrics(why) => unreadable(METRICS, why),
            Self::Checkpoints(why) => unreadable(CHECKPOINTS, why),
            Self::Pictures(why) => unreadable(SAMPLES, why),
            Self::Lines(damaged) => lines(damaged, lang),
            Self::LeftOut(names) => match lang {
                Lang::En => {
                    format!("{METRICS} has more numbers than are shown: {}", names.join(", "))
                }
                Lang::Zh => format!("{METRICS} 中的数值过多，未全部显示：{}", names.join("、")),
            },
        }
    }
}

fn lines(Damaged { line, reason, count }: &Damaged, lang: Lang) -> String {
    match (lang, line, count) {
        (Lang::En, Some(line), 1) => format!("{METRICS}, line {line} is damaged: {reason}"),
        (Lang::En, Some(line), _) => {
            format!("{METRICS}: {count} lines are damaged, the first is line {line}: {reason}")
        }
        (Lang::En, None, 1) => format!("{METRICS}, a line near its end is damaged: {reason}"),
        (Lang::En, None, _) => {
            format!("{METRICS}: {count} lines near its end are damaged; the first: {reason}")
        }
        (Lang::Zh, Some(line), 1) => format!("{METRICS} 第 {line} 行已损坏：{reason}"),
        (Lang::Zh, Some(line), _) => {
            format!("{METRICS} 有 {count} 行已损坏，其中第一处为第 {line} 行：{reason}")
        }
        (Lang::Zh, None, 1) => format!("{METRICS} 末尾附近有一行已损坏：{reason}"),
        (Lang::Zh, None, _) => {
            format!("{METRICS} 末尾附近有 {count} 行已损坏；其中第一处：{reason}")
        }
    }
}

/// Why something cannot be read, in one line and without the folder, which is none of a client's business.
pub(crate) fn why(error: &TrainError) -> String {
    let text = match error {
        TrainError::Read { source, .. } => source.to_string(),
        TrainError::Damaged { reason, .. } => reason.clone(),
        TrainError::NoCheckpoint { count, newest, .. } => {
            format!("none of {count} can be used; the newest: {}", why(newest))
        }
        other => other.to_string().trim_start_matches(&format!("{CONFIG}: ")).to_owned(),
    };
    // Errors in TOML show the line itself between what and why.
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    match (lines.next(), lines.next_back()) {
        (Some(first), Some(last)) => format!("{first}: {last}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_and_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join(CONFIG);
        std::fs::write(&config, "# The settings of this run.\nschema = 1\nmodel == 2\n").unwrap();
        let error = upconv_train::run::config(folder.path()).unwrap_err();
        assert!(error.to_string().contains(&config.display().to_string()));
        let why = why(&error);
        assert!(why.starts_with("TOML parse error at line 3, column 8: "), "{why}");
        assert!(!why.contains('\n') && !why.contains(&folder.path().display().to_string()));
    }

    #[test]
    fn lines_are_named() {
        let message = |line, count, lang| {
            Problem::Lines(Damaged { line, reason: "no JSON".into(), count }).message(lang)
        };
        assert_eq!(message(Some(7), 1, Lang::En), "metrics.jsonl, line 7 is damaged: no JSON");
        let several = message(Some(7), 3, Lang::En);
        assert_eq!(several, "metrics.jsonl: 3 lines are damaged, the first is line 7: no JSON");
        assert_eq!(message(Some(7), 1, Lang::Zh), "metrics.jsonl 第 7 行已损坏：no JSON");
        assert!(message(None, 1, Lang::En).contains("near its end"));
    }
}
