//! Arguments into the options that the work is done with; what is wrong with them is found here,
//! before anything is read or written.

use std::path::{Path, PathBuf};

use crate::cli::MappingArgs;
use crate::event::{Envelope, Overlay, OverlayError};
use crate::geoip::{self, Databases};
use crate::network::{Networks, TrustedProxies};
use crate::normalize::Options;
use crate::source::Locator;

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A GeoIP database cannot be opened.
    #[error("{flag}: {source}")]
    GeoIp {
        /// The flag or the environment variable that names it.
        flag: &'static str,
        /// Why.
        source: geoip::Error,
    },
    /// The file of `--add-fields` cannot be read.
    #[error("--add-fields: cannot read {}: {source}", path.display())]
    AddFieldsRead {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file of `--add-fields` holds something else.
    #[error("--add-fields: {} {source}", path.display())]
    AddFields {
        /// The file.
        path: PathBuf,
        /// What it holds.
        source: OverlayError,
    },
}

/// The tag of every event where no `--tag` is given.
const DEFAULT_TAG: &str = "confluence-audit";

/// Options of the mapping from their arguments.
///
/// # Errors
/// When a file that an argument names cannot be used.
pub fn mapping(arguments: &MappingArgs) -> Result<Options, Error> {
    let open = |city, asn, flag| {
        Databases::open(city, asn).map_err(|source| Error::GeoIp { flag, source })
    };
    let city = given(arguments.geoip_city.as_deref());
    let asn = given(arguments.geoip_asn.as_deref());
    let mut databases = open(city, None, "--geoip-city")?;
    databases.asn = open(None, asn, "--geoip-asn")?.asn;

    let default_tag = [DEFAULT_TAG.to_owned()];
    let tags = if arguments.tags.is_empty() {
        &default_tag
    } else {
        arguments.tags.as_slice()
    };
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
            tags,
            arguments.preserve_original_event,
            add_fields(arguments.add_fields.as_deref())?,
        ),
    })
}

/// An empty path, as an empty environment variable gives it, is none.
fn given(path: Option<&Path>) -> Option<&Path> {
    path.filter(|path| !path.as_os_str().is_empty())
}

fn add_fields(path: Option<&Path>) -> Result<Overlay, Error> {
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
