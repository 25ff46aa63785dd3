//! Every way to authenticate and to encrypt, good and bad, on every major.

use super::ground::{Ground, ground};
use crate::support;

/// What a case expects.
#[derive(Clone, Copy)]
enum Expect {
    /// A connection, encrypted.
    Tls,
    /// A connection, not encrypted.
    Plain,
    /// No connection, and this in the error.
    Error(&'static str),
    /// No connection, because a password is wanted.
    Password,
}

use Expect::{Error, Password, Plain, Tls};

fn check(ground: &Ground, cases: &[(&str, Expect)]) {
    for (pairs, expect) in cases {
        let case = format!("PostgreSQL {}: {pairs}", ground.cluster.major());
        match (ground.connect(pairs, &[]), expect) {
            (Ok(session), Tls) => assert!(session.is_encrypted(), "{case}: not encrypted"),
            (Ok(session), Plain) => assert!(!session.is_encrypted(), "{case}: encrypted"),
            (Ok(_), _) => panic!("{case}: connected"),
            (Err(e), Error(text)) => {
                assert!(e.to_string().contains(text), "{case}: expected {text:?}, got {e}");
                assert!(
                    !e.to_string().contains("right"),
                    "{case}: shows the password: {e}"
                );
            }
            (Err(e), Password) => {
                assert!(pgstow::connect::wants_password(&e), "{case}: {e}");
                assert!(e.to_string().contains("PGPASSWORD"), "{case}: {e}");
            }
            (Err(e), _) => panic!("{case}: {e}"),
        }
    }
}

#[test]
fn each_authentication_lets_the_right_one_in_and_says_why_it_does_not() {
    for major in support::majors() {
        check(
            ground(major),
            &[
                ("user=trusted", Tls),
                ("user=trusted sslmode=disable", Plain),
                ("user=clear password=right", Tls),
                ("user=clear password=right sslmode=disable", Plain),
                (
                    "user=clear password=wrong",
                    Error("refuses the password of role \"clear\" (from the connection string)"),
                ),
                ("user=clear", Password),
                ("user=md5er password=right", Tls),
                (
                    "user=md5er password=wrong",
                    Error("refuses the password of role \"md5er\""),
                ),
                ("user=md5er", Password),
                ("user=scrammer password=right", Tls),
                ("user=scrammer password=right sslmode=disable", Plain),
                (
                    "user=scrammer password=wrong",
                    Error("refuses the password of role \"scrammer\""),
                ),
                ("user=scrammer", Password),
                ("user=rejected", Error("pg_hba.conf rejects")),
                ("user=nobody", Error("refuses role \"nobody\"")),
                ("user=trusted dbname=postgre", Error("did you mean \"postgres\"?")),
            ],
        );
    }
}

#[test]
fn each_sslmode_encrypts_as_libpq_does() {
    for major in support::majors() {
        check(
            ground(major),
            &[
                (
                    "user=tlsonly password=right sslmode=disable",
                    Error("pg_hba.conf"),
                ),
                ("user=tlsonly password=right sslmode=allow", Tls),
                ("user=tlsonly password=right sslmode=prefer", Tls),
                ("user=tlsonly password=right sslmode=require", Tls),
                ("user=trusted sslmode=allow", Plain),
                ("user=plainonly sslmode=disable", Plain),
                ("user=plainonly sslmode=allow", Plain),
                ("user=plainonly sslmode=prefer", Plain),
                ("user=plainonly sslmode=require", Error("pg_hba.conf")),
                (
                    "user=trusted sslmode=require ssl_min_protocol_version=TLSv1.3",
                    Tls,
                ),
                (
                    "user=trusted sslmode=require ssl_max_protocol_version=TLSv1.2",
                    Tls,
                ),
                ("user=trusted sslmode=require sslsni=0", Tls),
            ],
        );
    }
}

#[test]
fn a_server_is_trusted_by_its_certificate_alone() {
    for major in support::majors() {
        check(
            ground(major),
            &[
                ("user=trusted sslmode=verify-ca sslrootcert={}/ca.crt", Tls),
                ("user=trusted sslmode=verify-full sslrootcert={}/ca.crt", Tls),
                (
                    "user=trusted sslmode=verify-full sslrootcert={}/ca.crt host=127.0.0.1",
                    Tls,
                ),
                (
                    "user=trusted sslmode=verify-ca sslrootcert={}/stranger.crt",
                    Error("TLS failed"),
                ),
                (
                    "user=trusted sslmode=verify-full sslrootcert={}/stranger.crt",
                    Error("TLS failed"),
                ),
                // With a root certificate, require is verify-ca.
                (
                    "user=trusted sslmode=require sslrootcert={}/stranger.crt",
                    Error("TLS failed"),
                ),
                ("user=trusted sslmode=require sslrootcert={}/ca.crt", Tls),
                (
                    "user=trusted host=db.example.org hostaddr=127.0.0.1 sslmode=verify-ca sslrootcert={}/ca.crt",
                    Tls,
                ),
                (
                    "user=trusted host=db.example.org hostaddr=127.0.0.1 sslmode=verify-full sslrootcert={}/ca.crt",
                    Error("db.example.org"),
                ),
                ("user=trusted sslrootcert=system", Error("TLS failed")),
                ("user=trusted sslmode=verify-full", Error("PGSSLROOTCERT")),
                (
                    "user=trusted sslmode=verify-full sslrootcert={}/missing.crt",
                    Error("missing.crt"),
                ),
                (
                    "user=trusted sslmode=verify-full sslrootcert={}/client.key",
                    Error("no certificate in"),
                ),
                (
                    "user=trusted sslmode=verify-ca sslrootcert={}/ca.crt sslcrl={}/revoked.crl",
                    Error("TLS failed"),
                ),
            ],
        );
    }
}

#[test]
fn a_client_certificate_is_a_way_in() {
    for major in support::majors() {
        check(
            ground(major),
            &[
                ("user=certer sslcert={}/client.crt sslkey={}/client.key", Tls),
                ("user=certer", Error("certificate")),
                (
                    "user=certer sslcert={}/other.crt sslkey={}/other.key",
                    Error("refuses role \"certer\""),
                ),
                (
                    "user=certer sslcert={}/client.crt sslkey={}/other.key",
                    Error("cannot be used"),
                ),
                (
                    "user=certer sslcert={}/client.crt sslkey={}/missing.key",
                    Error("missing.key"),
                ),
                (
                    "user=certer sslcert={}/client.crt sslkey={}/client.key sslmode=disable",
                    Error("pg_hba.conf"),
                ),
            ],
        );
    }
}

#[test]
fn channel_binding_and_required_methods_hold_or_end_the_attempt() {
    for major in support::majors() {
        let direct = if major >= 17 { Tls } else { Error("17 or newer") };
        check(
            ground(major),
            &[
                ("user=scrammer password=right channel_binding=require", Tls),
                ("user=scrammer password=right channel_binding=disable", Tls),
                (
                    "user=scrammer password=right channel_binding=require sslmode=disable",
                    Error("channel binding"),
                ),
                ("user=trusted channel_binding=require", Error("channel binding")),
                (
                    "user=md5er password=right channel_binding=require",
                    Error("channel binding"),
                ),
                ("user=scrammer password=right require_auth=scram-sha-256", Tls),
                (
                    "user=md5er password=right require_auth=scram-sha-256",
                    Error("by md5, which require_auth does not accept"),
                ),
                (
                    "user=clear password=right require_auth=!password",
                    Error("by password, which require_auth does not accept"),
                ),
                (
                    "user=trusted require_auth=scram-sha-256",
                    Error("no authentication"),
                ),
                ("user=trusted sslmode=require sslnegotiation=direct", direct),
            ],
        );
    }
}

#[test]
fn passwords_come_from_where_libpq_looks() {
    let ground = ground(support::newest());
    let port = ground.cluster.port();
    ground.file("secret", "right\n");
    ground.file(
        "pass",
        &format!("localhost:{port}:*:scrammer:right\nlocalhost:{port}:*:md5er:wrong\n"),
    );
    let open = ground.file("open", "*:*:*:*:right\n");
    std::fs::set_permissions(open, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    ground.file(
        "services",
        &format!("[prod]\nhost=localhost\nport={port}\nuser=scrammer\npassword=right\n"),
    );

    let good: &[&[(&str, &str)]] = &[
        &[("PGUSER", "scrammer"), ("PGPASSWORD", "right")],
        &[("PGUSER", "scrammer"), ("PGPASSWORD_FILE", "{}/secret")],
        &[("PGUSER", "scrammer"), ("PGPASSFILE", "{}/pass")],
        &[
            ("PGSERVICE", "prod"),
            ("PGSERVICEFILE", "{}/services"),
            ("PGHOST", "nowhere.invalid"),
        ],
    ];
    for vars in good {
        let session = ground
            .connect("dbname=postgres", vars)
            .unwrap_or_else(|e| panic!("{vars:?}: {e}"));
        assert_eq!(session.settings().user(), "scrammer");
    }
    let bad: &[(&[(&str, &str)], &str)] = &[
        (
            &[("PGUSER", "scrammer"), ("PGPASSWORD", "wrong")],
            "(from PGPASSWORD)",
        ),
        (
            &[("PGUSER", "md5er"), ("PGPASSFILE", "{}/pass")],
            "/pass, line 2)",
        ),
        (&[("PGUSER", "scrammer"), ("PGPASSFILE", "{}/open")], "chmod 0600"),
        (
            &[("PGSERVICE", "prd"), ("PGSERVICEFILE", "{}/services")],
            "did you mean \"prod\"?",
        ),
    ];
    for (vars, expected) in bad {
        let error = ground
            .connect("dbname=postgres", vars)
            .err()
            .unwrap_or_else(|| panic!("{vars:?}: connected"));
        assert!(error.to_string().contains(expected), "{vars:?}: {error}");
    }
}

#[test]
fn certificates_as_postgresqls_manual_makes_them_are_judged_as_openssl_does() {
    // One of its own: the server's certificate is changed.
    let ground = Ground::new(support::newest());
    ground.present("own");
    check(
        &ground,
        &[
            ("user=trusted sslmode=require", Tls),
            ("user=trusted sslmode=verify-ca sslrootcert={}/own.crt", Tls),
            ("user=trusted sslmode=verify-full sslrootcert={}/own.crt", Tls),
            (
                "user=trusted sslmode=verify-full sslrootcert={}/own.crt host=127.0.0.1",
                Error("is for \"localhost\", not for \"127.0.0.1\""),
            ),
            (
                "user=trusted sslmode=verify-ca sslrootcert={}/ca.crt",
                Error("TLS failed"),
            ),
            ("user=scrammer password=right channel_binding=require", Tls),
        ],
    );
    ground.present("common");
    check(
        &ground,
        &[
            ("user=trusted sslmode=verify-full sslrootcert={}/ca.crt", Tls),
            (
                "user=trusted sslmode=verify-full sslrootcert={}/ca.crt host=127.0.0.1",
                Error("is for \"localhost\""),
            ),
        ],
    );
    // X.509 version 1, with RSA keys.
    ground.present("old");
    check(
        &ground,
        &[
            (
                "user=trusted sslmode=require ssl_max_protocol_version=TLSv1.2",
                Tls,
            ),
            (
                "user=trusted sslmode=require ssl_min_protocol_version=TLSv1.3",
                Tls,
            ),
            ("user=trusted sslmode=verify-full sslrootcert={}/old.crt", Tls),
            (
                "user=trusted sslmode=verify-ca sslrootcert={}/ca.crt",
                Error("TLS failed"),
            ),
            ("user=scrammer password=right channel_binding=require", Tls),
        ],
    );
}

#[test]
fn certificates_in_the_home_directory_are_found() {
    let ground = Ground::new(support::newest());
    let home = ground.home();
    for (from, to) in [
        ("client.crt", "postgresql.crt"),
        ("client.key", "postgresql.key"),
        ("ca.crt", "root.crt"),
    ] {
        std::fs::copy(ground.path(from), home.join(to)).unwrap();
    }
    check(&ground, &[("user=certer sslmode=verify-full", Tls)]);
    let key = home.join("postgresql.key");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    check(&ground, &[("user=certer", Error("mode 0644"))]);
    std::fs::copy(ground.path("stranger.crt"), home.join("root.crt")).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    check(&ground, &[("user=certer sslmode=require", Error("TLS failed"))]);
}
