//! What every kind of object has in common: identity, names, owner, text, parts, privileges.

use std::borrow::Cow;
use std::fmt::Debug;
use std::sync::Arc;

use crate::sql::{dollar_quoted, ident};

/// OIDs of the system catalogs, as `pg_depend.classid` has them. They are part of PostgreSQL's stable interface
/// (`pg_class.dat`, the `CATALOG` lines of its headers).
pub mod class {
    #![allow(missing_docs)]
    pub const AM: u32 = 2601;
    pub const AMOP: u32 = 2602;
    pub const AMPROC: u32 = 2603;
    pub const ATTRDEF: u32 = 2604;
    pub const CAST: u32 = 2605;
    pub const CLASS: u32 = 1259;
    pub const COLLATION: u32 = 3456;
    pub const CONSTRAINT: u32 = 2606;
    pub const CONVERSION: u32 = 2607;
    pub const DATABASE: u32 = 1262;
    pub const DEFAULT_ACL: u32 = 826;
    pub const EVENT_TRIGGER: u32 = 3466;
    pub const EXTENSION: u32 = 3079;
    pub const FOREIGN_DATA_WRAPPER: u32 = 2328;
    pub const FOREIGN_SERVER: u32 = 1417;
    pub const INHERITS: u32 = 2611;
    pub const LANGUAGE: u32 = 2612;
    pub const LARGEOBJECT: u32 = 2613;
    pub const LARGEOBJECT_METADATA: u32 = 2995;
    pub const NAMESPACE: u32 = 2615;
    pub const OPCLASS: u32 = 2616;
    pub const OPERATOR: u32 = 2617;
    pub const OPFAMILY: u32 = 2753;
    pub const POLICY: u32 = 3256;
    pub const PROC: u32 = 1255;
    pub const PUBLICATION: u32 = 6104;
    pub const PUBLICATION_NAMESPACE: u32 = 6237;
    pub const PUBLICATION_REL: u32 = 6106;
    pub const REWRITE: u32 = 2618;
    pub const STATISTIC_EXT: u32 = 3381;
    pub const SUBSCRIPTION: u32 = 6100;
    pub const TRANSFORM: u32 = 3576;
    pub const TRIGGER: u32 = 2620;
    pub const TS_CONFIG: u32 = 3602;
    pub const TS_DICT: u32 = 3600;
    pub const TS_PARSER: u32 = 3601;
    pub const TS_TEMPLATE: u32 = 3764;
    pub const TYPE: u32 = 1247;
    pub const USER_MAPPING: u32 = 1418;
}

/// What an id stands for beyond the object itself: things of the dump which no catalog row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Facet {
    /// The object.
    Itself,
    /// A base type before its I/O functions.
    Shell,
    /// A table's rows, a sequence's value, a large object's content, a materialised view's refresh.
    Data,
    /// `ALTER ... ATTACH PARTITION` of a table or an index.
    Attach,
    /// A trigger's state where it differs from its parent's, or a table's row security switch.
    State,
    /// Changed privileges of something that the dump does not make: of the object (0) or of the column of this number.
    Privileges(i16),
}

/// Names one node of the dump: catalog, row, facet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId {
    /// OID of the catalog, see [`class`].
    pub class: u32,
    /// OID of the row.
    pub oid: u32,
    /// The object itself or something about it.
    pub facet: Facet,
}

impl ObjectId {
    /// The object in a catalog.
    pub const fn new(class: u32, oid: u32) -> Self {
        ObjectId {
            class,
            oid,
            facet: Facet::Itself,
        }
    }

    /// Something about the same object.
    #[must_use]
    pub const fn facet(self, facet: Facet) -> Self {
        ObjectId { facet, ..self }
    }
}

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

/// How an object is dropped (`--clean`), so that `IF EXISTS` can be put where its syntax wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drop {
    /// Goes with its table, schema or nothing at all.
    Never,
    /// `DROP TABLE name`: the object type and the name.
    Object(&'static str, String),
    /// `DROP TYPE name CASCADE`.
    Cascade(&'static str, String),
    /// `ALTER TABLE table action name`, e.g. `DROP CONSTRAINT c`; both take `IF EXISTS`.
    FromTable {
        /// `TABLE ONLY`, `FOREIGN TABLE`.
        altered: &'static str,
        /// The table, qualified and quoted.
        name: String,
        /// `DROP CONSTRAINT`.
        action: &'static str,
        /// What is dropped, quoted.
        part: String,
    },
    /// `DROP TRIGGER name ON table`.
    On(&'static str, String, String),
    /// A statement without an `IF EXISTS` of its own.
    Guarded {
        /// An expression that is true where the statement can run.
        when: String,
        /// The statement, ending in a newline.
        statement: String,
    },
    /// Large objects, which a function drops.
    LargeObjects(Vec<u32>),
}

impl Drop {
    /// The statement, if there is one.
    pub fn statement(&self, if_exists: bool) -> Option<String> {
        let maybe = if if_exists { "IF EXISTS " } else { "" };
        Some(match self {
            Drop::Never => return None,
            Drop::Object(kind, name) => format!("DROP {kind} {maybe}{name};\n"),
            Drop::Cascade(kind, name) => format!("DROP {kind} {maybe}{name} CASCADE;\n"),
            Drop::FromTable {
                altered,
                name,
                action,
                part,
            } => {
                let (kind, only) = match altered.strip_suffix(" ONLY") {
                    Some(kind) => (kind, "ONLY "),
                    None => (*altered, ""),
                };
                format!("ALTER {kind} {maybe}{only}{name} {action} {maybe}{part};\n")
            }
            Drop::On(kind, name, table) => format!("DROP {kind} {maybe}{name} ON {table};\n"),
            Drop::Guarded { statement, .. } if !if_exists => statement.clone(),
            Drop::Guarded { when, statement } => guarded(when, statement),
            Drop::LargeObjects(oids) => oids.iter().map(|oid| unlink(*oid, if_exists)).collect(),
        })
    }
}

fn unlink(oid: u32, if_exists: bool) -> String {
    if if_exists {
        format!(
            "SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata WHERE oid = '{oid}';\n"
        )
    } else {
        format!("SELECT pg_catalog.lo_unlink('{oid}');\n")
    }
}

/// A statement that runs only where an expression is true on the server that restores.
pub fn guarded(when: &str, statement: &str) -> String {
    let statement = statement.trim_end();
    let body = format!("\nBEGIN\n  IF {when} THEN\n    {statement}\n  END IF;\nEND\n");
    format!("DO {};\n", dollar_quoted(&body, ""))
}

/// What the text of an object depends on besides the object: which of its parts were split off to break a loop, and
/// what the user asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Form<'a> {
    /// Parts that come as statements of their own later.
    pub split: &'a [ObjectId],
}

impl Form<'_> {
    /// Whether a part comes later.
    pub fn is_split(&self, part: ObjectId) -> bool {
        self.split.contains(&part)
    }
}

/// The text that makes an object.
pub trait Definition: Debug + Send + Sync {
    /// `CREATE ...` and what must follow at once: whole statements, ending in a newline.
    fn create(&self, form: &Form<'_>) -> String;

    /// Statements for a part that was split off; never called for an object without parts.
    fn create_part(&self, part: ObjectId) -> PartText {
        unreachable!("{part:?} is not a part of this object: {self:?}")
    }
}

/// An object's text: most have one form only, and of those a database can have very many.
#[derive(Debug)]
pub enum Text {
    /// Whole statements, ending in a newline.
    Fixed(Box<str>),
    /// An object with parts.
    Formed(Box<dyn Definition>),
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text::Fixed(text.into_boxed_str())
    }
}

impl<D: Definition + 'static> From<D> for Text {
    fn from(definition: D) -> Self {
        Text::Formed(Box::new(definition))
    }
}

impl Text {
    /// As [`Definition::create`].
    pub fn create(&self, form: &Form<'_>) -> Cow<'_, str> {
        match self {
            Text::Fixed(text) => Cow::Borrowed(text),
            Text::Formed(definition) => Cow::Owned(definition.create(form)),
        }
    }

    /// As [`Definition::create_part`].
    pub fn create_part(&self, part: ObjectId) -> PartText {
        match self {
            Text::Fixed(text) => unreachable!("{part:?} is not a part of this object: {text}"),
            Text::Formed(definition) => definition.create_part(part),
        }
    }
}

/// A split-off part as an object of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartText {
    /// The word in the header: `CHECK CONSTRAINT`, `DEFAULT`, `VIEW`.
    pub type_name: &'static str,
    /// Name in the header.
    pub tag: String,
    /// The statements.
    pub create: String,
    /// How it is dropped.
    pub drop: Drop,
}

/// Something written inside another object's statement which depends on things of its own: a column's default, a
/// check, a view's query. When it closes a loop it is split off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its own catalog row.
    pub id: ObjectId,
    /// Its place when split off; `None`: it cannot be split.
    pub rank: Option<Rank>,
    /// Split from the start (NOT VALID checks).
    pub split: bool,
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
