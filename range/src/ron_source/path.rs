//! Paths into a RON value, such as `hosts[3].ip` or `steps["scan"].action`.

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// The field of a struct.
    Field(String),
    /// The element of a list or tuple, counted from 0.
    Index(usize),
    /// The entry of a map, or the list element with that name.
    Key(String),
}

/// The steps of a path; `None` where the path is not one, and nothing after it.
pub(super) fn segments(path: &str) -> impl Iterator<Item = Option<Segment>> {
    let mut rest = path;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        match take(rest) {
            Some((segment, tail)) => {
                rest = tail;
                Some(Some(segment))
            }
            None => {
                rest = "";
                Some(None)
            }
        }
    })
}

fn take(path: &str) -> Option<(Segment, &str)> {
    if let Some(quoted) = path.strip_prefix("[\"") {
        let (key, tail) = quoted.split_once("\"]")?;
        return Some((Segment::Key(key.to_owned()), tail));
    }
    if let Some(open) = path.strip_prefix('[') {
        let (index, tail) = open.split_once(']')?;
        return Some((Segment::Index(index.parse().ok()?), tail));
    }
    let path = path.strip_prefix('.').unwrap_or(path);
    let end = path.find(['.', '[']).unwrap_or(path.len());
    (end > 0).then(|| (Segment::Field(path[..end].to_owned()), &path[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_when_path_is_read_then_every_form_is_known() {
        let field = |name: &str| Some(Segment::Field(name.to_owned()));
        let key = |name: &str| Some(Segment::Key(name.to_owned()));
        let cases = [
            ("", vec![]),
            ("seed", vec![field("seed")]),
            (
                "hosts[3].ip",
                vec![field("hosts"), Some(Segment::Index(3)), field("ip")],
            ),
            (
                "steps[\"a.b[\"].x",
                vec![field("steps"), key("a.b["), field("x")],
            ),
            (
                "[0][1]",
                vec![Some(Segment::Index(0)), Some(Segment::Index(1))],
            ),
            ("a..b", vec![field("a"), None]),
            ("a[x]", vec![field("a"), None]),
            ("a[1", vec![field("a"), None]),
        ];
        for (path, expect) in cases {
            assert_eq!(segments(path).collect::<Vec<_>>(), expect, "{path}");
        }
    }
}
