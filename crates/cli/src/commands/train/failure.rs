//! Errors of training in the program's own form.

use upconv_models::ModelError;
use upconv_train::TrainError;

use crate::failure::Failure;

/// Names are alike from here on: one slip in a short word, two in a long one.
const ALIKE: f64 = 0.8;

/// What programs read of an error, with the nearest key where one is unknown.
pub(crate) fn failure(error: &TrainError) -> Failure {
    match error {
        TrainError::Setting { place, reason } => {
            let message = match nearest(reason) {
                None => error.to_string(),
                Some(known) => format!("{error}; did you mean `{known}`?"),
            };
            match place.strip_prefix("--") {
                // Said on the command line.
                Some(rest) => {
                    let field = rest.split([' ', ':']).next();
                    Failure::usage(field, message)
                }
                None => Failure::other(&message),
            }
        }
        TrainError::Read { path, .. }
        | TrainError::Write { path, .. }
        | TrainError::Occupied { path }
        | TrainError::NoRun { path, .. }
        | TrainError::Locked { path, .. }
        | TrainError::Damaged { path, .. }
        | TrainError::Foreign { path, .. }
        | TrainError::NoCheckpoint { path, .. } => {
            Failure::file(error, Some(path.display().to_string()))
        }
        TrainError::Mismatch { file, .. } => Failure::file(error, Some(file.clone())),
        TrainError::Weights(error) => Failure::weights(error),
        TrainError::Model(inner) => match inner.downcast_ref::<ModelError>() {
            Some(ModelError::Unknown { .. }) => Failure::usage(Some("model"), error.to_string()),
            Some(ModelError::OtherModel { file, .. }) => Failure::file(error, Some(file.clone())),
            Some(ModelError::Weights(error)) => Failure::weights(error),
            _ => Failure::other(error),
        },
        _ => Failure::other(error),
    }
}

/// The known name that is most like the unknown one, in serde's words: "unknown field `a`, expected one of `b`, `c`".
fn nearest(reason: &str) -> Option<&str> {
    if !reason.starts_with("unknown ") {
        return None;
    }
    let mut quoted = reason.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    let alike = |known: &&str| strsim::jaro_winkler(unknown, known);
    let best = quoted.max_by(|a, b| alike(a).total_cmp(&alike(b)))?;
    (alike(&best) >= ALIKE).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn the_nearest_name_or_none() {
        let reason = "unknown field `batsh`, expected one of `folder`, `batch`, `scale`";
        assert_eq!(nearest(reason), Some("batch"));
        assert_eq!(nearest("unknown field `zzz`, expected `folder` or `batch`"), None);
        assert_eq!(nearest("invalid type: `batch`"), None);
    }
}
