//! `confluence-ecs schema`: the tables of fields and actions, in every form that they have.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Write as _, stdin, stdout};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Error;
use crate::cli::{IndexTemplateArgs, SchemaCommand};
use crate::cluster::inspect::{self, Identified};
use crate::cluster::template::{Installation, Installed};
use crate::exit::Exit;
use crate::http::address::shown;
use crate::input::compression::{Compression, Stream};
use crate::input::{self, format};
use crate::process::shown::{Shown as _, quoted_for_shell};
use crate::process::style;
use crate::process::{advice, logging};
use crate::schema::actions;
use crate::schema::document::{self, Documents};
use crate::schema::fields::FieldsFormat;
use crate::schema::template::{Product, TemplateTarget, VERSION};
use crate::schema::validate::Validator;
use crate::schema::{self, fields, json_schema, template};
use crate::{cluster, options};

/// Runs the subcommand with its parsed arguments.
///
/// # Errors
/// When what it prints cannot be written.
pub fn run(command: SchemaCommand) -> Result<Exit, Error> {
    match command {
        SchemaCommand::Fields { format, dataset } => {
            let (format, table) = (format.into(), schema::fields(dataset.into()));
            match format {
                FieldsFormat::Table => fields::write(table, format, &mut style::locked_stdout()),
                FieldsFormat::Json | FieldsFormat::Markdown => {
                    fields::write(table, format, &mut stdout().lock())
                }
            }
        }
        SchemaCommand::Actions { format, dataset } => {
            actions::write(dataset.into(), format.into(), &mut style::locked_stdout())
        }
        SchemaCommand::IndexTemplate(arguments) => return index_template(&arguments),
        SchemaCommand::JsonSchema { dataset } => print(&json_schema::json_schema(dataset.into())),
        SchemaCommand::Validate { files } => return validate(files),
    }
    .map_err(Error::Report)?;
    Ok(Exit::Done)
}

/// Prints the template, or installs it and says so.
fn index_template(arguments: &IndexTemplateArgs) -> Result<Exit, Error> {
    let index = arguments.index.as_deref();
    let dataset = arguments.dataset.into();
    let target = index.map_or_else(
        || TemplateTarget::usual(dataset),
        |index| TemplateTarget::of(index, dataset),
    );
    let given = arguments.product.map(Product::from);
    let client = options::cluster::client(&arguments.connection).map_err(options::Error::from)?;
    let Some(client) = client else {
        let product = given.unwrap_or(Product::Elasticsearch);
        print(&template::index_template(product, &target)).map_err(Error::Report)?;
        return Ok(Exit::Done);
    };
    let at = inspect::first(&client)?;
    let product = cluster::template::product(&at, given)?;
    let line = if arguments.install {
        let installation = cluster::template::install(&client, &at, &target)?;
        note_rollover(&installation);
        installed(&at, &target, installation.before)
    } else {
        let template = template::index_template(product, &target);
        format!("{template:#}")
    };
    writeln!(stdout().lock(), "{line}").map_err(Error::Report)?;
    Ok(Exit::Done)
}

/// What was put where, and what it replaced.
fn installed(at: &Identified, target: &TemplateTarget, before: Installed) -> String {
    let TemplateTarget { name, pattern, .. } = target;
    let before = match before {
        Installed::Missing => "there was none before".to_owned(),
        Installed::Version(VERSION) => "the same version was there before".to_owned(),
        Installed::Version(version) => format!("replaced version {version}"),
        Installed::Unversioned => "replaced one without a version".to_owned(),
        Installed::Hidden(_) => "what was there before is not visible".to_owned(),
    };
    format!(
        "installed the index template {name}, version {VERSION}, for {pattern} at {} ({}); {before}",
        shown(&at.url),
        at.recognized
    )
}

/// A mapping is made when a backing index is.
fn note_rollover(installation: &Installation) {
    if installation.before == Installed::Version(VERSION) {
        return;
    }
    for stream in &installation.streams {
        tracing::warn!("{stream} keeps its mapping until it rolls over: POST {stream}/_rollover");
    }
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
        let result = open(path).and_then(|reader| {
            validate_documents(&validator, path, reader, &mut events, &mut invalid)
        });
        match result {
            Ok(()) => {}
            Err(ValidateError::Report(error)) => return Err(Error::Report(error)),
            Err(ValidateError::Input(error)) => {
                tracing::error!("cannot read {}: {error}{}", name(path), hint(path, &error));
                failed = true;
            }
            Err(ValidateError::Foreign(what)) => {
                tracing::error!("{} is {what}", name(path));
                failed = true;
            }
        }
    }
    if invalid > 0 {
        tracing::warn!(events, invalid, "some events do not match the schema");
    } else if failed || events == 0 || logging::shows_summary() {
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
    /// What it is, and what to do.
    Foreign(String),
    Report(io::Error),
}

fn name(path: &Path) -> String {
    if path.as_os_str() == "-" {
        "stdin".to_owned()
    } else {
        path.shown().to_string()
    }
}

/// Of a name that is a pattern, why there is no such file.
fn hint(path: &Path, error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::NotFound && input::is_pattern(path) {
        "; patterns are expanded by the shell, unless they are quoted or match nothing"
    } else {
        ""
    }
}

/// A file or stdin, plain or compressed.
fn open(path: &Path) -> Result<impl BufRead, ValidateError> {
    let is_stdin = path.as_os_str() == "-";
    let raw: Box<dyn Read> = if is_stdin {
        Box::new(stdin().lock())
    } else {
        Box::new(File::open(path).map_err(ValidateError::Input)?)
    };
    let mut stream = Stream::detect(raw).map_err(ValidateError::Input)?;
    let (first, is_all) = first_bytes(&mut stream).map_err(ValidateError::Input)?;
    if let Some(format) = format::foreign(&first, is_all) {
        let file = if is_stdin {
            "FILE".to_owned()
        } else {
            quoted_for_shell(path)
        };
        return Err(ValidateError::Foreign(foreign(
            format,
            &file,
            stream.format(),
        )));
    }
    Ok(BufReader::new(Cursor::new(first).chain(stream)))
}

fn foreign(format: &format::Format, file: &str, outer: Compression) -> String {
    let name = format.described(outer);
    match format.to_text(file, outer) {
        Ok(command) => format!("{name}: use `{command} | confluence-ecs schema validate`"),
        Err(_) => format!("{name}, not a file of events"),
    }
}

/// What tells the format of an input, and whether it is all of it; waits for no more than a line.
fn first_bytes(stream: &mut impl Read) -> io::Result<(Vec<u8>, bool)> {
    let mut first = Vec::new();
    while first.len() < format::LOOKED_AT && !first.contains(&b'\n') {
        let mut piece = [0; format::LOOKED_AT];
        match stream.read(&mut piece) {
            Ok(0) => return Ok((first, true)),
            Ok(read) => first.extend_from_slice(&piece[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // What was read before the damage is read; the error comes again.
            Err(_) if !first.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok((first, false))
}

/// Reports each violation with its file, line and path.
fn validate_documents(
    validator: &Validator,
    path: &Path,
    reader: impl BufRead,
    events: &mut u64,
    invalid: &mut u64,
) -> Result<(), ValidateError> {
    let name = name(path);
    let mut out = stdout().lock();
    let mut documents = Documents::new(reader);
    while let Some(document) = documents.next_document().map_err(ValidateError::Input)? {
        if document.value.as_ref().is_ok_and(document::is_bulk_action) {
            continue;
        }
        *events += 1;
        let faults: Vec<_> = match document.value {
            Ok(event @ Value::Object(_)) => faults(validator, &event, path),
            Ok(_) => vec!["not a JSON object".to_owned()],
            Err(error) => vec![error],
        };
        *invalid += u64::from(!faults.is_empty());
        for fault in faults {
            writeln!(out, "{name}:{}: {fault}", document.line).map_err(ValidateError::Report)?;
        }
    }
    Ok(())
}

/// What is wrong with an event.
fn faults(validator: &Validator, event: &Value, path: &Path) -> Vec<String> {
    if let Some(fault) = document::raw_record(event) {
        let normalize = advice::without_state(&[OsStr::new("normalize"), path.as_os_str()]);
        return vec![format!(
            "{fault}: use `{normalize} | confluence-ecs schema validate`"
        )];
    }
    let violations = validator.validate(event);
    violations.iter().map(ToString::to_string).collect()
}
