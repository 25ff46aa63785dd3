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
        label_providers: Vec<String>,
        /// One for each of `label_providers`.
        labels: Vec<String>,
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
    /// `SECURITY LABEL ... ON DATABASE`, or nothing.
    pub labels: String,
    /// `ALTER DATABASE` and `ALTER ROLE ... IN DATABASE`, or nothing.
    pub properties: String,
    /// Where they are not those it has from birth.
    pub privileges: Option<Privileges>,
}

impl CatalogRow for DatabaseRow {
    fn load(mut self, loader: &mut Loader) -> Result<()> {
        if !loader.scope.tablespaces {
            self.tablespace = "pg_default".to_string();
        }
        let name = ident(&self.name);
        let comment = self
            .comment
            .as_ref()
            .map(|text| format!("COMMENT ON DATABASE {name} IS {};\n", script_literal(text)))
            .unwrap_or_default();
        loader.catalog.database = Some(Database {
            create: self.create()?,
            comment,
            labels: self.labels(),
            properties: self.properties(),
            owner: loader.role(self.owner).to_string(),
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

    fn labels(&self) -> String {
        let name = ident(&self.name);
        let say = |(provider, label): (&String, &String)| {
            format!(
                "SECURITY LABEL FOR {} ON DATABASE {name} IS {};\n",
                ident(provider),
                script_literal(label)
            )
        };
        self.label_providers.iter().zip(&self.labels).map(say).collect()
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

#[cfg(test)]
mod tests {
    use super::DatabaseRow;

    /// No server that the tests can have comes with a label provider.
    #[test]
    fn security_labels_of_a_database_are_said_one_by_one() {
        let row = DatabaseRow {
            name: "Shop".into(),
            owner: 10,
            encoding: "UTF8".into(),
            provider: None,
            collate: "C".into(),
            ctype: "C".into(),
            locale: None,
            rules: None,
            tablespace: "pg_default".into(),
            connection_limit: -1,
            is_template: false,
            comment: None,
            settings: vec![],
            roles: vec![],
            role_settings: vec![],
            label_providers: vec!["selinux".into(), "my label".into()],
            labels: vec!["system_u:object_r".into(), "it's \\ secret".into()],
            acl: None,
            default_acl: None,
        };
        assert_eq!(
            row.labels(),
            "SECURITY LABEL FOR selinux ON DATABASE \"Shop\" IS 'system_u:object_r';\n\
             SECURITY LABEL FOR \"my label\" ON DATABASE \"Shop\" IS 'it''s \\ secret';\n"
        );
    }
}
