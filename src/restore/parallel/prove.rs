//! Tables read back while others are still being filled: what a proof knows of the rows before it begins.
//!
//! As soon as a table has its rows and its keys, connections of their own read it as a dump would, part by part. That
//! fills the time in which the restore waits for one long thing: the last rows, an index. What is known then need not be
//! read again at the end, if nothing can have changed it since: the script has only statements that leave rows alone
//! ([`order::leaves_rows`](super::order::leaves_rows)), and nothing in the database runs code of the user's while rows
//! are loaded, keys checked and indexes built. Anything else, and all that could not be read, is left to the proof.
//!
//! What is not promised: that nobody else, who finds the new database, changes it meanwhile.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use super::board::{Board, Number};
use super::{Shared, wait};
use tokio::sync::oneshot;

use crate::archive::{Digest, Index, LineDigest, Table};
use crate::connect::{CopyReader, Session, Settings, SnapshotOptions, connect, read_as_dumps_do};
use crate::dump::{self, Known, KnownRows};
use crate::event::{Event, Observer};
use crate::sql::{literal, qualified};
use crate::{Error, Result};

/// Text of one part. A part is read in moments: who wants to change the table waits for it.
const PART_BYTES: u64 = 16 << 20;

/// Nothing in the database runs functions of the user's by itself, but triggers (there are none yet when rows are
/// loaded), policies, defaults (of columns, all of which have values), other functions, and views that no materialized
/// view is made from. An operator, an aggregate or a type with such a function counts as one who does.
const QUIET: &str = "
SELECT NOT EXISTS (SELECT FROM pg_catalog.pg_event_trigger) AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_proc p ON d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND p.oid = d.refobjid
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE p.oid >= 16384 AND (l.lanname NOT IN ('c', 'internal') OR p.prokind = 'a')
    AND d.classid NOT IN ('pg_catalog.pg_trigger'::pg_catalog.regclass, 'pg_catalog.pg_policy'::pg_catalog.regclass,
        'pg_catalog.pg_proc'::pg_catalog.regclass)
    AND NOT (d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_class WHERE relkind = 'm'))
    AND NOT (d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND EXISTS (
        SELECT FROM pg_catalog.pg_attrdef def
        JOIN pg_catalog.pg_attribute a ON a.attrelid = def.adrelid AND a.attnum = def.adnum
        WHERE def.oid = d.objid AND a.attgenerated = '')))";

/// Whether nothing in the database runs code that could change rows while indexes are built and the like.
pub(super) async fn is_quiet(session: &Session) -> Result<bool> {
    let row = session.client.query_one(QUIET, &[]).await;
    Ok(row.map_err(|e| session.explain(e))?.get(0))
}

/// The tables that are read, and how far.
#[derive(Default)]
pub(super) struct Proofs {
    tables: BTreeMap<Number, Reading>,
    /// Tables with parts that nobody has begun.
    open: VecDeque<Number>,
    /// Parts being read.
    under_way: usize,
    /// Something could have changed what was read.
    void: bool,
}

struct Reading {
    /// Its number in the index.
    table: usize,
    parts: u32,
    begun: u32,
    done: u32,
    digest: Digest,
    /// A part could not be read.
    lost: bool,
}

/// A part of a table, one of `of`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    number: Number,
    table: usize,
    part: u32,
    of: u32,
}

impl Proofs {
    /// The table with this number in the index, of so many bytes of rows, is to be read when the board says that it is
    /// readable under this number.
    pub(super) fn add(&mut self, number: Number, table: usize, bytes: u64, divided: bool) {
        let parts = match divided {
            true => u32::try_from(bytes.div_ceil(PART_BYTES))
                .unwrap_or(u32::MAX)
                .max(1),
            false => 1,
        };
        let reading = Reading {
            table,
            parts,
            begun: 0,
            done: 0,
            digest: Digest::default(),
            lost: false,
        };
        self.tables.insert(number, reading);
    }

    /// What has been read does not count, and nothing more is.
    pub(super) fn void(&mut self) {
        self.void = true;
    }

    /// The next part to read, if fewer than `most` are being read.
    pub(super) fn take(&mut self, board: &mut Board, most: usize) -> Option<Part> {
        if self.void || self.under_way >= most {
            return None;
        }
        self.open.extend(std::iter::from_fn(|| board.take_readable()));
        while let Some(&number) = self.open.front() {
            let Some(reading) = self.tables.get_mut(&number) else {
                self.open.pop_front();
                continue;
            };
            let part = reading.begun;
            if reading.lost || part == reading.parts {
                self.open.pop_front();
                continue;
            }
            reading.begun += 1;
            self.under_way += 1;
            return Some(Part {
                number,
                table: reading.table,
                part,
                of: reading.parts,
            });
        }
        None
    }

    /// A part has been read, or could not be.
    pub(super) fn read(&mut self, part: Part, digest: Option<Digest>) {
        self.under_way -= 1;
        let Some(reading) = self.tables.get_mut(&part.number) else {
            return;
        };
        match digest {
            Some(digest) => {
                reading.digest.merge(&digest);
                reading.done += 1;
            }
            None => reading.lost = true,
        }
    }

    /// Tables not read to their end, and about how many bytes of them are left.
    pub(super) fn left(&self, index: &Index) -> (u64, u64) {
        if self.void {
            return (0, 0);
        }
        let left = self.tables.values().filter(|r| !r.lost && r.done < r.parts);
        left.fold((0, 0), |(tables, bytes), reading| {
            let of = u64::from(reading.parts);
            let all = index.tables[reading.table].rows.counted.bytes;
            (tables + 1, bytes + all / of * (of - u64::from(reading.done)))
        })
    }

    /// What is known of the tables.
    pub(super) fn known(&self, index: &Index) -> Known {
        if self.void {
            return Known::new();
        }
        let whole = self.tables.values().filter(|r| !r.lost && r.done == r.parts);
        let known = whole.map(|reading| {
            let table = &index.tables[reading.table];
            let rows = KnownRows {
                columns: table.columns.clone(),
                digest: reading.digest,
            };
            ((table.schema.clone(), table.name.clone()), rows)
        });
        known.collect()
    }
}

/// What all that read need.
#[derive(Clone)]
pub(super) struct Prover {
    pub(super) settings: Settings,
    pub(super) options: SnapshotOptions,
    pub(super) index: Arc<Index>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) shared: Arc<Shared>,
}

impl Prover {
    /// Does its work in a thread, where digesting keeps nobody from sending. Where there can be no thread, it is left to
    /// the proof.
    pub(super) fn start(self) -> Option<oneshot::Receiver<()>> {
        let (tell, ended) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .ok()?;
        let thread = std::thread::Builder::new().name("proof".into());
        let started = thread.spawn(move || {
            runtime.block_on(self.run());
            // Whoever asked may have given up waiting.
            let _ = tell.send(());
        });
        started.ok().map(|_| ended)
    }

    /// Reads parts until there will be no more. What goes wrong is no error: the proof reads what is not known.
    async fn run(self) {
        let mut reader = None;
        let mut changed = self.shared.changed.subscribe();
        loop {
            changed.mark_unchanged();
            let (part, over) = self.shared.take_part();
            let Some(part) = part else {
                if over || self.shared.stop.is_cancelled() {
                    break;
                }
                tokio::select! {
                    () = self.shared.stop.cancelled() => break,
                    () = wait(&mut changed) => {}
                }
                continue;
            };
            let read = self.part(&mut reader, part).await;
            let goes_on = match &read {
                Ok(_) => true,
                // Nothing will be read any more.
                Err(_) if self.shared.stop.is_cancelled() => return,
                Err(e) => {
                    let text = format!("{} is read again later: {e}", self.name(part.table));
                    self.observer.event(Event::Info(text));
                    reader.is_some() && e.server().is_some_and(|server| server.severity == "ERROR")
                }
            };
            self.shared.lock().proofs.read(part, read.ok());
            self.shared.tell();
            if over {
                let bytes = self.index.tables[part.table].rows.counted.bytes / u64::from(part.of);
                self.observer.event(Event::Moved { rows: 0, bytes });
            }
            if !goes_on {
                return;
            }
        }
        if let Some(reader) = reader {
            reader.close().await;
        }
    }

    /// The digest of a part.
    async fn part(&self, reader: &mut Option<CopyReader>, part: Part) -> Result<Digest> {
        let stop = &self.shared.stop;
        let reader = match reader {
            Some(reader) => reader,
            None => tokio::select! {
                () = stop.cancelled() => return Err(Error::interrupted()),
                connected = self.connect() => reader.insert(connected?),
            },
        };
        let cancel = reader.cancel_handle();
        tokio::select! {
            () = stop.cancelled() => {
                // The server may be gone; there is nobody to tell.
                let _ = cancel.cancel().await;
                Err(Error::interrupted())
            }
            digest = digest(reader, &self.index.tables[part.table], part) => digest,
        }
    }

    async fn connect(&self) -> Result<CopyReader> {
        let session = connect(&self.settings).await?;
        if !is_quiet(&session).await? {
            self.shared.lock().proofs.void();
        }
        read_as_dumps_do(&session, &self.options).await?;
        session.into_copy_reader().await
    }

    fn name(&self, table: usize) -> String {
        let table = &self.index.tables[table];
        qualified(&table.schema, &table.name)
    }
}

async fn digest(reader: &mut CopyReader, table: &Table, part: Part) -> Result<Digest> {
    let pages = match part.of {
        1 => None,
        of => match range(pages(reader, table).await?, part.part, of) {
            None => return Ok(Digest::default()),
            pages => pages,
        },
    };
    let query = dump::copy_statement(table, &pages);
    let mut digest = LineDigest::default();
    reader
        .copy_out(&query, |piece| {
            digest.update(piece);
            Ok(())
        })
        .await?;
    match digest.finish() {
        (digest, 0) => Ok(digest),
        _ => Err(Error::failed("the server's last row has no end")),
    }
}

/// The pages of one part of `of`; `None`: it has none. The last part ends where the table does.
fn range(pages: u32, part: u32, of: u32) -> Option<Range<u32>> {
    let at = |part: u32| (u64::from(pages) * u64::from(part) / u64::from(of)) as u32;
    let end = if part + 1 == of { u32::MAX } else { at(part + 1) };
    Some(at(part)..end).filter(|pages| !pages.is_empty())
}

/// Pages of a heap; 0 of what is none, so that its last part is all of it.
async fn pages(reader: &mut CopyReader, table: &Table) -> Result<u32> {
    let name = literal(&qualified(&table.schema, &table.name));
    // 2 is the access method "heap", on every server.
    let query = format!(
        "COPY (SELECT CASE WHEN relam = 2 THEN pg_catalog.pg_relation_size(oid) \
         / pg_catalog.current_setting('block_size')::pg_catalog.int8 ELSE 0 END \
         FROM pg_catalog.pg_class WHERE oid = {name}::pg_catalog.regclass) TO STDOUT"
    );
    let mut text = Vec::new();
    let mut keep = |piece: &[u8]| {
        text.extend_from_slice(piece);
        Ok(())
    };
    reader.copy_out(&query, &mut keep).await?;
    let number = std::str::from_utf8(&text)
        .ok()
        .and_then(|text| text.trim().parse().ok());
    number.ok_or_else(|| Error::failed("the server did not tell the size of a table"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::{Counted, Header};

    #[test]
    fn the_parts_of_a_table_are_all_of_it() {
        for (pages, of) in [(0, 1), (0, 3), (1, 3), (100, 7), (u32::MAX, 60_000)] {
            let mut next = 0;
            for part in 0..of {
                if let Some(range) = range(pages, part, of) {
                    assert_eq!(range.start, next, "{pages} {part} of {of}");
                    next = range.end;
                }
            }
            assert_eq!(next, u32::MAX, "{pages} of {of}");
        }
    }

    fn index(bytes: u64) -> Index {
        let mut table = Table {
            name: "t".into(),
            ..Table::default()
        };
        table.rows.counted.bytes = bytes;
        Index {
            header: Header::default(),
            tables: vec![table],
            large_objects: None,
            sql: Counted::default(),
            text: 0,
        }
    }

    fn readable(proofs: &mut Proofs, bytes: u64) -> Board {
        let mut board = Board::default();
        let number = board.readable(&(Vec::new(), b"t".to_vec()));
        proofs.add(number, 0, bytes, true);
        board
    }

    #[test]
    fn a_table_is_known_when_all_its_parts_are_read() {
        let index = index(2 * PART_BYTES);
        let mut proofs = Proofs::default();
        let mut board = readable(&mut proofs, 2 * PART_BYTES);
        let one = proofs.take(&mut board, 1).unwrap();
        assert_eq!(proofs.take(&mut board, 1), None);
        let two = proofs.take(&mut board, 2).unwrap();
        assert_eq!(proofs.take(&mut board, 9), None);
        let mut digest = Digest::default();
        digest.row(b"1");
        proofs.read(two, Some(digest));
        assert_eq!(proofs.left(&index), (1, PART_BYTES));
        assert!(proofs.known(&index).is_empty());
        proofs.read(one, Some(digest));
        assert_eq!(proofs.known(&index).values().next().unwrap().digest.rows, 2);
        proofs.void();
        assert!(proofs.known(&index).is_empty());
    }

    #[test]
    fn a_table_of_which_a_part_could_not_be_read_is_not_known() {
        let index = index(2 * PART_BYTES);
        let mut proofs = Proofs::default();
        let mut board = readable(&mut proofs, 2 * PART_BYTES);
        let one = proofs.take(&mut board, 2).unwrap();
        let two = proofs.take(&mut board, 2).unwrap();
        proofs.read(one, None);
        proofs.read(two, Some(Digest::default()));
        assert!(proofs.known(&index).is_empty());
        assert_eq!(proofs.left(&index), (0, 0));
    }
}
