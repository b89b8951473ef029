//! A reported number that may be undefined, and an interval around one.

use serde::{Deserialize, Serialize};

/// One reported number. Exactly one of `value` and `undefined` is set.
///
/// A number that cannot be computed (0/0, a run that was not made) says why, so that no reader
/// mistakes it for a zero and no gate passes on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The number, in the unit that the field's name or documentation gives. Always finite.
    pub value: Option<f64>,
    /// Why there is no number, as a short clause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undefined: Option<String>,
}

impl Figure {
    /// A number.
    ///
    /// # Panics
    ///
    /// If `value` is not finite: a division that can fail must go through [`Figure::ratio`].
    #[must_use]
    pub fn of(value: f64) -> Self {
        assert!(value.is_finite(), "a figure must be finite: {value}");
        // Negative zero would print as "-0".
        Self {
            value: Some(if value == 0.0 { 0.0 } else { value }),
            undefined: None,
        }
    }

    /// No number, and why.
    #[must_use]
    pub fn undefined(reason: impl Into<String>) -> Self {
        Self {
            value: None,
            undefined: Some(reason.into()),
        }
    }

    /// `numerator / denominator`, or undefined with `reason` when the denominator is zero or the
    /// quotient is not finite.
    #[must_use]
    pub fn ratio(numerator: f64, denominator: f64, reason: &str) -> Self {
        let quotient = numerator / denominator;
        if denominator == 0.0 || !quotient.is_finite() {
            return Self::undefined(reason);
        }
        Self::of(quotient)
    }

    /// The number passed through `f`; an undefined figure stays undefined for the same reason.
    #[must_use]
    pub fn map(&self, f: impl FnOnce(f64) -> f64) -> Self {
        self.value
            .map_or_else(|| self.clone(), |value| Self::of(f(value)))
    }
}

/// A two-sided interval around an estimate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower limit, in the unit of the estimate.
    pub low: f64,
    /// Upper limit, in the unit of the estimate.
    pub high: f64,
    /// Confidence level, a share; `0.95` everywhere today.
    pub level: f64,
}
