//! Which certificates are trusted.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore,
    SignatureScheme,
};
use sha2::{Digest as _, Sha256};

use crate::process::shown::Shown as _;

/// Which servers are trusted, and how this program shows who it is.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// A file with certificates of authorities to trust instead of the system's, and the flag that
    /// names it.
    pub ca_file: Option<(&'static str, PathBuf)>,
    /// SHA-256 of an authority's certificate that is trusted instead, if the server shows it.
    pub ca_fingerprint: Option<[u8; 32]>,
    /// Files with a certificate and its key to show to servers, with the flags that name them.
    pub client: Option<[(&'static str, PathBuf); 2]>,
}

/// No certificates to trust.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("{flag}: cannot read {}: {source}", path.shown())]
    Read {
        /// The flag that names the file.
        flag: &'static str,
        /// Path of the file that caused the error.
        path: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// The file contains no certificate.
    #[error("{flag}: no certificate in {}: expected PEM, starting with -----BEGIN CERTIFICATE-----", path.shown())]
    NoCertificate {
        /// The flag that names the file.
        flag: &'static str,
        /// Path of the file that caused the error.
        path: PathBuf,
    },
    /// The file contains no private key.
    #[error("{flag}: no private key in {}: expected PEM, starting with -----BEGIN PRIVATE KEY-----, not encrypted", path.shown())]
    NoKey {
        /// The flag that names the file.
        flag: &'static str,
        /// Path of the file that caused the error.
        path: PathBuf,
    },
    /// The cryptography of TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// TLS that trusts the authorities that are given, else the system's (`SSL_CERT_FILE` is heeded).
pub(super) fn tls(trust: &Trust) -> Result<Arc<ClientConfig>, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions()?;
    let trusted = match (&trust.ca_file, trust.ca_fingerprint) {
        (None, None) => {
            let roots = of_system();
            // Without any, no verifier can be made, and only https needs one.
            let given = (!roots.is_empty()).then(|| Given::of(roots, Vec::new(), &provider));
            given.transpose()?.map(Trusted::Given)
        }
        (Some((flag, path)), _) => {
            let given = Given::new(of_file(flag, path)?, &provider)?;
            Some(Trusted::Given(
                given.ok_or_else(|| no_certificate(flag, path))?,
            ))
        }
        (None, Some(fingerprint)) => Some(Trusted::Fingerprint(fingerprint)),
    };
    let builder = match trusted {
        Some(trusted) => {
            let verifier = Arc::new(Verifier { trusted, provider });
            builder
                .dangerous()
                .with_custom_certificate_verifier(verifier)
        }
        None => builder.with_root_certificates(RootCertStore::empty()),
    };
    let config = match &trust.client {
        None => builder.with_no_client_auth(),
        Some([(certificate_flag, certificate), (key_flag, key)]) => {
            let chain = of_file(certificate_flag, certificate)?;
            let key = key_of_file(key_flag, key)?;
            builder.with_client_auth_cert(chain, key)?
        }
    };
    Ok(Arc::new(config))
}

fn read(flag: &'static str, path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|source| Error::Read {
        flag,
        path: path.to_owned(),
        source,
    })
}

fn of_file(flag: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let text = read(flag, path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(no_certificate(flag, path)),
    }
}

fn no_certificate(flag: &'static str, path: &Path) -> Error {
    Error::NoCertificate {
        flag,
        path: path.to_owned(),
    }
}

fn key_of_file(flag: &'static str, path: &Path) -> Result<PrivateKeyDer<'static>, Error> {
    let text = read(flag, path)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| Error::NoKey {
        flag,
        path: path.to_owned(),
    })
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

/// Looks at the certificates that servers show. What does not differ between the kinds of trust, the
/// signatures of a handshake, is the cryptography provider's.
#[derive(Debug)]
struct Verifier {
    trusted: Trusted,
    provider: Arc<CryptoProvider>,
}

/// Which servers a [`Verifier`] trusts.
#[derive(Debug)]
enum Trusted {
    /// Those that the given authorities vouch for, and those whose own certificate is one of those given.
    Given(Given),
    /// Those whose authority's certificate has this fingerprint, if they show it: what Elasticsearch prints at
    /// its first start.
    Fingerprint([u8; 32]),
}

#[derive(Debug)]
struct Given {
    authorities: Arc<WebPkiServerVerifier>,
    certificates: Vec<CertificateDer<'static>>,
}

/// What a server shows in a handshake.
struct Shown<'a> {
    end_entity: &'a CertificateDer<'a>,
    intermediates: &'a [CertificateDer<'a>],
    server_name: &'a ServerName<'a>,
    ocsp_response: &'a [u8],
    now: UnixTime,
}

impl Given {
    /// None if none of the certificates can be an authority's.
    fn new(
        certificates: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Option<Self>, rustls::Error> {
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(certificates.clone());
        if added == 0 {
            return Ok(None);
        }
        Self::of(roots, certificates, provider).map(Some)
    }

    fn of(
        roots: RootCertStore,
        certificates: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, rustls::Error> {
        let provider = Arc::clone(provider);
        let roots = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let authorities = roots.build();
        let authorities = authorities.map_err(|error| rustls::Error::General(error.to_string()))?;
        Ok(Self {
            authorities,
            certificates,
        })
    }

    fn verify(&self, shown: &Shown<'_>) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.authorities.verify_server_cert(
            shown.end_entity,
            shown.intermediates,
            shown.server_name,
            shown.ocsp_response,
            shown.now,
        );
        let error = match verified {
            Err(error) if is_about_issuer(&error) => error,
            verified => return verified,
        };
        let certificate = ParsedCertificate::try_from(shown.end_entity)?;
        let named = verify_server_name(&certificate, shown.server_name);
        if self.certificates.contains(shown.end_entity) {
            return named.map(|()| ServerCertVerified::assertion());
        }
        // With another authority it would fail still.
        Err(match named {
            Ok(()) => error,
            Err(name) => {
                let both = OtherError(Arc::new(OtherNameToo(name)));
                rustls::Error::InvalidCertificate(CertificateError::Other(both))
            }
        })
    }
}

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

/// The issuer of a certificate is unknown, and it is for another name.
#[derive(Debug, thiserror::Error)]
#[error("the issuer is unknown, and {0}")]
pub(super) struct OtherNameToo(pub rustls::Error);

/// Whether webpki says that a server shows the certificate of an authority as its own.
pub(super) fn is_ca_as_server(problem: &str) -> bool {
    problem.contains("CaUsedAsEndEntity")
}

impl Verifier {
    /// Of the certificates that the server shows, the one with the fingerprint is as good as given.
    fn verify_by_fingerprint(
        &self,
        fingerprint: &[u8; 32],
        shown: &Shown<'_>,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let mut all = std::iter::once(shown.end_entity).chain(shown.intermediates);
        let trusted = all.find(|shown| Sha256::digest(shown)[..] == *fingerprint);
        let unknown = || rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let trusted = trusted.ok_or_else(unknown)?.clone().into_owned();
        let given = Given::new(vec![trusted], &self.provider)?;
        given.ok_or_else(unknown)?.verify(shown)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown = Shown {
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        };
        match &self.trusted {
            Trusted::Given(given) => given.verify(&shown),
            Trusted::Fingerprint(fingerprint) => self.verify_by_fingerprint(fingerprint, &shown),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
