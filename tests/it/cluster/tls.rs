//! Connections that are encrypted: which servers are trusted, and who is let in.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;

use insta::assert_snapshot;
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest as _, Sha256};

use super::world::{Sending, said};
use crate::support::binary::stderr;
use crate::support::outcome::outcome;
use crate::support::search::{Kind, Search};

/// An authority, as Elasticsearch makes one for itself at its first start.
struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = CertificateParams::new(Vec::new()).expect("parameters");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, name);
        let certificate = parameters.self_signed(&key).expect("a certificate");
        Self {
            certificate,
            issuer: Issuer::new(parameters, key),
        }
    }

    /// A certificate for this machine, with its key.
    fn signs(&self) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().expect("a key");
        let parameters = CertificateParams::new(vec!["localhost".to_owned()]);
        let parameters = parameters.expect("parameters");
        let signed = parameters.signed_by(&key, &self.issuer);
        (signed.expect("a certificate"), key)
    }

    fn fingerprint(&self) -> String {
        fingerprint(&self.certificate)
    }

    /// A cluster with a certificate of this authority, which it shows too; with `clients` it lets in those
    /// that show one of that authority.
    fn cluster(&self, clients: Option<&Self>) -> Search {
        let (certificate, key) = self.signs();
        let chain = vec![certificate.der().clone(), self.certificate.der().clone()];
        cluster(chain, &key, clients)
    }
}

fn fingerprint(certificate: &Certificate) -> String {
    let hash = Sha256::digest(certificate.der());
    let mut hex = String::new();
    for byte in hash {
        write!(hex, "{byte:02x}").expect("in memory");
    }
    hex
}

fn cluster(
    chain: Vec<rustls::pki_types::CertificateDer<'static>>,
    key: &KeyPair,
    clients: Option<&Authority>,
) -> Search {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots
                .add(authority.certificate.der().clone())
                .expect("an authority");
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier"))
        }
    };
    let config = builder.with_single_cert(chain, private);
    Search::tls(
        Kind::Elasticsearch,
        Arc::new(config.expect("a configuration")),
    )
}

fn file(sending: &Sending, name: &str, text: &str) -> PathBuf {
    let path = sending.place.folder().join(name);
    std::fs::write(&path, text).expect("written");
    path
}

/// Sends with these flags, which works.
fn sends(search: &Search, sending: &mut Sending, flags: &[&str]) -> Output {
    sending.append(3);
    let output = crate::support::place::finish(sending.tail(&[&["--once"], flags].concat()));
    assert_eq!(output.status.code(), Some(0), "{}", outcome(&output));
    sending.each_is_once_in(search);
    output
}

/// Ends with 1 at the start with these flags; what it says.
fn fails(search: &Search, flags: &[&str]) -> String {
    let mut sending = Sending::to(&[&search.url()]);
    sending.append(3);
    let output = crate::support::place::finish(sending.tail(flags));
    assert_eq!(output.status.code(), Some(1), "{}", outcome(&output));
    assert_eq!(Sending::arrived(search), Vec::<u64>::new());
    let port = search.url().rsplit(':').next().expect("a port").to_owned();
    said(&stderr(&output)).replace(&port, "[PORT]")
}

#[test]
fn an_authority_is_trusted_by_its_file_or_its_fingerprint() {
    let (authority, other) = (Authority::new("A cluster"), Authority::new("Another"));
    let search = authority.cluster(None);
    let mut sending = Sending::to(&[&search.url()]);
    let pem = file(&sending, "ca.pem", &authority.certificate.pem());
    let other_pem = file(&sending, "other.pem", &other.certificate.pem());
    let (pem, other_pem) = (pem.display().to_string(), other_pem.display().to_string());
    let refused = authority.cluster(None);
    let mut words = fails(&refused, &[]);
    words += "\n";
    words += &fails(&refused, &["--es-ca-file", &other_pem]);
    words += "\n";
    words += &fails(&refused, &["--es-ca-fingerprint", &other.fingerprint()]);
    sends(&search, &mut sending, &["--es-ca-file", &pem]);
    let hex = authority.fingerprint();
    sends(&search, &mut sending, &["--es-ca-fingerprint", &hex]);
    // As openssl prints it.
    let pairs: Vec<_> = hex
        .as_bytes()
        .chunks(2)
        .map(String::from_utf8_lossy)
        .collect();
    let colons = pairs.join(":").to_uppercase();
    sends(&search, &mut sending, &["--es-ca-fingerprint", &colons]);
    assert_snapshot!(words);
}

#[test]
fn a_certificate_that_signed_itself_is_trusted_by_its_fingerprint() {
    let key = KeyPair::generate().expect("a key");
    let parameters = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
    let own = parameters.self_signed(&key).expect("a certificate");
    let search = cluster(vec![own.der().clone()], &key, None);
    let mut sending = Sending::to(&[&search.url()]);
    sends(
        &search,
        &mut sending,
        &["--es-ca-fingerprint", &fingerprint(&own)],
    );
    let other = Authority::new("Another").fingerprint();
    fails(
        &cluster(vec![own.der().clone()], &key, None),
        &["--es-ca-fingerprint", &other],
    );
}

#[test]
fn a_client_certificate_lets_in() {
    let (authority, clients) = (Authority::new("A cluster"), Authority::new("Clients"));
    let search = authority.cluster(Some(&clients));
    let mut sending = Sending::to(&[&search.url()]);
    let hex = authority.fingerprint();
    let flags = |(certificate, key): (Certificate, KeyPair)| {
        let certificate = file(&sending, "client.pem", &certificate.pem());
        let key = file(&sending, "client.key", &key.serialize_pem());
        [certificate, key].map(|path| path.display().to_string())
    };
    let [certificate, key] = flags(clients.signs());
    let all = [
        "--es-ca-fingerprint",
        &hex,
        "--es-client-cert",
        &certificate,
        "--es-client-key",
        &key,
    ];
    sends(&search, &mut sending, &all);
    let refused = authority.cluster(Some(&clients));
    let words = fails(&refused, &["--es-ca-fingerprint", &authority.fingerprint()]);
    assert_snapshot!(words);
}
