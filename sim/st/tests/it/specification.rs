//! The specification and the tests name the same requirements; each problem code has a page.

use std::collections::BTreeSet;

/// All numbers of requirements in a text.
fn requirements(text: &str) -> BTreeSet<String> {
    let is_id = |word: &str| {
        let mut parts = word.split('-');
        parts.next() == Some("ST")
            && parts.next().is_some_and(|part| part.len() == 3)
            && parts
                .next()
                .is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter(|word| word.len() == 10 && is_id(word))
        .map(str::to_owned)
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "documents and tests are files")]
fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).ok()
}

fn files(folder: &str) -> Vec<String> {
    let path = format!("{}/{folder}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_dir(path)
        .expect("the folder is part of the crate")
        .map(|entry| entry.expect("the folder can be read").file_name())
        .map(|name| format!("{folder}/{}", name.to_string_lossy()))
        .collect()
}

#[test]
fn requirements_when_compared_then_each_has_a_test() {
    let specified = requirements(&read("../../docs/spec/st.md").expect("the specification"));
    let tested: BTreeSet<String> = ["tests/conformance", "tests/it"]
        .into_iter()
        .flat_map(files)
        .flat_map(|path| requirements(&read(&path).unwrap_or_default()))
        .collect();
    assert_eq!(specified, tested);
}

#[test]
fn problem_codes_when_listed_then_have_a_page() {
    for (code, _) in sim_st::problems::all() {
        let page = read(&format!("../../docs/problems/{code}.md"));
        assert!(
            page.is_some_and(|page| page.starts_with(&format!("# {code}\n"))),
            "{code}"
        );
    }
}
