//! What is said about an object beside its statement: its header, comments, security labels, DEPENDS ON EXTENSION.

use std::fmt::Write;

use super::Options;
use super::nodes::Placed;
use crate::catalog::Catalog;
use crate::catalog::id::class;
use crate::catalog::object::{Address, Object};
use crate::sql::{comment_text, ident, script_literal};

/// The comment above a statement, in pg_dump's form.
pub fn header(word: &str, tag: &str, type_name: &str, object: &Object, options: &Options) -> String {
    let owner = object.owner.as_deref().filter(|_| options.owners).unwrap_or("-");
    format!(
        "--\n-- {word}: {}; Type: {type_name}; Schema: {}; Owner: {}\n--\n\n",
        comment_text(tag),
        comment_text(object.schema.as_deref().unwrap_or("-")),
        comment_text(owner)
    )
}

/// Comments, security labels and DEPENDS ON EXTENSION. Those of a part follow the statement that has the part.
pub fn write(text: &mut String, catalog: &Catalog, options: &Options, object: &Object, node: &Placed) {
    let mut remarks = Remarks {
        text,
        catalog,
        options,
        object,
    };
    for address in &object.addresses {
        let here = match node.part {
            Some(part) => address.of == part,
            None => !node.split.contains(&address.of),
        };
        if here && options.comments {
            remarks.comments(address);
        }
        if here && options.security_labels {
            remarks.labels(address);
        }
    }
    if node.part.is_none() {
        remarks.extension_dependencies();
    }
}

struct Remarks<'a> {
    text: &'a mut String,
    catalog: &'a Catalog,
    options: &'a Options,
    object: &'a Object,
}

impl Remarks<'_> {
    fn header(&self, address: &Address, type_name: &str) -> String {
        header(
            "Name",
            &tag_of(self.object, address),
            type_name,
            self.object,
            self.options,
        )
    }

    fn comments(&mut self, address: &Address) {
        let Some(comments) = self.catalog.comments.get(&address.of) else {
            return;
        };
        for (_, text) in comments.iter().filter(|(sub, _)| *sub == address.sub) {
            let header = self.header(address, "COMMENT");
            self.text.push_str(&header);
            // The server takes an empty one for none.
            let _ = writeln!(
                self.text,
                "COMMENT ON {} {} IS {};\n\n",
                address.kind,
                address.name,
                script_literal(text)
            );
        }
    }

    fn labels(&mut self, address: &Address) {
        let Some(labels) = self.catalog.security_labels.get(&address.of) else {
            return;
        };
        for label in labels.iter().filter(|label| label.sub == address.sub) {
            let header = self.header(address, "SECURITY LABEL");
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

    fn extension_dependencies(&mut self) {
        let Some(address) = self.object.addresses.first() else {
            return;
        };
        for dependency in self
            .catalog
            .extension_dependencies
            .get(&self.object.id)
            .into_iter()
            .flatten()
        {
            if dependency.class == class::EXTENSION
                && let Some(extension) = self.catalog.extensions.get(&dependency.oid)
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
