//! When a statement of a dump may be replayed, by its first words: what needs rows or keys waits for them, what makes an
//! index runs beside others, what is not known to be harmless waits for everything before it.

use crate::restore::verdict::qualified;
use crate::script::{Word, setting, words};

/// A relation's name: schema and name, unquoted.
pub(super) type Name = (Vec<u8>, Vec<u8>);

/// When a statement is replayed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum When {
    /// It sets what others are read by.
    Setting {
        /// The setting, or the whole text where it cannot be told.
        key: Vec<u8>,
    },
    /// Beside others.
    Beside(Build),
    /// As soon as it is read: it touches no table.
    Now,
    /// After everything that can be done beside others; nothing of that needs it.
    Last,
    /// After everything before it, and before everything after it.
    InOrder,
}

/// A statement that builds something from rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Build {
    /// An index, which others can be built beside on the same table.
    Index {
        /// The table.
        table: Name,
        /// The index.
        index: Name,
        /// Whether it is a B-tree.
        sorted: bool,
    },
    /// A key or an exclusion, which needs the table for itself.
    Key {
        /// The table.
        table: Name,
        /// The constraint, which is also the index's name.
        index: Name,
        /// Whether its index is a B-tree.
        sorted: bool,
    },
    /// An index that becomes part of another one.
    Attach {
        /// The partitioned index.
        parent: Name,
        /// The partition's.
        child: Name,
    },
    /// A foreign key.
    ForeignKey {
        /// The table that has it.
        table: Name,
        /// The table it refers to.
        refers_to: Name,
    },
}

impl Build {
    /// The table whose rows are sorted for it.
    pub(super) fn sorts(&self) -> Option<&Name> {
        match self {
            Build::Index { table, sorted, .. } | Build::Key { table, sorted, .. } => {
                Some(table).filter(|_| *sorted)
            }
            Build::Attach { .. } | Build::ForeignKey { .. } => None,
        }
    }
}

/// What a statement that is not followed by rows waits for.
pub(super) fn when(text: &[u8]) -> When {
    let mut all = start_of(text);
    let Some(first) = all.next() else {
        return When::Now;
    };
    if let Some((name, _)) = setting(text) {
        return When::Setting {
            key: name.into_bytes(),
        };
    }
    if first.is("set") || first.is("reset") {
        return When::Setting { key: text.to_vec() };
    }
    if first.is("select") {
        let function = all.find(|word| !word.is("pg_catalog") && *word != Word::Other(b'.'));
        let is = |name: &str| function.as_ref().is_some_and(|word| word.is(name));
        return match is("set_config") {
            true => When::Setting { key: text.to_vec() },
            false if is("setval") || is("lo_put") => When::Now,
            false => When::InOrder,
        };
    }
    if first.is("create") {
        return create(all);
    }
    if first.is("alter") {
        return alter(text, all);
    }
    match any(&first, &["comment", "grant", "revoke", "security", "refresh"]) {
        true => When::Last,
        false => When::InOrder,
    }
}

/// Whether a statement leaves the rows of tables as they are, but for what functions do that it makes the server call:
/// an index's, a constraint's, a materialized view's. What is not known does not.
pub(super) fn leaves_rows(text: &[u8]) -> bool {
    let mut all = start_of(text);
    let Some(first) = all.next() else {
        return true;
    };
    if setting(text).is_some() || any(&first, &["set", "reset"]) {
        return true;
    }
    if first.is("select") {
        return is_of_the_catalog(all);
    }
    if first.is("create") {
        while all
            .next_if(|w| {
                any(
                    w,
                    &["or", "replace", "unique", "event", "constraint", "materialized"],
                )
            })
            .is_some()
        {}
        let kinds = [
            "function",
            "index",
            "policy",
            "procedure",
            "publication",
            "rule",
            "statistics",
            "subscription",
            "trigger",
            "view",
        ];
        return all.next().is_some_and(|kind| any(&kind, &kinds));
    }
    if first.is("alter") {
        return alters_no_rows(all);
    }
    any(&first, &["comment", "grant", "revoke", "security", "refresh"])
}

/// The table whose column a statement gives a default, which no row of a dump needs.
pub(super) fn gives_default(text: &[u8]) -> Option<Name> {
    let mut all = start_of(text);
    all.next_if(|w| w.is("alter"))?;
    all.next_if(|w| w.is("table"))?;
    all.next_if(|w| w.is("only"));
    let table = name(&mut all)?;
    all.next_if(|w| w.is("alter"))?;
    all.next_if(|w| w.is("column"))?;
    all.next()?.name()?;
    all.next_if(|w| w.is("set"))?;
    all.next_if(|w| w.is("default"))?;
    Some(table)
}

/// What follows `ALTER`.
fn alters_no_rows(mut all: Start<'_>) -> bool {
    let kinds = [
        "default",
        "event",
        "function",
        "index",
        "policy",
        "procedure",
        "publication",
        "sequence",
        "statistics",
        "subscription",
        "trigger",
        "view",
    ];
    let Some(kind) = all.next() else {
        return false;
    };
    if !kind.is("table") {
        return any(&kind, &kinds);
    }
    all.next_if(|w| w.is("only"));
    let changes = [
        "attach", "cluster", "disable", "enable", "force", "no", "owner", "replica", "validate",
    ];
    name(&mut all).is_some()
        && all.next().is_some_and(|word| {
            any(&word, &changes) || word.is("add") && all.next().is_some_and(|word| word.is("constraint"))
        })
}

/// `SELECT pg_catalog.f(`, with a function that dumps call, and that changes no table.
fn is_of_the_catalog(mut all: Start<'_>) -> bool {
    const FUNCTIONS: &[&str] = &[
        "set_config",
        "setval",
        "lo_create",
        "lo_open",
        "lo_close",
        "lo_put",
        "lowrite",
        "lo_unlink",
    ];
    all.next().is_some_and(|word| word.is("pg_catalog"))
        && all.next() == Some(Word::Other(b'.'))
        && all.next().is_some_and(|word| any(&word, FUNCTIONS))
}

/// The words that tell what a statement does.
type Start<'a> = std::iter::Peekable<std::vec::IntoIter<Word<'a>>>;

fn start_of(text: &[u8]) -> Start<'_> {
    let start: Vec<_> = words(text).take(20).collect();
    start.into_iter().peekable()
}

fn any(word: &Word<'_>, of: &[&str]) -> bool {
    of.iter().any(|keyword| word.is(keyword))
}

/// A name with its schema; without one it is unknown what it names.
fn name<'a>(all: &mut std::iter::Peekable<impl Iterator<Item = Word<'a>>>) -> Option<Name> {
    match qualified(all)? {
        (Some(schema), name) => Some((schema, name)),
        (None, _) => None,
    }
}

fn create(mut all: Start<'_>) -> When {
    while all
        .next_if(|w| any(w, &["or", "replace", "unique", "event", "constraint"]))
        .is_some()
    {}
    let Some(kind) = all.next() else {
        return When::InOrder;
    };
    let harmless = [
        "trigger",
        "rule",
        "policy",
        "statistics",
        "publication",
        "subscription",
    ];
    if any(&kind, &harmless) {
        return When::Last;
    }
    let index = all.next().and_then(|word| word.name());
    let on = all.next().is_some_and(|word| word.is("on"));
    all.next_if(|w| w.is("only"));
    match (index, name(&mut all)) {
        // An index is in its table's schema.
        (Some(index), Some(table)) if kind.is("index") && on => When::Beside(Build::Index {
            index: (table.0.clone(), index),
            table,
            sorted: all.next().is_some_and(|word| word.is("using"))
                && all.next().is_some_and(|word| word.is("btree")),
        }),
        _ => When::InOrder,
    }
}

fn alter(text: &[u8], mut all: Start<'_>) -> When {
    let Some(kind) = all.next() else {
        return When::InOrder;
    };
    if kind.is("index") {
        let parent = name(&mut all);
        let attaches = all.next().is_some_and(|w| w.is("attach")) && all.next().is_some();
        let child = name(&mut all).filter(|_| attaches);
        return match (parent, child) {
            (Some(parent), Some(child)) => When::Beside(Build::Attach { parent, child }),
            _ => When::Last,
        };
    }
    if !kind.is("table") {
        // Types, domains and functions may be what an index is made of.
        let harmless = ["publication", "subscription", "default", "event", "statistics"];
        return match any(&kind, &harmless) {
            true => When::Last,
            false => When::InOrder,
        };
    }
    all.next_if(|w| w.is("only"));
    let Some(table) = name(&mut all) else {
        return When::InOrder;
    };
    let rest: Vec<Word<'_>> = all.collect();
    let [add, constraint, constraint_name, what, ..] = rest.as_slice() else {
        return When::Last;
    };
    if !add.is("add") || !constraint.is("constraint") {
        return match any(add, &["attach", "detach", "alter", "inherit", "no", "add"]) {
            true => When::InOrder,
            false => When::Last,
        };
    }
    if any(what, &["primary", "unique", "exclude"]) {
        return match constraint_name.name() {
            Some(index) => When::Beside(Build::Key {
                index: (table.0.clone(), index),
                table,
                sorted: !what.is("exclude"),
            }),
            None => When::InOrder,
        };
    }
    match refers_to(text) {
        Some(refers_to) if what.is("foreign") => When::Beside(Build::ForeignKey { table, refers_to }),
        _ => When::InOrder,
    }
}

/// The table that a foreign key refers to.
fn refers_to(text: &[u8]) -> Option<Name> {
    let rest = words(text).skip_while(|word| !word.is("references"));
    name(&mut rest.skip(1).peekable())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> When {
        when(text.as_bytes())
    }

    fn named(schema: &str, name: &str) -> Name {
        (schema.into(), name.into())
    }

    #[test]
    fn what_gives_a_default_is_known_by_all_its_words() {
        let of = |text: &str| gives_default(text.as_bytes());
        let text = "ALTER TABLE ONLY s.t ALTER COLUMN \"set\" SET DEFAULT nextval('s.q'::regclass);";
        assert_eq!(of(text), Some(named("s", "t")));
        for text in [
            "ALTER TABLE ONLY s.t ALTER COLUMN a SET STORAGE PLAIN;",
            "ALTER TABLE ONLY s.t ALTER COLUMN a ADD GENERATED ALWAYS AS IDENTITY;",
            "ALTER VIEW s.t ALTER COLUMN a SET DEFAULT 1;",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_built_from_rows_is_done_beside_others() {
        for (text, want) in [
            (
                "CREATE INDEX i ON public.t USING btree (a);",
                Build::Index {
                    table: named("public", "t"),
                    index: named("public", "i"),
                    sorted: true,
                },
            ),
            (
                "CREATE UNIQUE INDEX \"i on\" ON ONLY \"S x\".t USING btree (lower(a));",
                Build::Index {
                    table: named("S x", "t"),
                    index: named("S x", "i on"),
                    sorted: true,
                },
            ),
            (
                "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (a);",
                Build::Key {
                    table: named("public", "t"),
                    index: named("public", "t_pkey"),
                    sorted: true,
                },
            ),
            (
                "ALTER TABLE ONLY public.t ADD CONSTRAINT x EXCLUDE USING gist (a WITH &&);",
                Build::Key {
                    table: named("public", "t"),
                    index: named("public", "x"),
                    sorted: false,
                },
            ),
            (
                "ALTER TABLE public.t ADD CONSTRAINT f FOREIGN KEY (\"references\") REFERENCES s.u(id) ON DELETE CASCADE;",
                Build::ForeignKey {
                    table: named("public", "t"),
                    refers_to: named("s", "u"),
                },
            ),
            (
                "ALTER INDEX public.p ATTACH PARTITION s.c;",
                Build::Attach {
                    parent: named("public", "p"),
                    child: named("s", "c"),
                },
            ),
        ] {
            assert_eq!(of(text), When::Beside(want), "{text}");
        }
    }

    #[test]
    fn what_may_change_rows_is_known_and_so_is_everything_unknown() {
        for text in [
            "CREATE UNIQUE INDEX i ON public.t USING btree (a);",
            "CREATE MATERIALIZED VIEW public.m AS SELECT 1 WITH NO DATA;",
            "CREATE OR REPLACE VIEW public.v AS SELECT 1;",
            "CREATE CONSTRAINT TRIGGER x AFTER INSERT ON public.t",
            "CREATE EVENT TRIGGER x ON ddl_command_end",
            "REFRESH MATERIALIZED VIEW public.m;",
            "ALTER TABLE ONLY public.t ADD CONSTRAINT k PRIMARY KEY (a);",
            "ALTER TABLE public.t OWNER TO x;",
            "ALTER TABLE public.t NO FORCE ROW LEVEL SECURITY;",
            "ALTER INDEX public.p ATTACH PARTITION s.c;",
            "COMMENT ON TABLE public.t IS 'DELETE';",
            "SET default_tablespace = fast;",
            "SELECT pg_catalog.set_config('search_path', '', false);",
            "SELECT pg_catalog.setval('public.s', 1, true);",
            "SELECT pg_catalog.lo_put(1, 0, 'x');",
        ] {
            assert!(leaves_rows(text.as_bytes()), "{text}");
        }
        for text in [
            "INSERT INTO public.t VALUES (1);",
            "DELETE FROM public.t;",
            "TRUNCATE public.t;",
            "DO $$ BEGIN END $$;",
            "CALL public.p();",
            "SELECT public.f();",
            "SELECT setval('s', 1);",
            "SELECT pg_catalog.query_to_xml('DELETE FROM public.t', true, true, '');",
            "WITH x AS (DELETE FROM public.t RETURNING 1) SELECT 1;",
            "CREATE TABLE public.u AS SELECT public.f();",
            "CREATE EXTENSION x;",
            "ALTER EXTENSION x UPDATE;",
            "ALTER TABLE public.t ADD COLUMN b int DEFAULT 1;",
            "ALTER TABLE public.t DROP COLUMN a;",
            "ALTER TABLE public.t ALTER COLUMN a TYPE text;",
            "ALTER TYPE public.y ALTER ATTRIBUTE a TYPE text CASCADE;",
            "DROP TABLE public.t;",
            "COPY public.t FROM PROGRAM 'true';",
        ] {
            assert!(!leaves_rows(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_nothing_needs_comes_last_and_the_unknown_in_order() {
        for (text, want) in [
            ("COMMENT ON INDEX public.i IS 'x';", When::Last),
            ("ALTER TABLE public.t CLUSTER ON i;", When::Last),
            ("ALTER TABLE ONLY public.t REPLICA IDENTITY FULL;", When::Last),
            ("ALTER TABLE public.t ENABLE ROW LEVEL SECURITY;", When::Last),
            ("CREATE CONSTRAINT TRIGGER x AFTER INSERT ON public.t", When::Last),
            ("CREATE POLICY p ON public.t;", When::Last),
            ("REFRESH MATERIALIZED VIEW public.m;", When::Last),
            ("SELECT pg_catalog.setval('public.s', 1, true);", When::Now),
            ("SELECT pg_catalog.lo_put(1, 0, 'x');", When::Now),
            ("CREATE OR REPLACE VIEW public.v AS SELECT 1;", When::InOrder),
            ("CREATE FUNCTION public.f() RETURNS int;", When::InOrder),
            ("CREATE MATERIALIZED VIEW public.m AS SELECT 1;", When::InOrder),
            ("CREATE INDEX i ON t (a);", When::InOrder),
            (
                "ALTER TABLE ONLY public.p ATTACH PARTITION public.c DEFAULT;",
                When::InOrder,
            ),
            (
                "ALTER TABLE public.t ADD CONSTRAINT c CHECK (f(a)) NOT VALID;",
                When::InOrder,
            ),
            (
                "ALTER TABLE ONLY public.t ALTER COLUMN a SET DEFAULT public.f();",
                When::InOrder,
            ),
            ("DROP VIEW public.v;", When::InOrder),
            ("DO $$ BEGIN END $$;", When::InOrder),
        ] {
            assert_eq!(of(text), want, "{text}");
        }
        let key = |text: &str| match of(text) {
            When::Setting { key } => String::from_utf8(key).unwrap(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(key("SET default_tablespace = fast;"), "default_tablespace");
        assert!(key("SELECT pg_catalog.set_config('search_path', '', false);").contains("search_path"));
    }
}
