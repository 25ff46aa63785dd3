//! Asking for a password, on a terminal made for the purpose.

use super::ground::ground;
use crate::support::{self, Terminal};

/// Runs `pgstow ARGS` on a terminal, for a role of the newest server's ground.
fn on_terminal(args: &[&str]) -> Terminal {
    let mut pgstow = support::pgstow();
    pgstow
        .args(args)
        .env("PGPORT", ground(support::newest()).cluster.port().to_string())
        .env("PGHOST", "localhost")
        .env("PGDATABASE", "postgres");
    Terminal::start(&pgstow)
}

#[test]
fn the_password_is_asked_for_where_the_server_wants_one_and_never_shows() {
    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("out.sql.gz");
    let mut terminal = on_terminal(&["dump", "-U", "scrammer", "-f", path.to_str().unwrap()]);
    terminal.wait_for("Password for role scrammer at localhost:");
    terminal.type_in("right\n");
    let done = terminal.wait();
    assert_eq!(done.code, 0, "{done}");
    assert!(path.exists() && !done.stdout.contains("right"), "{done}");
}

#[test]
fn a_wrong_password_from_the_prompt_is_told_as_such() {
    let mut terminal = on_terminal(&["dump", "-U", "scrammer", "-W", "-f", "/dev/null"]);
    terminal.wait_for("Password for role scrammer");
    terminal.type_in("wrong\n");
    let done = terminal.wait();
    assert_eq!(done.code, 1, "{done}");
    assert!(done.stdout.contains("(from the prompt)"), "{done}");
}

#[test]
fn nobody_is_asked_who_does_not_want_to_be() {
    let done = on_terminal(&["dump", "-U", "scrammer", "-w", "-f", "/dev/null"]).wait();
    assert_eq!(done.code, 1, "{done}");
    assert!(
        done.stdout.contains("none is given") && !done.stdout.contains("Password for"),
        "{done}"
    );
}

#[test]
fn ctrl_c_at_the_prompt_ends_the_program_and_gives_the_terminal_back() {
    let mut terminal = on_terminal(&["dump", "-U", "scrammer", "-W", "-f", "/dev/null"]);
    terminal.wait_for("Password for role scrammer");
    terminal.type_in("\u{3}");
    let done = terminal.wait();
    assert_eq!(done.code, 130, "{done}");
    assert!(terminal.echoes());
}
