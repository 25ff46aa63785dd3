//! What a statement of a dump is about: which relation or other object it makes, changes or fills.

use super::verdict::qualified;
use crate::escape;
use crate::script::{Word, setting, words};

/// Schema and name, unquoted; the schema is empty where the statement gives none.
pub(super) type Name = (String, String);

/// What a statement does to a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    /// It sets how others are read.
    Setting,
    /// It fills this table.
    Rows(Name),
    /// It sets the value of this sequence.
    Value(Name),
    /// It is other data: contents of large objects.
    LargeObject,
    /// It makes, changes or drops something.
    Definition(Subject),
}

/// What a definition is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    /// A table, view, sequence or index, or what belongs to one of these: a constraint, a trigger, a policy, a comment.
    Relation(Name),
    /// A schema.
    Schema(String),
    /// Something else, in this schema if it is in one.
    Other(Option<String>),
}

/// Whether a statement fills a table or sets a sequence.
pub(super) fn is_data(text: &[u8]) -> bool {
    matches!(effect(text), Effect::Rows(_) | Effect::Value(_))
}

/// A word list that gives what was asked for, or nothing.
type Words<'a> = std::iter::Peekable<Box<dyn Iterator<Item = Word<'a>> + 'a>>;

/// What a statement is about.
pub(super) fn effect(text: &[u8]) -> Effect {
    let mut all: Words<'_> = (Box::new(words(text)) as Box<dyn Iterator<Item = _>>).peekable();
    let Some(first) = all.next() else {
        return Effect::Setting;
    };
    let is = |keyword: &str| first.is(keyword);
    if is("set") || is("reset") || setting(text).is_some() || is("begin") || is("commit") {
        return Effect::Setting;
    }
    if is("copy") || (is("insert") && all.next_if(|word| word.is("into")).is_some()) {
        return Effect::Rows(name(&mut all).unwrap_or_default());
    }
    if is("select") {
        return select(all);
    }
    if is("refresh") {
        // REFRESH MATERIALIZED VIEW
        let view = name(&mut all.skip(2).peekable());
        return Effect::Rows(view.unwrap_or_default());
    }
    let subject = match () {
        () if is("grant") || is("revoke") => {
            while all.next_if(|word| !word.is("on")).is_some() {}
            all.next();
            object(&mut all, true)
        }
        () if is("comment") || is("security") => {
            while all.next_if(|word| !word.is("on")).is_some() {}
            all.next();
            object(&mut all, false)
        }
        () => object(&mut all, false),
    };
    // Written by pg_dump --disable-triggers around a table's rows.
    if is("alter")
        && let Some(Subject::Relation(table)) = &subject
        && let Some([how, what, which]) = next_three(&mut all)
        && (how.is("disable") || how.is("enable"))
        && what.is("trigger")
        && which.is("all")
    {
        return Effect::Rows(table.clone());
    }
    Effect::Definition(subject.unwrap_or(Subject::Other(None)))
}

fn next_three<'a>(all: &mut Words<'a>) -> Option<[Word<'a>; 3]> {
    Some([all.next()?, all.next()?, all.next()?])
}

fn select(all: Words<'_>) -> Effect {
    let mut all = all.skip_while(|word| word.is("pg_catalog") || *word == Word::Other(b'.'));
    let function = all.next();
    let is = |name: &str| function.as_ref().is_some_and(|word| word.is(name));
    if is("set_config") {
        return Effect::Setting;
    }
    if is("setval") {
        // Its argument is a name in quotes: 'public."a b"'.
        let argument = all.nth(1);
        let sequence = match &argument {
            Some(Word::Text(text)) => name(&mut words(text).peekable()),
            _ => None,
        };
        return Effect::Value(sequence.unwrap_or_default());
    }
    match is("lo_create") {
        true => Effect::Definition(Subject::Other(None)),
        false => Effect::LargeObject,
    }
}

fn name<'a>(all: &mut std::iter::Peekable<impl Iterator<Item = Word<'a>>>) -> Option<Name> {
    let (schema, name) = qualified(all)?;
    let text = |bytes: Vec<u8>| escape::of_bytes(&bytes).into_owned();
    Some((schema.map(text).unwrap_or_default(), text(name)))
}

/// The object after `CREATE`, `ALTER`, `DROP`, `ON`.
fn object(all: &mut Words<'_>, of_privileges: bool) -> Option<Subject> {
    let modifiers = [
        "or",
        "replace",
        "unique",
        "unlogged",
        "foreign",
        "materialized",
        "trusted",
        "procedural",
        "recursive",
    ];
    while all.next_if(|word| modifiers.iter().any(|m| word.is(m))).is_some() {}
    let mut kind = all.next()?;
    // CREATE CONSTRAINT TRIGGER
    if kind.is("constraint")
        && let Some(trigger) = all.next_if(|word| word.is("trigger"))
    {
        kind = trigger;
    }
    let is = |of: &[&str]| of.iter().any(|keyword| kind.is(keyword));
    while all
        .next_if(|word| ["if", "not", "exists", "only"].iter().any(|m| word.is(m)))
        .is_some()
    {}
    if kind.is("statistics") {
        // CREATE STATISTICS name ON ... FROM table; otherwise they stand for themselves.
        let own = name(all)?;
        while all.next_if(|word| !word.is("from")).is_some() {}
        return match all.next() {
            Some(_) => name(all).map(Subject::Relation),
            None => Some(Subject::Relation(own)),
        };
    }
    if is(&["table", "view", "sequence"]) {
        all.next_if(|word| word.is("only"));
        return name(all).map(Subject::Relation);
    }
    if is(&["index", "trigger", "rule", "policy"]) || (kind.is("constraint") && !of_privileges) {
        return of_table(all, kind.is("index"), kind.is("rule"));
    }
    if kind.is("column") {
        let table = name(all)?;
        return Some(Subject::Relation(table));
    }
    if kind.is("schema") {
        return name(all).map(|(_, schema)| Subject::Schema(schema));
    }
    // Things that are in no schema.
    let nowhere = [
        "extension",
        "language",
        "cast",
        "server",
        "publication",
        "subscription",
        "event",
        "default",
        "large",
        "user",
        "role",
        "database",
        "access",
        "transform",
        "data",
    ];
    if is(&nowhere) {
        return Some(Subject::Other(None));
    }
    // TEXT SEARCH PARSER, OPERATOR CLASS and the like.
    let further = [
        "search",
        "parser",
        "dictionary",
        "template",
        "configuration",
        "class",
        "family",
    ];
    while all.next_if(|word| further.iter().any(|m| word.is(m))).is_some() {}
    let (schema, _) = name(all)?;
    Some(Subject::Other((!schema.is_empty()).then_some(schema)))
}

/// `name ON [ONLY] table`, or `name AS ON event TO table`: what it belongs to. An index that is changed or dropped
/// stands for itself.
fn of_table(all: &mut Words<'_>, index: bool, rule: bool) -> Option<Subject> {
    let own = name(all)?;
    if index && all.peek().is_none_or(|word| !word.is("on")) {
        return Some(Subject::Relation(own));
    }
    let mut until = |keyword: &str| {
        while all.next_if(|word| !word.is(keyword)).is_some() {}
        all.next();
    };
    until("on");
    if rule
        && all
            .peek()
            .is_some_and(|w| ["insert", "update", "delete", "select"].iter().any(|e| w.is(e)))
    {
        while all.next_if(|word| !word.is("to")).is_some() {}
        all.next();
    }
    all.next_if(|word| word.is("only"));
    name(all).map(Subject::Relation)
}

/// The index and its table, if the statement makes an index, by itself or for a key; or statistics and their table.
pub(super) fn made_index(text: &[u8]) -> Option<(Name, Name)> {
    let mut all: Words<'_> = (Box::new(words(text)) as Box<dyn Iterator<Item = _>>).peekable();
    if all.next_if(|word| word.is("alter")).is_some() {
        let Some(Subject::Relation(table)) = object(&mut all, false) else {
            return None;
        };
        let [add, constraint, name] = next_three(&mut all)?;
        let index = escape::of_bytes(&name.name()?).into_owned();
        return (add.is("add") && constraint.is("constraint")).then(|| ((table.0.clone(), index), table));
    }
    all.next_if(|word| word.is("create"))?;
    if all.next_if(|word| word.is("statistics")).is_some() {
        let own = name(&mut all)?;
        while all.next_if(|word| !word.is("from")).is_some() {}
        all.next()?;
        return name(&mut all).map(|table| (own, table));
    }
    all.next_if(|word| word.is("unique"));
    all.next_if(|word| word.is("index"))?;
    let index = all.next()?.name()?;
    all.next_if(|word| word.is("on"))?;
    all.next_if(|word| word.is("only"));
    let table = name(&mut all)?;
    let index = escape::of_bytes(&index).into_owned();
    Some(((table.0.clone(), index), table))
}

/// The parent and the child, if the statement attaches a partition or its index.
pub(super) fn attached(text: &[u8]) -> Option<(Name, Name)> {
    let mut all: Words<'_> = (Box::new(words(text)) as Box<dyn Iterator<Item = _>>).peekable();
    all.next_if(|word| word.is("alter"))?;
    all.next_if(|word| word.is("table") || word.is("index"))?;
    while all
        .next_if(|word| ["if", "exists", "only"].iter().any(|m| word.is(m)))
        .is_some()
    {}
    let parent = name(&mut all)?;
    all.next_if(|word| word.is("attach"))?;
    all.next_if(|word| word.is("partition"))?;
    name(&mut all).map(|child| (parent, child))
}

/// What the index of a constraint that the statement drops is called, if it has one.
pub(super) fn dropped_constraint(text: &[u8]) -> Option<Name> {
    let mut all: Words<'_> = (Box::new(words(text)) as Box<dyn Iterator<Item = _>>).peekable();
    all.next_if(|word| word.is("alter"))?;
    let Some(Subject::Relation((schema, _))) = object(&mut all, false) else {
        return None;
    };
    all.next_if(|word| word.is("drop"))?;
    all.next_if(|word| word.is("constraint"))?;
    while all.next_if(|word| word.is("if") || word.is("exists")).is_some() {}
    let name = all.next()?.name()?;
    Some((schema, escape::of_bytes(&name).into_owned()))
}

/// The sequence and the table whose column it belongs to, if the statement says so.
pub(super) fn owned_sequence(text: &[u8]) -> Option<(Name, Name)> {
    let mut all: Words<'_> = (Box::new(words(text)) as Box<dyn Iterator<Item = _>>).peekable();
    all.next_if(|word| word.is("alter"))?;
    if all.next_if(|word| word.is("sequence")).is_some() {
        let sequence = name(&mut all)?;
        while all.next_if(|word| !word.is("owned")).is_some() {}
        all.nth(1)?;
        return name(&mut all).map(|table| (sequence, table));
    }
    // ALTER TABLE t ALTER COLUMN c ADD GENERATED ... AS IDENTITY ( SEQUENCE NAME s ...
    let Some(Subject::Relation(table)) = object(&mut all, false) else {
        return None;
    };
    let mut all = all.skip_while(|word| !word.is("sequence")).skip(1).peekable();
    all.next_if(|word| word.is("name"))?;
    name(&mut all).map(|sequence| (sequence, table))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(schema: &str, name: &str) -> Effect {
        Effect::Definition(Subject::Relation((schema.into(), name.into())))
    }

    fn other(schema: &str) -> Effect {
        Effect::Definition(Subject::Other((!schema.is_empty()).then(|| schema.into())))
    }

    #[test]
    fn what_a_statement_is_about_is_found() {
        let name = |schema: &str, name: &str| (schema.to_string(), name.to_string());
        for (text, want) in [
            ("SET row_security = off;", Effect::Setting),
            (
                "SELECT pg_catalog.set_config('search_path', '', false);",
                Effect::Setting,
            ),
            ("COPY public.t (a) FROM stdin;", Effect::Rows(name("public", "t"))),
            (
                "INSERT INTO public.t VALUES ('INTO public.u');",
                Effect::Rows(name("public", "t")),
            ),
            (
                "REFRESH MATERIALIZED VIEW public.mv;",
                Effect::Rows(name("public", "mv")),
            ),
            (
                "ALTER TABLE public.t DISABLE TRIGGER ALL;",
                Effect::Rows(name("public", "t")),
            ),
            (
                "SELECT pg_catalog.setval('public.\"S q\"', 1, true);",
                Effect::Value(name("public", "S q")),
            ),
            ("SELECT pg_catalog.lo_put(1, 0, 'x');", Effect::LargeObject),
            ("SELECT pg_catalog.lo_create('1');", other("")),
            ("CREATE TABLE public.t (a int);", relation("public", "t")),
            ("CREATE UNLOGGED TABLE public.t (a int);", relation("public", "t")),
            ("CREATE FOREIGN TABLE s.t (a int)", relation("s", "t")),
            ("CREATE OR REPLACE VIEW s.v AS SELECT 1;", relation("s", "v")),
            ("CREATE MATERIALIZED VIEW s.v AS SELECT 1;", relation("s", "v")),
            (
                "CREATE UNIQUE INDEX i ON ONLY s.t USING btree (a);",
                relation("s", "t"),
            ),
            ("DROP INDEX IF EXISTS s.i;", relation("s", "i")),
            ("ALTER INDEX s.i ATTACH PARTITION s.j;", relation("s", "i")),
            ("DROP TABLE IF EXISTS s.t;", relation("s", "t")),
            (
                "ALTER TABLE IF EXISTS ONLY s.t DROP CONSTRAINT x;",
                relation("s", "t"),
            ),
            (
                "ALTER TABLE ONLY s.\"T x\" ADD CONSTRAINT c PRIMARY KEY (a);",
                relation("s", "T x"),
            ),
            (
                "CREATE TRIGGER g BEFORE INSERT OR UPDATE OF a ON s.t FOR EACH ROW",
                relation("s", "t"),
            ),
            (
                "CREATE CONSTRAINT TRIGGER g AFTER INSERT ON s.t",
                relation("s", "t"),
            ),
            ("DROP TRIGGER IF EXISTS g ON s.t;", relation("s", "t")),
            (
                "CREATE RULE r AS ON INSERT TO s.t DO NOTHING;",
                relation("s", "t"),
            ),
            ("DROP RULE IF EXISTS r ON s.t;", relation("s", "t")),
            ("CREATE POLICY p ON s.t TO x;", relation("s", "t")),
            ("CREATE SEQUENCE s.q START WITH 1;", relation("s", "q")),
            ("COMMENT ON COLUMN s.t.a IS 'x';", relation("s", "t")),
            ("COMMENT ON TABLE s.t IS 'ON TABLE x.y';", relation("s", "t")),
            ("COMMENT ON CONSTRAINT c ON s.t IS 'x';", relation("s", "t")),
            ("COMMENT ON INDEX s.i IS 'x';", relation("s", "i")),
            ("GRANT SELECT(a),INSERT ON TABLE s.t TO r;", relation("s", "t")),
            ("GRANT ALL ON SEQUENCE s.q TO r;", relation("s", "q")),
            ("CREATE STATISTICS s.x ON a, b FROM s.t;", relation("s", "t")),
            ("ALTER STATISTICS s.x OWNER TO r;", relation("s", "x")),
            ("GRANT ALL ON FUNCTION s.f(a integer) TO r;", other("s")),
            ("CREATE FUNCTION s.f() RETURNS trigger", other("s")),
            ("CREATE TYPE s.t AS ENUM ();", other("s")),
            ("CREATE OPERATOR CLASS s.c FOR TYPE x", other("s")),
            ("CREATE TEXT SEARCH DICTIONARY s.d (", other("s")),
            ("CREATE EXTENSION hstore WITH SCHEMA s;", other("")),
            ("CREATE PUBLICATION p FOR TABLE s.t;", other("")),
            (
                "CREATE SCHEMA s;",
                Effect::Definition(Subject::Schema("s".into())),
            ),
            (
                "GRANT USAGE ON SCHEMA s TO r;",
                Effect::Definition(Subject::Schema("s".into())),
            ),
        ] {
            assert_eq!(effect(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn indexes_and_sequences_know_their_tables() {
        let name = |schema: &str, name: &str| (schema.to_string(), name.to_string());
        for (text, want) in [
            (
                "CREATE UNIQUE INDEX i ON ONLY s.t USING btree (a);",
                Some(name("s", "i")),
            ),
            (
                "ALTER TABLE ONLY s.t\n    ADD CONSTRAINT k PRIMARY KEY (a);",
                Some(name("s", "k")),
            ),
            ("ALTER TABLE s.t OWNER TO x;", None),
            ("CREATE TABLE s.t ();", None),
            (
                "CREATE STATISTICS s.x (mcv) ON a, b FROM s.t;",
                Some(name("s", "x")),
            ),
        ] {
            let want = want.map(|index| (index, name("s", "t")));
            assert_eq!(made_index(text.as_bytes()), want, "{text}");
        }
        for text in [
            "ALTER SEQUENCE s.q OWNED BY s.t.id;",
            "ALTER TABLE s.t ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (\n    SEQUENCE NAME s.q\n    START WITH 1\n);",
        ] {
            assert_eq!(
                owned_sequence(text.as_bytes()),
                Some((name("s", "q"), name("s", "t"))),
                "{text}"
            );
        }
        assert_eq!(owned_sequence(b"ALTER SEQUENCE s.q OWNER TO x;"), None);
    }
}
