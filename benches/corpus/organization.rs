//! Events of an organization, as `GET /admin/v1/orgs/ID/events-stream` gives them: those of Confluence and of others.

use super::draw::{Draw, USERS, iso, names};
use super::json::Json;
use super::tables::{ORGANIZATION_KINDS, PLACES, SPACES};

/// Draws the next record and writes it.
pub fn write_record(draw: &mut Draw, out: &mut Json) {
    let kind = draw.weighted(ORGANIZATION_KINDS, |kind| kind.weight);
    let nanos = draw.tick();
    let millis = nanos - nanos % 1_000_000;
    let id = uuid(draw.below(u64::MAX));
    out.raw("{");
    out.members(&[("id", Some(&id)), ("type", Some("events"))]);
    out.raw(",\"attributes\":{");
    out.members(&[
        ("time", Some(&iso(millis, 0))),
        (
            "processedAt",
            Some(&iso(millis + 250_000_000 + 1_000_000 * draw.below(900), 0)),
        ),
        ("action", Some(kind.action)),
    ]);
    out.raw(",\"actor\":");
    let by_system = draw.chance(8);
    if by_system {
        out.raw(r#"{"id":"confluence","name":"Confluence","email":"Atlassian app","links":{}}"#);
    } else {
        write_person(draw, out);
    }
    out.raw(",\"context\":");
    let (key, _) = draw.pick(SPACES);
    let (title, number) = (draw.title(), draw.below(100_000).to_string());
    out.raw("[{");
    out.members(&[("id", Some(&number)), ("type", Some(kind.context))]);
    out.raw(",\"attributes\":");
    out.object(&[("name", Some(&title)), ("spaceKey", Some(key))]);
    out.raw("}],\"container\":[{");
    out.members(&[("id", Some(SITE)), ("type", Some("sites"))]);
    out.raw(",\"attributes\":");
    out.object(&[
        ("siteName", Some("acme")),
        ("siteHostName", Some("acme.atlassian.net")),
    ]);
    out.raw(",\"links\":");
    out.object(&[("alt", Some("https://acme.atlassian.net"))]);
    out.raw("}]");
    if !by_system {
        write_location(draw, out);
    }
    out.raw("},\"links\":");
    let link = format!("https://api.atlassian.com/admin/v1/orgs/{ORGANIZATION}/events/{id}");
    out.object(&[("self", Some(&link))]);
    out.raw(",\"message\":");
    out.object(&[("content", Some(kind.message)), ("format", Some("simple"))]);
    out.raw("}");
}

const ORGANIZATION: &str = "1f2e3d4c-1111-4222-8333-444455556666";
const SITE: &str = "ari:cloud:platform::site/5a6b7c8d-1111-4222-8333-444455556666";

fn write_person(draw: &mut Draw, out: &mut Json) {
    let number = draw.below(USERS);
    let (name, id) = (names::full_name(number), format!("557058:{}", uuid(number)));
    let email = format!("{}@example.com", names::username(number));
    // Some hide it.
    let email = (!number.is_multiple_of(5)).then_some(&*email);
    out.raw("{");
    out.members(&[("id", Some(&id)), ("name", Some(&name)), ("email", email)]);
    if draw.chance(10) {
        let token = draw.below(10_000).to_string();
        out.raw(",\"auth\":");
        out.object(&[
            ("authType", Some("api-token")),
            ("tokenId", Some(&token)),
            ("tokenLabel", Some("nightly export")),
        ]);
    } else {
        out.raw(r#","auth":{"authType":"session"}"#);
    }
    let link = format!("https://api.atlassian.com/users/{id}");
    out.raw(",\"links\":");
    out.object(&[("self", Some(&link))]);
    out.raw("}");
}

fn write_location(draw: &mut Draw, out: &mut Json) {
    let address = draw.address();
    let (country, region, city) = draw.pick(PLACES);
    out.raw(",\"location\":");
    out.object(&[
        ("ip", Some(&address)),
        ("geo", Some("")),
        ("countryName", Some(country)),
        ("regionName", Some(region)),
        ("city", Some(city)),
    ]);
}

fn uuid(number: u64) -> String {
    let number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        number >> 32,
        number >> 16 & 0xffff,
        number >> 4 & 0xfff,
        number & 0xfff,
        number.rotate_left(17) & 0xffff_ffff_ffff
    )
}
