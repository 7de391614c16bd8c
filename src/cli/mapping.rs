//! How records are mapped: arguments that several commands share.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ipnetwork::IpNetwork;

use super::values;
use crate::pipeline::actions::Categories;
use crate::pipeline::dataset::Dataset;
use crate::pipeline::dialect::Dialect;
use crate::pipeline::enrich::network::Network;
use crate::pipeline::timestamp::TimeMode;

/// Mapping options, shared by the commands that map records.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags")]
#[command(next_help_heading = "Mapping")]
pub struct MappingArgs {
    /// Configuration file, for what no flag or variable sets
    ///
    /// A flag takes precedence over the environment, the environment over the file. It is the file of
    /// `run` (docs/service.md): normalize and explain take its table `mapping`, tail and fetch also what it sets for the
    /// output and the requests.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Dialect of the raw records
    #[arg(long, value_enum, default_value_t = DialectArg::Auto, value_name = "DIALECT")]
    pub dialect: DialectArg,
    /// MaxMind City database [env: CONFLUENCE_ECS_GEOIP_CITY]
    ///
    /// Sets source.geo.* by the source address. GeoLite2 and GeoIP2 databases work, and others in their
    /// format. tail, fetch and run read a file that is replaced again, without a restart.
    #[arg(long, value_name = "PATH")]
    pub geoip_city: Option<PathBuf>,
    /// MaxMind ASN database [env: CONFLUENCE_ECS_GEOIP_ASN]
    ///
    /// Sets source.as.* by the source address, as --geoip-city does source.geo.*.
    #[arg(long, value_name = "PATH")]
    pub geoip_asn: Option<PathBuf>,
    /// Keep each record's text in event.original
    ///
    /// Such events also get the tag preserve_original_event, without which Elastic's ingest pipelines
    /// remove the field. An event of a record that cannot be mapped always has both.
    #[arg(long)]
    pub preserve_original_event: bool,
    /// How the times of self-hosted records are read
    ///
    /// A log file has seconds and nanoseconds, which Elastic's integration joins without the leading zeros
    /// of the nanoseconds: some of its times are up to 0.9 seconds late. `elastic` makes the same times,
    /// to compare with events that it has indexed.
    #[arg(long, value_enum, default_value_t = TimestampsArg::Exact, value_name = "MODE")]
    pub timestamps: TimestampsArg,
    /// Actions that get event.category, .type and .outcome
    ///
    /// `extended` adds exports, apps, tokens, permissions taken away and much else. What is in both sets means the same.
    /// docs/events.md has the table.
    #[arg(long, value_enum, default_value_t = CategoriesArg::Elastic, value_name = "SET")]
    pub categories: CategoriesArg,
    /// Add a tag to every event (repeatable)
    ///
    /// Tags come after the default tags: confluence-audit, and for fetched records forwarded before it.
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Leave out the default tags
    ///
    /// Those of --tag still apply, and preserve_original_event, which is not a default tag.
    #[arg(long)]
    pub no_default_tags: bool,
    /// Value of data_stream.namespace in every event
    ///
    /// Lower case, at most 100 bytes, without -, blanks, and any of \ / * ? " < > | , # :
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = values::namespace)]
    pub namespace: String,
    /// Network of trusted proxies (repeatable)
    ///
    /// A record may have several addresses: that of the client, then those of the proxies that passed
    /// its request on. The source address is the last one that is in none of these networks. Networks
    /// that are given replace the default: loopback, link-local and private ranges.
    #[arg(long = "trusted-proxy", value_name = "CIDR", value_parser = values::cidr)]
    pub trusted_proxies: Vec<IpNetwork>,
    /// Name a network, for source.geo.name (repeatable)
    ///
    /// For addresses that no database knows, such as 10.1.0.0/16=vpn. Of several networks with the
    /// address the most specific one names it.
    #[arg(long = "network", value_name = "CIDR=NAME")]
    pub networks: Vec<Network>,
    /// Add host.* and agent.* fields of this machine
    ///
    /// Names, addresses, operating system and ids, read when the command starts, as Elastic's agents send them.
    /// agent.id is derived from the machine's id, agent.ephemeral_id is new in each process. Without this flag the
    /// same records make the same events on every machine. --add-fields takes precedence.
    #[arg(long)]
    pub host_metadata: bool,
    /// Merge a constant JSON object into every event
    ///
    /// The name of a JSON file, or the object itself: {"labels":{"site":"hq"}}. A dotted key is that of
    /// a field in an object: {"host.name":"wiki-1"}. Where the event has the field already, the
    /// constant replaces it; objects are merged.
    #[arg(long, value_name = "FILE.json|{JSON}")]
    pub add_fields: Option<PathBuf>,
    /// Longest record; a longer one is a pipeline_error event
    ///
    /// A number of bytes, or one with KiB or MiB. It bounds the memory that a single record takes.
    #[arg(long, value_name = "SIZE", default_value = "16MiB", allow_negative_numbers = true, value_parser = values::line_limit)]
    pub max_line_bytes: usize,
    /// Exit with 3 if a record could not be mapped
    #[arg(long)]
    pub strict: bool,
    /// Number of threads [default: one per core]
    ///
    /// With 1, everything is done in one thread, input and output included.
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::threads)]
    pub threads: Option<NonZeroUsize>,
}

/// Values of `--dialect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DialectArg {
    /// Each record tells, by its fields.
    Auto,
    /// The REST API of Confluence Cloud.
    Cloud,
    /// The REST API of Data Center, or an old Server.
    DcApi,
    /// The log files of Data Center.
    DcFile,
    /// The audit log of an Atlassian organization.
    Org,
}

impl DialectArg {
    /// The data set of most events.
    #[must_use]
    pub fn dataset(self) -> Dataset {
        self.forced().map(Dialect::dataset).unwrap_or_default()
    }

    /// The dialect that is forced; none for `auto`.
    #[must_use]
    pub fn forced(self) -> Option<Dialect> {
        match self {
            Self::Auto => None,
            Self::Cloud => Some(Dialect::CLOUD),
            Self::DcApi => Some(Dialect::DC_API),
            Self::DcFile => Some(Dialect::DC_FILE),
            Self::Org => Some(Dialect::Organization),
        }
    }
}

/// Values of `--timestamps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TimestampsArg {
    /// As the record has it, to the millisecond.
    Exact,
    /// As Elastic's integration indexes it.
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
    /// The 36 that Elastic's integration lists.
    Elastic,
    /// All that are known, over 200.
    Extended,
}

impl From<CategoriesArg> for Categories {
    fn from(categories: CategoriesArg) -> Self {
        match categories {
            CategoriesArg::Elastic => Self::Elastic,
            CategoriesArg::Extended => Self::Extended,
        }
    }
}
