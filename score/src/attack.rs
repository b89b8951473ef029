//! MITRE ATT&CK for ICS: techniques, tactics, and the crosswalk from older versions.
//!
//! Tools in the field emit identifiers of older ATT&CK versions for years, so every identifier goes
//! through [`canonical`] before it is compared.
//!
//! # Source
//!
//! `data/attack-ics.json` (ATT&CK for ICS v19: 79 techniques, 18 sub-techniques) and
//! `data/attack-ics-crosswalk-v18-v19.json` (the 9 identifiers revoked in v19.0).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

/// The version of ATT&CK for ICS that all identifiers are mapped to.
pub const ATTACK_VERSION: &str = "19";

/// The tactics in the order of the matrix: identifier, name, and Navigator's short name.
pub const TACTICS: [(&str, &str, &str); 12] = [
    ("TA0108", "Initial Access", "initial-access"),
    ("TA0104", "Execution", "execution"),
    ("TA0110", "Persistence", "persistence"),
    ("TA0111", "Privilege Escalation", "privilege-escalation"),
    ("TA0103", "Evasion", "evasion"),
    ("TA0102", "Discovery", "discovery"),
    ("TA0109", "Lateral Movement", "lateral-movement"),
    ("TA0100", "Collection", "collection"),
    ("TA0101", "Command and Control", "command-and-control"),
    (
        "TA0107",
        "Inhibit Response Function",
        "inhibit-response-function",
    ),
    ("TA0106", "Impair Process Control", "impair-process-control"),
    ("TA0105", "Impact", "impact"),
];

/// A technique or sub-technique.
#[derive(Clone, Debug, Deserialize)]
pub struct Technique {
    /// Identifier, `T0846` or `T0846.001`.
    pub id: String,
    /// ATT&CK's name. A sub-technique's name does not repeat its parent's.
    pub name: String,
    /// The tactics that it serves, in the table's order.
    pub tactics: Vec<Tactic>,
}

/// A tactic: why an adversary does something.
#[derive(Clone, Debug, Deserialize)]
pub struct Tactic {
    /// Identifier, `TA0102`.
    pub id: String,
    /// ATT&CK's name.
    pub name: String,
}

/// How two canonical identifiers stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The same technique.
    Same,
    /// One is the parent of the other, or both are sub-techniques of one parent.
    Family,
    /// Nothing in common.
    None,
}

#[derive(Deserialize)]
struct Crosswalk {
    revoked: Vec<Revoked>,
}

#[derive(Deserialize)]
struct Revoked {
    old: String,
    old_name: String,
    new: String,
}

struct Tables {
    techniques: BTreeMap<String, Technique>,
    revoked: BTreeMap<String, Revoked>,
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let techniques: Vec<Technique> =
            serde_json::from_str(include_str!("../data/attack-ics.json"))
                .expect("the shipped ATT&CK table is valid");
        let crosswalk: Crosswalk =
            serde_json::from_str(include_str!("../data/attack-ics-crosswalk-v18-v19.json"))
                .expect("the shipped crosswalk is valid");
        Tables {
            techniques: techniques.into_iter().map(|t| (t.id.clone(), t)).collect(),
            revoked: crosswalk
                .revoked
                .into_iter()
                .map(|r| (r.old.clone(), r))
                .collect(),
        }
    })
}

/// All techniques and sub-techniques, by identifier.
pub fn techniques() -> impl Iterator<Item = &'static Technique> {
    tables().techniques.values()
}

/// The technique with this canonical identifier.
#[must_use]
pub fn technique(id: &str) -> Option<&'static Technique> {
    tables().techniques.get(id)
}

/// The identifier that ATT&CK v19 uses for `id`: its successor if it was revoked, else `id` itself.
///
/// # Examples
///
/// ```
/// use twinrange_score::attack::canonical;
/// assert_eq!(canonical("T0855"), "T1692.001"); // Unauthorized Command Message, revoked in v19.
/// assert_eq!(canonical("T0836"), "T0836");
/// ```
#[must_use]
pub fn canonical(id: &str) -> &str {
    match tables().revoked.get(id) {
        Some(revoked) => &revoked.new,
        None => id,
    }
}

/// Whether `id` has the form of a technique identifier: `T` and four digits, with an optional dot
/// and three digits.
#[must_use]
pub fn is_technique_id(id: &str) -> bool {
    let digits = |text: &str, count: usize| {
        text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let Some(rest) = id.strip_prefix('T') else {
        return false;
    };
    match rest.split_once('.') {
        Some((parent, sub)) => digits(parent, 4) && digits(sub, 3),
        None => digits(rest, 4),
    }
}

/// Whether `id` has the form of a tactic identifier: `TA` and four digits.
#[must_use]
pub fn is_tactic_id(id: &str) -> bool {
    id.strip_prefix("TA")
        .is_some_and(|rest| rest.len() == 4 && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The identifier of the technique that `id` belongs to: itself unless it is a sub-technique.
#[must_use]
pub fn parent(id: &str) -> &str {
    id.split_once('.').map_or(id, |(parent, _)| parent)
}

/// How two identifiers of any version stand to each other.
#[must_use]
pub fn relation(a: &str, b: &str) -> Relation {
    let (a, b) = (canonical(a), canonical(b));
    if a == b {
        Relation::Same
    } else if parent(a) == parent(b) {
        Relation::Family
    } else {
        Relation::None
    }
}

/// A name for people: `Port Scan (Remote System Discovery)`, or the identifier if it is unknown.
#[must_use]
pub fn full_name(id: &str) -> String {
    let id = canonical(id);
    match (technique(id), technique(parent(id))) {
        (Some(sub), Some(parent)) if sub.id != parent.id => {
            format!("{} ({})", sub.name, parent.name)
        }
        (Some(technique), _) => technique.name.clone(),
        (None, _) => id.to_owned(),
    }
}

/// The name that a revoked identifier had, for reports that must say what a tool meant.
#[must_use]
pub fn revoked_name(id: &str) -> Option<&'static str> {
    tables()
        .revoked
        .get(id)
        .map(|revoked| revoked.old_name.as_str())
}

/// The tactics that the technique serves; empty if it is unknown.
#[must_use]
pub fn tactics_of(id: &str) -> &'static [Tactic] {
    technique(canonical(id)).map_or(&[], |technique| &technique.tactics)
}

/// Navigator's short name of a tactic identifier.
#[must_use]
pub fn tactic_shortname(id: &str) -> Option<&'static str> {
    TACTICS
        .iter()
        .find(|(tactic, _, _)| *tactic == id)
        .map(|&(_, _, shortname)| shortname)
}

/// The identifier of a tactic named by identifier, name or short name, in any case.
#[must_use]
pub fn tactic_id(word: &str) -> Option<&'static str> {
    let matches = |candidate: &str| candidate.eq_ignore_ascii_case(word);
    TACTICS
        .iter()
        .find(|(id, name, shortname)| {
            matches(id) || matches(name) || matches(shortname) || matches(&name.replace(' ', "_"))
        })
        .map(|&(id, _, _)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_when_loaded_then_97_techniques_and_closed_references() {
        assert_eq!(techniques().count(), 97);
        assert_eq!(techniques().filter(|t| t.id.contains('.')).count(), 18);
        for technique in techniques() {
            assert!(is_technique_id(&technique.id), "{}", technique.id);
            assert!(
                super::technique(parent(&technique.id)).is_some(),
                "{}",
                technique.id
            );
            for tactic in &technique.tactics {
                assert_eq!(tactic_id(&tactic.name), Some(tactic.id.as_str()));
            }
        }
        let revoked = &tables().revoked;
        assert_eq!(revoked.len(), 9);
        for (old, entry) in revoked {
            assert!(technique(old).is_none(), "{old} is both revoked and listed");
            assert!(
                technique(&entry.new).is_some(),
                "{} is not listed",
                entry.new
            );
        }
    }

    #[test]
    fn relation_when_versions_differ_then_compared_after_crosswalk() {
        let check = |a, b, expect| assert_eq!(relation(a, b), expect, "{a} {b}");
        check("T0855", "T1692.001", Relation::Same);
        check("T0855", "T0856", Relation::Family);
        check("T1692", "T0855", Relation::Family);
        check("T0846.001", "T0846", Relation::Family);
        check("T0846.001", "T0846.003", Relation::Family);
        check("T0846", "T0836", Relation::None);
        check("nonsense", "T0836", Relation::None);
    }

    #[test]
    fn identifier_form_when_checked_then_only_well_formed_pass() {
        for good in ["T0846", "T0846.001", "T9999"] {
            assert!(is_technique_id(good), "{good}");
        }
        for bad in [
            "t0846", "T846", "T0846.1", "T0846.", "T08460", "TA0102", "", "T", "T084é",
        ] {
            assert!(!is_technique_id(bad), "{bad}");
        }
        assert!(is_tactic_id("TA0102") && !is_tactic_id("T0102") && !is_tactic_id("TA01022"));
    }

    #[test]
    fn full_name_when_sub_technique_then_parent_is_named() {
        assert_eq!(
            full_name("T0846.001"),
            "Port Scan (Remote System Discovery)"
        );
        assert_eq!(full_name("T0836"), "Modify Parameter");
        assert_eq!(full_name("T9999"), "T9999");
        assert_eq!(tactic_id("impair-process-control"), Some("TA0106"));
    }
}
