//! `config show`: every key with its value and where that is from, as TOML that can be loaded again, or as JSON.

use std::fmt::Write as _;
use std::io::{Write as _, stdout};

use serde_json::{Value, json};

use crate::commands::Error;
use crate::config::Place;
use crate::config::effective::{self, Effective, EffectiveValue};
use crate::config::keys::{Kind, Scalar, Table};
use crate::config::service::Configuration;
use crate::exit::Exit;
use crate::process::shown::Shown as _;

/// Stands for a secret.
const SECRET: &str = "<secret>";

/// Prints a configuration.
pub fn run(configuration: &Configuration, is_json: bool) -> Result<Exit, Error> {
    for warning in &configuration.warnings {
        tracing::warn!("{warning}");
    }
    let text = if is_json {
        format!("{:#}\n", json(configuration))
    } else {
        toml(configuration)
    };
    let mut out = stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(Error::Report)?;
    Ok(Exit::Done)
}

fn json(configuration: &Configuration) -> Value {
    let settings = |all: Vec<Effective>| {
        let all = all.into_iter().map(|one| {
            let value = match &one.value {
                None => Value::Null,
                Some(EffectiveValue::Switch(on)) => json!(on),
                Some(EffectiveValue::Count(times)) => json!(times),
                Some(EffectiveValue::One(text)) => json!(text),
                Some(EffectiveValue::Many(texts)) => json!(texts),
                Some(EffectiveValue::Secret) => json!(SECRET),
            };
            json!({ "key": one.key.name, "value": value, "origin": one.place.to_string() })
        });
        all.collect::<Vec<_>>()
    };
    let sources = configuration.sources.iter().map(|source| {
        json!({
            "name": source.name,
            "type": source.kind.name(),
            "settings": settings(effective::of_source(source)),
        })
    });
    json!({
        "config": configuration.path.shown().to_string(),
        "settings": settings(effective::of_process(configuration)),
        "sources": sources.collect::<Vec<_>>(),
    })
}

fn toml(configuration: &Configuration) -> String {
    let mut text = String::from("# What is not set is a comment.\n");
    for one in effective::of_process(configuration) {
        text += &line(&one);
    }
    for source in &configuration.sources {
        let (name, kind) = (string(&source.name), string(source.kind.name()));
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "\n[[source]]  # {}\nname = {name}\ntype = {kind}\n",
            source.place
        );
        let all = effective::of_source(source);
        let tables = [
            None,
            Some(Table::Mapping),
            Some(Table::Http),
            Some(Table::Output),
        ];
        for table in tables {
            let is_in = |one: &&Effective| match one.key.table {
                None | Some(Table::Top | Table::State) => table.is_none(),
                of => of == table,
            };
            let lines: String = all.iter().filter(is_in).map(line).collect();
            if let Some(name) = table.and_then(Table::name).filter(|_| !lines.is_empty()) {
                let _ = writeln!(text, "\n[source.{name}]");
            }
            text += &lines;
        }
    }
    text
}

/// A key as the file has it. What the file does not have to say, and cannot, is a comment.
fn line(one: &Effective) -> String {
    let (name, place) = (&one.key.name, &one.place);
    let value = match &one.value {
        None => return format!("# {name}  # not set\n"),
        Some(EffectiveValue::Switch(on)) => on.to_string(),
        Some(EffectiveValue::Count(times)) => times.to_string(),
        Some(EffectiveValue::One(text)) => match one.key.kind {
            Kind::One(Scalar::Number) if text.parse::<u64>().is_ok() => text.clone(),
            _ => string(text),
        },
        Some(EffectiveValue::Many(texts)) => {
            let texts: Vec<_> = texts.iter().map(|text| string(text)).collect();
            format!("[{}]", texts.join(", "))
        }
        Some(EffectiveValue::Secret) => string(SECRET),
    };
    let is_comment = *place == Place::Default || one.value == Some(EffectiveValue::Secret);
    let mark = if is_comment { "# " } else { "" };
    format!("{mark}{name} = {value}  # {place}\n")
}

/// A string of TOML: one of JSON is one, but for the character DEL. `${` is no reference here.
fn string(text: &str) -> String {
    let string = json!(text.replace("${", "$${")).to_string();
    string.replace('\u{7f}', "\\u007f")
}
