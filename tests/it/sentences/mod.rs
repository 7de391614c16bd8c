//! docs/mapping.md sentence by sentence, through the binary: what `rules` has no case for. A sentence that no longer
//! holds fails here, whatever the generated records of `mapping` happen to hold.

mod fields;
mod users;

use serde_json::{Value, json};

use crate::rules::{event, fails, maps};
use crate::support::program::events;

/// What stands at a pointer in the event of each record; null where nothing does.
fn at(flags: &[&str], pointer: &str, records: &[String]) -> Vec<Value> {
    let arguments = ["normalize", "-q"].iter().chain(flags);
    let events = events(arguments, records.join("\n").as_bytes());
    assert_eq!(events.len(), records.len());
    let found = |event: Value| event.pointer(pointer).cloned().unwrap_or_default();
    events.into_iter().map(found).collect()
}

/// The `@timestamp` of each time, which is the JSON text of a field; "error" where it cannot be read.
fn times(flags: &[&str], field: &str, times: &[&str]) -> Vec<String> {
    let records: Vec<_> = times
        .iter()
        .map(|time| format!(r#"{{"{field}":{time}}}"#))
        .collect();
    let kinds = at(flags, "/event/kind", &records);
    let found = at(flags, "/@timestamp", &records);
    let pairs = kinds.iter().zip(&found);
    pairs
        .map(|(kind, time)| match kind.as_str() {
            Some("event") => time.as_str().expect("text").to_owned(),
            _ => "error".to_owned(),
        })
        .collect()
}

/// Each time, as its JSON text, gives that `@timestamp`.
#[track_caller]
fn gives(flags: &[&str], field: &str, cases: &[(&str, &str)]) {
    let (texts, expected): (Vec<_>, Vec<_>) = cases.iter().copied().unzip();
    for ((text, expected), actual) in texts.iter().zip(expected).zip(times(flags, field, &texts)) {
        assert_eq!(actual, expected, "{field}: {text}");
    }
}

// ---------------------------------------------------------------- docs/mapping.md 1

/// `creationDate` before `auditType` before the shape of `timestamp`.
#[test]
fn dialects_are_told_in_their_order() {
    let records = [
        r#"{"creationDate":1,"auditType":{"a":1},"timestamp":"5","source":"dc","remoteAddress":"cloud"}"#,
        r#"{"creationDate":1,"timestamp":{"epochSecond":5},"source":"dc","remoteAddress":"cloud"}"#,
        r#"{"auditType":{"actionI18nKey":"file"},"type":{"actionI18nKey":"api"},"timestamp":"5"}"#,
        r#"{"type":{"actionI18nKey":"api"},"timestamp":{"epochSecond":5}}"#,
        r#"{"type":{"actionI18nKey":"api"},"timestamp":"5"}"#,
    ]
    .map(str::to_owned);
    assert_eq!(
        at(&[], "/source/address", &records),
        [
            json!("cloud"),
            json!("cloud"),
            Value::Null,
            Value::Null,
            Value::Null
        ]
    );
    assert_eq!(
        at(&[], "/event/action", &records),
        [
            Value::Null,
            Value::Null,
            json!("file"),
            json!("api"),
            json!("api")
        ]
    );
    assert_eq!(
        at(&[], "/@timestamp", &records[2..]),
        ["1970-01-01T00:00:05.000Z"; 3]
    );
}

#[test]
fn a_flag_forces_a_dialect() {
    let record = r#"{"creationDate":1,"auditType":{"actionI18nKey":"file"},"type":{"actionI18nKey":"api"},"timestamp":"5","summary":"cloud"}"#;
    for (dialect, action) in [
        ("auto", "cloud"),
        ("cloud", "cloud"),
        ("dc-file", "file"),
        ("dc-api", "api"),
    ] {
        assert_eq!(
            event(&["--dialect", dialect], record)["event"]["action"],
            action
        );
    }
}

#[test]
fn a_creation_date_is_epoch_milliseconds() {
    let cases = [
        ("1637624653873", "2021-11-22T23:44:13.873Z"),
        (r#""1637624653873""#, "2021-11-22T23:44:13.873Z"),
        ("0", "1970-01-01T00:00:00.000Z"),
        ("-1", "1969-12-31T23:59:59.999Z"),
        ("951782400000", "2000-02-29T00:00:00.000Z"),
        ("253402300799999", "9999-12-31T23:59:59.999Z"),
        ("253402300800000", "error"),
        (r#""2021-11-22T23:44:13Z""#, "error"),
        (r#""1637624653.5""#, "error"),
        (r#"" 1637624653873""#, "error"),
        ("true", "error"),
        ("[1637624653873]", "error"),
        (r#"{"epochSecond":1}"#, "error"),
    ];
    gives(&[], "creationDate", &cases);
    gives(&["--dialect", "cloud"], "creationDate", &cases);
}

#[test]
fn a_timestamp_is_decimal_seconds_as_java_writes_a_double() {
    gives(
        &[],
        "timestamp",
        &[
            (r#""1637624653.5""#, "2021-11-22T23:44:13.500Z"),
            (r#""1637624653""#, "2021-11-22T23:44:13.000Z"),
            (r#""+5""#, "1970-01-01T00:00:05.000Z"),
            (r#""-5""#, "1969-12-31T23:59:55.000Z"),
            (r#"".5""#, "1970-01-01T00:00:00.500Z"),
            (r#""1637624653.""#, "2021-11-22T23:44:13.000Z"),
            (r#""1.6E9""#, "2020-09-13T12:26:40.000Z"),
            (r#""1.6e+9""#, "2020-09-13T12:26:40.000Z"),
            (r#""16e8""#, "2020-09-13T12:26:40.000Z"),
            (r#""16000000000E-1""#, "2020-09-13T12:26:40.000Z"),
            (r#"" 5""#, "1970-01-01T00:00:05.000Z"),
            (r#""5 ""#, "1970-01-01T00:00:05.000Z"),
            (r#""\t\n 5 \r""#, "1970-01-01T00:00:05.000Z"),
            // Four digits are seconds, not a year.
            (r#""2021""#, "1970-01-01T00:33:41.000Z"),
            (r#""NaN""#, "error"),
            (r#""Infinity""#, "error"),
            (r#""-Infinity""#, "error"),
            (r#""1637624653873""#, "error"),
            (r#""1e400""#, "error"),
            (r#""5 5""#, "error"),
            (r#"".""#, "error"),
            (r#""1,5""#, "error"),
        ],
    );
}

#[test]
fn a_timestamp_is_else_iso_8601() {
    let time = "2021-11-22T23:44:13.000Z";
    gives(
        &[],
        "timestamp",
        &[
            (r#""2021-11-22""#, "2021-11-22T00:00:00.000Z"),
            (r#""2021-11-22T23""#, "2021-11-22T23:00:00.000Z"),
            (r#""2021-11-22T23Z""#, "2021-11-22T23:00:00.000Z"),
            (r#""2021-11-22T23:44""#, "2021-11-22T23:44:00.000Z"),
            (r#""2021-11-22T23:44UTC""#, "2021-11-22T23:44:00.000Z"),
            (r#""2021-11-22T23:44:13""#, time),
            (r#""2021-11-22T23:44:13Z""#, time),
            (r#""2021-11-22T23:44:13UTC""#, time),
            (r#""2021-11-22T23:44:13.8Z""#, "2021-11-22T23:44:13.800Z"),
            (r#""2021-11-22T23:44:13,87Z""#, "2021-11-22T23:44:13.870Z"),
            (
                r#""2021-11-22T23:44:13.873999999Z""#,
                "2021-11-22T23:44:13.873Z",
            ),
            (r#""2021-11-23T00:44:13+01""#, time),
            (r#""2021-11-23T00:44:13+0100""#, time),
            (r#""2021-11-23T00:44:13+01:00""#, time),
            (r#""2021-11-23T00:44:43+01:00:30""#, time),
            (r#""2021-11-22T20:14:13-03:30""#, time),
            (r#""2020-02-29""#, "2020-02-29T00:00:00.000Z"),
            (r#""0001-01-01""#, "0001-01-01T00:00:00.000Z"),
            (r#""9999-12-31T23:59:59.999Z""#, "9999-12-31T23:59:59.999Z"),
            // Years outside 0001 to 9999, by their text or by their offset.
            (r#""0000-12-31""#, "error"),
            (r#""10000-01-01""#, "error"),
            (r#""0001-01-01T00:00+01""#, "error"),
            (r#""9999-12-31T23:59:59-01""#, "error"),
            (r#""-2021-11-22""#, "error"),
            // Dates without a day, and what is no date or time.
            (r#""2021-11""#, "error"),
            (r#""2021-W47-1""#, "error"),
            (r#""20211122""#, "1970-08-22T22:12:02.000Z"),
            (r#""2021-02-29""#, "error"),
            (r#""2021-11-31""#, "error"),
            (r#""2021-13-01""#, "error"),
            (r#""2021-11-22T""#, "error"),
            (r#""2021-11-22Z""#, "error"),
            (r#""2021-11-22 23:44:13""#, "error"),
            (r#""2021-11-22T24:00""#, "error"),
            (r#""2021-11-22T23:60""#, "error"),
            (r#""2021-11-22T23:44:60""#, "error"),
            (r#""2021-11-22T23:44:13.""#, "error"),
            (r#""2021-11-22T23:44:13.1234567890""#, "error"),
            (r#""2021-11-22T23:44:13+1""#, "error"),
            (r#""2021-11-22T23:44:13+19:00""#, "error"),
            (r#"" 2021-11-22""#, "error"),
            (r#""yesterday""#, "error"),
        ],
    );
}

#[test]
fn a_page_and_an_array_are_their_records_and_an_empty_page_is_nothing() {
    let page = |text: &str| -> Vec<Value> {
        let events = events(
            ["normalize", "-q", "--preserve-original-event"],
            text.as_bytes(),
        );
        events
            .iter()
            .map(|event| event["event"]["original"].clone())
            .collect()
    };
    let (a, b) = (r#"{ "creationDate":1 }"#, r#"{"timestamp":"5"}"#);
    let both = [json!(a), json!(b)];
    assert_eq!(page(&format!(r#"{{"size":2,"results":[{a}, {b}]}}"#)), both);
    assert_eq!(
        page(&format!(r#"{{"entities":[{a},{b}],"pagingInfo":{{}}}}"#)),
        both
    );
    assert_eq!(page(&format!("[{a},{b}]")), both);
    assert_eq!(
        page(&format!("[\n  {a},\n  {{\"results\":[{b}]}}\n]\n")),
        both
    );
    assert_eq!(
        page("{\"results\":[],\"size\":0}\n{\"entities\":[]}\n[]"),
        [""; 0]
    );
}

// ---------------------------------------------------------------- docs/mapping.md 2

#[test]
fn every_event_says_what_it_is() {
    for record in [
        r#"{"creationDate":1}"#,
        r#"{"timestamp":"5"}"#,
        r#"{"timestamp":{"epochSecond":5}}"#,
    ] {
        // The version of ECS is looked at by the helper.
        let event = event(&[], record);
        assert_eq!(
            event["event"],
            json!({"kind": "event", "type": ["info"], "dataset": "atlassian_confluence.audit"})
        );
        let original = crate::rules::event(&["--preserve-original-event"], record);
        assert_eq!(original["event"]["original"], record);
    }
}

// ---------------------------------------------------------------- docs/mapping.md 3, times

#[test]
fn finer_digits_are_cut_off_and_a_missing_nano_is_zero() {
    let cases = [
        (
            r#"{"epochSecond":1637624602,"nano":54000000}"#,
            "2021-11-22T23:43:22.054Z",
        ),
        (
            r#"{"epochSecond":1637624602,"nano":999999999}"#,
            "2021-11-22T23:43:22.999Z",
        ),
        (
            r#"{"epochSecond":1637624602,"nano":1999999}"#,
            "2021-11-22T23:43:22.001Z",
        ),
        (r#"{"epochSecond":1637624602}"#, "2021-11-22T23:43:22.000Z"),
        (
            r#"{"epochSecond":1637624602,"nano":null}"#,
            "2021-11-22T23:43:22.000Z",
        ),
        (
            r#"{"epochSecond":-1,"nano":999999999}"#,
            "1969-12-31T23:59:59.999Z",
        ),
        (r#"{"epochSecond":1637624602,"nano":1000000000}"#, "error"),
        (r#"{"nano":5}"#, "error"),
        (r#"{"epochSecond":"soon"}"#, "error"),
        (r#"{"epochSecond":1.5}"#, "error"),
    ];
    gives(&[], "timestamp", &cases);
    gives(&["--dialect", "dc-api"], "timestamp", &cases);
    gives(
        &[],
        "timestamp",
        &[(r#""1637624653.8739999""#, "2021-11-22T23:44:13.873Z")],
    );
}

#[test]
fn the_fault_of_the_reference_is_reproduced() {
    gives(
        &["--timestamps", "elastic"],
        "timestamp",
        &[
            (
                r#"{"epochSecond":1637624602,"nano":54000000}"#,
                "2021-11-22T23:43:22.540Z",
            ),
            (
                r#"{"epochSecond":1637624602,"nano":5}"#,
                "2021-11-22T23:43:22.500Z",
            ),
            (
                r#"{"epochSecond":1637624602,"nano":999999999}"#,
                "2021-11-22T23:43:23.000Z",
            ),
            (r#"{"epochSecond":1637624602}"#, "2021-11-22T23:43:22.000Z"),
            (r#""2021-11-22T23:44:13.054Z""#, "2021-11-22T23:44:13.054Z"),
        ],
    );
    // Of the cloud dialect nothing is joined.
    gives(
        &["--timestamps", "elastic"],
        "creationDate",
        &[("1637624602054", "2021-11-22T23:43:22.054Z")],
    );
}

// ---------------------------------------------------------------- docs/mapping.md 8, 9

#[test]
fn numbers_keep_their_value() {
    let record = r#"{"timestamp":"5","extraAttributes":[{"a":9007199254740993,"b":-9223372036854775808,"c":18446744073709551615,"d":12345678901234567890123,"e":0.1,"f":1e3,"g":-0}]}"#;
    let event = event(&[], record);
    let expected: Value = serde_json::from_str(record).expect("JSON");
    crate::support::events::assert_same_event(
        &event["confluence"]["audit"]["extra_attributes"],
        &expected["extraAttributes"],
        record,
    );
}

#[test]
fn files_say_where_a_line_stood() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.log");
    std::fs::write(&path, "{\"creationDate\":1}\n\n{\"creationDate\":2}\n").expect("written");
    let path = path.display().to_string();
    let events = events(["normalize", "-q", "--no-default-tags", &path], b"");
    for (event, offset) in events.iter().zip([0, 20]) {
        assert_eq!(event["input"], json!({"type": "log"}));
        assert_eq!(
            event["log"],
            json!({"file": {"path": path}, "offset": offset})
        );
        assert_eq!(event.get("tags"), None);
        for nothing in ["host", "agent", "cloud", "elastic_agent"] {
            assert_eq!(event.get(nothing), None);
        }
    }
    assert_eq!(events.len(), 2);
}

// ---------------------------------------------------------------- docs/mapping.md 10

/// A record that cannot be mapped is an error with that message, and where it stands.
#[track_caller]
fn says(flags: &[&str], record: &str, message: &str) {
    let event = fails(flags, record);
    let actual = event["error"]["message"].as_str().expect("text");
    assert_eq!(
        actual,
        format!("{message} (of the record at byte 0 of the input)"),
        "{record}"
    );
    assert_eq!(
        event["tags"],
        json!(["preserve_original_event", "confluence-audit"])
    );
}

#[test]
fn what_cannot_be_read_as_a_time_says_what_was_expected() {
    let millis = "expected milliseconds since 1970, such as 1637624653873";
    let either = "expected {\"epochSecond\":1637624653,\"nano\":873000000}, or a text such as \"2021-11-22T23:44:13.873Z\" or \"1637624653.873\"";
    let missing = format!("the record has no time: `timestamp` is missing or empty; {either}");
    for (flags, record, message) in [
        (
            &[][..],
            r#"{"timestamp":5}"#,
            format!("the time in `timestamp` at byte 13 cannot be read: 5; {either}"),
        ),
        (
            &[],
            r#"{"timestamp":[5],"creationDate":null}"#,
            format!("the time in `timestamp` at byte 13 cannot be read: [5]; {either}"),
        ),
        (
            &["--dialect", "dc-api"],
            r#"{"timestamp":5}"#,
            format!("the time in `timestamp` at byte 13 cannot be read: 5; {either}"),
        ),
        (
            &[],
            r#"{"timestamp":"soon"}"#,
            format!("the time in `timestamp` at byte 13 cannot be read: \"soon\"; {either}"),
        ),
        (
            &[],
            r#"{"summary":"s","creationDate":null}"#,
            format!("the time in `creationDate` at byte 30 is empty: null; {millis}"),
        ),
        (
            &[],
            r#"{"timestamp":""}"#,
            format!("the time in `timestamp` at byte 13 is empty: \"\"; {either}"),
        ),
        (
            &[],
            r#"{"creationDate":"soon"}"#,
            format!("the time in `creationDate` at byte 16 cannot be read: \"soon\"; {millis}"),
        ),
        (
            &["--dialect", "cloud"],
            r#"{"creationDate":true}"#,
            format!("the time in `creationDate` at byte 16 cannot be read: true; {millis}"),
        ),
        (&[], r#"{"auditType":{"action":"a"}}"#, missing.clone()),
        (&["--dialect", "dc-file"], r#"{"creationDate":5}"#, missing),
    ] {
        says(flags, record, &message);
    }
}

#[test]
fn what_is_no_record_says_so() {
    for (record, message) in [
        (
            r#"{"summary":"s"}"#,
            "no `creationDate`, no `timestamp` and no `attributes`: not an audit record of Confluence or of an organization",
        ),
        (
            "{}",
            "no `creationDate`, no `timestamp` and no `attributes`: not an audit record of Confluence or of an organization",
        ),
        ("7", "a record is a JSON object, this is a number"),
        ("\"text\"", "a record is a JSON object, this is a string"),
        ("null", "a record is a JSON object, this is null"),
    ] {
        says(&[], record, message);
    }
}

#[test]
fn a_cloud_record_without_a_time_is_whole() {
    let record = r#"{"summary":"User created","category":"Users and groups","remoteAddress":"1.2.3.4","author":{"accountId":"a"},"changedValues":[{"name":"Email","newValue":"e"}]}"#;
    let timed = format!(r#"{{"creationDate":1,{}"#, &record[1..]);
    let mut now = event(&["--dialect", "cloud"], record);
    let mut then = event(&["--dialect", "cloud"], &timed);
    now["@timestamp"].take();
    then["@timestamp"].take();
    assert_eq!(now, then);
    says(
        &[],
        record,
        "no `creationDate`, no `timestamp` and no `attributes`: not an audit record of Confluence or of an organization",
    );
}

#[test]
fn fields_of_an_unexpected_type_are_skipped_and_the_rest_is_mapped() {
    let record = r#"{"timestamp":"5","author":"x","type":"text","method":{"a":1},"source":{"a":1},"system":[["http://a"]],"affectedObjects":7,"changedValues":true,"extraAttributes":[{"a":1}]}"#;
    let expected = json!({
        "@timestamp": "1970-01-01T00:00:05.000Z",
        "confluence": {"audit": {"extra_attributes": [{"a": 1}]}},
        "event": {},
    });
    maps(&[], record, expected);
    let record = r#"{"creationDate":5,"author":[],"category":{"a":1},"summary":[{"a":1}],"remoteAddress":7,"associatedObjects":"x","changedValues":5}"#;
    let expected = json!({
        "@timestamp": "1970-01-01T00:00:00.005Z",
        "event": {},
        "source": {"address": 7},
    });
    maps(&[], record, expected);
}
