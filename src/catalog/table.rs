//! Tables: ordinary, partitioned, foreign, typed; children and partitions.
//!
//! A partition is a full CREATE TABLE and an ATTACH of its own; an inheritance child states only what is its own.

use std::collections::HashSet;

use super::check::Check;
use super::column::{Column, with_columns};
use super::id::Facet;
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank, SessionState};
use super::row::row_struct;
use super::rows::{rows_object, table_rows};
use super::table_definition::{OwnDefault, Table, TableColumn};
use crate::Result;
use crate::sql::qualified;

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
        /// Or once had some.
        has_children: bool,
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

impl CatalogRow for TableRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        if self.parents.is_empty() && !self.has_children {
            let own = loader.columns_of(self.oid);
            let columns = table_columns(&self, own, loader);
            add(self, columns, loader);
        } else {
            // Parents are looked up by their children: they stay until all tables are known.
            loader.tables.push(self);
        }
        Ok(())
    }
}

impl TableRow {
    /// Whether its rows live on a foreign server.
    pub fn is_foreign(&self) -> bool {
        self.kind == "f"
    }
}

/// Makes objects of the tables that are parents or children, once all are known.
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
    let type_name = if row.is_foreign() {
        "FOREIGN TABLE"
    } else {
        "TABLE"
    };

    let has_rows = row.kind == "r" || loader.scope.choice.foreign_tables.contains(&row.oid);
    if has_rows && loader.scope.rows {
        add_rows(&row, columns.iter().map(|c| &c.column), loader);
    }
    let base = loader.base_privileges(id, 0, row.default_acl.clone());
    let table = Table::new(&row, &name, columns, checks);
    let parts = table.parts();
    let mut addresses = table.constraint_addresses();
    let session = SessionState {
        access_method: row.access_method.as_deref().map(Into::into),
        tablespace: (!row.is_foreign()).then(|| row.tablespace.as_str().into()),
    };
    let bare = Object::new(
        id,
        Rank::Table,
        type_name,
        Some(&row.schema),
        &row.name,
        String::new(),
    )
    .owned(&loader.role(row.owner), "TABLE", &name)
    .addressed(type_name, &name)
    .dropped(type_name, &name)
    .granted(format!("TABLE {name}"), None, row.acl.clone(), base);
    let mut object = with_columns(bare, loader, table.columns(), &name);
    object.definition = table.into();
    if row.is_foreign() {
        object.owner_addresses = vec![format!("FOREIGN TABLE {name}")];
    }
    object.parts = parts;
    object.session = session;
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
            TableColumn {
                is_printed: column.is_local || row.is_partition,
                own_not_null: is_not_null_by_itself(&column, &inherited),
                gets_not_null: inherited.iter().any(|parent| hands_down_not_null(parent)),
                default: own_default(&column, &inherited, row.is_partition),
                column,
            }
        })
        .collect()
}

/// Whether a table is made with the NOT NULL constraint of this column of a parent's (18+).
fn hands_down_not_null(parent: &Column) -> bool {
    let constraint = parent.not_null_constraint.as_ref();
    parent.not_null && constraint.is_some_and(|constraint| constraint.is_valid && !constraint.no_inherit)
}

fn is_not_null_by_itself(column: &Column, inherited: &[&Column]) -> bool {
    let Some(constraint) = &column.not_null_constraint else {
        return !inherited.iter().any(|parent| parent.not_null);
    };
    let is_valid = |parent: &&Column| {
        let constraint = parent.not_null_constraint.as_ref();
        constraint.is_some_and(|constraint| constraint.is_valid)
    };
    // A valid one under parents' that are not valid yet would not come back with theirs.
    constraint.is_local || constraint.is_valid && !inherited.iter().any(is_valid)
}

fn own_default(column: &Column, inherited: &[&Column], is_partition: bool) -> OwnDefault {
    let is_generated_there = || inherited.iter().any(|parent| parent.is_generated());
    let has_default_there = || {
        inherited
            .iter()
            .any(|parent| parent.default.is_some() && !parent.is_generated())
    };
    match &column.default {
        Some(_) if column.is_generated() && !is_partition && is_generated_there() => OwnDefault::Unsaid,
        Some(_) => OwnDefault::Said,
        None if !column.is_identity && has_default_there() => OwnDefault::Null,
        None => OwnDefault::Unsaid,
    }
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

fn add_rows<'c>(row: &TableRow, columns: impl Iterator<Item = &'c Column>, loader: &mut Loader) {
    let (bytes, heap_pages) = loader.sizes.get(&row.oid).copied().unwrap_or_default();
    let columns = columns
        .filter(|c| !c.is_generated())
        .map(|c| c.name.to_string())
        .collect();
    let mut rows = table_rows(row.oid, &row.schema, &row.name, columns, None, bytes, heap_pages);
    rows.through.clone_from(&row.rows_through);
    if row.kind == "f" {
        // Plain COPY does not read foreign tables, a query does.
        rows.filter = Some("true".to_string());
    }
    let owner = loader.role(row.owner);
    loader.add(rows_object(rows, Some(owner)));
}
