//! Times as text in files that people write: `#[serde(with = "sim_kernel::time::text")]`.
//!
//! Writes what [`Display`] writes and reads what [`FromStr`] reads, for [`SimTime`] and
//! [`SimDuration`].
//!
//! [`SimTime`]: super::SimTime
//! [`SimDuration`]: super::SimDuration
//!
//! # Examples
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use sim_kernel::SimDuration;
//!
//! #[derive(Serialize, Deserialize)]
//! struct Controller {
//!     #[serde(with = "sim_kernel::time::text")]
//!     scan_period: SimDuration,
//! }
//!
//! let controller: Controller = serde_json::from_str(r#"{"scan_period":"20ms"}"#)?;
//! assert_eq!(controller.scan_period, SimDuration::from_millis(20));
//! # Ok::<(), serde_json::Error>(())
//! ```

use core::fmt::Display;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serializer};

use super::TimeParseError;

/// Writes a time as its text.
///
/// # Errors
///
/// Those of the serializer.
pub fn serialize<T: Display, S: Serializer>(time: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

/// Reads a time from its text.
///
/// # Errors
///
/// [`TimeParseError`], as the deserializer's own error; and those of the deserializer.
pub fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err = TimeParseError>,
    D: Deserializer<'de>,
{
    String::deserialize(deserializer)?
        .parse()
        .map_err(serde::de::Error::custom)
}
