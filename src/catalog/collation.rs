//! Collations: of the system's library, of ICU (with rules), built in; deterministic or not.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::sql::{qualified, script_literal};
use crate::{Error, Result};

row_struct! {
    /// A collation.
    pub struct CollationRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        /// `c` the system's library, `i` ICU, `b` built in.
        provider: String,
        is_deterministic: bool,
        collate: Option<String>,
        ctype: Option<String>,
        locale: Option<String>,
        rules: Option<String>,
    }
}

impl CatalogRow for CollationRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::COLLATION, self.oid);
        let name = qualified(&self.schema, &self.name);
        let create = self.create(&name)?;
        loader.add(
            Object::new(
                id,
                Rank::Collation,
                "COLLATION",
                Some(&self.schema),
                &self.name,
                create,
            )
            .known_as(&loader.role(self.owner), "COLLATION", &name),
        );
        Ok(())
    }
}

impl CollationRow {
    fn create(&self, name: &str) -> Result<String> {
        let provider = match self.provider.as_str() {
            "c" => "libc",
            "i" => "icu",
            "b" => "builtin",
            other => {
                return Err(Error::failed(format!(
                    "collation {name} has the provider {other:?}, which is not known"
                )));
            }
        };
        let mut text = format!("CREATE COLLATION {name} (provider = {provider}");
        let mut say = |word: &str, value: Option<&String>| {
            if let Some(value) = value {
                text.push_str(&format!(", {word} = {}", script_literal(value)));
            }
        };
        if !self.is_deterministic {
            say("deterministic", Some(&"false".to_string()));
        }
        if provider != "libc" {
            say("locale", self.locale.as_ref());
            say("rules", self.rules.as_ref());
        } else if self.collate == self.ctype {
            say("locale", self.collate.as_ref());
        } else {
            say("lc_collate", self.collate.as_ref());
            say("lc_ctype", self.ctype.as_ref());
        }
        text.push_str(");\n");
        Ok(text.replacen("deterministic = 'false'", "deterministic = false", 1))
    }
}
