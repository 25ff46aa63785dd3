//! Nothing is written that psql would read as anything but the statements it is meant to be.

use super::{Options, Plan, Step, build};
use crate::Result;
use crate::catalog::drop::Drop;
use crate::catalog::id::{Facet, ObjectId, class};
use crate::catalog::object::{Data, Object, Privileges, Rank};
use crate::catalog::{Catalog, Choice, TableRows};

fn table(create: &str) -> Object {
    let id = ObjectId::new(class::CLASS, 20_000);
    Object::new(id, Rank::Table, "TABLE", Some("s"), "t", create.to_string()).owned(
        &"owner".into(),
        "TABLE",
        "s.t",
    )
}

/// The rows of a table, loaded through what stands behind COPY.
fn rows(target: &str) -> Object {
    let id = ObjectId::new(class::CLASS, 20_000).facet(Facet::Data);
    let mut object = Object::new(id, Rank::TableData, "TABLE DATA", Some("s"), "t", String::new());
    object.data = Some(Data::Rows(Box::new(TableRows {
        oid: 20_000,
        schema: "s".into(),
        name: "t".into(),
        columns: vec!["a".into()],
        begin: String::new(),
        end: String::new(),
        through: Some(target.into()),
        inserts: None,
        filter: None,
        heap_pages: None,
        bytes: 0,
    })));
    object
}

fn plan(objects: Vec<Object>, clean: bool) -> Result<Plan> {
    let catalog = Catalog {
        objects,
        ..Catalog::default()
    };
    let options = Options {
        clean,
        ..Options::default()
    };
    build(catalog, &options, &Choice::all())
}

#[track_caller]
fn refused(object: Object, why: &str) {
    let error = plan(vec![object], true).expect_err(why).to_string();
    assert!(error.contains("\"t\" of schema \"s\""), "{why}: {error}");
}

#[test]
fn a_name_that_is_quoted_cannot_break_out() {
    let name = "a\n\\! touch x\n\"\"; DROP TABLE y; --'$$";
    let mut object = table(&format!("CREATE TABLE s.\"{name}\" (\n);\n"));
    object.tag = Some(name.to_string());
    object.drop_by(Drop::Object("TABLE", format!("s.\"{name}\"")));
    let plan = plan(vec![object, rows(&format!("s.\"{name}\""))], true).expect("everything is quoted");
    assert_eq!(
        plan.steps.iter().filter(|s| matches!(s, Step::Rows(_))).count(),
        1
    );
}

#[test]
fn a_meta_command_is_refused_wherever_it_stands() {
    refused(
        table("CREATE TABLE s.t (\n);\n\\! touch x\n"),
        "on a line of its own",
    );
    refused(table("CREATE TABLE s.t () \\gexec\n"), "within the statement");
    refused(
        table("CREATE TABLE s.it's (\n);\n\\q\n'"),
        "behind a quote that opens too early",
    );
    refused(
        table("CREATE TABLE s.t (a[1:\"USER\"]);\n"),
        "one of psql's variables",
    );
    refused(rows("s.t (a) FROM stdin;\n1\n\\.\n\\! id\n--"), "behind rows");
    refused(rows("s.t \\copy s.t FROM stdin\n--"), "within COPY");
    let mut object = table("CREATE TABLE s.t (\n);\n");
    object.drop_by(Drop::Object("TABLE", "s.t; \\! id\n--".into()));
    refused(object, "in what drops");
    let mut object = table("CREATE TABLE s.t (\n);\n");
    object.owner_addresses = vec!["TABLE s.t\n\\! id\n".into()];
    refused(object, "in what gives an owner");
    let mut object = table("CREATE TABLE s.t (\n);\n");
    object.privileges.push(Privileges {
        prefix: String::new(),
        on: "TABLE s.t \\! id\n".into(),
        tag: "TABLE t".into(),
        column: None,
        acl: vec!["=r/owner".into()],
        base: vec![],
    });
    refused(object, "in a GRANT");
}

#[test]
fn a_statement_that_swallows_the_next_is_refused() {
    refused(table("CREATE TABLE s.t (a text DEFAULT 'x);\n"), "an open string");
    refused(table("CREATE TABLE s.\"t (a text);\n"), "an open name");
    refused(table("CREATE FUNCTION s.t() AS $$x$;\n"), "an open dollar quote");
    refused(table("CREATE TABLE s.t (a text); /* x\n"), "an open comment");
    refused(table("CREATE TABLE s.t (a text)\n"), "no end");
    refused(rows("s.t (a) FROM stdin --"), "no end of the COPY statement");
}
