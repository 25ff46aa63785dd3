//! Which backups still have to be sent: a pure function of what is here and what is there.

use crate::store::name::Name;

/// Of the verified backups of one database `here`, those to send: the newest, and all that are newer than the newest one
/// `there` of the same tier, which earlier runs failed to send; daily ones first, oldest first. Older ones were either sent or meant to go.
pub fn missing(here: &[Name], there: &[Name]) -> Vec<Name> {
    let newest_there = |name: &Name| there.iter().filter(|t| t.tier == name.tier).map(|t| t.time).max();
    let newest_here = |name: &Name| here.iter().filter(|h| h.tier == name.tier).map(|h| h.time).max();
    let mut list: Vec<Name> = here
        .iter()
        .filter(|name| !there.contains(name))
        .filter(|name| match newest_there(name) {
            Some(newest) => name.time > newest,
            None => newest_here(name) == Some(name.time),
        })
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
}
