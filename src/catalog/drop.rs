//! How objects are dropped.

use crate::sql::dollar_quoted;

/// How an object is dropped (`--clean`), so that `IF EXISTS` can be put where its syntax wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drop {
    /// Goes with its table, schema or nothing at all.
    Never,
    /// `DROP TABLE name`: the object type and the name.
    Object(&'static str, String),
    /// `DROP TYPE name CASCADE`.
    Cascade(&'static str, String),
    /// `ALTER TABLE table action name`, e.g. `DROP CONSTRAINT c`; both take `IF EXISTS`.
    FromTable {
        /// `TABLE ONLY`, `FOREIGN TABLE`.
        altered: &'static str,
        /// The table, qualified and quoted.
        name: String,
        /// `DROP CONSTRAINT`.
        action: &'static str,
        /// What is dropped, quoted.
        part: String,
    },
    /// `DROP TRIGGER name ON table`.
    On(&'static str, String, String),
    /// A statement without an `IF EXISTS` of its own.
    Guarded {
        /// An expression that is true where the statement can run.
        when: String,
        /// The statement, ending in a newline.
        statement: String,
    },
    /// Large objects, which a function drops.
    LargeObjects(Vec<u32>),
}

impl Drop {
    /// The statement, if there is one.
    pub fn statement(&self, if_exists: bool) -> Option<String> {
        let maybe = if if_exists { "IF EXISTS " } else { "" };
        Some(match self {
            Drop::Never => return None,
            Drop::Object(kind, name) => format!("DROP {kind} {maybe}{name};\n"),
            Drop::Cascade(kind, name) => format!("DROP {kind} {maybe}{name} CASCADE;\n"),
            Drop::FromTable {
                altered,
                name,
                action,
                part,
            } => {
                let (kind, only) = match altered.strip_suffix(" ONLY") {
                    Some(kind) => (kind, "ONLY "),
                    None => (*altered, ""),
                };
                format!("ALTER {kind} {maybe}{only}{name} {action} {maybe}{part};\n")
            }
            Drop::On(kind, name, table) => format!("DROP {kind} {maybe}{name} ON {table};\n"),
            Drop::Guarded { statement, .. } if !if_exists => statement.clone(),
            Drop::Guarded { when, statement } => guarded(when, statement),
            Drop::LargeObjects(oids) => oids.iter().map(|oid| unlink(*oid, if_exists)).collect(),
        })
    }
}

fn unlink(oid: u32, if_exists: bool) -> String {
    if if_exists {
        format!(
            "SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata WHERE oid = '{oid}';\n"
        )
    } else {
        format!("SELECT pg_catalog.lo_unlink('{oid}');\n")
    }
}

/// A statement that runs only where an expression is true on the server that restores.
pub fn guarded(when: &str, statement: &str) -> String {
    let statement = statement.trim_end();
    let body = format!("\nBEGIN\n  IF {when} THEN\n    {statement}\n  END IF;\nEND\n");
    format!("DO {};\n", dollar_quoted(&body, ""))
}
