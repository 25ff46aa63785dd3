//! Event triggers and their enabled state. They come last of all, or they would fire while the rest is restored.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::row::row_struct;
use super::trigger::state_word;
use crate::Result;
use crate::sql::ident;

row_struct! {
    /// An event trigger.
    pub struct EventTriggerRow {
        oid: u32,
        name: String,
        owner: u32,
        event: String,
        /// Literals, comma-separated.
        tags: String,
        function: String,
        /// As a trigger's.
        state: String,
    }
}

impl CatalogRow for EventTriggerRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::EVENT_TRIGGER, self.oid);
        let name = ident(&self.name);
        let tags = if self.tags.is_empty() {
            String::new()
        } else {
            format!("\n         WHEN TAG IN ({})", self.tags)
        };
        let mut create = format!(
            "CREATE EVENT TRIGGER {name} ON {}{tags}\n   EXECUTE FUNCTION {}();\n",
            ident(&self.event),
            self.function
        );
        let state = state_word(&self.state);
        if state != "ENABLE" {
            create.push_str(&format!("\nALTER EVENT TRIGGER {name} {state};\n"));
        }
        let kind = "EVENT TRIGGER";
        loader.add(
            Object::new(id, Rank::EventTrigger, kind, None, &self.name, create).known_as(
                &loader.role(self.owner),
                kind,
                &name,
            ),
        );
        Ok(())
    }
}
