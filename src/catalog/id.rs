//! What names an object: the row of a catalog, and what the dump has about it besides the object itself.

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
