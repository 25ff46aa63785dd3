//! Which backups still have to be sent: a pure function of what is here and what is there.

use chrono::NaiveDateTime;

use crate::store::name::Name;

/// Of the verified backups of one database `here`, those to send: those just `made`, the newest, and all that are newer
/// than the newest one `there` of the same tier, which earlier runs failed to send; daily ones first, oldest first. Older
/// ones were either sent or meant to go. One dated in the future is newer than nothing; `now` is local time in the zone of
/// the names.
pub fn missing(here: &[Name], there: &[Name], made: &[Name], now: NaiveDateTime) -> Vec<Name> {
    let newest = |names: &[Name], like: &Name| {
        let alike = names.iter().filter(|n| n.tier == like.tier && !n.is_ahead(now));
        alike.map(|n| n.time).max()
    };
    let there: Vec<Name> = there
        .iter()
        .filter(|name| !made.contains(name))
        .cloned()
        .collect();
    let is_owed = |name: &Name| match newest(&there, name) {
        Some(newest) => name.time > newest,
        None => newest(here, name) == Some(name.time),
    };
    let mut list: Vec<Name> = here
        .iter()
        .filter(|name| made.contains(name) || (!there.contains(name) && !name.is_ahead(now) && is_owed(name)))
        .cloned()
        .collect();
    list.sort_by_key(|name| (std::cmp::Reverse(name.tier), name.time));
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::Format;
    use chrono::NaiveDate;

    fn daily(day: u32) -> Name {
        let time = NaiveDate::from_ymd_opt(2026, 11, day)
            .unwrap()
            .and_hms_opt(3, 0, 0)
            .unwrap();
        Name::daily("app", time, Format::Gzip)
    }

    #[test]
    fn what_earlier_runs_could_not_send_is_made_up_for_and_nothing_else_is() {
        let here = [daily(24), daily(23), daily(22), daily(21), daily(22).weekly()];
        let now = daily(24).time;
        let missing = |here: &[Name], there: &[Name]| missing(here, there, &[], now);
        // The first time: the newest of each tier.
        assert_eq!(missing(&here, &[]), [daily(24), daily(22).weekly()]);
        assert_eq!(
            missing(&here, &[daily(22), daily(22).weekly()]),
            [daily(23), daily(24)]
        );
        assert_eq!(
            missing(&here, &[daily(22)]),
            [daily(23), daily(24), daily(22).weekly()]
        );
        assert_eq!(missing(&here, &[daily(24), daily(22).weekly()]), []);
        // Gone there by the rules: not sent again.
        assert_eq!(missing(&[daily(21), daily(24)], &[daily(24)]), []);
        assert_eq!(missing(&[], &[daily(24)]), []);
    }

    #[test]
    fn what_is_dated_in_the_future_does_not_keep_anything_from_being_sent() {
        let (here, now) = ([daily(30), daily(24), daily(23)], daily(24).time);
        assert_eq!(missing(&here, &[], &[], now), [daily(24)]);
        assert_eq!(missing(&here, &[daily(23), daily(29)], &[], now), [daily(24)]);
    }

    #[test]
    fn what_was_just_made_is_sent_whatever_is_there() {
        let (here, now) = ([daily(24), daily(23)], daily(24).time);
        assert_eq!(missing(&here, &here, &[daily(23)], now), [daily(23)]);
        // In the hour that a clock strikes twice, the later one may have the earlier time.
        assert_eq!(missing(&here, &[daily(24)], &[daily(23)], now), [daily(23)]);
    }
}
