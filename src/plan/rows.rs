//! The text around a table's rows: COPY or INSERT, through the partition's root, with triggers off.

use super::Options;
use crate::catalog::Choice;
use crate::catalog::names::{InsertColumns, ValueForm};
use crate::catalog::rows::{InsertForm, TableRows};
use crate::sql::{comment_text, ident, ident_list, qualified};

/// Decides how the rows are written, and gives what comes before and after them. What stands around them is empty
/// before.
pub fn form(rows: &mut TableRows, options: &Options, choice: &Choice) -> (String, String) {
    if options.via_root
        && let Some(root) = choice.roots.get(&rows.oid)
    {
        rows.through = Some(root.clone());
    }
    let table = qualified(&rows.schema, &rows.name);
    let target = rows.through.clone().unwrap_or_else(|| table.clone());
    if let Some(root) = &rows.through {
        rows.begin = format!("-- load via partition root {}\n", comment_text(root));
    }
    let no_columns = InsertColumns::default();
    match &options.inserts {
        None => {
            let list = match rows.columns.is_empty() {
                // Two blanks, as pg_dump has it.
                true => " ".to_string(),
                false => format!(" ({})", ident_list(rows.columns.iter().map(String::as_str))),
            };
            rows.begin.push_str(&format!("COPY {target}{list} FROM stdin;\n"));
            rows.end = "\\.\n\n\n".to_string();
        }
        Some(inserts) => {
            let columns = choice.inserts.get(&rows.oid).unwrap_or(&no_columns);
            // The root's columns may have another order.
            let named = inserts.columns || rows.through.is_some();
            let suffix = match inserts.on_conflict_do_nothing {
                true => " ON CONFLICT DO NOTHING;\n",
                false => ";\n",
            };
            rows.inserts = Some(Box::new(InsertForm {
                rows: inserts.rows,
                suffix: suffix.to_string(),
                ..insert_form(&target, columns, named)
            }));
            rows.end = "\n\n".to_string();
        }
    }
    if !options.disable_triggers || options.schema {
        return Default::default();
    }
    let user = options.superuser.as_ref();
    let user: String = user
        .iter()
        .map(|role| {
            format!(
                "SET SESSION AUTHORIZATION {};\n\n",
                crate::sql::script_literal(role)
            )
        })
        .collect();
    let switch = |word: &str| format!("{user}ALTER TABLE {table} {word} TRIGGER ALL;\n\n");
    (switch("DISABLE"), switch("ENABLE"))
}

fn insert_form(target: &str, columns: &InsertColumns, named: bool) -> InsertForm {
    let overriding = match columns.overriding {
        true => " OVERRIDING SYSTEM VALUE",
        false => "",
    };
    let mut columns = columns.columns.clone();
    let mut list = String::new();
    if named {
        columns.retain(|(_, form)| *form != ValueForm::Default);
        let names: Vec<String> = columns.iter().map(|(name, _)| ident(name)).collect();
        list = format!(" ({})", names.join(", "));
    }
    let prefix = match columns.is_empty() {
        true => format!("INSERT INTO {target} DEFAULT VALUES"),
        false => format!("INSERT INTO {target}{list}{overriding} VALUES"),
    };
    InsertForm {
        prefix,
        forms: columns.into_iter().map(|(_, form)| form).collect(),
        suffix: String::new(),
        rows: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insert_names_its_columns_only_where_that_is_asked_or_needed() {
        let columns = InsertColumns {
            columns: vec![
                ("id".into(), ValueForm::Number),
                ("Sum".into(), ValueForm::Default),
            ],
            overriding: true,
        };
        let form = insert_form("public.t", &columns, false);
        assert_eq!(form.prefix, "INSERT INTO public.t OVERRIDING SYSTEM VALUE VALUES");
        assert_eq!(form.forms, [ValueForm::Number, ValueForm::Default]);
        let form = insert_form("public.t", &columns, true);
        assert_eq!(
            form.prefix,
            "INSERT INTO public.t (id) OVERRIDING SYSTEM VALUE VALUES"
        );
        assert_eq!(form.forms, [ValueForm::Number]);
        let form = insert_form("public.t", &InsertColumns::default(), false);
        assert_eq!(form.prefix, "INSERT INTO public.t DEFAULT VALUES");
    }
}
