//! Flags that require another one never go without it: clap does not miss what something given excludes.

use clap::builder::PossibleValue;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};
use confluence_ecs::cli;

/// Values, of which each flag takes one.
const VALUES: [&str; 9] = [
    "50",
    "1MiB",
    "10.0.0.0/8",
    "10.0.0.0/8=name",
    "10",
    "https://wiki.example.com",
    "1s",
    "name",
    "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
];

/// The command and those below it.
fn all(command: &Command) -> Vec<Command> {
    let below = command.get_subcommands().flat_map(all);
    std::iter::once(command.clone()).chain(below).collect()
}

fn error(command: &Command, arguments: &[String]) -> Option<clap::Error> {
    let command = command.clone().no_binary_name(true);
    command.try_get_matches_from(arguments).err()
}

/// The flag with a value that it takes.
fn typed(command: &Command, argument: &Arg) -> Option<String> {
    let flag = format!("--{}", argument.get_long()?);
    if !argument.get_action().takes_values() {
        return Some(flag);
    }
    let possible = argument.get_possible_values();
    let possible = possible.iter().map(PossibleValue::get_name);
    let mut all = possible
        .chain(VALUES)
        .map(|value| format!("{flag}={value}"));
    let is_taken = |typed: &String| {
        let error = error(command, std::slice::from_ref(typed));
        error.is_none_or(|error| {
            !matches!(
                error.kind(),
                ErrorKind::InvalidValue | ErrorKind::ValueValidation
            )
        })
    };
    let taken = all.find(is_taken);
    Some(taken.unwrap_or_else(|| panic!("no value for {flag}")))
}

/// What is missed beside those arguments.
fn missed(command: &Command, arguments: &[String]) -> Vec<String> {
    let error = error(command, arguments);
    let error = error.filter(|error| error.kind() == ErrorKind::MissingRequiredArgument);
    match error
        .as_ref()
        .and_then(|error| error.get(ContextKind::InvalidArg))
    {
        Some(ContextValue::Strings(names)) => names.clone(),
        Some(ContextValue::String(name)) => vec![name.clone()],
        _ => Vec::new(),
    }
}

/// The flags that do not go with that one, whichever of the two says so.
fn excluding<'a>(command: &'a Command, argument: &'a Arg) -> impl Iterator<Item = &'a Arg> {
    let excludes = |one: &Arg, other: &Arg| {
        let excluded = command.get_arg_conflicts_with(one);
        excluded
            .iter()
            .any(|excluded| excluded.get_id() == other.get_id())
    };
    command
        .get_arguments()
        .filter(move |other| excludes(argument, other) || excludes(other, argument))
}

/// The flags that are accepted though one that they require is missing, since another one excludes that.
fn accepted(command: &Command) -> Vec<String> {
    let mut accepted = Vec::new();
    for argument in command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set())
    {
        let Some(typed_argument) = typed(command, argument) else {
            continue;
        };
        let missed = missed(command, std::slice::from_ref(&typed_argument));
        let required = command
            .get_arguments()
            .filter(|other| missed.contains(&other.to_string()));
        let excluding = required.flat_map(|required| excluding(command, required));
        for other in excluding.filter_map(|other| typed(command, other)) {
            let both = [typed_argument.clone(), other];
            if error(command, &both).is_none() {
                accepted.push(format!("{} {}", command.get_name(), both.join(" ")));
            }
        }
    }
    accepted
}

#[test]
fn a_flag_that_requires_another_never_goes_without_it() {
    let mut definitions = cli::definitions();
    definitions.build();
    let accepted: Vec<String> = all(&definitions).iter().flat_map(accepted).collect();
    assert!(accepted.is_empty(), "{}", accepted.join("\n"));
}
