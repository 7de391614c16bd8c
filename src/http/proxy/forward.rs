//! Requests for `http` URLs through an HTTP proxy: it gets the whole URL in the request line (RFC 9112
//! §3.2.2). Many proxies make tunnels to port 443 only.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::Error;
use ureq::config::Config;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, NextTimeout, Transport,
};

use super::Proxy;
use crate::secret::Secret;

/// Connects to the proxy instead of the host, where the URL is an `http` one.
pub struct ForwardConnector {
    proxy: Proxy,
    /// For the connection to the proxy itself, which must not go through the proxy.
    direct: Config,
}

impl ForwardConnector {
    /// Through that proxy; `direct` are settings without a proxy.
    pub fn new(proxy: Proxy, direct: Config) -> Self {
        Self { proxy, direct }
    }
}

impl fmt::Debug for ForwardConnector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ForwardConnector")
            .finish_non_exhaustive()
    }
}

impl<In: Transport> Connector<In> for ForwardConnector {
    type Out = Either<In, Forwarded>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let is_direct = details.config.proxy().is_none();
        if chained.is_some() || is_direct || details.needs_tls() || !self.proxy.is_http() {
            return Ok(chained.map(Either::A));
        }
        let uri = self.proxy.uri();
        let to_proxy = ConnectionDetails {
            uri,
            addrs: details
                .resolver
                .resolve(uri, &self.direct, details.timeout)?,
            config: &self.direct,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: details.timeout,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: details.register_shutdown.clone(),
        };
        let transport = (details.run_connector)(&to_proxy)?;
        let authority = details.uri.authority().map(ToString::to_string);
        Ok(Some(Either::B(Forwarded {
            transport,
            origin: format!("http://{}", authority.unwrap_or_default()),
            authorization: authorization(&self.proxy),
            is_head: true,
        })))
    }
}

/// The header line with the proxy's user and password.
fn authorization(proxy: &Proxy) -> Option<Secret> {
    let user = proxy.inner.username()?;
    let pair = format!("{user}:{}", proxy.inner.password().unwrap_or_default());
    let pair = STANDARD.encode(pair);
    Some(Secret::new(format!(
        "Proxy-Authorization: Basic {pair}\r\n"
    )))
}

/// A connection to a proxy that requests are sent to.
#[derive(Debug)]
pub struct Forwarded {
    transport: Box<dyn Transport>,
    /// Scheme, host and port of the URLs.
    origin: String,
    authorization: Option<Secret>,
    /// Whether a request begins with what is sent next.
    is_head: bool,
}

impl Forwarded {
    /// The beginning of a request as a proxy takes it.
    fn rewritten(&self, request: &[u8]) -> Vec<u8> {
        let at = |byte| memchr::memchr(byte, request).unwrap_or(request.len());
        let (method, line) = (at(b' ') + 1, at(b'\n') + 1);
        let (method, line) = (method.min(request.len()), line.min(request.len()));
        let authorization = self.authorization.as_ref().map(Secret::expose);
        [
            &request[..method],
            self.origin.as_bytes(),
            &request[method..line],
            authorization.unwrap_or_default().as_bytes(),
            &request[line..],
        ]
        .concat()
    }
}

impl Transport for Forwarded {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.transport.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if amount == 0 || !std::mem::take(&mut self.is_head) {
            return self.transport.transmit_output(amount, timeout);
        }
        let request = self.transport.buffers().output()[..amount].to_vec();
        let mut rest = &self.rewritten(&request)[..];
        while !rest.is_empty() {
            let output = self.transport.buffers().output();
            let length = rest.len().min(output.len());
            output[..length].copy_from_slice(&rest[..length]);
            self.transport.transmit_output(length, timeout)?;
            rest = &rest[length..];
        }
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        // Requests and answers alternate: what is sent after an answer is the next request.
        self.is_head = true;
        self.transport.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.transport.is_open()
    }

    // It may be TLS to the proxy, but is none to the host.
    fn is_tls(&self) -> bool {
        false
    }
}
