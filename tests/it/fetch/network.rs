//! Certificates, and what servers say again.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use regex::Regex;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::fetching::{Fetching, said};
use crate::support::program::{command, run_command};

const PAGE: &str =
    r#"{"results":[{"creationDate":1767571200000,"summary":"Space created"}],"_links":{}}"#;

/// A server with TLS for `localhost`, whose certificate only it itself vouches for: its port, and that
/// certificate.
pub fn tls_server() -> (u16, String) {
    let key = KeyPair::generate().expect("a key");
    let certificate = parameters("localhost").self_signed(&key);
    serve(&certificate.expect("a certificate"), &key)
}

/// What a certificate for that name says.
fn parameters(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).expect("parameters")
}

/// A server with that certificate: its port, and the certificate.
fn serve(certificate: &Certificate, key: &KeyPair) -> (u16, String) {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private)
        .expect("a configuration");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let config = Arc::new(config);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            // Whoever does not trust us goes away.
            let _ = answer(StreamOwned::new(connection, stream));
        }
    });
    (port, certificate.pem())
}

fn answer(stream: StreamOwned<ServerConnection, TcpStream>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line)? > 0 && line.trim() != "" {
        line.clear();
    }
    let length = PAGE.len();
    write!(
        stream.get_mut(),
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{PAGE}"
    )?;
    stream.get_mut().flush()
}

/// Fetches from a server with TLS that has that certificate, with `--ca-file` and this one if there is one.
fn fetch_with_tls(port: u16, trusted: Option<&str>) -> Output {
    let fetching = Fetching::cloud();
    let mut program = command([
        "fetch",
        "--raw",
        "--deployment",
        "cloud",
        "--email",
        "a@b.c",
    ]);
    let range = ["2026-01-05T00:00:00Z", "2026-01-05T01:00:00Z"];
    program.args(["--since", range[0], "--until", range[1]]);
    program.args(["--url", &format!("https://localhost:{port}")]);
    program.arg("--state-dir").arg(fetching.state());
    program.env("CONFLUENCE_API_TOKEN", "token");
    if let Some(trusted) = trusted {
        let file: PathBuf = fetching.file("ca.pem", trusted);
        program.arg("--ca-file").arg(file);
    }
    run_command(program, b"")
}

/// It is not trusted, for that reason; what it said, for a snapshot.
fn distrusts(port: u16, trusted: Option<&str>) -> String {
    let output = fetch_with_tls(port, trusted);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let port = port.to_string();
    let errors = told.lines().filter(|line| line.contains("ERROR"));
    let clock = Regex::new(r"clock says \S+?Z").expect("a pattern");
    let errors: String = errors
        .map(|line| line.replace(&port, "PORT") + "\n")
        .collect();
    clock.replace_all(&errors, "clock says NOW").into_owned()
}

fn trusts(port: u16, trusted: &str) {
    let output = fetch_with_tls(port, Some(trusted));
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("Space created"));
}

/// An authority: its certificate, and what signs with its key.
fn authority() -> (Certificate, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().expect("a key");
    let mut parameters = parameters("authority.example");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let name = &mut parameters.distinguished_name;
    name.push(DnType::CommonName, "An authority");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    (certificate, Issuer::new(parameters, key))
}

#[test]
fn an_authority_of_ones_own_is_trusted_when_it_is_given() {
    let (port, own) = tls_server();
    let told = distrusts(port, None);
    assert!(
        told.contains("TLS handshake with localhost failed") && told.contains("--ca-file"),
        "{told}"
    );
    trusts(port, &own);
    let empty = fetch_with_tls(port, Some(""));
    assert_eq!(empty.status.code(), Some(2), "{}", said(&empty));

    let (ca, issuer) = authority();
    let key = KeyPair::generate().expect("a key");
    let signed = parameters("localhost").signed_by(&key, &issuer);
    let (port, leaf) = serve(&signed.expect("a certificate"), &key);
    trusts(port, &ca.pem());
    // Exactly the server's own will do.
    trusts(port, &leaf);
    assert!(distrusts(port, Some(&own)).contains("--ca-file"));
    // An authority with the name of the server.
    let mut same = parameters("localhost");
    same.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = Issuer::new(same, KeyPair::generate().expect("a key"));
    let signed = parameters("localhost").signed_by(&key, &issuer);
    let (port, leaf) = serve(&signed.expect("a certificate"), &key);
    trusts(port, &leaf);
}

/// A certificate that `openssl req -x509` makes: self-signed, and that of an authority.
fn self_signed_authority(name: &str) -> (CertificateParams, KeyPair) {
    let mut parameters = parameters(name);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    (parameters, KeyPair::generate().expect("a key"))
}

#[test]
fn a_self_signed_certificate_is_trusted_if_it_is_exactly_that() {
    let (parameters, key) = self_signed_authority("localhost");
    let (port, own) = serve(&parameters.self_signed(&key).expect("a certificate"), &key);
    trusts(port, &own);
    trusts(port, &format!("{}{own}", authority().0.pem()));
    // Another one of the same name and key is not the same.
    let mut other = parameters.clone();
    other.serial_number = Some(7.into());
    let other = other.self_signed(&key).expect("a certificate").pem();
    let told = distrusts(port, Some(&other));
    assert!(told.contains("pass exactly this certificate"), "{told}");
    assert!(distrusts(port, None).contains("--ca-file"));
}

#[test]
fn names_and_dates_count_whoever_is_trusted() {
    let mut told = String::new();
    let (ca, issuer) = authority();
    for (name, year) in [("localhost", 2025), ("wiki.example.com", 2125)] {
        let (mut alone, key) = self_signed_authority(name);
        alone.not_after = rcgen::date_time_ymd(year, 1, 2);
        let (port, own) = serve(&alone.self_signed(&key).expect("a certificate"), &key);
        told += &distrusts(port, Some(&own));
        let mut leaf = parameters(name);
        leaf.not_after = rcgen::date_time_ymd(year, 1, 2);
        let signed = leaf.signed_by(&key, &issuer).expect("a certificate");
        let (port, own) = serve(&signed, &key);
        told += &distrusts(port, Some(&ca.pem()));
        told += &distrusts(port, Some(&own));
    }
    assert!(!told.contains("--ca-file"), "it would not help: {told}");
    insta::assert_snapshot!(told);
}

#[test]
fn a_certificate_of_an_unknown_issuer_for_another_name_has_both_said() {
    let (_, issuer) = authority();
    let (other, _) = authority();
    let (_, key) = self_signed_authority("localhost");
    let leaf = parameters("wiki.example.com");
    let signed = leaf.signed_by(&key, &issuer).expect("a certificate");
    let (port, _) = serve(&signed, &key);
    let told = distrusts(port, Some(&other.pem()));
    for part in [
        "issuer is unknown",
        "is for wiki.example.com",
        "use a name",
        "--ca-file",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

/// A server that says again what it was sent, in its answer and where it redirects to.
fn echo(status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let mut lines = lines.take_while(|line| !line.is_empty());
            let is_header = |line: &String| line.to_lowercase().starts_with("authorization");
            let header = lines.find(is_header).unwrap_or_default();
            let body = format!(r#"{{"message":"who is s3cretT0ken of {header}?"}}"#);
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {status}\r\nLocation: http://s3cretT0ken.invalid/{}\r\n\
                 Content-Length: {length}\r\nConnection: close\r\n\r\n{body}",
                header.replace(' ', "/")
            );
        }
    });
    format!("http://{address}")
}

#[test]
fn what_a_server_says_again_of_a_secret_is_hidden() {
    let fetching = Fetching::cloud();
    let ways = [
        (
            &["--deployment", "cloud", "--email", "a@b.c"][..],
            "CONFLUENCE_API_TOKEN",
        ),
        (&["--deployment", "data-center"], "CONFLUENCE_PAT"),
    ];
    for (who, variable) in ways {
        for (status, words) in [
            ("401 No", "who is <secret> of"),
            (
                "302 Found",
                "redirects to another page, on http://<secret>.invalid",
            ),
        ] {
            let url = echo(status);
            // The doctor asks without credentials first: there a redirect says nothing again.
            let names = if status == "401 No" { 2 } else { 1 };
            for name in &["fetch", "check"][..names] {
                let mut program = command([*name, "-vv", "--url", &url]);
                program.args(who).env(variable, "s3cretT0ken");
                program.arg("--state-dir").arg(fetching.state());
                let output = run_command(program, b"");
                let stdout = String::from_utf8_lossy(&output.stdout);
                let told = said(&output) + &stdout;
                assert_eq!(output.status.code(), Some(1), "{told}");
                assert!(*name == "check" || told.contains(words), "{told}");
                // Neither as it is, nor as the header has it, nor as hosts are written.
                for secret in ["s3cretT0ken", "s3crett0ken", "YUBiLmM6"] {
                    assert!(!told.contains(secret), "{told}");
                }
            }
        }
    }
}
