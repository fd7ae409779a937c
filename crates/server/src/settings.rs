//! What a server is told.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::networks::GivenWeights;

/// Fewest characters of a token: 16 of hexadecimal are 64 bits.
const SHORTEST_TOKEN: usize = 16;

/// What a server is told.
///
/// ```
/// use upconv_server::Settings;
/// let addr = "127.0.0.1:7878".parse().unwrap();
/// let local = Settings { addr, token: None, threads: 2, weights: Vec::new(), runs: Vec::new() };
/// assert!(local.check().is_ok());
/// // Whoever can be reached from elsewhere needs a token.
/// let open = Settings { addr: "0.0.0.0:7878".parse().unwrap(), ..local };
/// assert!(open.check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where it listens; port 0 takes a free one.
    pub addr: SocketAddr,
    /// What clients must know; needed unless `addr` is a loopback address.
    pub token: Option<String>,
    /// Threads that compute.
    pub threads: usize,
    /// Weights of networks that are served beside those of the program.
    pub weights: Vec<GivenWeights>,
    /// Folders at and below which runs of training are shown.
    pub runs: Vec<PathBuf>,
}

/// Settings that do not go together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// An address that others reach, and no token.
    #[error(
        "{addr} can be reached from other machines and needs a token of at least {SHORTEST_TOKEN} characters"
    )]
    TokenNeeded {
        /// The address.
        addr: SocketAddr,
    },
    /// A token that can be guessed, or that no header can hold.
    #[error("a token has {SHORTEST_TOKEN} characters or more, letters, digits, '-' and '_'")]
    TokenWeak,
    /// No threads.
    #[error("0 threads; legal: 1 or more")]
    Threads,
}

impl Settings {
    /// Whether they go together.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn check(&self) -> Result<(), SettingsError> {
        if self.threads == 0 {
            return Err(SettingsError::Threads);
        }
        match &self.token {
            None if self.addr.ip().is_loopback() => Ok(()),
            None => Err(SettingsError::TokenNeeded { addr: self.addr }),
            Some(token) => {
                let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
                match token.len() >= SHORTEST_TOKEN && token.chars().all(legal) {
                    true => Ok(()),
                    false => Err(SettingsError::TokenWeak),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_cannot_be_guessed() {
        let with = |addr: &str, token: &str| {
            let addr = addr.parse().unwrap();
            let (weights, runs) = (Vec::new(), Vec::new());
            Settings { addr, token: Some(token.into()), threads: 1, weights, runs }.check()
        };
        assert_eq!(with("0.0.0.0:1", "0123456789abcdef"), Ok(()));
        assert_eq!(with("[::1]:1", "0123456789abcde"), Err(SettingsError::TokenWeak));
        assert_eq!(with("127.0.0.1:1", "0123456789abcdef;"), Err(SettingsError::TokenWeak));
    }
}
