//! Consent, tokens and sites.

use std::time::Duration;

use serde_json::{Value, json};

use super::{cloud, gateway, get, violates};
use crate::support::atlassian::client::{Reply, browse, send};
use crate::support::atlassian::{Atlassian, Fault};

/// The URL that `auth login` would print.
fn consent_url(server: &Atlassian, state: &str) -> String {
    format!(
        "{}/authorize?audience=api.atlassian.com&client_id=client-0001&scope=read%3Aaudit-log%3Aconfluence%20offline_access&redirect_uri=http%3A%2F%2F127.0.0.1%3A8917%2Fcallback&state={state}&response_type=code&prompt=consent",
        server.auth_base()
    )
}

fn token(server: &Atlassian, fields: Value) -> Reply {
    let settings = server.settings();
    let mut body =
        json!({"client_id": settings.client_id, "client_secret": settings.client_secret});
    let Value::Object(fields) = fields else {
        unreachable!()
    };
    body.as_object_mut().expect("an object").extend(fields);
    let headers = [
        ("User-Agent", "test"),
        ("Accept", "*/*"),
        ("Content-Type", "application/json"),
    ];
    let url = format!("{}/oauth/token", server.auth_base());
    send("POST", &url, &headers, body.to_string().as_bytes()).expect("an answer")
}

fn refresh(server: &Atlassian, with: &Value) -> Reply {
    token(
        server,
        json!({"grant_type": "refresh_token", "refresh_token": with}),
    )
}

#[test]
fn oauth_goes_round_and_rotates() {
    let server = cloud(1);
    let back = browse(&consent_url(&server, "0123456789abcdefghijkl"));
    let (code, state) = back
        .split_once("?code=")
        .and_then(|(_, rest)| rest.split_once("&state="))
        .expect("code and state");
    assert_eq!(state, "0123456789abcdefghijkl");
    let exchange = json!({"grant_type": "authorization_code", "code": code, "redirect_uri": "http://127.0.0.1:8917/callback"});
    let first = token(&server, exchange.clone()).json();
    assert_eq!(token(&server, exchange).status, 403, "a code is good once");
    let bearer = format!(
        "Bearer {}",
        first["access_token"].as_str().expect("a token")
    );
    assert_eq!(gateway(&server, &bearer).status, 200);
    let sites = get(
        &format!("{}/oauth/token/accessible-resources", server.api_base()),
        &bearer,
    )
    .json();
    assert_eq!(sites[0]["id"], server.settings().cloud_id);
    assert_eq!(sites[0]["scopes"], json!(["read:audit-log:confluence"]));
    let second = refresh(&server, &first["refresh_token"]).json();
    let reuse = refresh(&server, &first["refresh_token"]);
    assert_eq!(reuse.status, 403);
    assert_eq!(
        reuse.json(),
        json!({"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."})
    );
    assert_eq!((server.refreshes(), server.refresh_reuses()), (1, 1));
    assert_eq!(
        json!(server.good_refresh_tokens()),
        json!([second["refresh_token"]])
    );
    server.set(|settings| settings.omits_refresh_token = true);
    for _ in 0..2 {
        let reply = refresh(&server, &second["refresh_token"]);
        assert!(reply.status == 200 && reply.json().get("refresh_token").is_none());
    }
}

#[test]
fn oauth_is_strict() {
    let server = cloud(1);
    let state = "0123456789abcdefghijkl";
    for (from, to, reason) in [
        ("audience=api", "audience=x", "audience"),
        ("client-0001", "client-0002", "client_id"),
        ("8917", "8918", "redirect_uri"),
        ("%20offline_access", "", "other scopes"),
        (state, "1", "no state"),
        (
            "prompt=consent",
            "prompt=consent&more=1",
            "unknown parameter",
        ),
    ] {
        let url = consent_url(&server, state).replace(from, to);
        violates(
            &server,
            &send("GET", &url, &[], b"").expect("an answer"),
            reason,
        );
    }
    let form = [
        ("User-Agent", "test"),
        ("Accept", "*/*"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let url = format!("{}/oauth/token", server.auth_base());
    let reply = send("POST", &url, &form, b"grant_type=refresh_token").expect("an answer");
    violates(&server, &reply, "not JSON");
    let fields = json!({"grant_type": "refresh_token", "refresh_token": "x", "scope": "y"});
    violates(&server, &token(&server, fields), "unknown field: scope");
    server.set(|settings| settings.denies_consent = true);
    assert!(browse(&consent_url(&server, state)).contains("error=access_denied"));
    let wrong =
        json!({"grant_type": "refresh_token", "refresh_token": "x", "client_secret": "wrong"});
    assert_eq!(token(&server, wrong).status, 401);
    let redirect = json!({"grant_type": "authorization_code", "code": "x", "redirect_uri": "http://127.0.0.1:1/"});
    violates(&server, &token(&server, redirect), "redirect_uri");
}

#[test]
fn access_tokens_expire() {
    let server = cloud(1);
    server.set(|settings| settings.access_token_life = Duration::ZERO);
    let bearer = format!("Bearer {}", server.grant().access_token);
    assert_eq!(gateway(&server, &bearer).status, 401);
}

#[test]
fn a_lost_answer_ends_a_rotating_grant() {
    let server = cloud(1);
    let grant = json!(server.grant().refresh_token);
    server.next(Fault::Status(503));
    assert_eq!(refresh(&server, &grant).status, 503);
    server.next(Fault::CloseInBody);
    assert!(!refresh(&server, &grant).is_whole);
    assert_eq!(refresh(&server, &grant).status, 403, "it was rotated");
    assert_eq!((server.refreshes(), server.refresh_reuses()), (1, 1));
}
