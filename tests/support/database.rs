//! A database of a test: made fresh, spoken to through psql, dropped at the end.

use std::process::Command;

use super::cluster::Cluster;
use super::{Done, psql, run_with_input};

/// A database on one of the private servers.
pub struct Db<'c> {
    cluster: &'c Cluster,
    name: String,
    ours: bool,
}

impl<'c> Db<'c> {
    pub(super) fn create(cluster: &'c Cluster, name: &str, options: &str) -> Db<'c> {
        let quoted = quote(name);
        cluster
            .postgres()
            .execute(&format!("CREATE DATABASE {quoted} {options}"));
        Db {
            cluster,
            name: name.to_string(),
            ours: true,
        }
    }

    pub(super) fn existing(cluster: &'c Cluster, name: &str) -> Db<'c> {
        Db {
            cluster,
            name: name.to_string(),
            ours: false,
        }
    }

    /// The server it is on.
    pub fn cluster(&self) -> &'c Cluster {
        self.cluster
    }

    /// Its name, unquoted.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its URI over TCP, with the superuser.
    pub fn uri(&self) -> String {
        self.cluster.uri(&self.name)
    }

    /// Its URI over the unix socket.
    pub fn socket_uri(&self) -> String {
        self.cluster.socket_uri(&self.name)
    }

    /// Points a program at it by the environment.
    pub fn env<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        self.cluster.env(command, &self.name)
    }

    /// Runs a psql script, stopping at the first error; panics with psql's output if there was one.
    #[track_caller]
    pub fn execute(&self, script: &str) {
        let done = self.try_execute(script);
        assert_eq!(
            done.code,
            0,
            "{script}\nfailed in {} on PostgreSQL {}: {done}",
            self.name,
            self.cluster.major()
        );
    }

    /// Runs a psql script, stopping at the first error.
    pub fn try_execute(&self, script: &str) -> Done {
        run_with_input(
            self.psql().args(["-v", "ON_ERROR_STOP=1", "--quiet"]),
            script.as_bytes(),
        )
    }

    /// The result of a query as text: fields parted by `|`, a line a row. Dates are ISO, times UTC, floats exact.
    #[track_caller]
    pub fn query_text(&self, query: &str) -> String {
        let mut psql = self.psql();
        psql.env(
            "PGOPTIONS",
            "-cdatestyle=ISO -ctimezone=UTC -cintervalstyle=postgres -cextra_float_digits=1 -cbytea_output=hex",
        );
        psql.args([
            "-v",
            "ON_ERROR_STOP=1",
            "--quiet",
            "--no-align",
            "--tuples-only",
            "--command",
            query,
        ]);
        super::run(&mut psql)
            .ok()
            .stdout
            .trim_end_matches('\n')
            .to_string()
    }

    /// psql on this database. Any name works, for it goes by the environment.
    pub fn psql(&self) -> Command {
        let mut psql = psql();
        self.env(&mut psql).env("PGHOST", self.cluster.socket_dir());
        psql
    }

    /// The newest pg_dump on this database, its standard output being the script. Its times are in UTC, as ours are,
    /// whatever the server's time zone.
    pub fn pg_dump(&self) -> Command {
        let mut pg_dump = super::pg_dump();
        pg_dump.env("PGTZ", "UTC");
        self.env(&mut pg_dump).env("PGHOST", self.cluster.socket_dir());
        pg_dump
    }
}

impl Drop for Db<'_> {
    fn drop(&mut self) {
        if !self.ours {
            return;
        }
        // A database with subscriptions cannot be dropped, and dropping those would go to their publishers.
        let _ = self.try_execute(
            "SELECT format('ALTER SUBSCRIPTION %1$I DISABLE; ALTER SUBSCRIPTION %1$I SET (slot_name = NONE); \
             DROP SUBSCRIPTION %1$I', subname) FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid \
             WHERE d.datname = current_database() \\gexec",
        );
        // A server that the test took down needs no database dropped.
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quote(&self.name));
        let _ = self.cluster.postgres().try_execute(&drop);
    }
}

/// An identifier for SQL. Not pgstow's own function: the tests must not lean on what they test.
fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
