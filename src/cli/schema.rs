//! Arguments of `schema`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::ClusterConnectionArgs;
use super::cluster::index_pattern;
use crate::pipeline::dataset::Dataset;
use crate::schema::template::Product;
use crate::schema::{actions, fields};

/// The commands of `schema`.
#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Print the fields that an event can have
    Fields {
        /// Output format
        #[arg(long, value_enum, default_value_t = FieldsFormatArg::Table, value_name = "FORMAT")]
        format: FieldsFormatArg,
        /// Data set of the events
        #[arg(long, value_enum, default_value_t = DatasetArg::Confluence, value_name = "DATASET")]
        dataset: DatasetArg,
    },
    /// Print the actions that get a category, and which of them are notable
    ///
    /// Those of both sets of `--categories` (docs/events.md). Notable actions of organizations are matched by patterns:
    /// see docs/org-events.md.
    Actions {
        /// Output format
        #[arg(long, value_enum, default_value_t = ActionsFormatArg::Table, value_name = "FORMAT")]
        format: ActionsFormatArg,
        /// Data set of the events
        #[arg(long, value_enum, default_value_t = DatasetArg::Confluence, value_name = "DATASET")]
        dataset: DatasetArg,
    },
    /// Print a composable index template for the data stream of the events, or install it in a cluster
    IndexTemplate(Box<IndexTemplateArgs>),
    /// Print a JSON schema (draft 2020-12) of one event
    JsonSchema {
        /// Data set of the events
        #[arg(long, value_enum, default_value_t = DatasetArg::Confluence, value_name = "DATASET")]
        dataset: DatasetArg,
    },
    /// Check events for unknown fields, wrong types and values not allowed by ECS or data streams
    ///
    /// Each event by the fields of its own data set, as event.dataset names it.
    Validate {
        /// Files of events; `-` or none: stdin
        ///
        /// A JSON document a line, over several lines or in an array; plain, gzip, zstd, xz or bzip2.
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// Arguments of `schema index-template`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 success, 1 the cluster does not answer or refuses the template, 2 usage error."
)]
pub struct IndexTemplateArgs {
    /// Product that it is for
    ///
    /// Without it, the one at --elasticsearch-url, else elasticsearch.
    #[arg(long = "for", value_enum, value_name = "PRODUCT")]
    pub product: Option<ProductArg>,
    /// Data set of the events that go there
    ///
    /// --index says it too, where it is the name of a data stream that events go to by default.
    #[arg(long, value_enum, default_value_t = DatasetArg::Confluence, value_name = "DATASET")]
    pub dataset: DatasetArg,
    /// Put it into the cluster, instead of printing it
    #[arg(long, requires = "elasticsearch_url")]
    pub install: bool,
    /// Data stream that it is for
    ///
    /// Its name, or how such names begin, then *. Without it: logs-atlassian_confluence.audit-*, or with
    /// --dataset org logs-atlassian_cloud.audit-*
    #[arg(long, value_name = "NAME", value_parser = index_pattern)]
    pub index: Option<String>,
    /// Configuration file, for what no flag or variable sets
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where the cluster is.
    #[command(flatten)]
    pub connection: ClusterConnectionArgs,
}

/// Values of `schema --dataset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DatasetArg {
    /// Confluence's own audit log.
    Confluence,
    /// The audit log of an Atlassian organization.
    Org,
}

impl From<DatasetArg> for Dataset {
    fn from(dataset: DatasetArg) -> Self {
        match dataset {
            DatasetArg::Confluence => Self::Confluence,
            DatasetArg::Org => Self::Organization,
        }
    }
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

/// Values of `schema actions --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the values of actions::ActionsFormat")]
pub enum ActionsFormatArg {
    Table,
    Json,
    Markdown,
    Csv,
}

impl From<ActionsFormatArg> for actions::ActionsFormat {
    fn from(format: ActionsFormatArg) -> Self {
        match format {
            ActionsFormatArg::Table => Self::Table,
            ActionsFormatArg::Json => Self::Json,
            ActionsFormatArg::Markdown => Self::Markdown,
            ActionsFormatArg::Csv => Self::Csv,
        }
    }
}

/// Values of `schema index-template --for`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProductArg {
    /// Elasticsearch 8 and 9.
    Elasticsearch,
    /// OpenSearch 2 and 3.
    #[value(name = "opensearch")]
    OpenSearch,
}

impl From<ProductArg> for Product {
    fn from(product: ProductArg) -> Self {
        match product {
            ProductArg::Elasticsearch => Self::Elasticsearch,
            ProductArg::OpenSearch => Self::OpenSearch,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_set_knows_its_argument() {
        for dataset in Dataset::ALL {
            let argument = DatasetArg::from_str(dataset.argument(), false);
            assert_eq!(argument.map(Dataset::from), Ok(dataset));
        }
    }
}
