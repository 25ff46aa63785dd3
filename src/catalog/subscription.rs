//! Subscriptions of this database. Making one from a dump never connects to the publisher, and neither does dropping
//! one for `--clean`.

use super::drop::{Drop, guarded};
use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::{ident, ident_list, script_literal};

row_struct! {
    /// A subscription.
    pub struct SubscriptionRow {
        oid: u32,
        name: String,
        owner: u32,
        connection: String,
        slot: Option<String>,
        publications: Vec<String>,
        synchronous_commit: String,
        is_binary: bool,
        /// `t` on, `f` off, `p` parallel.
        streaming: String,
        /// Whether the server has the option at all; without it nothing is streamed.
        knows_streaming: bool,
        /// Whether the server has the option at all; without it the owner applies all changes.
        knows_run_as_owner: bool,
        two_phase: bool,
        disable_on_error: bool,
        password_required: bool,
        run_as_owner: bool,
        origin: String,
        failover: bool,
    }
}

impl CatalogRow for SubscriptionRow {
    /// Connection strings are for superusers' eyes.
    const UNREADABLE: Option<&'static str> = Some(
        "SELECT CASE WHEN NOT has_column_privilege('pg_subscription', 'subconninfo', 'SELECT') THEN ARRAY(
            SELECT s.subname::text FROM pg_subscription s
            WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
            ORDER BY 1) END",
    );

    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::SUBSCRIPTION, self.oid);
        let name = ident(&self.name);
        let mut create = format!(
            "CREATE SUBSCRIPTION {name} CONNECTION {} PUBLICATION {} WITH ({});\n",
            script_literal(&self.connection),
            ident_list(self.publications.iter().map(String::as_str)),
            self.options().join(", ")
        );
        create.push_str(&self.said_to_newer_servers(&name));
        let mut object = Object::new(id, Rank::Subscription, "SUBSCRIPTION", None, &self.name, create)
            .owned(&loader.role(self.owner), "SUBSCRIPTION", &name)
            .addressed("SUBSCRIPTION", &name);
        object.drop_by(drop(&self.name));
        loader.add(object);
        Ok(())
    }
}

/// DROP SUBSCRIPTION goes to the publisher to drop the slot there, and so cannot be part of a transaction: the slot is
/// given up first.
fn drop(name: &str) -> Drop {
    let quoted = ident(name);
    let statements = [
        format!("ALTER SUBSCRIPTION {quoted} DISABLE;\n"),
        format!("ALTER SUBSCRIPTION {quoted} SET (slot_name = NONE);\n"),
        format!("DROP SUBSCRIPTION {quoted};\n"),
    ];
    Drop::Guarded {
        when: format!(
            "EXISTS (SELECT FROM pg_catalog.pg_subscription s JOIN pg_catalog.pg_database d ON d.oid = s.subdbid\n    \
             WHERE d.datname = pg_catalog.current_database() AND s.subname = {})",
            script_literal(name)
        ),
        statement: statements.concat(),
    }
}

impl SubscriptionRow {
    /// What this server does without an option for it, said where the server that restores has the option.
    fn said_to_newer_servers(&self, name: &str) -> String {
        let options = [
            (self.knows_streaming, "substream", "streaming = off"),
            (self.knows_run_as_owner, "subrunasowner", "run_as_owner = true"),
        ];
        let say = |(_, column, option): &(bool, &str, &str)| {
            let when = format!(
                "EXISTS (SELECT FROM pg_catalog.pg_attribute\n    WHERE attrelid = \
                 'pg_catalog.pg_subscription'::pg_catalog.regclass AND attname = '{column}')"
            );
            guarded(&when, &format!("ALTER SUBSCRIPTION {name} SET ({option});\n"))
        };
        options
            .iter()
            .filter(|(is_known, ..)| !is_known)
            .map(say)
            .collect()
    }

    fn options(&self) -> Vec<String> {
        let slot = self.slot.as_deref().map_or("NONE".to_string(), script_literal);
        let mut list = vec!["connect = false".to_string(), format!("slot_name = {slot}")];
        let mut say = |is_set: bool, text: &str| {
            if is_set {
                list.push(text.to_string());
            }
        };
        say(self.is_binary, "binary = true");
        say(self.streaming == "t", "streaming = on");
        say(self.streaming == "p", "streaming = parallel");
        // The default is another since 18.
        say(self.streaming == "f" && self.knows_streaming, "streaming = off");
        say(self.two_phase, "two_phase = on");
        say(self.disable_on_error, "disable_on_error = true");
        say(!self.password_required, "password_required = false");
        say(self.run_as_owner, "run_as_owner = true");
        say(self.failover, "failover = true");
        if self.synchronous_commit != "off" {
            let value = ident(&self.synchronous_commit);
            say(true, &format!("synchronous_commit = {value}"));
        }
        if !self.origin.eq_ignore_ascii_case("any") {
            say(true, &format!("origin = {}", self.origin));
        }
        list
    }
}
