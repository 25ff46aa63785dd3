//! Base types, made by CREATE TYPE with functions for input and output, and shell types, which are only names yet.

use std::sync::Arc;

use super::drop::Drop;
use super::id::{Facet, ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::options::Options;
use super::row::row_struct;
use crate::sql::{qualified, script_literal};
use crate::{Error, Result};

row_struct! {
    /// A base type or a shell type.
    pub struct BaseTypeRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        /// Not a mere shell.
        is_defined: bool,
        /// In bytes; -1: variable.
        length: i16,
        by_value: bool,
        input: String,
        output: String,
        receive: Option<String>,
        send: Option<String>,
        typmod_in: Option<String>,
        typmod_out: Option<String>,
        analyze: Option<String>,
        subscript: Option<String>,
        is_collatable: bool,
        /// As SQL.
        default_value: Option<String>,
        element: Option<String>,
        category: String,
        is_preferred: bool,
        delimiter: String,
        /// `c`, `s`, `i` or `d`.
        alignment: String,
        /// `p`, `e`, `x` or `m`.
        storage: String,
        acl: Option<Vec<String>>,
        default_acl: Option<Vec<String>>,
    }
}

impl CatalogRow for BaseTypeRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::TYPE, self.oid);
        let name = qualified(&self.schema, &self.name);
        let create = if self.is_defined {
            self.create(&name)?
        } else {
            format!("CREATE TYPE {name};\n")
        };
        let base = loader.base_privileges(id, 0, self.default_acl);
        let owner = loader.role(self.owner);
        let mut object = Object::new(id, Rank::Type, "TYPE", Some(&self.schema), &self.name, create)
            .known_as(&owner, "TYPE", &name)
            .granted(format!("TYPE {name}"), None, self.acl, base);
        if self.is_defined {
            // Its functions are dropped with it: neither could go first.
            object.drop_by(Drop::Cascade("TYPE", name));
            object
                .depends
                .push(add_shell(id, &self.schema, &self.name, owner, loader));
        }
        loader.add(object);
        Ok(())
    }
}

/// Adds the shell that a type's own functions need, and returns its node.
pub fn add_shell(of: ObjectId, schema: &str, name: &str, owner: Arc<str>, loader: &mut Loader) -> ObjectId {
    let id = of.facet(Facet::Shell);
    let create = format!("CREATE TYPE {};\n", qualified(schema, name));
    let mut shell = Object::new(id, Rank::Type, "SHELL TYPE", Some(schema), name, create);
    shell.owner = Some(owner);
    loader.add(shell);
    id
}

impl BaseTypeRow {
    fn create(&self, name: &str) -> Result<String> {
        let length = match self.length {
            -1 => "variable".to_string(),
            bytes => bytes.to_string(),
        };
        let category = (self.category != "U").then(|| script_literal(&self.category));
        let delimiter = (self.delimiter != ",").then(|| script_literal(&self.delimiter));
        let mut list = Options::default();
        list.value("INTERNALLENGTH", Some(&length))
            .value("INPUT", Some(&self.input))
            .value("OUTPUT", Some(&self.output))
            .value("RECEIVE", self.receive.as_deref())
            .value("SEND", self.send.as_deref())
            .value("TYPMOD_IN", self.typmod_in.as_deref())
            .value("TYPMOD_OUT", self.typmod_out.as_deref())
            .value("ANALYZE", self.analyze.as_deref())
            .value("COLLATABLE", self.is_collatable.then_some("true"))
            .value("DEFAULT", self.default_value.as_deref())
            .value("SUBSCRIPT", self.subscript.as_deref())
            .value("ELEMENT", self.element.as_deref())
            .value("CATEGORY", category.as_deref())
            .value("PREFERRED", self.is_preferred.then_some("true"))
            .value("DELIMITER", delimiter.as_deref())
            .value("ALIGNMENT", Some(self.word(&self.alignment, ALIGNMENTS)?))
            .value("STORAGE", Some(self.word(&self.storage, STORAGES)?))
            .flag("PASSEDBYVALUE", self.by_value);
        Ok(format!("CREATE TYPE {name} (\n{}\n);\n", list.finish()))
    }

    fn word(&self, code: &str, words: &[(&str, &'static str)]) -> Result<&'static str> {
        let known = words.iter().find(|(c, _)| *c == code);
        known.map(|(_, word)| *word).ok_or_else(|| {
            Error::failed(format!(
                "type {}.{} has the alignment or storage {code:?}, which is not known",
                self.schema, self.name
            ))
        })
    }
}

const ALIGNMENTS: &[(&str, &str)] = &[("c", "char"), ("s", "int2"), ("i", "int4"), ("d", "double")];

const STORAGES: &[(&str, &str)] = &[
    ("p", "plain"),
    ("e", "external"),
    ("x", "extended"),
    ("m", "main"),
];
