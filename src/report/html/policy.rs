//! What a page may do.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// A policy that allows this script and this style, inside the page, and nothing else: no other script, no request, no
/// form (Content Security Policy Level 3).
pub fn policy(script: &str, style: &str) -> String {
    format!(
        "default-src 'none'; script-src {}; style-src {}; base-uri 'none'; form-action 'none'",
        source(script),
        source(style)
    )
}

/// An element's text, by its hash.
fn source(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}
