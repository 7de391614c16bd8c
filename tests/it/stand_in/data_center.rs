//! Data Center.

use serde_json::{Value, json};

use super::{at, basic, get, violates};
use crate::support::atlassian::client::Reply;
use crate::support::atlassian::{Atlassian, Fault, Paging, data_center_record};

fn data_center(count: u64) -> Atlassian {
    let server = Atlassian::data_center("/confluence");
    server.insert_all((0..count).map(|n| data_center_record(at(n), n)));
    server
}

fn events(server: &Atlassian, query: &str) -> Reply {
    let url = format!("{}/rest/auditing/1.0/events{query}", server.url());
    get(&url, &format!("Bearer {}", server.settings().pat))
}

/// The numbers of a Data Center page's records; searches are left out.
fn ids(page: &Value) -> Vec<u64> {
    let records = page["entities"].as_array().expect("records");
    let id = |record: &Value| record["affectedObjects"][0]["id"].as_str()?.parse().ok();
    records.iter().filter_map(id).collect()
}

#[test]
fn data_center_pages_by_cursor() {
    let server = data_center(5);
    server.set(|settings| settings.records_searches = false);
    let first = events(&server, "?limit=2").json();
    assert_eq!(ids(&first), [4, 3]);
    let paging = &first["pagingInfo"];
    let cursor = format!("{},4", at(3));
    let link = format!(
        "{}/confluence/rest/auditing/1.0/events?offset=0&limit=2&pageCursor={cursor}",
        server.foreign()
    );
    let wanted = json!({"lastPage": false, "size": 2, "nextPageOffset": 0, "nextPageCursor": cursor, "nextPageLink": link});
    assert_eq!(*paging, wanted);
    server.insert(data_center_record(at(9), 9));
    let second = events(&server, &format!("?limit=2&pageCursor={cursor}")).json();
    assert_eq!(ids(&second), [2, 1], "what is new does not move a cursor");
    let last = events(&server, &format!("?limit=2&pageCursor={},2", at(1))).json();
    assert_eq!(
        (ids(&last), &last["pagingInfo"]),
        (vec![0], &json!({"lastPage": true, "size": 1}))
    );
}

#[test]
fn data_center_pages_by_offset_alone() {
    let server = data_center(3);
    server.set(|settings| (settings.records_searches, settings.paging) = (false, Paging::Offset));
    let first = events(&server, "?limit=2").json();
    assert_eq!(first["pagingInfo"]["nextPageOffset"], 2);
    assert!(first["pagingInfo"].get("nextPageCursor").is_none());
    assert_eq!(ids(&events(&server, "?limit=2&offset=2").json()), [0]);
    violates(
        &server,
        &events(&server, "?pageCursor=1,1"),
        "unknown parameter: pageCursor",
    );
}

#[test]
fn data_center_reads_instants_and_keeps_both_ends() {
    let server = data_center(5);
    let page = events(
        &server,
        "?from=2026-01-01T00:00:01Z&to=2026-01-01T00:00:03.000Z",
    )
    .json();
    assert_eq!(ids(&page), [3, 2, 1]);
    let page = events(
        &server,
        "?from=2026-01-01T00:00:01.000001Z&to=2026-01-01T00:00:02.999Z",
    )
    .json();
    assert_eq!(ids(&page), [2]);
    let long = format!("?search={}", "ä".repeat(101));
    for (query, reason) in [
        (
            "?from=2026-01-01T00:00:01%2B01:00",
            "from is no UTC instant",
        ),
        ("?from=2026-01-01T00:00:01", "from is no UTC instant"),
        ("?from=2026-01-01", "from is no UTC instant"),
        ("?to=1767225600000", "to is no UTC instant"),
        ("?limit=100001", "limit is out of range"),
        ("?pageCursor=12", "no such pageCursor"),
        ("?actions=x", "not stood in for"),
        ("?startDate=1", "unknown parameter"),
        (&long, "longer than 100"),
    ] {
        violates(&server, &events(&server, query), reason);
    }
    assert_eq!(
        events(&server, &long.replace("%C3%A4", "")[..108]).status,
        200
    );
}

#[test]
fn every_accepted_search_is_recorded() {
    let server = data_center(1);
    let searches = || server.held().len() - 1;
    events(&server, "");
    assert_eq!(searches(), 1);
    server.next(Fault::Status(500));
    events(&server, "");
    get(
        &format!("{}/rest/auditing/1.0/events", server.url()),
        "Bearer wrong",
    );
    assert_eq!(searches(), 1, "neither of these was accepted");
    let page = events(&server, "").json();
    let search = &page["entities"][0];
    assert_eq!(
        search["type"]["actionI18nKey"],
        "atlassian.audit.event.action.audit.search"
    );
    assert_eq!(search["author"]["id"], server.settings().user_key);
}

#[test]
fn data_center_knows_who_asks() {
    let server = data_center(1);
    let settings = server.settings();
    let user = format!("{}/rest/api/user/current", server.url());
    let reply = get(&user, &basic(&settings.username, &settings.password)).json();
    assert_eq!(
        (&reply["type"], &reply["userKey"]),
        (&json!("known"), &json!(settings.user_key))
    );
    let search = format!("{}/rest/auditing/1.0/events", server.url());
    assert_eq!(get(&search, "Bearer wrong").status, 401);
    server.set(|settings| settings.login_page = true);
    let reply = get(&search, "");
    assert_eq!(reply.status, 302);
    let location = reply.header("location").expect("a login page").to_owned();
    assert!(
        location.starts_with("/confluence/login.action"),
        "{location}"
    );
    let origin = server.url().replace("/confluence", "");
    let page = get(
        &format!("{origin}{}", location.split('?').next().expect("a path")),
        "",
    );
    assert!(page.status == 200 && page.text().contains("<html>"));
}

#[test]
fn requests_are_logged() {
    let server = data_center(1);
    events(&server, "?limit=5&search=a+b");
    let requests = server.searches();
    assert_eq!(requests.len(), 1);
    assert_eq!(
        (requests[0].method.as_str(), requests[0].parameter("search")),
        ("GET", Some("a b"))
    );
    assert!(requests[0].header("authorization").is_some());
    assert_eq!(server.exchanges()[0].status, 200);
}
