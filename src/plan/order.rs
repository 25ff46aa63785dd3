//! The one table of order: what comes before what where no dependency decides, and in which section and pass.

use crate::catalog::object::Rank;

/// The sections of a dump, as pg_dump's `--section` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// Everything that rows need.
    PreData,
    /// Rows.
    Data,
    /// Everything that needs rows, or is faster made after them.
    PostData,
}

/// Three walks over the objects: privileges must not hinder the making of objects, and what runs users' code
/// (event triggers, materialised views' queries) needs the privileges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pass {
    /// Objects and rows.
    Main,
    /// Privileges.
    Privileges,
    /// Event triggers, refreshes.
    Last,
}

use Pass::{Last, Main};
use Section::{Data, PostData, PreData};

/// The order, as pg_dump has it.
const ORDER: &[(Rank, Section, Pass)] = &[
    (Rank::Database, PreData, Main),
    (Rank::Schema, PreData, Main),
    (Rank::Language, PreData, Main),
    (Rank::Collation, PreData, Main),
    (Rank::Transform, PreData, Main),
    (Rank::Extension, PreData, Main),
    (Rank::Type, PreData, Main),
    (Rank::Cast, PreData, Main),
    (Rank::Function, PreData, Main),
    (Rank::Aggregate, PreData, Main),
    (Rank::AccessMethod, PreData, Main),
    (Rank::Operator, PreData, Main),
    (Rank::OperatorFamily, PreData, Main),
    (Rank::Conversion, PreData, Main),
    (Rank::TsParser, PreData, Main),
    (Rank::TsTemplate, PreData, Main),
    (Rank::TsDictionary, PreData, Main),
    (Rank::TsConfiguration, PreData, Main),
    (Rank::ForeignDataWrapper, PreData, Main),
    (Rank::ForeignServer, PreData, Main),
    (Rank::UserMapping, PreData, Main),
    (Rank::Table, PreData, Main),
    (Rank::TableAttach, PreData, Main),
    (Rank::ColumnDefault, PreData, Main),
    (Rank::LargeObject, PreData, Main),
    (Rank::TableData, Data, Main),
    (Rank::SequenceValue, Data, Main),
    (Rank::LargeObjectData, Data, Main),
    (Rank::Constraint, PostData, Main),
    (Rank::Index, PostData, Main),
    (Rank::IndexAttach, PostData, Main),
    (Rank::Statistics, PostData, Main),
    (Rank::Rule, PostData, Main),
    (Rank::Trigger, PostData, Main),
    (Rank::ForeignKey, PostData, Main),
    (Rank::Policy, PostData, Main),
    (Rank::Publication, PostData, Main),
    (Rank::PublicationRelation, PostData, Main),
    (Rank::PublicationSchema, PostData, Main),
    (Rank::Subscription, PostData, Main),
    (Rank::DefaultPrivileges, PostData, Main),
    (Rank::EventTrigger, PostData, Last),
    (Rank::Refresh, PostData, Last),
];

/// Where in the table each rank stands, by its number: sorting asks millions of times. A rank that the table forgot
/// comes last.
const POSITIONS: [usize; 64] = {
    let mut positions = [ORDER.len(); 64];
    let mut at = 0;
    while at < ORDER.len() {
        positions[ORDER[at].0 as usize] = at;
        at += 1;
    }
    positions
};

/// A rank's place among all ranks.
pub fn position(rank: Rank) -> usize {
    POSITIONS[rank as usize]
}

/// The section a rank belongs to, unless a dependency moves the object to a later one.
pub fn section(rank: Rank) -> Section {
    ORDER.get(position(rank)).map_or(PostData, |entry| entry.1)
}

/// The pass a rank is written in.
pub fn pass(rank: Rank) -> Pass {
    ORDER.get(position(rank)).map_or(Main, |entry| entry.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rank_stands_once_where_it_is_found() {
        for (at, (rank, _, _)) in ORDER.iter().enumerate() {
            assert_eq!(position(*rank), at, "{rank:?}");
        }
    }
}
