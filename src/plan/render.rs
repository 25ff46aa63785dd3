//! Ordered nodes as text: header comments, session state, statements, owners, comments, labels, privileges.

use std::fmt::Write;

use super::nodes::{Node, Nodes};
use super::order::{Pass, Section, pass, section};
use super::privileges;
use super::{Options, Step};
use crate::Result;
use crate::catalog::object::{Address, Data, Form, Object, ObjectId, Rank, SessionState, class};
use crate::sql::{comment_text, ident, script_literal};

/// Writes the steps of a plan.
pub fn render(nodes: &Nodes<'_>, order: &[usize], options: &Options) -> Result<Vec<Step>> {
    let mut writer = Writer {
        nodes,
        options,
        steps: Vec::new(),
        text: beginning(nodes, options)?,
        state: None,
    };
    let order: Vec<usize> = order
        .iter()
        .copied()
        .filter(|&at| is_wanted(&nodes.list[at], options))
        .collect();
    if options.clean && options.schema && !options.create {
        writer.drops(&order);
    }
    for &at in order
        .iter()
        .filter(|&&at| pass(nodes.list[at].rank) == Pass::Main)
    {
        writer.node(at);
    }
    if options.privileges && options.schema {
        writer.database_privileges()?;
        for &at in &order {
            writer.privileges(at)?;
        }
    }
    for &at in order
        .iter()
        .filter(|&&at| pass(nodes.list[at].rank) == Pass::Last)
    {
        writer.node(at);
    }
    writer.flush();
    Ok(writer.steps)
}

/// Whether a node is of the sections that were asked for. A refresh makes rows, though it stands at the end.
fn is_wanted(node: &Node, options: &Options) -> bool {
    if section(node.rank) == Section::Data || node.rank == Rank::Refresh {
        options.rows
    } else {
        options.schema
    }
}

/// What the file begins with: its title, the session's settings, the database where it is to be made.
fn beginning(nodes: &Nodes<'_>, options: &Options) -> Result<String> {
    let settings = preamble(nodes);
    let text = match &nodes.catalog.database {
        Some(database) if options.create => super::database::introduction(database, options, &settings)?,
        _ => settings,
    };
    Ok(format!(
        "--\n-- PostgreSQL database dump\n--\n\n-- Dumped by pgstow\n\n{text}"
    ))
}

/// The header, by which a reader knows that the file must end with the closing line, and session settings for whoever
/// replays the file. Only what every server from 13 on knows is set outright;
/// `transaction_timeout` (17+) is set where there is one.
fn preamble(nodes: &Nodes<'_>) -> String {
    format!(
        "SET statement_timeout = 0;\n\
         SET lock_timeout = 0;\n\
         SET idle_in_transaction_session_timeout = 0;\n\
         SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name = 'transaction_timeout';\n\
         SET client_encoding = '{}';\n\
         SET standard_conforming_strings = on;\n\
         SELECT pg_catalog.set_config('search_path', '', false);\n\
         SET check_function_bodies = false;\n\
         SET xmloption = content;\n\
         SET client_min_messages = warning;\n\
         SET row_security = off;\n\n",
        if nodes.catalog.encoding == "SQL_ASCII" {
            "SQL_ASCII"
        } else {
            "UTF8"
        }
    )
}

struct Writer<'a> {
    nodes: &'a Nodes<'a>,
    options: &'a Options,
    steps: Vec<Step>,
    /// Text not yet in a step.
    text: String,
    /// Session state as the text so far leaves it; `None`: as the session began.
    state: Option<(String, Option<String>)>,
}

/// SQL text is handed on in steps of about this many bytes.
const STEP_BYTES: usize = 256 * 1024;

impl Writer<'_> {
    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.steps.push(Step::Sql(std::mem::take(&mut self.text)));
        }
    }

    /// Drops in the reverse order of making.
    fn drops(&mut self, order: &[usize]) {
        for &at in order.iter().rev() {
            let node = &self.nodes.list[at];
            let object = self.nodes.object(at);
            let drop = match node.part {
                Some(part) => object.definition.create_part(part).drop,
                None => object.drop.clone(),
            };
            if let Some(statement) = drop.statement(self.options.if_exists) {
                self.text.push_str(&statement);
            }
        }
    }

    fn node(&mut self, at: usize) {
        let node = &self.nodes.list[at];
        let object = self.nodes.object(at);
        let form = Form { split: &node.split };
        let part = node.part.map(|part| (part, object.definition.create_part(part)));
        let (type_name, tag, create) = match &part {
            Some((_, text)) => (text.type_name, text.tag.clone(), text.create.clone()),
            None => {
                let tag = object.tag.clone().unwrap_or_else(|| object.name.clone());
                (object.type_name, tag, object.definition.create(&form))
            }
        };
        if let Some(Data::Rows(rows)) = &object.data {
            let mut rows = rows.clone();
            let header = self.header("Data for Name", &tag, type_name, object);
            rows.begin.insert_str(0, &header);
            self.flush();
            self.steps.push(Step::Rows(rows));
            return;
        }
        if let Some(Data::LargeObjects(oids)) = &object.data {
            let header = self.header("Data for Name", &tag, type_name, object);
            self.text.push_str(&header);
            self.flush();
            self.steps.push(Step::LargeObjects(oids.clone()));
            return;
        }
        if !create.is_empty() {
            if part.is_none() {
                self.session_state(&object.session);
            }
            let header = self.header("Name", &tag, type_name, object);
            self.text.push_str(&header);
            self.text.push_str(&create);
            self.text.push_str("\n\n");
        }
        if part.is_none() {
            self.owner(object);
        }
        self.addressed(object, node.part, &node.split);
        if self.text.len() >= STEP_BYTES {
            self.flush();
        }
    }

    fn header(&self, word: &str, tag: &str, type_name: &str, object: &Object) -> String {
        let owner = object
            .owner
            .as_deref()
            .filter(|_| self.options.owners)
            .unwrap_or("-");
        format!(
            "--\n-- {word}: {}; Type: {type_name}; Schema: {}; Owner: {}\n--\n\n",
            comment_text(tag),
            comment_text(object.schema.as_deref().unwrap_or("-")),
            comment_text(owner)
        )
    }

    /// `SET default_tablespace` and `default_table_access_method`, on change.
    fn session_state(&mut self, wanted: &SessionState) {
        if let Some(tablespace) = &wanted.tablespace {
            let now = self.state.get_or_insert_with(|| ("\0".to_string(), None));
            if now.0 != *tablespace {
                let quoted = if tablespace.is_empty() {
                    "''".to_string()
                } else {
                    ident(tablespace)
                };
                let _ = writeln!(self.text, "SET default_tablespace = {quoted};\n");
                now.0.clone_from(tablespace);
            }
        }
        if let Some(method) = &wanted.access_method {
            let now = self.state.get_or_insert_with(|| ("\0".to_string(), None));
            if now.1.as_ref() != Some(method) {
                let _ = writeln!(
                    self.text,
                    "SET default_table_access_method = {};\n",
                    ident(method)
                );
                now.1 = Some(method.clone());
            }
        }
    }

    fn owner(&mut self, object: &Object) {
        let Some(owner) = object.owner.as_ref().filter(|_| self.options.owners) else {
            return;
        };
        for address in &object.owner_addresses {
            let _ = writeln!(self.text, "ALTER {address} OWNER TO {};", ident(owner));
        }
        if !object.owner_addresses.is_empty() {
            self.text.push('\n');
        }
    }

    /// Comments, security labels and DEPENDS ON EXTENSION. Those of a part follow the statement that has the part.
    fn addressed(&mut self, object: &Object, part: Option<ObjectId>, split: &[ObjectId]) {
        for address in &object.addresses {
            let here = match part {
                Some(part) => address.of == part,
                None => !split.contains(&address.of),
            };
            if here {
                self.comments(object, address);
                self.labels(object, address);
            }
        }
        if part.is_none() {
            self.extension_dependencies(object);
        }
    }

    fn comments(&mut self, object: &Object, address: &Address) {
        let Some(comments) = self.nodes.catalog.comments.get(&address.of) else {
            return;
        };
        for (_, text) in comments.iter().filter(|(sub, _)| *sub == address.sub) {
            let header = self.header("Name", &tag_of(object, address), "COMMENT", object);
            self.text.push_str(&header);
            let value = if text.is_empty() {
                "NULL".to_string()
            } else {
                script_literal(text)
            };
            let _ = writeln!(
                self.text,
                "COMMENT ON {} {} IS {value};\n\n",
                address.kind, address.name
            );
        }
    }

    fn labels(&mut self, object: &Object, address: &Address) {
        let Some(labels) = self.nodes.catalog.security_labels.get(&address.of) else {
            return;
        };
        for label in labels.iter().filter(|label| label.sub == address.sub) {
            let header = self.header("Name", &tag_of(object, address), "SECURITY LABEL", object);
            self.text.push_str(&header);
            let _ = writeln!(
                self.text,
                "SECURITY LABEL FOR {} ON {} {} IS {};\n\n",
                ident(&label.provider),
                address.kind,
                address.name,
                script_literal(&label.label)
            );
        }
    }

    fn extension_dependencies(&mut self, object: &Object) {
        let Some(address) = object.addresses.first() else {
            return;
        };
        for dependency in self
            .nodes
            .catalog
            .extension_dependencies
            .get(&object.id)
            .into_iter()
            .flatten()
        {
            if dependency.class == class::EXTENSION
                && let Some(extension) = self.nodes.catalog.extensions.get(&dependency.oid)
            {
                let _ = writeln!(
                    self.text,
                    "ALTER {} {} DEPENDS ON EXTENSION {};\n",
                    address.kind,
                    address.name,
                    ident(extension)
                );
            }
        }
    }

    fn database_privileges(&mut self) -> Result<()> {
        let database = self.nodes.catalog.database.as_ref();
        let Some(database) = database.filter(|_| self.options.create) else {
            return Ok(());
        };
        if let Some(privileges) = &database.privileges {
            let text = privileges::statements(privileges, Some(&database.owner))?;
            self.text.push_str(&text);
            self.text.push_str("\n\n");
        }
        Ok(())
    }

    fn privileges(&mut self, at: usize) -> Result<()> {
        if self.nodes.list[at].part.is_some() {
            return Ok(());
        }
        let object = self.nodes.object(at);
        for privileges in &object.privileges {
            let text = privileges::statements(privileges, object.owner.as_deref())?;
            if !text.is_empty() {
                let header = self.header("Name", &privileges.tag, "ACL", object);
                self.text.push_str(&header);
                self.text.push_str(&text);
                self.text.push_str("\n\n");
            }
        }
        if self.text.len() >= STEP_BYTES {
            self.flush();
        }
        Ok(())
    }
}

/// The header's name for a comment: `TABLE users`, `COLUMN users.id`.
fn tag_of(object: &Object, address: &Address) -> String {
    if let Some((part, on)) = address.name.split_once(" ON ") {
        return format!("{} {part} ON {}", address.kind, without_schema(on, object));
    }
    if address.sub == 0 && address.of == object.id {
        return format!("{} {}", address.kind, object.tag.as_ref().unwrap_or(&object.name));
    }
    format!("{} {}", address.kind, without_schema(&address.name, object))
}

fn without_schema(name: &str, object: &Object) -> String {
    let schema = object.schema.as_deref().map(ident).unwrap_or_default();
    name.strip_prefix(schema.as_str())
        .and_then(|rest| rest.strip_prefix('.'))
        .unwrap_or(name)
        .to_string()
}
