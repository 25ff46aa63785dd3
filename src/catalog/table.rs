//! Tables: ordinary, partitioned, foreign, typed; children and partitions.
//!
//! A partition is a full CREATE TABLE and an ATTACH of its own; an inheritance child states only what is its own.

use std::collections::HashSet;
use std::fmt::Write;

use super::check::Check;
use super::column::{Column, reloptions, with_columns};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{
    Address, Data, Definition, Drop, Facet, Form, Object, ObjectId, Part, PartText, Rank, SessionState, class,
};
use super::row::row_struct;
use super::rows::TableRows;
use crate::Result;
use crate::sql::{comment_text, ident, ident_list, qualified, script_literal};

row_struct! {
    /// A table.
    pub struct TableRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        /// `r`, `p` or `f`.
        kind: String,
        unlogged: bool,
        is_partition: bool,
        bound: Option<String>,
        partition_key: Option<String>,
        of_type: Option<String>,
        options: Option<Vec<String>>,
        toast_options: Option<Vec<String>>,
        access_method: Option<String>,
        tablespace: String,
        row_security: bool,
        force_row_security: bool,
        /// `d` default, `n` nothing, `f` full, `i` index.
        replica_identity: String,
        parents: Vec<u32>,
        parent_names: Vec<String>,
        /// The partitioned table through which the rows must go, for where they belong is not the same in every
        /// database: an enum's values are hashed by their OIDs.
        rows_through: Option<String>,
        server: Option<String>,
        foreign_options: Option<String>,
        acl: Option<Vec<String>>,
        default_acl: Option<Vec<String>>,
    }
}

/// A column with what its parents know about it.
#[derive(Debug)]
struct TableColumn {
    column: Column,
    /// Stated in this table's own statement.
    is_printed: bool,
    /// NOT NULL is this table's own doing.
    own_not_null: bool,
    /// `DEFAULT ...`, this table's own; `NULL` where a parent's was removed.
    default: Option<String>,
    /// The default's node, where it has one.
    default_id: Option<ObjectId>,
}

/// A table's statement, in which defaults and checks may be missing.
#[derive(Debug)]
struct Table {
    row: TableRow,
    name: String,
    columns: Vec<TableColumn>,
    checks: Vec<Check>,
}

impl CatalogRow for TableRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        // Parents are looked up in every table's columns: they stay until all tables are loaded.
        loader.tables.push(self);
        Ok(())
    }
}

/// Makes objects of all tables, once every table's columns are known.
pub fn finish(loader: &mut Loader) {
    let rows = std::mem::take(&mut loader.tables);
    let parents: HashSet<u32> = rows.iter().flat_map(|row| row.parents.iter().copied()).collect();
    for row in rows {
        let own = if parents.contains(&row.oid) {
            loader.columns.get(&row.oid).cloned().unwrap_or_default()
        } else {
            loader.columns_of(row.oid)
        };
        let columns = table_columns(&row, own, loader);
        add(row, columns, loader);
    }
}

fn add(row: TableRow, columns: Vec<TableColumn>, loader: &mut Loader) {
    let id = Loader::relation(row.oid);
    let name = qualified(&row.schema, &row.name);
    let checks = loader.checks.remove(&id).unwrap_or_default();
    let checks: Vec<Check> = checks
        .into_iter()
        .filter(|c| c.is_local || row.is_partition)
        .collect();
    let type_name = if row.kind == "f" { "FOREIGN TABLE" } else { "TABLE" };

    let base = loader.base_privileges(id, 0, row.default_acl.clone());
    let plain: Vec<Column> = columns.iter().map(|c| c.column.clone()).collect();
    let definition = Table {
        name: name.clone(),
        columns,
        checks,
        row: row.clone(),
    };
    let parts = definition.parts();
    let mut addresses = definition.constraint_addresses();
    let mut object = Object::new(
        id,
        Rank::Table,
        type_name,
        Some(&row.schema),
        &row.name,
        definition,
    )
    .owned(&loader.role(row.owner), "TABLE", &name)
    .addressed(type_name, &name)
    .dropped(type_name, &name)
    .granted(format!("TABLE {name}"), None, row.acl.clone(), base);
    if row.kind == "f" {
        object.owner_addresses = vec![format!("FOREIGN TABLE {name}")];
    }
    object.parts = parts;
    object.session = SessionState {
        access_method: row.access_method.clone(),
        tablespace: (row.kind != "f").then(|| row.tablespace.clone()),
    };
    let mut object = with_columns(object, loader, &plain, &name);
    object.addresses.append(&mut addresses);
    loader.add(object);

    if row.is_partition {
        add_attach(&row, &name, loader);
    }
    if row.row_security {
        let create = format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;\n");
        let switch = id.facet(Facet::State);
        let mut object = Object::new(
            switch,
            Rank::Policy,
            "ROW SECURITY",
            Some(&row.schema),
            &row.name,
            create,
        );
        object.owner = Some(loader.role(row.owner));
        object.depends.push(id);
        loader.add(object);
    }
    if row.kind == "r" && loader.rows {
        add_rows(&row, &plain, loader);
    }
}

/// The table's columns with what is inherited taken apart from what is its own.
fn table_columns(row: &TableRow, own: Vec<Column>, loader: &Loader) -> Vec<TableColumn> {
    own.into_iter()
        .map(|column| {
            let inherited: Vec<&Column> = row
                .parents
                .iter()
                .filter_map(|parent| loader.columns.get(parent))
                .filter_map(|columns| columns.iter().find(|c| c.name == column.name))
                .collect();
            let is_printed = column.is_local || row.is_partition;
            let own_not_null = match column.not_null_oid {
                // A valid one under parents' that are not valid yet would not come back with theirs.
                Some(_) => {
                    column.not_null_is_local == Some(true)
                        || column.not_null_valid == Some(true)
                            && inherited.iter().all(|parent| parent.not_null_valid != Some(true))
                }
                None => !inherited.iter().any(|parent| parent.not_null),
            };
            let parent_default = inherited
                .iter()
                .any(|parent| parent.default_oid.is_some() && !parent.is_generated());
            let repeats_generated = column.is_generated()
                && !row.is_partition
                && inherited.iter().any(|parent| parent.is_generated());
            let (default, default_id) = match (&column.default_expression, column.default_oid) {
                (Some(_), _) if repeats_generated => (None, None),
                (Some(expression), Some(oid)) => {
                    (Some(expression.clone()), Some(ObjectId::new(class::ATTRDEF, oid)))
                }
                _ if parent_default && column.identity.is_empty() => (Some("NULL".to_string()), None),
                _ => (None, None),
            };
            TableColumn {
                column,
                is_printed,
                own_not_null,
                default,
                default_id,
            }
        })
        .collect()
}

fn add_attach(row: &TableRow, name: &str, loader: &mut Loader) {
    let (Some(&parent), Some(parent_name), Some(bound)) =
        (row.parents.first(), row.parent_names.first(), &row.bound)
    else {
        return;
    };
    let id = Loader::relation(row.oid).facet(Facet::Attach);
    let create = format!("ALTER TABLE ONLY {parent_name} ATTACH PARTITION {name} {bound};\n");
    let mut object = Object::new(
        id,
        Rank::TableAttach,
        "TABLE ATTACH",
        Some(&row.schema),
        &row.name,
        create,
    );
    object.owner = Some(loader.role(row.owner));
    object.depends = vec![Loader::relation(row.oid), Loader::relation(parent)];
    loader.add(object);
}

fn add_rows(row: &TableRow, columns: &[Column], loader: &mut Loader) {
    let (bytes, heap_pages) = loader.sizes.get(&row.oid).copied().unwrap_or_default();
    let columns = columns
        .iter()
        .filter(|c| !c.is_generated())
        .map(|c| c.name.clone())
        .collect();
    let mut rows = table_rows(row.oid, &row.schema, &row.name, columns, None, bytes, heap_pages);
    if let Some(root) = &row.rows_through {
        let list = rows
            .begin
            .split_off("COPY ".len() + qualified(&row.schema, &row.name).len());
        rows.begin = format!(
            "-- load via partition root {}\nCOPY {root}{list}",
            comment_text(root)
        );
    }
    let owner = loader.role(row.owner);
    loader.add(rows_object(rows, Some(owner)));
}

/// A table's rows with the text around them.
pub fn table_rows(
    oid: u32,
    schema: &str,
    name: &str,
    columns: Vec<String>,
    filter: Option<String>,
    bytes: u64,
    heap_pages: Option<u32>,
) -> TableRows {
    let list = ident_list(columns.iter().map(String::as_str));
    let list = if columns.is_empty() {
        String::new()
    } else {
        format!(" ({list})")
    };
    TableRows {
        oid,
        schema: schema.to_string(),
        name: name.to_string(),
        begin: format!("COPY {}{list} FROM stdin;\n", qualified(schema, name)),
        end: "\\.\n\n\n".to_string(),
        columns,
        filter,
        heap_pages,
        bytes,
    }
}

/// The node of a table's rows.
pub fn rows_object(rows: TableRows, owner: Option<String>) -> Object {
    let table = Loader::relation(rows.oid);
    let id = table.facet(Facet::Data);
    let mut object = Object::new(
        id,
        Rank::TableData,
        "TABLE DATA",
        Some(&rows.schema),
        &rows.name,
        String::new(),
    );
    object.owner = owner;
    object.depends.push(table);
    object.data = Some(Data::Rows(Box::new(rows)));
    object
}

impl Table {
    fn parts(&self) -> Vec<Part> {
        let defaults = self.columns.iter().filter_map(|c| {
            let id = c.default_id?;
            // A generated column cannot get its expression later.
            let rank = (!c.column.is_generated()).then_some(Rank::ColumnDefault);
            Some(Part {
                id,
                rank,
                split: !c.is_printed && rank.is_some(),
            })
        });
        let not_nulls = self.columns.iter().filter_map(|c| {
            let invalid = c.column.not_null && c.column.not_null_valid == Some(false) && c.own_not_null;
            let oid = c.column.not_null_oid.filter(|_| invalid)?;
            Some(Part {
                id: ObjectId::new(class::CONSTRAINT, oid),
                rank: Some(Rank::Constraint),
                split: true,
            })
        });
        defaults
            .chain(self.checks.iter().map(Check::part))
            .chain(not_nulls)
            .collect()
    }

    fn constraint_addresses(&self) -> Vec<Address> {
        let not_nulls = self.columns.iter().filter_map(|c| {
            let of = ObjectId::new(class::CONSTRAINT, c.column.not_null_oid?);
            let name = format!("{} ON {}", ident(c.column.not_null_name.as_deref()?), self.name);
            Some(Address {
                of,
                sub: 0,
                kind: "CONSTRAINT",
                name,
            })
        });
        self.checks
            .iter()
            .map(|check| check.address(&self.name))
            .chain(not_nulls)
            .collect()
    }

    fn is_foreign(&self) -> bool {
        self.row.kind == "f"
    }

    /// The clauses of one column, or `None` where a typed table has nothing to add to its type's.
    fn column_clause(&self, c: &TableColumn, form: &Form<'_>) -> Option<String> {
        let column = &c.column;
        let mut rest = String::new();
        let default = c
            .default
            .as_ref()
            .filter(|_| !c.default_id.is_some_and(|id| form.is_split(id)));
        match default {
            Some(expression) if column.generated == "s" => {
                let _ = write!(rest, " GENERATED ALWAYS AS ({expression}) STORED");
            }
            Some(expression) if column.is_generated() => {
                let _ = write!(rest, " GENERATED ALWAYS AS ({expression})");
            }
            Some(expression) => {
                let _ = write!(rest, " DEFAULT {expression}");
            }
            None => {}
        }
        if c.own_not_null || self.row.is_partition {
            rest.push_str(&column.not_null_clause(&self.row.name));
        }
        if self.row.of_type.is_some() {
            return (!rest.is_empty()).then(|| format!("{}{rest}", ident(&column.name)));
        }
        if let Some(collation) = &column.collation {
            let _ = write!(rest, " COLLATE {collation}");
        }
        Some(format!("{} {}{rest}", ident(&column.name), column.r#type))
    }

    fn elements(&self, form: &Form<'_>) -> Vec<String> {
        let columns = self
            .columns
            .iter()
            .filter(|c| c.is_printed)
            .filter_map(|c| self.column_clause(c, form));
        let checks = self
            .checks
            .iter()
            .filter(|c| !form.is_split(c.id()))
            .map(Check::clause);
        columns.chain(checks).collect()
    }

    fn write_create(&self, out: &mut String, form: &Form<'_>) -> std::fmt::Result {
        let row = &self.row;
        let unlogged = if row.unlogged { "UNLOGGED " } else { "" };
        let foreign = if self.is_foreign() { "FOREIGN " } else { "" };
        write!(out, "CREATE {unlogged}{foreign}TABLE {}", self.name)?;
        let elements = self.elements(form);
        if let Some(of_type) = &row.of_type {
            write!(out, " OF {of_type}")?;
        }
        if row.of_type.is_none() || !elements.is_empty() {
            write!(out, " (\n    {}\n)", elements.join(",\n    "))?;
            if elements.is_empty() {
                out.truncate(out.len() - "\n    \n)".len());
                out.push_str("\n)");
            }
        }
        if !row.parent_names.is_empty() && !row.is_partition {
            write!(out, "\nINHERITS ({})", row.parent_names.join(", "))?;
        }
        if let Some(key) = &row.partition_key {
            write!(out, "\nPARTITION BY {key}")?;
        }
        if let Some(server) = &row.server {
            write!(out, "\nSERVER {}", ident(server))?;
        }
        let mut options = reloptions(row.options.as_deref().unwrap_or_default(), "");
        options.extend(reloptions(
            row.toast_options.as_deref().unwrap_or_default(),
            "toast.",
        ));
        if !options.is_empty() {
            write!(out, "\nWITH ({})", options.join(", "))?;
        }
        if let Some(options) = &row.foreign_options {
            write!(out, "\nOPTIONS (\n    {options}\n)")?;
        }
        out.push_str(";\n");
        Ok(())
    }

    fn write_alterations(&self, out: &mut String) -> std::fmt::Result {
        let (row, name) = (&self.row, &self.name);
        for c in &self.columns {
            let column = ident(&c.column.name);
            let own_clause = c.column.not_null_clause(&row.name);
            if !c.is_printed && c.own_not_null && !own_clause.is_empty() {
                match own_clause.strip_prefix(" CONSTRAINT ") {
                    Some(named) => writeln!(out, "ALTER TABLE ONLY {name} ADD CONSTRAINT {named} {column};")?,
                    None => writeln!(out, "ALTER TABLE ONLY {name} ALTER COLUMN {column} SET NOT NULL;")?,
                }
            }
            if !c.is_printed && c.default_id.is_none() && c.default.is_some() {
                writeln!(
                    out,
                    "ALTER TABLE ONLY {name} ALTER COLUMN {column} SET DEFAULT NULL;"
                )?;
            }
            out.push_str(&c.column.alterations(name, self.is_foreign()));
        }
        match row.replica_identity.as_str() {
            // A foreign table has no identity to set, though its catalog row says NOTHING.
            _ if self.is_foreign() => {}
            "f" => writeln!(out, "\nALTER TABLE ONLY {name} REPLICA IDENTITY FULL;")?,
            "n" => writeln!(out, "\nALTER TABLE ONLY {name} REPLICA IDENTITY NOTHING;")?,
            _ => {}
        }
        if row.force_row_security {
            writeln!(out, "\nALTER TABLE ONLY {name} FORCE ROW LEVEL SECURITY;")?;
        }
        Ok(())
    }

    fn default_statement(&self, c: &TableColumn, expression: &str) -> PartText {
        let column = ident(&c.column.name);
        let altered = if self.is_foreign() {
            "FOREIGN TABLE ONLY"
        } else {
            "TABLE ONLY"
        };
        PartText {
            type_name: "DEFAULT",
            tag: format!("{} {}", self.row.name, c.column.name),
            create: format!(
                "ALTER {altered} {} ALTER COLUMN {column} SET DEFAULT {expression};\n",
                self.name
            ),
            drop: default_drop(&self.name, &c.column.name),
        }
    }
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

impl Definition for Table {
    fn create(&self, form: &Form<'_>) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = self.write_create(&mut out, form);
        let _ = self.write_alterations(&mut out);
        out
    }

    fn create_part(&self, part: ObjectId) -> PartText {
        if let Some(check) = self.checks.iter().find(|check| check.id() == part) {
            let altered = if self.is_foreign() {
                "FOREIGN TABLE"
            } else {
                "TABLE"
            };
            return check.statement(altered, &self.name, &self.row.name);
        }
        for c in &self.columns {
            if let (true, Some(expression)) = (c.default_id == Some(part), &c.default) {
                return self.default_statement(c, expression);
            }
            if c.column
                .not_null_oid
                .is_some_and(|oid| ObjectId::new(class::CONSTRAINT, oid) == part)
            {
                return self.not_null_statement(&c.column);
            }
        }
        unreachable!("{part:?} is no part of table {}", self.name)
    }
}

impl Table {
    fn not_null_statement(&self, column: &Column) -> PartText {
        let constraint = ident(column.not_null_name.as_deref().unwrap_or_default());
        PartText {
            type_name: "CONSTRAINT",
            tag: format!("{} {constraint}", self.row.name),
            create: format!(
                "ALTER TABLE {}\n    ADD CONSTRAINT {constraint} NOT NULL {} NOT VALID;\n",
                self.name,
                ident(&column.name)
            ),
            drop: Drop::FromTable {
                altered: "TABLE",
                name: self.name.clone(),
                action: "DROP CONSTRAINT",
                part: constraint,
            },
        }
    }
}
