//! Which of the catalog's objects a dump has: for each object the rule that leaves it out, if one does.
//!
//! The rules are pg_dump's. What belongs to a table goes with it; what is in a schema goes with the schema; the rest
//! goes where nothing was picked by name. Objects are left out after they were ordered, so that a part of a database
//! stands in the order of the whole.

use std::collections::{BTreeMap, HashMap};

use super::Options;
use crate::catalog::Catalog;
use crate::catalog::Choice;
use crate::catalog::id::{Facet, ObjectId, class};
use crate::catalog::object::{Object, Rank};

/// The rule that leaves an object out, as coverage accounting names it.
pub type Rule = &'static str;

const BY_NAME: Rule = "not picked, or left out by name";
const OUTSIDE: Rule = "outside of schemas, where only some names were picked";
const EXTENSION: Rule = "extension not picked, or left out by name";
const ROWS: Rule = "rows left out by name, or unlogged";
const LARGE_OBJECTS: Rule = "--no-large-objects";
const PUBLICATIONS: Rule = "--no-publications";
const SUBSCRIPTIONS: Rule = "--no-subscriptions";
const POLICIES: Rule = "--no-policies";

/// The rule for each object, in the catalog's order; `None`: it is in the dump.
pub fn rules(catalog: &Catalog, options: &Options, choice: &Choice) -> Vec<Option<Rule>> {
    let judge = Judge {
        options,
        choice,
        objects: catalog.objects.iter().map(|object| (object.id, object)).collect(),
        described_tables: tables_of_statistics(catalog),
    };
    catalog
        .objects
        .iter()
        .map(|object| judge.rule(object, 0))
        .collect()
}

/// How many objects each rule leaves out.
pub fn count(rules: &[Option<Rule>]) -> BTreeMap<Rule, usize> {
    let mut counts = BTreeMap::new();
    for rule in rules.iter().flatten() {
        *counts.entry(*rule).or_default() += 1;
    }
    counts
}

/// The table that each statistics object is about: only `pg_depend` says it.
fn tables_of_statistics(catalog: &Catalog) -> HashMap<ObjectId, ObjectId> {
    let of_tables = catalog
        .dependencies
        .iter()
        .filter(|d| d.of.class == class::STATISTIC_EXT && d.on.class == class::CLASS);
    of_tables.map(|d| (d.of, d.on)).collect()
}

struct Judge<'a> {
    options: &'a Options,
    choice: &'a Choice,
    objects: HashMap<ObjectId, &'a Object>,
    described_tables: HashMap<ObjectId, ObjectId>,
}

/// An attachment belongs to a key, which belongs to a table.
const DEEPEST: usize = 3;

impl Judge<'_> {
    fn rule(&self, object: &Object, depth: usize) -> Option<Rule> {
        let (options, choice) = (self.options, self.choice);
        let unless = |wanted: bool, rule: Rule| (!wanted).then_some(rule);
        match object.rank {
            Rank::Database => None,
            Rank::Schema => unless(choice.schema(&object.name), BY_NAME),
            Rank::Extension => unless(choice.extension(object.id.oid), EXTENSION),
            Rank::LargeObject | Rank::LargeObjectData => {
                let wanted = options.large_objects.unwrap_or(choice.everything());
                unless(wanted, LARGE_OBJECTS)
            }
            Rank::Table if object.id.facet == Facet::Itself => self.relation(object),
            Rank::TableData | Rank::SequenceValue | Rank::Refresh => self.data(object, depth),
            Rank::Policy if !options.policies => Some(POLICIES),
            Rank::Publication | Rank::PublicationRelation | Rank::PublicationSchema => {
                match (options.publications, choice.everything()) {
                    (false, _) => Some(PUBLICATIONS),
                    (true, false) => Some(OUTSIDE),
                    (true, true) => match object.rank {
                        Rank::PublicationRelation => self.owner(object, depth),
                        Rank::PublicationSchema => self.in_schema(object),
                        _ => None,
                    },
                }
            }
            Rank::Subscription if !options.subscriptions => Some(SUBSCRIPTIONS),
            Rank::DefaultPrivileges => self.privileges(object),
            Rank::Statistics => self.in_schema(object).or_else(|| {
                let table = self.described_tables.get(&object.id)?;
                self.objects.get(table).and_then(|table| self.relation(table))
            }),
            Rank::Table
            | Rank::TableAttach
            | Rank::ColumnDefault
            | Rank::Constraint
            | Rank::Index
            | Rank::IndexAttach
            | Rank::Rule
            | Rank::Trigger
            | Rank::ForeignKey
            | Rank::Policy => self.owner(object, depth),
            _ if object.schema.is_some() => self.in_schema(object),
            _ => unless(choice.everything(), OUTSIDE),
        }
    }

    fn in_schema(&self, object: &Object) -> Option<Rule> {
        let schema = object.schema.as_deref().unwrap_or_default();
        (!self.choice.schema(schema)).then_some(BY_NAME)
    }

    fn relation(&self, object: &Object) -> Option<Rule> {
        let schema = object.schema.as_deref().unwrap_or_default();
        (!self.choice.relation(object.id.oid, schema)).then_some(BY_NAME)
    }

    /// What goes with the first thing it names as its own: a table's, an index's.
    fn owner(&self, object: &Object, depth: usize) -> Option<Rule> {
        let of_relation = |id: &&ObjectId| matches!(id.class, class::CLASS | class::CONSTRAINT);
        let owner = object.depends.iter().find(of_relation);
        match owner.and_then(|id| self.objects.get(id)) {
            Some(owner) if depth < DEEPEST => {
                let rule = self.rule(owner, depth + 1);
                // OWNED BY names a table, too, which may be left out.
                rule.or_else(|| self.owned_by(object, owner))
            }
            _ => self.in_schema(object),
        }
    }

    fn owned_by(&self, object: &Object, sequence: &Object) -> Option<Rule> {
        if object.type_name != "SEQUENCE OWNED BY" {
            return None;
        }
        let table = sequence.depends.iter().find(|id| id.class == class::CLASS)?;
        self.objects.get(table).and_then(|table| self.relation(table))
    }

    fn data(&self, object: &Object, depth: usize) -> Option<Rule> {
        let relation = object.id.facet(Facet::Itself);
        let schema = object.schema.as_deref().unwrap_or_default();
        let extension = object.depends.iter().find(|id| id.class == class::EXTENSION);
        let rule = match (self.objects.get(&relation), extension) {
            (Some(relation), _) if depth < DEEPEST => self.rule(relation, depth + 1),
            (_, Some(extension)) => {
                let wanted = self.choice.extension_rows(extension.oid, relation.oid, schema);
                (!wanted).then_some(EXTENSION)
            }
            _ => self.in_schema(object),
        };
        rule.or_else(|| (!self.choice.rows(relation.oid)).then_some(ROWS))
    }

    /// Default privileges, and changed ones of what the dump does not make.
    fn privileges(&self, object: &Object) -> Option<Rule> {
        let unless = |wanted: bool, rule: Rule| (!wanted).then_some(rule);
        if let Some(extension) = object.depends.iter().find(|id| id.class == class::EXTENSION) {
            return unless(self.choice.extension(extension.oid), EXTENSION);
        }
        match (&object.schema, object.id.class) {
            (Some(_), class::DEFAULT_ACL) => self.in_schema(object),
            (None, class::DEFAULT_ACL) => unless(self.choice.everything(), OUTSIDE),
            _ => unless(self.choice.system(), OUTSIDE),
        }
    }
}
