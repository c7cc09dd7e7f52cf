//! A picture in plain SVG: no scripts, no fonts of its own, the same bytes for the same figures. A page that shows it may be
//! light or dark, and an image does not know which: every colour can be seen on both.

use std::fmt::Write as _;

/// Words and figures.
pub(super) const TEXT: &str = "#767c85";
/// Axes and grids.
pub(super) const FAINT: &str = "#8b929c";
/// What is reached, and what falls short.
pub(super) const GOOD: &str = "#1f8f5f";
pub(super) const SHORT: &str = "#d1513f";
/// Lines and bars of different things, in the order in which they are given away.
pub(super) const COLOURS: [&str; 8] =
    ["#3b82d6", "#c9732b", "#1f8f5f", "#b25fc4", "#d1513f", "#8a8020", "#2b909c", "#d05c92"];

/// How a text stands to its place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

#[derive(Debug)]
pub(super) struct Picture {
    width: f64,
    height: f64,
    body: String,
}

impl Picture {
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        let mut picture = Self { width, height, body: String::new() };
        picture.push(&format!("<title>{}</title>", escaped(title)));
        picture.words((16.0, 24.0), title, (Anchor::Start, 15.0), TEXT);
        picture
    }

    fn push(&mut self, element: &str) {
        self.body.push_str(element);
        self.body.push('\n');
    }

    pub(super) fn text(&mut self, at: (f64, f64), text: &str, anchor: Anchor) {
        self.words(at, text, (anchor, 12.0), TEXT);
    }

    pub(super) fn words(
        &mut self,
        (x, y): (f64, f64),
        text: &str,
        (anchor, size): (Anchor, f64),
        colour: &str,
    ) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escaped(text);
        self.push(&format!(
            r#"<text x="{x:.1}" y="{y:.1}" font-size="{size}" text-anchor="{anchor}" fill="{colour}">{text}</text>"#
        ));
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str, width: f64) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.push(&format!(
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" stroke="{colour}" stroke-width="{width}"/>"#
        ));
    }

    pub(super) fn dot(&mut self, (x, y): (f64, f64), colour: &str) {
        self.push(&format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="{colour}"/>"#));
    }

    pub(super) fn bar(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), colour: &str) {
        self.push(&format!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" fill="{colour}"/>"#
        ));
    }

    pub(super) fn path(&mut self, points: &[(f64, f64)], colour: &str) {
        let mut text = String::new();
        for (x, y) in points {
            let _ = write!(text, "{x:.1},{y:.1} ");
        }
        let points = text.trim_end();
        self.push(&format!(
            r#"<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>"#
        ));
    }

    pub(super) fn finish(self) -> String {
        let Self { width, height, body } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
             height=\"{height:.0}\" font-family=\"system-ui, sans-serif\" role=\"img\">\n{body}</svg>\n"
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// `1234567` as `1.2 M`, `27600` as `28 k`.
pub(super) fn short(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{:.1} M", value / 1e6),
        value if value >= 1e4 => format!("{:.0} k", value / 1e3),
        value if value >= 1e3 => format!("{:.1} k", value / 1e3),
        value if value >= 10.0 || value.fract() == 0.0 => format!("{value:.0}"),
        value => format!("{value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By WCAG 2.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn every_colour_can_be_seen_on_light_and_on_dark_pages() {
        for page in ["#ffffff", "#0d1117"] {
            assert!(contrast(TEXT, page) >= 4.0, "{TEXT} on {page}: {}", contrast(TEXT, page));
            for colour in COLOURS.into_iter().chain([FAINT, GOOD, SHORT]) {
                assert!(contrast(colour, page) >= 3.0, "{colour} on {page}: {}", contrast(colour, page));
            }
        }
    }

    #[test]
    fn a_text_cannot_become_an_element() {
        let mut picture = Picture::new(10.0, 10.0, "a < b & c");
        picture.text((1.0, 2.0), "<script>", Anchor::Middle);
        let svg = picture.finish();
        assert!(svg.contains("a &lt; b &amp; c") && svg.contains("&lt;script&gt;"), "{svg}");
    }

    #[test]
    fn large_numbers_are_short() {
        let check = |value, expected| assert_eq!(short(value), expected);
        check(1_234_567.0, "1.2 M");
        check(27_600.0, "28 k");
        check(1500.0, "1.5 k");
        check(64.0, "64");
        check(0.2, "0.2");
    }
}
