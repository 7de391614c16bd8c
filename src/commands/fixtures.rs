//! `confluence-ecs fixtures`: golden files checked and regenerated.

use std::io::{Write, stdout};
use std::sync::Arc;

use super::Error;
use crate::cli::FixturesCommand;
use crate::exit::Exit;
use crate::fixtures::{
    self, CaseOutcome, Discovery, FixtureCase, FixtureReport, FixtureWarning, ReportFormat, Runner,
    Task,
};
use crate::options;
use crate::process::{batch, style};
use crate::schema::validate::Validator;

/// A case, or a folder without any, and how it went.
#[derive(Default)]
struct Turn {
    case: FixtureCase,
    outcome: Option<CaseOutcome>,
    warnings: Vec<FixtureWarning>,
    /// Records that could not be mapped.
    failed: u64,
}

/// Runs the subcommand with its parsed arguments.
///
/// # Errors
/// When the configuration is wrong, or the report cannot be written.
pub fn run(command: FixturesCommand) -> Result<Exit, Error> {
    let (task, arguments) = match command {
        FixturesCommand::Check(arguments) => (Task::Check, arguments),
        FixturesCommand::Regenerate {
            allow_errors,
            fixtures,
        } => (Task::Regenerate { allow_errors }, fixtures),
    };
    let options = Arc::new(options::golden(&arguments.mapping.0)?);
    let threads = options::threads(&arguments.mapping.0);
    let validator = Arc::new(Validator::new());
    let mut discovery = Discovery::default();
    for path in &arguments.paths {
        match fixtures::discover(path) {
            Ok(found) => discovery.add(found),
            Err(error) => discovery.errors.push(error),
        }
    }
    let failures = discovery.errors.into_iter().map(|error| {
        let path = error.place().0.to_owned();
        let case = FixtureCase {
            input: path.clone(),
            expected: path,
        };
        (case, Some(CaseOutcome::Failed(error)))
    });

    let format = arguments.format.into();
    let out: Box<dyn Write + Send> = match format {
        ReportFormat::Pretty => Box::new(style::stdout()),
        ReportFormat::Github | ReportFormat::Junit | ReportFormat::Markdown => Box::new(stdout()),
    };
    let mut report = FixtureReport::new(out, format);
    for warning in &discovery.warnings {
        report.warn(warning);
    }
    let cases = discovery.cases.into_iter().map(|case| (case, None));
    let mut turns = failures.chain(cases);
    let mut written = Ok(());
    let mut failed = 0;
    let tags = &arguments.mapping.0.tags;
    batch::in_order(
        threads,
        |turn: &mut Turn| {
            let next = turns.next();
            let there = next.is_some();
            (turn.case, turn.outcome) = next.unwrap_or_default();
            there
        },
        || {
            let options = Arc::clone(&options);
            let mut runner = Runner::new(task, options, tags.clone(), Arc::clone(&validator));
            move |turn: &mut Turn, done: &mut Turn| {
                done.case = std::mem::take(&mut turn.case);
                done.outcome = turn.outcome.take().or_else(|| Some(runner.run(&done.case)));
                done.failed = runner.take_failed();
                done.warnings = runner.take_warnings();
            }
        },
        |done: &mut Turn| {
            for warning in done.warnings.drain(..) {
                report.warn(&warning);
            }
            if let Some(outcome) = &done.outcome {
                written = report.add(&done.case, outcome);
            }
            failed += done.failed;
            written.is_ok()
        },
    );
    written
        .and_then(|()| report.finish())
        .map_err(Error::Report)?;
    Ok(if report.failed() {
        Exit::Failed
    } else if arguments.mapping.0.strict && failed > 0 {
        Exit::Strict
    } else {
        Exit::Done
    })
}
