//! The values that stand in records: times, addresses, names, anything at all.

use proptest::prelude::*;
use proptest::sample::select;

use super::text::Json;

/// A member's value, or none for no member.
pub type Field = BoxedStrategy<Option<Json>>;

/// One of the texts, evenly.
pub fn one_of(texts: &'static [&'static str]) -> BoxedStrategy<Json> {
    select(texts).prop_map(Json::str).boxed()
}

/// Always there.
pub fn always(value: impl Strategy<Value = Json> + 'static) -> Field {
    value.prop_map(Some).boxed()
}

/// Mostly there; sometimes missing, null or empty, or in a list.
pub fn mostly(value: impl Strategy<Value = Json> + 'static) -> Field {
    let value = value.boxed();
    let listed = (value.clone(), list(empty(), 2)).prop_map(|(value, mut list)| {
        if let Json::Arr(elements) = &mut list {
            elements.push(value.clone());
            elements.push(Json::num(7));
            elements.push(value);
        }
        Some(list)
    });
    prop_oneof![
        40 => value.prop_map(Some),
        3 => Just(None),
        3 => empty().prop_map(Some),
        1 => listed,
    ]
    .boxed()
}

/// What is empty (docs/mapping.md 2), in itself or as a whole.
pub fn empty() -> BoxedStrategy<Json> {
    prop_oneof![
        4 => Just(Json::Null),
        4 => Just(Json::str("")),
        1 => Just(Json::Arr(vec![])),
        1 => Just(Json::Obj(vec![])),
        1 => Just(Json::obj([("a", Json::Arr(vec![Json::Null, Json::str("")]))])),
    ]
    .boxed()
}

/// Now and then there.
pub fn seldom(value: impl Strategy<Value = Json> + 'static) -> Field {
    prop_oneof![1 => value.prop_map(Some), 4 => Just(None)].boxed()
}

/// An object of the members that are there, in this order.
pub fn object<const N: usize>(fields: [(&'static str, Field); N]) -> BoxedStrategy<Json> {
    let (keys, values): (Vec<&str>, Vec<Field>) = fields.into_iter().unzip();
    values
        .prop_map(move |values| {
            let members = keys.iter().zip(values);
            Json::Obj(
                members
                    .filter_map(|(key, value)| Some(((*key).to_owned(), value?)))
                    .collect(),
            )
        })
        .boxed()
}

/// Up to `most` elements.
pub fn list(element: impl Strategy<Value = Json> + 'static, most: usize) -> BoxedStrategy<Json> {
    prop::collection::vec(element, 0..=most)
        .prop_map(Json::Arr)
        .boxed()
}

/// Any JSON, a few levels deep, with a taste for what the clean-up removes.
pub fn any_value() -> BoxedStrategy<Json> {
    let leaf = prop_oneof![
        2 => Just(Json::Null),
        2 => any::<bool>().prop_map(Json::Bool),
        3 => number(),
        6 => string(),
        1 => Just(Json::Arr(vec![])),
        1 => Just(Json::Obj(vec![])),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::Arr),
            prop::collection::btree_map(key(), inner, 0..4)
                .prop_map(|members| Json::Obj(members.into_iter().collect())),
        ]
    })
    .boxed()
}

/// Numbers as they can be spelled. An exponent has its sign, as `serde_json` writes it back: see `related.user`.
fn number() -> BoxedStrategy<Json> {
    prop_oneof![
        any::<i64>().prop_map(Json::num),
        any::<u64>().prop_map(Json::num),
        (-100i32..100).prop_map(Json::num),
        select(vec![
            "0",
            "-0",
            "1",
            "1.0",
            "1.00",
            "0.1",
            "-1.5",
            "1e+3",
            "25e-1",
            "1.7e+308",
            "9007199254740993",
            "9223372036854775808",
            "18446744073709551616",
            "12345678901234567890123",
            "0.1234567890123456789012345",
        ])
        .prop_map(Json::num),
    ]
    .boxed()
}

/// No web address among them: hosts come from [`system`] alone.
fn string() -> BoxedStrategy<Json> {
    prop_oneof![
        6 => one_of(&[
            "", " ", "a", "2", "null", "true", "{}", "User", "Group", "User created", "é", "ß/ſ", "日本語", "😀",
            "\"quoted\"", "back\\slash", "a/b", "tab\there", "line\nbreak", "\u{1}\u{1f}", "\u{7f}\u{80}",
            "\u{2028}\u{feff}", "?username=odd", "Users and groups", "a:b:c",
        ]),
        2 => "[a-zA-Z0-9 ._:-]{0,12}".prop_map(Json::Str),
        1 => "\\PC{0,8}".prop_map(Json::Str),
    ]
    .boxed()
}

fn key() -> BoxedStrategy<String> {
    prop_oneof![
        4 => select(vec![
            "a", "b", "name", "type", "objectType", "id", "uri", "from", "to", "i18nKey", "key", "oldValue",
            "newValue", "a.b", "", "é", "\"", "x/y",
        ])
        .prop_map(str::to_owned),
        1 => "[a-z]{1,6}".boxed(),
    ]
    .boxed()
}

/// A name not on the wire's list, for a member that is added.
pub fn unknown_key() -> BoxedStrategy<String> {
    prop_oneof![3 => "[a-z]{1,6}X", 1 => key()].boxed()
}

/// `creationDate`: epoch milliseconds.
pub fn creation_date() -> BoxedStrategy<Json> {
    let millis = || 1_500_000_000_000i64..1_900_000_000_000;
    prop_oneof![
        12 => millis().prop_map(Json::num),
        4 => millis().prop_map(|ms| Json::str(ms.to_string())),
        1 => (millis(), 0u32..1000).prop_map(|(ms, part)| Json::num(format!("{ms}.{part}"))),
        1 => (-62_167_219_200_000i64..253_402_300_800_000).prop_map(Json::num),
        1 => (-62_167_219_200_000i64..0).prop_map(|ms| Json::str(ms.to_string())),
        1 => select(vec![
            "0", "-1", "253402300799999", "253402300800000", "-62135596800000", "-62135596800001",
            "9223372036854775807", "9223372036854775808", "12345678901234567890123",
        ])
        .prop_map(Json::num),
        1 => one_of(&["+1637624653873", "-1", "", "abc", "1637624653873.5", " 1637624653873", "2021-11-22T23:44:13Z"]),
    ]
    .boxed()
}

/// The object `timestamp` of the files.
pub fn epoch_object() -> BoxedStrategy<Json> {
    let second = prop_oneof![
        24 => (1_500_000_000i64..1_900_000_000).prop_map(Json::num),
        2 => (1_500_000_000i64..1_900_000_000).prop_map(|s| Json::str(s.to_string())),
        1 => (-62_167_219_200i64..253_402_300_800).prop_map(Json::num),
        1 => any_value(),
    ];
    let nano = prop_oneof![
        20 => (0u32..1000).prop_map(|ms| Json::num(ms * 1_000_000)),
        16 => (0u32..1_000_000_000).prop_map(Json::num),
        2 => (0u32..1_000_000_000).prop_map(|nano| Json::str(nano.to_string())),
        2 => select(vec!["0", "1", "54000000", "999999999", "1000000000", "-1", "0.5"]).prop_map(Json::num),
        1 => one_of(&["0", "054000000", "999999999", "", "x"]),
        1 => any_value(),
    ];
    let second = prop_oneof![30 => second.prop_map(Some), 1 => Just(None)].boxed();
    object([("epochSecond", second), ("nano", mostly(nano))])
}

/// The text `timestamp` of the API: ISO 8601 in its many spellings, or decimal seconds.
pub fn api_time() -> BoxedStrategy<Json> {
    let seconds = (-1_000i64..1_900_000_000, "(\\.[0-9]{0,9})?")
        .prop_map(|(whole, part)| Json::str(format!("{whole}{part}")));
    let double = "[ \t]{0,2}[+-]?([0-9]{1,4}\\.?[0-9]{0,3}|\\.[0-9]{1,5})([eE][+-]?[0-9]{1,2})?[fd]?[ \n]{0,2}"
        .prop_map(Json::Str);
    prop_oneof![
        12 => iso().prop_map(Json::Str),
        4 => seconds,
        2 => double,
        1 => one_of(&[
            "", "soon", "2021-02-29T00:00:00Z", "2020-02-29T00:00:00Z", "2021-13-01T00:00Z", "2021-11-22 23:44:13Z",
            "2021-11-22", "2021-11-22T23", "2021-11-22T23:60Z", "2021-11-22T23:44:60Z", "2021-11-22T23:44:13.Z",
            "2021-11-22T23:44:13.1234567890Z", "21-11-22T23:44:13Z", "2021-11-22T23:44:13 Z", "2021-11-22T23:44:13ZZ",
            "0000-01-01T00:00:00+01:00", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z",
            "9999-12-31T23:59:59-01:00", "12021-11-22T23:44:13Z", "2021-1-2T3:4:5Z", "é021-11-22T23:44:13Z",
            "0001-01-01T00:00Z", "0001-01-01T00:00+01", "2021-11-22Z", "2021-11-22T", "2021-11", "2021", " 2021-11-22",
            "NaN", "Infinity", "+5", ".", "", "1e", "1e400", "1e-400", "0e99999999999999999999", "1e99999999999999999999",
            "5e-99999999999999999999", "1637624653873", "2021-11-22T23+18:00:01", "2021-11-22T23+01:00:60",
            "2021-11-22T23:44:13+é1", "2021-11-22T23:44:13+1", "2021-11-22T23:44:13+0:100", "99999999999999999999",
        ]),
    ]
    .boxed()
}

fn iso() -> BoxedStrategy<String> {
    let year = prop_oneof![8 => 2015i32..2035, 1 => 1i32..9999];
    let zone = prop_oneof![
        6 => Just("Z".to_owned()),
        1 => Just("UTC".to_owned()),
        1 => ("[+-]", 0u8..=18, 0u8..60, 0u8..62)
            .prop_map(|(sign, h, m, s)| format!("{sign}{h:02}:{m:02}:{s:02}")),
        2 => Just(String::new()),
        6 => ("[+-]", 0u8..=14, select(vec![0u8, 30, 45]), 0u8..3).prop_map(|(sign, h, m, shape)| match shape {
            0 => format!("{sign}{h:02}:{m:02}"),
            1 => format!("{sign}{h:02}{m:02}"),
            _ => format!("{sign}{h:02}"),
        }),
    ];
    let clock = prop_oneof![
        8 => (0u8..60, "[.,][0-9]{1,9}").prop_map(|(second, part)| format!(":{second:02}{part}")),
        3 => (0u8..60).prop_map(|second| format!(":{second:02}")),
        1 => Just(String::new()),
    ];
    (
        year,
        1u8..=12,
        1u8..=31,
        0u8..24,
        0u8..60,
        clock,
        zone,
        0u8..16,
    )
        .prop_map(|(year, month, day, hour, minute, clock, zone, parts)| {
            let date = format!("{year:04}-{month:02}-{day:02}");
            match parts {
                0 => date,
                1 => format!("{date}T{hour:02}{zone}"),
                _ => format!("{date}T{hour:02}:{minute:02}{clock}{zone}"),
            }
        })
        .boxed()
}

/// `source`, `remoteAddress`.
pub fn address() -> BoxedStrategy<Json> {
    let v4 = || {
        prop_oneof![
            any::<[u8; 4]>().prop_map(|a| format!("{}.{}.{}.{}", a[0], a[1], a[2], a[3])),
            select(vec![
                "81.2.69.143",
                "81.2.69.160",
                "89.160.20.112",
                "175.16.199.1",
                "67.43.156.1",
                "10.0.0.1",
                "10.255.3.4",
                "127.0.0.1",
                "192.168.1.7",
                "172.16.0.1",
                "172.32.0.1",
                "169.254.9.9",
                "100.64.0.1",
                "0.0.0.0",
            ])
            .prop_map(str::to_owned),
        ]
    };
    let v6 = || {
        select(vec![
            "2001:db8::1",
            "2001:480:10::1",
            "2a02:f9::8",
            "::1",
            "fe80::1",
            "fe80::2%eth0",
            "fd00::1",
            "2001:DB8:0:0:0:0:0:2",
            "::",
        ])
        .prop_map(str::to_owned)
    };
    let port = || any::<u16>();
    let garbage = || {
        select(vec![
            "unknown",
            "",
            " ",
            "1.2.3",
            "1.2.3.4.5",
            "256.1.1.1",
            "host.example",
            "[::1",
            "1.2.3.4:x",
            "1.2.3.4%eth0",
        ])
    };
    let entry = prop_oneof![
        8 => v4(),
        3 => v6(),
        2 => (v4(), port()).prop_map(|(ip, port)| format!("{ip}:{port}")),
        2 => (v6(), port()).prop_map(|(ip, port)| format!("[{ip}]:{port}")),
        1 => v6().prop_map(|ip| format!("[{ip}]")),
        1 => garbage().prop_map(str::to_owned),
    ];
    let chain = (
        prop::collection::vec(entry.clone(), 2..5),
        select(vec![", ", ",", " , "]),
    )
        .prop_map(|(entries, comma)| entries.join(comma));
    prop_oneof![10 => v4(), 3 => v6(), 4 => chain, 2 => entry]
        .prop_map(Json::Str)
        .boxed()
}

/// `system`: web addresses, and the odd texts of testdata.
pub fn system() -> BoxedStrategy<Json> {
    let odd = include_str!("../../../testdata/uri-hosts.ndjson").lines();
    let odd: Vec<&str> = odd.collect();
    let odd = select(odd).prop_map(|line| {
        let case: serde_json::Value = serde_json::from_str(line).expect("JSON");
        Json::str(case["system"].as_str().expect("text"))
    });
    prop_oneof![8 => plain_system(), 1 => odd].boxed()
}

fn plain_system() -> BoxedStrategy<Json> {
    one_of(&[
        "http://confluence.internal:8090",
        "https://wiki.example.com",
        "https://Wiki.Example.COM/confluence",
        "http://user:pass@wiki.example.com:443/a?b=c#d",
        "http://10.1.2.3:8090/",
        "http://[2001:db8::1]:8090/x",
        "http://[::1]",
        "http://localhost",
        "http://my_host.example/",
        "http://wiki.example.com:port/",
        "confluence.internal",
        "/wiki",
        "mailto:admin@example.com",
    ])
}

/// The name of a user or a group.
pub fn name() -> BoxedStrategy<Json> {
    prop_oneof![
        10 => one_of(&[
            "alice", "bob", "carol.d-x_1", "Ünïcode Üser", "Zoë \"Z\" O'Hara", "a/b", "林", "😀", " ",
        ]),
        1 => Just(Json::num(42)),
        1 => Just(Json::Bool(true)),
    ]
    .boxed()
}

/// `TEXT:UUID` and its near misses.
pub fn group_name() -> BoxedStrategy<Json> {
    let text = select(vec![
        "site-admins",
        "a:b",
        "Üsers",
        "confluence users",
        ":x",
    ]);
    let split = (
        text,
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    )
        .prop_map(|(text, uuid)| Json::str(format!("{text}:{uuid}")));
    let near = one_of(&[
        "site-admins",
        "g:f1c2d3e4-0000-4000-8000-00000000000",
        "g:F1C2D3E4-0000-4000-8000-000000000001",
        "g:f1c2d3e4-0000-4000-8000-000000000001 ",
        "g f1c2d3e4-0000-4000-8000-000000000001",
        "f1c2d3e4-0000-4000-8000-000000000001",
        "g:f1c2d3e4-0000-4000-8000-000000000001:f1c2d3e4-0000-4000-8000-000000000002",
        "g:f1c2d3e40000-4000-8000-0000-00000000001",
    ]);
    prop_oneof![6 => split, 3 => near, 1 => name()].boxed()
}

/// The uri of a user: with a username or something like one.
pub fn uri() -> BoxedStrategy<Json> {
    one_of(&[
        "http://confluence.internal:8090/admin/users/viewuser.action?username=alice",
        "http://confluence.internal:8090/admin/users/viewuser.action?username=bob",
        "http://confluence.internal:8090/admin/users/viewuser.action?username=carol.d-x_1",
        "?username=Dave",
        "http://c/x?a=1&username=alice",
        "http://c/x?username=",
        "http://c/x?username=al%20ice",
        "http://c/x?username=alice@example.com",
        "http://c/x?username=zoë",
        "http://c/x?username=alice#top",
        "http://c/x?username=alice&b=c",
        "http://c/x?username=alice\n",
        "http://c/x?username=a?username=b",
        "http://c/x?Username=alice",
        "http://c/display/ds",
    ])
}

pub fn id() -> BoxedStrategy<Json> {
    prop_oneof![
        4 => "[0-9a-f]{8}".prop_map(Json::Str),
        2 => one_of(&["-1", "-2", "2c9580827d4a06e8017d4a07c3e10000", "5e9f:6a1b"]),
        2 => (-3i64..100).prop_map(Json::num),
    ]
    .boxed()
}
