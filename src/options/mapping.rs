//! How records are mapped.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use ipnetwork::IpNetwork;

use super::Error;
use crate::cli::MappingArgs;
use crate::pipeline::actions::Categories;
use crate::pipeline::dialect::Dialect;
use crate::pipeline::enrich::geoip::{self, Databases};
use crate::pipeline::enrich::network::{Network, Networks, TrustedProxies};
use crate::pipeline::enrich::source::Enricher;
use crate::pipeline::event::{AddFields, DefaultTags, Envelope};
use crate::pipeline::normalize::Options;
use crate::pipeline::timestamp::TimeMode;
use crate::process::batch;
use crate::process::host;
use crate::process::shown::Shown as _;

/// What the options of the mapping are made of: values, and files that are read each time.
#[derive(Debug)]
pub struct MappingSources {
    dialect: Option<Dialect>,
    time_mode: TimeMode,
    categories: Categories,
    max_line_bytes: usize,
    trusted_proxies: Vec<IpNetwork>,
    networks: Vec<Network>,
    city: Given,
    asn: Given,
    namespace: String,
    default_tags: DefaultTags,
    tags: Vec<String>,
    keeps_original: bool,
    add_fields: Option<PathBuf>,
    host_metadata: bool,
}

impl MappingSources {
    /// By the arguments, which may leave the default tags out.
    #[must_use]
    pub fn new(arguments: &MappingArgs, default_tags: DefaultTags) -> Self {
        let (city, asn) = given_databases(arguments);
        Self {
            dialect: arguments.dialect.forced(),
            time_mode: arguments.timestamps.into(),
            categories: arguments.categories.into(),
            max_line_bytes: arguments.max_line_bytes,
            trusted_proxies: arguments.trusted_proxies.clone(),
            networks: arguments.networks.clone(),
            city,
            asn,
            namespace: arguments.namespace.clone(),
            default_tags: if arguments.no_default_tags {
                DefaultTags::None
            } else {
                default_tags
            },
            tags: arguments.tags.clone(),
            keeps_original: arguments.preserve_original_event,
            add_fields: arguments.add_fields.clone(),
            host_metadata: arguments.host_metadata,
        }
    }

    /// Paths of the configured GeoIP databases.
    #[must_use]
    pub fn databases(&self) -> Vec<PathBuf> {
        let given = [&self.city, &self.asn].into_iter().flatten();
        given.map(|(_, path)| path.clone()).collect()
    }

    /// Reads the databases and the file of `--add-fields`.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub fn read(&self) -> Result<Options, Error> {
        let databases = Databases {
            city: open_database(geoip::DatabaseKind::City, &self.city)?,
            asn: open_database(geoip::DatabaseKind::Asn, &self.asn)?,
        };
        let mut constants = add_fields(self.add_fields.as_deref())?;
        if self.host_metadata {
            constants = constants.over(AddFields::from_fields(host::fields()));
        }
        Ok(Options {
            dialect: self.dialect,
            time_mode: self.time_mode,
            categories: self.categories,
            max_line_bytes: self.max_line_bytes,
            enricher: Enricher {
                databases,
                trusted: TrustedProxies::new(self.trusted_proxies.clone()),
                networks: Networks::new(self.networks.clone()),
            },
            envelope: Envelope::new(
                &self.namespace,
                self.default_tags,
                &self.tags,
                self.keeps_original,
                constants,
            ),
        })
    }
}

/// Options of the mapping from their arguments.
///
/// # Errors
/// When a file that an argument names cannot be used.
pub fn mapping(arguments: &MappingArgs, default_tags: DefaultTags) -> Result<Options, Error> {
    MappingSources::new(arguments, default_tags).read()
}

/// Options of the mapping for golden files, where the original is always kept, and tags are not the
/// mapping's to add.
///
/// # Errors
/// When a file that an argument names cannot be used.
pub fn golden(arguments: &MappingArgs) -> Result<Options, Error> {
    MappingSources {
        tags: Vec::new(),
        keeps_original: true,
        ..MappingSources::new(arguments, DefaultTags::None)
    }
    .read()
}

/// Number of worker threads: `--threads`, or one per core.
#[must_use]
pub fn threads(arguments: &MappingArgs) -> NonZeroUsize {
    arguments.threads.unwrap_or_else(batch::all_cores)
}

/// A path and the setting that it comes from.
pub type Given = Option<(&'static str, PathBuf)>;

/// The City and the ASN database.
#[must_use]
pub fn given_databases(arguments: &MappingArgs) -> (Given, Given) {
    let city = given(
        arguments.geoip_city.as_deref(),
        "--geoip-city",
        "CONFLUENCE_ECS_GEOIP_CITY",
    );
    let asn = given(
        arguments.geoip_asn.as_deref(),
        "--geoip-asn",
        "CONFLUENCE_ECS_GEOIP_ASN",
    );
    (city, asn)
}

/// The path of a flag, else of the environment, where an empty variable is none.
fn given(path: Option<&Path>, flag: &'static str, variable: &'static str) -> Given {
    path.map(|path| (flag, path.to_owned())).or_else(|| {
        let value = std::env::var_os(variable).filter(|value| !value.is_empty())?;
        Some((variable, value.into()))
    })
}

fn open_database(
    kind: geoip::DatabaseKind,
    given: &Given,
) -> Result<Option<geoip::Database>, Error> {
    given
        .as_ref()
        .map(|&(setting, ref path)| {
            geoip::open(kind, path).map_err(|source| Error::GeoIp { setting, source })
        })
        .transpose()
}

/// What `--add-fields` merges into every event: an object, or the file that holds it.
///
/// # Errors
/// When the file cannot be read, or what is given is something else.
pub fn add_fields(given: Option<&Path>) -> Result<AddFields, Error> {
    let Some(given) = given else {
        return Ok(AddFields::default());
    };
    let inline = given.as_os_str().as_encoded_bytes();
    if inline.trim_ascii_start().starts_with(b"{") {
        return AddFields::from_json(inline).map_err(|source| Error::AddFields {
            name: "the given JSON".to_owned(),
            source,
        });
    }
    let text = std::fs::read(given).map_err(|source| Error::AddFieldsRead {
        path: given.to_owned(),
        source,
    })?;
    AddFields::from_json(&text).map_err(|source| Error::AddFields {
        name: given.shown().to_string(),
        source,
    })
}
