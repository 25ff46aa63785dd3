//! What a restore reads: a file that is opened once, so that everything done with it is done with one and the same file
//! whatever its path comes to name meanwhile, or something that can be read but once.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::picture::Picture;
use super::{Options, Script};
use crate::archive::{Archive, Excerpt, Index, OpenFile, open_file};
use crate::{Error, Result};

/// Where a script comes from.
pub enum Source {
    /// A file. One that can be read at any place is, if it has an index; a pipe is read once.
    File(PathBuf),
    /// Something that can be read once.
    Stream(Box<dyn Read + Send>),
}

impl Source {
    /// The script with what of it is wanted: from a file with an index nothing else is read.
    pub fn script(self, options: &Options) -> Result<Script> {
        Ok(self.open()?.script(options))
    }

    pub(super) fn open(self) -> Result<Input> {
        let path = match self {
            Source::Stream(input) => return Ok(Input::Stream(input)),
            Source::File(path) => path,
        };
        let file = open_file(&path)?;
        let meta = file
            .metadata()
            .map_err(|e| Error::io(format!("cannot read {}", path.display()), e))?;
        match meta.is_file() {
            true => Opened::new(&path, file.into()).map(|opened| Input::File(Box::new(opened))),
            false => Ok(Input::Stream(Box::new(file))),
        }
    }
}

/// A source that is open.
pub(super) enum Input {
    File(Box<Opened>),
    Stream(Box<dyn Read + Send>),
}

impl Input {
    pub(super) fn script(self, options: &Options) -> Script {
        let opened = match self {
            Input::Stream(input) => return Script::Stream(input),
            Input::File(opened) => opened,
        };
        match opened.archive {
            Some(archive) => {
                let wanted = options.choice.of_archive(archive.index());
                Script::Archive(Box::new(Excerpt::new(archive, wanted, options.jobs)))
            }
            None => Script::stream(opened.file),
        }
    }
}

/// A file that can be read at any place, and more than once.
#[derive(Clone)]
pub(super) struct Opened {
    path: PathBuf,
    file: OpenFile,
    archive: Option<Archive<OpenFile>>,
}

impl Opened {
    pub(super) fn open(path: &Path) -> Result<Opened> {
        Opened::new(path, OpenFile::open(path)?)
    }

    fn new(path: &Path, file: OpenFile) -> Result<Opened> {
        let archive = Archive::from_seekable(file.clone());
        Ok(Opened {
            path: path.to_path_buf(),
            file,
            archive: archive.map_err(|e| e.context(path.display()))?,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file by its index, if it has one.
    pub(super) fn archive(&self) -> Option<Archive<OpenFile>> {
        self.archive.clone()
    }

    pub(super) fn index(&self) -> Option<&Index> {
        self.archive.as_ref().map(Archive::index)
    }

    /// What the file says, in small. Of one with an index no rows are read.
    pub(super) fn picture(self) -> Result<Picture> {
        let read = match self.archive {
            Some(archive) => Picture::of_archive(archive),
            None => Picture::read(self.file),
        };
        read.map_err(|e| e.context(self.path.display()))
    }
}
