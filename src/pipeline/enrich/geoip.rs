//! `source.geo` and `source.as` from MaxMind databases (docs/mapping.md 5; format: <https://maxmind.github.io/MaxMind-DB/>).
//!
//! Databases come from several vendors and builds, so a lookup is lenient: a part that is missing or of another type
//! than usual is left out and the rest is read; a record that cannot be decoded, or a broken tree, is no match.

use std::{
    fmt, fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
};

use crate::process::shown::Shown as _;
use maxminddb::{LookupResult, MaxMindDbError, PathElement, Reader, path};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A database that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the {kind} database {}: {source}; check the path and its permissions", path.shown())]
    Read {
        /// What was asked for.
        kind: DatabaseKind,
        /// Path of the file that caused the error.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is of another format, cut short or damaged.
    #[error("{} is not a MaxMind database: {source}; pass the unpacked .mmdb file, or download it again", path.shown())]
    Format {
        /// Path of the file that caused the error.
        path: PathBuf,
        /// Where it breaks the format.
        source: MaxMindDbError,
    },
    /// The file is a MaxMind database of a type that is not read as that kind.
    #[error("{} is not {} {kind} database but {}; pass {}", path.shown(), kind.article(), named(found), kind.accepted())]
    DatabaseKind {
        /// What was asked for.
        kind: DatabaseKind,
        /// Path of the file that caused the error.
        path: PathBuf,
        /// The type that the file's metadata gives.
        found: String,
    },
}

/// What a database is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// Places: `source.geo`.
    City,
    /// Autonomous systems: `source.as`.
    Asn,
}

impl fmt::Display for DatabaseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::City => "City",
            Self::Asn => "ASN",
        })
    }
}

impl DatabaseKind {
    fn article(self) -> &'static str {
        match self {
            Self::City => "a",
            Self::Asn => "an",
        }
    }

    /// What can be passed, in words.
    fn accepted(self) -> &'static str {
        match self {
            Self::City => "a City, Country or Enterprise database, such as GeoLite2-City.mmdb",
            Self::Asn => "an ASN, ISP or Enterprise database, such as GeoLite2-ASN.mmdb",
        }
    }

    /// Whether a database of that type has the layout that is read: that of MaxMind's databases of the kind. Any
    /// other type would open and then match nothing.
    fn reads(self, database_type: &str) -> bool {
        let words: &[&str] = match self {
            Self::City => &["city", "country", "enterprise"],
            Self::Asn => &["asn", "isp", "enterprise"],
        };
        let name = database_type.to_ascii_lowercase();
        // IPinfo's types name what is in them, too, but their records are flat.
        if name.starts_with("ipinfo") {
            return false;
        }
        // `DBIP-Location (compat=City)`: what it is called, and whose layout it has.
        let layout = name.split_once("(compat=").map(|(_, layout)| layout);
        let layout = layout.and_then(|layout| layout.strip_suffix(')'));
        let mut parts = layout.unwrap_or(&name).split(['-', ' ']);
        parts.any(|part| words.contains(&part))
    }
}

/// A type of a database for a message.
fn named(database_type: &str) -> String {
    match database_type {
        "" => "one without a type".to_owned(),
        found => format!("`{}`", found.shown()),
    }
}

/// A database, whole in memory.
pub type Database = Reader<Vec<u8>>;

/// The databases of a run, whole in memory: a file replaced while in use must not change what is being read.
#[derive(Debug, Default)]
pub struct Databases {
    /// For `source.geo`.
    pub city: Option<Database>,
    /// For `source.as`.
    pub asn: Option<Database>,
}

/// The ECS fields of `source.geo`, those that the database has.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Geo {
    /// `city`, in English.
    pub city_name: Option<String>,
    /// `continent`, in English.
    pub continent_name: Option<String>,
    /// ISO 3166-1 alpha-2 code of `country`, which is where the address is, not where it is registered.
    pub country_iso_code: Option<String>,
    /// `country`, in English.
    pub country_name: Option<String>,
    /// Only when both numbers are there.
    pub location: Option<Location>,
    /// ISO 3166-2: country code, `-`, code of the last and most specific subdivision; only when both codes are there.
    pub region_iso_code: Option<String>,
    /// The last subdivision, in English.
    pub region_name: Option<String>,
}

/// A point, in degrees of WGS 84.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Location {
    /// Latitude, north positive.
    pub lat: f64,
    /// Longitude, east positive.
    pub lon: f64,
}

/// The ECS fields of `source.as`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AutonomousSystem {
    /// Number of the autonomous system: 1221 for AS1221.
    pub number: Option<u64>,
    /// Name of the organization that runs it.
    pub organization_name: Option<String>,
}

impl Databases {
    /// Reads the databases given.
    ///
    /// # Errors
    /// When a file cannot be read, is no MaxMind database, or is one of a type that is not read.
    pub fn open(city: Option<&Path>, asn: Option<&Path>) -> Result<Self, Error> {
        Ok(Self {
            city: city
                .map(|path| open(DatabaseKind::City, path))
                .transpose()?,
            asn: asn.map(|path| open(DatabaseKind::Asn, path)).transpose()?,
        })
    }

    /// The place of `ip`; `None` without a City database, without a match, or when the record holds nothing of use.
    #[must_use]
    pub fn geo(&self, ip: IpAddr) -> Option<Geo> {
        let geo = GeoRecord::find(self.city.as_ref()?, ip)?.geo().ok()?;
        (geo != Geo::default()).then_some(geo)
    }

    /// The autonomous system of `ip`; `None` without an ASN database or a match.
    #[must_use]
    pub fn asn(&self, ip: IpAddr) -> Option<AutonomousSystem> {
        let system = GeoRecord::find(self.asn.as_ref()?, ip)?
            .autonomous_system()
            .ok()?;
        (system != AutonomousSystem::default()).then_some(system)
    }
}

/// Reads a database of that kind.
///
/// # Errors
/// When the file cannot be read, is no MaxMind database, or is one of a type that is not read.
pub(crate) fn open(kind: DatabaseKind, path: &Path) -> Result<Database, Error> {
    let bytes = fs::read(path).map_err(|source| Error::Read {
        kind,
        path: path.to_owned(),
        source,
    })?;
    let reader = Reader::from_source(bytes).map_err(|source| Error::Format {
        path: path.to_owned(),
        source,
    })?;
    let found = &reader.metadata().database_type;
    if !kind.reads(found) {
        return Err(Error::DatabaseKind {
            kind,
            path: path.to_owned(),
            found: found.clone(),
        });
    }
    Ok(reader)
}

/// What a database has about one address. Each part is sought by its path, so that what is not asked for
/// (the names in other languages) is skipped, and what is badly typed spoils nothing else.
struct GeoRecord<'a>(LookupResult<'a, Vec<u8>>);

impl<'a> GeoRecord<'a> {
    /// An IPv6 address in a tree of IPv4 only is an error of the reader's, and no match like any other.
    fn find(reader: &'a Reader<Vec<u8>>, ip: IpAddr) -> Option<Self> {
        let found = reader.lookup(ip.to_canonical()).ok()?;
        found.has_data().then_some(Self(found))
    }

    /// Paths: <https://dev.maxmind.com/geoip/docs/databases/city-and-country>.
    fn geo(&self) -> Result<Geo, MaxMindDbError> {
        let country_iso_code = self.text(&path!["country", "iso_code"])?;
        let region_code = self.text(&path!["subdivisions", -1, "iso_code"])?;
        let location = self.degrees("latitude")?.zip(self.degrees("longitude")?);
        Ok(Geo {
            city_name: self.text(&path!["city", "names", "en"])?,
            continent_name: self.text(&path!["continent", "names", "en"])?,
            country_name: self.text(&path!["country", "names", "en"])?,
            location: location.map(|(lat, lon)| Location { lat, lon }),
            region_iso_code: country_iso_code
                .as_ref()
                .zip(region_code)
                .map(|(land, code)| format!("{land}-{code}")),
            region_name: self.text(&path!["subdivisions", -1, "names", "en"])?,
            country_iso_code,
        })
    }

    /// Paths: <https://dev.maxmind.com/geoip/docs/databases/asn>, and in an Enterprise database
    /// <https://dev.maxmind.com/geoip/docs/databases/enterprise>.
    fn autonomous_system(&self) -> Result<AutonomousSystem, MaxMindDbError> {
        const NUMBER: PathElement = PathElement::Key("autonomous_system_number");
        const ORGANIZATION: PathElement = PathElement::Key("autonomous_system_organization");
        const TRAITS: PathElement = PathElement::Key("traits");
        let number = |path: &[PathElement]| -> Result<Option<u64>, MaxMindDbError> {
            Ok(self.scalar(path)?.and_then(GeoScalar::into_number))
        };
        let system = AutonomousSystem {
            number: number(&[NUMBER])?,
            organization_name: self.text(&[ORGANIZATION])?,
        };
        if system != AutonomousSystem::default() {
            return Ok(system);
        }
        Ok(AutonomousSystem {
            number: number(&[TRAITS, NUMBER])?,
            organization_name: self.text(&[TRAITS, ORGANIZATION])?,
        })
    }

    /// Text that is there and not empty.
    fn text(&self, path: &[PathElement]) -> Result<Option<String>, MaxMindDbError> {
        let scalar = self.scalar(path)?;
        Ok(scalar
            .and_then(GeoScalar::into_text)
            .filter(|text| !text.is_empty())
            .map(str::to_owned))
    }

    fn degrees(&self, axis: &str) -> Result<Option<f64>, MaxMindDbError> {
        Ok(self
            .scalar(&path!["location", axis])?
            .and_then(GeoScalar::into_degrees))
    }

    fn scalar(&self, path: &[PathElement]) -> Result<Option<GeoScalar<'a>>, MaxMindDbError> {
        match self.0.decode_path(path) {
            // The path runs into a part of another type, such as a string where a map is usual.
            Err(MaxMindDbError::Decoding { .. }) => Ok(None),
            result => result,
        }
    }
}

/// Any value of the format, in the forms that differ here.
enum GeoScalar<'a> {
    Text(&'a str),
    /// Every integer of the format: 16 to 128 bits, the 32-bit one signed.
    Integer(i128),
    Float(f64),
    Other,
}

impl<'a> GeoScalar<'a> {
    fn into_text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Integer(_) | Self::Float(_) | Self::Other => None,
        }
    }

    fn into_number(self) -> Option<u64> {
        match self {
            Self::Integer(number) => u64::try_from(number).ok(),
            Self::Text(_) | Self::Float(_) | Self::Other => None,
        }
    }

    fn into_degrees(self) -> Option<f64> {
        match self {
            Self::Integer(number) => i32::try_from(number).ok().map(f64::from),
            // JSON has no infinity and no NaN.
            Self::Float(number) => number.is_finite().then_some(number),
            Self::Text(_) | Self::Other => None,
        }
    }
}

impl<'de> Deserialize<'de> for GeoScalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = GeoScalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value of the MaxMind DB format")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(GeoScalar::Text(text))
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Self::Value, E> {
        Ok(GeoScalar::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(GeoScalar::Other)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(GeoScalar::Integer(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(GeoScalar::Integer(number.into()))
    }

    fn visit_u128<E>(self, number: u128) -> Result<Self::Value, E> {
        Ok(i128::try_from(number).map_or(GeoScalar::Other, GeoScalar::Integer))
    }

    fn visit_f32<E>(self, number: f32) -> Result<Self::Value, E> {
        // By way of its text: 51.5142_f32 means 51.5142, and widened as bits it would print as 51.51419830322266.
        Ok(number
            .to_string()
            .parse()
            .map_or(GeoScalar::Other, GeoScalar::Float))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(GeoScalar::Float(number))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(GeoScalar::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(GeoScalar::Other)
    }
}
