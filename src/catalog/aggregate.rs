//! Aggregates: ordinary, ordered-set, hypothetical-set, moving.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::options::Options;
use super::row::row_struct;
use crate::Result;
use crate::sql::{qualified, script_literal};

row_struct! {
    /// An aggregate.
    pub struct AggregateRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        arguments: String,
        identity_arguments: String,
        /// Types only.
        argument_types: String,
        argument_count: i16,
        /// `n` ordinary, `o` ordered-set, `h` hypothetical-set.
        kind: String,
        transition: String,
        state_type: String,
        state_space: i32,
        initial: Option<String>,
        r#final: Option<String>,
        final_extra: bool,
        /// `r` read only, `s` shareable, `w` read and write.
        final_modify: String,
        combine: Option<String>,
        serial: Option<String>,
        deserial: Option<String>,
        moving_transition: Option<String>,
        moving_inverse: Option<String>,
        moving_state_type: Option<String>,
        moving_state_space: i32,
        moving_initial: Option<String>,
        moving_final: Option<String>,
        moving_final_extra: bool,
        moving_final_modify: String,
        /// `OPERATOR(pg_catalog.<)`.
        sort_operator: Option<String>,
        parallel: String,
        acl: Option<Vec<String>>,
        default_acl: Option<Vec<String>>,
    }
}

impl CatalogRow for AggregateRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::PROC, self.oid);
        let name = qualified(&self.schema, &self.name);
        let or_star = |arguments: &str| {
            if self.argument_count == 0 {
                "*".to_string()
            } else {
                arguments.to_string()
            }
        };
        let address = format!("{name}({})", or_star(&self.identity_arguments));
        let create = format!(
            "CREATE AGGREGATE {name}({}) (\n{}\n);\n",
            or_star(&self.arguments),
            self.options()
        );
        let mut object = Object::new(
            id,
            Rank::Aggregate,
            "AGGREGATE",
            Some(&self.schema),
            &self.name,
            create,
        )
        .known_as(&loader.role(self.owner), "AGGREGATE", &address);
        object.tag = Some(format!("{}({})", self.name, or_star(&self.argument_types)));
        object.signature = format!("{:05}{}", self.argument_count, self.argument_types);
        let base = loader.base_privileges(id, 0, self.default_acl.clone());
        // There is no GRANT ON AGGREGATE: an aggregate is granted as the function that it also is.
        let granted = format!("FUNCTION {name}({})", self.argument_types);
        loader.add(object.granted(granted, None, self.acl.clone(), base));
        Ok(())
    }
}

impl AggregateRow {
    fn options(&self) -> String {
        let space = |bytes: i32| (bytes != 0).then(|| bytes.to_string());
        let text = |value: &Option<String>| value.as_deref().map(script_literal);
        let (has_final, has_moving_final) = (self.r#final.is_some(), self.moving_final.is_some());
        let mut list = Options::default();
        list.value("SFUNC", Some(&self.transition))
            .value("STYPE", Some(&self.state_type))
            .value("SSPACE", space(self.state_space).as_deref())
            .value("INITCOND", text(&self.initial).as_deref())
            .value("FINALFUNC", self.r#final.as_deref())
            .flag("FINALFUNC_EXTRA", has_final && self.final_extra)
            .value(
                "FINALFUNC_MODIFY",
                self.modify(&self.final_modify).filter(|_| has_final),
            )
            .value("COMBINEFUNC", self.combine.as_deref())
            .value("SERIALFUNC", self.serial.as_deref())
            .value("DESERIALFUNC", self.deserial.as_deref())
            .value("MSFUNC", self.moving_transition.as_deref())
            .value("MINVFUNC", self.moving_inverse.as_deref())
            .value("MSTYPE", self.moving_state_type.as_deref())
            .value("MSSPACE", space(self.moving_state_space).as_deref())
            .value("MINITCOND", text(&self.moving_initial).as_deref())
            .value("MFINALFUNC", self.moving_final.as_deref())
            .flag("MFINALFUNC_EXTRA", has_moving_final && self.moving_final_extra)
            .value(
                "MFINALFUNC_MODIFY",
                self.modify(&self.moving_final_modify)
                    .filter(|_| has_moving_final),
            )
            .value("SORTOP", self.sort_operator.as_deref())
            .flag("HYPOTHETICAL", self.kind == "h")
            .value("PARALLEL", self.parallel_word());
        list.finish()
    }

    /// What the final function may do to the state, when it is not the default of the kind of aggregate.
    fn modify(&self, code: &str) -> Option<&'static str> {
        let default = if self.kind == "n" { "r" } else { "w" };
        let word = match code {
            "r" => "READ_ONLY",
            "s" => "SHAREABLE",
            _ => "READ_WRITE",
        };
        (code != default).then_some(word)
    }

    fn parallel_word(&self) -> Option<&'static str> {
        match self.parallel.as_str() {
            "s" => Some("safe"),
            "r" => Some("restricted"),
            _ => None,
        }
    }
}
