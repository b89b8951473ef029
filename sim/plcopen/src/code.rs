//! Text that remembers where in the XML it comes from.
//!
//! **Invariant:** marks lie in ascending order of `start`, and each holds up to the next one.

/// Where a piece of text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Byte of the XML.
    pub(crate) at: usize,
    /// Whether the text stands there character by character, so that columns can be followed.
    pub(crate) verbatim: bool,
}

/// From which byte of the text on an origin holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) start: usize,
    pub(crate) origin: Origin,
}

/// Generated text with its origins.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code {
    text: String,
    marks: Vec<Mark>,
}

/// Two pieces of code are the same if they say the same, wherever they come from.
impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Code {
    /// A text that the translation wrote because of the element at `at`.
    pub(crate) fn new(text: impl AsRef<str>, at: usize) -> Self {
        let mut code = Self::default();
        code.put(text.as_ref(), at);
        code
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The byte of the XML that the text begins with.
    pub(crate) fn first_origin(&self) -> Option<usize> {
        self.marks.first().map(|mark| mark.origin.at)
    }

    pub(crate) fn put(&mut self, text: &str, at: usize) {
        let verbatim = false;
        self.mark(text, Origin { at, verbatim });
    }

    /// A text that stands in the XML like this, entities aside.
    pub(crate) fn put_verbatim(&mut self, text: &str, at: usize) {
        let verbatim = true;
        self.mark(text, Origin { at, verbatim });
    }

    fn mark(&mut self, text: &str, origin: Origin) {
        if text.is_empty() {
            return;
        }
        let start = self.text.len();
        let goes_on = |last: &Mark| !origin.verbatim && last.origin == origin;
        if !self.marks.last().is_some_and(goes_on) {
            self.marks.push(Mark { start, origin });
        }
        self.text.push_str(text);
    }

    pub(crate) fn append(&mut self, other: &Self) {
        let shift = self.text.len();
        let moved = other.marks.iter().map(|mark| Mark {
            start: mark.start + shift,
            ..*mark
        });
        self.marks.extend(moved);
        self.text.push_str(&other.text);
    }

    /// A part of the text, with its origins.
    pub(crate) fn slice(&self, start: usize, end: usize) -> Self {
        let mut out = Self::default();
        let Some(text) = self.text.get(start..end) else {
            return out;
        };
        for (number, mark) in self.marks.iter().enumerate() {
            let next = self
                .marks
                .get(number + 1)
                .map_or(self.len(), |next| next.start);
            let (from, to) = (mark.start.max(start), next.min(end));
            if from >= to {
                continue;
            }
            let piece = &text[from - start..to - start];
            if mark.origin.verbatim {
                // What was cut off in front counts on in the XML, entities aside.
                let at = mark.origin.at + (from - mark.start);
                out.put_verbatim(piece, at);
            } else {
                out.put(piece, mark.origin.at);
            }
        }
        out
    }

    /// The same with something in front of every line that is not empty.
    pub(crate) fn indented(&self, indent: &str) -> Self {
        let mut out = Self::default();
        let mut marks = self.marks.iter().peekable();
        let mut origin = None;
        let mut offset = 0;
        for line in self.text.split_inclusive('\n') {
            let lead = if line.trim().is_empty() { "" } else { indent };
            // The marks inside of the line move by what was put in front of it so far.
            let shift = out.text.len() + lead.len();
            while let Some(mark) = marks.next_if(|mark| mark.start < offset + line.len()) {
                let at_the_front = mark.start == offset;
                let start = if at_the_front {
                    out.text.len()
                } else {
                    mark.start - offset + shift
                };
                origin = Some((mark.start, mark.origin));
                // The blanks in front belong to the first mark, but are not in the XML.
                if at_the_front && !lead.is_empty() && mark.origin.verbatim {
                    let verbatim = false;
                    let at = mark.origin.at;
                    out.marks.push(Mark {
                        start,
                        origin: Origin { at, verbatim },
                    });
                    out.marks.push(Mark {
                        start: shift,
                        origin: mark.origin,
                    });
                } else {
                    out.marks.push(Mark {
                        start,
                        origin: mark.origin,
                    });
                }
            }
            // A verbatim origin counts from its own start, which inserted blanks must not shift; such
            // text is never indented beyond its first line.
            debug_assert!(origin.is_none_or(|(start, _)| start <= offset + line.len()));
            out.text.push_str(lead);
            out.text.push_str(line);
            offset += line.len();
        }
        out
    }

    pub(crate) fn into_parts(self) -> (String, Vec<Mark>) {
        (self.text, self.marks)
    }
}

/// The byte of the XML that a byte of the generated text comes from.
pub(crate) fn locate(xml: &str, marks: &[Mark], offset: usize) -> usize {
    let after = marks.partition_point(|mark| mark.start <= offset);
    let Some(mark) = after.checked_sub(1).and_then(|at| marks.get(at)) else {
        return 0;
    };
    if mark.origin.verbatim {
        follow(xml, mark.origin.at, offset - mark.start)
    } else {
        mark.origin.at.min(xml.len())
    }
}

/// Walks over XML text until `decoded` bytes of what it stands for are passed.
fn follow(xml: &str, from: usize, decoded: usize) -> usize {
    const CDATA: &str = "<![CDATA[";
    let mut at = from.min(xml.len());
    let mut passed = 0;
    let before = xml.get(..at).unwrap_or("");
    // Inside of CDATA, `&` is a character like any other.
    let mut in_cdata = before.rfind(CDATA) > before.rfind("]]>");
    while let Some(rest) = xml.get(at..) {
        if rest.starts_with(CDATA) {
            at += CDATA.len();
            in_cdata = true;
            continue;
        }
        let Some(first) = rest.chars().next().filter(|_| passed < decoded) else {
            return at;
        };
        match rest
            .find(';')
            .filter(|&end| first == '&' && !in_cdata && end < 12)
        {
            Some(end) => {
                at += end + 1;
                passed += 1;
            }
            None => {
                at += first.len_utf8();
                passed += first.len_utf8();
            }
        }
    }
    from.min(xml.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn place_when_text_is_verbatim_then_entities_and_cdata_are_followed() {
        let xml = "<p>a &lt; bad</p><p><![CDATA[x < bad]]></p>";
        let mut code = Code::new("IF ", 1);
        code.put_verbatim("a < bad", 3);
        code.put(" OR ", 1);
        code.put_verbatim("x < bad", 20);
        let (text, marks) = code.into_parts();
        assert_eq!(text, "IF a < bad OR x < bad");
        let of = |offset| &xml[locate(xml, &marks, offset)..];
        assert!(of(7).starts_with("bad</p>"));
        assert!(of(18).starts_with("bad]]>"));
        assert_eq!(locate(xml, &marks, 1), 1);
    }

    #[test]
    fn place_when_code_is_indented_then_it_is_the_same() {
        let xml = "0123456789";
        let mut code = Code::new("IF x THEN\n", 2);
        code.put_verbatim("345", 3);
        code.put(";\nEND_IF;\n", 8);
        let (text, marks) = code.indented("    ").into_parts();
        assert_eq!(text, "    IF x THEN\n    345;\n    END_IF;\n");
        let place = |word: &str| locate(xml, &marks, text.find(word).expect("is there"));
        assert_eq!([place("IF"), place("45"), place("END_IF")], [2, 4, 8]);
    }
}
