//! What differs between two programs, by program organization units.
//!
//! A container is one flat memory and one row of code: a constant more in one POU moves the slots of all
//! others, so the code of one POU cannot be put into the container of another program. What can be said
//! is which POUs mean something else, by the digests of [`Program::pous`], which do not depend on where
//! things lie.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::program::Program;

/// What one program has that another has not. Names as declared, in the order of the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// POUs in both whose logic, layout or initial values differ.
    pub changed: Vec<String>,
    /// POUs only in the new program.
    pub added: Vec<String>,
    /// POUs only in the old program.
    pub removed: Vec<String>,
    /// Whether tasks differ, or what they run.
    pub tasks: bool,
    /// Whether variables are tied to other addresses.
    pub addresses: bool,
}

impl Changes {
    /// The POU that has changed, if that is all that has changed.
    #[must_use]
    pub fn only_pou(&self) -> Option<&str> {
        let is_more =
            self.tasks || self.addresses || !self.added.is_empty() || !self.removed.is_empty();
        match &self.changed[..] {
            [one] if !is_more => Some(one),
            _ => None,
        }
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        for (what, names) in [
            ("changed", &self.changed),
            ("added", &self.added),
            ("removed", &self.removed),
        ] {
            if !names.is_empty() {
                parts.push(format!("{what} {}", names.join(", ")));
            }
        }
        parts.extend(self.tasks.then(|| "other tasks".to_owned()));
        parts.extend(self.addresses.then(|| "other addresses".to_owned()));
        if parts.is_empty() {
            parts.push("nothing that matters to the logic".to_owned());
        }
        f.write_str(&parts.join("; "))
    }
}

impl Program {
    /// What another program has changed. Names are compared without regard to case.
    #[must_use]
    pub fn changes_to(&self, next: &Self) -> Changes {
        let key = |name: &str| name.to_ascii_uppercase();
        let (old, new) = (self.pous(), next.pous());
        let before: BTreeMap<String, [u8; 32]> =
            old.iter().map(|pou| (key(&pou.name), pou.digest)).collect();
        let mut changes = Changes {
            tasks: self.tasks() != next.tasks(),
            addresses: addresses(self) != addresses(next),
            ..Changes::default()
        };
        for pou in &new {
            match before.get(&key(&pou.name)) {
                None => changes.added.push(pou.name.clone()),
                Some(digest) if *digest != pou.digest => changes.changed.push(pou.name.clone()),
                Some(_) => {}
            }
        }
        let after: BTreeSet<String> = new.iter().map(|pou| key(&pou.name)).collect();
        let gone = old.iter().filter(|pou| !after.contains(&key(&pou.name)));
        changes.removed = gone.map(|pou| pou.name.clone()).collect();
        changes
    }
}

/// Every located variable by name and place, whatever its slot.
fn addresses(program: &Program) -> Vec<String> {
    let located = program.located().iter();
    let mut list: Vec<String> = located
        .map(|one| format!("{} {:?} {:?}", one.name, one.address, one.ty))
        .collect();
    list.sort_unstable();
    list
}
