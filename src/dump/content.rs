//! What a dump contains, as it is asked for, and as its index keeps it: a dump made again from the index has the same
//! text where the database is the same.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::archive::{Compression, Digest, Header};
use crate::catalog::Filter;
use crate::connect::SnapshotOptions;
use crate::plan;

/// What to dump of a database, and how.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// What the sessions are asked for.
    pub snapshot: SnapshotOptions,
    /// What the dump contains, in which form.
    pub plan: plan::Options,
    /// What was picked and left out by name.
    pub filter: Filter,
    /// How long to wait for the lock of a table, as the server's settings have it (`500`: milliseconds, `10s`); `None`:
    /// as long as it takes.
    pub lock_wait_timeout: Option<String>,
    /// The container and its level.
    pub compression: Compression,
    /// Whether each gzip member is decoded and compared before it is written.
    pub check_members: bool,
    /// Whether rows of tables are digested and counted for the summary's index, but not written: what is written is no
    /// dump then.
    pub digests_only: bool,
    /// With `digests_only`: tables whose rows are not read, because it is known what they are.
    pub known: Known,
    /// Connections that read rows; `None`: as many as make sense here.
    pub jobs: Option<usize>,
}

/// Digests of tables' rows that have been read already, by schema and name, unquoted.
pub type Known = HashMap<(String, String), KnownRows>;

/// What has been read of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRows {
    /// The columns that were read, in their order.
    pub columns: Vec<String>,
    /// Their digest.
    pub digest: Digest,
}

/// What shapes the text besides the options that the index names one by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Content {
    plan: plan::Options,
    filter: Filter,
    quote_all_identifiers: bool,
    extra_float_digits: i32,
    row_security: bool,
    foreign_data: bool,
}

impl Default for Content {
    fn default() -> Self {
        Content::of(&Request::default())
    }
}

impl Content {
    fn of(request: &Request) -> Content {
        Content {
            plan: request.plan.clone(),
            filter: request.filter.clone(),
            quote_all_identifiers: request.snapshot.quote_all_identifiers,
            extra_float_digits: request.snapshot.extra_float_digits,
            row_security: request.snapshot.enable_row_security,
            foreign_data: request.snapshot.include_foreign_data,
        }
    }
}

impl Request {
    /// The options as the index keeps them: those everybody uses by name, and all of them where there are others.
    pub(super) fn options(&self) -> BTreeMap<String, String> {
        let mut options: BTreeMap<String, String> = self
            .named()
            .map(|(name, on)| (name.to_string(), on.to_string()))
            .into();
        let content = Content::of(self);
        let mut usual = Content::default();
        let plan = &content.plan;
        (usual.plan.schema, usual.plan.rows, usual.plan.create) = (plan.schema, plan.rows, plan.create);
        (usual.plan.clean, usual.plan.if_exists) = (plan.clean, plan.if_exists);
        (usual.plan.owners, usual.plan.privileges) = (plan.owners, plan.privileges);
        if content != usual {
            let json = serde_json::to_string(&content).expect("options have only string keys");
            options.insert("content".into(), json);
        }
        options
    }

    fn named(&self) -> [(&'static str, bool); 7] {
        let plan = &self.plan;
        [
            ("schema", plan.schema),
            ("rows", plan.rows),
            ("create", plan.create),
            ("clean", plan.clean),
            ("if_exists", plan.if_exists),
            ("owners", plan.owners),
            ("privileges", plan.privileges),
        ]
    }

    /// What an index says of its dump, for one whose definitions and digests can be compared with it. A name that its
    /// filter picked and this database lacks is a difference, no mistake.
    pub fn of_header(header: Option<&Header>) -> Request {
        let option = |name: &str| header.and_then(|header| header.options.get(name));
        let content = option("content").and_then(|json| serde_json::from_str(json).ok());
        let content: Content = content.unwrap_or_default();
        let on = |name| option(name).is_some_and(|v| v == "true");
        let off = |name| option(name).is_some_and(|v| v == "false");
        Request {
            snapshot: SnapshotOptions {
                quote_all_identifiers: content.quote_all_identifiers,
                extra_float_digits: content.extra_float_digits,
                enable_row_security: content.row_security,
                include_foreign_data: content.foreign_data,
                // It is only held against a file: what a newer server has that is not known is no loss.
                allow_newer_server: true,
                ..SnapshotOptions::default()
            },
            plan: plan::Options {
                schema: !off("schema"),
                rows: !off("rows"),
                create: on("create"),
                clean: on("clean"),
                if_exists: on("if_exists"),
                owners: on("owners"),
                privileges: on("privileges"),
                ..content.plan
            },
            filter: Filter {
                lenient: true,
                strict_names: false,
                ..content.filter
            },
            lock_wait_timeout: None,
            compression: Compression::None,
            check_members: false,
            digests_only: true,
            known: Known::default(),
            jobs: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_can_be_asked_for_again_from_its_index() {
        let mut request = Request::default();
        assert!(!request.options().contains_key("content"));
        request.plan.clean = true;
        assert!(!request.options().contains_key("content"));
        request.plan.comments = false;
        request.filter.schemas = vec!["\"Sales\"".parse().unwrap()];
        request.snapshot.extra_float_digits = 0;
        let header = Header {
            options: request.options(),
            ..Header::default()
        };
        let again = Request::of_header(Some(&header));
        assert_eq!(again.plan, request.plan);
        assert_eq!(again.filter.schemas, request.filter.schemas);
        assert_eq!(again.snapshot.extra_float_digits, 0);
        assert!(again.filter.lenient);
        // A test restore may go to a newer server.
        assert!(again.snapshot.allow_newer_server);
    }
}
