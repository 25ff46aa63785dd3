//! What arrived against what was sent.

use std::io::Read;

use tokio::runtime::Handle;
use xxhash_rust::xxh3::Xxh3;

use super::{Download, Offsite, Sent, relative};
use crate::error::Kind;
use crate::store::name::Name;
use crate::{Error, Result};

/// How an upload is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// All of it is read back, and its checksum compared.
    Read,
    /// Its size is asked for. The place itself has checked each part by its checksum (S3), or has not.
    Size,
}

impl Offsite {
    /// Checks what arrived. What is not what was sent is removed, and an error.
    pub async fn check(&self, relative: &str, sent: &Sent, check: Check) -> Result<()> {
        let checked = self.compare(relative, sent, check).await;
        self.unless_damaged(relative, checked).await
    }

    /// What is not what was sent must not stay.
    async fn unless_damaged(&self, relative: &str, checked: Result<()>) -> Result<()> {
        if let Err(e) = &checked
            && e.kind() == Kind::Damaged
        {
            self.discard(relative).await;
        }
        checked
    }

    async fn compare(&self, relative: &str, sent: &Sent, check: Check) -> Result<()> {
        self.compare_size(relative, sent.bytes).await?;
        if check == Check::Size {
            return Ok(());
        }
        let shown = self.shown(relative);
        let download = Download::begin(self, relative, sent.bytes, Handle::current())?;
        let reading = tokio::task::spawn_blocking(move || hash(download));
        let hash = reading
            .await
            .map_err(|e| Error::failed("reading was cut off").because(e))??;
        match hash == sent.hash {
            true => Ok(()),
            false => Err(Error::damaged(format!(
                "what was read back from {shown} is not what was sent: it is removed"
            ))),
        }
    }

    async fn compare_size(&self, relative: &str, sent: u64) -> Result<()> {
        match self.find(relative).await?.bytes() {
            there if there == sent => Ok(()),
            there => Err(Error::damaged(format!(
                "{} has {there} bytes, but {sent} were sent: it is removed",
                self.shown(relative)
            ))),
        }
    }

    /// Removes what must not stay. That it cannot be removed is not worth more than why it must not stay.
    pub async fn discard(&self, relative: &str) {
        let _ = self.remove_object(relative).await;
    }

    /// Copies a daily backup there, of so many bytes, to its weekly name: by itself where the place can do that, else
    /// through here. The copy's size is checked.
    pub async fn copy_to_weekly(&self, daily: &Name, encrypted: bool, bytes: u64) -> Result<()> {
        let (from, to) = (relative(daily, encrypted), relative(&daily.weekly(), encrypted));
        if !self.copy_there(&from, &to, bytes).await? {
            let mut download = Download::begin(self, &from, bytes, Handle::current())?;
            let (upload, mut writer) = self.upload(&to, bytes, true)?;
            let copying = tokio::task::spawn_blocking(move || {
                std::io::copy(&mut download, &mut writer)?;
                writer.finish()
            });
            let copied = copying
                .await
                .map_err(|e| Error::failed("copying was cut off").because(e))?;
            let ended = upload.end().await;
            match copied.map_err(Error::of_reading) {
                Ok(_) => ended?,
                // What could not be read was not written either; an upload that broke by itself says why.
                Err(e) => match ended {
                    Err(broken) if broken.kind() != Kind::Interrupted => return Err(broken),
                    _ => return Err(e),
                },
            }
        }
        let checked = self.compare_size(&to, bytes).await;
        self.unless_damaged(&to, checked).await
    }
}

fn hash(mut input: impl Read) -> Result<u128> {
    let mut hash = Xxh3::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        let n = input.read(&mut buffer).map_err(Error::of_reading)?;
        if n == 0 {
            return Ok(hash.digest128());
        }
        hash.update(&buffer[..n]);
    }
}
