//! All metrics of one series, in the form of the reference vectors.

use std::collections::BTreeMap;

use serde::Serialize;

use super::nab::PROFILES;
use super::{
    Adjusted, Affiliation, Batadal, Bias, Cardinality, Etapr, Eventwise, Ipal, Nab, Pointwise,
    RangeBased, Series, Tapr, affiliation, batadal, etapr, eventwise, ipal, nab, point_adjust,
    pointwise, range_based, tapr,
};

/// Parameters of eTaPR: portion of an alarm, portion of an attack, time after it. The first set is the one to
/// report.
const ETAPR: [(f64, f64, f64); 6] = [
    (0.5, 0.1, 0.0),
    (0.5, 0.01, 0.0),
    (0.7, 0.1, 0.0),
    (0.5, 0.1, 0.25),
    (0.1, 0.01, 0.5),
    (0.0, 0.0, 0.0),
];
/// Parameters of TaPR: weight of detection, portion, samples after an attack.
const TAPR: [(f64, f64, u64); 3] = [(0.8, 0.5, 0), (0.8, 0.5, 10), (0.5, 0.1, 5)];
/// Parameters of range-based metrics: weight of existence in the recall (0 in the precision), cardinality, bias.
const RANGE_BASED: [(f64, Cardinality, Bias); 5] = [
    (0.0, Cardinality::One, Bias::Flat),
    (0.5, Cardinality::Reciprocal, Bias::Flat),
    (0.2, Cardinality::Reciprocal, Bias::Front),
    (0.0, Cardinality::Reciprocal, Bias::Back),
    (0.0, Cardinality::One, Bias::Middle),
];
/// K of point adjust, percent.
const ADJUST: [u32; 3] = [0, 20, 50];
/// Probation of NAB, shares.
const PROBATION: [f64; 2] = [0.0, 0.15];

/// Every metric of a series. It serialises to the keys of `expected` in the reference vectors.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// Over samples.
    pub pointwise: Pointwise,
    /// Over attacks and alarms.
    pub eventwise: Eventwise,
    /// Point adjust by K; for comparison with older papers only.
    pub point_adjust: BTreeMap<String, Adjusted>,
    /// By sets of parameters, the one to report first.
    pub etapr: Vec<Etapr>,
    /// By sets of parameters.
    pub tapr: Vec<Tapr>,
    /// By sets of parameters; on request only.
    pub range_based: Vec<RangeBased>,
    /// Affiliation.
    pub affiliation: Affiliation,
    /// Three profiles without probation, then with it.
    pub nab: Vec<Nab>,
    /// As ipal_evaluate counts it.
    pub batadal: Batadal,
    /// Other figures of ipal_evaluate.
    pub ipal: Ipal,
}

impl Scores {
    /// Computes every metric.
    #[must_use]
    pub fn of(series: &Series) -> Self {
        let adjusted = ADJUST.map(|k| (k.to_string(), point_adjust(series, f64::from(k))));
        let nab = |probation| PROFILES.map(|profile| nab(series, &profile, probation));
        Self {
            pointwise: pointwise(series),
            eventwise: eventwise(series),
            point_adjust: adjusted.into_iter().collect(),
            etapr: ETAPR.map(|(p, r, delta)| etapr(series, p, r, delta)).into(),
            tapr: TAPR
                .map(|(alpha, theta, delta)| tapr(series, alpha, theta, delta))
                .into(),
            range_based: RANGE_BASED
                .map(|(alpha, cardinality, bias)| {
                    range_based(series, 0.0, alpha, cardinality, bias)
                })
                .into(),
            affiliation: affiliation(series),
            nab: PROBATION.map(nab).concat(),
            batadal: batadal(series),
            ipal: ipal(series),
        }
    }
}
