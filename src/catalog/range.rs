//! Range types; each makes its multirange type and the constructors of both.

use super::base_type::add_shell;
use super::drop::Drop;
use super::id::{ObjectId, class};
use super::kind::CatalogRow;
use super::loader::Loader;
use super::object::{Address, Object, Rank};
use super::row::row_struct;
use crate::Result;
use crate::sql::qualified;

row_struct! {
    /// A range type.
    pub struct RangeRow {
        oid: u32,
        schema: String,
        name: String,
        owner: u32,
        subtype: String,
        /// Qualified and quoted.
        multirange: Option<String>,
        multirange_oid: Option<u32>,
        /// Only when it is not the subtype's default.
        operator_class: Option<String>,
        /// Only when it is not the subtype's.
        collation: Option<String>,
        canonical: Option<String>,
        subtype_diff: Option<String>,
        acl: Option<Vec<String>>,
        default_acl: Option<Vec<String>>,
    }
}

impl CatalogRow for RangeRow {
    fn load(self, loader: &mut Loader) -> Result<()> {
        let id = ObjectId::new(class::TYPE, self.oid);
        let name = qualified(&self.schema, &self.name);
        let mut create = format!("CREATE TYPE {name} AS RANGE (\n    subtype = {}", self.subtype);
        let options = [
            ("multirange_type_name", &self.multirange),
            ("subtype_opclass", &self.operator_class),
            ("collation", &self.collation),
            ("canonical", &self.canonical),
            ("subtype_diff", &self.subtype_diff),
        ];
        for (word, value) in options {
            if let Some(value) = value {
                create.push_str(&format!(",\n    {word} = {value}"));
            }
        }
        create.push_str("\n);\n");
        let base = loader.base_privileges(id, 0, self.default_acl);
        let owner = loader.role(self.owner);
        let mut object = Object::new(id, Rank::Type, "TYPE", Some(&self.schema), &self.name, create)
            .known_as(&owner, "TYPE", &name)
            .granted(format!("TYPE {name}"), None, self.acl, base);
        if let (Some(multirange), Some(oid)) = (self.multirange, self.multirange_oid) {
            object.addresses.push(Address {
                of: ObjectId::new(class::TYPE, oid),
                sub: 0,
                kind: "TYPE",
                name: multirange,
            });
        }
        if self.canonical.is_some() {
            // The canonical function takes and gives the range.
            object.drop_by(Drop::Cascade("TYPE", name));
            object
                .depends
                .push(add_shell(id, &self.schema, &self.name, owner, loader));
        }
        loader.add(object);
        Ok(())
    }
}
