//! What every key is set to in effect, and where.

use super::Place;
use super::draft::is_for_process;
use super::keys::{Key, Kind, SourceKind, global_keys, keys};
use super::layers::{Assignments, Setting};
use super::service::Configuration;
use super::source::{INTERVAL, Source};
use crate::auth::credentials;

/// A key with what it is set to.
#[derive(Debug, Clone)]
pub struct Effective {
    /// Which one.
    pub key: Key,
    /// To what; none if it is not set, and has no fixed default.
    pub value: Option<EffectiveValue>,
    /// Where.
    pub place: Place,
}

/// What a key is set to, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EffectiveValue {
    /// A switch.
    Switch(bool),
    /// How often a flag is given.
    Count(u8),
    /// A single value.
    One(String),
    /// A list of values.
    Many(Vec<String>),
    /// A secret, which is not shown.
    Secret,
}

/// What the process itself is set to.
#[must_use]
pub fn of_process(configuration: &Configuration) -> Vec<Effective> {
    let all = global_keys().into_iter().chain(keys("run"));
    let of_process = all.filter(is_for_process);
    of_process
        .map(|key| effective(key, &configuration.shared))
        .collect()
}

/// The keys of the process itself that are set differently.
#[must_use]
pub fn changed_of_process(before: &Configuration, now: &Configuration) -> Vec<String> {
    let (before, now) = (of_process(before), of_process(now));
    let pairs = before.iter().zip(&now);
    let changed = pairs.filter(|(before, now)| before.value != now.value);
    changed.map(|(before, _)| before.key.name.clone()).collect()
}

/// What a source is set to.
#[must_use]
pub fn of_source(source: &Source) -> Vec<Effective> {
    let keys = keys(source.kind.name()).into_iter();
    let keys = keys.filter(|key| !is_for_process(key)).map(|mut key| {
        if source.kind == SourceKind::Fetch && key.name == "interval" {
            key.default = vec![INTERVAL.to_owned()];
        }
        effective(key, &source.assignments)
    });
    let mut all: Vec<_> = keys.collect();
    for setting in credentials::ALL {
        let name = setting.key();
        let is_set = all.iter().any(|one| {
            (one.key.name == name || one.key.name == format!("{name}_file")) && one.value.is_some()
        });
        let variable = setting
            .is_in_environment()
            .then(|| Place::Variable(setting.variable.to_owned()));
        let credential = || setting.credential_of(&source.name).map(Place::Credential);
        let Some(place) = variable.or_else(credential).filter(|_| !is_set) else {
            continue;
        };
        if let Some(one) = all.iter_mut().find(|one| one.key.name == name) {
            one.place = place;
            one.value = Some(EffectiveValue::Secret);
        }
    }
    // A secret that is not set is told by the key of its file.
    all.retain(|one| one.key.kind != Kind::Secret || one.value.is_some());
    all
}

fn effective(key: Key, assignments: &Assignments) -> Effective {
    let Some(assignment) = assignments.get(&key.name) else {
        let value = match key.kind {
            Kind::Switch => Some(EffectiveValue::Switch(false)),
            Kind::Count => Some(EffectiveValue::Count(0)),
            Kind::One(_) => key.default.first().cloned().map(EffectiveValue::One),
            Kind::Many if key.default.is_empty() => None,
            Kind::Many => Some(EffectiveValue::Many(key.default.clone())),
            Kind::Secret => None,
        };
        return Effective {
            key,
            value,
            place: Place::Default,
        };
    };
    let value = match (&assignment.setting, key.kind) {
        (Setting::Switch(on), _) => EffectiveValue::Switch(*on),
        (Setting::Count(times), _) => EffectiveValue::Count(*times),
        (Setting::Values(values), Kind::Many) => EffectiveValue::Many(values.clone()),
        (Setting::Values(values), _) => {
            EffectiveValue::One(values.first().cloned().unwrap_or_default())
        }
        (Setting::Secret { .. }, _) => EffectiveValue::Secret,
    };
    Effective {
        value: Some(value),
        place: assignment.place.clone(),
        key,
    }
}
