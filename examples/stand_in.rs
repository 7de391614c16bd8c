//! The tests' stand-in for Atlassian's servers, to try `fetch`, `auth` and `check` against:
//! `cargo run --example stand_in -- cloud 100000` (or `data-center`, `old-server` or `organization`) serves as many
//! records, spread over the last thirty days, until it is stopped, and says how to ask for them.

use std::time::{SystemTime, UNIX_EPOCH};

#[path = "../tests/support/atlassian/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the tests use the rest")]
mod atlassian;
#[path = "../tests/support/wire.rs"]
#[allow(dead_code, reason = "other stand-ins use the rest of it")]
mod wire;

use atlassian::{Atlassian, cloud_record, data_center_record, organization_event};

const MONTH: u64 = 30 * 86_400_000;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let deployment = arguments.next().unwrap_or_else(|| "cloud".to_owned());
    let count = arguments.next().and_then(|count| count.parse().ok());
    let count = count.unwrap_or(10_000);
    let server = match deployment.as_str() {
        "data-center" => Atlassian::data_center("/confluence"),
        "old-server" => Atlassian::old_server("/confluence"),
        _ => Atlassian::cloud(),
    };
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    let first = i64::try_from(now.as_millis()).expect("in range") - MONTH.cast_signed();
    match deployment.as_str() {
        "organization" => serve_organization(&server, count, first),
        other => serve_site(&server, other, count, first),
    }
    loop {
        std::thread::park();
    }
}

/// Makes records of a site, and says how to ask for them.
fn serve_site(server: &Atlassian, deployment: &str, count: u64, first: i64) {
    let make = match deployment {
        "data-center" => data_center_record,
        _ => cloud_record,
    };
    server.make_up(count, first, MONTH, make);
    let settings = server.settings();
    let (who, secret) = match deployment {
        "data-center" => (String::new(), format!("CONFLUENCE_PAT='{}'", settings.pat)),
        "old-server" => (
            format!("--email {}", settings.username),
            format!("CONFLUENCE_API_TOKEN='{}'", settings.password),
        ),
        _ => (
            format!("--deployment cloud --email {}", settings.email),
            format!("CONFLUENCE_API_TOKEN='{}'", settings.api_token),
        ),
    };
    println!("export {secret}");
    println!(
        "confluence-ecs fetch --url {} {who} --since 30d",
        server.url()
    );
    println!(
        "# gateway: --api-base {} --cloud-id {} with CONFLUENCE_API_TOKEN='{}'",
        server.api_base(),
        settings.cloud_id,
        settings.scoped_token
    );
    println!(
        "# OAuth: --auth-base {} --api-base {} --client-id {} with CONFLUENCE_OAUTH_CLIENT_SECRET='{}'",
        server.auth_base(),
        server.api_base(),
        settings.client_id,
        settings.client_secret
    );
}

/// Makes events of an organization, and says how to ask for them.
fn serve_organization(server: &Atlassian, count: u64, first: i64) {
    let step = i64::try_from(MONTH / count.max(1)).expect("in range");
    let numbers = (0..count).zip(0i64..);
    server.insert_events(numbers.map(|(number, at)| organization_event(first + at * step, number)));
    let organization = server.settings().organization;
    println!("export CONFLUENCE_ORG_API_KEY='{}'", organization.key);
    println!(
        "confluence-ecs fetch --api-base {} --org-id {} --since 30d",
        server.api_base(),
        organization.id
    );
}
