//! `/metrics`, `/healthz` and `/readyz`.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::Shared;
use crate::process::listener::{Listener, Response};

/// How often connections are looked at that say nothing.
const TURN: Duration = Duration::from_secs(1);
/// Prometheus' text format 0.0.4.
const METRICS: &str = "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n";
/// What is for people.
const TEXT: &str = "Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n";

/// Answers requests until the process ends.
pub(super) fn serve(mut listener: Listener, shared: &Arc<Shared>) {
    loop {
        let mut answer = |request: Option<(&str, &str)>| match request {
            Some((method, target)) => answer(shared, method, target),
            None => text(431, "the request is too long"),
        };
        if let Err(error) = listener.serve(TURN, &mut answer) {
            tracing::warn!("--metrics-listen: cannot wait for requests: {error}; retrying");
            thread::sleep(TURN);
        }
    }
}

fn answer(shared: &Shared, method: &str, target: &str) -> Response {
    let (path, _) = target.split_once('?').unwrap_or((target, ""));
    let answer: fn(&Shared) -> Response = match path {
        "/metrics" => metrics,
        "/healthz" => healthz,
        "/readyz" => readyz,
        _ if path.starts_with('/') => {
            return text(404, "not found; there are /metrics, /healthz and /readyz");
        }
        _ => return text(400, "not a request"),
    };
    if !matches!(method, "GET" | "HEAD") {
        let refused = text(405, "only GET and HEAD are supported");
        let headers = format!("Allow: GET, HEAD\r\n{}", refused.headers);
        return Response { headers, ..refused };
    }
    answer(shared)
}

fn metrics(shared: &Shared) -> Response {
    match shared.text() {
        Ok(text) => Response::new(200, METRICS, text),
        Err(error) => text(503, &error.to_string()),
    }
}

fn healthz(shared: &Shared) -> Response {
    match shared.health.problem() {
        None => text(200, "ok"),
        Some(problem) => text(503, &problem),
    }
}

fn readyz(shared: &Shared) -> Response {
    let problems = shared.unready();
    if problems.is_empty() {
        return text(200, "ok");
    }
    text(503, &problems.join("\n"))
}

fn text(status: u16, text: &str) -> Response {
    Response::new(status, TEXT, format!("{text}\n"))
}
