use std::os::unix::fs::PermissionsExt;

use super::super::tls::Mode;
use super::*;

fn environment(vars: &[(&str, &str)]) -> Environment {
    Environment::new(vars.iter().copied()).with_os_user("me")
}

fn settings(text: &str, vars: &[(&str, &str)]) -> Settings {
    let request = Request {
        dbname: Some(text.to_string()).filter(|t| !t.is_empty()),
        ..Request::default()
    };
    Settings::from_request(&request, &environment(vars)).unwrap_or_else(|e| panic!("{text} {vars:?}: {e}"))
}

#[track_caller]
fn refused(text: &str, vars: &[(&str, &str)], expected: &str) {
    let request = Request {
        dbname: Some(text.to_string()).filter(|t| !t.is_empty()),
        ..Request::default()
    };
    let error = Settings::from_request(&request, &environment(vars)).expect_err(text);
    assert!(error.to_string().contains(expected), "{text} {vars:?}: {error}");
    assert_eq!(error.kind(), crate::error::Kind::Usage);
}

#[test]
fn without_anything_the_local_server_is_tried_as_the_systems_user() {
    let s = settings("", &[]);
    assert_eq!(
        s.host_text(),
        "/var/run/postgresql:5432, /tmp:5432, localhost:5432"
    );
    assert_eq!((s.user(), s.dbname()), ("me", "me"));
    assert_eq!(s.application_name, "pgstow");
    assert_eq!(s.tls.mode, Mode::Prefer);
    assert_eq!(s.connect_timeout, Some(CONNECT_TIMEOUT));
    assert_eq!(s.keepalive, Some(Keepalive::default()));
}

#[test]
fn the_string_wins_over_flags_over_the_service_over_the_environment() {
    let dir = tempfile::tempdir().unwrap();
    let services = dir.path().join("services");
    std::fs::write(
        &services,
        "[s]\nhost=service\nport=3\nuser=service\ndbname=service\n",
    )
    .unwrap();
    let vars = [
        ("PGSERVICEFILE", services.to_str().unwrap()),
        ("PGSERVICE", "s"),
        ("PGHOST", "env"),
        ("PGPORT", "4"),
        ("PGUSER", "env"),
        ("PGDATABASE", "env"),
        ("PGAPPNAME", "env"),
    ];
    let request = Request {
        dbname: Some("user=string".into()),
        host: Some("flag".into()),
        user: Some("flag".into()),
        ..Request::default()
    };
    let s = Settings::from_request(&request, &environment(&vars)).unwrap();
    assert_eq!(s.host_text(), "flag:3");
    assert_eq!((s.user(), s.dbname()), ("string", "service"));
    assert_eq!(s.application_name, "env");
}

#[test]
fn lists_of_hosts_addresses_and_ports_go_together() {
    assert_eq!(settings("host=a,b,c port=1", &[]).host_text(), "a:1, b:1, c:1");
    assert_eq!(settings("host=a,b port=1,", &[]).host_text(), "a:1, b:5432");
    assert_eq!(
        settings("postgresql://a:1,[::1]:2/d", &[]).host_text(),
        "a:1, [::1]:2"
    );
    assert_eq!(
        settings("postgresql://a,b", &[("PGPORT", "7")]).host_text(),
        "a:7, b:7"
    );
    assert_eq!(
        settings("hostaddr=10.0.0.1,::1", &[]).host_text(),
        "10.0.0.1:5432, [::1]:5432"
    );
    let s = settings("host=db hostaddr=10.0.0.1", &[]);
    assert_eq!(
        s.targets[0].host,
        Host::Tcp {
            name: "db".into(),
            address: Some("10.0.0.1".parse().unwrap())
        }
    );
    assert_eq!(
        settings("host=/srv/pg,@abstract", &[]).targets[1].host,
        Host::Socket("@abstract".into())
    );
    refused(
        "host=a,b,c port=1,2",
        &[],
        "2 values of port (from the connection string) do not fit 3 hosts",
    );
    refused("host=a,b hostaddr=10.0.0.1", &[], "1 values of hostaddr");
}

#[test]
fn a_bad_value_is_named_with_its_origin_and_what_was_expected() {
    refused(
        "",
        &[("PGPORT", "54x2")],
        "bad port \"54x2\" (from PGPORT): expected a number from 1 to 65535",
    );
    refused("port=0", &[], "bad port \"0\"");
    refused("port=99999", &[], "bad port");
    refused("hostaddr=db", &[], "bad hostaddr \"db\"");
    refused("sslmode=verify_full", &[], "did you mean \"verify-full\"?");
    refused(
        "target_session_attrs=readwrite",
        &[],
        "did you mean \"read-write\"?",
    );
    refused(
        "",
        &[("PGCONNECT_TIMEOUT", "soon")],
        "bad connect_timeout \"soon\" (from PGCONNECT_TIMEOUT)",
    );
    refused("keepalives=yes", &[], "expected 0 or 1");
    refused("sslnegotiation=direct", &[], "needs sslmode=require");
    refused(
        "sslrootcert=system sslmode=require",
        &[],
        "needs sslmode=verify-full",
    );
    refused("ssl_max_protocol_version=TLSv1.1", &[], "no version");
    refused("", &[("PGGSSENCMODE", "require")], "no GSSAPI");
    refused(
        "",
        &[("PGPASSFILE_FILE", "/x"), ("PGPASSFILE", "/y")],
        "both PGPASSFILE and PGPASSFILE_FILE",
    );
    let nobody = Settings::from_request(&Request::default(), &Environment::default()).unwrap_err();
    assert!(nobody.to_string().contains("PGUSER"), "{nobody}");
}

#[test]
fn limits_and_keepalives_are_as_asked() {
    let s = settings("connect_timeout=0 keepalives=0 tcp_user_timeout=1500", &[]);
    assert_eq!((s.connect_timeout, s.keepalive), (None, None));
    assert_eq!(s.tcp_user_timeout, Some(Duration::from_millis(1500)));
    let s = settings(
        "keepalives_idle=7 keepalives_interval=0 keepalives_count=9",
        &[("PGCONNECT_TIMEOUT", "3")],
    );
    assert_eq!(s.connect_timeout, Some(Duration::from_secs(3)));
    let expected = Keepalive {
        idle: Duration::from_secs(7),
        count: 9,
        ..Keepalive::default()
    };
    assert_eq!(s.keepalive, Some(expected));
    let s = settings("sslrootcert=system", &[]);
    assert_eq!(s.tls.mode, Mode::VerifyFull);
}

#[test]
fn the_password_file_is_asked_for_each_host_and_database() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pass");
    std::fs::write(&path, "a:5432:one:me:first\nb:*:*:me:second\n").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    let vars = [("PGPASSFILE", path.to_str().unwrap())];
    let s = settings("host=a,b dbname=one", &vars);
    let password = |s: &Settings, at: usize| s.password_for(&s.targets[at]).map(|(secret, _)| secret.0);
    assert_eq!(password(&s, 0).as_deref(), Some("first"));
    assert_eq!(password(&s, 1).as_deref(), Some("second"));
    assert_eq!(password(&s.with_dbname("two"), 0), None);
    assert_eq!(password(&s.with_password("typed"), 1).as_deref(), Some("typed"));
    let s = settings("host=a password=given", &vars);
    assert_eq!(password(&s, 0).as_deref(), Some("given"));
    assert!(s.warnings().is_empty());

    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let s = settings("host=b", &vars);
    assert_eq!(password(&s, 0), None);
    assert!(s.warnings()[0].contains("0644"), "{:?}", s.warnings());
}

#[test]
fn no_debug_output_shows_a_password() {
    let s = settings("postgresql://u:hush@h/d", &[]);
    assert!(!format!("{s:?}").contains("hush"));
    assert!(!s.host_text().contains("hush"));
}
