//! One case on one server: source, two copies, and whether pg_dump can tell them apart.

use std::path::{Path, PathBuf};

use super::case::Case;
use super::description::Description;
use super::parity::{self, Shared};
use super::tool::{Tool, describe, read_gz, restore_by_psql};
use crate::support::{self, Cluster, Db};

/// The flags of a backup.
const BACKUP: [&str; 4] = ["--clean", "--if-exists", "--no-owner", "--no-privileges"];

/// How the dump of an older server did on the newest.
#[derive(Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// It came back as pg_dump's dump of the same database did.
    Same,
    /// pg_dump's own dump cannot be restored there.
    BeyondPgDump,
}

/// What the judge found.
#[derive(Debug, Default)]
pub struct Verdict {
    /// What is wrong; empty when the case came back whole.
    pub problems: Vec<String>,
    /// How our text compares with pg_dump's.
    pub parity: Shared,
    /// Whether it was compared on the newest major, too; `None` where this is the newest.
    pub upgraded: Option<Upgrade>,
}

/// Loads, dumps, restores and compares one case.
pub fn judge(server: &Cluster, case: &Case, tool: &dyn Tool) -> Verdict {
    let mut verdict = Verdict::default();
    if let Err(problem) = try_judge(server, case, tool, &mut verdict) {
        verdict.problems.push(problem);
    }
    verdict
}

fn try_judge(server: &Cluster, case: &Case, tool: &dyn Tool, verdict: &mut Verdict) -> Result<(), String> {
    let place = Place::new(server, case);
    let database = |role: &str| server.database_with(&format!("{}_{role}", case.name), &case.database);
    let (source, by_pgstow, by_psql) = (database("source"), database("pgstow"), database("psql"));
    let loaded = source.try_execute(&case.script);
    if loaded.code != 0 {
        return Err(format!("the case does not load: {}", loaded.stderr));
    }
    let options: Vec<&str> = case.options.iter().map(String::as_str).collect();

    let dump = place.file("dump.sql.gz");
    tool.dump(&source, &options, &dump)?;
    tool.restore(&dump, &by_pgstow)
        .map_err(|e| format!("restore into an empty database: {e}"))?;
    restore_by_psql(&dump, &by_psql).map_err(|e| format!("restore by psql into an empty database: {e}"))?;
    let oracle = place.describe(&source, &options, "source")?;
    let copies = [(&by_pgstow, "pgstow"), (&by_psql, "psql")];
    place.compare(case, &oracle, copies, &options, verdict)?;

    let text = read_gz(&dump)?;
    verdict.parity = parity::compare(&oracle, &text);
    let again = place.file("again.sql.gz");
    tool.dump(&by_pgstow, &options, &again)?;
    if case.moves.is_none()
        && let Some(line) = first_difference(&text, &read_gz(&again)?)
    {
        verdict.problems.push(format!(
            "the dump of the copy is not the dump of the source; first at {line}"
        ));
    }

    upgrade(&source, case, &oracle, tool, &dump, verdict)?;

    let limited = tool.is_pg_dump() && case.clean_beyond_pg_dump;
    if case.over_existing && !limited {
        let options: Vec<&str> = options.into_iter().chain(BACKUP).collect();
        let backup = place.file("backup.sql.gz");
        tool.dump(&source, &options, &backup)?;
        tool.restore(&backup, &by_pgstow)
            .map_err(|e| format!("restore over what is there: {e}"))?;
        restore_by_psql(&backup, &by_psql).map_err(|e| format!("restore by psql over what is there: {e}"))?;
        let oracle = place.describe(&source, &options, "source as a backup")?;
        place.compare(case, &oracle, copies, &options, verdict)?;
    }
    Ok(())
}

/// Restores the dump of an older server into the newest, and compares with what pg_dump's script makes there.
fn upgrade(
    source: &Db,
    case: &Case,
    script: &str,
    tool: &dyn Tool,
    dump: &Path,
    verdict: &mut Verdict,
) -> Result<(), String> {
    let newest = support::newest();
    if source.cluster().major() == newest {
        return Ok(());
    }
    let server = support::server(newest);
    // Roles and tablespaces are no part of a dump.
    let roles = "SELECT format('DO $x$ BEGIN CREATE ROLE %I %s; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $x$;',
            rolname, CASE WHEN rolsuper THEN 'SUPERUSER' ELSE '' END)
        FROM pg_roles WHERE rolname !~ '^pg_' AND rolname <> 'postgres'";
    server.postgres().execute(&source.query_text(roles));
    let spaces = "SELECT format('CREATE TABLESPACE %I LOCATION %L;', spcname, '') FROM pg_tablespace WHERE spcname !~ '^pg_'";
    for space in source.query_text(spaces).lines() {
        // It may be there already.
        server
            .postgres()
            .try_execute(&format!("SET allow_in_place_tablespaces = on;\n{space}"));
    }
    let database = |role: &str| server.database_with(&format!("{}_{role}", case.name), &case.database);
    let (expected, upgraded) = (database("expected"), database("upgraded"));
    let args = ["--single-transaction", "--quiet", "-v", "ON_ERROR_STOP=on"];
    if support::run_with_input(expected.psql().args(args), script.as_bytes()).code != 0 {
        verdict.upgraded = Some(Upgrade::BeyondPgDump);
        return Ok(());
    }
    tool.restore(dump, &upgraded)
        .map_err(|e| format!("restore into PostgreSQL {newest}: {e}"))?;
    let options: Vec<&str> = case.options.iter().map(String::as_str).collect();
    let read = |db: &Db| describe(db, &options).map(|script| description(case, &script));
    let differences = read(&expected)?.differences(
        &read(&upgraded)?,
        "pg_dump's copy",
        &format!("pgstow's copy on PostgreSQL {newest}"),
    );
    verdict.problems.extend(differences);
    verdict.upgraded = Some(Upgrade::Same);
    Ok(())
}

/// A script cut into entries, as the case wants it compared.
fn description(case: &Case, script: &str) -> Description {
    let mut description = Description::of(script);
    if let Some(prefix) = &case.moves {
        description.pool_rows(prefix);
    }
    description
}

/// The first line that two dumps do not share, comments apart: those carry times and sizes.
fn first_difference(a: &str, b: &str) -> Option<String> {
    let mut left = a.lines().filter(|l| !is_comment(l));
    let mut right = b.lines().filter(|l| !is_comment(l));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return None,
            (a, b) if a == b => {}
            (a, b) => {
                return Some(format!(
                    "\n  source: {}\n  copy:   {}",
                    a.unwrap_or("(end)"),
                    b.unwrap_or("(end)")
                ));
            }
        }
    }
}

fn is_comment(line: &str) -> bool {
    line.starts_with("--") || line.starts_with("\\restrict ") || line.starts_with("\\unrestrict ")
}

/// Where the files of one case go.
struct Place {
    dir: PathBuf,
    /// Removes the directory, unless the developer wants to keep it.
    _temporary: Option<tempfile::TempDir>,
}

impl Place {
    fn new(server: &Cluster, case: &Case) -> Place {
        match std::env::var_os("PGSTOW_TEST_KEEP") {
            Some(keep) => {
                let dir = Path::new(&keep).join(format!("{}-{}", case.name, server.major()));
                std::fs::create_dir_all(&dir).expect("PGSTOW_TEST_KEEP names a directory that can be made");
                Place {
                    dir,
                    _temporary: None,
                }
            }
            None => {
                let temporary = tempfile::tempdir().expect("a temporary directory can be made");
                Place {
                    dir: temporary.path().to_path_buf(),
                    _temporary: Some(temporary),
                }
            }
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        let file = self.dir.join(name);
        // Left there by an earlier run into the same directory.
        let _ = std::fs::remove_file(&file);
        file
    }

    fn describe(&self, db: &Db, flags: &[&str], role: &str) -> Result<String, String> {
        let script = describe(db, flags)?;
        std::fs::write(self.file(&format!("{role}.sql")), &script).map_err(|e| e.to_string())?;
        Ok(script)
    }

    /// Compares both copies with the source.
    fn compare(
        &self,
        case: &Case,
        source: &str,
        copies: [(&Db, &str); 2],
        flags: &[&str],
        verdict: &mut Verdict,
    ) -> Result<(), String> {
        let source = description(case, source);
        for (copy, who) in copies {
            let copy = description(case, &self.describe(copy, flags, who)?);
            let theirs = format!("the copy restored by {who}");
            verdict
                .problems
                .extend(source.differences(&copy, "the source", &theirs));
        }
        Ok(())
    }
}
