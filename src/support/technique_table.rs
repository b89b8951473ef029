//! The user's table from signatures to techniques, for tools whose alerts carry none: RON or CSV.

use std::collections::BTreeMap;
use std::path::Path;

use twinrange_range::problem::{Problem, SourceText};
use twinrange_score::attack;

/// Columns of the CSV form.
const SIGNATURE: &str = "signature";
const TECHNIQUES: [&str; 2] = ["techniques", "technique"];

/// Signature to technique identifiers.
pub(crate) type TechniqueTable = BTreeMap<String, Vec<String>>;

/// Reads a table.
///
/// # Errors
///
/// `TR0108` if the file cannot be read, `TR0325` with line and column for what is in it.
pub(crate) fn read(path: &Path) -> Result<TechniqueTable, Problem> {
    let file = path.display().to_string();
    let bytes = std::fs::read(path)
        .map_err(|error| Problem::new("TR0108", format!("`{file}` cannot be read: {error}")))?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Problem::new("TR0325", "the text is not UTF-8").in_file(&file))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_csv = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    if is_csv {
        from_csv(text, &file)
    } else {
        from_ron(text, &file)
    }
}

/// `{ "9000101": ["T0855"], "Scan::Port_Scan": ["T0846.001"] }`.
fn from_ron(text: &str, file: &str) -> Result<TechniqueTable, Problem> {
    let table: TechniqueTable = ron::from_str(text).map_err(|error| {
        let place = error.span.start;
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Problem::new("TR0325", error.code.to_string())
            .at_line(file, number(place.line), number(place.col))
            .hint("a table is { \"signature\": [\"T0855\"], ... }, or CSV in a file that ends in .csv")
    })?;
    let source = SourceText::new(file, text);
    for (signature, ids) in &table {
        for id in ids {
            // Where a text stands twice the first place is as good as any.
            let at = text.find(&format!("\"{id}\"")).unwrap_or(0);
            let (line, column) = source.line_column(at);
            check(signature, id).map_err(|problem| problem.at_line(file, line, column))?;
        }
    }
    Ok(table)
}

/// A head of `signature,techniques`; several techniques stand apart by blanks or semicolons, and a
/// signature may have several rows.
fn from_csv(text: &str, file: &str) -> Result<TechniqueTable, Problem> {
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .trim(csv::Trim::All)
        .comment(Some(b'#'))
        .from_reader(text.as_bytes());
    let unreadable = |error: &csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        Problem::new("TR0325", error.to_string()).at_line(file, narrow(line), 1)
    };
    let head = reader
        .headers()
        .map_err(|error| unreadable(&error))?
        .clone();
    let column = |names: &[&str]| {
        let known = |cell: &str| names.iter().any(|name| cell.eq_ignore_ascii_case(name));
        head.iter().position(known)
    };
    let (Some(signature), Some(techniques)) = (column(&[SIGNATURE]), column(&TECHNIQUES)) else {
        return Err(
            Problem::new("TR0325", "the first row does not name the columns")
                .at_line(file, 1, 1)
                .hint("begin with signature,techniques"),
        );
    };
    let mut table = TechniqueTable::new();
    for row in reader.records() {
        let row = row.map_err(|error| unreadable(&error))?;
        let line = narrow(row.position().map_or(1, csv::Position::line));
        let cell = |index: usize| row.get(index).unwrap_or_default();
        let name = cell(signature);
        if name.is_empty() {
            return Err(
                Problem::new("TR0325", "this row names no signature").at_line(file, line, 1)
            );
        }
        let ids = table.entry(name.to_owned()).or_default();
        for id in cell(techniques)
            .split([' ', ';', ','])
            .filter(|id| !id.is_empty())
        {
            check(name, id).map_err(|problem| problem.at_line(file, line, 1))?;
            ids.push(id.to_owned());
        }
    }
    Ok(table)
}

/// What is no identifier would never match a step, and nobody would notice.
fn check(signature: &str, id: &str) -> Result<(), Problem> {
    if attack::is_technique_id(id) {
        return Ok(());
    }
    let message =
        format!("`{id}` of signature `{signature}` is not an ATT&CK technique identifier");
    Err(Problem::new("TR0325", message).hint("such as T0855 or T0846.001"))
}

fn narrow(line: u64) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_when_ron_or_csv_then_the_same() {
        let ron =
            "{\n \"9000101\": [\"T0855\"],\n \"Scan::Port_Scan\": [\"T0846.001\", \"T0888\"],\n}";
        let csv = "\u{feff}technique, signature\r\nT0855,9000101\n# a comment\n\"T0846.001 T0888\",Scan::Port_Scan\n";
        let from_csv = from_csv(csv.trim_start_matches('\u{feff}'), "t.csv").expect("valid");
        assert_eq!(from_ron(ron, "t.ron").expect("valid"), from_csv);
        assert_eq!(from_csv["Scan::Port_Scan"], ["T0846.001", "T0888"]);
    }

    #[test]
    fn table_when_wrong_then_place_and_hint() {
        let check = |result: Result<TechniqueTable, Problem>, says: &str| {
            let shown = result.expect_err(says).to_string();
            assert!(shown.contains(says) && shown.contains("TR0325"), "{shown}");
        };
        check(from_ron("{ \"a\": [\"T855\"] }", "t"), "t:1:9");
        check(from_ron("{ \"a\": [\"T0855\" }", "t"), "t:1:");
        check(from_ron("[]", "t"), "t:1:1");
        check(from_csv("sig,techniques\na,T0855\n", "t"), "t:1:1");
        check(
            from_csv("signature,techniques\na,T0855\n,T0855\n", "t"),
            "t:3:1",
        );
        check(
            from_csv("signature,techniques\na,discovery\n", "t"),
            "t:2:1",
        );
    }
}
