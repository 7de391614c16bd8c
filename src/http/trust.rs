//! Which certificates are trusted.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};

use crate::process::shown::Shown as _;

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
    /// The cryptography of TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// TLS that trusts the authorities in `ca_file`, else the system's (`SSL_CERT_FILE` is heeded).
pub(super) fn tls(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions()?;
    let (given, roots) = match ca_file {
        None => (Vec::new(), of_system()),
        Some(path) => {
            let given = of_file(path)?;
            let mut roots = RootCertStore::empty();
            let (added, _) = roots.add_parsable_certificates(given.clone());
            if added == 0 {
                return Err(Error::NoCertificate(path.to_owned()));
            }
            (given, roots)
        }
    };
    let config = if roots.is_empty() {
        builder.with_root_certificates(roots).with_no_client_auth()
    } else {
        let roots = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = GivenVerifier {
            authorities: roots
                .build()
                .map_err(|error| Error::Tls(rustls::Error::General(error.to_string())))?,
            given,
        };
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth()
    };
    Ok(Arc::new(config))
}

fn of_file(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let text = std::fs::read(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(Error::NoCertificate(path.to_owned())),
    }
}

fn of_system() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::debug!("cannot load a system certificate: {error}");
    }
    if found.certs.is_empty() {
        // Only https needs them: no error yet.
        tracing::debug!("no system CA certificates found: install ca-certificates");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots
}

/// Trusts what the given authorities vouch for, and a server whose own certificate is one of those given.
#[derive(Debug)]
struct GivenVerifier {
    authorities: Arc<WebPkiServerVerifier>,
    given: Vec<CertificateDer<'static>>,
}

impl GivenVerifier {
    /// Whether what is wrong with a certificate does not matter if it was given itself: an authority that is
    /// not known, or a self-signed certificate that is an authority's. webpki looks at the dates before either.
    fn is_about_issuer(error: &rustls::Error) -> bool {
        match error {
            rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            ) => true,
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(other))) => {
                is_ca_as_server(&other.to_string())
            }
            _ => false,
        }
    }
}

/// The issuer of a certificate is unknown, and it is for another name.
#[derive(Debug, thiserror::Error)]
#[error("the issuer is unknown, and {0}")]
pub(super) struct OtherNameToo(pub rustls::Error);

/// Whether webpki says that a server shows the certificate of an authority as its own.
pub(super) fn is_ca_as_server(problem: &str) -> bool {
    problem.contains("CaUsedAsEndEntity")
}

impl ServerCertVerifier for GivenVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.authorities.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            Err(error) if Self::is_about_issuer(&error) && self.given.contains(end_entity) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            // With another authority it would fail still.
            Err(error) if Self::is_about_issuer(&error) => {
                let certificate = ParsedCertificate::try_from(end_entity)?;
                Err(match verify_server_name(&certificate, server_name) {
                    Ok(()) => error,
                    Err(name) => {
                        let both = OtherError(Arc::new(OtherNameToo(name)));
                        rustls::Error::InvalidCertificate(CertificateError::Other(both))
                    }
                })
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.authorities.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.authorities.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}
