//! Whom a backup tells how it went, beyond the log.

use serde_json::json;

use super::Context;
use crate::Error;
use crate::backup::Finished;
use crate::event::Event;
use crate::webhook::Hook;

/// The URLs. None of them can fail a backup.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Notifications")]
pub struct Notify {
    /// POST a JSON object here after each backup that succeeded
    #[arg(long, value_name = "URL", env = "WEBHOOK_URL", hide_env_values = true, value_parser = hook)]
    webhook_url: Option<MaybeHook>,
    /// POST a JSON object here after each backup that failed
    #[arg(long, value_name = "URL", env = "WEBHOOK_ERROR_URL", hide_env_values = true, value_parser = hook)]
    webhook_error_url: Option<MaybeHook>,
    /// Ping this URL as healthchecks.io wants it: URL/start, then URL or URL/fail
    #[arg(long, value_name = "URL", env = "PING_URL", hide_env_values = true, value_parser = hook)]
    ping_url: Option<MaybeHook>,
}

/// Compose files pass variables that nobody set as empty ones.
type MaybeHook = std::sync::Arc<Option<Hook>>;

fn hook(text: &str) -> Result<MaybeHook, String> {
    let hook = if text.is_empty() {
        None
    } else {
        Some(text.parse()?)
    };
    Ok(std::sync::Arc::new(hook))
}

impl Notify {
    /// A run begins.
    pub async fn begin(&self, context: &Context) {
        if let Some(hook) = given(&self.ping_url) {
            tell(hook.below("start"), "text/plain", "", context).await;
        }
    }

    /// A run of all its databases has ended.
    pub async fn end(&self, failure: Option<&Error>, context: &Context) {
        if let Some(hook) = given(&self.ping_url) {
            match failure {
                None => tell(Ok(hook.clone()), "text/plain", "", context).await,
                Some(e) => tell(hook.below("fail"), "text/plain", &e.to_string(), context).await,
            }
        }
    }

    /// A database's backup succeeded.
    pub async fn succeeded(&self, database: &str, backup: &Finished, context: &Context) {
        if let Some(hook) = given(&self.webhook_url) {
            let body = json!({
                "event": "success",
                "database": database,
                "file": backup.path,
                "bytes": backup.bytes,
                "tables": backup.tables,
                "rows": backup.rows,
                "seconds": backup.took.as_secs_f64(),
                "warnings": backup.warnings,
            });
            tell(Ok(hook.clone()), "application/json", &body.to_string(), context).await;
        }
    }

    /// A database's backup failed.
    pub async fn failed(&self, database: &str, error: &Error, context: &Context) {
        if let Some(hook) = given(&self.webhook_error_url) {
            let body = json!({ "event": "failure", "database": database, "error": error.to_string() });
            tell(Ok(hook.clone()), "application/json", &body.to_string(), context).await;
        }
    }
}

fn given(hook: &Option<MaybeHook>) -> Option<&Hook> {
    hook.as_deref()?.as_ref()
}

async fn tell(hook: crate::Result<Hook>, kind: &'static str, text: &str, context: &Context) {
    let told = context
        .until_cancelled(async { hook?.post(kind, text).await })
        .await;
    if let Err(e) = told {
        context.observer.event(Event::Warning(e.to_string()));
    }
}
