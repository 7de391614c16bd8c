//! Arguments into the options that the work is done with; what is wrong with them is found here,
//! before anything is read or written.

pub mod fetch;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::cli::{MappingArgs, TailArgs};
use crate::event::{Envelope, Overlay, OverlayError};
use crate::geoip::{self, Databases};
use crate::network::{Networks, TrustedProxies};
use crate::normalize::Options;
use crate::shown::Shown as _;
use crate::source::Locator;
use crate::tail::discover::Discovery;
use crate::tail::exclusion::Exclusion;
use crate::tail::pattern::{Pattern, PatternError};

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A GeoIP database cannot be opened.
    #[error("{setting}: {source}")]
    GeoIp {
        /// The flag or the environment variable that names it.
        setting: &'static str,
        /// Why.
        source: geoip::Error,
    },
    /// A path to follow cannot be used.
    #[error("PATH|GLOB: {0}")]
    Path(PatternError),
    /// An `--exclude` cannot be used.
    #[error("--exclude: {0}")]
    Exclude(PatternError),
    /// The file of `--add-fields` cannot be read.
    #[error("--add-fields: cannot read {}: {source}", path.shown())]
    AddFieldsRead {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Where to fetch from, or with what credentials, is not clear.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// The file of `--add-fields` holds something else.
    #[error("--add-fields: {} {source}", path.shown())]
    AddFields {
        /// The file.
        path: PathBuf,
        /// What it holds.
        source: OverlayError,
    },
}

/// Reads what `tail` is to follow, and what not.
///
/// # Errors
/// When a path or glob cannot be used.
pub fn discovery(arguments: &TailArgs) -> Result<Discovery, Error> {
    let path = |path: &PathBuf| Pattern::parse(path).map_err(Error::Path);
    let glob = |glob: &OsString| Exclusion::parse(glob).map_err(Error::Exclude);
    Ok(Discovery {
        patterns: arguments.paths.iter().map(path).collect::<Result<_, _>>()?,
        exclude: arguments
            .exclude
            .iter()
            .map(glob)
            .collect::<Result<_, _>>()?,
        known: BTreeSet::new(),
        left: BTreeMap::new(),
    })
}

/// The GeoIP databases that the arguments or the environment name.
#[must_use]
pub fn databases(arguments: &MappingArgs) -> Vec<PathBuf> {
    let (city, asn) = given_databases(arguments);
    city.into_iter().chain(asn).map(|(_, path)| path).collect()
}

/// The tags of events before those of `--tag`, without `--no-default-tags`.
pub const DEFAULT_TAGS: [&str; 1] = ["confluence-audit"];
/// The same, of events that were fetched.
pub const DEFAULT_FETCH_TAGS: [&str; 2] = ["forwarded", "confluence-audit"];

/// Options of the mapping from their arguments.
///
/// # Errors
/// When a file that an argument names cannot be used.
pub fn mapping(arguments: &MappingArgs, default_tags: &[&str]) -> Result<Options, Error> {
    let (city, asn) = given_databases(arguments);
    let databases = Databases {
        city: open_database(geoip::Kind::City, city)?,
        asn: open_database(geoip::Kind::Asn, asn)?,
    };

    let default_tags = default_tags.iter().filter(|_| !arguments.no_default_tags);
    let default_tags = default_tags.map(|tag| (*tag).to_owned());
    let tags: Vec<_> = default_tags.chain(arguments.tags.clone()).collect();
    Ok(Options {
        dialect: arguments.dialect.forced(),
        time_mode: arguments.timestamps.into(),
        max_line_bytes: arguments.max_line_bytes,
        locator: Locator {
            databases,
            trusted: TrustedProxies::new(arguments.trusted_proxies.clone()),
            networks: Networks::new(arguments.networks.clone()),
        },
        envelope: Envelope::new(
            &arguments.namespace,
            &tags,
            arguments.preserve_original_event,
            add_fields(arguments.add_fields.as_deref())?,
        ),
    })
}

/// Options of the mapping for golden files, where the original is always kept, and tags are not the
/// mapping's to add.
///
/// # Errors
/// When a file that an argument names cannot be used.
pub fn golden(arguments: &MappingArgs) -> Result<Options, Error> {
    let envelope = Envelope::new(
        &arguments.namespace,
        &[],
        true,
        add_fields(arguments.add_fields.as_deref())?,
    );
    Ok(Options {
        envelope,
        ..mapping(arguments, &[])?
    })
}

/// A path and the setting that it comes from.
pub(crate) type Given = Option<(&'static str, PathBuf)>;

/// The City and the ASN database.
pub(crate) fn given_databases(arguments: &MappingArgs) -> (Given, Given) {
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

fn open_database(kind: geoip::Kind, given: Given) -> Result<Option<geoip::Database>, Error> {
    given
        .map(|(setting, path)| {
            geoip::open(kind, &path).map_err(|source| Error::GeoIp { setting, source })
        })
        .transpose()
}

/// What `--add-fields` merges into every event.
pub(crate) fn add_fields(path: Option<&Path>) -> Result<Overlay, Error> {
    let Some(path) = path else {
        return Ok(Overlay::default());
    };
    let text = std::fs::read(path).map_err(|source| Error::AddFieldsRead {
        path: path.to_owned(),
        source,
    })?;
    Overlay::from_json(&text).map_err(|source| Error::AddFields {
        path: path.to_owned(),
        source,
    })
}
