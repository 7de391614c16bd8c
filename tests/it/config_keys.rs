//! The keys of the configuration file, which are those of the flags; and files of any bytes.

use confluence_ecs::cli;
use confluence_ecs::config::keys::{Kind, keys};
use confluence_ecs::config::layers::variables;
use proptest::prelude::*;

use crate::support::binary::stderr;
use crate::support::configured::Configured;

#[test]
fn every_long_lived_flag_has_its_key_and_every_key_of_a_table_its_variable() {
    const OF_ONE_RUN: [&str; 9] = [
        "config", "help", "json", "list", "once", "status", "strict", "until", "version",
    ];
    let definitions = cli::definitions();
    for command in ["tail", "fetch"] {
        let keys = keys(command);
        let flags = definitions
            .find_subcommand(command)
            .expect("a command")
            .get_arguments();
        for flag in flags.filter_map(clap_long) {
            let is_key = keys.iter().any(|key| key.flag.as_deref() == Some(&flag));
            assert_eq!(is_key, !OF_ONE_RUN.contains(&&*flag), "{command} --{flag}");
        }
        for key in keys.iter().filter(|key| key.table.is_some()) {
            assert!(!variables(key).is_empty(), "{}", key.name);
        }
        let secrets = keys.iter().filter(|key| key.kind == Kind::Secret);
        assert!(secrets.count() >= 2, "{command}");
    }
}

fn clap_long(argument: &clap::Arg) -> Option<String> {
    argument.get_long().map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_the_bytes_the_file_is_good_or_wrong(bytes in contents()) {
        let configured = Configured::new("");
        configured.write_bytes(&bytes);
        let output = configured.outcome(&["config", "show"]);
        let code = output.status.code();
        let said = stderr(&output);
        prop_assert!(matches!(code, Some(0 | 2)), "{:?}: {}", code, said);
        prop_assert!(said.lines().count() <= 1, "{}", said);
    }
}

/// Bytes, and pieces of configurations in any order.
fn contents() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "[output]\n",
        "file = \"x\"\n",
        "[[source]]\n",
        "name = \"a\"\n",
        "type = \"tail\"\n",
        "type = \"fetch\"\n",
        "paths = []\n",
        "paths = [\"\"]\n",
        "url = \"https://x\"\n",
        "[mapping]\n",
        "namespace = ",
        "\"\\u0000\"\n",
        "1e400\n",
        "0xffffffffffffffffffffffffffffffffffffff\n",
        "\"${A\"\n",
        "network = [[[]]]\n",
        "= ",
        "'",
        "\u{7f}",
        "tag = {a.b = 1979-05-27}\n",
        "pat = \"${HOME}\"\n",
        "interval = \"1m\"\n",
        "threads = 1\n",
        "verbose = 2\n",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        prop::collection::vec(pieces, 0..14).prop_map(|pieces| pieces.concat().into_bytes()),
    ]
}
