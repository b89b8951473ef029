//! What holds for every project.
//!
//! The fuzz targets (`fuzz/`) include this file, so that an input they find fails here too once it lies under
//! `tests/regressions`.

/// Asks for everything that an import can tell.
pub(crate) fn check_project(xml: &str) {
    match sim_plcopen::import(xml, "p.xml") {
        Ok(import) => {
            let lines = u32::try_from(import.text().lines().count()).unwrap_or(1);
            // A large text has enough lines that a sample will do: each place is searched from the beginning.
            for line in (1..=lines).step_by(1 + lines as usize / 200) {
                let (row, column) = import.origin_of_line(line);
                assert!(row > 0 && column > 0);
            }
        }
        Err(found) => assert!(!found.is_empty()),
    }
    if let Err(found) = sim_plcopen::compile_for(sim_st::Purpose::Run, &[(xml, "p.xml")]) {
        assert!(!found.is_empty());
        for report in found {
            let span = report.span.start as usize..report.span.end as usize;
            assert!(
                report.file != "p.xml" || xml.get(span).is_some(),
                "{report}"
            );
            let known = sim_plcopen::explain(report.code).or(sim_st::explain(report.code));
            assert!(known.is_some(), "{report}");
        }
    }
}
