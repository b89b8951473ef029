//! `twinrange confined`: confines its own process and becomes another program.
//!
//! The range starts defenses through this verb (`twinrange_bridge::confine` says why). On Linux it uses
//! Landlock, which needs neither root nor a namespace, and which children inherit and cannot shed. What
//! is not granted can then be neither opened nor listed, other processes can be neither inspected nor
//! signalled, and files that were open when the range was started are closed.
//!
//! # Source
//!
//! `landlock(7)`; the kernel's `Documentation/userspace-api/landlock.rst`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Exit code where the machine cannot confine.
const EXIT_UNSUPPORTED: u8 = 125;
/// Exit code where the program cannot be started, as shells say it.
const EXIT_CANNOT_START: u8 = 126;
/// With this variable set the machine counts as one that cannot confine, so that it can be seen what then
/// happens.
pub(crate) const UNSUPPORTED: &str = "TWINRANGE_NO_LANDLOCK";

/// Arguments of `confined`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What may be read and run.
    #[arg(long, value_name = "PATH")]
    read: Vec<PathBuf>,
    /// What may also be written.
    #[arg(long, value_name = "PATH")]
    write: Vec<PathBuf>,
    /// The program and its arguments; without any, only tries whether this machine can confine.
    #[arg(last = true)]
    command: Vec<OsString>,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    if let Err(why) = confine(args) {
        eprintln!("{why}");
        return ExitCode::from(EXIT_UNSUPPORTED);
    }
    let Some((program, arguments)) = args.command.split_first() else {
        return ExitCode::SUCCESS;
    };
    become_program(program, arguments)
}

#[cfg(unix)]
fn become_program(program: &OsString, arguments: &[OsString]) -> ExitCode {
    use std::os::unix::process::CommandExt as _;
    // It only comes back with an error.
    let error = std::process::Command::new(program).args(arguments).exec();
    eprintln!("cannot start {}: {error}", program.display());
    ExitCode::from(EXIT_CANNOT_START)
}

#[cfg(not(unix))]
fn become_program(program: &OsString, _arguments: &[OsString]) -> ExitCode {
    eprintln!("cannot become {} on this system", program.display());
    ExitCode::from(EXIT_CANNOT_START)
}

/// Confines this process, or says what is missing.
#[cfg(target_os = "linux")]
fn confine(args: &Args) -> Result<(), String> {
    use landlock::{
        ABI, Access as _, AccessFs, Compatible as _, RulesetAttr as _, RulesetCreatedAttr as _,
        RulesetStatus, Scope, path_beneath_rules,
    };

    if std::env::var_os(UNSUPPORTED).is_some() {
        return Err(format!("{UNSUPPORTED} is set"));
    }
    // The newest rules that this program knows; an older kernel does as many of them as it can. The first
    // version already covers reading, which is what hides the truth.
    let abi = ABI::V6;
    // A device node of root's making would lead to the disk below all folders.
    let write = AccessFs::from_all(abi) & !(AccessFs::MakeBlock | AccessFs::MakeChar);
    let attempt = || {
        landlock::Ruleset::default()
            .set_compatibility(landlock::CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(abi))?
            .scope(Scope::from_all(abi))?
            .create()?
            .add_rules(path_beneath_rules(&args.read, AccessFs::from_read(abi)))?
            .add_rules(path_beneath_rules(&args.write, write))?
            .restrict_self()
    };
    let status = attempt().map_err(|error: landlock::RulesetError| error.to_string())?;
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err(
            "this kernel has no Landlock (Linux 5.13 or later, with `landlock` among its \
                    security modules)"
                .to_owned(),
        );
    }
    // The range's own files close by themselves; these come from whoever started the range.
    close_fds::set_fds_cloexec(3, &[]);
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn confine(_args: &Args) -> Result<(), String> {
    Err("only Linux has Landlock".to_owned())
}
