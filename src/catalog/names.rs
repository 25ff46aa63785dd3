//! What a filter's patterns stand for in one database: a handful of queries, however many patterns and tables there are.
//!
//! The rules are pg_dump's: a pattern without a schema matches what the database's own search path finds; once tables
//! are picked, nothing else is dumped but what belongs to them; once anything is picked, what lives outside of schemas
//! stays out. [`Choice`] answers for single objects; [`crate::plan`] asks it about all.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;

use super::dialect;
use super::pattern::{Matcher, Pattern};
use super::row::value;
use crate::connect::Session;
use crate::sql::literal;
use crate::{Error, Result};

/// The names that a user picked and left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Only what is in these schemas (`--schema`).
    pub schemas: Vec<Pattern>,
    /// Not what is in these schemas.
    pub exclude_schemas: Vec<Pattern>,
    /// Only these tables, views, sequences (`--table`).
    pub tables: Vec<TablePattern>,
    /// Not these tables, views, sequences.
    pub exclude_tables: Vec<TablePattern>,
    /// Not the rows of these.
    pub exclude_data: Vec<TablePattern>,
    /// Only these extensions.
    pub extensions: Vec<Pattern>,
    /// Not these extensions.
    pub exclude_extensions: Vec<Pattern>,
    /// Also the rows of foreign tables on these servers.
    pub foreign_servers: Vec<Pattern>,
    /// Each pattern that picks must match something.
    pub strict_names: bool,
    /// A filter that matches nothing is no mistake: it was made for another database.
    #[serde(skip)]
    pub lenient: bool,
}

/// A pattern for tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TablePattern {
    /// The names.
    pub pattern: Pattern,
    /// Also their partitions and inheritance children, at any depth.
    pub children: bool,
}

impl Filter {
    /// Whether nothing was picked, so that everything that is not left out is meant.
    pub fn is_open(&self) -> bool {
        self.schemas.is_empty() && self.tables.is_empty() && self.extensions.is_empty()
    }
}

/// What the dump needs to know about names besides what a filter says.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wants {
    /// Which relations are unlogged.
    pub unlogged: bool,
    /// The root of each partition.
    pub roots: bool,
    /// The columns of tables as INSERT takes them.
    pub inserts: bool,
    /// What the planner knows.
    pub planner_statistics: bool,
}

/// A filter as one database understands it.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    everything: bool,
    schemas: Option<HashSet<String>>,
    exclude_schemas: HashSet<String>,
    tables: Option<HashSet<u32>>,
    exclude_tables: HashSet<u32>,
    exclude_data: HashSet<u32>,
    extensions: Option<HashSet<u32>>,
    exclude_extensions: HashSet<u32>,
    /// Sequences that belong to a table, decided.
    sequences: HashMap<u32, bool>,
    /// Foreign tables whose rows are wanted.
    pub foreign_tables: HashSet<u32>,
    /// Unlogged tables and sequences, where that was asked.
    pub unlogged: HashSet<u32>,
    /// The quoted name of each partition's root, where that was asked.
    pub roots: HashMap<u32, String>,
    /// The columns of each table, where that was asked.
    pub inserts: HashMap<u32, InsertColumns>,
    /// The query for the planner's statistics, as this server takes it, where that was asked.
    pub planner_statistics: Option<String>,
}

/// A table's columns as INSERT takes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InsertColumns {
    /// Name and form of each column, in order; generated ones too.
    pub columns: Vec<(String, ValueForm)>,
    /// A column is GENERATED ALWAYS AS IDENTITY.
    pub overriding: bool,
}

/// How a value is written in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueForm {
    /// Without quotes where it is made of digits.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `B'101'`.
    Bits,
    /// `'text'`.
    Quoted,
    /// `DEFAULT`: the column is generated, and not part of a row's text.
    Default,
    /// The value is a statement, written as it is.
    Statement,
}

impl Choice {
    /// Everything.
    pub fn all() -> Choice {
        Choice {
            everything: true,
            ..Choice::default()
        }
    }

    /// What lives outside of schemas.
    pub fn everything(&self) -> bool {
        self.everything
    }

    /// What the system made: only its privileges are ever dumped.
    pub fn system(&self) -> bool {
        self.tables.is_none() && self.schemas.is_none()
    }

    /// What is in a schema, and the schema itself.
    pub fn schema(&self, name: &str) -> bool {
        self.tables.is_none()
            && self.schemas.as_ref().is_none_or(|picked| picked.contains(name))
            && !self.exclude_schemas.contains(name)
    }

    /// Whether a schema was picked by name: then it is made even if every database has it.
    pub fn names_schema(&self, name: &str) -> bool {
        self.schemas.is_some() && self.schema(name)
    }

    /// A table, view or sequence.
    pub fn relation(&self, oid: u32, schema: &str) -> bool {
        match self.sequences.get(&oid) {
            Some(decided) => *decided,
            None => self.by_itself(oid, schema),
        }
    }

    fn by_itself(&self, oid: u32, schema: &str) -> bool {
        let picked = match &self.tables {
            Some(picked) => picked.contains(&oid),
            None => self.schema(schema),
        };
        picked && !self.exclude_tables.contains(&oid)
    }

    /// The rows of a relation that is itself dumped.
    pub fn rows(&self, oid: u32) -> bool {
        !self.exclude_data.contains(&oid) && !self.unlogged.contains(&oid)
    }

    /// An extension.
    pub fn extension(&self, oid: u32) -> bool {
        let picked = match &self.extensions {
            Some(picked) => picked.contains(&oid),
            None => self.everything,
        };
        picked && !self.exclude_extensions.contains(&oid)
    }

    /// The rows of an extension's configuration table.
    pub fn extension_rows(&self, extension: u32, table: u32, schema: &str) -> bool {
        let named = self.tables.as_ref().is_some_and(|picked| picked.contains(&table));
        let picked = self.extension(extension) || named || self.names_schema(schema);
        picked && !self.exclude_tables.contains(&table) && !self.exclude_schemas.contains(schema)
    }
}

/// Finds what the patterns stand for, on a session inside the dump's transaction.
///
/// # Errors
/// A pattern that makes no sense, or picks nothing where it must.
pub async fn resolve(session: &Session, filter: &Filter, wants: Wants) -> Result<Choice> {
    let search = Search { session, filter };
    let mut choice = Choice {
        everything: filter.is_open(),
        schemas: search.schemas(&filter.schemas, true).await?,
        exclude_schemas: search
            .schemas(&filter.exclude_schemas, false)
            .await?
            .unwrap_or_default(),
        tables: search.tables(&filter.tables, true).await?,
        exclude_tables: search
            .tables(&filter.exclude_tables, false)
            .await?
            .unwrap_or_default(),
        exclude_data: search
            .tables(&filter.exclude_data, false)
            .await?
            .unwrap_or_default(),
        extensions: search.bare(&filter.extensions, EXTENSIONS, "extensions").await?,
        exclude_extensions: search
            .bare(&filter.exclude_extensions, EXTENSIONS, "")
            .await?
            .unwrap_or_default(),
        foreign_tables: search
            .bare(&filter.foreign_servers, FOREIGN_TABLES, "foreign tables")
            .await?
            .unwrap_or_default(),
        ..Choice::default()
    };
    let filters_tables = choice.tables.is_some() || choice.schemas.is_some();
    if filters_tables || !choice.exclude_tables.is_empty() || !choice.exclude_schemas.is_empty() {
        for row in session.client.query(OWNED_SEQUENCES, &[]).await? {
            let (oid, schema): (u32, String) = (value(&row, 0)?, value(&row, 1)?);
            let (table, table_schema): (u32, String) = (value(&row, 2)?, value(&row, 3)?);
            let is_identity: bool = value(&row, 4)?;
            let with_table = choice.by_itself(table, &table_schema);
            let alone = !is_identity && choice.by_itself(oid, &schema);
            choice.sequences.insert(oid, with_table || alone);
        }
    }
    if wants.unlogged {
        choice.unlogged = pairs(session, UNLOGGED).await?.into_keys().collect();
    }
    if wants.roots {
        choice.roots = pairs(session, ROOTS).await?;
    }
    if wants.planner_statistics {
        choice.planner_statistics = dialect::adapt("planner_statistics", PLANNER_STATISTICS, session.version);
    }
    if wants.inserts {
        for row in session.client.query(INSERT_COLUMNS, &[]).await? {
            let (oid, columns) = insert_columns(&row)?;
            choice.inserts.insert(oid, columns);
        }
    }
    Ok(choice)
}

async fn pairs(session: &Session, query: &str) -> Result<HashMap<u32, String>> {
    let rows = session.client.query(query, &[]).await?;
    rows.iter()
        .map(|row| Ok((value(row, 0)?, value(row, 1)?)))
        .collect()
}

fn insert_columns(row: &Row) -> Result<(u32, InsertColumns)> {
    let (names, forms): (Vec<String>, Vec<String>) = (value(row, 1)?, value(row, 2)?);
    let forms = forms.iter().map(|form| match form.as_str() {
        "number" => ValueForm::Number,
        "boolean" => ValueForm::Boolean,
        "bits" => ValueForm::Bits,
        "default" => ValueForm::Default,
        _ => ValueForm::Quoted,
    });
    let columns = InsertColumns {
        columns: names.into_iter().zip(forms).collect(),
        overriding: value(row, 3)?,
    };
    Ok((value(row, 0)?, columns))
}

/// Relations that patterns match, with their children where those are meant. The parameters: numbers of the patterns,
/// regular expressions of schemas and names, whether children are meant.
const TABLES: &str = "
WITH RECURSIVE found (number, oid, children) AS (
    SELECT p.number, c.oid, p.children
    FROM unnest($1::int4[], $2::text[], $3::text[], $4::bool[]) AS p (number, schema, name, children)
    JOIN pg_catalog.pg_class c ON c.relname OPERATOR(pg_catalog.~) (p.name COLLATE pg_catalog.\"default\")
    JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
    WHERE CASE WHEN p.schema IS NULL THEN pg_catalog.pg_table_is_visible(c.oid)
            ELSE n.nspname OPERATOR(pg_catalog.~) (p.schema COLLATE pg_catalog.\"default\") END
        AND c.relkind OPERATOR(pg_catalog.=) ANY ('{r,p,v,m,f,S}'::pg_catalog.\"char\"[])
        AND n.nspname OPERATOR(pg_catalog.!~) '^pg_' AND n.nspname OPERATOR(pg_catalog.<>) 'information_schema'
    UNION
    SELECT f.number, i.inhrelid, true
    FROM found f JOIN pg_catalog.pg_inherits i ON i.inhparent OPERATOR(pg_catalog.=) f.oid
    WHERE f.children
)
SELECT number, oid FROM found";

const SCHEMAS: &str = "
SELECT p.number, n.nspname::text
FROM unnest($1::int4[], $2::text[]) AS p (number, name)
JOIN pg_namespace n ON n.nspname ~ (p.name COLLATE pg_catalog.\"default\")
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

const EXTENSIONS: &str = "
SELECT p.number, x.oid
FROM unnest($1::int4[], $2::text[]) AS p (number, name)
JOIN pg_extension x ON x.extname ~ (p.name COLLATE pg_catalog.\"default\")";

const FOREIGN_TABLES: &str = "
SELECT p.number, t.ftrelid
FROM unnest($1::int4[], $2::text[]) AS p (number, name)
JOIN pg_foreign_server s ON s.srvname ~ (p.name COLLATE pg_catalog.\"default\")
LEFT JOIN pg_foreign_table t ON t.ftserver = s.oid";

const OWNED_SEQUENCES: &str = "
SELECT s.oid, sn.nspname::text, t.oid, tn.nspname::text, d.deptype = 'i'
FROM pg_depend d
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_namespace sn ON sn.oid = s.relnamespace
JOIN pg_class t ON t.oid = d.refobjid
JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid <> 0
    AND d.deptype IN ('a', 'i')";

/// The query behind `--statistics`.
pub const PLANNER_STATISTICS: &str = include_str!("../../schema-sql/planner_statistics.sql");

const UNLOGGED: &str =
    "SELECT oid, relname::text FROM pg_class WHERE relpersistence = 'u' AND relkind IN ('r', 'S', 'm')";

const ROOTS: &str = "
SELECT c.oid, quote_ident(n.nspname) || '.' || quote_ident(r.relname)
FROM pg_class c
JOIN pg_class r ON r.oid = pg_partition_root(c.oid)
JOIN pg_namespace n ON n.oid = r.relnamespace
WHERE c.relispartition AND c.relkind IN ('r', 'f')";

const INSERT_COLUMNS: &str = "
SELECT a.attrelid, array_agg(a.attname::text ORDER BY a.attnum), array_agg(CASE
    WHEN a.attgenerated <> '' THEN 'default'
    WHEN b.base IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'oid'::regtype, 'float4'::regtype,
        'float8'::regtype, 'numeric'::regtype) THEN 'number'
    WHEN b.base = 'bool'::regtype THEN 'boolean'
    WHEN b.base IN ('bit'::regtype, 'varbit'::regtype) THEN 'bits'
    ELSE 'text' END ORDER BY a.attnum), bool_or(a.attidentity = 'a')
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'f') AND c.oid >= 16384
JOIN pg_type t ON t.oid = a.atttypid
CROSS JOIN LATERAL (SELECT CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END) AS b (base)
WHERE a.attnum > 0 AND NOT a.attisdropped
GROUP BY a.attrelid";

/// One filter at work.
struct Search<'a> {
    session: &'a Session,
    filter: &'a Filter,
}

impl Search<'_> {
    fn database(&self) -> &str {
        self.session.settings().dbname()
    }

    /// `None` where there are no patterns.
    async fn schemas(&self, patterns: &[Pattern], pick: bool) -> Result<Option<HashSet<String>>> {
        if patterns.is_empty() {
            return Ok(None);
        }
        let matchers: Vec<Matcher> = patterns
            .iter()
            .map(|pattern| pattern.of_schema(self.database()))
            .collect::<Result<_>>()?;
        let names: Vec<&str> = matchers.iter().map(|m| m.name.as_str()).collect();
        let numbers = numbers(patterns.len());
        let found = self.session.client.query(SCHEMAS, &[&numbers, &names]).await;
        let rows = found.map_err(|e| bad_pattern(e, &names))?;
        if pick {
            self.check(
                "schemas",
                &rows,
                patterns.iter().map(Pattern::text),
                self.filter.strict_names,
            )?;
        }
        rows.iter()
            .map(|row| value(row, 1))
            .collect::<Result<_>>()
            .map(Some)
    }

    async fn tables(&self, patterns: &[TablePattern], pick: bool) -> Result<Option<HashSet<u32>>> {
        if patterns.is_empty() {
            return Ok(None);
        }
        let matchers: Vec<Matcher> = patterns
            .iter()
            .map(|table| table.pattern.in_schema(self.database()))
            .collect::<Result<_>>()?;
        let schemas: Vec<Option<&str>> = matchers.iter().map(|m| m.schema.as_deref()).collect();
        let names: Vec<&str> = matchers.iter().map(|m| m.name.as_str()).collect();
        let children: Vec<bool> = patterns.iter().map(|table| table.children).collect();
        let numbers = numbers(patterns.len());
        let client = &self.session.client;
        // A name without a schema is looked for as the database's own users would.
        client.batch_execute("SET LOCAL search_path TO DEFAULT").await?;
        let found = client
            .query(TABLES, &[&numbers, &schemas, &names, &children])
            .await
            .map_err(|e| bad_pattern(e, &names));
        let rows = found?;
        client.batch_execute("SET LOCAL search_path = ''").await?;
        if pick {
            let texts = patterns.iter().map(|table| table.pattern.text());
            self.check("tables", &rows, texts, self.filter.strict_names)?;
        }
        rows.iter()
            .map(|row| value(row, 1))
            .collect::<Result<_>>()
            .map(Some)
    }

    /// What lives outside of schemas; `what` empty: need not match.
    async fn bare(&self, patterns: &[Pattern], query: &str, what: &str) -> Result<Option<HashSet<u32>>> {
        if patterns.is_empty() {
            return Ok(None);
        }
        let matchers: Vec<Matcher> = patterns.iter().map(Pattern::bare).collect::<Result<_>>()?;
        let names: Vec<&str> = matchers.iter().map(|m| m.name.as_str()).collect();
        let numbers = numbers(patterns.len());
        let found = self.session.client.query(query, &[&numbers, &names]).await;
        let rows = found.map_err(|e| bad_pattern(e, &names))?;
        if !what.is_empty() {
            // A server that does not exist has no rows to leave out unnoticed.
            let strict = self.filter.strict_names || query == FOREIGN_TABLES;
            self.check(what, &rows, patterns.iter().map(Pattern::text), strict)?;
        }
        let oids = rows.iter().map(|row| value::<Option<u32>>(row, 1));
        oids.filter_map(Result::transpose)
            .collect::<Result<_>>()
            .map(Some)
    }

    /// Checks that patterns found something: each of them, or at least one.
    fn check<'p>(
        &self,
        what: &str,
        rows: &[Row],
        mut patterns: impl Iterator<Item = &'p str>,
        each: bool,
    ) -> Result<()> {
        if self.filter.lenient {
            return Ok(());
        }
        let matched: HashSet<i32> = rows.iter().map(|row| value(row, 0)).collect::<Result<_>>()?;
        let missed = match each {
            true => (0..)
                .zip(&mut patterns)
                .find(|(number, _)| !matched.contains(number)),
            false if matched.is_empty() => (0..).zip(&mut patterns).next(),
            false => None,
        };
        match missed {
            None => Ok(()),
            Some((_, pattern)) => Err(Error::failed(format!(
                "no {what} of database {:?} match {}",
                self.database(),
                literal(pattern)
            ))
            .hint(match what {
                "tables" => "A name without a schema is looked for in the database's search path; schema.name says where. Letters fold to lower case unless they stand between double quotes.",
                _ => "Letters fold to lower case unless they stand between double quotes.",
            })),
        }
    }
}

fn numbers(count: usize) -> Vec<i32> {
    (0..).take(count).collect()
}

/// A regular expression that the server cannot read is the user's.
fn bad_pattern(error: tokio_postgres::Error, names: &[&str]) -> Error {
    let is_regex = error.code() == Some(&SqlState::INVALID_REGULAR_EXPRESSION);
    let error = Error::from(error);
    match is_regex {
        true => error.with_kind(crate::error::Kind::Usage).context(format!(
            "one of these patterns is no regular expression: {}",
            names.join(", ")
        )),
        false => error,
    }
}
