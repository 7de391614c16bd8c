//! Confluence Cloud at the site and at the gateway, and the old Server.

use serde_json::json;

use super::{START, at, audit, basic, cloud, gateway, get, numbers, site_credential, violates};
use crate::support::atlassian::client::send;
use crate::support::atlassian::{Atlassian, NextLink, Permission, cloud_record};

const YEAR: u64 = 365 * 86_400_000;

#[test]
fn cloud_pages_are_newest_first_with_both_ends_and_a_total() {
    let server = cloud(10);
    let query = format!("?startDate={}&endDate={}&limit=3", at(2), at(8));
    let first = audit(&server, &query).json();
    assert_eq!(numbers(&first), [8, 7, 6]);
    assert_eq!(
        (&first["size"], &first["start"], &first["limit"]),
        (&json!(7), &json!(0), &json!(3))
    );
    let next = first["_links"]["next"].as_str().expect("a next page");
    let wanted = format!(
        "/rest/api/audit?start=3&limit=3&startDate={}&endDate={}",
        at(2),
        at(8)
    );
    assert_eq!(next, wanted, "without /wiki");
    assert_eq!(
        first["_links"]["base"],
        format!("{}/wiki", server.foreign())
    );
    let last = audit(&server, &format!("{query}&start=5")).json();
    assert_eq!(numbers(&last), [3, 2]);
    assert!(last["_links"].get("next").is_none());
    let beyond = audit(&server, &format!("{query}&start=7")).json();
    assert!(numbers(&beyond).is_empty());
}

#[test]
fn a_full_last_page_has_no_next_link() {
    let page = audit(&cloud(4), "?limit=4").json();
    assert!(page["_links"].get("next").is_none());
}

#[test]
fn cloud_clamps_limits_and_searches() {
    let server = cloud(10);
    server.set(|settings| settings.page_maximum = 4);
    let page = audit(&server, "").json();
    assert_eq!((numbers(&page).len(), &page["limit"]), (4, &json!(4)));
    let page = audit(&server, "?searchString=Record+7").json();
    assert_eq!((numbers(&page), &page["size"]), (vec![7], &json!(1)));
}

#[test]
fn next_links_come_in_all_shapes() {
    let server = cloud(3);
    let link = |style| {
        server.set(|settings| settings.next_link = style);
        let page = audit(&server, "?limit=2").json();
        page.get("_links").map(|links| links["next"].clone())
    };
    assert_eq!(link(NextLink::Nothing), None);
    let url = format!("{}/wiki/rest/api/audit?start=2&limit=2", server.foreign());
    assert_eq!(link(NextLink::Url), Some(json!(url)));
    assert_eq!(
        link(NextLink::Always),
        Some(json!("/rest/api/audit?start=2&limit=2"))
    );
    let page = audit(&server, "?limit=2&start=2").json();
    assert!(page["_links"]["next"].is_string(), "on the last page too");
    let next = link(NextLink::Cursor).expect("links");
    let query = next
        .as_str()
        .and_then(|next| next.strip_prefix("/rest/api/audit"))
        .expect("a path");
    assert!(!query.contains("start="), "{query}");
    server.insert(cloud_record(at(9), 9));
    assert_eq!(
        numbers(&audit(&server, query).json()),
        [0],
        "a cursor stays where it is"
    );
    let both = format!("{query}&start=1");
    violates(&server, &audit(&server, &both), "start beside a cursor");
    violates(
        &server,
        &audit(&server, "?cursor=_f_1&next=true"),
        "no such cursor",
    );
}

#[test]
fn what_no_program_should_send_is_a_violation() {
    let server = cloud(1);
    for (query, reason) in [
        ("?startDate=2026-01-01", "startDate is no whole number"),
        ("?startDate=5&endDate=4", "startDate is after endDate"),
        ("?limit=0", "limit is out of range"),
        ("?limit=2&limit=2", "limit is given twice"),
        ("?start=-1", "start is out of range"),
        ("?cursor=a", "unknown parameter: cursor"),
        ("?from=2026-01-01T00:00:00Z", "unknown parameter: from"),
    ] {
        violates(&server, &audit(&server, query), reason);
    }
    let url = format!("{}/wiki/rest/api/audit", server.url());
    let credential = site_credential(&server);
    let reply =
        |method, headers: &[(&str, &str)]| send(method, &url, headers, b"").expect("an answer");
    let decent = [
        ("Authorization", credential.as_str()),
        ("Accept", "*/*"),
        ("User-Agent", "test"),
    ];
    assert_eq!(reply("GET", &decent).status, 200);
    violates(&server, &reply("HEAD", &decent), "not GET");
    violates(&server, &reply("GET", &decent[..2]), "no User-Agent");
    violates(&server, &reply("GET", &[decent[0], decent[2]]), "no Accept");
    let broken = [("Authorization", "Basic a:b"), decent[1], decent[2]];
    violates(&server, &reply("GET", &broken), "base64");
    let tenant = format!("{}/_edge/tenant_info", server.url());
    assert_eq!(
        get(&tenant, "").json()["cloudId"],
        server.settings().cloud_id
    );
    violates(&server, &get(&tenant, &credential), "where none belongs");
    violates(
        &server,
        &get(&format!("{}/rest/api/audit", server.url()), &credential),
        "no such path",
    );
    violates(
        &server,
        &get(
            &format!("{}/wiki/rest/api/audit", server.api_base()),
            &credential,
        ),
        "no such path",
    );
}

#[test]
fn each_credential_is_good_at_its_place_only() {
    let server = cloud(1);
    let settings = server.settings();
    let classic = basic(&settings.email, &settings.api_token);
    let scoped = basic(&settings.email, &settings.scoped_token);
    let bearer = format!("Bearer {}", server.grant().access_token);
    let site = format!("{}/wiki/rest/api/audit", server.url());
    assert_eq!(
        [&classic, &scoped, &bearer].map(|one| get(&site, one).status),
        [200, 401, 401]
    );
    assert_eq!(
        [&classic, &scoped, &bearer].map(|one| gateway(&server, one).status),
        [401, 200, 200]
    );
    assert_eq!(get(&site, "").status, 401);
    server.set(|settings| settings.scoped_token_scope = "read:page:confluence".to_owned());
    let reply = gateway(&server, &scoped);
    assert_eq!(reply.status, 401);
    assert_eq!(
        reply.json(),
        json!({"code": 401, "message": "Unauthorized; scope does not match"})
    );
    server.expire_access_tokens();
    assert_eq!(gateway(&server, &bearer).json()["message"], "Unauthorized");
    server.set(|settings| settings.permission = Permission::Forbidden);
    assert_eq!(get(&site, &classic).status, 403);
    server.set(|settings| settings.permission = Permission::Blind);
    assert_eq!(get(&site, &classic).json()["size"], 0);
    assert_eq!(server.rejections(), 7);
}

#[test]
fn equal_and_late_records_are_records_of_their_own() {
    let server = cloud(2);
    server.insert(cloud_record(at(1), 1));
    server.after_request(1, |store| store.insert(cloud_record(at(0) + 1, 7)));
    assert_eq!(numbers(&audit(&server, "").json()), [1, 1, 0]);
    assert_eq!(numbers(&audit(&server, "").json()), [1, 1, 7, 0]);
    let query = format!("?startDate={0}&endDate={0}", at(1));
    let page = audit(&server, &query).text();
    let record = cloud_record(at(1), 1).raw;
    assert!(
        page.contains(&format!("[{record},{record}]")),
        "byte for byte"
    );
}

#[test]
fn the_old_server_has_the_cloud_shape_alone() {
    let server = Atlassian::old_server("/confluence");
    server.insert_all((0..1500).map(|n| cloud_record(at(n), n)));
    let settings = server.settings();
    let credential = basic(&settings.username, &settings.password);
    let page = get(
        &format!("{}/rest/api/audit?limit=5000", server.url()),
        &credential,
    )
    .json();
    assert_eq!((numbers(&page).len(), &page["limit"]), (1000, &json!(1000)));
    let events = get(
        &format!("{}/rest/auditing/1.0/events", server.url()),
        &credential,
    );
    assert!(events.status == 404 && events.text().contains("<html>"));
}

#[test]
fn a_million_records_are_made_up() {
    let server = Atlassian::cloud();
    server.make_up(1_000_000, START, YEAR, cloud_record);
    server.insert(cloud_record(at(1), 5_000_000));
    let day = 86_400_000;
    let query = format!(
        "?startDate={}&endDate={}&limit=2",
        START + day,
        START + 2 * day - 1
    );
    let page = audit(&server, &query).json();
    assert_eq!(page["size"], 2740);
    assert_eq!(numbers(&page), [5479, 5478]);
    let last = audit(&server, &format!("{query}&start=2738")).json();
    assert_eq!(numbers(&last), [2741, 2740]);
    let oldest = audit(&server, "?start=999998").json();
    assert_eq!(numbers(&oldest), [1, 5_000_000, 0]);
    let equal = cloud_record(START, 0);
    assert!(audit(&server, "?start=1000000").text().contains(&equal.raw));
}
