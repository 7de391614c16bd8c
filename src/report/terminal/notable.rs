//! Notable events: how many for which reason, and the newest of them.

use std::collections::BTreeSet;

use super::line::{Line, fitted, whole};
use super::place;
use crate::process::style::{FAINT, HEADING, WARNING};
use crate::process::width::{cut, width};
use crate::report::summary::{NotableEvent, Summary};
use crate::report::text::minute;

/// The columns of the time of an event, and how far what stands below it is indented.
const TIME: usize = 18;
/// Lines below an event are not indented where that would leave fewer columns than this.
const NARROWEST: usize = 40;
/// What is cut has at least so many columns, or it is left out.
const SHORTEST: usize = 11;

/// The section of them.
pub fn notable(report: &Summary, columns: usize, top: usize) -> Vec<Line> {
    if report.notable.is_empty() {
        return Vec::new();
    }
    let all = report.totals.notable;
    let events = newest_of_each_reason_first(&report.notable, top);
    let title = match events.len() {
        shown if shown as u64 == all => "Notable events".to_owned(),
        shown => format!("Notable events: {shown} of {all}, the newest of each reason first"),
    };
    let mut lines = vec![Line::default().with(HEADING, &fitted(&title, columns))];
    let more = report.notable.len() - events.len();
    if more > 0 {
        lines.extend(reasons(report, columns));
    }
    for event in events {
        lines.extend(event_lines(event, columns));
    }
    if more > 0 {
        let hint = format!("{more} more are listed with a higher --top");
        lines.push(Line::default().with(FAINT, &fitted(&hint, columns)));
    }
    lines
}

/// Why events are notable, and how many: of those that are not shown, too.
fn reasons(report: &Summary, columns: usize) -> Vec<Line> {
    let line = |text: &str| Line::default().with(WARNING, &fitted(text, columns));
    let reasons = report.notable_reasons.iter();
    let reasons = reasons.map(|one| line(&format!("{:>6} × {}", one.count, one.reason)));
    reasons.collect()
}

/// Of more events than that, the newest of each reason, however many there are, so that many of one kind do not hide the
/// others; then the newest of the rest, up to so many in all.
fn newest_of_each_reason_first(events: &[NotableEvent], top: usize) -> Vec<&NotableEvent> {
    if events.len() <= top {
        return events.iter().collect();
    }
    let mut reasons = BTreeSet::new();
    let (first, rest): (Vec<_>, Vec<_>) = events
        .iter()
        .partition(|event| reasons.insert(&*event.reason));
    let left = top.saturating_sub(first.len());
    first
        .into_iter()
        .chain(rest.into_iter().take(left))
        .collect()
}

/// When and what, and below it to whom or what, why it is notable, who did it and from where: as few lines as hold it.
fn event_lines(event: &NotableEvent, columns: usize) -> Vec<Line> {
    let indent = match columns {
        wide if wide >= TIME + NARROWEST => TIME,
        _ => 2,
    };
    let below = || Line::default().up_to(indent);
    let left = columns.saturating_sub(indent);
    let mut lines = what(event, columns, below());
    let reason = below().with(WARNING, &fitted(&event.reason, left));
    let beside = columns.saturating_sub(reason.width() + ", ".len());
    // There is a line of its own for a name that would be cut.
    match (who(event, beside, usize::MAX), who(event, left, SHORTEST)) {
        (_, Some(nobody)) if nobody.is_empty() => lines.push(reason),
        (Some(who), _) => lines.push(reason.plain(", ").plain(&who)),
        (None, Some(who)) => lines.extend([reason, below().plain(&who)]),
        (None, None) => {
            let (by, address) = (cut(&by(event), left), cut(&address(event), columns));
            // Further to the left where that makes it whole.
            let indent = indent.min(columns.saturating_sub(width(&address)));
            let address = Line::default().up_to(indent).plain(&address);
            lines.extend([reason, below().plain(&by), address]);
        }
    }
    lines.retain(|line| line.width() > indent);
    lines
}

/// When, what, and to whom or what.
fn what(event: &NotableEvent, columns: usize, below: Line) -> Vec<Line> {
    let time = Line::default().with(FAINT, &minute(&event.time));
    let first = time.up_to(TIME);
    let room = columns.saturating_sub(TIME);
    let (action, details) = (
        whole(&event.action),
        whole(&event.details.parts().join(", ")),
    );
    let both = format!("{action}: {details}");
    if !details.is_empty() && width(&both) <= room {
        return vec![first.plain(&both)];
    }
    let left = columns.saturating_sub(below.width());
    vec![
        first.plain(&cut(&action, room)),
        below.plain(&cut(&details, left)),
    ]
}

/// Who did it and from where, in at most so many columns: the address whole, then the name, and what is known of the
/// address as far as there is room. None if they do not fit, or less of the name than that.
fn who(event: &NotableEvent, room: usize, shortest: usize) -> Option<String> {
    let (by, mut from) = (by(event), address(event));
    if !from.is_empty() {
        from.insert_str(0, "from ");
    }
    let room_of_name = room.checked_sub(width(&from))?.saturating_sub(1);
    if width(&by) > room_of_name && room_of_name < shortest {
        return None;
    }
    let mut text = [cut(&by, room_of_name), from].join(" ").trim().to_owned();
    let place = place(&event.source).map(|place| whole(&format!(" ({place})")));
    let left = room.saturating_sub(width(&text));
    if let Some(place) = place
        && (width(&place) <= left || left >= SHORTEST)
    {
        text += &cut(&place, left);
    }
    Some(text)
}

/// Who did it; empty if nobody is known.
fn by(event: &NotableEvent) -> String {
    match event.user.label() {
        "" => String::new(),
        name => format!("by {}", whole(name)),
    }
}

fn address(event: &NotableEvent) -> String {
    whole(event.source.address.as_deref().unwrap_or_default())
}
