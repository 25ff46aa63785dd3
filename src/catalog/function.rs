//! Functions and procedures in any language.

use std::fmt::Write;

use super::begin::quote_begin;
use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use super::settings::assignment;
use crate::Result;
use crate::sql::{dollar_quoted, ident, qualified, script_literal};

row_struct! {
    /// A function or procedure.
    pub struct FunctionRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        is_procedure: bool,
        is_window: bool,
        /// With names, modes and defaults.
        arguments: String,
        /// Without defaults.
        identity_arguments: String,
        /// Types only.
        argument_types: String,
        argument_count: i16,
        /// `None`: a procedure.
        result: Option<String>,
        /// Types with a transform.
        transforms: Vec<String>,
        language: String,
        source: String,
        library: Option<String>,
        /// `BEGIN ATOMIC ... END` or `RETURN ...`.
        body: Option<String>,
        volatility: String,
        is_strict: bool,
        is_security_definer: bool,
        is_leakproof: bool,
        returns_set: bool,
        cost: f32,
        rows: f32,
        support: Option<String>,
        parallel: String,
        settings: Option<Vec<String>>,
        acl: Option<Vec<String>>,
        default_acl: Option<Vec<String>>,
    }
}

impl CatalogRow for FunctionRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::PROC, self.oid);
        let kind = if self.is_procedure {
            "PROCEDURE"
        } else {
            "FUNCTION"
        };
        let address = format!(
            "{}({})",
            qualified(&self.schema, &self.name),
            self.identity_arguments
        );
        let mut object = Object::new(
            id,
            Rank::Function,
            kind,
            Some(&self.schema),
            &self.name,
            self.create(kind),
        )
        .known_as(&loader.role(self.owner), kind, &address);
        object.tag = Some(format!("{}({})", self.name, self.argument_types));
        object.signature = format!("{:05}{}", self.argument_count, self.argument_types);
        let base = loader.base_privileges(id, 0, self.default_acl);
        loader.add(object.granted(format!("{kind} {address}"), None, self.acl, base));
        Ok(())
    }
}

impl FunctionRow {
    fn create(&self, kind: &str) -> String {
        let mut text = format!(
            "CREATE {kind} {}({})",
            qualified(&self.schema, &self.name),
            self.arguments
        );
        // Writing to a String cannot fail.
        let _ = self.write_attributes(&mut text);
        if let Some(body) = &self.body {
            let _ = write!(text, "\n    {body}");
        }
        let mut text = quote_begin(text);
        if self.body.is_none() {
            self.write_source(&mut text);
        }
        text.push_str(";\n");
        text
    }

    fn write_attributes(&self, text: &mut String) -> std::fmt::Result {
        if let Some(result) = &self.result {
            write!(text, " RETURNS {result}")?;
        }
        write!(text, "\n    LANGUAGE {}", ident(&self.language))?;
        for (at, name) in self.transforms.iter().enumerate() {
            text.push_str(if at == 0 { " TRANSFORM " } else { ", " });
            write!(text, "FOR TYPE {name}")?;
        }
        let flags = [
            (self.is_window, " WINDOW"),
            (self.volatility == "i", " IMMUTABLE"),
            (self.volatility == "s", " STABLE"),
            (self.is_strict, " STRICT"),
            (self.is_security_definer, " SECURITY DEFINER"),
            (self.is_leakproof, " LEAKPROOF"),
        ];
        for (is_set, word) in flags {
            if is_set {
                text.push_str(word);
            }
        }
        let default_cost = if matches!(self.language.as_str(), "internal" | "c") {
            1.0
        } else {
            100.0
        };
        if self.cost != 0.0 && self.cost != default_cost {
            write!(text, " COST {}", self.cost)?;
        }
        if self.returns_set && self.rows != 0.0 && self.rows != 1000.0 {
            write!(text, " ROWS {}", self.rows)?;
        }
        if let Some(support) = &self.support {
            write!(text, " SUPPORT {support}")?;
        }
        match self.parallel.as_str() {
            "s" => text.push_str(" PARALLEL SAFE"),
            "r" => text.push_str(" PARALLEL RESTRICTED"),
            _ => {}
        }
        for setting in self.settings.iter().flatten() {
            write!(text, "\n    SET {}", assignment(setting))?;
        }
        Ok(())
    }

    fn write_source(&self, text: &mut String) {
        text.push_str("\n    AS ");
        match self.library.as_deref() {
            Some(library) if !matches!(library, "" | "-") => {
                text.push_str(&script_literal(library));
                text.push_str(", ");
                if self.source.contains(['\'', '\\']) {
                    text.push_str(&dollar_quoted(&self.source, ""));
                } else {
                    text.push_str(&script_literal(&self.source));
                }
            }
            _ => text.push_str(&dollar_quoted(&self.source, "")),
        }
    }
}
