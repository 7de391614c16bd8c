//! The browser coming back from the login: a small server on the loopback address.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use url::{Host, Url};

use super::Error;
use super::callback::Callback;
use crate::http::address::is_loopback;
use crate::process::listener::{self, Response};
use crate::process::stop::Stop;
use crate::secret::Secret;

/// How long a login may take.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// How often signals are looked for meanwhile.
const TURN: Duration = Duration::from_millis(50);
/// How long the browser may take to accept its page once it has brought the code.
const LONGEST_PAGE: Duration = Duration::from_secs(1);

/// Listens where the browser will be sent back to.
#[derive(Debug)]
pub struct Listener {
    server: listener::Listener,
    path: String,
}

impl Listener {
    /// Binds the address of the redirect URI.
    ///
    /// # Errors
    /// [`Error::NotLoopback`] when that is not possible on this machine, [`Error::Listen`] when
    /// somebody else listens there.
    pub fn open(redirect_uri: &Url) -> Result<Self, Error> {
        let not_loopback = || Error::NotLoopback(redirect_uri.to_string());
        let port = redirect_uri.port_or_known_default();
        let port = port.filter(|port| *port != 0).ok_or_else(not_loopback)?;
        if redirect_uri.scheme() != "http" || !is_loopback(redirect_uri) {
            return Err(not_loopback());
        }
        let mut sockets = Vec::new();
        match redirect_uri.host().ok_or_else(not_loopback)? {
            Host::Ipv4(address) => sockets.push(listen((address, port).into())?),
            Host::Ipv6(address) => sockets.push(listen((address, port).into())?),
            Host::Domain(_) => {
                sockets.push(listen((Ipv4Addr::LOCALHOST, port).into())?);
                // A browser may try this one first; a machine may have none. Somebody else's server
                // there is no harm without the client secret.
                sockets.extend(listen((Ipv6Addr::LOCALHOST, port).into()).ok());
            }
        }
        Ok(Self {
            server: listener::Listener::new(sockets),
            path: redirect_uri.path().to_owned(),
        })
    }

    /// Waits until the browser brings a code or an error with our `state`; none: it is time to end.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NoCallback`], and when listening fails.
    pub fn wait(&mut self, state: &str, stop: &Stop) -> Result<Option<Secret>, Error> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if stop.is_requested() {
                return Ok(None);
            }
            let mut came = None;
            let path = &*self.path;
            self.server.serve(TURN, &mut |request| {
                let (page, end) = answer(request, path, state);
                // The first that ends the wait counts.
                came = came.take().or(end);
                page
            })?;
            if let Some(end) = came {
                // A browser that does not wait for its page has brought the code all the same.
                self.server.finish(LONGEST_PAGE);
                return end.map(Some);
            }
        }
        Err(Error::NoCallback(PATIENCE))
    }
}

/// What ends the wait for the browser.
type End = Result<Secret, Error>;

fn answer(request: Option<(&str, &str)>, expected: &str, state: &str) -> (Response, Option<End>) {
    let Some((method, target)) = request else {
        return (page(431, "The request is too long."), None);
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if method != "GET" || path != expected {
        return (page(404, "Not found."), None);
    }
    match Callback::read(query, state) {
        Callback::Code(code) => (
            page(
                200,
                "Login received. You may close this window and return to the terminal.",
            ),
            Some(Ok(code)),
        ),
        Callback::Denied(said) => (
            page(
                200,
                "Access was not granted. You may close this window; see the terminal for the reason.",
            ),
            Some(Err(Error::Denied { said })),
        ),
        Callback::Foreign => {
            tracing::warn!(
                "rejected a callback whose state parameter is not that of this login; still \
                 waiting for the browser"
            );
            let text = "This callback does not belong to the login in progress: its state parameter differs. Open \
                        the URL that the terminal shows.";
            (page(400, text), None)
        }
        Callback::Nothing => {
            let text = "This callback has neither a code nor an error.";
            (page(400, text), None)
        }
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    listener::listen(address).map_err(|problem| Error::Listen {
        address: address.to_string(),
        problem,
    })
}

/// A page for the browser, which keeps nothing of it and tells its address, with the code in it, to nobody.
fn page(status: u16, text: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>confluence-ecs</title>\
         </head><body><p>{text}</p></body></html>\n"
    );
    let headers = "Content-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n\
                   Content-Security-Policy: default-src 'none'\r\nReferrer-Policy: no-referrer\r\n";
    Response::new(status, headers, page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_listened_on() {
        for redirect in [
            "https://127.0.0.1:8917/callback",
            "http://example.com:8917/callback",
            "http://0.0.0.0:8917/callback",
            "http://127.0.0.1:0/callback",
        ] {
            let error = Listener::open(&Url::parse(redirect).unwrap()).unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("--paste"));
        }
    }
}
