//! Values of `event.category`, and what stands for there being none.

/// Where an event has no category.
pub const NONE: &str = "none";
/// Where it has one that ECS does not know.
const OTHER: &str = "other";

/// The allowed values (ECS field reference, `event.category`).
const ALLOWED: [&str; 21] = [
    "api",
    "authentication",
    "configuration",
    "database",
    "driver",
    "email",
    "file",
    "host",
    "iam",
    "intrusion_detection",
    "library",
    "malware",
    "network",
    "package",
    "process",
    "registry",
    "session",
    "threat",
    "vulnerability",
    "web",
    OTHER,
];

/// A category by its name. The names are a closed set, so that no input makes a table of them grow.
#[must_use]
pub fn known(name: &str) -> &'static str {
    let found = ALLOWED.into_iter().find(|allowed| *allowed == name);
    found.unwrap_or(OTHER)
}
