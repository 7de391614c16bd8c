//! Which certificates are trusted.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::process::shown::Shown as _;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

/// No certificates to trust.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("--ca-file: cannot read {}: {source}", path.shown())]
    Read {
        /// Path of the file that caused the error.
        path: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// The file contains no certificate.
    #[error("--ca-file: no certificate in {}: expected PEM, starting with -----BEGIN CERTIFICATE-----", .0.shown())]
    NoCertificate(PathBuf),
}

/// TLS that trusts the authorities in `ca_file`, else the system's (`SSL_CERT_FILE` is heeded).
pub(super) fn tls(ca_file: Option<&Path>) -> Result<TlsConfig, Error> {
    let roots = match ca_file {
        Some(path) => of_file(path)?,
        None => of_system(),
    };
    Ok(TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(roots)))
        .unversioned_rustls_crypto_provider(super::provider())
        .build())
}

fn of_file(path: &Path) -> Result<Vec<Certificate<'static>>, Error> {
    let text = std::fs::read(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    let mut certificates = Vec::new();
    for item in parse_pem(&text) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(Error::NoCertificate(path.to_owned())),
        }
    }
    if certificates.is_empty() {
        return Err(Error::NoCertificate(path.to_owned()));
    }
    Ok(certificates)
}

fn of_system() -> Vec<Certificate<'static>> {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!("cannot load a system certificate: {error}");
    }
    if found.certs.is_empty() {
        // Only https needs them: no error yet.
        tracing::debug!("no system CA certificates found: install ca-certificates");
    }
    let owned = |certificate: &rustls::pki_types::CertificateDer<'_>| {
        Certificate::from_der(certificate).to_owned()
    };
    found.certs.iter().map(owned).collect()
}
