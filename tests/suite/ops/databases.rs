//! Several databases in one run, and what belongs to the whole server.

use std::process::Command;

use super::{Store, name, small};
use crate::support::{self, Cluster, Setup};

#[test]
fn one_database_that_fails_does_not_keep_the_others_from_their_backup() {
    let server = support::server(support::newest());
    let (first, second) = (small(server), small(server));
    let store = Store::new();
    let list = format!("{}, no_such_db,{}", first.name(), second.name());
    let done = support::run(store.pgstow(&first, &["backup"]).env("PGDATABASE", list));
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stderr.contains("[ERROR] no_such_db: "), "{done}");
    assert!(
        done.stderr
            .ends_with("[ERROR] 1 of 3 backups failed: no_such_db\n"),
        "{done}"
    );
    for db in [&first, &second] {
        let mine = store
            .daily()
            .iter()
            .filter(|f| name(f).starts_with(db.name()))
            .count();
        assert_eq!(mine, 1, "{done}");
        support::run(&mut store.pgstow(db, &["health"])).ok();
    }
    assert_eq!(
        support::run(&mut store.pgstow(&server.database_named("no_such_db"), &["health"])).code,
        1
    );
}

#[test]
fn all_databases_are_backed_up_but_templates() {
    let server = Cluster::start(support::newest(), &Setup::default());
    let (one, two) = (small(&server), small(&server));
    let store = Store::new();
    support::run(&mut store.pgstow(&one, &["backup", "--all-databases"])).ok();
    let files = store.daily();
    let found: Vec<bool> = [one.name(), two.name(), "postgres", "template1"]
        .iter()
        .map(|db| files.iter().any(|f| name(f).starts_with(&format!("{db}_2"))))
        .collect();
    assert_eq!(found, [true, true, true, false], "{files:?}");
}

/// What pg_dumpall says of roles and tablespaces, less what differs between any two servers.
fn globals_of(server: &Cluster) -> String {
    let mut pg_dumpall = support::pg_dumpall();
    server
        .env(&mut pg_dumpall, "postgres")
        .args(["--globals-only", "--restrict-key=x"]);
    support::run(&mut pg_dumpall).ok().stdout
}

#[test]
fn roles_memberships_settings_and_tablespaces_come_back_on_another_server() {
    for major in support::majors() {
        let (source, target) = (
            Cluster::start(major, &Setup::default()),
            Cluster::start(major, &Setup::default()),
        );
        let db = small(&source);
        db.execute(
            "CREATE ROLE team; COMMENT ON ROLE team IS 'it''s a \\ team';
             CREATE ROLE \"Odd \"\"name$pgstow$\" LOGIN PASSWORD 'secret' CONNECTION LIMIT 3 VALID UNTIL '2031-02-03 04:05:06+07';
             CREATE ROLE boss SUPERUSER CREATEDB CREATEROLE REPLICATION BYPASSRLS NOINHERIT;
             CREATE ROLE lead; CREATE ROLE junior;
             GRANT team TO lead WITH ADMIN OPTION;
             SET ROLE lead; GRANT team TO junior; RESET ROLE;
             GRANT pg_monitor TO junior;
             ALTER ROLE junior SET search_path = \"$user\", 'my schema', public;
             ALTER ROLE junior SET work_mem = '7MB';
             ALTER ROLE ALL SET lock_timeout = '9s';",
        );
        if major >= 15 {
            db.execute("GRANT SET ON PARAMETER log_min_messages TO junior WITH GRANT OPTION");
        }
        let store = Store::new();
        let done = support::run(&mut store.pgstow(&db, &["backup", "--globals"])).ok();
        let files = store.daily();
        let globals = files.iter().find(|f| name(f).starts_with("globals_2")).unwrap();
        assert_eq!(files.len(), 2, "{done}");
        support::run(store.pgstow(&db, &["verify"]).arg(globals)).ok();
        let mut restore = support::pgstow();
        target
            .env(&mut restore, "postgres")
            .args(["restore", "--yes"])
            .arg(globals);
        support::run(&mut restore).ok();
        assert_eq!(globals_of(&source), globals_of(&target));
        let setting = "SELECT setconfig FROM pg_db_role_setting WHERE setrole = 0 AND setdatabase = 0";
        assert_eq!(target.postgres().query_text(setting), "{lock_timeout=9s}");
    }
}

#[test]
fn tablespaces_are_written_as_pg_dumpall_writes_them() {
    use std::os::unix::fs::MetadataExt;
    let source = Cluster::start(support::newest(), &Setup::default());
    let owner = std::fs::metadata(source.socket_dir()).unwrap();
    let place = |name: &str| {
        let path = source.socket_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        path.display().to_string()
    };
    let db = small(&source);
    for statement in [
        "CREATE ROLE keeper".to_string(),
        format!(
            "CREATE TABLESPACE \"fast disk\" OWNER keeper LOCATION '{}'",
            place("fast")
        ),
        format!("CREATE TABLESPACE slow LOCATION '{}'", place("slow")),
        "ALTER TABLESPACE slow SET (random_page_cost = 9.5, seq_page_cost = 2)".to_string(),
        "COMMENT ON TABLESPACE slow IS 'it''s slow'".to_string(),
        "GRANT CREATE ON TABLESPACE slow TO keeper WITH GRANT OPTION".to_string(),
        "REVOKE ALL ON TABLESPACE \"fast disk\" FROM keeper".to_string(),
    ] {
        db.execute(&statement);
    }
    let store = Store::new();
    support::run(&mut store.pgstow(&db, &["backup", "--globals"])).ok();
    let files = store.daily();
    let globals = files.iter().find(|f| name(f).starts_with("globals_2")).unwrap();
    let ours = support::run(Command::new("gunzip").arg("-c").arg(globals))
        .ok()
        .stdout;
    let lines = |text: &str| {
        // pg_dumpall sets all options at once, quotes numbers not, and says ALL for the only privilege there is.
        let text = text
            .replace(" = ", "=")
            .replace(", seq_page_cost", ");\nALTER TABLESPACE slow SET (seq_page_cost")
            .replace("='9.5'", "=9.5")
            .replace("='2'", "=2")
            .replace("GRANT ALL ON", "GRANT CREATE ON");
        let mut lines: Vec<String> = text
            .lines()
            .filter(|l| l.contains("TABLESPACE"))
            .map(str::to_string)
            .collect();
        lines.sort();
        lines
    };
    assert_eq!(lines(&ours), lines(&globals_of(&source)));
}

#[test]
fn globals_without_the_right_to_read_passwords_say_who_may() {
    let db = small(support::server(support::newest()));
    let role = format!("{}_plain", db.name());
    db.execute(&format!(
        "CREATE ROLE {role} LOGIN; GRANT SELECT ON users TO {role}"
    ));
    let store = Store::new();
    let done = support::run(store.pgstow(&db, &["backup", "--globals"]).env("PGUSER", &role));
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stderr.contains("[ERROR] (roles and tablespaces): "),
        "{done}"
    );
    assert!(
        done.stderr
            .contains("hint: Roles' passwords can be read by superusers only"),
        "{done}"
    );
    assert_eq!(store.daily().len(), 1, "the database's own backup stands: {done}");
    db.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}
