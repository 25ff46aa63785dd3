//! What a dump begins with.

use super::{Options, database};
use crate::Result;
use crate::catalog::Catalog;

/// What the file begins with: its title, the session's settings, the database where it is to be made.
pub fn beginning(catalog: &Catalog, options: &Options) -> Result<String> {
    let settings = preamble(catalog, options);
    let text = match &catalog.database {
        Some(database) if options.create => database::introduction(database, options, &settings)?,
        _ => settings,
    };
    let restrict = options
        .restrict_key
        .iter()
        .map(|key| format!("\\restrict {key}\n\n"));
    let restrict: String = restrict.collect();
    Ok(format!(
        "--\n-- PostgreSQL database dump\n--\n\n{restrict}-- Dumped by pgstow\n\n{text}"
    ))
}

/// The header, by which a reader knows that the file must end with the closing line, and session settings for whoever
/// replays the file. Only what every server from 13 on knows is set outright;
/// `transaction_timeout` (17+) is set where there is one.
fn preamble(catalog: &Catalog, options: &Options) -> String {
    format!(
        "SET statement_timeout = 0;\n\
         SET lock_timeout = 0;\n\
         SET idle_in_transaction_session_timeout = 0;\n\
         SELECT pg_catalog.set_config(name, '0', false) FROM pg_catalog.pg_settings WHERE name = 'transaction_timeout';\n\
         SET client_encoding = '{}';\n\
         SET standard_conforming_strings = on;\n\
         SELECT pg_catalog.set_config('search_path', '', false);\n\
         SET check_function_bodies = false;\n\
         SET xmloption = content;\n\
         SET client_min_messages = warning;\n\
         SET row_security = {};\n\n",
        match &options.encoding {
            Some(encoding) => encoding,
            None if catalog.encoding == "SQL_ASCII" => "SQL_ASCII",
            None => "UTF8",
        },
        if options.row_security { "on" } else { "off" },
    )
}
