//! Roles that a script names, and what to do where the server does not have them.

use std::collections::HashSet;

use crate::script::{Word, words};

/// What to do with a statement that gives or takes something to or from a role which does not exist.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MissingRoles {
    /// Stop.
    #[default]
    Fail,
    /// Leave the statement out: the object belongs to whoever restores, the privilege is not given.
    Skip,
    /// Create the role, which can then not log in, in the same transaction.
    Create,
}

/// The roles there are.
#[derive(Debug, Default)]
pub(super) struct Roles {
    known: HashSet<Vec<u8>>,
    /// Those that the server never drops: its first superuser and the role that restores.
    lasting: HashSet<Vec<u8>>,
}

impl Roles {
    /// From each role's name and whether the server never drops it.
    pub(super) fn new(all: impl IntoIterator<Item = (String, bool)>) -> Self {
        let mut roles = Roles::default();
        for (name, lasts) in all {
            if lasts {
                roles.lasting.insert(name.clone().into_bytes());
            }
            roles.add(name.into_bytes());
        }
        roles
    }

    /// The roles that a statement needs and that are not there.
    pub(super) fn missing(&self, statement: &[u8]) -> Vec<Vec<u8>> {
        let mut named = named(statement);
        named.retain(|role| !self.known.contains(role));
        named.dedup();
        named
    }

    /// Takes note of roles that the script creates or drops itself.
    pub(super) fn note(&mut self, statement: &[u8]) {
        for role in dropped(statement) {
            self.known.remove(&role);
        }
        if let Some(role) = created(statement) {
            self.add(role);
        }
    }

    /// Whether the statement creates a role that is there already.
    pub(super) fn has_created(&self, statement: &[u8]) -> bool {
        created(statement).is_some_and(|role| self.known.contains(&role))
    }

    /// Whether the statement drops a role that the server would not let go.
    pub(super) fn drops_lasting(&self, statement: &[u8]) -> bool {
        dropped(statement).iter().any(|role| self.lasting.contains(role))
    }

    /// This role is there from now on.
    pub(super) fn add(&mut self, role: Vec<u8>) {
        self.known.insert(role);
    }
}

/// The role that a `CREATE ROLE`, `CREATE USER` or `CREATE GROUP` makes.
pub(super) fn created(statement: &[u8]) -> Option<Vec<u8>> {
    let mut words = words(statement);
    words.next().filter(|word| word.is("create"))?;
    words
        .next()
        .filter(|word| ["role", "user", "group"].iter().any(|kind| word.is(kind)))?;
    // `CREATE USER MAPPING FOR role` makes none.
    words.next().filter(|word| !word.is("mapping"))?.name()
}

/// The roles that a `DROP ROLE`, `DROP USER` or `DROP GROUP` drops.
fn dropped(statement: &[u8]) -> Vec<Vec<u8>> {
    let mut words = words(statement).peekable();
    let is_drop = words.next().is_some_and(|word| word.is("drop"))
        && words
            .next()
            .is_some_and(|word| ["role", "user", "group"].iter().any(|kind| word.is(kind)));
    // `DROP USER MAPPING FOR role` drops none.
    if !is_drop || words.peek().is_some_and(|word| word.is("mapping")) {
        return Vec::new();
    }
    if words.next_if(|word| word.is("if")).is_some() {
        words.next();
    }
    words.filter_map(|word| word.name()).collect()
}

/// The roles that an `ALTER ... OWNER TO`, `GRANT`, `REVOKE`, `ALTER DEFAULT PRIVILEGES` or `SET SESSION AUTHORIZATION`
/// names. Other statements fail by themselves: a policy without its role would be another policy.
pub(super) fn named(statement: &[u8]) -> Vec<Vec<u8>> {
    let Some(&first) = statement.first() else {
        return Vec::new();
    };
    // Most statements are none of these, and a huge one is not looked through.
    if !matches!(first | 0x20, b'a' | b'g' | b'r' | b's') || statement.len() > 1 << 20 {
        return Vec::new();
    }
    let all: Vec<Word<'_>> = words(statement).collect();
    let starts =
        |keywords: &[&str]| all.len() > keywords.len() && all.iter().zip(keywords).all(|(w, k)| w.is(k));
    if starts(&["grant"]) {
        after(&all, &["to"])
    } else if starts(&["revoke"]) {
        after(&all, &["from"])
    } else if starts(&["alter", "default", "privileges"]) {
        let direction = if all.iter().any(|w| w.is("revoke")) {
            "from"
        } else {
            "to"
        };
        [after(&all, &["for", "role"]), after(&all, &[direction])].concat()
    } else if starts(&["alter"]) {
        after(&all, &["owner", "to"])
    } else if starts(&["set", "session", "authorization"]) {
        after(&all, &["session", "authorization"])
    } else {
        Vec::new()
    }
}

/// The list of roles after these key words, where they stand last.
fn after(all: &[Word<'_>], keywords: &[&str]) -> Vec<Vec<u8>> {
    let found = all
        .windows(keywords.len())
        .rposition(|w| w.iter().zip(keywords).all(|(w, k)| w.is(k)));
    let Some(at) = found else { return Vec::new() };
    let mut rest = all[at + keywords.len()..].iter().peekable();
    let mut roles = Vec::new();
    loop {
        rest.next_if(|w| w.is("group"));
        let special = [
            "public",
            "current_user",
            "current_role",
            "session_user",
            "default",
        ];
        match rest.next() {
            Some(word) if special.iter().any(|special| word.is(special)) => {}
            Some(word) => roles.extend(word.name()),
            None => return roles,
        }
        if rest.next_if(|w| **w == Word::Other(b',')).is_none() {
            return roles;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roles_of_owners_and_privileges_are_found() {
        for (text, want) in [
            ("ALTER TABLE public.t OWNER TO app;", &["app"][..]),
            (
                "ALTER TABLE public.\"owner to\" OWNER TO \"Big App\";",
                &["Big App"],
            ),
            ("ALTER FUNCTION f(\"to\" text) OWNER TO App;", &["app"]),
            (
                "GRANT SELECT(a),INSERT ON TABLE public.t TO r WITH GRANT OPTION;",
                &["r"],
            ),
            ("GRANT ALL ON SCHEMA s TO PUBLIC;", &[]),
            ("GRANT a TO b, \"c\";", &["b", "c"]),
            ("REVOKE ALL ON SCHEMA public FROM r, PUBLIC;", &["r"]),
            (
                "ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA s GRANT SELECT ON TABLES TO b;",
                &["a", "b"],
            ),
            (
                "ALTER DEFAULT PRIVILEGES FOR ROLE a REVOKE ALL ON FUNCTIONS FROM PUBLIC;",
                &["a"],
            ),
            ("SET SESSION AUTHORIZATION joe;", &["joe"]),
            ("SET SESSION AUTHORIZATION DEFAULT;", &[]),
            ("SELECT 'owner to x';", &[]),
            ("ALTER TABLE public.t ADD COLUMN x text;", &[]),
            ("CREATE POLICY p ON t TO x;", &[]),
        ] {
            let want: Vec<Vec<u8>> = want.iter().map(|w| w.as_bytes().to_vec()).collect();
            assert_eq!(named(text.as_bytes()), want, "{text}");
        }
        let mut roles = Roles::new([("app".to_string(), false), ("postgres".to_string(), true)]);
        assert!(roles.missing(b"ALTER TABLE t OWNER TO app;").is_empty());
        assert_eq!(roles.missing(b"ALTER TABLE t OWNER TO other;"), [b"other"]);
        roles.note(b"CREATE USER MAPPING FOR mapped SERVER s;");
        roles.note(b"CREATE ROLE other LOGIN;");
        assert!(roles.missing(b"ALTER TABLE t OWNER TO other;").is_empty());
    }
    #[test]
    fn roles_that_the_script_drops_are_gone_and_those_that_last_are_told() {
        let mut roles = Roles::new([
            ("app".to_string(), false),
            ("Big".to_string(), false),
            ("postgres".to_string(), true),
        ]);
        assert!(roles.drops_lasting(b"DROP ROLE postgres;"));
        assert!(roles.drops_lasting(b"DROP ROLE IF EXISTS postgres;"));
        assert!(!roles.drops_lasting(b"DROP USER MAPPING FOR postgres SERVER s;"));
        assert!(!roles.drops_lasting(b"DROP TABLE postgres;"));
        assert!(!roles.drops_lasting(b"DROP ROLE app;"));
        assert!(roles.has_created(b"CREATE ROLE app;"));
        roles.note(b"DROP ROLE IF EXISTS app, \"Big\";");
        assert!(!roles.has_created(b"CREATE ROLE app;"));
        assert!(!roles.has_created(b"CREATE ROLE \"Big\";"));
    }
}
