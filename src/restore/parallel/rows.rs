//! Rows read and decoded ahead of a connection, and converted where that is wanted.

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::Error;
use crate::archive::{Format, OpenFile, Rows, each_piece};
use crate::restore::binary::{Converter, Unfit};

/// Pieces that may wait for the connection.
const AHEAD: usize = 3;

/// Bytes of converted rows that are sent together: few enough to be in a processor's cache still when they are.
const TOGETHER: usize = 256 << 10;

/// Bytes of text that are converted at once: they make no more than a few times as much.
const AT_ONCE: usize = 64 << 10;

/// Rows, or parts of rows.
#[derive(Debug)]
pub(super) struct Piece {
    /// As they are sent.
    pub(super) data: Bytes,
    /// Bytes of COPY text they are made of.
    pub(super) text: u64,
    /// Bytes of the file that this was decoded from, and had not been told of before.
    pub(super) stored: u64,
}

/// Why there are no more rows.
#[derive(Debug)]
pub(super) enum Halt {
    /// They cannot be converted.
    Unfit(Unfit),
    /// They cannot be read.
    Failed(Error),
}

/// Reads a table's rows, by a thread of its own.
pub(super) fn read(
    file: &OpenFile,
    format: Format,
    rows: &Rows,
    converter: Option<Converter>,
) -> mpsc::Receiver<Result<Piece, Halt>> {
    let (tell, pieces) = mpsc::channel(AHEAD);
    let (file, rows) = (file.clone(), rows.clone());
    tokio::task::spawn_blocking(move || {
        let give = |piece| tell.blocking_send(Ok(piece)).is_ok();
        let done = match converter {
            None => as_they_are(&file, format, &rows, give),
            Some(converter) => converted(&file, format, &rows, converter, give),
        };
        if let Err(halt) = done {
            // Nobody listening is fine: the restore has failed on its own.
            let _ = tell.blocking_send(Err(halt));
        }
    });
    pieces
}

fn as_they_are(
    file: &OpenFile,
    format: Format,
    rows: &Rows,
    mut give: impl FnMut(Piece) -> bool,
) -> Result<(), Halt> {
    let give = |data: Bytes, stored| {
        let text = data.len() as u64;
        give(Piece { data, text, stored })
    };
    each_piece(file, format, rows, give).map_err(Halt::Failed)
}

fn converted(
    file: &OpenFile,
    format: Format,
    rows: &Rows,
    converter: Converter,
    mut give: impl FnMut(Piece) -> bool,
) -> Result<(), Halt> {
    let mut collected = Collected::new(converter);
    let mut unfit = None;
    let mut wanted = true;
    let convert = |text: Bytes, stored| {
        match collected.add(&text, stored, &mut give) {
            Ok(more) => wanted = more,
            Err(e) => unfit = Some(e),
        }
        wanted && unfit.is_none()
    };
    each_piece(file, format, rows, convert).map_err(Halt::Failed)?;
    if let Some(unfit) = unfit {
        return Err(Halt::Unfit(unfit));
    }
    if wanted {
        collected
            .converter
            .end(&mut collected.data)
            .map_err(Halt::Unfit)?;
        give(collected.take());
    }
    Ok(())
}

/// Converted rows that are to be sent together.
struct Collected {
    converter: Converter,
    data: Vec<u8>,
    text: u64,
    stored: u64,
}

impl Collected {
    fn new(converter: Converter) -> Self {
        let mut data = Vec::with_capacity(TOGETHER + AT_ONCE);
        converter.begin(&mut data);
        Collected {
            converter,
            data,
            text: 0,
            stored: 0,
        }
    }

    /// Converts a piece of text, and gives what is collected when it is enough. False if no more is wanted.
    fn add(&mut self, text: &[u8], stored: u64, mut give: impl FnMut(Piece) -> bool) -> Result<bool, Unfit> {
        self.stored += stored;
        for part in text.chunks(AT_ONCE) {
            self.converter.rows(part, &mut self.data)?;
            self.text += part.len() as u64;
            if self.data.len() >= TOGETHER && !give(self.take()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn take(&mut self) -> Piece {
        let next = Vec::with_capacity(TOGETHER + AT_ONCE);
        Piece {
            data: std::mem::replace(&mut self.data, next).into(),
            text: std::mem::take(&mut self.text),
            stored: std::mem::take(&mut self.stored),
        }
    }
}
