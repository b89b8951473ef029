//! A drawing surface: positions in pixels, time to x, and the marks of the report.
//!
//! Colours come from classes in `style.css`, so that one drawing serves light and dark. Shapes differ
//! as well as colours.

use super::words::{escape, number};

/// A drawing in progress.
pub(super) struct Svg {
    body: String,
    width: f64,
}

/// A share of the drawing's width for text: one character of the 12 px font.
const CHARACTER_PX: f64 = 6.7;

/// About how wide a text is, px.
pub(super) fn text_width_px(text: &str) -> f64 {
    text.chars().count() as f64 * CHARACTER_PX
}

/// Cuts a text so that it fits, with an ellipsis.
pub(super) fn fit(text: &str, width_px: f64) -> String {
    if text_width_px(text) <= width_px {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        if (out.chars().count() + 2) as f64 * CHARACTER_PX > width_px {
            break;
        }
        out.push(c);
    }
    if out.is_empty() {
        return out;
    }
    format!("{}…", out.trim_end())
}

/// Breaks a text at blanks into lines that fit; a word that is too long is cut.
pub(super) fn wrap(text: &str, width_px: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if text_width_px(&format!("{line} {word}")) <= width_px => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.iter().map(|line| fit(line, width_px)).collect()
}

impl Svg {
    pub(super) fn new(width: f64) -> Self {
        Self {
            body: String::new(),
            width,
        }
    }

    pub(super) fn width(&self) -> f64 {
        self.width
    }

    /// A place in the drawing order, for [`Svg::line_behind`].
    pub(super) fn mark(&self) -> usize {
        self.body.len()
    }

    /// A line behind everything that was drawn since `mark`.
    pub(super) fn line_behind(
        &mut self,
        mark: usize,
        x1: f64,
        y1: f64,
        x2: f64,
        y2: f64,
        class: &str,
    ) {
        let later = self.body.split_off(mark);
        self.line(x1, y1, x2, y2, class);
        self.body.push_str(&later);
    }

    fn title(title: &str) -> String {
        if title.is_empty() {
            String::new()
        } else {
            format!("<title>{}</title>", escape(title))
        }
    }

    pub(super) fn rect(&mut self, x: f64, y: f64, w: f64, h: f64, class: &str, title: &str) {
        let title = Self::title(title);
        self.body.push_str(&format!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" class=\"{class}\">{title}</rect>\n"
        ));
    }

    pub(super) fn line(&mut self, x1: f64, y1: f64, x2: f64, y2: f64, class: &str) {
        self.body.push_str(&format!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" class=\"{class}\"/>\n"
        ));
    }

    /// `anchor` is `start`, `middle` or `end`.
    pub(super) fn text(&mut self, x: f64, y: f64, anchor: &str, class: &str, text: &str) {
        self.body.push_str(&format!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{}</text>\n",
            escape(text)
        ));
    }

    pub(super) fn circle(&mut self, x: f64, y: f64, r: f64, class: &str, title: &str) {
        let title = Self::title(title);
        self.body.push_str(&format!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{r:.1}\" class=\"{class}\">{title}</circle>\n"
        ));
    }

    /// A closed polygon.
    pub(super) fn polygon(&mut self, points: &[(f64, f64)], class: &str, title: &str) {
        let title = Self::title(title);
        let points = join(points);
        self.body.push_str(&format!(
            "<polygon points=\"{points}\" class=\"{class}\">{title}</polygon>\n"
        ));
    }

    pub(super) fn diamond(&mut self, x: f64, y: f64, r: f64, class: &str, title: &str) {
        self.polygon(
            &[(x, y - r), (x + r, y), (x, y + r), (x - r, y)],
            class,
            title,
        );
    }

    pub(super) fn polyline(&mut self, points: &[(f64, f64)], class: &str) {
        let points = join(points);
        self.body.push_str(&format!(
            "<polyline points=\"{points}\" class=\"{class}\"/>\n"
        ));
    }

    /// The drawing as an element. `id` is unique on the page; `label` is what a screen reader says.
    pub(super) fn finish(self, height: f64, class: &str, id: &str, label: &str) -> String {
        let label = format!("aria-label=\"{}\"", escape(label));
        self.element(height, class, id, &label, "")
    }

    /// The drawing as an element with a name, and the numbers that it shows in words.
    pub(super) fn described(
        self,
        height: f64,
        class: &str,
        id: &str,
        name: &str,
        numbers: &str,
    ) -> String {
        let label = format!(
            "aria-label=\"{}\" aria-describedby=\"{id}-d\"",
            escape(name)
        );
        let numbers = format!("<desc id=\"{id}-d\">{}</desc>\n", escape(numbers));
        self.element(height, class, id, &label, &numbers)
    }

    fn element(self, height: f64, class: &str, id: &str, label: &str, numbers: &str) -> String {
        let width = self.width;
        // The hatch of impact intervals: a pattern, so that they differ without colour.
        let hatch = format!(
            "<defs><pattern id=\"{id}-hatch\" class=\"hatch\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\"/><line x1=\"0\" y1=\"0\" x2=\"0\" y2=\"6\"/></pattern></defs>\n"
        );
        let body = self.body.replace(
            "class=\"impact\"",
            &format!("class=\"impact\" fill=\"url(#{id}-hatch)\""),
        );
        format!(
            "<svg class=\"{class}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" {label}>\n{numbers}{hatch}{body}</svg>\n"
        )
    }
}

fn join(points: &[(f64, f64)]) -> String {
    let mut text = String::with_capacity(points.len() * 12);
    for (index, (x, y)) in points.iter().enumerate() {
        if index > 0 {
            text.push(' ');
        }
        text.push_str(&format!("{x:.1},{y:.1}"));
    }
    text
}

/// A linear map from values to pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    from: f64,
    to: f64,
    first_px: f64,
    last_px: f64,
}

impl Scale {
    /// Maps `from..to` to `first_px..last_px`. An empty range maps to the middle.
    pub(super) fn new(from: f64, to: f64, first_px: f64, last_px: f64) -> Self {
        Self {
            from,
            to,
            first_px,
            last_px,
        }
    }

    pub(super) fn px(&self, value: f64) -> f64 {
        let share = if self.to > self.from {
            (value - self.from) / (self.to - self.from)
        } else {
            0.5
        };
        self.first_px + share * (self.last_px - self.first_px)
    }

    /// Like [`Scale::px`], held inside the drawing.
    pub(super) fn px_inside(&self, value: f64) -> f64 {
        let held = if value < self.from {
            self.from
        } else if value > self.to {
            self.to
        } else {
            value
        };
        self.px(held)
    }
}

/// Round values that divide a range into about `count` parts: 1, 2 or 5 times a power of ten. At least
/// two, so that a reader can tell the scale.
pub(super) fn ticks(low: f64, high: f64, count: f64) -> Vec<f64> {
    if !(low.is_finite() && high.is_finite()) || high <= low {
        return Vec::new();
    }
    let raw = (high - low) / count;
    let magnitude = libm::pow(10.0, libm::floor(libm::log10(raw)));
    let sizes = [10.0, 5.0, 2.0, 1.0, 0.5, 0.2].map(|factor| factor * magnitude);
    let first = sizes.iter().rposition(|&step| step >= raw * 0.999);
    sizes[first.unwrap_or(0)..]
        .iter()
        .map(|&step| steps(low, high, step))
        .find(|values| values.len() >= 2)
        .unwrap_or_default()
}

/// Texts of ticks, exact enough that no two are the same; thousands as `k` where that is exact.
pub(super) fn tick_texts(ticks: &[f64]) -> Vec<String> {
    let step = match ticks {
        [first, second, ..] => second - first,
        _ => 1.0,
    };
    let thousands = step >= 100.0 && ticks.iter().any(|tick| tick.abs() >= 10_000.0);
    let (divisor, mark) = if thousands { (1000.0, "k") } else { (1.0, "") };
    let mut decimals = 0;
    let mut size = step / divisor;
    while size < 0.999 && decimals < 12 {
        size *= 10.0;
        decimals += 1;
    }
    ticks
        .iter()
        .map(|tick| format!("{}{mark}", number(tick / divisor, decimals)))
        .collect()
}

/// The widest of some texts, px.
pub(super) fn widest_px(texts: &[String]) -> f64 {
    texts
        .iter()
        .map(|text| text_width_px(text))
        .fold(
            0.0,
            |widest, width| if width > widest { width } else { widest },
        )
}

/// Round times that divide a range of seconds into at most about `count` parts; at least two where
/// the range has two whole seconds.
pub(super) fn time_ticks(low_s: f64, high_s: f64, count: f64) -> Vec<f64> {
    const STEPS_S: [f64; 17] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0,
        14_400.0, 21_600.0, 43_200.0,
    ];
    let raw = (high_s - low_s) / count;
    let step = STEPS_S
        .into_iter()
        .find(|&step| step >= raw)
        .unwrap_or_else(|| libm::ceil(raw / 86_400.0) * 86_400.0);
    let smaller = STEPS_S.into_iter().rev().filter(|&smaller| smaller < step);
    std::iter::once(step)
        .chain(smaller)
        .map(|step| steps(low_s, high_s, step))
        .find(|values| values.len() >= 2)
        .unwrap_or_else(|| steps(low_s, high_s, 1.0))
}

fn steps(low: f64, high: f64, step: f64) -> Vec<f64> {
    let mut values = Vec::new();
    let mut index = libm::ceil(low / step - 1e-9);
    while index * step <= high + step * 1e-9 && values.len() < 100 {
        values.push(index * step);
        index += 1.0;
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_when_ranges_vary_then_at_least_two_with_texts_of_their_own() {
        for low in [0.0, 0.3, 0.999, 7.7, 460.0, 9_990.0, 123_456.7, -3.2] {
            for range in [
                0.000_7, 0.012, 0.19, 1.0, 1.3, 8.4, 61.0, 740.0, 26_000.0, 1e7,
            ] {
                for count in [3.0, 5.0] {
                    let values = ticks(low, low + range, count);
                    assert!(
                        (2..=12).contains(&values.len()),
                        "{low} {range}: {values:?}"
                    );
                    let mut texts = tick_texts(&values);
                    texts.dedup();
                    assert_eq!(texts.len(), values.len(), "{low} {range}: {texts:?}");
                }
            }
        }
    }

    #[test]
    fn time_ticks_when_ranges_vary_then_at_least_two_and_not_too_many() {
        for low_s in [0.0, 11.0, 5118.0, 86_399.0] {
            for range_s in [3.0, 31.0, 59.0, 61.0, 1000.0, 2664.0, 40_000.0, 2e5, 2e6] {
                for count in [3.0, 9.0] {
                    let values = time_ticks(low_s, low_s + range_s, count);
                    assert!(
                        (2..=10).contains(&values.len()),
                        "{low_s} {range_s}: {values:?}"
                    );
                }
            }
        }
    }
}
