//! A drawing surface: positions in pixels, time to x, and the marks of the report.
//!
//! Colours come from classes in `style.css`, so that one drawing serves light and dark. Shapes differ
//! as well as colours.

use super::words::escape;

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
            "<svg class=\"{class}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{}\">\n{hatch}{body}</svg>\n",
            escape(label)
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

/// Round values that divide a range into about `count` parts: 1, 2 or 5 times a power of ten.
pub(super) fn ticks(low: f64, high: f64, count: f64) -> Vec<f64> {
    if !(low.is_finite() && high.is_finite()) || high <= low {
        return Vec::new();
    }
    let raw = (high - low) / count;
    let magnitude = libm::pow(10.0, libm::floor(libm::log10(raw)));
    let step = [1.0, 2.0, 5.0, 10.0]
        .iter()
        .map(|factor| factor * magnitude)
        .find(|&step| step >= raw * 0.999)
        .unwrap_or(10.0 * magnitude);
    steps(low, high, step)
}

/// Round times that divide a range of seconds into at most about `count` parts.
pub(super) fn time_ticks(low_s: f64, high_s: f64, count: f64) -> Vec<f64> {
    const STEPS_S: [f64; 16] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0,
        14_400.0, 21_600.0,
    ];
    let raw = (high_s - low_s) / count;
    let step = STEPS_S
        .into_iter()
        .find(|&step| step >= raw)
        .unwrap_or_else(|| libm::ceil(raw / 86_400.0) * 86_400.0);
    steps(low_s, high_s, step)
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
