//! Credentials that systemd reads as root, and gives to the packaged service alone (`packaging/systemd`).

use std::fs;
use std::io;
use std::path::Path;

use super::credentials::Setting;
use crate::process::shown::Shown as _;

/// Where they are, with the unit's name before that of each.
const DIRECTORY: &str = "/etc/credstore";
const PREFIX: &str = "confluence-ecs.";

/// What to say of secrets that are not found outside the service: that it is given one of them, or that this user
/// cannot know. None if it is given none.
#[must_use]
pub fn given_to_service(settings: &[Setting]) -> Option<String> {
    let look = |setting: &Setting| {
        let path = Path::new(DIRECTORY).join(format!("{PREFIX}{}", setting.credential));
        match fs::symlink_metadata(&path) {
            Ok(_) => Some(format!("only systemd gives the service {}", path.shown())),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Some(format!(
                "this user cannot see whether systemd gives the service {}",
                path.shown()
            )),
            Err(_) => None,
        }
    };
    settings.iter().find_map(look)
}
