//! What the OAuth server refuses, and what is said of it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use super::world::World;
use crate::support::atlassian::Plan;

#[test]
fn an_ended_grant_is_no_wrong_client_secret() {
    let mut errors = Vec::new();
    for (status, body) in [
        (
            403,
            r#"{"error":"unauthorized_client","error_description":"refresh_token is invalid"}"#,
        ),
        (
            401,
            r#"{"error":"access_denied","error_description":"Unknown or invalid refresh token."}"#,
        ),
        (
            403,
            r#"{"error":"unauthorized_client","error_description":"Unauthorized"}"#,
        ),
    ] {
        let world = World::expired();
        world.server.plan([Plan::Answer(status, body)]);
        errors.push(world.failed(&["refresh"], 1));
        let ended = body.contains("refresh");
        let code = i32::from(ended);
        assert_eq!(world.run(&["status"]).status.code(), Some(code), "{body}");
    }
    insta::assert_snapshot!(errors.join("\n"));
}

/// What a refresh says when it is answered so, and whether a login is the only remedy then.
fn refused(status: u16, body: &'static str) -> (String, bool) {
    let world = World::expired();
    world.server.plan([Plan::Answer(status, body)]);
    let error = world.failed(&["refresh"], 1);
    let is_over = world.run(&["status"]).status.code() == Some(1);
    (error, is_over)
}

#[test]
fn a_refresh_token_that_is_of_no_use_ends_the_grant_whatever_the_code_of_the_error() {
    for body in [
        r#"{"error":"invalid_request","error_description":"Refresh token expired"}"#,
        r#"{"error":"invalid_request","error_description":"The refresh_token is invalid."}"#,
        r#"{"error":"invalid_client","error_description":"Unknown refresh token"}"#,
        r#"{"error":"server_said_no","error_description":"refresh-token was revoked"}"#,
        r#"{"error":"invalid_request","error_description":"Refresh token not found"}"#,
        r#"{"code":403,"message":"refresh_token is invalid"}"#,
    ] {
        let (error, is_over) = refused(400, body);
        assert!(error.contains("the login has expired"), "{body}: {error}");
        assert!(error.contains("auth login --client-id the-app"), "{error}");
        assert!(is_over, "{body}");
    }
}

#[test]
fn an_app_that_may_not_ask_for_tokens_is_not_an_ended_grant() {
    let mut errors = Vec::new();
    for body in [
        r#"{"error":"unauthorized_client","error_description":"Grant type not allowed"}"#,
        r#"{"error":"unauthorized_client","error_description":"Grant type 'refresh_token' not allowed for the client."}"#,
        r#"{"error":"unsupported_grant_type"}"#,
    ] {
        let (error, is_over) = refused(400, body);
        assert!(!is_over, "{body}");
        errors.push(error);
    }
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn a_request_that_lacks_the_refresh_token_says_nothing_of_the_grant() {
    let body = r#"{"error":"invalid_request","error_description":"refresh_token is required"}"#;
    let (error, is_over) = refused(400, body);
    assert!(error.contains("refresh_token is required"), "{error}");
    assert!(!error.contains("expired") && !is_over, "{error}");
}

#[test]
fn a_redirected_request_for_tokens_is_not_made_elsewhere() {
    let world = World::expired();
    let mut errors = Vec::new();
    for target in [
        "/elsewhere",
        "https://login.example.com/x",
        "https://example.com/",
    ] {
        let base = redirecting(target);
        errors.push(world.failed(&["refresh", "--auth-base", &base], 1));
    }
    insta::assert_snapshot!(errors.join("\n"));
}

/// An OAuth server that is somewhere else.
fn redirecting(target: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let head = format!("HTTP/1.1 307 Elsewhere\r\nLocation: {target}\r\n");
            let _ = stream.write_all((head + "Content-Length: 0\r\n\r\n").as_bytes());
            // Until the client goes: what it sends late is no reason to reset the connection.
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    format!("http://{address}")
}
