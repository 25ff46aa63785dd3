//! The database itself: made, owned, commented and set up only where the user asks for it (`--create`).

use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::Privileges;
use super::row::row_struct;
use super::settings::assignment;
use crate::sql::{ident, script_literal};
use crate::{Error, Result};

row_struct! {
    /// The database.
    pub struct DatabaseRow {
        name: String,
        owner: u32,
        encoding: String,
        /// `c` the system's library, `i` ICU, `b` built in; `None`: a server that knows only the first.
        provider: Option<String>,
        collate: String,
        ctype: String,
        locale: Option<String>,
        rules: Option<String>,
        tablespace: String,
        /// -1: none.
        connection_limit: i32,
        is_template: bool,
        comment: Option<String>,
        settings: Vec<String>,
        /// Quoted; one for each of `role_settings`.
        roles: Vec<String>,
        role_settings: Vec<String>,
        acl: Option<Vec<String>>,
        default_acl: Option<Vec<String>>,
    }
}

/// The statements that make a database what it is, but for its objects.
#[derive(Debug)]
pub struct Database {
    /// Its name, unquoted.
    pub name: String,
    /// Its owner, unquoted.
    pub owner: String,
    /// `CREATE DATABASE`.
    pub create: String,
    /// `COMMENT ON DATABASE`, or nothing.
    pub comment: String,
    /// `ALTER DATABASE` and `ALTER ROLE ... IN DATABASE`, or nothing.
    pub properties: String,
    /// Where they are not those it has from birth.
    pub privileges: Option<Privileges>,
}

impl CatalogRow for DatabaseRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let name = ident(&self.name);
        let comment = self
            .comment
            .as_ref()
            .map(|text| format!("COMMENT ON DATABASE {name} IS {};\n", script_literal(text)))
            .unwrap_or_default();
        loader.catalog.database = Some(Database {
            create: self.create()?,
            comment,
            properties: self.properties(),
            owner: loader.role(self.owner),
            privileges: self.acl.map(|acl| Privileges {
                prefix: String::new(),
                on: format!("DATABASE {name}"),
                tag: format!("DATABASE {}", self.name),
                column: None,
                acl,
                base: self.default_acl.unwrap_or_default(),
            }),
            name: self.name,
        });
        Ok(())
    }
}

impl DatabaseRow {
    fn create(&self) -> Result<String> {
        let (provider, locale_word) = match self.provider.as_deref() {
            None => ("", None),
            Some("c") => (" LOCALE_PROVIDER = libc", None),
            Some("i") => (" LOCALE_PROVIDER = icu", Some("ICU_LOCALE")),
            Some("b") => (" LOCALE_PROVIDER = builtin", Some("BUILTIN_LOCALE")),
            Some(other) => {
                return Err(Error::failed(format!(
                    "database {} has the locale provider {other:?}, which is not known",
                    self.name
                )));
            }
        };
        let mut text = format!(
            "CREATE DATABASE {} WITH TEMPLATE = template0 ENCODING = {}{provider}",
            ident(&self.name),
            script_literal(&self.encoding)
        );
        let mut say =
            |word: &str, value: &str| text.push_str(&format!(" {word} = {}", script_literal(value)));
        if self.collate == self.ctype {
            say("LOCALE", &self.collate);
        } else {
            say("LC_COLLATE", &self.collate);
            say("LC_CTYPE", &self.ctype);
        }
        if let (Some(word), Some(locale)) = (locale_word, &self.locale) {
            say(word, locale);
        }
        if let Some(rules) = &self.rules {
            say("ICU_RULES", rules);
        }
        if self.tablespace != "pg_default" {
            text.push_str(&format!(" TABLESPACE = {}", ident(&self.tablespace)));
        }
        text.push_str(";\n");
        Ok(text)
    }

    fn properties(&self) -> String {
        let name = ident(&self.name);
        let mut text = String::new();
        if self.connection_limit != -1 {
            text.push_str(&format!(
                "ALTER DATABASE {name} CONNECTION LIMIT = {};\n",
                self.connection_limit
            ));
        }
        if self.is_template {
            text.push_str(&format!("ALTER DATABASE {name} IS_TEMPLATE = true;\n"));
        }
        for setting in &self.settings {
            text.push_str(&format!("ALTER DATABASE {name} SET {};\n", assignment(setting)));
        }
        for (role, setting) in self.roles.iter().zip(&self.role_settings) {
            text.push_str(&format!(
                "ALTER ROLE {role} IN DATABASE {name} SET {};\n",
                assignment(setting)
            ));
        }
        text
    }
}
