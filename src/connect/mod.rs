//! From what the user typed and the environment says to a session with a server, and the snapshot shared by all
//! sessions of one dump.

mod snapshot;

pub use snapshot::{NEWEST_TESTED_MAJOR, Snapshot, SnapshotOptions};

use crate::{Error, Result};

/// Where and as whom to connect: resolved, complete, cheap to clone.
#[derive(Clone, Debug)]
pub struct Settings {
    config: tokio_postgres::Config,
}

impl Settings {
    /// Settings from a URI or `key=value` string, if given, over the environment (`PGHOST`, `PGPORT`, `PGUSER`,
    /// `PGPASSWORD`, `PGDATABASE`).
    pub fn resolve(dbname: Option<&str>) -> Result<Settings> {
        let mut config: tokio_postgres::Config = match dbname {
            Some(text) if text.contains("://") || text.contains('=') => text
                .parse()
                .map_err(|e: tokio_postgres::Error| Error::usage("bad connection string").because(e))?,
            Some(name) => {
                let mut config = tokio_postgres::Config::new();
                config.dbname(name);
                config
            }
            None => tokio_postgres::Config::new(),
        };
        let env = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        if config.get_hosts().is_empty() {
            config.host(env("PGHOST").unwrap_or_else(|| "/var/run/postgresql".into()));
        }
        if config.get_ports().is_empty() {
            config.port(env("PGPORT").and_then(|p| p.parse().ok()).unwrap_or(5432));
        }
        if config.get_user().is_none() {
            config.user(env("PGUSER").unwrap_or_else(|| "postgres".into()));
        }
        if config.get_password().is_none()
            && let Some(password) = env("PGPASSWORD")
        {
            config.password(password);
        }
        if config.get_dbname().is_none() {
            let name = env("PGDATABASE").unwrap_or_else(|| config.get_user().unwrap_or_default().to_string());
            config.dbname(name);
        }
        config.application_name("pgstow");
        Ok(Settings { config })
    }

    /// The database's name.
    pub fn dbname(&self) -> &str {
        self.config.get_dbname().unwrap_or_default()
    }

    /// The role's name.
    pub fn user(&self) -> &str {
        self.config.get_user().unwrap_or_default()
    }

    /// Host and port for people: `db.example.org:5432`, or the socket's path.
    pub fn host_text(&self) -> String {
        format!("{:?}:{:?}", self.config.get_hosts(), self.config.get_ports())
    }

    /// The same settings for another database.
    #[must_use]
    pub fn with_dbname(&self, dbname: &str) -> Settings {
        let mut config = self.config.clone();
        config.dbname(dbname);
        Settings { config }
    }
}

/// An open connection. Its driver runs as a task of the current tokio runtime and ends when this is dropped.
pub struct Session {
    /// The connection.
    pub client: tokio_postgres::Client,
    /// `server_version_num`, e.g. 150018.
    pub version: u32,
    /// Messages of the server (notices, warnings) since the session began, to be drained by who cares.
    pub notices: tokio::sync::mpsc::UnboundedReceiver<crate::error::ServerMessage>,
}

/// Connects; says where it could not and why.
pub async fn connect(settings: &Settings) -> Result<Session> {
    let (client, mut connection) = settings
        .config
        .connect(tokio_postgres::NoTls)
        .await
        .map_err(|e| Error::from(e).context(format!("cannot connect to {}", settings.host_text())))?;
    let (tell, notices) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
            if let tokio_postgres::AsyncMessage::Notice(notice) = message {
                // Nobody listening is fine.
                let _ = tell.send(crate::error::ServerMessage::from_db(&notice));
            }
        }
    });
    let version: String = client.query_one("SHOW server_version_num", &[]).await?.get(0);
    let version = version
        .parse()
        .map_err(|_| Error::failed(format!("odd server_version_num {version:?}")))?;
    Ok(Session {
        client,
        version,
        notices,
    })
}
