//! The options of every verb that connects, as pg_dump and psql name them, and asking for a password.

use std::io::IsTerminal;

use super::{Context, prompt};
use crate::Result;
use crate::connect::{self, Environment, Request, Settings};
use crate::event::Event;

/// Which server, role and database; what is not given comes from the environment and files that libpq reads.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
pub struct Connection {
    /// Database: a name, a URI (postgresql://user@host:port/name) or key=value pairs [env: PGDATABASE]
    #[arg(short, long, value_name = "NAME|URI")]
    pub dbname: Option<String>,
    /// Host name, address or directory of a unix socket; several separated by commas [env: PGHOST]
    #[arg(short = 'h', long, value_name = "HOST")]
    pub host: Option<String>,
    /// Port [env: PGPORT] [default: 5432]
    #[arg(short, long, value_name = "PORT")]
    pub port: Option<String>,
    /// Role to connect as [env: PGUSER] [default: the system's user]
    #[arg(short = 'U', long, value_name = "ROLE")]
    pub username: Option<String>,
    /// Never ask for a password; it may come from PGPASSWORD, PGPASSWORD_FILE or ~/.pgpass
    #[arg(short = 'w', long, conflicts_with = "password")]
    pub no_password: bool,
    /// Ask for a password before connecting
    #[arg(short = 'W', long)]
    pub password: bool,
}

impl Connection {
    /// Whether a database is named at all, by option or environment.
    pub fn named(&self) -> bool {
        self.dbname.is_some() || std::env::var_os("PGDATABASE").is_some_and(|name| !name.is_empty())
    }

    /// Complete settings, or what is wrong with them. Nobody is asked for a password.
    pub fn settings(&self) -> Result<Settings> {
        let request = Request {
            dbname: self.dbname.clone(),
            host: self.host.clone(),
            port: self.port.clone(),
            user: self.username.clone(),
        };
        Settings::from_request(&request, &Environment::of_process())
    }

    /// Settings to connect by: with the password that a person at the terminal was asked for, where the server wants
    /// one that no setting gives. Tells what is odd about the settings.
    pub async fn settings_to_connect(&self, context: &Context) -> Result<Settings> {
        let settings = self.settings()?;
        for warning in settings.warnings() {
            context.observer.event(Event::Warning(warning.clone()));
        }
        let someone_there = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        let ask = match self.password {
            true => true,
            false if self.no_password || settings.has_password() || !someone_there => false,
            false => match context.until_cancelled(connect::connect(&settings)).await {
                Ok(_) => false,
                Err(e) if connect::wants_password(&e) => true,
                Err(e) => return Err(e),
            },
        };
        if !ask {
            return Ok(settings);
        }
        let question = format!(
            "Password for role {} at {}: ",
            settings.user(),
            settings.host_text()
        );
        Ok(settings.with_password(&prompt::password(&question, context).await?))
    }
}
