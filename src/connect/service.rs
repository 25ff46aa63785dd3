//! `pg_service.conf`: named groups of connection parameters.

use std::path::Path;

use super::environment::Environment;
use super::params::{Params, Value, nearest};
use crate::{Error, Result};

/// Where a service file lies when `PGSYSCONFDIR` does not say: Debian's directory, as its libpq has it.
const SYSCONFDIR: &str = "/etc/postgresql-common";

/// The parameters of a service: from the file named, else from the user's, else from the system's.
pub(super) fn load(service: &Value, file: Option<&Value>, environment: &Environment) -> Result<Params> {
    let system = environment
        .get("PGSYSCONFDIR")?
        .map_or(SYSCONFDIR.to_string(), |v| v.text);
    let user = match file {
        Some(file) => {
            let path = Path::new(&file.text);
            if !path.exists() {
                return Err(Error::usage(format!(
                    "service file {} not found, named by {}",
                    file.text, file.origin
                )));
            }
            Some(path.to_path_buf())
        }
        None => environment.in_home(".pg_service.conf"),
    };
    let paths: Vec<_> = user
        .into_iter()
        .chain([Path::new(&system).join("pg_service.conf")])
        .collect();
    let mut known = Vec::new();
    for path in paths.iter().filter(|p| p.exists()) {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::io(format!("cannot read the service file {}", path.display()), e))?;
        if let Some(params) = section(&text, &service.text, &path.display().to_string())? {
            return Ok(params);
        }
        known.extend(section_names(&text).map(str::to_string));
    }
    let searched: Vec<_> = paths.iter().map(|p| p.display().to_string()).collect();
    let error = Error::usage(format!(
        "service {:?} (from {}) not found in {}",
        service.text,
        service.origin,
        searched.join(", ")
    ));
    Err(match nearest(&service.text, known.iter().map(String::as_str)) {
        Some(near) => error.hint(format!("did you mean {near:?}?")),
        None => error,
    })
}

fn section_names(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter_map(|l| l.trim().strip_prefix('[')?.split_once(']').map(|(name, _)| name))
}

/// The parameters below `[name]`, if the file has it.
fn section(text: &str, name: &str, path: &str) -> Result<Option<Params>> {
    let mut found: Option<Params> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[') {
            if found.is_some() {
                break;
            }
            if header.split_once(']').is_some_and(|(n, _)| n == name) {
                found = Some(Params::default());
            }
            continue;
        }
        let Some(params) = &mut found else { continue };
        let origin = format!("{path}, line {}", number + 1);
        if line.starts_with("ldap") {
            return Err(Error::usage(format!(
                "{origin}: pgstow does not ask LDAP servers for parameters"
            )));
        }
        let Some((keyword, value)) = line.split_once('=') else {
            return Err(Error::usage(format!("{origin}: expected keyword=value")));
        };
        if matches!(keyword, "service" | "servicefile") {
            return Err(Error::usage(format!(
                "{origin}: a service cannot refer to another ({keyword})"
            )));
        }
        // libpq lets the first of two equal keywords win.
        if params.get(keyword).is_none() {
            params.set(keyword, Value::new(value, origin))?;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# services
[test]
host=other

[prod]
  host=db1,db2
port=5433
 # a comment
password=p=w
user=first
user=second

[bad]
hots=x
";

    #[test]
    fn a_service_gives_its_own_lines_and_nothing_else() {
        let params = section(TEXT, "prod", "f").unwrap().unwrap();
        let text = |name: &str| params.get(name).map(|v| v.text.clone());
        assert_eq!(text("host").as_deref(), Some("db1,db2"));
        assert_eq!(text("password").as_deref(), Some("p=w"));
        assert_eq!(text("user").as_deref(), Some("first"));
        assert_eq!(params.get("port").unwrap().origin, "f, line 7");
        assert!(section(TEXT, "none", "f").unwrap().is_none());
    }

    #[test]
    fn a_bad_service_is_named_with_its_line() {
        let error = section(TEXT, "bad", "f").err().unwrap().to_string();
        assert!(
            error.contains("\"hots\" in f, line 14") && error.contains("\"host\""),
            "{error}"
        );

        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".pg_service.conf"), TEXT).unwrap();
        let environment = Environment::new([("PGSYSCONFDIR", "/nonexistent")]).with_home(dir.path());
        let error = load(&Value::new("prd", "PGSERVICE"), None, &environment)
            .err()
            .unwrap()
            .to_string();
        assert!(
            error.contains("service \"prd\" (from PGSERVICE) not found") && error.contains("\"prod\""),
            "{error}"
        );
        let file = Value::new("/nonexistent/services", "PGSERVICEFILE");
        let error = load(&Value::new("prod", "PGSERVICE"), Some(&file), &environment)
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("/nonexistent/services"), "{error}");
    }
}
