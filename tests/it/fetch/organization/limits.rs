//! The rate limit, and servers that are not well.

use super::{events, organization};
use crate::support::atlassian::{Fault, Wait};

#[test]
fn without_a_word_of_the_server_ten_requests_a_minute_are_sent() {
    let fetching = organization(10);
    fetching
        .server
        .set(|settings| settings.organization.rate_limit = None);
    // The stand-in fails the test if the second request comes sooner than 6 seconds after the first.
    fetching.fetch(&["--raw"]);
    fetching.assert_events_once();
    assert_eq!(fetching.server.searches().len(), 2);
}

#[test]
fn when_the_requests_are_used_up_the_reset_is_waited_for() {
    let fetching = organization(60);
    fetching.server.next(Fault::UsedUp(1));
    fetching.fetch(&["--raw", "--page-size", "40"]);
    fetching.assert_events_once();
}

#[test]
fn too_many_requests_are_waited_for_however_the_time_is_said() {
    for wait in [Wait::Reset(1), Wait::Seconds(1), Wait::ResetEpoch(1)] {
        let fetching = organization(60);
        fetching.server.next(Fault::Wait(429, wait));
        fetching.fetch(&["--raw", "--retries", "0"]);
        fetching.assert_events_once();
    }
}

#[test]
fn what_is_no_page_is_asked_for_again() {
    for text in [
        r#"{"code":500,"message":"no"}"#,
        r#"{"data":{"id":"x"}}"#,
        r#"{"meta":{"next":"x"}}"#,
    ] {
        let fetching = organization(60);
        fetching.server.next(Fault::Json(text.to_owned()));
        fetching.server.next(Fault::Status(502));
        fetching.server.next(Fault::TruncatedJson);
        fetching.server.next(Fault::Html);
        let said = fetching.fetch(&["--raw"]);
        fetching.assert_events_once();
        assert!(said.contains("retrying in"), "{said}");
    }
}

#[test]
fn an_organization_that_does_not_answer_is_an_error_and_a_daemon_goes_on() {
    let fetching = organization(60);
    for _ in 0..2 {
        fetching.server.next(Fault::Status(503));
    }
    let said = fetching.fetch_ends(&["--raw", "--retries", "1"], 1);
    assert!(said.contains("service unavailable (503)"), "{said}");
    fetching.fetch(&["--raw"]);
    fetching.server.insert_events(events(60, 1));
    fetching.fetch(&["--raw"]);
    fetching.assert_events_once();
}
