//! Who dumps and restores: pgstow, pg_dump in its place, or pg_dump with a fault to be caught.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{self, Db, Done, run};

/// A program that dumps a database to a `.sql.gz` and restores it. Errors are the program's output.
pub trait Tool: Sync {
    /// Dumps a database with these flags.
    fn dump(&self, db: &Db, flags: &[&str], file: &Path) -> Result<(), String>;
    /// Whether this is pg_dump, with its own limits.
    fn is_pg_dump(&self) -> bool {
        true
    }
    /// Restores a file that [`Tool::dump`] made.
    fn restore(&self, file: &Path, db: &Db) -> Result<(), String>;
}

/// The program under test.
pub struct Pgstow;

impl Tool for Pgstow {
    fn is_pg_dump(&self) -> bool {
        false
    }

    fn dump(&self, db: &Db, flags: &[&str], file: &Path) -> Result<(), String> {
        let uri = db.uri();
        let mut command = support::pgstow();
        command
            .args(["dump", "--dbname", &uri])
            .args(flags)
            .arg("-f")
            .arg(file);
        checked(&mut command)
    }

    fn restore(&self, file: &Path, db: &Db) -> Result<(), String> {
        let uri = db.uri();
        checked(
            support::pgstow()
                .args(["restore", "--yes", "--dbname", &uri])
                .arg(file),
        )
    }
}

/// pg_dump and psql.
pub struct PgDump;

impl Tool for PgDump {
    fn dump(&self, db: &Db, flags: &[&str], file: &Path) -> Result<(), String> {
        write_gz(file, &for_any_server(&describe(db, flags)?))
    }

    fn restore(&self, file: &Path, db: &Db) -> Result<(), String> {
        restore_by_psql(file, db)
    }
}

/// pg_dump whose script loses or changes something.
pub struct Broken {
    /// The text to be replaced. It must be there.
    pub from: String,
    /// What stands there instead.
    pub to: String,
}

impl Tool for Broken {
    fn dump(&self, db: &Db, flags: &[&str], file: &Path) -> Result<(), String> {
        let script = describe(db, flags)?;
        if !script.contains(&self.from) {
            return Err(format!(
                "{:?} does not occur in the script, so it cannot be broken there",
                self.from
            ));
        }
        write_gz(file, &for_any_server(&script.replace(&self.from, &self.to)))
    }

    fn restore(&self, file: &Path, db: &Db) -> Result<(), String> {
        restore_by_psql(file, db)
    }
}

/// The script that the newest pg_dump writes of this database, in UTF-8 as ours are where the database has an encoding.
pub fn describe(db: &Db, flags: &[&str]) -> Result<String, String> {
    let mut pg_dump = db.pg_dump();
    if db.query_text("SHOW server_encoding") != "SQL_ASCII" {
        pg_dump.env("PGCLIENTENCODING", "UTF8");
    }
    let output = pg_dump.args(flags).output().map_err(|e| e.to_string())?;
    if output.status.success() {
        Ok(text(output.stdout))
    } else {
        Err(format!("pg_dump failed: {}", Done::from(output)))
    }
}

/// A script as text: one character a byte where it is not UTF-8, which is as good for comparing.
fn text(script: Vec<u8>) -> String {
    String::from_utf8(script).unwrap_or_else(|e| e.into_bytes().iter().map(|&b| b as char).collect())
}

/// What a user without pgstow types: `gunzip -c FILE | psql --single-transaction -v ON_ERROR_STOP=on`.
pub fn restore_by_psql(file: &Path, db: &Db) -> Result<(), String> {
    let mut gunzip = Command::new("gunzip");
    let mut gunzip = gunzip
        .arg("-c")
        .arg(file)
        .stdout(Stdio::piped())
        .spawn()
        .expect("gunzip can be run");
    let mut psql = db.psql();
    psql.args(["--single-transaction", "--quiet", "-v", "ON_ERROR_STOP=on"]);
    psql.stdin(gunzip.stdout.take().expect("it is piped"));
    let done = run(&mut psql);
    // It holds the reading end of the pipe: gunzip would wait for ever on a psql that stopped early.
    drop(psql);
    let whole = gunzip.wait().expect("gunzip can be waited for").success();
    match done.code {
        0 if whole => Ok(()),
        0 => Err("gunzip found the file damaged".to_string()),
        _ => Err(format!(
            "psql failed: {}",
            Done {
                stdout: String::new(),
                ..done
            }
        )),
    }
}

/// The text of a dump.
pub fn read_gz(file: &Path) -> Result<String, String> {
    let output = Command::new("gunzip")
        .arg("-c")
        .arg(file)
        .output()
        .expect("gunzip can be run");
    if !output.status.success() {
        return Err(format!("gunzip found {} damaged", file.display()));
    }
    Ok(text(output.stdout))
}

/// A script of pg_dump 18 as servers before 17 take it, too.
fn for_any_server(script: &str) -> String {
    script.replacen("SET transaction_timeout = 0;\n", "", 1)
}

fn write_gz(file: &Path, text: &str) -> Result<(), String> {
    let out = std::fs::File::create(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let mut gz = flate2::write::GzEncoder::new(out, flate2::Compression::fast());
    std::io::Write::write_all(&mut gz, text.as_bytes()).map_err(|e| e.to_string())?;
    gz.finish().map(|_| ()).map_err(|e| e.to_string())
}

fn checked(command: &mut Command) -> Result<(), String> {
    let done = run(command);
    if done.code == 0 {
        Ok(())
    } else {
        Err(format!("{command:?}: {done}"))
    }
}
