//! Procedural languages made by CREATE LANGUAGE.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::ident;

row_struct! {
    /// A procedural language.
    pub struct LanguageRow {
        oid: u32,
        name: String,
        owner: u32,
        is_trusted: bool,
        handler: Option<String>,
        inline: Option<String>,
        validator: Option<String>,
        acl: Option<Vec<String>>,
        default_acl: Option<Vec<String>>,
    }
}

impl CatalogRow for LanguageRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::LANGUAGE, self.oid);
        let name = ident(&self.name);
        let trusted = if self.is_trusted { "TRUSTED " } else { "" };
        let mut create = format!("CREATE {trusted}PROCEDURAL LANGUAGE {name}");
        let functions = [
            ("HANDLER", &self.handler),
            ("INLINE", &self.inline),
            ("VALIDATOR", &self.validator),
        ];
        for (word, function) in functions {
            if let Some(function) = function {
                create.push_str(&format!(" {word} {function}"));
            }
        }
        create.push_str(";\n");
        let kind = "PROCEDURAL LANGUAGE";
        let base = loader.base_privileges(id, 0, self.default_acl);
        loader.add(
            Object::new(id, Rank::Language, kind, None, &self.name, create)
                .owned(&loader.role(self.owner), kind, &name)
                .addressed("LANGUAGE", &name)
                .dropped(kind, &name)
                .granted(format!("LANGUAGE {name}"), None, self.acl, base),
        );
        Ok(())
    }
}
