//! The options about places off this machine, and about what opens encrypted backups.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Context;
use super::store::Place;
use crate::age::{self, Identity, Recipient};
use crate::backup::Destination;
use crate::connect::Environment;
use crate::store::name::Tier;
use crate::store::offsite::{Address, Check, Offsite};
use crate::store::{Pending, Stored};
use crate::{Error, Result};

/// Where the place off this machine is.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Off-site")]
pub struct Remote {
    /// Place off this machine: s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, https://user:password@host/path
    /// (WebDAV), file:///directory; keys by AWS_*, GOOGLE_*, AZURE_*
    #[arg(long, value_name = "URL", env = "OFFSITE_URL", hide_env_values = true, value_parser = address)]
    offsite_url: Option<MaybeAddress>,
}

/// In which form backups go there.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Off-site")]
pub struct Form {
    /// Encrypt what is sent to these age recipients (age1..., separated by commas); the backups here stay as they are
    #[arg(long, value_name = "AGE1...", env = "OFFSITE_RECIPIENTS", hide_env_values = true, value_parser = recipients)]
    offsite_recipients: Option<Recipients>,
    /// How each copy is checked: read (read back whole, checksum compared) or size
    #[arg(long, value_name = "read|size", env = "OFFSITE_CHECK", default_value = "read", value_parser = check)]
    offsite_check: Check,
}

/// What opens encrypted backups.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Unlock {
    /// File with the age identity that opens an encrypted backup [env: AGE_IDENTITY, the identity itself, or
    /// AGE_IDENTITY_FILE]
    #[arg(short, long, value_name = "FILE")]
    identity: Vec<PathBuf>,
}

// Compose files pass variables that nobody set as empty ones.
type MaybeAddress = Arc<Option<Address>>;
type Recipients = Arc<[Recipient]>;

fn address(text: &str) -> Result<MaybeAddress, String> {
    let address = match text {
        "" => None,
        text => Some(text.parse()?),
    };
    Ok(Arc::new(address))
}

fn recipients(text: &str) -> Result<Recipients, String> {
    Ok(age::recipients(text)?.into())
}

fn check(text: &str) -> Result<Check, String> {
    match text {
        "" | "read" => Ok(Check::Read),
        "size" => Ok(Check::Size),
        _ => Err("expected read or size".into()),
    }
}

/// Reads the address of `--to`.
pub fn to(text: &str) -> Result<Address, String> {
    text.parse()
}

impl Remote {
    /// The place, if one is named.
    pub fn given(&self) -> Result<Option<Offsite>> {
        let Some(address) = self.offsite_url.as_deref().and_then(Option::as_ref) else {
            return Ok(None);
        };
        Offsite::open(address, &Environment::of_process()).map(Some)
    }

    /// The place, which must be named.
    pub fn wanted(&self) -> Result<Offsite> {
        self.given()?.ok_or_else(|| {
            Error::usage("no place off this machine is named").hint("Name it: --offsite-url, or OFFSITE_URL.")
        })
    }

    /// The backup that the user means there: its address, or its name in the place.
    pub async fn find(&self, file: &Path) -> Result<Stored> {
        let text = file.to_str().unwrap_or_default();
        if Address::is_meant(text) {
            return find_address(text).await;
        }
        let offsite = self.wanted()?;
        let mut names = vec![text.to_string()];
        names.extend(Tier::ALL.map(|tier| format!("{}/{text}", tier.directory())));
        let all: Vec<String> = offsite.entries().await?.iter().map(|e| e.relative()).collect();
        let found = all.iter().find(|there| {
            let plain = there.strip_suffix(age::EXTENSION).unwrap_or(there);
            names.iter().any(|name| name == *there || name == plain)
        });
        match found {
            Some(relative) => offsite.find(relative).await,
            None => Err(
                Error::failed(format!("there is no backup {text} in {}", offsite.shown("")))
                    .hint("`pgstow list --offsite` shows the backups there are."),
            ),
        }
    }
}

/// A file with a backup's clear bytes, as [`Unlock::fetch`] gives it.
pub async fn fetch(stored: Stored, place: &Place, context: &Context) -> Result<(PathBuf, Option<Pending>)> {
    let directory = match place.backup_dir.is_dir() {
        true => place.backup_dir.clone(),
        false => std::env::temp_dir(),
    };
    context.until_cancelled(stored.fetch(&directory)).await
}

/// What is at an address.
pub async fn find_address(text: &str) -> Result<Stored> {
    let address: Address = text.parse().map_err(Error::usage)?;
    let (parent, name) = address
        .split()
        .ok_or_else(|| Error::usage(format!("{address} is no backup, expected the address of a file")))?;
    Offsite::open(&parent, &Environment::of_process())?
        .find(&name)
        .await
}

impl Form {
    /// The place as copies go there.
    pub fn destination(&self, offsite: Offsite) -> Destination {
        Destination {
            offsite,
            recipients: self.offsite_recipients.clone().unwrap_or_default(),
            check: self.offsite_check,
        }
    }
}

impl Unlock {
    /// The identities in the files named, or else in the environment.
    pub fn identities(&self) -> Result<Arc<[Identity]>> {
        let mut found = Vec::new();
        for path in &self.identity {
            let shown = path.display();
            let text =
                std::fs::read_to_string(path).map_err(|e| Error::io(format!("cannot read {shown}"), e))?;
            found.extend(age::identities(&text).map_err(|e| e.context(shown))?);
        }
        if found.is_empty()
            && let Some(text) = Environment::of_process().value("AGE_IDENTITY")?
        {
            found.extend(age::identities(&text).map_err(|e| e.context("AGE_IDENTITY"))?);
        }
        Ok(found.into())
    }

    /// A file with a backup's clear bytes, for what reads a file by its path: the backup itself, or a copy that is gone
    /// when the second is dropped.
    pub async fn fetch(
        &self,
        file: &Path,
        place: &Place,
        context: &Context,
    ) -> Result<(PathBuf, Option<Pending>)> {
        let stored = self.find(file, place).await?;
        fetch(stored, place, context).await
    }

    /// The backup that the user means: an address, a path, or a name in the store.
    pub async fn find(&self, file: &Path, place: &Place) -> Result<Stored> {
        let stored = match file.to_str().filter(|text| Address::is_meant(text)) {
            Some(text) => find_address(text).await?,
            None => place.find(file)?.into(),
        };
        Ok(stored.with_identities(self.identities()?))
    }
}
