//! Rankings: what comes how often, as bars and a table.

use maud::{Markup, html};

use super::chart;
use super::table::as_table;
use super::text::Text;
use crate::report::summary::{
    AFTER_FAILURES, ActionCount, AddressCount, CappedTable, CategoryCount, CountryCount,
    LoginAfterFailures, PairCount, Place, Summary, UserCount, Who,
};

/// Something that was counted.
pub trait Counted {
    /// What its cells are called.
    const HEAD: &'static [&'static str];
    /// What is known of it.
    fn cells(&self) -> Vec<Option<&str>>;
    /// What is counted.
    const COUNTED: &'static str = "Events";
    /// How many.
    fn count(&self) -> u64;
    /// What its bar is called: the first that is known.
    fn label(&self) -> String {
        let first = self.cells().into_iter().flatten().next();
        first.unwrap_or("unknown").to_owned()
    }
}

impl Counted for ActionCount {
    const HEAD: &'static [&'static str] = &["Action", "Key"];
    fn cells(&self) -> Vec<Option<&str>> {
        vec![self.text.as_deref(), Some(&self.key)]
    }
    fn count(&self) -> u64 {
        self.count
    }
}

impl Counted for UserCount {
    const HEAD: &'static [&'static str] = &["Full name", "User name", "Id"];
    fn cells(&self) -> Vec<Option<&str>> {
        let user = &self.user;
        vec![
            user.full_name.as_deref(),
            user.name.as_deref(),
            user.id.as_deref(),
        ]
    }
    fn count(&self) -> u64 {
        self.count
    }
}

impl Counted for AddressCount {
    const HEAD: &'static [&'static str] = &["Address", "Country", "Network"];
    fn cells(&self) -> Vec<Option<&str>> {
        let place = &self.place;
        let country = place.country.as_deref().or(place.country_code.as_deref());
        vec![place.address.as_deref(), country, place.network.as_deref()]
    }
    fn count(&self) -> u64 {
        self.count
    }
    fn label(&self) -> String {
        let Place {
            address,
            country_code,
            ..
        } = &self.place;
        let known = [address.as_deref(), country_code.as_deref()];
        known.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl Counted for PairCount {
    const HEAD: &'static [&'static str] = &["Address", "User", "User name", "Id", "Country"];
    fn cells(&self) -> Vec<Option<&str>> {
        pair(&self.place, &self.user)
    }
    fn count(&self) -> u64 {
        self.count
    }
    fn label(&self) -> String {
        label_of_pair(&self.place, &self.user)
    }
}

impl Counted for LoginAfterFailures {
    const HEAD: &'static [&'static str] = &[
        "Address",
        "User",
        "User name",
        "Id",
        "Country",
        "Succeeded",
        "Failures of",
    ];
    const COUNTED: &'static str = "Failures";
    fn cells(&self) -> Vec<Option<&str>> {
        let mut cells = pair(&self.place, &self.user);
        cells.extend([Some(&*self.time), Some(self.failures_of.label())]);
        cells
    }
    fn count(&self) -> u64 {
        self.failures
    }
    fn label(&self) -> String {
        label_of_pair(&self.place, &self.user)
    }
}

/// What is known of an address and of a user.
fn pair<'p>(place: &'p Place, user: &'p Who) -> Vec<Option<&'p str>> {
    let country = place.country.as_deref().or(place.country_code.as_deref());
    let names = [&user.full_name, &user.name, &user.id].map(Option::as_deref);
    let [full_name, name, id] = names;
    vec![place.address.as_deref(), full_name, name, id, country]
}

fn label_of_pair(place: &Place, user: &Who) -> String {
    format!(
        "{} {}",
        place.address.as_deref().unwrap_or_default(),
        user.label()
    )
}

impl Counted for CountryCount {
    const HEAD: &'static [&'static str] = &["Country", "Code"];
    fn cells(&self) -> Vec<Option<&str>> {
        vec![self.country.as_deref(), self.country_code.as_deref()]
    }
    fn count(&self) -> u64 {
        self.count
    }
}

impl Counted for CategoryCount {
    const HEAD: &'static [&'static str] = &["Category"];
    fn cells(&self) -> Vec<Option<&str>> {
        vec![Some(self.category)]
    }
    fn count(&self) -> u64 {
        self.count
    }
}

/// A list of the report as a section: how it is called there, its title here, and the total of how many there are at all,
/// where that is known.
pub fn ranking<T: Counted>(
    summary: &Summary,
    (id, title): (&str, &str),
    counted: &[T],
    total: Option<(&str, u64)>,
) -> Markup {
    let shown = counted.len() as u64;
    let capped = summary
        .limits
        .tables
        .iter()
        .find(|capped| capped.table == id);
    let bars: Vec<_> = counted
        .iter()
        .map(|row| (row.label(), row.count()))
        .collect();
    let row = |row: &T| {
        html! {
            @for cell in row.cells() { td { @if let Some(cell) = cell { (Text(cell)) } } }
            td.count { (row.count()) }
        }
    };
    html! {
        section id=(id) {
            h2 { (title) }
            @if let Some(capped) = capped { (note(capped)) }
            @if counted.is_empty() {
                p { @if capped.is_some() { "None of those that are kept." } @else { "None." } }
            } @else {
                @if let Some((name, total)) = total.filter(|(_, total)| *total > shown) {
                    @let at_least = if summary.limits.is_lower_bound(name) { "at least " } else { "" };
                    p { "The first " (shown) " of " (at_least) (total) "." }
                }
                (chart::bars(title, &bars))
                (as_table(&[T::HEAD, &[T::COUNTED]].concat(), counted.iter().map(row)))
            }
        }
    }
}

fn note(capped: &CappedTable) -> Markup {
    html! {
        p {
            @if capped.table == AFTER_FAILURES {
                "There were more users and addresses than are followed. Some logins may be missing"
            } @else {
                "There were more than the " (capped.kept) " that are kept. The rarest were forgotten: some may be missing"
            }
            @if capped.missing_at_most > 0 {
                ", and each number may be too low by up to " (capped.missing_at_most)
            }
            "."
        }
    }
}
