//! The page of a report: what is in it, and what a browser makes of it.

mod file;
mod summary;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use confluence_ecs::report::html::{is_page, page};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use self::summary::with_text;
use crate::support::browser::Browser;
use crate::support::program::{project, run, stderr};

/// What an attacker might have as a name.
const HOSTILE: &str = "</script></style><!--<script>alert(1)</script><img src=x onerror=alert(2)>\" onload=\"alert(3)' \
    javascript:alert(4) &lt; \u{202e}txt.exe\u{2066} \u{200b}\u{0}\u{9b}31m\u{feff}]]> \\u003c";

/// A browser that shows the page; none where there is no browser.
fn shown(page: &str) -> Option<(Browser, TempDir)> {
    let mut browser = Browser::start()?;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.html");
    std::fs::write(&file, page).expect("written");
    browser.open(&file);
    Some((browser, folder))
}

/// The content of each element with that tag.
fn contents<'a>(page: &'a str, tag: &str) -> Vec<&'a str> {
    let begin = format!("<{tag}");
    let end = format!("</{tag}>");
    let after = page.split(&begin).skip(1);
    after
        .map(|rest| {
            let content = rest.split_once('>').expect("a tag ends").1;
            content.split(&end).next().expect("an end")
        })
        .collect()
}

#[test]
fn a_page_is_known_by_its_beginning() {
    assert!(is_page(page(&with_text("a")).as_bytes()));
    assert!(!is_page(b"<!DOCTYPE html><html lang=\"en\"><head>"));
    assert!(!is_page(b""));
}

#[test]
fn a_page_names_nothing_outside_of_it() {
    let page = page(&with_text("a"));
    let page = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for way_out in [
        "://", "@import", "url(", " src=", " href=", " action=", " style=", " on",
    ] {
        let tags = page
            .split('<')
            .map(|tag| tag.split('>').next().unwrap_or_default());
        assert_eq!(
            tags.filter(|tag| tag.contains(way_out)).count(),
            0,
            "{way_out}"
        );
    }
    for way_out in ["://", "@import", "url("] {
        assert!(!page.contains(way_out), "{way_out}");
    }
}

#[test]
fn the_policy_allows_the_one_script_and_the_one_style() {
    let page = page(&with_text("a"));
    let hash = |content: &&str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(content)));
    let (scripts, styles) = (contents(&page, "script"), contents(&page, "style"));
    let [data, script] = scripts[..] else {
        panic!("{} scripts", scripts.len())
    };
    assert!(data.starts_with('{'));
    let (script, style) = (hash(&script), hash(&styles[0]));
    let policy = format!(
        "default-src 'none'; script-src {script}; style-src {style}; base-uri 'none'; form-action 'none'"
    );
    assert!(
        page.contains(&format!("Content-Security-Policy\" content=\"{policy}\"")),
        "{policy}"
    );
}

#[test]
fn whatever_a_record_holds_is_text() {
    let plain = page(&with_text("a"));
    let hostile = page(&with_text(HOSTILE));
    for tag in [
        "<script", "</script", "<style", "<img", "<!--", "<svg", "<td", "<details",
    ] {
        assert_eq!(
            hostile.matches(tag).count(),
            plain.matches(tag).count(),
            "{tag}"
        );
    }
    let is_hidden =
        |character: char| "\u{202e}\u{2066}\u{200b}\u{0}\u{9b}\u{feff}".contains(character);
    assert!(!hostile.contains(is_hidden));
    let data = contents(&hostile, "script")[0];
    let data: Value = serde_json::from_str(data).expect("JSON");
    assert_eq!(data, json!(with_text(HOSTILE)));
}

#[test]
fn a_browser_shows_a_page_without_a_request_or_a_complaint() {
    let Some((browser, _folder)) = shown(&page(&with_text(HOSTILE))) else {
        return;
    };
    assert_eq!(browser.console(), Vec::<&Value>::new());
    assert_eq!(
        browser.requests().len(),
        1,
        "the page itself: {:?}",
        browser.requests()
    );
}

#[test]
fn a_script_that_is_not_the_page_s_own_does_not_run() {
    let page = page(&with_text("a"));
    let page = page.replace(
        "<h1>",
        "<script>stranger = 1</script><img src=http://127.0.0.1:9/ onerror=stranger=2><h1>",
    );
    let Some((mut browser, _folder)) = shown(&page) else {
        return;
    };
    assert_eq!(browser.evaluate("typeof stranger"), json!("undefined"));
    assert!(browser.console().len() >= 2, "{:?}", browser.console());
    // The refused request is told as well, so that a page without one is known to have tried none.
    assert_eq!(browser.requests().len(), 2, "{:?}", browser.requests());
}

#[test]
fn the_filter_shows_the_events_that_have_its_text_and_its_reason() {
    let Some((mut browser, _folder)) = shown(&page(&with_text(HOSTILE))) else {
        return;
    };
    for (text, reason, shown) in [
        ("", "", vec![0, 1, 2]),
        ("\"DAY\": 2", "", vec![1]),
        ("", "a way in opened", vec![0, 2]),
        ("2026-01-03", "a way in opened", vec![2]),
        ("2026-01-03", "privilege granted", vec![]),
        ("<script>alert(1)", "", vec![0, 1, 2]),
    ] {
        let found = browser.evaluate(&format!(
            "filter.elements.text.value = {}; filter.elements.reason.value = {};
            filter.dispatchEvent(new Event('input'));
            [...document.querySelectorAll('#notable tbody')].flatMap((row, at) => row.checkVisibility() ? [at] : [])",
            json!(text), json!(reason)
        ));
        assert_eq!(found, json!(shown), "{text} {reason}");
        let count = browser.evaluate("filter.elements.shown.value");
        assert_eq!(count, json!(format!("{} of 3", shown.len())));
    }
}

#[test]
fn a_page_fits_a_phone() {
    let Some((mut browser, _folder)) = shown(&page(&with_text(&"W".repeat(200)))) else {
        return;
    };
    let phone = json!({"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": true});
    browser.ask("Emulation.setDeviceMetricsOverride", &phone);
    let width = browser.evaluate("document.documentElement.scrollWidth");
    assert_eq!(width, json!(360));
}

#[test]
fn a_phone_shows_all_reasons_and_dots_without_scrolling() {
    let records = std::fs::read(project("testdata/detections.log")).expect("read");
    let Some((mut browser, _folder)) = shown(&reported(&[], &records).0) else {
        return;
    };
    for width in [375, 320] {
        let phone = json!({"width": width, "height": 740, "deviceScaleFactor": 2, "mobile": true});
        browser.ask("Emulation.setDeviceMetricsOverride", &phone);
        let found = browser.evaluate(
            "({
                page: document.documentElement.scrollWidth,
                right: Math.max(...[...document.querySelectorAll('.moments circle, .moments span')].map(
                    (shape) => shape.getBoundingClientRect().right)),
            })",
        );
        assert_eq!(found["page"], json!(width));
        let right = found["right"].as_f64().expect("a number");
        assert!(
            (100.0..=f64::from(width)).contains(&right),
            "{right} of {width}"
        );
    }
}

#[test]
fn dots_stand_out_in_the_light_and_in_the_dark() {
    let Some((mut browser, _folder)) = shown(&page(&with_text("a"))) else {
        return;
    };
    for scheme in ["light", "dark"] {
        let feature = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        browser.ask("Emulation.setEmulatedMedia", &feature);
        // The contrast ratio of WCAG 2, of which graphics need 3.
        let found = browser.evaluate(
            "{
                const dot = getComputedStyle(document.querySelector('.moments circle'));
                const luminance = (color) => {
                    const [red, green, blue] = color.match(/[0-9]+/g).map((part) => part / 255).map(
                        (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
                    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
                };
                const colors = [dot.fill, getComputedStyle(document.body).backgroundColor];
                const [low, high] = colors.map(luminance).sort((one, other) => one - other);
                ({ opacity: Number(dot.opacity) * Number(dot.fillOpacity), ratio: (high + 0.05) / (low + 0.05) })
            }",
        );
        assert_eq!(found["opacity"], json!(1), "{scheme}");
        let ratio = found["ratio"].as_f64().expect("a number");
        assert!(ratio >= 3.0, "{scheme}: {ratio}");
    }
}

#[test]
fn ink_is_light_in_the_dark() {
    let Some((mut browser, _folder)) = shown(&page(&with_text("a"))) else {
        return;
    };
    for (scheme, ink) in [("light", "rgb(28, 32, 36)"), ("dark", "rgb(230, 232, 234)")] {
        let feature = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        browser.ask("Emulation.setEmulatedMedia", &feature);
        let fills = browser.evaluate(
            "[...new Set([...document.querySelectorAll('#timeline .chart text')].map((text) => getComputedStyle(text).fill))]"
        );
        assert_eq!(fills, json!([ink]), "{scheme}");
    }
}

#[test]
fn a_page_can_be_printed() {
    let Some((mut browser, _folder)) = shown(&page(&with_text(HOSTILE))) else {
        return;
    };
    let printed = browser.ask("Page.printToPDF", &json!({}));
    assert!(
        printed["data"]
            .as_str()
            .is_some_and(|data| data.len() > 10_000)
    );
}

#[test]
fn a_few_events_of_a_long_time_take_few_sheets_of_paper() {
    let records = std::fs::read(project("testdata/detections.log")).expect("read");
    let Some((mut browser, _folder)) = shown(&reported(&[], &records).0) else {
        return;
    };
    let printed = browser.ask("Page.printToPDF", &json!({}));
    let pdf = STANDARD.decode(printed["data"].as_str().expect("a text"));
    let pdf = pdf.expect("Base64");
    let text = String::from_utf8_lossy(&pdf);
    let sheets = text.matches("/Type /Page\n").count();
    assert!((1..=7).contains(&sheets), "{sheets}");
}

/// The page of some records, and what `--json` prints beside it.
fn reported(flags: &[&str], records: &[u8]) -> (String, Value) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("report.html");
    let page = file.to_str().expect("UTF-8");
    let output = run(
        [&["report", "--json", "--html", page], flags].concat(),
        records,
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let json = serde_json::from_slice(&output.stdout).expect("JSON");
    (std::fs::read_to_string(file).expect("a page"), json)
}

/// A log with all that is in a report but failures of mapping, and one of these.
fn sample() -> (String, Value) {
    let mut records = std::fs::read(project("testdata/20260101.00000.audit.log")).expect("read");
    records.extend(b"{\"no\": \"record\"}\n");
    let city = project("testdata/geoip/confluence-ecs-city.mmdb");
    reported(&["--geoip-city", city.to_str().expect("UTF-8")], &records)
}

#[test]
fn the_data_in_a_page_is_what_json_prints() {
    let (page, json) = sample();
    let data: Value = serde_json::from_str(contents(&page, "script")[0]).expect("JSON");
    assert_eq!(data, json);
}

/// The numbers that a page shows, under the names that they have in the data.
const NUMBERS: &str = "
    const number = (element) => Number(element.textContent);
    const last = (id) => [...document.getElementById(id).querySelectorAll('tbody tr')].map((row) => number(row.lastElementChild));
    const cells = (id) => [...document.getElementById(id).querySelectorAll('tbody tr')].map(
        (row) => [...row.querySelectorAll('.count')].map(number));
    const lists = ['users', 'countries', 'addresses', 'actions', 'categories', 'unknown_actions',
        'failed_logins.users', 'failed_logins.addresses', 'failed_logins.pairs', 'exports.actions',
        'exports.users', 'exports.addresses', 'timeline'];
    ({
        totals: Object.fromEntries([...document.querySelectorAll('dd')].map((dd) => [dd.id, number(dd)])),
        lists: Object.fromEntries(lists.map((id) => [id, last(id)])),
        hours: cells('failed_logins'),
        failed_tile: number(document.getElementById('totals.failed_logins')),
        failed: number(document.getElementById('failed_logins.count')),
        not_mapped: number(document.getElementById('not_mapped.count')),
        records: [...document.querySelectorAll('#notable pre')].map((record) => record.textContent),
        bars: document.querySelectorAll('#timeline .chart rect').length,
        reasons: [...document.querySelectorAll('#notable_reasons li')].map((reason) => reason.textContent),
        dots: document.querySelectorAll('#notable .chart circle').length,
    })";

#[test]
fn the_numbers_in_a_page_are_those_that_json_prints() {
    let (page, json) = sample();
    let Some((mut browser, _folder)) = shown(&page) else {
        return;
    };
    assert_eq!(browser.console(), Vec::<&Value>::new());
    let shown = browser.evaluate(NUMBERS);
    for (name, count) in json["totals"].as_object().expect("totals") {
        assert_eq!(&shown["totals"][format!("totals.{name}")], count, "{name}");
    }
    for (name, counts) in shown["lists"].as_object().expect("lists") {
        let path = if name == "timeline" {
            "/timeline/buckets".to_owned()
        } else {
            format!("/{}", name.replace('.', "/"))
        };
        let list = json
            .pointer(&path)
            .and_then(Value::as_array)
            .expect("a list");
        let counts_of_list = list.iter().map(|row| row["count"].clone());
        // Buckets without events have no row.
        let expected: Vec<_> = counts_of_list.filter(|count| *count != 0).collect();
        assert!(!expected.is_empty(), "{name}");
        assert_eq!(counts, &json!(expected), "{name}");
    }
    let failed = &json["failed_logins"];
    let hour = |hour: usize| {
        let days = failed["weekdays"].as_array().expect("days").iter();
        let days = days.map(|day| day[hour].clone());
        days.chain([failed["hours"][hour].clone()])
            .collect::<Vec<_>>()
    };
    let hours = (0..24).map(hour).filter(|counts| counts[7] != 0);
    assert_eq!(shown["hours"], json!(hours.collect::<Vec<_>>()));
    assert_eq!(shown["failed_tile"], failed["count"]);
    assert_eq!(shown["not_mapped"], json["not_mapped"]["count"]);
    let notable = json["notable"].as_array().expect("events");
    let records: Vec<_> = notable
        .iter()
        .map(|event| event["record"].clone())
        .collect();
    assert_eq!(shown["records"], json!(records));
    assert_eq!(shown["dots"], json!(notable.len()));
    let reasons = json["notable_reasons"].as_array().expect("reasons").iter();
    let reasons: Vec<_> = reasons
        .map(|one| {
            format!(
                "{} × {}",
                one["count"],
                one["reason"].as_str().expect("a text")
            )
        })
        .collect();
    assert_eq!(shown["reasons"], json!(reasons));
}

#[test]
fn a_page_says_what_was_granted_who_may_have_guessed_and_which_clock_was_wrong() {
    let mut records = std::fs::read(project("testdata/detections.log")).expect("read");
    records.extend(br#"{"creationDate":253402300799000,"summary":"Page archived"}"#);
    let (page, _) = reported(&[], &records);
    for granted in ["USECONFLUENCE", "Group: contractors", "Retention: 365 → 30"] {
        assert!(
            page.contains(&format!("<small>{granted}</small>")),
            "{granted}"
        );
    }
    let section = page.split("<section id=\"failed_logins.logins_after_failures\">");
    let section = section
        .last()
        .expect("a section")
        .split("</section>")
        .next();
    let section = section.expect("an end");
    assert!(section.contains("203.0.113.7 Alex Resnick"), "{section}");
    assert_eq!(contents(section, "tbody").len(), 1);
    assert_eq!(section.matches("<tr>").count(), 2, "a head and a row");
    assert!(page.contains("Outside: 1 event, <time datetime=\"9999-12-31T23:59:59.000Z\""));
}

/// A record that is notable, each text in it being that one, and a line that is no record.
fn record_with(text: &str) -> Vec<u8> {
    let user = json!({"type": "user", "id": text, "name": text, "uri": text});
    let record = json!({
        "timestamp": {"epochSecond": 1_767_571_200, "nano": 0},
        "author": user,
        "auditType": {
            "action": text, "actionI18nKey": "audit.logging.summary.global.permission.added", "category": text,
            "categoryI18nKey": "audit.logging.category.permissions", "area": "PERMISSIONS", "level": "BASE",
        },
        "affectedObjects": [{"type": text, "id": text, "name": text, "uri": text}],
        "changedValues": [{"key": text, "i18nKey": text, "from": text, "to": text}],
        "source": text, "system": text, "method": text, "node": text, "extraAttributes": [],
    });
    format!("{record}\n{{\"bad\": \"{}\n", text.replace('\0', "")).into_bytes()
}

#[test]
fn a_hostile_record_is_shown_as_text() {
    let text = format!("{HOSTILE}{}", "A".repeat(800_000));
    let (page, json) = reported(&[], &record_with(&text));
    assert!(page.len() < 300_000, "{}", page.len());
    assert_eq!(json["totals"]["notable"], 1);
    assert_eq!(json["not_mapped"]["count"], 1);
    let Some((mut browser, _folder)) = shown(&page) else {
        return;
    };
    assert_eq!(browser.console(), Vec::<&Value>::new());
    assert_eq!(browser.requests().len(), 1, "{:?}", browser.requests());
    let seen = browser.evaluate("document.body.innerText");
    let seen = seen.as_str().expect("a text");
    for text in [
        "</script></style><!--<script>alert(1)</script>",
        "javascript:alert(4)",
        "\\u{202e}txt.exe",
    ] {
        assert!(seen.contains(text), "{text}: {seen}");
    }
}
