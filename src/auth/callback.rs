//! The browser coming back from the login: caught on the loopback address, or pasted.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use tiny_http::{Header, Method, Request, Response, Server};
use url::{Host, Url, form_urlencoded};

use super::Error;
use crate::http::address::is_loopback;
use crate::process::stop::Stop;
use crate::secret::Secret;

/// How long a login may take.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// How often signals are looked for meanwhile.
const TURN: Duration = Duration::from_millis(50);
/// Longest text of the server that is quoted in a message.
const QUOTED: usize = 300;

/// What the browser brought back.
#[derive(Debug, PartialEq, Eq)]
pub enum Callback {
    /// The code to exchange.
    Code(Secret),
    /// Access was denied; the text is what the server says.
    Denied(String),
    /// Somebody else's: its `state` is not ours.
    Foreign,
    /// Neither code nor error.
    Nothing,
}

impl Callback {
    /// Reads the query of the URL that the browser was sent back to.
    #[must_use]
    pub fn read(query: &str, state: &str) -> Self {
        let value = |name: &str| {
            let mut pairs = form_urlencoded::parse(query.as_bytes());
            let value = pairs.find_map(|(key, value)| (key == name).then(|| value.into_owned()));
            value.filter(|value| !value.is_empty())
        };
        let (code, error) = (value("code"), value("error"));
        if code.is_none() && error.is_none() {
            return Self::Nothing;
        }
        if !value("state").is_some_and(|given| is_same(&given, state)) {
            return Self::Foreign;
        }
        match (error, code) {
            (Some(error), _) => {
                Self::Denied(describe(&error, value("error_description").as_deref()))
            }
            (None, Some(code)) => Self::Code(Secret::new(code)),
            (None, None) => Self::Nothing,
        }
    }

    /// Parses a pasted callback: the URL, or only its query.
    #[must_use]
    pub fn read_pasted(text: &str, state: &str) -> Self {
        let text = text.trim().trim_matches(['"', '\'', '<', '>']);
        let query = match text.split_once('?') {
            Some((_, query)) => query,
            None => text,
        };
        let query = query.split('#').next().unwrap_or_default();
        Self::read(query, state)
    }
}

/// In a time that does not tell where they differ.
fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let differences = one.iter().zip(other).map(|(one, other)| one ^ other);
    one.len() == other.len() && differences.fold(0, |all, one| all | one) == 0
}

/// What the server says, on one line: anybody could have written it.
fn describe(error: &str, description: Option<&str>) -> String {
    let text = match description {
        Some(description) => format!("{description} ({error})"),
        None => error.to_owned(),
    };
    let line = text.replace(char::is_control, " ");
    line.chars().take(QUOTED).collect()
}

/// Listens where the browser will be sent back to.
pub struct Listener {
    servers: Vec<Server>,
    path: String,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Listener").finish_non_exhaustive()
    }
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
        let mut servers = Vec::new();
        match redirect_uri.host().ok_or_else(not_loopback)? {
            Host::Ipv4(address) => servers.push(listen((address, port).into())?),
            Host::Ipv6(address) => servers.push(listen((address, port).into())?),
            Host::Domain(_) => {
                servers.push(listen((Ipv4Addr::LOCALHOST, port).into())?);
                // A browser may try this one first; a machine may have none. Somebody else's server
                // there is no harm without the client secret.
                servers.extend(listen((Ipv6Addr::LOCALHOST, port).into()).ok());
            }
        }
        Ok(Self {
            servers,
            path: redirect_uri.path().to_owned(),
        })
    }

    /// Waits until the browser brings a code or an error with our `state`; none: it is time to end.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NoCallback`], and when listening fails.
    pub fn wait(&self, state: &str, stop: &Stop) -> Result<Option<Secret>, Error> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            for server in &self.servers {
                if stop.is_requested() {
                    return Ok(None);
                }
                let Some(request) = server.recv_timeout(TURN)? else {
                    continue;
                };
                if let Some(code) = self.answer(request, state)? {
                    return Ok(Some(code));
                }
            }
        }
        Err(Error::NoCallback(PATIENCE))
    }

    fn answer(&self, request: Request, state: &str) -> Result<Option<Secret>, Error> {
        let (path, query) = match request.url().split_once('?') {
            Some((path, query)) => (path, query.to_owned()),
            None => (request.url(), String::new()),
        };
        if *request.method() != Method::Get || path != self.path {
            respond(request, 404, "Not found.");
            return Ok(None);
        }
        match Callback::read(&query, state) {
            Callback::Code(code) => {
                respond(
                    request,
                    200,
                    "Login received. You may close this window and return to the terminal.",
                );
                Ok(Some(code))
            }
            Callback::Denied(said) => {
                respond(
                    request,
                    200,
                    "Access was not granted. You may close this window; see the terminal for the reason.",
                );
                Err(Error::Denied { said })
            }
            Callback::Foreign => {
                tracing::warn!(
                    "rejected a callback whose state parameter is not that of this login; still \
                     waiting for the browser"
                );
                respond(
                    request,
                    400,
                    "This callback does not belong to the login in progress: its state parameter differs. Open \
                     the URL that the terminal shows.",
                );
                Ok(None)
            }
            Callback::Nothing => {
                respond(
                    request,
                    400,
                    "This callback has neither a code nor an error.",
                );
                Ok(None)
            }
        }
    }
}

fn listen(address: SocketAddr) -> Result<Server, Error> {
    let failed = |problem: String| Error::Listen {
        address: address.to_string(),
        problem,
    };
    let listener = TcpListener::bind(address).map_err(|error| failed(problem(&error)))?;
    Server::from_listener(listener, None).map_err(|error| failed(error.to_string()))
}

fn problem(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use".to_owned(),
        _ => error.to_string(),
    }
}

/// Shows a page in the browser, which keeps nothing of it and tells its address, with the code in
/// it, to nobody.
fn respond(request: Request, status: u16, text: &str) {
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>confluence-ecs</title>\
         </head><body><p>{text}</p></body></html>\n"
    );
    let headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Cache-Control", "no-store"),
        ("Content-Security-Policy", "default-src 'none'"),
        ("Referrer-Policy", "no-referrer"),
    ];
    let mut response = Response::from_string(page).with_status_code(status);
    for (name, value) in headers {
        if let Ok(header) = Header::from_bytes(name, value) {
            response.add_header(header);
        }
    }
    // A browser that does not wait for its page has brought the code all the same.
    if let Err(error) = request.respond(response) {
        tracing::debug!("cannot send the page to the browser: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATE: &str = "x-Y_1";

    fn code(text: &str) -> Callback {
        Callback::Code(Secret::new(text.to_owned()))
    }

    #[test]
    fn a_callback_is_ours_by_its_state() {
        let read = |query| Callback::read(query, STATE);
        assert_eq!(read("code=a%2Bb&state=x-Y_1"), code("a+b"));
        assert_eq!(read("state=x-Y_1&code=a"), code("a"));
        for foreign in [
            "code=a",
            "code=a&state=",
            "code=a&state=x-Y_2",
            "code=a&state=x-Y_",
            "code=a&state=x-Y_11",
            "error=access_denied&state=other",
        ] {
            assert_eq!(read(foreign), Callback::Foreign, "{foreign}");
        }
        for nothing in ["", "state=x-Y_1", "code=&state=x-Y_1"] {
            assert_eq!(read(nothing), Callback::Nothing, "{nothing}");
        }
    }

    #[test]
    fn a_refusal_is_told_on_one_line() {
        let query =
            "error=access_denied&error_description=User+did%0Anot%1b[31m+authorize&state=x-Y_1";
        let Callback::Denied(said) = Callback::read(query, STATE) else {
            panic!("no refusal");
        };
        assert_eq!(said, "User did not [31m authorize (access_denied)");
    }

    #[test]
    fn what_is_pasted_is_a_url_or_its_query() {
        for pasted in [
            "http://127.0.0.1:8917/callback?code=a&state=x-Y_1\r\n",
            " 'http://127.0.0.1:8917/callback?state=x-Y_1&code=a#' ",
            "<https://example.com/?code=a&state=x-Y_1>",
            "?code=a&state=x-Y_1",
            "code=a&state=x-Y_1",
        ] {
            assert_eq!(Callback::read_pasted(pasted, STATE), code("a"), "{pasted}");
        }
        for nothing in ["", "a", "http://127.0.0.1:8917/callback"] {
            assert_eq!(Callback::read_pasted(nothing, STATE), Callback::Nothing);
        }
    }

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
