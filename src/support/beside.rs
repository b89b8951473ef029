//! Programs of ours that are built apart and lie beside the running command.

use std::path::PathBuf;

/// A program that lies beside the running command.
pub(crate) fn beside(name: &str) -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let path = own.with_file_name(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    path.is_file().then_some(path)
}
