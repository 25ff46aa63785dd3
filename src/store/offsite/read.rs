//! A backup there, read at any place without a copy on disk: by ranges, the next one fetched while one is used.

use std::io::{self, Read, Seek, SeekFrom};

use bytes::Bytes;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::{Offsite, patiently};
use crate::{Error, Result};

/// The first range after a jump, in bytes: an index needs no more. Ranges then double.
const SMALLEST: u64 = 64 << 10;
const LARGEST: u64 = 8 << 20;

/// Reads an object. Must be used on a thread where blocking is allowed. Errors carry a [`crate::Error`].
pub struct Download {
    offsite: Offsite,
    path: Path,
    shown: String,
    length: u64,
    at: u64,
    /// What was fetched last, and where it begins.
    range: Bytes,
    start: u64,
    /// What is being fetched, and where it begins.
    next: Option<(u64, JoinHandle<Result<Bytes>>)>,
    /// How much to fetch next.
    step: u64,
    runtime: Handle,
}

impl Download {
    /// Begins to read an object of a known length.
    pub(in crate::store) fn begin(
        offsite: &Offsite,
        relative: &str,
        length: u64,
        runtime: Handle,
    ) -> Result<Download> {
        Ok(Download {
            offsite: offsite.clone(),
            path: offsite.path(relative)?,
            shown: offsite.shown(relative),
            length,
            at: 0,
            range: Bytes::new(),
            start: 0,
            next: None,
            step: SMALLEST,
            runtime,
        })
    }

    /// Asks for the range that begins at a place.
    fn fetch(&mut self, start: u64) -> JoinHandle<Result<Bytes>> {
        let end = (start + self.step).min(self.length);
        self.step = (self.step * 2).min(LARGEST);
        let (offsite, path, shown) = (self.offsite.clone(), self.path.clone(), self.shown.clone());
        self.runtime.spawn(async move {
            let got = patiently(offsite.store.get_range(&path, start..end)).await;
            let bytes = got.map_err(|e| e.told("read", &shown))?;
            match bytes.len() as u64 == end - start {
                true => Ok(bytes),
                false => Err(Error::failed(format!(
                    "reading {shown} gave {} bytes, expected {}: did it change meanwhile?",
                    bytes.len(),
                    end - start
                ))),
            }
        })
    }

    /// Makes the range with the current place the current one.
    fn load(&mut self) -> Result<()> {
        let fetching = match self.next.take() {
            Some((start, fetching)) if start == self.at => fetching,
            other => {
                if let Some((_, useless)) = other {
                    useless.abort();
                }
                self.step = SMALLEST;
                self.fetch(self.at)
            }
        };
        let fetched = self.runtime.block_on(fetching);
        self.range = fetched.map_err(|e| Error::failed("reading was cut off").because(e))??;
        self.start = self.at;
        let after = self.start + self.range.len() as u64;
        // Whoever jumps about takes a little each time, and needs nothing ahead.
        if after < self.length && self.step > 2 * SMALLEST {
            self.next = Some((after, self.fetch(after)));
        }
        Ok(())
    }
}

impl Read for Download {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.length || out.is_empty() {
            return Ok(0);
        }
        let inside = |this: &Download| {
            let from = this.at.checked_sub(this.start)?;
            (from < this.range.len() as u64).then_some(from as usize)
        };
        let from = match inside(self) {
            Some(from) => from,
            None => {
                // Going on where the last range ended is no jump.
                let ended = self.at == self.start + self.range.len() as u64 && !self.range.is_empty();
                if ended && self.next.is_none() {
                    let fetching = self.fetch(self.at);
                    self.next = Some((self.at, fetching));
                }
                self.load().map_err(io::Error::other)?;
                0
            }
        };
        let n = out.len().min(self.range.len() - from);
        out[..n].copy_from_slice(&self.range[from..from + n]);
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for Download {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        if let Some((_, useless)) = self.next.take() {
            useless.abort();
        }
    }
}
