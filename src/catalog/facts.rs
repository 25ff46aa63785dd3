//! Facts about objects of every kind, each from a catalog of its own: roles, dependencies, comments, labels, initial
//! privileges, sizes.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::{Dependency, Loader, SecurityLabel};
use super::row::row_struct;
use crate::{Error, Result};

row_struct! {
    /// A role.
    pub struct RoleRow { oid: u32, name: String, }
}

impl CatalogRow for RoleRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        loader.roles.insert(self.oid, self.name.into());
        Ok(())
    }
}

row_struct! {
    /// A dependency.
    pub struct DependRow { class: u32, oid: u32, on_class: u32, on_oid: u32, kind: i8, }
}

impl CatalogRow for DependRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let of = ObjectId::new(self.class, self.oid);
        let on = ObjectId::new(self.on_class, self.on_oid);
        let kind = self.kind as u8;
        // A member of an extension is made by CREATE EXTENSION: who needs the member needs the extension.
        if kind == b'e' && self.on_class == class::EXTENSION {
            loader.catalog.aliases.insert(of, on);
        } else if kind == b'x' {
            loader
                .catalog
                .extension_dependencies
                .entry(of)
                .or_default()
                .push(on);
            loader.catalog.dependencies.push(Dependency { of, on });
        } else {
            // What the server made inside another object (toast tables, triggers of foreign keys) stands for it.
            if kind == b'i' {
                loader.catalog.aliases.entry(of).or_insert(on);
            }
            loader.catalog.dependencies.push(Dependency { of, on });
        }
        Ok(())
    }
}

row_struct! {
    /// A row that stands for another object.
    pub struct AliasRow { class: u32, oid: u32, for_class: u32, for_oid: u32, }
}

impl CatalogRow for AliasRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let from = ObjectId::new(self.class, self.oid);
        // Membership in an extension says more, and is loaded before.
        loader
            .catalog
            .aliases
            .entry(from)
            .or_insert(ObjectId::new(self.for_class, self.for_oid));
        Ok(())
    }
}

row_struct! {
    /// A comment.
    pub struct CommentRow { class: u32, oid: u32, sub: i32, text: String, }
}

impl CatalogRow for CommentRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(self.class, self.oid);
        loader
            .catalog
            .comments
            .entry(id)
            .or_default()
            .push((self.sub, self.text));
        Ok(())
    }
}

row_struct! {
    /// A security label.
    pub struct SecurityLabelRow { class: u32, oid: u32, sub: i32, provider: String, label: String, }
}

impl CatalogRow for SecurityLabelRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(self.class, self.oid);
        let label = SecurityLabel {
            sub: self.sub,
            provider: self.provider,
            label: self.label,
        };
        loader.catalog.security_labels.entry(id).or_default().push(label);
        Ok(())
    }
}

row_struct! {
    /// Privileges an object started with.
    pub struct InitialPrivilegesRow { class: u32, oid: u32, sub: i32, acl: Vec<String>, }
}

impl CatalogRow for InitialPrivilegesRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        loader
            .initial_privileges
            .insert((ObjectId::new(self.class, self.oid), self.sub), self.acl);
        Ok(())
    }
}

row_struct! {
    /// The statistics target of a column of an index.
    pub struct IndexStatisticsRow { index: u32, number: i16, target: i32, }
}

impl CatalogRow for IndexStatisticsRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let targets = loader.index_statistics.entry(self.index).or_default();
        targets.push((self.number, self.target));
        Ok(())
    }
}

row_struct! {
    /// A table's size.
    pub struct TableSizeRow {
        oid: u32,
        name: String,
        schema: String,
        /// `None`: there is no such table any more.
        bytes: Option<i64>,
        heap_pages: Option<i64>,
    }
}

impl CatalogRow for TableSizeRow {
    const FOR_ROWS: bool = true;

    fn load(self, loader: &mut Loader) -> Result<()> {
        let odd = || Error::failed(format!("the server gave table {} a size out of range", self.name));
        // Its name may be another table's by now, whose rows the snapshot does not see: pg_dump writes none.
        if self.bytes.is_none() && !loader.scope.choice.relation(self.oid, &self.schema) {
            return Ok(());
        }
        let bytes = self.bytes.ok_or_else(|| {
            Error::failed(format!(
                "table {} was dropped or replaced after the snapshot was taken and before it could be locked",
                self.name
            ))
            .hint("Try again; a dump takes its locks as soon as it has its snapshot.")
        })?;
        let bytes = u64::try_from(bytes).map_err(|_| odd())?;
        let pages = self
            .heap_pages
            .map(u32::try_from)
            .transpose()
            .map_err(|_| odd())?;
        loader.sizes.insert(self.oid, (bytes, pages));
        Ok(())
    }
}
