//! Who may ask for what: tokens, their roles, and how often they may ask.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::serve::{SOCKETS_MAX, STREAMS_MAX};

/// Fewest characters of a token.
pub const TOKEN_CHARS_MIN: usize = 16;
/// Requests that a caller may make at once, and each second after that.
const REQUESTS: Rate = Rate {
    at_once: 400.0,
    each_s: 200.0,
};
/// Alerts that a caller may hand in at once, and each second after that.
const ALERTS: Rate = Rate {
    at_once: 5_000.0,
    each_s: 1_000.0,
};

/// Streams and WebSockets that a token may have at one time, so that it leaves some to the others.
pub(crate) const STREAMS_EACH: usize = 16;

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// See what the plant's sensors see, and how the session stands.
    Observe,
    /// Hand in alerts.
    Alert,
    /// Ask for actions.
    Act,
    /// Release or refuse actions that others ask for.
    Approve,
    /// Stop time and let it pass, and end the session.
    Control,
    /// See the truth: scenario, seed and playbook. For people who lead an exercise, and never for a tool under test.
    Truth,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Observe,
        Self::Alert,
        Self::Act,
        Self::Approve,
        Self::Control,
        Self::Truth,
    ];

    /// The word in a file of tokens.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Alert => "alert",
            Self::Act => "act",
            Self::Approve => "approve",
            Self::Control => "control",
            Self::Truth => "truth",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One entry of a file of tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    token: String,
    roles: BTreeSet<Role>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    tokens: Vec<Entry>,
}

/// A mistake in a file of tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TokenError {
    /// Line and column from 1, where they are known.
    pub place: Option<(u32, u32)>,
    /// What is wrong. It never holds a token.
    pub message: String,
}

/// Who holds a token.
struct Holder {
    name: String,
    /// Of the token: comparing digests tells nothing of how alike two tokens are.
    digest: blake3::Hash,
    roles: BTreeSet<Role>,
    budget: Mutex<Budget>,
    streams: Arc<Semaphore>,
}

/// The tokens of a session.
pub struct Access {
    holders: Vec<Arc<Holder>>,
    is_open: bool,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.holders.iter().map(|holder| &holder.name);
        f.debug_list().entries(names).finish()
    }
}

/// Who asks, and what is left to them.
#[derive(Clone)]
pub(crate) struct Caller(Arc<Holder>);

/// Why somebody is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// No token, or none that is known.
    Unknown,
    /// The token has not this role.
    Role(Role),
    /// Too often.
    TooOften,
}

impl Access {
    /// Everybody who reaches the address may do everything: for loopback addresses.
    #[must_use]
    pub fn open() -> Self {
        Self {
            holders: vec![Arc::new(Holder {
                name: "anybody".to_owned(),
                digest: blake3::hash(&[]),
                roles: Role::ALL.into(),
                budget: Mutex::default(),
                // Everybody is one caller here.
                streams: Arc::new(Semaphore::new(STREAMS_MAX + SOCKETS_MAX)),
            })],
            is_open: true,
        }
    }

    /// Whether no token is needed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether an API with these tokens may listen at an address.
    #[must_use]
    pub fn may_listen_at(&self, address: IpAddr) -> bool {
        address.is_loopback() || !self.is_open
    }

    /// Reads a file of tokens.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    ///
    /// # Examples
    ///
    /// ```
    /// use twinrange_bridge::api::Access;
    ///
    /// let file = r#"(tokens: [
    ///     (name: "siem", token: "k2o8-vXbb-wq31-pd7s", roles: [observe, alert]),
    /// ])"#;
    /// assert!(!Access::parse(file)?.is_open());
    /// # Ok::<(), twinrange_bridge::api::TokenError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let file: File = ron::from_str(text).map_err(|error| {
            let at = error.span.start;
            let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            TokenError {
                place: Some((number(at.line), number(at.col))),
                message: error.code.to_string(),
            }
        })?;
        let wrong = |message: String| TokenError {
            place: None,
            message,
        };
        let mut holders: Vec<Arc<Holder>> = Vec::new();
        for entry in file.tokens {
            let name = entry.name;
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
                return Err(wrong(format!(
                    "`{}` is no name: use up to 64 letters, digits, `-`, `_` and `.`",
                    name.escape_default()
                )));
            }
            let visible = entry.token.chars().all(|c| c.is_ascii_graphic());
            if entry.token.len() < TOKEN_CHARS_MIN || !visible {
                return Err(wrong(format!(
                    "the token of `{name}` must have at least {TOKEN_CHARS_MIN} visible ASCII characters"
                )));
            }
            if entry.roles.is_empty() {
                return Err(wrong(format!("`{name}` has no role")));
            }
            let digest = blake3::hash(entry.token.as_bytes());
            if holders.iter().any(|known| known.name == name) {
                return Err(wrong(format!("`{name}` is there twice")));
            }
            if let Some(other) = holders.iter().find(|known| known.digest == digest) {
                return Err(wrong(format!(
                    "`{name}` and `{}` have the same token",
                    other.name
                )));
            }
            holders.push(Arc::new(Holder {
                name,
                digest,
                roles: entry.roles,
                budget: Mutex::default(),
                streams: Arc::new(Semaphore::new(STREAMS_EACH)),
            }));
        }
        if holders.is_empty() {
            return Err(wrong("there is no token in it".to_owned()));
        }
        Ok(Self {
            holders,
            is_open: false,
        })
    }

    /// Who asks.
    ///
    /// # Arguments
    ///
    /// * `authorization` — the header of that name.
    /// * `needs` — the role that the request takes.
    pub(crate) fn admit(
        &self,
        authorization: Option<&str>,
        needs: Role,
        now: Instant,
    ) -> Result<Caller, Denied> {
        let caller = if self.is_open {
            &self.holders[0]
        } else {
            let token = authorization.and_then(|header| {
                let (scheme, token) = header.split_once(' ')?;
                scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
            });
            let digest = blake3::hash(token.ok_or(Denied::Unknown)?.as_bytes());
            let holder = self.holders.iter().find(|holder| holder.digest == digest);
            holder.ok_or(Denied::Unknown)?
        };
        if !caller.roles.contains(&needs) {
            return Err(Denied::Role(needs));
        }
        let caller = Caller(Arc::clone(caller));
        if caller.take_request(needs, now) {
            Ok(caller)
        } else {
            Err(Denied::TooOften)
        }
    }
}

impl Caller {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether it has a role.
    pub(crate) fn may(&self, role: Role) -> bool {
        self.0.roles.contains(&role)
    }

    /// Takes a request from what it may ask; false where they are too many just now.
    pub(crate) fn take_request(&self, needs: Role, now: Instant) -> bool {
        let mut budget = self.0.budget.lock().expect("nobody panics with it");
        // Who releases actions or ends the session is not kept from it by a flood of other requests.
        let bucket = match needs {
            Role::Approve | Role::Control => &mut budget.commands,
            _ => &mut budget.requests,
        };
        bucket.take(1.0, REQUESTS, now)
    }

    /// Takes alerts from what it may hand in; false where they are too many just now.
    pub(crate) fn take_alerts(&self, count: usize, now: Instant) -> bool {
        let mut budget = self.0.budget.lock().expect("nobody panics with it");
        budget.alerts.take(count as f64, ALERTS, now)
    }

    /// A place for a stream or a WebSocket, until it is dropped; `None` where the caller has too many.
    pub(crate) fn take_stream(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0.streams).try_acquire_owned().ok()
    }
}

/// What a caller has left.
#[derive(Debug, Default)]
struct Budget {
    requests: Bucket,
    commands: Bucket,
    alerts: Bucket,
}

#[derive(Clone, Copy, Debug)]
struct Rate {
    at_once: f64,
    each_s: f64,
}

/// A token bucket: full at first, and refilled by time.
#[derive(Debug, Default)]
struct Bucket {
    /// What was used up, at a time.
    used: Option<(f64, Instant)>,
}

impl Bucket {
    fn take(&mut self, count: f64, rate: Rate, now: Instant) -> bool {
        let used = self.used.map_or(0.0, |(used, at)| {
            let since = now.saturating_duration_since(at).as_secs_f64();
            (used - since * rate.each_s).max(0.0)
        });
        let fits = used + count <= rate.at_once;
        self.used = Some((if fits { used + count } else { used }, now));
        fits
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const FILE: &str = r#"(tokens: [
        (name: "siem", token: "0123456789abcdef", roles: [observe, alert]),
        (name: "lead", token: "fedcba9876543210", roles: [truth, control]),
    ])"#;

    fn admitted(header: Option<&str>, needs: Role) -> Result<String, Denied> {
        let access = Access::parse(FILE).expect("a proper file");
        access
            .admit(header, needs, Instant::now())
            .map(|caller| caller.name().to_owned())
    }

    #[test]
    fn callers_when_they_have_the_role_then_they_are_admitted() {
        let siem = Some("Bearer 0123456789abcdef");
        assert_eq!(admitted(siem, Role::Alert), Ok("siem".to_owned()));
        assert_eq!(
            admitted(siem, Role::Truth),
            Err(Denied::Role(Role::Truth)),
            "a tool under test must not see the truth"
        );
        let lead = Some("bearer fedcba9876543210");
        assert_eq!(admitted(lead, Role::Control), Ok("lead".to_owned()));
    }

    #[test]
    fn callers_when_they_have_no_token_then_they_are_denied() {
        for header in [
            None,
            Some(""),
            Some("Bearer"),
            Some("Bearer 0123456789abcde"),
            Some("Bearer 0123456789abcdef0"),
            Some("Basic 0123456789abcdef"),
            Some("0123456789abcdef"),
        ] {
            assert_eq!(admitted(header, Role::Observe), Err(Denied::Unknown));
        }
    }

    #[test]
    fn tokens_when_the_file_is_wrong_then_says_what() {
        let wrong = |entries: &str| {
            let error = Access::parse(&format!("(tokens: [{entries}])"));
            error.expect_err("a mistake").message
        };
        let entry = |name: &str, token: &str, roles: &str| {
            format!("(name: {name:?}, token: {token:?}, roles: [{roles}]),")
        };
        let good = entry("a", "0123456789abcdef", "alert");
        assert!(wrong("").contains("no token"));
        assert!(wrong(&entry("a", "short", "alert")).contains("at least 16"));
        assert!(wrong(&entry("a", "0123456789abcdef", "")).contains("no role"));
        assert!(wrong(&entry("a b", "0123456789abcdef", "alert")).contains("no name"));
        assert!(wrong(&format!("{good}{good}")).contains("twice"));
        let same = entry("b", "0123456789abcdef", "act");
        assert!(wrong(&format!("{good}{same}")).contains("same token"));
        let error = Access::parse("(tokens: [\n(nam: 1)])").expect_err("a mistake");
        assert_eq!(error.place.map(|(line, _)| line), Some(2), "{error}");
        let secret = wrong(&entry("a", "secret", "alert"));
        assert!(
            !secret.contains("secret"),
            "a token never gets into a message"
        );
    }

    #[test]
    fn listening_when_no_token_is_needed_then_only_at_loopback() {
        let tokens = Access::parse(FILE).expect("a proper file");
        let everywhere: IpAddr = [0, 0, 0, 0].into();
        let loopback: IpAddr = [127, 0, 0, 2].into();
        assert!(Access::open().may_listen_at(loopback));
        assert!(!Access::open().may_listen_at(everywhere));
        assert!(tokens.may_listen_at(everywhere));
    }

    #[test]
    fn callers_when_they_ask_too_often_then_they_have_to_wait() {
        let access = Access::open();
        let start = Instant::now();
        let ask = |at| access.admit(None, Role::Observe, at).map(|_| ());
        for _ in 0..400 {
            assert_eq!(ask(start), Ok(()));
        }
        assert_eq!(ask(start), Err(Denied::TooOften));
        assert_eq!(ask(start + Duration::from_millis(4)), Err(Denied::TooOften));
        assert_eq!(ask(start + Duration::from_millis(6)), Ok(()));
        let later = start + Duration::from_secs(3_600);
        let caller = access.admit(None, Role::Alert, later).map(|caller| {
            let all = caller.take_alerts(5_000, later);
            (all, caller.take_alerts(1, later))
        });
        assert_eq!(caller, Ok((true, false)));
    }
}
