//! The text of a table: its CREATE TABLE, in which defaults and checks may be missing, and what ALTER TABLE adds.

use std::fmt::Write;

use super::check::Check;
use super::column::{Column, Generated, reloptions};
use super::definition::{Definition, Form, Part, PartText};
use super::drop::Drop;
use super::id::{ObjectId, class};
use super::object::{Address, Rank};
use super::table::TableRow;
use crate::sql::{ident, script_literal};

/// A column with what its parents know about it.
#[derive(Debug)]
pub struct TableColumn {
    /// The column.
    pub column: Column,
    /// Stated in this table's own statement.
    pub is_printed: bool,
    /// NOT NULL is this table's own doing.
    pub own_not_null: bool,
    /// A parent gives the column a NOT NULL constraint as the table is made (18+). One of its own, of another name, must
    /// be in the same statement: it would come too late afterwards.
    pub gets_not_null: bool,
    /// The default, as far as it is this table's own.
    pub default: OwnDefault,
}

/// What a table itself says of a column's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnDefault {
    /// Nothing: there is none, or a parent says it.
    Unsaid,
    /// The column's.
    Said,
    /// A parent's was removed.
    Null,
}

impl TableColumn {
    /// The default's node, where it has one.
    fn default_id(&self) -> Option<ObjectId> {
        let default = self.column.default.as_ref()?;
        (self.default == OwnDefault::Said).then(|| ObjectId::new(class::ATTRDEF, default.oid))
    }

    fn expression(&self) -> Option<&str> {
        match self.default {
            OwnDefault::Unsaid => None,
            OwnDefault::Said => self.column.default.as_ref().map(|default| &*default.expression),
            OwnDefault::Null => Some("NULL"),
        }
    }

    fn not_null_id(&self) -> Option<ObjectId> {
        let constraint = self.column.not_null_constraint.as_ref()?;
        Some(ObjectId::new(class::CONSTRAINT, constraint.oid))
    }
}

/// A table's statement, in which defaults and checks may be missing.
#[derive(Debug)]
pub struct Table {
    /// Qualified and quoted.
    name: Box<str>,
    /// Unquoted.
    bare_name: Box<str>,
    is_foreign: bool,
    is_partition: bool,
    is_unlogged: bool,
    of_type: Option<Box<str>>,
    columns: Box<[TableColumn]>,
    checks: Box<[Check]>,
    /// What follows the list of columns and checks.
    tail: Box<str>,
    /// Statements about the whole table.
    alterations: Box<str>,
}

impl Table {
    /// The table of a row.
    pub fn new(row: &TableRow, name: &str, columns: Vec<TableColumn>, checks: Vec<Check>) -> Self {
        Table {
            name: name.into(),
            bare_name: row.name.as_str().into(),
            is_foreign: row.is_foreign(),
            is_partition: row.is_partition,
            is_unlogged: row.unlogged,
            of_type: row.of_type.as_deref().map(Into::into),
            columns: columns.into(),
            checks: checks.into(),
            tail: tail(row).into(),
            alterations: alterations(row, name).into(),
        }
    }

    /// What is written inside the statement and can be split off.
    pub fn parts(&self) -> Vec<Part> {
        let defaults = self.columns.iter().filter_map(|c| {
            let id = c.default_id()?;
            // A generated column cannot get its expression later.
            let rank = (!c.column.is_generated()).then_some(Rank::ColumnDefault);
            Some(Part {
                id,
                rank,
                split: !c.is_printed && rank.is_some(),
            })
        });
        let not_nulls = self.columns.iter().filter_map(|c| {
            let invalid = c.column.not_null && c.column.has_invalid_not_null() && c.own_not_null;
            Some(Part {
                id: c.not_null_id().filter(|_| invalid)?,
                rank: Some(Rank::Constraint),
                split: true,
            })
        });
        defaults
            .chain(self.checks.iter().map(Check::part))
            .chain(not_nulls)
            .collect()
    }

    /// What comments call the constraints in the statement.
    pub fn constraint_addresses(&self) -> Vec<Address> {
        let not_nulls = self.columns.iter().filter_map(|c| {
            let constraint = ident(&c.column.not_null_constraint.as_ref()?.name);
            Some(Address {
                of: c.not_null_id()?,
                sub: 0,
                kind: "CONSTRAINT",
                name: format!("{constraint} ON {}", self.name),
            })
        });
        self.checks
            .iter()
            .map(|check| check.address(&self.name))
            .chain(not_nulls)
            .collect()
    }

    /// All its columns.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().map(|c| &c.column)
    }

    /// The clauses of one column, or `None` where a typed table has nothing to add to its type's.
    fn column_clause(&self, c: &TableColumn, form: &Form<'_>) -> Option<String> {
        let column = &c.column;
        let mut rest = String::new();
        let expression = c
            .expression()
            .filter(|_| !c.default_id().is_some_and(|id| form.is_split(id)));
        if let Some(expression) = expression {
            // Writing to a String cannot fail.
            let _ = match column.generated {
                Some(Generated::Stored) => write!(rest, " GENERATED ALWAYS AS ({expression}) STORED"),
                Some(Generated::Virtual) => write!(rest, " GENERATED ALWAYS AS ({expression})"),
                None => write!(rest, " DEFAULT {expression}"),
            };
        }
        if c.own_not_null || self.is_partition {
            rest.push_str(&column.not_null_clause(&self.bare_name));
        }
        if self.of_type.is_some() {
            return (!rest.is_empty()).then(|| format!("{}{rest}", ident(&column.name)));
        }
        if let Some(collation) = &column.collation {
            let _ = write!(rest, " COLLATE {collation}");
        }
        Some(format!("{} {}{rest}", ident(&column.name), column.r#type))
    }

    /// The constraint of an inherited column where it cannot be added afterwards.
    fn not_null_element(&self, c: &TableColumn) -> Option<String> {
        let clause = c.column.not_null_clause(&self.bare_name);
        let (name, no_inherit) = match clause.strip_suffix(" NO INHERIT") {
            Some(clause) => (clause, " NO INHERIT"),
            None => (clause.as_str(), ""),
        };
        let is_wanted = c.own_not_null && c.gets_not_null && !clause.is_empty();
        is_wanted.then(|| format!("{} {}{no_inherit}", name.trim_start(), ident(&c.column.name)))
    }

    fn write_create(&self, out: &mut String, form: &Form<'_>) -> std::fmt::Result {
        let unlogged = if self.is_unlogged { "UNLOGGED " } else { "" };
        let foreign = if self.is_foreign { "FOREIGN " } else { "" };
        write!(out, "CREATE {unlogged}{foreign}TABLE {}", self.name)?;
        if let Some(of_type) = &self.of_type {
            write!(out, " OF {of_type}")?;
        }
        let columns = self.columns.iter().filter_map(|c| match c.is_printed {
            true => self.column_clause(c, form),
            false => self.not_null_element(c),
        });
        let checks = self
            .checks
            .iter()
            .filter(|c| !form.is_split(c.id()))
            .map(Check::clause);
        let mut is_first = true;
        for element in columns.chain(checks) {
            out.push_str(if std::mem::take(&mut is_first) {
                " (\n    "
            } else {
                ",\n    "
            });
            out.push_str(&element);
        }
        match (is_first, &self.of_type) {
            (false, _) => out.push_str("\n)"),
            (true, None) => out.push_str(" (\n)"),
            (true, Some(_)) => {}
        }
        out.push_str(&self.tail);
        Ok(())
    }

    fn write_column_alterations(&self, out: &mut String) -> std::fmt::Result {
        let name = &self.name;
        for c in &self.columns {
            let own_clause = if !c.is_printed && c.own_not_null && !c.gets_not_null {
                c.column.not_null_clause(&self.bare_name)
            } else {
                String::new()
            };
            let column = ident(&c.column.name);
            match own_clause.strip_prefix(" CONSTRAINT ") {
                Some(named) => writeln!(out, "ALTER TABLE ONLY {name} ADD CONSTRAINT {named} {column};")?,
                None if own_clause.is_empty() => {}
                None => writeln!(out, "ALTER TABLE ONLY {name} ALTER COLUMN {column} SET NOT NULL;")?,
            }
            if !c.is_printed && c.default == OwnDefault::Null {
                writeln!(
                    out,
                    "ALTER TABLE ONLY {name} ALTER COLUMN {column} SET DEFAULT NULL;"
                )?;
            }
            out.push_str(&c.column.alterations(name, self.is_foreign));
        }
        Ok(())
    }

    fn default_statement(&self, c: &TableColumn, expression: &str) -> PartText {
        let column = ident(&c.column.name);
        let altered = if self.is_foreign {
            "FOREIGN TABLE ONLY"
        } else {
            "TABLE ONLY"
        };
        PartText {
            type_name: "DEFAULT",
            tag: format!("{} {}", self.bare_name, c.column.name),
            create: format!(
                "ALTER {altered} {} ALTER COLUMN {column} SET DEFAULT {expression};\n",
                self.name
            ),
            drop: default_drop(&self.name, &c.column.name),
        }
    }

    fn not_null_statement(&self, column: &Column) -> PartText {
        let constraint = column.not_null_constraint.as_ref();
        let constraint = ident(constraint.map_or("", |constraint| &constraint.name));
        PartText {
            type_name: "CONSTRAINT",
            tag: format!("{} {constraint}", self.bare_name),
            create: format!(
                "ALTER TABLE {}\n    ADD CONSTRAINT {constraint} NOT NULL {} NOT VALID;\n",
                self.name,
                ident(&column.name)
            ),
            drop: Drop::FromTable {
                altered: "TABLE",
                name: self.name.to_string(),
                action: "DROP CONSTRAINT",
                part: constraint,
            },
        }
    }
}

impl Definition for Table {
    fn create(&self, form: &Form<'_>) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = self.write_create(&mut out, form);
        let _ = self.write_column_alterations(&mut out);
        out.push_str(&self.alterations);
        out
    }

    fn create_part(&self, part: ObjectId) -> PartText {
        if let Some(check) = self.checks.iter().find(|check| check.id() == part) {
            let altered = if self.is_foreign { "FOREIGN TABLE" } else { "TABLE" };
            return check.statement(altered, &self.name, &self.bare_name);
        }
        for c in &self.columns {
            if let (true, Some(expression)) = (c.default_id() == Some(part), c.expression()) {
                return self.default_statement(c, expression);
            }
            if c.not_null_id() == Some(part) {
                return self.not_null_statement(&c.column);
            }
        }
        unreachable!("{part:?} is no part of table {}", self.name)
    }
}

/// What follows the list of columns: parents, partitioning, server, storage parameters.
fn tail(row: &TableRow) -> String {
    let mut out = String::new();
    if !row.parent_names.is_empty() && !row.is_partition {
        out.push_str(&format!("\nINHERITS ({})", row.parent_names.join(", ")));
    }
    if let Some(key) = &row.partition_key {
        out.push_str(&format!("\nPARTITION BY {key}"));
    }
    if let Some(server) = &row.server {
        out.push_str(&format!("\nSERVER {}", ident(server)));
    }
    let mut options = reloptions(row.options.as_deref().unwrap_or_default(), "");
    options.extend(reloptions(
        row.toast_options.as_deref().unwrap_or_default(),
        "toast.",
    ));
    if !options.is_empty() {
        out.push_str(&format!("\nWITH ({})", options.join(", ")));
    }
    if let Some(options) = &row.foreign_options {
        out.push_str(&format!("\nOPTIONS (\n    {options}\n)"));
    }
    out.push_str(";\n");
    out
}

/// What only ALTER TABLE can say of the table: replica identity, forced row security.
fn alterations(row: &TableRow, name: &str) -> String {
    let mut out = String::new();
    let identity = match row.replica_identity.as_str() {
        // A foreign table has no identity to set, though its catalog row says NOTHING.
        _ if row.is_foreign() => None,
        "f" => Some("FULL"),
        "n" => Some("NOTHING"),
        _ => None,
    };
    if let Some(identity) = identity {
        out.push_str(&format!(
            "\nALTER TABLE ONLY {name} REPLICA IDENTITY {identity};\n"
        ));
    }
    if row.force_row_security {
        out.push_str(&format!("\nALTER TABLE ONLY {name} FORCE ROW LEVEL SECURITY;\n"));
    }
    out
}

/// How a default that stands alone is dropped. The table that is there may have lost the column.
pub fn default_drop(table: &str, column: &str) -> Drop {
    Drop::Guarded {
        when: format!(
            "EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass({}) \
             AND attname = {} AND NOT attisdropped)",
            script_literal(table),
            script_literal(column)
        ),
        statement: format!(
            "ALTER TABLE {table} ALTER COLUMN {} DROP DEFAULT;\n",
            ident(column)
        ),
    }
}
