//! MITRE ATT&CK for ICS: which techniques there are, and what became of those that were revoked.
//!
//! The list is version 19 (April 2026), in which nine identifiers of version 18 were revoked in favor
//! of sub-techniques. Tools in the field will go on naming the old ones, so [`successor`] knows them.
//!
//! # Source
//!
//! `data/attack-ics.json` and `data/attack-ics-crosswalk-v18-v19.json`; MITRE ATT&CK® is a registered
//! trademark of The MITRE Corporation.

use std::sync::LazyLock;

use serde::Deserialize;

/// Version of ATT&CK for ICS that [`all`] lists and playbooks must name.
pub const ATTACK_VERSION: &str = "19";

/// What an attacker wants at a stage of an attack.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tactic {
    /// Identifier, such as `TA0106`.
    pub id: String,
    /// Name, such as `Impair Process Control`.
    pub name: String,
}

/// A way to reach it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Technique {
    /// Identifier, such as `T0836` or `T1692.001`.
    pub id: String,
    /// Name, such as `Modify Parameter`.
    pub name: String,
    /// The tactics that it serves.
    pub tactics: Vec<Tactic>,
}

#[derive(Deserialize)]
struct Crosswalk {
    revoked: Vec<Revoked>,
}

#[derive(Deserialize)]
struct Revoked {
    old: String,
    new: String,
}

static TECHNIQUES: LazyLock<Vec<Technique>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../data/attack-ics.json")).expect("the list is tested")
});

static REVOKED: LazyLock<Vec<Revoked>> = LazyLock::new(|| {
    let text = include_str!("../data/attack-ics-crosswalk-v18-v19.json");
    serde_json::from_str::<Crosswalk>(text)
        .expect("the list is tested")
        .revoked
});

/// All techniques and sub-techniques, by identifier.
#[must_use]
pub fn all() -> &'static [Technique] {
    &TECHNIQUES
}

/// The technique with this identifier.
///
/// # Examples
///
/// ```
/// use twinrange_attacks::technique;
///
/// let technique = technique::find("T1692.001").expect("it is in version 19");
/// assert!(technique.tactics.iter().any(|tactic| tactic.id == "TA0106"));
/// assert_eq!(technique::find("T0855"), None); // Revoked in version 19.
/// assert_eq!(technique::successor("T0855"), Some("T1692.001"));
/// ```
#[must_use]
pub fn find(id: &str) -> Option<&'static Technique> {
    TECHNIQUES.iter().find(|technique| technique.id == id)
}

/// What replaces an identifier that was revoked; `None` for one that was not.
#[must_use]
pub fn successor(id: &str) -> Option<&'static str> {
    let entry = REVOKED.iter().find(|revoked| revoked.old == id)?;
    Some(&entry.new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_when_read_then_version_19_is_complete_and_sorted() {
        assert_eq!(all().len(), 97);
        for pair in all().windows(2) {
            assert!(
                pair[0].id < pair[1].id,
                "{} before {}",
                pair[0].id,
                pair[1].id
            );
        }
        for technique in all() {
            assert!(!technique.tactics.is_empty(), "{}", technique.id);
        }
    }

    #[test]
    fn revoked_when_followed_then_the_successor_is_listed_and_the_old_one_is_not() {
        assert_eq!(REVOKED.len(), 9);
        for revoked in REVOKED.iter() {
            assert_eq!(find(&revoked.old), None, "{}", revoked.old);
            assert!(find(&revoked.new).is_some(), "{}", revoked.new);
            assert_eq!(successor(&revoked.old), Some(revoked.new.as_str()));
        }
        assert_eq!(successor("T0836"), None);
    }
}
