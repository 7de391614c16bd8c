//! The exit codes of the program.

use std::process::ExitCode;

/// How the program ends; the numbers are a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: everything was done.
    Done,
    /// Something failed: an input, the output, the network, the state.
    Failed,
    /// The arguments or the configuration are wrong.
    Usage,
    /// `--strict`, and a record could not be mapped.
    Strict,
    /// A signal ended it before the input did.
    Signal(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Strict => 3,
            Exit::Signal(signal) => 128 + signal,
        })
    }
}
