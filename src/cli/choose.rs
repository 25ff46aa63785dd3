//! Choosing a backup from the store at the terminal, for `restore` without a file.

use std::path::PathBuf;

use super::store::{Place, Zone};
use super::table::Table;
use super::{Context, human, prompt};
use crate::store::{Entry, State};
use crate::{Error, Result};

/// Backups that are offered: more than one screen is no help.
const OFFERED: usize = 20;

/// Shows the backups of a database, newest first, and asks for one of them.
///
/// # Errors
/// There is none, nobody to ask, or nothing was chosen.
pub async fn backup(place: &Place, database: &str, context: &Context) -> Result<PathBuf> {
    let nobody = || {
        Error::usage("nothing says what to restore, and there is no terminal to ask on")
            .hint("Name a file or \"latest\"; `pgstow list` shows the backups there are.")
    };
    if !prompt::someone_there() {
        return Err(nobody());
    }
    let store = place.store()?;
    let mut entries: Vec<Entry> = store.entries()?;
    entries.retain(|entry| entry.name.database == database);
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.name.time));
    entries.truncate(OFFERED);
    if entries.is_empty() {
        return Err(Error::failed(format!(
            "there is no backup of database {database:?} in the store {}",
            store.root().display()
        ))
        .hint("`pgstow list` shows the backups there are; name one of them."));
    }
    let now = Zone::of_environment().now();
    let mut table = Table::new(&[">", "FILE", ">AGE", ">SIZE", ">ROWS", "STATE"]);
    for (number, entry) in entries.iter().enumerate() {
        let state = entry.state();
        let rows = match &state {
            State::Whole(index) => human::count(index.rows()),
            _ => "?".into(),
        };
        table.row([
            (number + 1).to_string(),
            store.relative(entry),
            human::duration(now - entry.name.time),
            human::bytes(entry.bytes),
            rows,
            state.word().to_string(),
        ]);
    }
    let mut question = format!(
        "{}Which one? (1 to {}, nothing: none) ",
        table.render(),
        entries.len()
    );
    loop {
        let answer = prompt::line(&question, context).await?.ok_or_else(nobody)?;
        match chosen(&answer, entries.len()) {
            Some(Some(at)) => return Ok(entries.swap_remove(at).path),
            Some(None) => return Err(Error::failed("nothing was chosen, nothing was changed")),
            None => question = format!("Which one? (1 to {}, nothing: none) ", entries.len()),
        }
    }
}

/// What an answer means: a place in the list, nothing at all, or (`None`) that it must be asked again.
fn chosen(answer: &str, count: usize) -> Option<Option<usize>> {
    match answer.trim() {
        "" => Some(None),
        text => match text.parse::<usize>() {
            Ok(number) if (1..=count).contains(&number) => Some(Some(number - 1)),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn only_a_number_of_the_list_chooses() {
        assert_eq!(chosen("2\n", 3), Some(Some(1)));
        assert_eq!(chosen("\n", 3), Some(None));
        assert_eq!(chosen("", 3), Some(None));
        for odd in ["0\n", "4\n", "-1\n", "first\n"] {
            assert_eq!(chosen(odd, 3), None, "{odd:?}");
        }
    }
}
