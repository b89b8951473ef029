//! What a tool said, in the one form that every format is mapped to.
//!
//! One alert is one JSON object on one line of `alerts.jsonl`. `t_ns` and `sig_id` are required;
//! everything else may be absent. `docs/scoring.md` lists the fields.

use serde::{Deserialize, Serialize};

/// Whether a record asks for attention or only informs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The tool says that something is wrong. Only these can detect a step or be false alarms.
    #[default]
    Alert,
    /// A record that an analyst could find by searching: telemetry, never a detection.
    Log,
}

/// Where the technique identifiers of an alert come from. Nothing is ever guessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TechniqueSource {
    /// The tool's own field for technique identifiers.
    Native,
    /// A tag such as `attack.t0855`.
    Tag,
    /// The user's table from signature to techniques.
    Table,
    /// There are none.
    #[default]
    None,
}

/// What the tool did about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It let the traffic pass.
    Allowed,
    /// It stopped the traffic.
    Blocked,
    /// It only watched, or did not say.
    #[default]
    None,
}

/// One end of what an alert is about. Empty when the tool named nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// IP address as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// TCP or UDP port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// MAC address as colon-separated lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// Name of the asset, as in `evidence/assets.json`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<String>,
}

impl Endpoint {
    /// True when nothing is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The names by which the asset can be recognised: IP address, MAC address, asset name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        [&self.ip, &self.mac, &self.asset]
            .into_iter()
            .filter_map(|name| name.as_deref())
    }
}

/// One alert or log record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// When it happened by the tool's account, simulated nanoseconds since the start of the run.
    pub t_ns: u64,
    /// When the range received it, if the tool ran along with the simulation. A detection counts
    /// from the later of both, so that back-dating gains nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub t_received_ns: Option<u64>,
    /// Alert or log record.
    #[serde(default, skip_serializing_if = "is_alert")]
    pub kind: Kind,
    /// Name of the tool. Alarms are merged per tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Name of the sensor that saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensor: Option<String>,
    /// Identifier of the signature, rule or model.
    pub sig_id: String,
    /// Text of the signature, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sig_name: Option<String>,
    /// 0 (informational) to 10 (critical).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<u8>,
    /// Source.
    #[serde(default, skip_serializing_if = "Endpoint::is_empty")]
    pub src: Endpoint,
    /// Destination.
    #[serde(default, skip_serializing_if = "Endpoint::is_empty")]
    pub dst: Endpoint,
    /// Protocol, such as `modbus`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proto: Option<String>,
    /// Technique identifiers, canonical (ATT&CK v19), sorted, without repeats.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub techniques: Vec<String>,
    /// Tactic identifiers that the tool gave, sorted, without repeats.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tactics: Vec<String>,
    /// Where the techniques come from.
    #[serde(default)]
    pub technique_source: TechniqueSource,
    /// What the tool did about it.
    #[serde(default)]
    pub action: Action,
    /// The SPAN whose capture holds `frame`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<String>,
    /// 1-based number of the frame in that capture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<u64>,
    /// The tool's own record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<serde_json::Value>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_alert(kind: &Kind) -> bool {
    *kind == Kind::Alert
}

impl Alert {
    /// The instant from which a detection counts, ns: the later of the tool's time and the time of
    /// receipt.
    #[must_use]
    pub fn effective_ns(&self) -> u64 {
        self.t_ns.max(self.t_received_ns.unwrap_or(0))
    }

    /// All names of assets in the alert, source first.
    pub fn asset_names(&self) -> impl Iterator<Item = &str> {
        self.src.names().chain(self.dst.names())
    }
}

/// Sorts technique identifiers after mapping them to ATT&CK v19, and drops repeats.
pub(crate) fn canonical_techniques<'a>(ids: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut ids: Vec<String> = ids
        .into_iter()
        .map(|id| crate::attack::canonical(id).to_owned())
        .collect();
    ids.sort();
    ids.dedup();
    ids
}

/// Writes alerts as JSON lines, in the given order.
///
/// # Panics
///
/// Never: every alert serialises.
#[must_use]
pub fn to_jsonl(alerts: &[Alert]) -> String {
    let mut text = String::new();
    for alert in alerts {
        text.push_str(&serde_json::to_string(alert).expect("an alert serialises"));
        text.push('\n');
    }
    text
}
