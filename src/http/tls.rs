//! TLS over a connection, and what its failures mean.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ClientConnection, InvalidMessage, StreamOwned,
};
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
    TransportAdapter,
};

use super::trust::{OtherNameToo, is_ca_as_server};
use crate::pipeline::timestamp::Timestamp;

/// Speaks TLS where the URL is an `https` one.
pub(super) struct TlsConnector(pub Arc<ClientConfig>);

impl fmt::Debug for TlsConnector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TlsConnector")
            .finish_non_exhaustive()
    }
}

/// A handshake that failed, with whom: the server, or a proxy with TLS.
#[derive(Debug, thiserror::Error)]
#[error("{source}")]
pub(super) struct HandshakeError {
    pub host: String,
    pub source: rustls::Error,
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(transport) = chained else {
            return Ok(None);
        };
        if !details.needs_tls() || transport.is_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let host = details.uri.host().unwrap_or_default();
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let failed = |source| {
            Error::Io(io::Error::other(HandshakeError {
                host: host.clone(),
                source,
            }))
        };
        let name = ServerName::try_from(host.clone());
        let name = name.map_err(|error| failed(rustls::Error::General(error.to_string())))?;
        let connection = ClientConnection::new(Arc::clone(&self.0), name);
        let mut connection = connection.map_err(&failed)?;
        let transport: Box<dyn Transport> = Box::new(transport);
        let mut socket = TransportAdapter::new(transport, details.current_time.clone());
        socket.set_timeout(details.timeout);
        let shaken = connection.complete_io(&mut socket);
        shaken.map_err(|error| match of_rustls(&error) {
            Some(source) => failed(source),
            None => Error::from(error),
        })?;
        let config = details.config;
        Ok(Some(Either::B(TlsTransport {
            buffers: LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size()),
            stream: StreamOwned::new(connection, socket),
        })))
    }
}

fn of_rustls(error: &io::Error) -> Option<rustls::Error> {
    error.get_ref()?.downcast_ref::<rustls::Error>().cloned()
}

/// A connection with TLS.
pub(super) struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("TlsTransport")
            .finish_non_exhaustive()
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.sock.set_timeout(timeout);
        Ok(self.stream.write_all(&self.buffers.output()[..amount])?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.sock.set_timeout(timeout);
        let read = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(read);
        Ok(read > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

const AUTHORITY: &str = "the server's certificate was issued by an authority that this machine does not trust, \
    such as that of an inspecting proxy: pass that authority's certificate, or the server's own, with --ca-file \
    FILE (or install ca-certificates, if no site works)";

/// Kinds of trouble with TLS that flags help with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsCause {
    /// The server's certificate is not trusted.
    Authority,
    /// The server wants a client certificate, or another one.
    Client,
    /// Another one.
    Other,
}

/// The kind of an error.
pub(super) fn cause(error: &rustls::Error) -> TlsCause {
    match error {
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => TlsCause::Authority,
        rustls::Error::InvalidCertificate(CertificateError::Other(other))
            if is_ca_as_server(&other.0.to_string()) =>
        {
            TlsCause::Authority
        }
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired,
        ) => TlsCause::Client,
        _ => TlsCause::Other,
    }
}

/// What is wrong, and what to do about it. `--ca-file` is only named where it helps.
pub(super) fn explain(error: &rustls::Error) -> (String, String) {
    let (problem, remedy) = match error {
        rustls::Error::InvalidCertificate(certificate) => {
            return explain_both(certificate).unwrap_or_else(|| explain_certificate(certificate));
        }
        rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType) => (
            "the answer is not TLS".to_owned(),
            "is the port right, or should the URL begin with http://?",
        ),
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired | AlertDescription::BadCertificate,
        ) => (
            error.to_string(),
            "the server asks for a client certificate, which is not supported: use an address without it",
        ),
        _ => (
            error.to_string(),
            "does the server support TLS 1.2 or 1.3 on that port, with a certificate for its name?",
        ),
    };
    (problem, remedy.to_owned())
}

/// Of a certificate with an unknown issuer and another name: to trust the issuer alone would not help.
fn explain_both(error: &CertificateError) -> Option<(String, String)> {
    let CertificateError::Other(other) = error else {
        return None;
    };
    let OtherNameToo(name) = other.0.downcast_ref()?;
    let (problem, remedy) = explain(name);
    Some((
        format!("the certificate's issuer is unknown, and {problem}"),
        format!("{remedy}; then {AUTHORITY}"),
    ))
}

fn explain_certificate(error: &CertificateError) -> (String, String) {
    const EXPIRED: &str = "renew the certificate, or correct this machine's clock";
    const TOO_EARLY: &str = "correct this machine's clock, or wait until the certificate is valid";
    const OTHER_NAME: &str =
        "use a name of the certificate in the URL, or install a certificate for this name";
    let (problem, remedy) = match error {
        CertificateError::Expired => ("the certificate has expired".to_owned(), EXPIRED),
        CertificateError::ExpiredContext { time, not_after } => (
            format!(
                "the certificate expired on {} (this machine's clock says {})",
                date(*not_after),
                date(*time)
            ),
            EXPIRED,
        ),
        CertificateError::NotValidYet => ("the certificate is not valid yet".to_owned(), TOO_EARLY),
        CertificateError::NotValidYetContext { time, not_before } => (
            format!(
                "the certificate is valid from {} on (this machine's clock says {})",
                date(*not_before),
                date(*time)
            ),
            TOO_EARLY,
        ),
        CertificateError::NotValidForName => {
            ("the certificate is for another name".to_owned(), OTHER_NAME)
        }
        CertificateError::NotValidForNameContext { presented, .. } => {
            (for_names(presented), OTHER_NAME)
        }
        CertificateError::UnknownIssuer => {
            ("the certificate's issuer is unknown".to_owned(), AUTHORITY)
        }
        CertificateError::BadSignature => {
            ("the certificate's signature is wrong".to_owned(), AUTHORITY)
        }
        CertificateError::Other(other) if is_ca_as_server(&other.0.to_string()) => (
            "the server uses the certificate of a certificate authority (self-signed) as its own"
                .to_owned(),
            "pass exactly this certificate with --ca-file FILE, or install a server certificate",
        ),
        other => (
            other.to_string(),
            "the server's certificate cannot be used: install another one",
        ),
    };
    (problem, remedy.to_owned())
}

/// What a certificate is for, by webpki's names such as `DnsName("a.example")`.
fn for_names(presented: &[String]) -> String {
    const MOST: usize = 5;
    let name = |text: &String| match (text.find('('), text.rfind(')')) {
        (Some(start), Some(end)) if start < end => {
            text[start + 1..end].trim_matches('"').to_owned()
        }
        _ => text.clone(),
    };
    let names: Vec<_> = presented.iter().take(MOST).map(name).collect();
    match (names.as_slice(), presented.len()) {
        ([], _) => "the certificate has no names (subjectAltName)".to_owned(),
        (names, all) if all > MOST => {
            format!(
                "the certificate is for {} and {} more",
                names.join(", "),
                all - MOST
            )
        }
        (names, _) => format!("the certificate is for {}", names.join(", ")),
    }
}

fn date(time: UnixTime) -> String {
    let millis = i64::try_from(Duration::from_secs(time.as_secs()).as_millis());
    let time = millis.ok().and_then(Timestamp::from_millis);
    time.map_or_else(|| "an unknown date".to_owned(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_have_a_remedy_and_the_authority_only_where_it_helps() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let expired = CertificateError::ExpiredContext {
            time: at(1_800_000_000),
            not_after: at(1_700_000_000),
        };
        let other_name = CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("a.example").unwrap(),
            presented: vec!["DnsName(\"b.example\")".to_owned(), "c.example".to_owned()],
        };
        for (error, problem, remedy) in [
            (
                CertificateError::UnknownIssuer.into(),
                "issuer",
                "--ca-file",
            ),
            (expired.into(), "expired on 2023-11-14T22:13:20", "renew"),
            (CertificateError::Expired.into(), "has expired", "clock"),
            (
                CertificateError::NotValidYet.into(),
                "not valid yet",
                "clock",
            ),
            (
                other_name.into(),
                "is for b.example, c.example",
                "use a name",
            ),
            (
                rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType),
                "not TLS",
                "http://",
            ),
            (rustls::Error::DecryptError, "decrypt", "TLS 1.2"),
        ] {
            let (said, advice) = explain(&error);
            assert!(said.contains(problem), "{said}");
            assert!(advice.contains(remedy), "{advice}");
            let helps = remedy == "--ca-file";
            assert_eq!(advice.contains("--ca-file"), helps, "{advice}");
        }
        assert!(for_names(&[]).contains("no names"));
    }
}
