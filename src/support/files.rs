//! Files that a verb writes.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use twinrange_range::problem::Problem;

/// Writes a file so that it is there as a whole or not at all, whenever the process ends.
///
/// # Errors
///
/// `TR0307`.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let cannot = |error: std::io::Error| cannot_write(path, &error);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let name = path
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let half = folder.join(format!(".{name}.half"));
    let mut file = File::create(&half).map_err(cannot)?;
    file.write_all(bytes).map_err(cannot)?;
    file.sync_all().map_err(cannot)?;
    drop(file);
    fs::rename(&half, path).map_err(cannot)?;
    // Windows has no handle of a folder to flush; the rename is in its journal.
    #[cfg(unix)]
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(cannot)?;
    Ok(())
}

/// The problem of a path that cannot be written.
pub(crate) fn cannot_write(path: &Path, error: &std::io::Error) -> Problem {
    let message = format!("`{}` cannot be written: {error}", path.display());
    Problem::new("TR0307", message)
}
