//! `confluence-ecs schema`: the field table, in every form that it has.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write as _, stdin, stdout};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Error;
use crate::cli::SchemaCommand;
use crate::exit::Exit;
use crate::process::shown::Shown as _;
use crate::schema::validate::Validator;
use crate::schema::{self, fields, json_schema, template};

/// Runs the subcommand with its parsed arguments.
///
/// # Errors
/// When what it prints cannot be written.
pub fn run(command: SchemaCommand) -> Result<Exit, Error> {
    match command {
        SchemaCommand::Fields { format } => {
            fields::write(schema::fields(), format.into(), &mut stdout().lock())
        }
        SchemaCommand::IndexTemplate { product } => {
            print(&template::index_template(product.into()))
        }
        SchemaCommand::JsonSchema => print(&json_schema::json_schema()),
        SchemaCommand::Validate { files } => return validate(files),
    }
    .map_err(Error::Report)?;
    Ok(Exit::Done)
}

fn print(value: &Value) -> io::Result<()> {
    let mut out = stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)
}

fn validate(mut files: Vec<PathBuf>) -> Result<Exit, Error> {
    if files.is_empty() {
        files.push("-".into());
    }
    let validator = Validator::new();
    let (mut events, mut invalid, mut failed) = (0, 0, false);
    for path in &files {
        let mut validate = |reader: &mut dyn BufRead| {
            validate_lines(&validator, path, reader, &mut events, &mut invalid)
        };
        let result = if path.as_os_str() == "-" {
            validate(&mut stdin().lock())
        } else {
            let file = File::open(path).map_err(ValidateError::Input);
            file.and_then(|file| validate(&mut BufReader::new(file)))
        };
        match result {
            Ok(()) => {}
            Err(ValidateError::Report(error)) => return Err(Error::Report(error)),
            Err(ValidateError::Input(error)) => {
                tracing::error!("cannot read {}: {error}", name(path));
                failed = true;
            }
        }
    }
    if invalid > 0 {
        tracing::warn!(events, invalid, "some events do not match the schema");
    } else {
        tracing::info!(events, invalid, "done");
    }
    Ok(if failed || invalid > 0 {
        Exit::Failed
    } else {
        Exit::Done
    })
}

enum ValidateError {
    Input(io::Error),
    Report(io::Error),
}

fn name(path: &Path) -> String {
    if path.as_os_str() == "-" {
        "stdin".to_owned()
    } else {
        path.shown().to_string()
    }
}

/// Reports each violation with its file, line and path.
fn validate_lines(
    validator: &Validator,
    path: &Path,
    reader: &mut dyn BufRead,
    events: &mut u64,
    invalid: &mut u64,
) -> Result<(), ValidateError> {
    let name = name(path);
    let mut out = stdout().lock();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if reader
            .read_until(b'\n', &mut line)
            .map_err(ValidateError::Input)?
            == 0
        {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        *events += 1;
        let violations: Vec<_> = match serde_json::from_slice(&line) {
            Ok(event @ Value::Object(_)) => {
                let violations = validator.validate(&event);
                violations.iter().map(ToString::to_string).collect()
            }
            Ok(_) => vec!["not a JSON object".to_owned()],
            Err(error) => vec![format!("not JSON: {error}")],
        };
        *invalid += u64::from(!violations.is_empty());
        for violation in violations {
            writeln!(out, "{name}:{number}: {violation}").map_err(ValidateError::Report)?;
        }
    }
    Ok(())
}
