//! What a check found, as data: told by `doctor`, and by a restore before it begins.

use crate::Error;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// As it should be.
    Ok,
    /// It works, or may work, but someone should know.
    Warning,
    /// It would fail.
    Failed,
}

impl Status {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Warning => "warning",
            Status::Failed => "failed",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at, in a word or two.
    pub check: &'static str,
    /// How bad it is.
    pub status: Status,
    /// What was found.
    pub found: String,
    /// What to do about it: a sentence.
    pub hint: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, found: impl Into<String>) -> Finding {
        Finding {
            check,
            status: Status::Ok,
            found: found.into(),
            hint: None,
        }
    }

    /// Someone should know.
    pub fn warning(check: &'static str, found: impl Into<String>) -> Finding {
        Finding {
            status: Status::Warning,
            ..Finding::ok(check, found)
        }
    }

    /// It would fail.
    pub fn failed(check: &'static str, found: impl Into<String>) -> Finding {
        Finding {
            status: Status::Failed,
            ..Finding::ok(check, found)
        }
    }

    /// It would fail with this error.
    pub fn of_error(check: &'static str, error: &Error) -> Finding {
        let mut found = error.message().to_string();
        if let Some(server) = error.server() {
            found.push_str(&format!(": {} (SQLSTATE {})", server.message, server.code));
        }
        Finding {
            hint: error.hint_text().map(str::to_string),
            ..Finding::failed(check, found)
        }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Finding {
        self.hint = Some(hint.into());
        self
    }
}

/// The failures among the findings as one error, if there are any: all are told at once.
pub fn failures(findings: &[Finding]) -> Option<Error> {
    let failed: Vec<_> = findings.iter().filter(|f| f.status == Status::Failed).collect();
    if failed.is_empty() {
        return None;
    }
    let found: Vec<_> = failed.iter().map(|f| f.found.as_str()).collect();
    let hints: Vec<_> = failed.iter().filter_map(|f| f.hint.as_deref()).collect();
    let error = Error::failed(found.join("; "));
    Some(match hints.is_empty() {
        true => error,
        false => error.hint(hints.join(" ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_failures_are_told_at_once_and_nothing_else() {
        let findings = [
            Finding::ok("a", "fine"),
            Finding::failed("b", "no extension x").hint("Install it."),
            Finding::warning("c", "odd"),
            Finding::failed("d", "no role y"),
        ];
        let error = failures(&findings).unwrap();
        assert_eq!(error.message(), "no extension x; no role y");
        assert_eq!(error.hint_text(), Some("Install it."));
        assert!(failures(&findings[..1]).is_none());
    }
}
