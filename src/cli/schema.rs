//! Arguments of `schema`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use crate::schema::fields;

/// The commands of `schema`.
#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Print the fields that an event can have
    Fields {
        /// Output format
        #[arg(long, value_enum, default_value_t = FieldsFormatArg::Table, value_name = "FORMAT")]
        format: FieldsFormatArg,
    },
    /// Print a composable index template for Elasticsearch 8
    IndexTemplate,
    /// Print a JSON schema (draft 2020-12) of one event
    JsonSchema,
    /// Check events for unknown fields, wrong types and values not allowed by ECS or data streams
    Validate {
        /// Files of events, a JSON document a line, over several lines or in an array, plain, gzip, zstd, xz or bzip2; `-` or none: stdin
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// Values of `schema fields --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the values of fields::FieldsFormat")]
pub enum FieldsFormatArg {
    Table,
    Json,
    Markdown,
}

impl From<FieldsFormatArg> for fields::FieldsFormat {
    fn from(format: FieldsFormatArg) -> Self {
        match format {
            FieldsFormatArg::Table => Self::Table,
            FieldsFormatArg::Json => Self::Json,
            FieldsFormatArg::Markdown => Self::Markdown,
        }
    }
}
