//! No secret in anything that is told, however wrong the setting that holds it.

use super::webdav::WebDav;
use crate::support;

const SECRET: &str = "s3cretXYZ";

/// Arguments, and variables.
type Case<'v> = (Vec<String>, Vec<(&'v str, String)>);

#[test]
fn a_secret_in_a_wrong_setting_is_not_told() {
    let (store, dav) = (tempfile::tempdir().unwrap(), WebDav::start());
    let there = format!("http://me:{SECRET}@127.0.0.1:{}/x", dav.port());
    let azure = format!("http://127.0.0.1:{}", dav.port());
    let wrong = [
        format!("ftp://me:{SECRET}@host/x"),
        format!("https//me:{SECRET}@host/x"),
        format!("host/{SECRET}"),
        format!("http://{SECRET}:80:80/"),
    ];
    let mut cases: Vec<Case> = Vec::new();
    let words = |text: &str| -> Vec<String> { text.split(' ').map(ToString::to_string).collect() };
    for url in &wrong {
        for variable in ["OFFSITE_URL", "PING_URL", "WEBHOOK_URL", "WEBHOOK_ERROR_URL"] {
            cases.push((words("backup"), vec![(variable, url.clone())]));
        }
        for verb in ["backup --to", "list --offsite --offsite-url"] {
            cases.push((words(&format!("{verb} {url}")), vec![]));
        }
    }
    for file in [
        format!("{there}/y.sql.gz?token={SECRET}"),
        format!("htp://me:{SECRET}@host/y"),
    ] {
        for verb in ["list", "verify", "restore --yes", "compare", "doctor"] {
            cases.push((words(&format!("{verb} {file}")), vec![]));
        }
    }
    cases.push((words("list --offsite"), vec![("OFFSITE_URL", there)]));
    let key = format!("AGE-SECRET-KEY-1{SECRET}");
    cases.push((words("backup"), vec![("OFFSITE_RECIPIENTS", key.clone())]));
    cases.push((words(&format!("backup --offsite-recipients {key}")), vec![]));
    cases.push((words("restore --yes s3://b/x"), vec![("AGE_IDENTITY", key)]));
    cases.push((
        words("list --offsite"),
        vec![
            ("OFFSITE_URL", "az://box/x".into()),
            ("AZURE_STORAGE_ACCOUNT_NAME", "account".into()),
            ("AZURE_STORAGE_SAS_KEY", format!("?sv=2024&sig={SECRET}")),
            ("AZURE_STORAGE_ENDPOINT", azure),
            ("AZURE_ALLOW_HTTP", "true".into()),
        ],
    ));
    for scheme in ["postgresqll", "postgresql"] {
        let uri = format!("{scheme}://me:{SECRET}@127.0.0.1:1/x");
        cases.push((words(&format!("backup --dbname {uri}")), vec![]));
        cases.push((words("health"), vec![("PGDATABASE", uri.clone())]));
        cases.push((words("backup"), vec![("PGDATABASE", uri)]));
    }
    for (args, variables) in cases {
        for form in ["text", "json"] {
            let mut command = support::pgstow();
            command.args(&args).envs(variables.clone());
            command.env("LOG_FORMAT", form).env("BACKUP_DIR", store.path());
            command.env("PGHOST", "127.0.0.1").env("PGPORT", "1");
            let done = support::run(&mut command);
            assert_ne!(done.code, 0, "{args:?} {variables:?}: {done}");
            let told = format!("{}{}", done.stdout, done.stderr);
            assert!(!told.contains(SECRET), "{args:?} {variables:?}: {told}");
        }
    }
    let noted = std::fs::read_to_string(store.path().join(".pgstow-runs.json")).unwrap();
    assert!(!noted.contains(SECRET), "{noted}");
}
