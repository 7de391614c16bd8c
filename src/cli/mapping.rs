//! How records are mapped: arguments that several commands share.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ipnetwork::IpNetwork;

use super::values;
use crate::pipeline::dialect::Dialect;
use crate::pipeline::enrich::network::Network;
use crate::pipeline::timestamp::TimeMode;

/// Mapping options, shared by the commands that map records.
#[derive(Debug, Args)]
#[command(next_help_heading = "Mapping")]
pub struct MappingArgs {
    /// Configuration file, for what is not set by a flag or the environment (docs/service.md)
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Dialect of the raw records; auto: detected for each record
    #[arg(long, value_enum, default_value_t = DialectArg::Auto, value_name = "DIALECT")]
    pub dialect: DialectArg,
    /// MaxMind City database, for source.geo fields [env: CONFLUENCE_ECS_GEOIP_CITY]
    #[arg(long, value_name = "PATH")]
    pub geoip_city: Option<PathBuf>,
    /// MaxMind ASN database, for source.as fields [env: CONFLUENCE_ECS_GEOIP_ASN]
    #[arg(long, value_name = "PATH")]
    pub geoip_asn: Option<PathBuf>,
    /// Keep each record's text in event.original
    #[arg(long)]
    pub preserve_original_event: bool,
    /// Times of self-hosted records: exact, or as Elastic's integration indexes them
    #[arg(long, value_enum, default_value_t = TimestampsArg::Exact, value_name = "MODE")]
    pub timestamps: TimestampsArg,
    /// Actions that get event.category, .type and .outcome: those of Elastic's integration
    #[arg(long, value_enum, default_value_t = CategoriesArg::Elastic, value_name = "SET")]
    pub categories: CategoriesArg,
    /// Add a tag to every event, after the default tags (repeatable)
    /// [default tags: confluence-audit; with fetch: forwarded, confluence-audit]
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Leave out the default tags; --tag and preserve_original_event still apply
    #[arg(long)]
    pub no_default_tags: bool,
    /// Value of data_stream.namespace in every event: lower case, without -, blanks and special characters
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = values::namespace)]
    pub namespace: String,
    /// Network of trusted proxies, never taken as the source address (repeatable)
    /// [default: loopback, link-local and private ranges]
    #[arg(long = "trusted-proxy", value_name = "CIDR", value_parser = values::cidr)]
    pub trusted_proxies: Vec<IpNetwork>,
    /// Name a network, for source.geo.name of addresses in it (repeatable, the most specific wins)
    #[arg(long = "network", value_name = "CIDR=NAME")]
    pub networks: Vec<Network>,
    /// Merge a constant JSON object into every event; dotted keys are expanded
    #[arg(long, value_name = "FILE.json|{JSON}")]
    pub add_fields: Option<PathBuf>,
    /// Longest record, such as 16MiB; a longer one becomes a pipeline_error event
    #[arg(long, value_name = "SIZE", default_value = "16MiB", allow_negative_numbers = true, value_parser = values::line_limit)]
    pub max_line_bytes: usize,
    /// Exit with 3 if a record could not be mapped
    #[arg(long)]
    pub strict: bool,
    /// Number of threads [default: one per core]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::threads)]
    pub threads: Option<NonZeroUsize>,
}

/// Values of `--dialect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the values of Dialect")]
pub enum DialectArg {
    Auto,
    Cloud,
    DcApi,
    DcFile,
}

impl DialectArg {
    /// The dialect that is forced; none for `auto`.
    #[must_use]
    pub fn forced(self) -> Option<Dialect> {
        match self {
            Self::Auto => None,
            Self::Cloud => Some(Dialect::Cloud),
            Self::DcApi => Some(Dialect::DcApi),
            Self::DcFile => Some(Dialect::DcFile),
        }
    }
}

/// Values of `--timestamps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the values of TimeMode")]
pub enum TimestampsArg {
    Exact,
    Elastic,
}

impl From<TimestampsArg> for TimeMode {
    fn from(mode: TimestampsArg) -> Self {
        match mode {
            TimestampsArg::Exact => Self::Exact,
            TimestampsArg::Elastic => Self::Elastic,
        }
    }
}

/// Values of `--categories`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CategoriesArg {
    /// Those of the integration.
    Elastic,
}
