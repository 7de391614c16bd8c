//! The GeoIP reader over the project's own databases (`tests/support/geoip_db.rs`).

// A test that cannot set itself up may panic; clippy's own exception does not reach helpers outside `#[test]`.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

use crate::support::geoip_db;
use confluence_ecs::pipeline::enrich::geoip::{AutonomousSystem, Databases, Geo, Location};

/// `testdata/geoip/NAME.mmdb`.
fn committed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/geoip")
        .join(name)
        .with_extension("mmdb")
}

fn databases() -> Databases {
    Databases::open(
        Some(&committed("confluence-ecs-city")),
        Some(&committed("confluence-ecs-asn")),
    )
    .unwrap()
}

/// A file of this test run's own.
fn scratch(name: &str, bytes: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(name)
        .with_extension("mmdb");
    fs::write(&path, bytes).unwrap();
    path
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The place as one line, absent fields as `-`: city, continent, code, country, location, region code, region.
fn place(databases: &Databases, address: &str) -> String {
    let Some(geo) = databases.geo(ip(address)) else {
        return "no match".to_owned();
    };
    let Geo {
        city_name,
        continent_name,
        country_iso_code,
        country_name,
        location,
        region_iso_code,
        region_name,
    } = geo;
    let location = location.map(|Location { lat, lon }| format!("{lat},{lon}"));
    [
        city_name,
        continent_name,
        country_iso_code,
        country_name,
        location,
        region_iso_code,
        region_name,
    ]
    .map(|field| field.unwrap_or_else(|| "-".to_owned()))
    .join("|")
}

fn system(address: &str) -> String {
    match databases().asn(ip(address)) {
        Some(AutonomousSystem {
            number,
            organization_name,
        }) => {
            let number = number.map_or("-".to_owned(), |number| number.to_string());
            format!("{number}|{}", organization_name.as_deref().unwrap_or("-"))
        }
        None => "no match".to_owned(),
    }
}

fn same_as_generated(name: &str, generated: &[u8]) {
    let path = committed(name);
    if std::env::var_os("UPDATE_TESTDATA").is_some_and(|value| value == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, generated).unwrap();
    }
    let message =
        "run `UPDATE_TESTDATA=1 cargo test --test it geoip::committed`, and look at the difference";
    assert!(
        fs::read(&path).unwrap_or_default() == generated,
        "{} is out of date: {message}",
        path.display()
    );
}

#[test]
fn committed_databases_are_what_the_code_makes() {
    same_as_generated("confluence-ecs-city", &geoip_db::city());
    same_as_generated("confluence-ecs-asn", &geoip_db::asn());
}

#[test]
fn places() {
    let databases = databases();
    let london = "London|Europe|GB|United Kingdom|51.5142,-0.0931|GB-ENG|England";
    let cases = [
        ("81.2.69.143", london),
        ("::ffff:81.2.69.143", london),
        ("81.2.69.144", "no match"),
        (
            "89.160.20.112",
            "Linköping|Europe|SE|Sweden|58.4167,15.6167|SE-E|Östergötland County",
        ),
        ("2001:218::1", "-|Asia|JP|Japan|-|-|-"),
        ("2001:219::1", "no match"),
        // The location: none, one number, 32-bit floats, integers, text, not a number.
        ("192.0.2.1", "-|-|FR|France|-|-|-"),
        ("192.0.2.17", "-|-|FR|France|-|-|-"),
        ("192.0.2.33", "-|-|FR|France|51.5142,-0.0931|-|-"),
        ("192.0.2.49", "-|-|FR|France|7,-3|-|-"),
        ("192.0.2.65", "-|-|FR|France|-|-|-"),
        ("192.0.2.81", "-|-|FR|France|-|-|-"),
        // The region: the last of two, without a code, without a name, without a country.
        (
            "198.51.100.1",
            "-|-|GB|United Kingdom|-|GB-WBK|West Berkshire",
        ),
        ("198.51.100.17", "-|-|FR|France|-|-|Normandy"),
        ("198.51.100.33", "-|-|FR|France|-|FR-NOR|-"),
        ("198.51.100.49", "-|-|-|-|-|-|Normandy"),
        // The names: none in English, only of the registered country, empty.
        ("198.51.100.65", "-|-|FR|France|-|-|-"),
        ("198.51.100.81", "no match"),
        ("198.51.100.97", "-|-|FR|-|-|-|-"),
        // Other types: text for a map, for the last subdivision, for the subdivisions; all the others; no map; empty.
        ("203.0.113.1", "-|-|FR|France|-|-|-"),
        ("203.0.113.17", "-|-|FR|France|-|-|-"),
        ("203.0.113.33", "-|-|FR|France|-|-|-"),
        ("203.0.113.49", "-|-|FR|-|-|-|Normandy"),
        ("203.0.113.65", "no match"),
        ("203.0.113.81", "no match"),
        ("2001:db8::1", "-|-|FR|France|-|-|-"),
        ("2001:db8:8000::1", "-|-|FR|France|-|-|-"),
    ];
    for (address, expected) in cases {
        assert_eq!(place(&databases, address), expected, "{address}");
    }
}

#[test]
fn autonomous_systems() {
    let cases = [
        ("1.128.0.0", "1221|Telstra Pty Ltd"),
        ("::ffff:1.159.255.255", "1221|Telstra Pty Ltd"),
        ("1.160.0.0", "no match"),
        ("81.2.69.143", "20712|Andrews & Arnold Ltd"),
        ("192.0.2.1", "64496|A number of 64 bits"),
        ("192.0.2.17", "64497|A number of 16 bits"),
        ("192.0.2.33", "64498|A number of 128 bits"),
        ("192.0.2.49", "64499|A signed number"),
        ("198.51.100.1", "64500|-"),
        ("198.51.100.17", "-|No number"),
        ("198.51.100.33", "-|A number as text"),
        ("198.51.100.49", "-|A number below zero"),
        ("198.51.100.65", "64502|-"),
        ("198.51.100.81", "-|A number beyond all"),
        ("203.0.113.1", "no match"),
        ("2001:db8::1", "64503|Documentation"),
    ];
    for (address, expected) in cases {
        assert_eq!(system(address), expected, "{address}");
    }
}

#[test]
fn without_databases_nothing_matches() {
    let databases = Databases::open(None, None).unwrap();
    assert_eq!(
        (
            databases.geo(ip("81.2.69.143")),
            databases.asn(ip("81.2.69.143"))
        ),
        (None, None)
    );
}

#[test]
fn a_tree_of_ipv4_only_has_no_ipv6() {
    let databases = Databases::open(
        Some(&scratch("ipv4-only", &geoip_db::city_ipv4_only())),
        None,
    )
    .unwrap();
    assert!(place(&databases, "81.2.69.142").starts_with("London|"));
    assert!(place(&databases, "::ffff:81.2.69.142").starts_with("London|"));
    assert_eq!(place(&databases, "2001:218::1"), "no match");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Databases::open(Some(Path::new("no/such.mmdb")), None)
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot read the City database no/such.mmdb: "),
        "{error}"
    );
}

#[test]
fn a_file_of_another_format_is_named() {
    for (name, bytes) in [
        ("empty", &b""[..]),
        ("text", b"hello"),
        ("cut", &geoip_db::asn()[..900]),
    ] {
        let path = scratch(name, bytes);
        let error = Databases::open(None, Some(&path)).unwrap_err().to_string();
        assert!(
            error.starts_with(&format!("{} is not a MaxMind database: ", path.display())),
            "{error}"
        );
    }
}

/// Whether databases of this type are taken as City and as ASN.
fn taken(database_type: &str) -> (bool, bool) {
    let path = scratch(
        &format!(
            "type {}",
            database_type.replace(|c: char| !c.is_alphanumeric(), "_")
        ),
        &geoip_db::of_type(database_type),
    );
    (
        Databases::open(Some(&path), None).is_ok(),
        Databases::open(None, Some(&path)).is_ok(),
    )
}

#[test]
fn databases_of_a_type_that_is_not_read_are_refused() {
    for name in [
        "GeoLite2-City",
        "GeoIP2-City",
        "GeoIP2-City-North-America",
        "GeoLite2-Country",
        "GeoIP2-Country",
        "DBIP-City-Lite",
        "DBIP-Country-Lite",
        "DBIP-Location (compat=City)",
        "Our-Own-City",
    ] {
        assert_eq!(taken(name), (true, false), "{name}");
    }
    for name in [
        "GeoLite2-ASN",
        "GeoIP2-ISP",
        "DBIP-ASN-Lite (compat=GeoLite2-ASN)",
    ] {
        assert_eq!(taken(name), (false, true), "{name}");
    }
    for name in [
        "GeoIP2-Enterprise",
        "GeoIP2-Precision-Enterprise",
        "DBIP-Location-ISP (compat=Enterprise)",
    ] {
        assert_eq!(taken(name), (true, true), "{name}");
    }
    for name in [
        "GeoIP2-Domain",
        "GeoIP2-Anonymous-IP",
        "GeoIP-Anonymous-Plus",
        "GeoIP2-Connection-Type",
        "GeoIP2-DensityIncome",
        "GeoIP2-IP-Risk",
        "GeoIP2-Static-IP-Score",
        "GeoIP2-User-Count",
        "ipinfo generic_country_free.mmdb",
        "ipinfo standard_asn.mmdb",
        "ipinfo ipinfo_lite.mmdb",
        "ipinfo city",
        "example country_asn",
        "DBIP-City (compat=Domain)",
        "Our-Own",
        "",
    ] {
        assert_eq!(taken(name), (false, false), "{name}");
    }
}

#[test]
fn a_refusal_names_the_type_and_what_is_expected() {
    let path = scratch("domain", &geoip_db::of_type("GeoIP2-Domain"));
    assert_eq!(
        Databases::open(Some(&path), None).unwrap_err().to_string(),
        format!(
            "{} is not a City database but `GeoIP2-Domain`; pass a City, Country or Enterprise \
             database, such as GeoLite2-City.mmdb",
            path.display()
        )
    );
    let path = committed("confluence-ecs-city");
    assert!(
        Databases::open(None, Some(&path)).unwrap_err().to_string().ends_with(
            "is not an ASN database but `GeoLite2-City`; pass an ASN, ISP or Enterprise database, \
             such as GeoLite2-ASN.mmdb"
        )
    );
    let path = scratch("odd-type", &geoip_db::of_type("a\x1b[31m"));
    let error = Databases::open(Some(&path), None).unwrap_err().to_string();
    assert!(error.contains("but `a\\x1b[31m`;"), "{error}");
    let path = scratch("no-type", &geoip_db::of_type(""));
    let error = Databases::open(Some(&path), None).unwrap_err().to_string();
    assert!(error.contains("but one without a type;"), "{error}");
}

/// An Enterprise database holds the autonomous system among its traits.
#[test]
fn an_enterprise_database_gives_places_and_autonomous_systems() {
    let path = scratch("enterprise", &geoip_db::enterprise());
    let databases = Databases::open(Some(&path), Some(&path)).unwrap();
    assert!(place(&databases, "81.2.69.142").starts_with("London|"));
    let system = databases.asn(ip("81.2.69.142")).unwrap();
    assert_eq!(system.number, Some(20_712));
    assert_eq!(
        system.organization_name.as_deref(),
        Some("Andrews & Arnold Ltd")
    );
}

/// Opens the bytes, if they still are a database, and looks up one address of every kind: nothing may panic.
fn survives(path: &Path, bytes: &[u8]) -> bool {
    fs::write(path, bytes).unwrap();
    let (city, asn) = (
        Databases::open(Some(path), None),
        Databases::open(None, Some(path)),
    );
    for databases in [&city, &asn].into_iter().flatten() {
        for net in [
            "81.2.69.",
            "89.160.20.",
            "192.0.2.",
            "198.51.100.",
            "203.0.113.",
            "1.128.0.",
        ] {
            for last in (1..=255).step_by(16) {
                let ip = ip(&format!("{net}{last}"));
                let _ = (databases.geo(ip), databases.asn(ip));
            }
        }
        for text in [
            "0.0.0.0",
            "255.255.255.255",
            "81.2.69.142",
            "::",
            "2001:218::1",
            "2001:db8::1",
            "ffff::",
        ] {
            let _ = (databases.geo(ip(text)), databases.asn(ip(text)));
        }
    }
    city.is_ok() || asn.is_ok()
}

#[test]
fn damaged_databases_never_panic() {
    for (name, whole) in [
        ("damaged-city", geoip_db::city()),
        ("damaged-asn", geoip_db::asn()),
    ] {
        let path = scratch(name, &whole);
        let mut opened = 0;
        for position in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[position] ^= [0x01, 0x20, 0x80, 0xff][position % 4];
            opened += usize::from(survives(&path, &bytes));
        }
        for length in (0..whole.len()).step_by(31) {
            survives(&path, &whole[..length]);
        }
        assert!(
            opened > whole.len() / 2,
            "{name}: most damage must reach the lookups, not end at opening"
        );
    }
}
