//! The curves of a chart: which samples are in view, between which values, and how few points show them.

use super::Series;
use super::svg::{tick_texts, ticks, widest_px};
use super::words::number;

/// One chart: curves over the same times.
pub(super) struct Chart<'a> {
    pub(super) name: &'a str,
    /// Unit; may be empty.
    pub(super) unit: &'a str,
    /// Simulated times, s, ascending; shape `[samples]`.
    pub(super) t_s: &'a [f64],
    /// The most important last and so on top.
    pub(super) curves: Vec<Curve<'a>>,
}

/// One curve of a chart.
pub(super) struct Curve<'a> {
    /// Shape `[samples]`. A value that is not finite is a gap.
    pub(super) values: &'a [f64],
    /// How it is drawn.
    pub(super) class: &'static str,
    /// How it is called in words.
    pub(super) name: &'a str,
}

impl<'a> Chart<'a> {
    /// This run over its twin and over what the HMI showed.
    pub(super) fn of(series: &'a Series) -> Self {
        let all = [
            (series.twin.as_ref(), "twin"),
            (series.shown.as_ref(), "shown"),
            (Some(&series.actual), "actual"),
        ];
        let curves = all.into_iter().filter_map(|(values, class)| {
            Some(Curve {
                values: values?,
                class,
                name: class,
            })
        });
        Self {
            name: &series.name,
            unit: &series.unit,
            t_s: &series.t_s,
            curves: curves.collect(),
        }
    }
}

/// The vertical axis of a chart.
pub(super) struct ChartAxis {
    /// Indices of the samples in view.
    pub(super) inside: Vec<usize>,
    /// Least value drawn.
    pub(super) low: f64,
    /// Greatest value drawn.
    pub(super) high: f64,
    /// Values with a grid line.
    pub(super) ticks: Vec<f64>,
    /// Their texts; shape `[ticks]`.
    pub(super) texts: Vec<String>,
}

impl ChartAxis {
    /// Room that the texts need, px.
    pub(super) fn labels_px(&self) -> f64 {
        widest_px(&self.texts)
    }
}

/// The axis that shows all curves of a chart in a part of the run.
pub(super) fn chart_axis(chart: &Chart<'_>, focus: (f64, f64)) -> ChartAxis {
    let inside: Vec<usize> = (0..chart.t_s.len())
        .filter(|&i| chart.t_s[i] >= focus.0 && chart.t_s[i] <= focus.1)
        .collect();
    let values: Vec<&[f64]> = chart.curves.iter().map(|curve| curve.values).collect();
    let (low, high) = bounds(&values, &inside);
    let ticks = ticks(low, high, 3.0);
    let texts = tick_texts(&ticks);
    ChartAxis {
        inside,
        low,
        high,
        ticks,
        texts,
    }
}

/// Least and greatest value of each curve in view, for readers who cannot see them.
pub(super) fn in_words(chart: &Chart<'_>, focus: (f64, f64)) -> String {
    let inside = |index: &usize| (focus.0..=focus.1).contains(&chart.t_s[*index]);
    let mut parts = Vec::new();
    for curve in chart.curves.iter().rev() {
        let values = curve.values;
        let seen = (0..values.len()).filter(inside).map(|index| values[index]);
        let range = seen.filter(|value| value.is_finite()).fold(
            None,
            |range: Option<(f64, f64)>, value| {
                let (low, high) = range.unwrap_or((value, value));
                Some((
                    if value < low { value } else { low },
                    if value > high { value } else { high },
                ))
            },
        );
        if let Some((low, high)) = range {
            parts.push(format!(
                "{} {} to {}",
                curve.name,
                number(low, 2),
                number(high, 2)
            ));
        }
    }
    if parts.is_empty() {
        return String::new();
    }
    let unit = if chart.unit.is_empty() {
        String::new()
    } else {
        format!(" [{}]", chart.unit)
    };
    format!(" {}{unit}: {}.", chart.name, parts.join(", "))
}

/// The range of all curves in view, a little widened, never empty.
fn bounds(curves: &[&[f64]], inside: &[usize]) -> (f64, f64) {
    let mut range: Option<(f64, f64)> = None;
    for values in curves {
        for value in inside
            .iter()
            .map(|&i| values[i])
            .filter(|value| value.is_finite())
        {
            range = Some(match range {
                None => (value, value),
                Some((low, high)) => (
                    if value < low { value } else { low },
                    if value > high { value } else { high },
                ),
            });
        }
    }
    let (low, high) = range.unwrap_or((0.0, 1.0));
    let pad = if high > low {
        0.08 * (high - low)
    } else {
        0.5 + 0.05 * high.abs()
    };
    // A quantity that is never negative keeps its zero line.
    let floor = if low >= 0.0 && low - pad < 0.0 {
        0.0
    } else {
        low - pad
    };
    (floor, high + pad)
}

/// The stretches of a curve without gaps.
pub(super) fn runs(t_s: &[f64], values: &[f64], inside: &[usize]) -> Vec<Vec<(f64, f64)>> {
    let mut all = vec![Vec::new()];
    for &i in inside {
        if values[i].is_finite() {
            all.last_mut()
                .expect("there is a run")
                .push((t_s[i], values[i]));
        } else {
            all.push(Vec::new());
        }
    }
    all.retain(|run| !run.is_empty());
    all
}

/// At most four points per column of the drawing: first, least, greatest, last. No spike is lost.
pub(super) fn decimate(points: &[(f64, f64)], columns: f64, focus: (f64, f64)) -> Vec<(f64, f64)> {
    if (points.len() as f64) <= columns * 2.0 {
        return points.to_vec();
    }
    let column = |t_s: f64| libm::floor((t_s - focus.0) / (focus.1 - focus.0) * columns);
    let mut out = Vec::new();
    for group in points.chunk_by(|a, b| column(a.0) == column(b.0)) {
        let least = group
            .iter()
            .copied()
            .reduce(|a, b| if b.1 < a.1 { b } else { a });
        let most = group
            .iter()
            .copied()
            .reduce(|a, b| if b.1 > a.1 { b } else { a });
        let mut kept: Vec<(f64, f64)> =
            [group.first().copied(), least, most, group.last().copied()]
                .into_iter()
                .flatten()
                .collect();
        kept.sort_by(|a, b| a.0.total_cmp(&b.0));
        kept.dedup();
        out.extend(kept);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimate_when_dense_then_few_points_and_the_spike_survives() {
        let mut points: Vec<(f64, f64)> = (0..100_000).map(|i| (f64::from(i), 1.0)).collect();
        points[54_321].1 = 9.0;
        let kept = decimate(&points, 100.0, (0.0, 100_000.0));
        assert!(kept.len() <= 400, "{}", kept.len());
        assert!(kept.contains(&(54_321.0, 9.0)));
        assert!(kept.is_sorted_by(|a, b| a.0 <= b.0));
    }

    #[test]
    fn bounds_when_flat_empty_or_gapped_then_never_an_empty_range() {
        let check = |values: Vec<f64>, expect: (f64, f64)| {
            let inside: Vec<usize> = (0..values.len()).collect();
            assert_eq!(bounds(&[&values], &inside), expect);
        };
        check(vec![], (-0.08 + 0.08, 1.08));
        check(vec![f64::NAN, f64::INFINITY], (0.0, 1.08));
        check(vec![10.0, 10.0], (9.0, 11.0));
        check(vec![-5.0, 5.0], (-5.8, 5.8));
    }
}
