//! Views and materialised views.
//!
//! A view's query is a part of it: where the query closes a loop (it groups by a primary key, say, or calls a function
//! that returns the view's own row type), a dummy of the same columns comes first and the query replaces it later.

use super::column::{Column, DefaultValue, reloptions, with_columns};
use super::definition::{Definition, Form, Part, PartText};
use super::drop::Drop;
use super::id::{Facet, ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank, SessionState};
use super::row::row_struct;
use super::table_definition::default_drop;
use crate::Result;
use crate::sql::{ident, qualified, script_literal};

row_struct! {
    /// A view.
    pub struct ViewRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        is_materialized: bool,
        query: String,
        /// Its `_RETURN` rule, which depends on what the query names.
        rule: u32,
        options: Vec<String>,
        check_option: Option<String>,
        toast_options: Vec<String>,
        is_populated: bool,
        access_method: Option<String>,
        tablespace: String,
        acl: Option<Vec<String>>,
        default_acl: Option<Vec<String>>,
    }
}

/// A plain view, whose query may come later.
#[derive(Debug)]
struct View {
    bare_name: String,
    name: String,
    options: String,
    /// `AS` and the query, with the check option.
    body: String,
    columns: Vec<Column>,
}

impl CatalogRow for ViewRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = Loader::relation(self.oid);
        let rule = ObjectId::new(class::REWRITE, self.rule);
        let name = qualified(&self.schema, &self.name);
        let columns = loader.columns_of(self.oid);
        let kind = if self.is_materialized {
            "MATERIALIZED VIEW"
        } else {
            "VIEW"
        };
        let mut options = reloptions(&self.options, "");
        options.extend(reloptions(&self.toast_options, ""));
        let options = if options.is_empty() {
            String::new()
        } else {
            format!(" WITH ({})", options.join(", "))
        };
        let query = self.query.trim_end().trim_end_matches(';');

        let mut object = if self.is_materialized {
            let mut create = format!(
                "CREATE MATERIALIZED VIEW {name}{} AS\n{query}\n  WITH NO DATA;\n",
                options.replacen(' ', "\n", 1)
            );
            create.extend(columns.iter().map(|column| column.alterations(&name, false)));
            let mut object = Object::new(id, Rank::Table, kind, Some(&self.schema), &self.name, create);
            object.session = SessionState {
                access_method: self.access_method.as_deref().map(Into::into),
                tablespace: Some(self.tablespace.as_str().into()),
            };
            object.parts.push(Part {
                id: rule,
                rank: None,
                split: false,
            });
            object
        } else {
            let check = self.check_option.as_ref();
            let check = check
                .map(|which| format!("\n  WITH {which} CHECK OPTION"))
                .unwrap_or_default();
            let view = View {
                bare_name: self.name.clone(),
                name: name.clone(),
                options,
                body: format!(" AS\n{query}{check};\n"),
                columns: columns.clone(),
            };
            let mut object = Object::new(id, Rank::Table, kind, Some(&self.schema), &self.name, view);
            object.parts.push(Part {
                id: rule,
                rank: Some(Rank::Rule),
                split: false,
            });
            object
        };
        let base = loader.base_privileges(id, 0, self.default_acl.clone());
        object = object.known_as(&loader.role(self.owner), kind, &name).granted(
            format!("TABLE {name}"),
            None,
            self.acl.clone(),
            base,
        );
        let object = with_columns(object, loader, &columns, &name);
        loader.add(object);

        for column in &columns {
            self.add_default(column, &name, loader);
        }
        if self.is_materialized && self.is_populated {
            self.add_refresh(&name, loader);
        }
        Ok(())
    }
}

impl ViewRow {
    /// What an INSERT through the view takes when the column is not given.
    fn add_default(&self, column: &Column, name: &str, loader: &mut Loader) {
        let Some(default) = &column.default else {
            return;
        };
        let DefaultValue { oid, expression } = &**default;
        let quoted = ident(&column.name);
        let create = format!("ALTER TABLE ONLY {name} ALTER COLUMN {quoted} SET DEFAULT {expression};\n");
        let id = ObjectId::new(class::ATTRDEF, *oid);
        let mut object = Object::new(
            id,
            Rank::ColumnDefault,
            "DEFAULT",
            Some(&self.schema),
            &self.name,
            create,
        );
        object.tag = Some(format!("{} {}", self.name, column.name));
        object.signature = column.name.to_string();
        object.owner = Some(loader.role(self.owner));
        object.drop_by(default_drop(name, &column.name));
        object.depends.push(Loader::relation(self.oid));
        loader.add(object);
    }

    fn add_refresh(&self, name: &str, loader: &mut Loader) {
        let id = Loader::relation(self.oid);
        let mut object = Object::new(
            id.facet(Facet::Data),
            Rank::Refresh,
            "MATERIALIZED VIEW DATA",
            Some(&self.schema),
            &self.name,
            format!("REFRESH MATERIALIZED VIEW {name};\n"),
        );
        object.owner = Some(loader.role(self.owner));
        object.depends.push(id);
        loader.add(object);
    }
}

impl Definition for View {
    fn create(&self, form: &Form<'_>) -> String {
        if form.split.is_empty() {
            return format!("CREATE VIEW {}{}{}", self.name, self.options, self.body);
        }
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|c| {
                let collation = c
                    .collation
                    .as_ref()
                    .map(|co| format!(" COLLATE {co}"))
                    .unwrap_or_default();
                format!("\n    NULL::{}{collation} AS {}", c.r#type, ident(&c.name))
            })
            .collect();
        format!("CREATE VIEW {} AS\nSELECT{};\n", self.name, columns.join(","))
    }

    fn create_part(&self, _rule: ObjectId) -> PartText {
        let dummy = self.create(&Form {
            split: &[ObjectId::new(class::REWRITE, 0)],
        });
        PartText {
            type_name: "RULE",
            tag: format!("{} _RETURN", self.bare_name),
            create: format!(
                "CREATE OR REPLACE VIEW {}{}{}",
                self.name, self.options, self.body
            ),
            // Dropping the query leaves the dummy, so that what the query needs can go first.
            drop: Drop::Guarded {
                when: format!(
                    "pg_catalog.to_regclass({}) IS NOT NULL",
                    script_literal(&self.name)
                ),
                statement: dummy.replacen("CREATE VIEW", "CREATE OR REPLACE VIEW", 1),
            },
        }
    }
}
