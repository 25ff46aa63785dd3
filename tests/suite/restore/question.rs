//! The question before a restore, answered on a terminal.

use std::path::PathBuf;

use super::{dump, load_shop, picture};
use crate::support::{self, Db, Terminal, pgstow};

/// A dump of one database and another one with a table that is not in it.
struct Ground {
    target: Db<'static>,
    file: PathBuf,
    want: String,
    _dir: tempfile::TempDir,
}

impl Ground {
    fn lay(name: &str) -> Ground {
        let server = support::server(support::newest());
        let source = server.database(&format!("{name}_source"));
        load_shop(&source);
        let dir = tempfile::tempdir().unwrap();
        let target = server.database(name);
        target.execute("CREATE TABLE public.kept (a int); INSERT INTO public.kept VALUES (1)");
        Ground {
            target,
            file: dump(source.pg_dump(), &[], dir.path()),
            want: picture(&source),
            _dir: dir,
        }
    }

    /// `pgstow restore` without --yes, on a terminal that shows the question already.
    fn ask(&self) -> Terminal {
        let mut command = pgstow();
        command
            .args(["restore", "--dbname", &self.target.uri()])
            .arg(&self.file);
        let mut terminal = Terminal::start(&command);
        terminal.wait_for("Overwrite it? (yes/no)");
        terminal
    }

    fn is_restored(&self) -> bool {
        self.target.execute("DROP TABLE IF EXISTS public.kept");
        picture(&self.target) == self.want
    }
}

#[test]
fn yes_on_the_terminal_restores_and_the_question_names_what_is_overwritten() {
    let ground = Ground::lay("asked_yes");
    let mut terminal = ground.ask();
    // Only a whole word is an answer; anything else asks again.
    terminal.type_in("y\n");
    terminal.wait_for("y\r\nOverwrite it? (yes/no)");
    terminal.type_in("yes\n");
    let done = terminal.wait();
    assert_eq!(done.code, 0, "{done}");
    assert!(
        done.stdout.contains("database \"asked_yes")
            && done.stdout.contains("(1 table,")
            && done.stdout.contains("will be overwritten from")
            && done.stdout.contains("dump.sql"),
        "{done}"
    );
    assert!(ground.is_restored(), "{done}");
}

#[test]
fn no_ctrl_c_and_a_closed_terminal_leave_the_database_as_it_was() {
    let ground = Ground::lay("asked_no");
    let before = picture(&ground.target);
    for (answer, code, says) in [
        ("no\n", 1, "not confirmed, nothing was changed"),
        ("NO\n", 1, "not confirmed, nothing was changed"),
        ("\u{4}", 1, "not confirmed, nothing was changed"),
        ("\u{3}", 130, ""),
    ] {
        let mut terminal = ground.ask();
        terminal.type_in(answer);
        let done = terminal.wait();
        assert_eq!(done.code, code, "{answer:?}: {done}");
        assert!(done.stdout.contains(says), "{answer:?}: {done}");
        assert!(terminal.echoes(), "{answer:?}");
        assert_eq!(picture(&ground.target), before, "{answer:?}: {done}");
    }
}

#[test]
fn nobody_to_ask_is_a_refusal_that_names_the_option() {
    let ground = Ground::lay("asked_nobody");
    let before = picture(&ground.target);
    let mut command = pgstow();
    command
        .args(["restore", "--dbname", &ground.target.uri()])
        .arg(&ground.file);
    let done = support::run(&mut command);
    assert_eq!(done.code, 2, "{done}");
    assert!(done.stderr.contains("Add --yes"), "{done}");
    assert_eq!(picture(&ground.target), before, "{done}");
}

#[test]
fn without_a_file_the_person_at_the_terminal_chooses_from_the_list() {
    let server = support::server(support::newest());
    let db = server.database("choosing");
    db.execute("CREATE TABLE t (a int); INSERT INTO t VALUES (1)");
    let store = tempfile::tempdir().unwrap();
    let backup = || {
        let mut backup = pgstow();
        support::run(db.env(&mut backup).env("BACKUP_DIR", store.path()).arg("backup")).ok();
    };
    backup();
    // Names have seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    db.execute("INSERT INTO t VALUES (2)");
    backup();
    let restore = || {
        let mut command = pgstow();
        db.env(&mut command).env("BACKUP_DIR", store.path());
        command.arg("restore");
        command
    };
    let mut terminal = Terminal::start(&restore());
    terminal.wait_for("Which one? (1 to 2, nothing: none)");
    terminal.type_in("3\n");
    terminal.wait_for("3\r\nWhich one?");
    // The older one stands second.
    terminal.type_in("2\n");
    terminal.wait_for("Overwrite it? (yes/no)");
    terminal.type_in("yes\n");
    let done = terminal.wait();
    assert_eq!(done.code, 0, "{done}");
    assert_eq!(db.query_text("SELECT a FROM t"), "1");

    let mut terminal = Terminal::start(&restore());
    terminal.wait_for("Which one?");
    terminal.type_in("\n");
    let done = terminal.wait();
    assert!(
        done.code == 1 && done.stdout.contains("nothing was changed"),
        "{done}"
    );
    let done = support::run(&mut restore());
    assert!(done.code == 2 && done.stderr.contains("Name a file or"), "{done}");
}
