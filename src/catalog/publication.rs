//! Publications, their tables and their schemas.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::{ident, ident_list, qualified};

row_struct! {
    /// A publication.
    pub struct PublicationRow {
        oid: u32,
        name: String,
        owner: u32,
        all_tables: bool,
        /// `insert, update`.
        publish: String,
        via_root: bool,
        /// Stored generated columns are published too.
        generated_columns: bool,
    }
}

impl CatalogRow for PublicationRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::PUBLICATION, self.oid);
        let name = ident(&self.name);
        let mut create = format!("CREATE PUBLICATION {name}");
        if self.all_tables {
            create.push_str(" FOR ALL TABLES");
        }
        create.push_str(&format!(" WITH (publish = '{}'", self.publish));
        if self.via_root {
            create.push_str(", publish_via_partition_root = true");
        }
        if self.generated_columns {
            create.push_str(", publish_generated_columns = stored");
        }
        create.push_str(");\n");
        loader.add(
            Object::new(id, Rank::Publication, "PUBLICATION", None, &self.name, create).known_as(
                &loader.role(self.owner),
                "PUBLICATION",
                &name,
            ),
        );
        Ok(())
    }
}

row_struct! {
    /// A table of a publication.
    pub struct PublicationTableRow {
        oid: u32,
        publication_oid: u32,
        publication: String,
        /// The publication's.
        owner: u32,
        table_oid: u32,
        schema: String,
        table: String,
        /// `None`: all.
        columns: Option<Vec<String>>,
        filter: Option<String>,
    }
}

impl CatalogRow for PublicationTableRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let mut create = format!(
            "ALTER PUBLICATION {} ADD TABLE ONLY {}",
            ident(&self.publication),
            qualified(&self.schema, &self.table)
        );
        if let Some(columns) = &self.columns {
            create.push_str(&format!(" ({})", ident_list(columns.iter().map(String::as_str))));
        }
        if let Some(filter) = &self.filter {
            create.push_str(&format!(" WHERE ({filter})"));
        }
        create.push_str(";\n");
        let mut object = Object::new(
            ObjectId::new(class::PUBLICATION_REL, self.oid),
            Rank::PublicationRelation,
            "PUBLICATION TABLE",
            Some(&self.schema),
            &self.table,
            create,
        );
        object.tag = Some(format!("{} {}", self.publication, self.table));
        object.signature.clone_from(&self.publication);
        object.owner = Some(loader.role(self.owner));
        object.depends = vec![
            ObjectId::new(class::PUBLICATION, self.publication_oid),
            Loader::relation(self.table_oid),
        ];
        loader.add(object);
        Ok(())
    }
}

row_struct! {
    /// A schema of a publication.
    pub struct PublicationSchemaRow {
        oid: u32,
        publication_oid: u32,
        publication: String,
        /// The publication's.
        owner: u32,
        schema_oid: u32,
        schema: String,
    }
}

impl CatalogRow for PublicationSchemaRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let create = format!(
            "ALTER PUBLICATION {} ADD TABLES IN SCHEMA {};\n",
            ident(&self.publication),
            ident(&self.schema)
        );
        let mut object = Object::new(
            ObjectId::new(class::PUBLICATION_NAMESPACE, self.oid),
            Rank::PublicationSchema,
            "PUBLICATION TABLES IN SCHEMA",
            Some(&self.schema),
            &self.publication,
            create,
        );
        object.tag = Some(format!("{} {}", self.publication, self.schema));
        object.owner = Some(loader.role(self.owner));
        object.depends = vec![
            ObjectId::new(class::PUBLICATION, self.publication_oid),
            ObjectId::new(class::NAMESPACE, self.schema_oid),
        ];
        loader.add(object);
        Ok(())
    }
}
