//! A backup to be read, wherever it lies and whether it is encrypted or not, as often as need be.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::offsite::{Download, Offsite};
use super::{FILE_MODE, Pending, State};
use crate::age::{self, Identity};
use crate::archive::{Archive, open_file};
use crate::{Error, Result};

/// Bytes copied at a time.
const CHUNK: usize = 256 << 10;

/// What can be read at any place.
pub trait Seekable: Read + Seek + Send {}

impl<T: Read + Seek + Send> Seekable for T {}

/// A backup's bytes.
pub type Bytes = Box<dyn Seekable>;

/// Where a backup is, and what opens it.
#[derive(Debug, Clone)]
pub struct Stored {
    place: Place,
    identities: Arc<[Identity]>,
}

#[derive(Debug, Clone)]
enum Place {
    Here(PathBuf),
    There {
        offsite: Box<Offsite>,
        relative: String,
        bytes: u64,
    },
}

impl From<PathBuf> for Stored {
    fn from(path: PathBuf) -> Stored {
        Stored {
            place: Place::Here(path),
            identities: Arc::default(),
        }
    }
}

impl From<&Path> for Stored {
    fn from(path: &Path) -> Stored {
        path.to_path_buf().into()
    }
}

impl Stored {
    /// An object off this machine.
    pub(super) fn remote(offsite: Offsite, relative: String, bytes: u64) -> Stored {
        Stored {
            place: Place::There {
                offsite: Box::new(offsite),
                relative,
                bytes,
            },
            identities: Arc::default(),
        }
    }

    /// With these identities to open it, should it be encrypted.
    #[must_use]
    pub fn with_identities(mut self, identities: Arc<[Identity]>) -> Stored {
        self.identities = identities;
        self
    }

    /// Its path or address, for people.
    pub fn shown(&self) -> String {
        match &self.place {
            Place::Here(path) => path.display().to_string(),
            Place::There {
                offsite, relative, ..
            } => offsite.shown(relative),
        }
    }

    /// Its path, if it is a file here.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Here(path) => Some(path),
            Place::There { .. } => None,
        }
    }

    /// Whether it has an end, and can be read more than once: all but pipes.
    pub fn is_regular(&self) -> bool {
        self.path().is_none_or(Path::is_file)
    }

    /// Its size in bytes as it lies there; 0 where it has none.
    pub fn bytes(&self) -> u64 {
        match &self.place {
            Place::Here(path) if path.is_file() => std::fs::metadata(path).map_or(0, |meta| meta.len()),
            Place::Here(_) => 0,
            Place::There { bytes, .. } => *bytes,
        }
    }

    /// Opens it: what an encrypted one contains. One off this machine must be read on a thread where blocking is
    /// allowed, and needs a runtime.
    pub fn open(&self) -> Result<Bytes> {
        let (raw, encrypted) = self.open_raw()?;
        if !encrypted {
            return Ok(raw);
        }
        if self.identities.is_empty() {
            return Err(Error::usage(format!("{} is encrypted", self.shown()))
                .hint("Name the file with the identity that opens it: --identity FILE."));
        }
        let clear = age::decrypt(raw, &self.identities).map_err(|e| e.context(self.shown()))?;
        Ok(Box::new(BufReader::with_capacity(64 << 10, clear)))
    }

    /// Whether it is encrypted. A pipe, which can be opened only once, is taken for clear.
    pub fn is_encrypted(&self) -> Result<bool> {
        Ok(self.is_regular() && self.open_raw()?.1)
    }

    /// Its bytes as they lie there, and whether they are encrypted. A pipe is not looked into.
    fn open_raw(&self) -> Result<(Bytes, bool)> {
        let mut raw: Bytes = match &self.place {
            Place::Here(path) => {
                let file = open_file(path)?;
                if !path.is_file() {
                    return Ok((Box::new(file), false));
                }
                Box::new(file)
            }
            Place::There {
                offsite,
                relative,
                bytes,
            } => Box::new(Download::begin(offsite, relative, *bytes, Handle::current())?),
        };
        let mut start = Vec::new();
        let looked = (&mut raw).take(64).read_to_end(&mut start);
        let rewound = looked.and_then(|_| raw.rewind());
        rewound.map_err(|e| Error::of_reading(e).context(self.shown()))?;
        Ok((raw, age::is_encrypted(&start)))
    }

    /// Reads it from its beginning; it is opened when it is first read.
    pub fn reader(&self) -> impl Read + Send + 'static {
        Lazy {
            stored: self.clone(),
            opened: None,
        }
    }

    /// The path of its clear bytes here: its own, or that of a copy made in a directory, which is gone when the second is
    /// dropped. When this is dropped before its end, nothing is left either, whatever the copying thread waits for.
    pub async fn fetch(&self, directory: &Path) -> Result<(PathBuf, Option<Pending>)> {
        if let Some(path) = self.path()
            && !self.is_encrypted()?
        {
            return Ok((path.to_path_buf(), None));
        }
        super::remove_stale(directory)?;
        let copy = Pending::create(directory.join("fetched"), FILE_MODE)?;
        let (stored, out, stop) = (self.clone(), copy.to_writer()?, CancellationToken::new());
        let _stops_when_dropped = stop.clone().drop_guard();
        let copying = tokio::task::spawn_blocking(move || stored.copy_into(out, &stop));
        let copied = copying.await;
        copied.map_err(|e| Error::failed("fetching the backup failed").because(e))??;
        Ok((copy.path().to_path_buf(), Some(copy)))
    }

    /// Writes its clear bytes into a file, until told to stop.
    fn copy_into(&self, mut out: File, stop: &CancellationToken) -> Result<()> {
        let mut bytes = self.open()?;
        let mut chunk = vec![0; CHUNK];
        while !stop.is_cancelled() {
            let read = bytes.read(&mut chunk);
            let n = read.map_err(|e| Error::of_reading(e).context(self.shown()))?;
            if n == 0 {
                return Ok(());
            }
            let written = out.write_all(&chunk[..n]);
            written.map_err(|e| Error::io(format!("cannot write a copy of {}", self.shown()), e))?;
        }
        Err(Error::interrupted())
    }

    /// Opens it by its index; none if it has none.
    pub fn archive(&self) -> Result<Option<Archive<Bytes>>> {
        let opened = Archive::from_seekable(self.open()?);
        opened.map_err(|e| e.context(self.shown()))
    }

    /// Looks at its end. One that vanished or cannot be read is damaged.
    pub fn state(&self) -> State {
        match self.archive() {
            Ok(Some(archive)) => State::Whole(Box::new(archive.index().clone())),
            Ok(None) => State::Unproven,
            Err(e) => State::Damaged(e.to_string()),
        }
    }
}

/// Opened when first read.
struct Lazy {
    stored: Stored,
    opened: Option<Bytes>,
}

impl Read for Lazy {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = match &mut self.opened {
            Some(bytes) => bytes,
            None => self.opened.insert(self.stored.open().map_err(io::Error::other)?),
        };
        bytes.read(out)
    }
}
