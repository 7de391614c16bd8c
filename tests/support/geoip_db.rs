//! The project's own GeoIP databases: small, made from nothing but this file, odd where real ones may be odd.
//!
//! `testdata/geoip/*.mmdb` are these bytes; `UPDATE_TESTDATA=1 cargo test --test geoip committed` writes them anew.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mmdb_writer::{IpVersion, Value, Writer, ipnet::IpNet};

/// 2025-01-01T00:00:00Z, a constant: the files must not differ from build to build.
const BUILD_EPOCH: u64 = 1_735_689_600;

/// `confluence-ecs-city.mmdb`: London is the place of the sample event (docs/mapping.md 9).
pub fn city() -> Vec<u8> {
    database(
        "GeoLite2-City",
        IpVersion::V6,
        &[
            ("81.2.69.142/31", london()),
            ("89.160.20.112/28", linkoping()),
            (
                "2001:218::/32",
                map([
                    ("continent", named("AS", "Asia")),
                    ("country", country("JP", "Japan")),
                ]),
            ),
            // RFC 5737, 192.0.2.0/24: the location.
            ("192.0.2.0/28", map([("country", country("FR", "France"))])),
            (
                "192.0.2.16/28",
                located([
                    ("latitude", 48.5.into()),
                    ("accuracy_radius", 10_u16.into()),
                ]),
            ),
            (
                "192.0.2.32/28",
                located([
                    ("latitude", 51.5142_f32.into()),
                    ("longitude", (-0.0931_f32).into()),
                ]),
            ),
            (
                "192.0.2.48/28",
                located([("latitude", 7_u64.into()), ("longitude", (-3_i32).into())]),
            ),
            (
                "192.0.2.64/28",
                located([("latitude", "48.5".into()), ("longitude", 2.25.into())]),
            ),
            (
                "192.0.2.80/28",
                located([("latitude", f64::NAN.into()), ("longitude", 2.25.into())]),
            ),
            // RFC 5737, 198.51.100.0/24: the region and the names.
            ("198.51.100.0/28", two_subdivisions()),
            (
                "198.51.100.16/28",
                region(map([("names", names("Normandy"))])),
            ),
            (
                "198.51.100.32/28",
                region(map([("iso_code", "NOR".into())])),
            ),
            (
                "198.51.100.48/28",
                map([("subdivisions", Value::array([coded("NOR", "Normandy")]))]),
            ),
            (
                "198.51.100.64/28",
                map([
                    ("country", country("FR", "France")),
                    ("city", only_german("Straßburg")),
                ]),
            ),
            (
                "198.51.100.80/28",
                map([("registered_country", country("FR", "France"))]),
            ),
            (
                "198.51.100.96/28",
                map([
                    ("country", country("FR", "")),
                    ("city", map([("names", names(""))])),
                ]),
            ),
            // RFC 5737, 203.0.113.0/24: parts of another type.
            (
                "203.0.113.0/28",
                map([
                    ("city", "Paris".into()),
                    ("country", country("FR", "France")),
                ]),
            ),
            ("203.0.113.16/28", region("Normandy".into())),
            (
                "203.0.113.32/28",
                map([
                    ("subdivisions", "NOR".into()),
                    ("country", country("FR", "France")),
                ]),
            ),
            ("203.0.113.48/28", odd_types()),
            ("203.0.113.64/28", "a record that is no map".into()),
            ("203.0.113.80/28", Value::Map([].into())),
            // RFC 3849.
            ("2001:db8::/33", map([("country", country("FR", "France"))])),
            (
                "2001:db8:8000::/33",
                region(Value::array([coded("NOR", "Normandy")])),
            ),
        ],
    )
}

/// `confluence-ecs-asn.mmdb`.
pub fn asn() -> Vec<u8> {
    database(
        "GeoLite2-ASN",
        IpVersion::V6,
        &[
            ("1.128.0.0/11", system(1221_u32.into(), "Telstra Pty Ltd")),
            (
                "81.2.69.142/31",
                system(20_712_u32.into(), "Andrews & Arnold Ltd"),
            ),
            (
                "192.0.2.0/28",
                system(64_496_u64.into(), "A number of 64 bits"),
            ),
            (
                "192.0.2.16/28",
                system(64_497_u16.into(), "A number of 16 bits"),
            ),
            (
                "192.0.2.32/28",
                system(64_498_u128.into(), "A number of 128 bits"),
            ),
            (
                "192.0.2.48/28",
                system(64_499_i32.into(), "A signed number"),
            ),
            (
                "198.51.100.0/28",
                map([("autonomous_system_number", 64_500_u32.into())]),
            ),
            (
                "198.51.100.16/28",
                map([("autonomous_system_organization", "No number".into())]),
            ),
            (
                "198.51.100.32/28",
                system("AS64501".into(), "A number as text"),
            ),
            (
                "198.51.100.48/28",
                system((-1_i32).into(), "A number below zero"),
            ),
            ("198.51.100.64/28", system(64_502_u32.into(), "")),
            (
                "198.51.100.80/28",
                system(u128::MAX.into(), "A number beyond all"),
            ),
            (
                "203.0.113.0/28",
                map([("organization", "Under another name".into())]),
            ),
            ("2001:db8::/32", system(64_503_u32.into(), "Documentation")),
        ],
    )
}

/// A City database whose tree holds IPv4 only.
pub fn city_ipv4_only() -> Vec<u8> {
    database(
        "GeoLite2-City",
        IpVersion::V4,
        &[("81.2.69.142/31", london())],
    )
}

/// A database of any type, with one record of no use.
pub fn of_type(database_type: &str) -> Vec<u8> {
    database(
        database_type,
        IpVersion::V6,
        &[("192.0.2.0/24", map([("key", "value".into())]))],
    )
}

/// An Enterprise database with one place.
pub fn enterprise() -> Vec<u8> {
    let Value::Map(mut record) = london() else {
        unreachable!("a place is a map");
    };
    let traits = system(20_712_u32.into(), "Andrews & Arnold Ltd");
    record.insert("traits".into(), traits);
    database(
        "GeoIP2-Enterprise",
        IpVersion::V6,
        &[("81.2.69.142/31", Value::Map(record))],
    )
}

fn database(database_type: &str, ip_version: IpVersion, records: &[(&str, Value)]) -> Vec<u8> {
    let built = UNIX_EPOCH + Duration::from_secs(BUILD_EPOCH);
    database_built(built, database_type, ip_version, records)
}

/// A City database with one place, built at that time.
pub fn city_built(built: SystemTime) -> Vec<u8> {
    let records = [("81.2.69.142/31", london())];
    database_built(built, "GeoLite2-City", IpVersion::V6, &records)
}

fn database_built(
    built: SystemTime,
    database_type: &str,
    ip_version: IpVersion,
    records: &[(&str, Value)],
) -> Vec<u8> {
    let mut writer = Writer::builder(database_type)
        .description(&[("en", "Test data of confluence-ecs")])
        .ip_version(ip_version)
        .build_epoch(built)
        .build();
    for (network, record) in records {
        let network: IpNet = network.parse().expect("a network");
        writer
            .insert_value(network, record.clone())
            .expect("a network that fits");
    }
    writer.to_bytes().expect("a small database")
}

fn london() -> Value {
    map([
        (
            "city",
            map([
                ("geoname_id", 2_643_743_u32.into()),
                ("names", names("London")),
            ]),
        ),
        ("continent", named("EU", "Europe")),
        ("country", country("GB", "United Kingdom")),
        (
            "location",
            map([
                ("accuracy_radius", 10_u16.into()),
                ("latitude", 51.5142.into()),
                ("longitude", (-0.0931).into()),
                ("time_zone", "Europe/London".into()),
            ]),
        ),
        ("registered_country", country("US", "United States")),
        ("subdivisions", Value::array([coded("ENG", "England")])),
    ])
}

fn linkoping() -> Value {
    map([
        (
            "city",
            map([(
                "names",
                map([("en", "Linköping".into()), ("fr", "Linkoping".into())]),
            )]),
        ),
        ("continent", named("EU", "Europe")),
        ("country", country("SE", "Sweden")),
        (
            "location",
            map([("latitude", 58.4167.into()), ("longitude", 15.6167.into())]),
        ),
        (
            "subdivisions",
            Value::array([coded("E", "Östergötland County")]),
        ),
    ])
}

fn two_subdivisions() -> Value {
    map([
        ("country", country("GB", "United Kingdom")),
        (
            "subdivisions",
            Value::array([coded("ENG", "England"), coded("WBK", "West Berkshire")]),
        ),
    ])
}

/// Every type of the format where text is usual.
fn odd_types() -> Value {
    let odd = |name: Value| map([("names", map([("en", name)]))]);
    map([
        ("city", odd(Value::Bytes(b"Paris".to_vec()))),
        ("continent", odd(true.into())),
        (
            "country",
            map([
                ("iso_code", "FR".into()),
                ("names", map([("en", Value::array([1_u32, 2]))])),
            ]),
        ),
        (
            "location",
            map([
                ("latitude", map([("degrees", 48.5.into())])),
                ("longitude", false.into()),
            ]),
        ),
        (
            "subdivisions",
            Value::array([map([
                ("iso_code", 76_u128.into()),
                ("names", names("Normandy")),
            ])]),
        ),
    ])
}

fn located<const N: usize>(location: [(&str, Value); N]) -> Value {
    map([
        ("country", country("FR", "France")),
        ("location", map(location)),
    ])
}

/// A record whose last subdivision is `subdivision`.
fn region(subdivision: Value) -> Value {
    map([
        ("country", country("FR", "France")),
        (
            "subdivisions",
            Value::array([coded("HDF", "First"), subdivision]),
        ),
    ])
}

fn country(iso_code: &str, name: &str) -> Value {
    coded(iso_code, name)
}

fn coded(iso_code: &str, name: &str) -> Value {
    map([("iso_code", iso_code.into()), ("names", names(name))])
}

fn named(code: &str, name: &str) -> Value {
    map([("code", code.into()), ("names", names(name))])
}

fn names(english: &str) -> Value {
    map([
        ("de", "ein deutscher Name".into()),
        ("en", english.into()),
        ("zh-CN", "名".into()),
    ])
}

fn only_german(name: &str) -> Value {
    map([("names", map([("de", name.into())]))])
}

fn system(number: Value, organization: &str) -> Value {
    map([
        ("autonomous_system_number", number),
        ("autonomous_system_organization", organization.into()),
    ])
}

fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::map(entries)
}
