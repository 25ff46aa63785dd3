//! `pgstow verify`: is a file whole, and does it restore?

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::offsite::Unlock;
use super::store::Place;
use super::{Connection, Context, compare, human, print, print_json};
use crate::archive::{self, Verified};
use crate::error::Kind;
use crate::event::{Event, Phase};
use crate::restore::{self, Options, TestRestore};
use crate::store::Tested;
use crate::store::name::{Name, Tier};
use crate::{Error, Result};

/// Options of `verify`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The backup: a path, a file's name in the store, its address off this machine (s3://...), or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    unlock: Unlock,
    #[command(flatten)]
    place: Place,
    /// Also restore it into a database made for it on the server, compare the two, and drop it again; the database that
    /// the connection names gives encoding and locale and is not changed
    #[arg(long)]
    test_restore: bool,
    #[command(flatten)]
    connection: Connection,
    /// Print JSON instead of lines
    #[arg(long)]
    pub json: bool,
}

/// Proves a file, or says where it is damaged.
pub async fn run(args: Args, context: &Context) -> Result<()> {
    context.observer.event(Event::Phase(Phase::Verify));
    let observer = Arc::clone(&context.observer);
    let (name, work): (String, Box<dyn FnOnce() -> Result<Verified> + Send>) = if args.file == Path::new("-")
    {
        let read = || archive::verify_sequence(std::io::stdin().lock());
        ("standard input".into(), Box::new(read))
    } else {
        let finding = args.unlock.find(&args.file, &args.place);
        let stored = context.until_cancelled(finding).await?;
        let read = move || {
            let read = archive::verify_seekable(stored.open()?, &*observer);
            read.map_err(|e| e.context(stored.shown()))
        };
        (args.file.display().to_string(), Box::new(read))
    };
    let reading = tokio::task::spawn_blocking(work);
    let verified = context
        .until_cancelled(async {
            let done = reading.await;
            done.map_err(|e| Error::failed("verifying the file failed").because(e))?
        })
        .await;
    let verified = match verified {
        Ok(verified) => verified,
        Err(e) if args.json && e.kind() == Kind::Damaged => {
            let report = json!({ "file": name, "whole": false, "because": e.message() });
            print_json(&report)?;
            return Err(e);
        }
        Err(e) => return Err(e),
    };
    if !args.json {
        print(&format!("{name}: {}\n", describe(&verified)))?;
    }
    let tried = match args.test_restore {
        true => Some(test_restore(&args, context).await?),
        false => None,
    };
    if args.json {
        print_json(&as_json(&name, &verified, tried.as_ref()))?;
    }
    match tried {
        Some(tried) if !tried.comparison.differences.is_empty() => {
            Err(Error::damaged(format!("{name} does not restore to what it says")))
        }
        _ => Ok(()),
    }
}

fn as_json(name: &str, verified: &Verified, tried: Option<&TestRestore>) -> serde_json::Value {
    let index = verified.index.as_ref();
    let tried = tried.map(|tried| {
        let mut report = compare::as_json(&tried.comparison);
        report["seconds"] = tried.took.as_secs_f64().into();
        report
    });
    json!({
        "file": name,
        "whole": true,
        "text_bytes": verified.text,
        "rows_proved": index.is_some(),
        "tables": index.map(|index| index.tables.len()),
        "rows": index.map(|index| index.rows()),
        "test_restore": tried,
    })
}

/// Restores into a scratch database and says how long it took, or what came back otherwise than it went in.
async fn test_restore(args: &Args, context: &Context) -> Result<TestRestore> {
    if args.file == Path::new("-") {
        return Err(Error::usage(
            "a test restore reads the file twice, so it cannot come from standard input",
        ));
    }
    let (path, _copy) = args.unlock.fetch(&args.file, &args.place, context).await?;
    let settings = args.connection.settings_to_connect(context).await?;
    let options = Options::default();
    let tried = restore::test_restore(&settings, &path, &options, &context.observer, &context.cancel).await?;
    let passed = tried.comparison.differences.is_empty();
    remember(args, tried.took, passed, context);
    let took = TimeDelta::from_std(tried.took).unwrap_or_default();
    if !args.json {
        print(&format!(
            "test restore took {}; {}",
            human::duration(took),
            compare::as_text(&tried.comparison)
        ))?;
    }
    Ok(tried)
}

/// Notes the test restore of a backup in the store, for `/metrics`. Nothing depends on it.
fn remember(args: &Args, took: Duration, passed: bool, context: &Context) {
    let name = args
        .file
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let plain = name.strip_suffix(crate::age::EXTENSION).unwrap_or(name);
    let Some(known) = Tier::ALL.into_iter().find_map(|tier| Name::parse(tier, plain)) else {
        return;
    };
    let Ok(store) = args.place.store() else {
        return;
    };
    let tested = Tested {
        file: name.to_string(),
        at: Utc::now(),
        seconds: took.as_secs_f64(),
        passed,
    };
    if let Err(e) = store.remember_test(&known.database, tested) {
        let text = format!("the test restore could not be noted: {e}");
        context.observer.event(Event::Warning(text));
    }
}

/// What has been proved, in one line.
fn describe(verified: &Verified) -> String {
    let text = human::bytes(verified.text);
    match &verified.index {
        Some(index) => {
            format!(
                "whole, {text} of SQL, {} with {}, every row proved by its digest",
                human::number_of(index.tables.len() as u64, "table"),
                human::number_of(index.rows(), "row")
            )
        }
        None => {
            format!("whole, {text} of SQL; it has no index, so only checksums and the last line were checked")
        }
    }
}
