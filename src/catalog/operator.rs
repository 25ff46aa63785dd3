//! Operators.

use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Object, Rank};
use super::options::Options;
use super::row::row_struct;
use crate::Result;
use crate::sql::ident;

row_struct! {
    /// An operator.
    pub struct OperatorRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        /// `b` between two operands, `l` before one, `r` after one.
        kind: String,
        function: String,
        left_type: Option<String>,
        right_type: Option<String>,
        /// `OPERATOR(public.=)`.
        commutator: Option<String>,
        negator: Option<String>,
        can_merge: bool,
        can_hash: bool,
        restrict_estimator: Option<String>,
        join_estimator: Option<String>,
    }
}

impl CatalogRow for OperatorRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::OPERATOR, self.oid);
        let name = format!("{}.{}", ident(&self.schema), self.name);
        let side = |name: &Option<String>| name.clone().unwrap_or_else(|| "NONE".to_string());
        let operands = format!("({}, {})", side(&self.left_type), side(&self.right_type));
        let address = format!("{name} {operands}");
        let create = format!("CREATE OPERATOR {name} (\n{}\n);\n", self.options());
        let mut object = Object::new(
            id,
            Rank::Operator,
            "OPERATOR",
            Some(&self.schema),
            &self.name,
            create,
        )
        .known_as(&loader.role(self.owner), "OPERATOR", &address);
        object.signature = format!("{}{operands}", self.kind);
        object.tag = Some(format!("{} {operands}", self.name));
        loader.add(object);
        Ok(())
    }
}

impl OperatorRow {
    fn options(&self) -> String {
        let mut list = Options::default();
        list.value("FUNCTION", Some(&self.function))
            .value("LEFTARG", self.left_type.as_deref())
            .value("RIGHTARG", self.right_type.as_deref())
            .value("COMMUTATOR", self.commutator.as_deref())
            .value("NEGATOR", self.negator.as_deref())
            .flag("MERGES", self.can_merge)
            .flag("HASHES", self.can_hash)
            .value("RESTRICT", self.restrict_estimator.as_deref())
            .value("JOIN", self.join_estimator.as_deref());
        list.finish()
    }
}
