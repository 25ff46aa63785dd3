//! Ordered nodes as text: header comments, session state, statements, owners, comments, labels, privileges.

use std::fmt::Write;

use super::nodes::Placed;
use super::order::{Pass, Section, pass, section};
use super::preamble::beginning;
use super::remarks::{self, header};
use super::{Options, Step, privileges};
use crate::catalog::definition::Form;
use crate::catalog::id::{Facet, class};
use crate::catalog::object::{Data, Object, Rank, SessionState};
use crate::catalog::{Catalog, Choice};
use crate::sql::ident;
use crate::{Error, Result, script};

/// Writes the steps of a plan. Objects are thrown away as soon as they are written, for what they become is as large.
pub fn render(
    mut catalog: Catalog,
    mut placed: Vec<Placed>,
    options: &Options,
    choice: &Choice,
) -> Result<Vec<Step>> {
    let mut objects: Vec<Option<Object>> = std::mem::take(&mut catalog.objects)
        .into_iter()
        .map(Some)
        .collect();
    placed.retain(|node| is_wanted(node, object(&objects, node), options));
    let told = match options.planner_statistics && options.sections.post_data {
        true => told(&objects, &placed),
        false => Vec::new(),
    };
    let mut writer = Writer {
        catalog: &catalog,
        options,
        choice,
        steps: Vec::new(),
        text: beginning(&catalog, options)?,
        state: None,
    };
    if options.clean && options.schema && !options.create {
        for node in placed.iter().rev() {
            writer.drop(node, object(&objects, node))?;
        }
    }
    for node in placed.iter().filter(|node| pass(node.rank) == Pass::Main) {
        writer.node(node, object(&objects, node))?;
        let is_whole = node.part.is_none() && node.split.is_empty();
        if is_whole && object(&objects, node).privileges.is_empty() {
            objects[node.object] = None;
        }
    }
    if options.privileges {
        writer.database_privileges()?;
        for node in placed.iter().filter(|node| node.part.is_none()) {
            if let Some(object) = &objects[node.object] {
                writer.privileges(object)?;
            }
        }
    }
    for node in placed.iter().filter(|node| pass(node.rank) == Pass::Last) {
        writer.node(node, object(&objects, node))?;
    }
    writer.planner_statistics(&told);
    if let Some(key) = &options.restrict_key {
        let _ = writeln!(writer.text, "\\unrestrict {key}\n");
    }
    writer.flush();
    Ok(writer.steps)
}

/// The object behind a node that is not written yet.
fn object<'o>(objects: &'o [Option<Object>], node: &Placed) -> &'o Object {
    match &objects[node.object] {
        Some(object) => object,
        None => unreachable!("{node:?} was written already"),
    }
}

/// Whether a node is of the sections that were asked for. Large objects are data, though they are made before.
fn is_wanted(node: &Placed, object: &Object, options: &Options) -> bool {
    let (is_data, section) = match node.rank {
        Rank::LargeObject => (true, Section::Data),
        // Objects that stand in pre-data have their privileges there, whoever makes them.
        _ if matches!(object.id.facet, Facet::Privileges(_)) => (false, Section::PreData),
        rank => (section(rank) == Section::Data, node.section),
    };
    let asked = match section {
        Section::PreData => options.sections.pre_data,
        Section::Data => options.sections.data,
        Section::PostData => options.sections.post_data,
    };
    let wanted = match node.rank {
        Rank::SequenceValue => options.rows || options.sequence_values,
        // It makes rows of others, by a definition.
        Rank::Refresh => options.rows && options.schema,
        _ if is_data => options.rows,
        _ => options.schema,
    };
    asked && wanted
}

/// The tables whose statistics are told, with those of their indexes.
fn told(objects: &[Option<Object>], placed: &[Placed]) -> Vec<String> {
    let is_told = |object: &&Object| {
        let has_rows = matches!(object.type_name, "TABLE" | "MATERIALIZED VIEW");
        has_rows && object.id.class == class::CLASS && object.id.facet == Facet::Itself
    };
    let whole = placed.iter().filter(|node| node.part.is_none());
    let objects = whole.map(|node| object(objects, node)).filter(is_told);
    objects.map(|object| object.id.oid.to_string()).collect()
}

struct Writer<'a> {
    catalog: &'a Catalog,
    options: &'a Options,
    choice: &'a Choice,
    steps: Vec<Step>,
    /// Text not yet in a step.
    text: String,
    /// Session state as the text so far leaves it; `None`: as the session began.
    state: Option<(String, Option<String>)>,
}

/// Tables whose statistics one query writes.
const TOLD_AT_ONCE: usize = 200;

/// SQL text is handed on in steps of about this many bytes.
const STEP_BYTES: usize = 256 * 1024;

impl Writer<'_> {
    fn flush(&mut self) {
        if !self.text.is_empty() {
            let mut text = std::mem::take(&mut self.text);
            text.shrink_to_fit();
            self.steps.push(Step::Sql(text));
        }
    }

    /// Checks what was written for an object since `start`, as psql will read it: a name or a body that broke out of
    /// its quotes must not pass.
    fn check(&self, start: usize, object: &Object) -> Result<()> {
        let checked = script::whole_statements(&self.text.as_bytes()[start..]);
        checked.map(drop).map_err(|e| refused(e, object))
    }

    /// Writes how an object is dropped; called in the reverse order of making.
    fn drop(&mut self, node: &Placed, object: &Object) -> Result<()> {
        let start = self.text.len();
        let of_part = node.part.map(|part| object.definition.create_part(part).drop);
        let drop = match node.part {
            Some(_) => of_part.as_ref(),
            None => object.drop.as_deref(),
        };
        if let Some(statement) = drop.and_then(|drop| drop.statement(self.options.if_exists)) {
            self.text.push_str(&statement);
        }
        self.check(start, object)
    }

    /// Statistics of tables and of their indexes come last: making an index and a refresh write some, too.
    fn planner_statistics(&mut self, oids: &[String]) {
        let Some(query) = &self.choice.planner_statistics else {
            return;
        };
        if !oids.is_empty() {
            self.text.push_str("--\n-- Statistics of the planner\n--\n\n");
        }
        self.flush();
        for oids in oids.chunks(TOLD_AT_ONCE) {
            let oids = oids.join(",");
            self.steps.push(Step::Statements(format!(
                "COPY (SELECT statement FROM ({query}) s WHERE relation = ANY ('{{{oids}}}'::oid[]) OR relation IN \
                 (SELECT indexrelid FROM pg_index WHERE indrelid = ANY ('{{{oids}}}'::oid[])) \
                 ORDER BY relation, number) TO STDOUT"
            )));
        }
    }

    fn node(&mut self, node: &Placed, object: &Object) -> Result<()> {
        let form = Form { split: &node.split };
        let part = node.part.map(|part| object.definition.create_part(part));
        let (type_name, tag, create) = match &part {
            Some(text) => (text.type_name, text.tag.as_str(), text.create.as_str().into()),
            None => {
                let tag = object.tag.as_ref().unwrap_or(&object.name);
                (object.type_name, tag.as_str(), object.definition.create(&form))
            }
        };
        if let Some(Data::Rows(rows)) = &object.data {
            let mut rows = rows.clone();
            let header = self.header("Data for Name", tag, type_name, object);
            let (before, after) = super::rows::form(&mut rows, self.options, self.choice);
            rows.begin.insert_str(0, &header);
            match &rows.inserts {
                None => script::opens_rows(rows.begin.as_bytes()).map_err(|e| refused(e, object))?,
                Some(form) => {
                    let sample = form.sample();
                    script::whole_statements(sample.as_bytes())
                        .map(drop)
                        .map_err(|e| refused(e, object))?;
                }
            }
            let start = self.text.len();
            self.text.push_str(&before);
            self.check(start, object)?;
            self.flush();
            self.steps.push(Step::Rows(rows));
            self.text.push_str(&after);
            return Ok(());
        }
        let mut start = self.text.len();
        if let Some(Data::LargeObjects(oids)) = &object.data {
            let header = self.header("Data for Name", tag, type_name, object);
            self.text.push_str(&header);
            self.flush();
            self.steps.push(Step::LargeObjects(oids.clone()));
            return Ok(());
        }
        if !create.is_empty() {
            if part.is_none() {
                self.session_state(&object.session);
            }
            let header = self.header("Name", tag, type_name, object);
            self.text.push_str(&header);
            self.text.push_str(&create);
            self.text.push_str("\n\n");
            self.check(start, object)?;
            start = self.text.len();
        }
        if part.is_none() {
            self.owner(object);
        }
        remarks::write(&mut self.text, self.catalog, self.options, object, node);
        self.check(start, object)?;
        if self.text.len() >= STEP_BYTES {
            self.flush();
        }
        Ok(())
    }

    fn header(&self, word: &str, tag: &str, type_name: &str, object: &Object) -> String {
        header(word, tag, type_name, object, self.options)
    }

    /// `SET default_tablespace` and `default_table_access_method`, on change.
    fn session_state(&mut self, wanted: &SessionState) {
        if let Some(tablespace) = wanted.tablespace.as_ref().filter(|_| self.options.tablespaces) {
            let now = self.state.get_or_insert_with(|| ("\0".to_string(), None));
            if *now.0 != **tablespace {
                let quoted = if tablespace.is_empty() {
                    "''".to_string()
                } else {
                    ident(tablespace)
                };
                let _ = writeln!(self.text, "SET default_tablespace = {quoted};\n");
                now.0 = tablespace.to_string();
            }
        }
        let methods = self.options.table_access_methods;
        if let Some(method) = wanted.access_method.as_ref().filter(|_| methods) {
            let now = self.state.get_or_insert_with(|| ("\0".to_string(), None));
            if now.1.as_deref() != Some(&**method) {
                let _ = writeln!(
                    self.text,
                    "SET default_table_access_method = {};\n",
                    ident(method)
                );
                now.1 = Some(method.to_string());
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

    fn database_privileges(&mut self) -> Result<()> {
        let database = self.catalog.database.as_ref();
        let Some(database) = database.filter(|_| self.options.create) else {
            return Ok(());
        };
        if let Some(privileges) = &database.privileges {
            let text = privileges::statements(privileges, Some(&database.owner))?;
            script::whole_statements(text.as_bytes())?;
            self.text.push_str(&text);
            self.text.push_str("\n\n");
        }
        Ok(())
    }

    fn privileges(&mut self, object: &Object) -> Result<()> {
        let start = self.text.len();
        for privileges in &object.privileges {
            let text = privileges::statements(privileges, object.owner.as_deref())?;
            if !text.is_empty() {
                let header = self.header("Name", &privileges.tag, "ACL", object);
                self.text.push_str(&header);
                self.text.push_str(&text);
                self.text.push_str("\n\n");
            }
        }
        self.check(start, object)?;
        if self.text.len() >= STEP_BYTES {
            self.flush();
        }
        Ok(())
    }
}

/// Why a text is not written.
fn refused(error: Error, object: &Object) -> Error {
    let tag = object.tag.as_ref().unwrap_or(&object.name);
    let schema = object.schema.as_deref().unwrap_or("-");
    error
        .context(format!(
            "checking what restores {} {tag:?} of schema {schema:?}",
            object.type_name.to_lowercase()
        ))
        .hint("nothing was written, because a file of such statements would not restore; please report this")
}
