//! Certificates and proxies.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::atlassian::{Atlassian, cloud_record};
use crate::support::fetching::{Fetching, START, Way, said};
use crate::support::program::{command, run_command};

const PAGE: &str =
    r#"{"results":[{"creationDate":1767571200000,"summary":"Space created"}],"_links":{}}"#;

/// A server with TLS for `localhost`, whose certificate only its own authority vouches for: its port,
/// and that authority's certificate.
fn tls_server() -> (u16, String) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let names = vec!["localhost".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).expect("parameters");
    let certificate = certificate.self_signed(&key).expect("a certificate");
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

#[test]
fn an_authority_of_ones_own_is_trusted_when_it_is_given() {
    let (port, authority) = tls_server();
    let fetching = Fetching::cloud();
    let file: PathBuf = fetching.file("ca.pem", &authority);
    let fetch = |flags: &[&str]| {
        let mut program = command([
            "fetch",
            "--raw",
            "--deployment",
            "cloud",
            "--email",
            "a@b.c",
        ]);
        program.args([
            "--since",
            "2026-01-05T00:00:00Z",
            "--until",
            "2026-01-05T01:00:00Z",
        ]);
        program
            .args(["--url", &format!("https://localhost:{port}")])
            .args(flags);
        program
            .arg("--state-dir")
            .arg(fetching.state())
            .env("CONFLUENCE_API_TOKEN", "token");
        run_command(program, b"")
    };
    let output = fetch(&[]);
    assert_eq!(output.status.code(), Some(1));
    let told = said(&output);
    assert!(
        told.contains("TLS handshake with localhost failed") && told.contains("--ca-file"),
        "{told}"
    );
    let output = fetch(&["--ca-file", file.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("Space created"));
    let empty = fetching.file("empty.pem", "");
    let output = fetch(&["--ca-file", empty.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

/// A proxy that makes tunnels, and counts them.
fn proxy() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let tunnels = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tunnels);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            thread::spawn(move || tunnel(stream));
        }
    });
    (format!("http://{address}"), tunnels)
}

fn tunnel(stream: TcpStream) -> io::Result<()> {
    let mut inward = BufReader::new(stream.try_clone()?);
    let mut first = String::new();
    inward.read_line(&mut first)?;
    let target = first
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split(' ').next());
    let target = target.ok_or(io::ErrorKind::InvalidData)?;
    let mut line = String::new();
    while inward.read_line(&mut line)? > 0 && line.trim() != "" {
        line.clear();
    }
    let mut server = TcpStream::connect(target)?;
    let mut outward = stream;
    outward.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let mut back = server.try_clone()?;
    let backward = thread::spawn(move || {
        let _ = io::copy(&mut back, &mut outward);
        let _ = outward.shutdown(Shutdown::Both);
    });
    let mut buffer = [0; 4096];
    while let read @ 1.. = inward.read(&mut buffer)? {
        server.write_all(&buffer[..read])?;
    }
    server.shutdown(Shutdown::Both)?;
    let _ = backward.join();
    Ok(())
}

#[test]
fn a_proxy_is_used_when_it_is_given_or_the_environment_says_so() {
    let fetching = Fetching::of(Atlassian::cloud(), Way::Site);
    fetching.server.insert(cloud_record(START, 1));
    let (address, tunnels) = proxy();
    fetching.fetch(&["--raw", "--window", "365d", "--proxy", &address]);
    // One for the API, and one to learn the site's cloud id.
    assert_eq!(tunnels.load(Ordering::SeqCst), 2);
    fetching.assert_all_once();
    let mut program = fetching.to_file(&["--raw", "--window", "365d"]);
    program.env_remove("NO_PROXY").env("ALL_PROXY", &address);
    assert_eq!(run_command(program, b"").status.code(), Some(0));
    assert_eq!(tunnels.load(Ordering::SeqCst), 3);
    let said = fetching.fetch_ends(&["--proxy", "no proxy"], 2);
    assert!(said.contains("--proxy"), "{said}");
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
                "redirects to another origin, http://<secret>.invalid",
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
