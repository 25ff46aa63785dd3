//! The page of state in a real browser, Debian's headless Chromium.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::process::Command;

use super::daemon::{free_port, get};
use super::{Store, name, signal, small, start, wait_until};
use crate::support::{self, Done};

/// Opens a page as a reader would, in a window of some size.
fn browse(profile: &Path, size: &str, what: &str, url: &str) -> Done {
    let mut browser = Command::new("chromium-headless-shell");
    browser.args([
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--enable-logging=stderr",
    ]);
    browser.arg(format!("--user-data-dir={}", profile.display()));
    browser.args([&format!("--window-size={size}"), what, url]);
    let done = match browser.output() {
        Ok(output) => Done::from(output),
        Err(e) => panic!(
            "chromium-headless-shell cannot be run ({e}): on Debian, apt-get install chromium-headless-shell; \
             scripts/fetch-servers does so when it is run as root"
        ),
    };
    // What the page's own rules forbid, or what it could not load, stands in the console.
    assert!(!done.stderr.contains("CONSOLE"), "{done}");
    done.ok()
}

/// How many pixels of each colour a picture has. PNG, as the browser writes it: 8 bits a channel, not interlaced.
fn colours(png: &[u8]) -> HashMap<[u8; 3], usize> {
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap()) as usize;
    let (width, height) = (number(16), number(20));
    let channels = match png[24..26] {
        [8, 2] => 3,
        [8, 6] => 4,
        ref other => panic!("depth and colour type {other:?}, expected [8, 2] or [8, 6]"),
    };
    let (mut at, mut packed) = (8, Vec::new());
    while at < png.len() {
        let length = number(at);
        if &png[at + 4..at + 8] == b"IDAT" {
            packed.extend_from_slice(&png[at + 8..at + 8 + length]);
        }
        at += length + 12;
    }
    let mut rows = Vec::new();
    flate2::read::ZlibDecoder::new(&packed[..])
        .read_to_end(&mut rows)
        .unwrap();
    let stride = width * channels;
    let mut above = vec![0u8; stride];
    let mut found = HashMap::new();
    for row in rows.chunks(stride + 1).take(height) {
        let mut line = row[1..].to_vec();
        for i in 0..stride {
            let left = if i >= channels { line[i - channels] } else { 0 };
            let corner = if i >= channels { above[i - channels] } else { 0 };
            let guess = match row[0] {
                0 => 0,
                1 => left,
                2 => above[i],
                3 => ((u16::from(left) + u16::from(above[i])) / 2) as u8,
                _ => paeth(left, above[i], corner),
            };
            line[i] = line[i].wrapping_add(guess);
        }
        for pixel in line.chunks(channels) {
            *found.entry([pixel[0], pixel[1], pixel[2]]).or_default() += 1;
        }
        above = line;
    }
    found
}

/// The neighbour that is nearest to left + above - corner.
fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let (a, b, c) = (i16::from(left), i16::from(above), i16::from(corner));
    let p = a + b - c;
    let (pa, pb, pc) = ((p - a).abs(), (p - b).abs(), (p - c).abs());
    match () {
        () if pa <= pb && pa <= pc => left,
        () if pb <= pc => above,
        () => corner,
    }
}

const GOOD: [u8; 3] = [0x1a, 0x7f, 0x37];
const BAD: [u8; 3] = [0xc6, 0x28, 0x28];

#[test]
fn the_page_tells_the_state_at_a_glance_in_a_real_browser() {
    let db = small(support::server(support::newest()));
    let store = Store::new();
    let port = free_port();
    let mut command = store.pgstow(&db, &["schedule"]);
    let child = start(command.env("HTTP_ADDR", format!("127.0.0.1:{port}")));
    let backups = || store.daily().iter().filter(|f| !name(f).starts_with('.')).count();
    wait_until("a backup", || backups() == 1);
    db.execute("INSERT INTO users SELECT i, md5(i::text) FROM generate_series(10, 3000) i");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    signal(&child, rustix::process::Signal::HUP);
    wait_until("both backups are told", || {
        get(port, "/").is_some_and(|(_, page)| page.contains("2,993 rows") && page.contains("Next backup at"))
    });
    let url = format!("http://127.0.0.1:{port}/");
    let profile = tempfile::tempdir().unwrap();
    let dom = browse(profile.path(), "1200,900", "--dump-dom", &url).stdout;
    let count = |what: &str| dom.matches(what).count();
    assert!(
        dom.contains("<title>Backups are in order - pgstow</title>"),
        "{dom}"
    );
    assert_eq!((count("<polyline"), count("<h1")), (1, 1), "{dom}");
    // Two runs, two backups and their weekly copies, a heading each.
    assert_eq!(count("<tr>"), 1 + 2 + 1 + store.files().len(), "{dom}");
    let picture = profile.path().join("page.png");
    let shot = format!("--screenshot={}", picture.display());
    for size in ["1200,900", "360,900"] {
        browse(profile.path(), size, &shot, &url);
        let seen = colours(&std::fs::read(&picture).unwrap());
        let good = seen.get(&GOOD).copied().unwrap_or(0);
        assert!(
            good > 200 && !seen.contains_key(&BAD),
            "{size}: {good} green pixels"
        );
    }
    // A store that has become bad shows it in red.
    std::fs::remove_dir_all(store.0.path().join("daily")).unwrap();
    std::fs::create_dir(store.0.path().join("daily")).unwrap();
    let _ = std::fs::remove_dir_all(store.0.path().join("weekly"));
    browse(profile.path(), "1200,900", &shot, &url);
    let seen = colours(&std::fs::read(&picture).unwrap());
    assert!(seen.get(&BAD).copied().unwrap_or(0) > 200, "no red");
    signal(&child, rustix::process::Signal::TERM);
    child.done().ok();
}
