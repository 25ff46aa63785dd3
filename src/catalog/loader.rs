//! What loading collects: objects, and the facts about them that stand in catalogs of their own.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::column::Column;
use super::id::{ObjectId, class};
use super::names::Choice;
use super::object::Object;

/// One row of `pg_depend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    /// The dependent.
    pub of: ObjectId,
    /// What it needs.
    pub on: ObjectId,
}

/// A security label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecurityLabel {
    /// Number of the sub-object (column), 0 for the object itself.
    pub sub: i32,
    /// The label provider.
    pub provider: String,
    /// The label.
    pub label: String,
}

/// All objects of one database, as of one snapshot, and what relates them.
#[derive(Debug, Default)]
pub struct Catalog {
    /// The objects, in no particular order.
    pub objects: Vec<Object>,
    /// Rows that stand for another object.
    pub aliases: HashMap<ObjectId, ObjectId>,
    /// `pg_depend`.
    pub dependencies: Vec<Dependency>,
    /// Comments by object: number of the sub-object, text.
    pub comments: HashMap<ObjectId, Vec<(i32, String)>>,
    /// Security labels by object.
    pub security_labels: HashMap<ObjectId, Vec<SecurityLabel>>,
    /// `DEPENDS ON EXTENSION`, by the object that says so.
    pub extension_dependencies: HashMap<ObjectId, Vec<ObjectId>>,
    /// Names of extensions by OID.
    pub extensions: HashMap<u32, String>,
    /// Attachments by the index they complete: a partitioned table's key holds only when all are there.
    pub index_attachments: HashMap<ObjectId, Vec<ObjectId>>,
    /// Foreign keys and the unique index each refers to.
    pub references: Vec<(ObjectId, ObjectId)>,
    /// What the user should know of objects that could not be read whole.
    pub warnings: Vec<String>,
    /// How many objects each named rule leaves out of every dump.
    pub left_out: BTreeMap<String, usize>,
    /// The database itself.
    pub database: Option<super::database::Database>,
    /// What of the dump's header depends on the database: its encoding.
    pub encoding: String,
}

impl Catalog {
    /// Whether an object or something in it has a comment or a security label.
    pub fn is_described(&self, id: ObjectId) -> bool {
        self.comments.contains_key(&id) || self.security_labels.contains_key(&id)
    }
}

/// What of a catalog is wanted, as far as that changes what is read.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Rows will be written, so they need objects too.
    pub rows: bool,
    /// Values of sequences will be written.
    pub sequence_values: bool,
    /// It will be asked how objects are dropped.
    pub drops: bool,
    /// Columns say how they compress large values.
    pub toast_compression: bool,
    /// The database says where it lies.
    pub tablespaces: bool,
    /// What was picked by name.
    pub choice: Arc<Choice>,
}

impl Default for Scope {
    /// Everything.
    fn default() -> Self {
        Scope {
            rows: true,
            sequence_values: true,
            drops: true,
            toast_compression: true,
            tablespaces: true,
            choice: Arc::new(Choice::all()),
        }
    }
}

/// What the kinds fill while they load.
#[derive(Debug, Default)]
pub struct Loader {
    /// The result.
    pub catalog: Catalog,
    /// Role names by OID.
    pub roles: HashMap<u32, Arc<str>>,
    /// Columns by relation, taken by the kind whose relation it is.
    pub columns: HashMap<u32, Vec<Column>>,
    /// Check constraints by table or domain.
    pub checks: HashMap<ObjectId, Vec<super::check::Check>>,
    /// What is wanted of the catalog.
    pub scope: Scope,
    /// Texts that many objects have: schemas, owners, types of columns.
    pub shared: HashSet<Arc<str>>,
    /// What the kinds must claim.
    pub to_cover: Vec<ObjectId>,
    /// Tables that wait until all are known: parents and children.
    pub tables: Vec<super::table::TableRow>,
    /// Large objects, to be grouped.
    pub large_objects: Vec<super::large_object::LargeObjectRow>,
    /// Initial privileges by object and number of the sub-object.
    pub initial_privileges: HashMap<(ObjectId, i32), Vec<String>>,
    /// Bytes and, for heaps, pages by table.
    pub sizes: HashMap<u32, (u64, Option<u32>)>,
    /// Sequence values by sequence: last value, is called.
    pub sequence_values: HashMap<u32, (i64, bool)>,
    /// Statistics targets of the expression columns of indexes: column's number, target.
    pub index_statistics: HashMap<u32, Vec<(i16, i32)>>,
}

impl Loader {
    /// A role's name; its OID in figures where the role is gone.
    pub fn role(&self, oid: u32) -> Arc<str> {
        self.roles
            .get(&oid)
            .cloned()
            .unwrap_or_else(|| oid.to_string().into())
    }

    /// The one copy of a text that many objects have.
    pub fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.shared.get(text) {
            return Arc::clone(known);
        }
        let text: Arc<str> = text.into();
        self.shared.insert(Arc::clone(&text));
        text
    }

    /// What an object's privileges are compared with: those it was given by initdb or its extension, else the
    /// built-in default.
    pub fn base_privileges(
        &self,
        id: ObjectId,
        sub: i32,
        default: Option<Vec<String>>,
    ) -> Option<Vec<String>> {
        self.initial_privileges.get(&(id, sub)).cloned().or(default)
    }

    /// The columns of a relation.
    pub fn columns_of(&mut self, relation: u32) -> Vec<Column> {
        self.columns.remove(&relation).unwrap_or_default()
    }

    /// Adds a finished object, as small as it can be: there may be very many. What nobody will say anything about needs
    /// no address.
    pub fn add(&mut self, mut object: Object) {
        if !self.scope.drops {
            object.drop = None;
        }
        for text in [
            &mut object.schema,
            &mut object.owner,
            &mut object.session.access_method,
            &mut object.session.tablespace,
        ] {
            *text = text.take().map(|text| self.share(&text));
        }
        let catalog = &mut self.catalog;
        if !catalog.extension_dependencies.contains_key(&object.id) {
            object
                .addresses
                .retain(|address| catalog.is_described(address.of));
        }
        object.addresses.shrink_to_fit();
        object.depends.shrink_to_fit();
        object.parts.shrink_to_fit();
        object.name.shrink_to_fit();
        object.signature.shrink_to_fit();
        catalog.objects.push(object);
    }

    /// The node of a relation (table, view, sequence, index).
    pub fn relation(oid: u32) -> ObjectId {
        ObjectId::new(class::CLASS, oid)
    }
}
