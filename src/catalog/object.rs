//! What every kind of object has in common: names, owner, text, parts, privileges, its place in the dump.

use std::sync::Arc;

use super::definition::{Part, Text};
use super::drop::Drop;
use super::id::ObjectId;
use crate::sql::ident;

/// Where in a dump objects stand which nothing else orders: one variant a place. The order itself and the sections
/// stand in one table, `plan/order.rs`.
#[allow(missing_docs)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rank {
    Database,
    Schema,
    Language,
    Collation,
    Transform,
    Extension,
    Type,
    Cast,
    Function,
    Aggregate,
    AccessMethod,
    Operator,
    OperatorFamily,
    Conversion,
    TsParser,
    TsTemplate,
    TsDictionary,
    TsConfiguration,
    ForeignDataWrapper,
    ForeignServer,
    UserMapping,
    Table,
    TableAttach,
    ColumnDefault,
    LargeObject,
    TableData,
    SequenceValue,
    LargeObjectData,
    Constraint,
    Index,
    IndexAttach,
    Statistics,
    Rule,
    Trigger,
    ForeignKey,
    Policy,
    Publication,
    PublicationRelation,
    PublicationSchema,
    Subscription,
    DefaultPrivileges,
    EventTrigger,
    Refresh,
}

/// Privileges of an object or column, against what it would have without a GRANT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privileges {
    /// What stands before GRANT and REVOKE: nothing, or `ALTER DEFAULT PRIVILEGES FOR ROLE r `.
    pub prefix: String,
    /// As `GRANT ... ON` says it: `TABLE public.t`, `FUNCTION public.f(integer)`.
    pub on: String,
    /// The header's name.
    pub tag: String,
    /// Columns: the column's name, quoted.
    pub column: Option<String>,
    /// `aclitem`s now.
    pub acl: Vec<String>,
    /// `aclitem`s it starts with: those its extension or initdb gave, else the built-in default.
    pub base: Vec<String>,
}

/// One name that `COMMENT ON` and `SECURITY LABEL ON` take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The catalog row that comments and labels are kept under.
    pub of: ObjectId,
    /// The sub-object's number (a column's), or 0.
    pub sub: i32,
    /// `TABLE`, `COLUMN`, `CONSTRAINT`.
    pub kind: &'static str,
    /// `public.t.c`, `c ON public.t`.
    pub name: String,
}

/// The rows behind an object with [`Facet::Data`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data {
    /// A table's rows.
    Rows(Box<super::rows::TableRows>),
    /// Large objects, by OID.
    LargeObjects(Vec<u32>),
}

/// One object of the dump.
#[derive(Debug)]
pub struct Object {
    /// Its identity.
    pub id: ObjectId,
    /// Its place where nothing else orders it.
    pub rank: Rank,
    /// Its schema, unquoted; `None` for what lives outside schemas. Shared, as owners are: objects are many, schemas few.
    pub schema: Option<Arc<str>>,
    /// Its name, unquoted: the sort's second key.
    pub name: String,
    /// Tells apart what has one name (arguments of functions): the sort's last key.
    pub signature: String,
    /// The word in the header comment: `TABLE`.
    pub type_name: &'static str,
    /// The name in the header comment where it is not [`Object::name`] (`f(integer)`, `users users_pkey`).
    pub tag: Option<String>,
    /// Its owner, unquoted; `None` for kinds that have none.
    pub owner: Option<Arc<str>>,
    /// What `ALTER ... OWNER TO` calls it; none: the owner follows from another object.
    pub owner_addresses: Vec<String>,
    /// What `COMMENT ON` calls it, its sub-objects (columns, by number) and its parts.
    pub addresses: Vec<Address>,
    /// Its text.
    pub definition: Text,
    /// How `--clean` drops it; `None`: [`Drop::Never`], or nobody asked.
    pub drop: Option<Box<Drop>>,
    /// What is written inside its statement.
    pub parts: Vec<Part>,
    /// Dependencies that `pg_depend` does not have.
    pub depends: Vec<ObjectId>,
    /// Its privileges and those of its columns.
    pub privileges: Vec<Privileges>,
    /// Rows instead of text.
    pub data: Option<Data>,
    /// Session state its statement needs: table access method, tablespace.
    pub session: SessionState,
}

/// `default_table_access_method` and `default_tablespace` as a statement needs them; `None`: it does not care.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SessionState {
    /// Table access method, unquoted.
    pub access_method: Option<Arc<str>>,
    /// Tablespace, unquoted; empty: the database's default.
    pub tablespace: Option<Arc<str>>,
}

impl Object {
    /// An object with a name, a place and a text; everything else as for the plainest of objects.
    pub fn new(
        id: ObjectId,
        rank: Rank,
        type_name: &'static str,
        schema: Option<&str>,
        name: &str,
        definition: impl Into<Text>,
    ) -> Self {
        Object {
            id,
            rank,
            schema: schema.map(Arc::from),
            name: name.to_string(),
            signature: String::new(),
            type_name,
            tag: None,
            owner: None,
            owner_addresses: Vec::new(),
            addresses: Vec::new(),
            definition: definition.into(),
            drop: None,
            parts: Vec::new(),
            depends: Vec::new(),
            privileges: Vec::new(),
            data: None,
            session: SessionState::default(),
        }
    }

    /// Gives it an owner, set by `ALTER {kind} {name} OWNER TO`.
    #[must_use]
    pub fn owned(mut self, owner: &Arc<str>, kind: &str, name: &str) -> Self {
        self.owner = Some(Arc::clone(owner));
        self.owner_addresses = vec![format!("{kind} {name}")];
        self
    }

    /// Gives it an owner and one name for all: `ALTER {kind} {name} OWNER TO`, `COMMENT ON {kind} {name}`, `DROP {kind}
    /// {name}`.
    #[must_use]
    pub fn known_as(self, owner: &Arc<str>, kind: &'static str, name: &str) -> Self {
        self.owned(owner, kind, name)
            .addressed(kind, name)
            .dropped(kind, name)
    }

    /// Lets `COMMENT ON {kind} {name}` and `SECURITY LABEL` find it.
    #[must_use]
    pub fn addressed(mut self, kind: &'static str, name: impl Into<String>) -> Self {
        self.addresses.push(Address {
            of: self.id,
            sub: 0,
            kind,
            name: name.into(),
        });
        self
    }

    /// `DROP {kind} {name}`.
    #[must_use]
    pub fn dropped(mut self, kind: &'static str, name: impl Into<String>) -> Self {
        self.drop_by(Drop::Object(kind, name.into()));
        self
    }

    /// Says how it is dropped.
    pub fn drop_by(&mut self, drop: Drop) {
        self.drop = Some(Box::new(drop));
    }

    /// Adds privileges when the object has any (`acl` is not NULL), against its base.
    #[must_use]
    pub fn granted(
        mut self,
        on: String,
        column: Option<&str>,
        acl: Option<Vec<String>>,
        base: Option<Vec<String>>,
    ) -> Self {
        if let Some(acl) = acl {
            let tag = match column {
                Some(column) => format!("COLUMN {}.{column}", self.name),
                None => {
                    let kind = on.split(' ').next().unwrap_or_default();
                    format!("{kind} {}", self.tag.as_ref().unwrap_or(&self.name))
                }
            };
            let column = column.map(ident);
            self.privileges.push(Privileges {
                prefix: String::new(),
                on,
                tag,
                column,
                acl,
                base: base.unwrap_or_default(),
            });
        }
        self
    }
}
