//! `dump --create`: the database itself comes back, with its locale, settings and privileges.

use crate::support::{self, Cluster};

/// pg_dump's words for what `--create` adds: everything up to the objects.
fn introduction(script: &str) -> Vec<String> {
    const OF_THE_DATABASE: [&str; 6] = [
        "CREATE DATABASE",
        "ALTER DATABASE",
        "ALTER ROLE",
        "COMMENT ON DATABASE",
        "DROP DATABASE",
        "\\connect",
    ];
    script
        .lines()
        .filter(|line| {
            OF_THE_DATABASE.iter().any(|start| line.starts_with(start)) || line.contains(" ON DATABASE ")
        })
        .map(str::to_string)
        .collect()
}

/// Databases of every locale provider: from which major on, whether ICU is needed, options of CREATE DATABASE.
const LOCALES: &[(u32, bool, &str)] = &[
    (
        13,
        false,
        "ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0 CONNECTION LIMIT 7",
    ),
    (
        13,
        false,
        "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8' TEMPLATE template0",
    ),
    (
        15,
        true,
        "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-AT' LOCALE 'C' TEMPLATE template0",
    ),
    (
        16,
        true,
        "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'und' ICU_RULES '&z < ''it''' LOCALE 'C' TEMPLATE template0",
    ),
    (
        17,
        false,
        "ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C' TEMPLATE template0",
    ),
];

fn has_icu(server: &Cluster) -> bool {
    let count = "SELECT count(*) FROM pg_collation WHERE collprovider = 'i'";
    server.postgres().query_text(count) != "0"
}

#[test]
fn a_database_is_made_again_as_it_was() {
    for (min, needs_icu, options) in LOCALES {
        let mut tried = 0;
        for server in support::servers().filter(|server| server.major() >= *min) {
            if !needs_icu || has_icu(server) {
                make_again(server, options);
                tried += 1;
            }
        }
        let narrowed = support::majors().len() < support::ALL_MAJORS.len();
        assert!(
            tried > 0 || narrowed,
            "no server can have a database with {options}"
        );
    }
}

fn make_again(server: &Cluster, options: &str) {
    let db = server.database_with("created", options);
    let name = db.name().to_string();
    db.execute(&format!(
        "DO $$ BEGIN CREATE ROLE \"Create Owner\"; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
         CREATE TABLE t (a int);
         INSERT INTO t VALUES (1);
         COMMENT ON DATABASE {name} IS 'it''s mine';
         ALTER DATABASE {name} OWNER TO \"Create Owner\";
         ALTER DATABASE {name} SET work_mem = '9MB';
         ALTER DATABASE {name} SET search_path = public, \"B c\";
         ALTER ROLE \"Create Owner\" IN DATABASE {name} SET statement_timeout = '5s';
         REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC;
         GRANT CREATE ON DATABASE {name} TO pg_monitor WITH GRANT OPTION;"
    ));
    let describe = || {
        let script = support::run(db.pg_dump().args(["--create", "--clean", "--if-exists"])).ok();
        script.stdout
    };
    let before = describe();
    let script = support::run(support::pgstow().args([
        "dump",
        "--create",
        "--clean",
        "--if-exists",
        "--compress",
        "none",
        "--dbname",
        &db.uri(),
    ]))
    .ok()
    .stdout;
    let mut ours = introduction(&script);
    let mut pg_dump = introduction(&before);
    if server.major() < 15 {
        // pg_dump 18 names a locale provider, which these servers do not understand.
        pg_dump
            .iter_mut()
            .for_each(|line| *line = line.replace(" LOCALE_PROVIDER = libc", ""));
    }
    ours.sort();
    pg_dump.sort();
    assert_eq!(ours, pg_dump, "PostgreSQL {}: {options}", server.major());

    server.postgres().execute(&script);
    assert_eq!(
        introduction(&describe()),
        introduction(&before),
        "PostgreSQL {}: {options}",
        server.major()
    );
    assert_eq!(db.query_text("SELECT a FROM t"), "1");
}
