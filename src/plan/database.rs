//! The part of a script that makes the database and goes into it (`--create`).

use super::Options;
use crate::catalog::Database;
use crate::sql::{comment_text, ident};
use crate::{Error, Result, script};

/// Makes the database, goes into it, and sets it up. `settings` is what every session of the script begins with.
///
/// # Errors
/// A name that `\connect` cannot say: one with a line end.
pub fn introduction(database: &Database, options: &Options, settings: &str) -> Result<String> {
    let name = ident(&database.name);
    let mut connect = format!("{}\n\n{settings}", connect(&database.name)?);
    if let Some(key) = &options.restrict_key {
        connect = connect.replacen("\n\n", &format!("\n\\restrict {key}\n\n"), 1);
        connect.insert_str(0, &format!("\\unrestrict {key}\n"));
    }
    let header = |kind: &str| {
        let owner = if options.owners {
            database.owner.as_str()
        } else {
            "-"
        };
        format!(
            "--\n-- Name: {}; Type: {kind}; Schema: -; Owner: {}\n--\n\n",
            comment_text(&database.name),
            comment_text(owner)
        )
    };
    let mut text = settings.to_string();
    if options.clean {
        let if_exists = if options.if_exists { "IF EXISTS " } else { "" };
        text.push_str(&format!("DROP DATABASE {if_exists}{name};\n"));
    }
    for statements in [
        &database.create,
        &database.comment,
        &database.labels,
        &database.properties,
    ] {
        script::whole_statements(statements.as_bytes())
            .map_err(|e| e.context(format!("checking what makes database {:?}", database.name)))?;
    }
    text.push_str(&header("DATABASE"));
    text.push_str(&format!("{}\n\n", database.create));
    if options.owners {
        text.push_str(&format!(
            "ALTER DATABASE {name} OWNER TO {};\n\n",
            ident(&database.owner)
        ));
    }
    text.push_str(&connect);
    if !database.comment.is_empty() && options.comments {
        text.push_str(&header("COMMENT"));
        text.push_str(&format!("{}\n\n", database.comment));
    }
    if !database.labels.is_empty() && options.security_labels {
        text.push_str(&header("SECURITY LABEL"));
        text.push_str(&format!("{}\n\n", database.labels));
    }
    if !database.properties.is_empty() {
        text.push_str(&header("DATABASE PROPERTIES"));
        text.push_str(&format!("{}\n\n", database.properties));
        // The settings hold from the next session on.
        text.push_str(&connect);
    }
    Ok(text)
}

/// psql's command for going into a database, as psql's own writers of such lines put it: a name that is more than
/// letters, digits, `_` and `.` goes by a connection string.
fn connect(name: &str) -> Result<String> {
    if name.contains(['\n', '\r']) {
        return Err(Error::failed(format!(
            "the database's name {name:?} has a line end, which \\connect cannot say"
        ))
        .hint("leave out --create and make the database by hand"));
    }
    let is_simple = name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.');
    if is_simple {
        return Ok(format!("\\connect {}", ident(name)));
    }
    let value = name.replace('\\', "\\\\").replace('\'', "\\'");
    Ok(format!(
        "\\connect -reuse-previous=on \"dbname='{}'\"",
        value.replace('"', "\"\"")
    ))
}

#[cfg(test)]
mod tests {
    use super::connect;

    #[test]
    fn an_odd_database_name_is_one_that_psql_reads_back() {
        assert_eq!(connect("app").unwrap(), "\\connect app");
        assert_eq!(connect("App").unwrap(), "\\connect \"App\"");
        assert_eq!(
            connect("it's \"x\"").unwrap(),
            "\\connect -reuse-previous=on \"dbname='it\\'s \"\"x\"\"'\""
        );
        assert!(connect("a\nb").is_err());
    }
}
