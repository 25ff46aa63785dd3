//! COPY text as databases hold it, made from nothing but a seed, so that a figure can be measured again anywhere.
//!
//! The kinds and their shares follow a database of 1.2 GB that `gzip -6` shrinks to 0.30: narrow rows of integers,
//! rows with jsonb and text, readings (numeric, double precision, timestamps) and bytea in hex. Values are skewed as
//! they are in life: words and foreign keys by Zipf's law, times close to those of the row before.

use std::fmt::Write as _;

/// One kind of table.
pub struct Kind {
    /// What the table of results calls it.
    pub name: &'static str,
    /// Its share of the mix in percent of the bytes.
    pub share: usize,
    row: fn(&mut Random, u64, &mut String),
}

/// The kinds of the mix. The shares add up to 100.
pub const KINDS: &[Kind] = &[
    Kind {
        name: "narrow",
        share: 14,
        row: narrow,
    },
    Kind {
        name: "jsonb",
        share: 46,
        row: jsonb,
    },
    Kind {
        name: "numeric",
        share: 21,
        row: numeric,
    },
    Kind {
        name: "bytea",
        share: 16,
        row: bytea,
    },
    Kind {
        name: "users",
        share: 3,
        row: users,
    },
];

/// Text that columns hold beside; it is not in the mix.
#[allow(dead_code, reason = "tests use the mix")]
pub const GENERAL: &[Kind] = &[
    Kind {
        name: "prose",
        share: 0,
        row: |random, _, row| prose(random, 200, row),
    },
    Kind {
        name: "base64",
        share: 0,
        row: base64,
    },
];

impl Kind {
    /// Whole rows of this kind, `size` bytes or up to a row more.
    pub fn bytes(&self, size: usize) -> Vec<u8> {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut rows = String::with_capacity(size + (1 << 17));
        for number in 1.. {
            if rows.len() >= size {
                break;
            }
            (self.row)(&mut random, number, &mut rows);
            rows.push('\n');
        }
        rows.into_bytes()
    }
}

/// SplitMix64: small, and the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Evenly from 0 to `end` - 1.
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// From 0 to `end` - 1, a value k about as often as 1 / (k + 1): each doubling is as likely as the others.
    fn zipf(&mut self, end: u64) -> u64 {
        loop {
            let doubling = self.below(u64::from(end.ilog2()) + 1);
            let value = (1 << doubling) - 1 + self.below(1 << doubling);
            if value < end {
                return value;
            }
        }
    }
}

/// `id, order_id, product_id, quantity, state`: the lines of orders, some three an order.
fn narrow(random: &mut Random, number: u64, row: &mut String) {
    let order = 100_000 + number / 3 + random.below(2);
    let product = random.zipf(50_000) + 1;
    let quantity = random.zipf(100) + 1;
    let state = random.zipf(6);
    let _ = write!(row, "{number}\t{order}\t{product}\t{quantity}\t{state}");
}

/// `id, user_id, created_at, attributes jsonb, body text`
fn jsonb(random: &mut Random, number: u64, row: &mut String) {
    let user = random.zipf(100_000) + 1;
    let _ = write!(row, "{number}\t{user}\t");
    timestamp(number * 37_000_000 + random.below(37_000_000), row);
    let source = ["web", "ios", "android", "api", "import"][random.zipf(5) as usize];
    let _ = write!(
        row,
        "\t{{\"source\": \"{source}\", \"score\": {}, ",
        random.below(1_000)
    );
    let _ = write!(row, "\"active\": {}, \"tags\": [", random.below(3) > 0);
    for i in 0..1 + random.below(4) {
        row.push_str(if i == 0 { "\"" } else { ", \"" });
        word(random, 200, row);
        row.push('"');
    }
    let _ = write!(
        row,
        "], \"locale\": \"{}\", \"address\": {{\"city\": \"",
        locale(random)
    );
    word(random, 1_000, row);
    let _ = write!(
        row,
        "\", \"zip\": \"{:05}\", \"country\": \"",
        random.zipf(100_000)
    );
    word(random, 100, row);
    row.push_str("\"}, \"opted_in\": true, \"referrer\": null}\t");
    let words = 4 + random.below(24);
    prose(random, words, row);
}

/// `id, sensor_id, measured_at, temperature numeric, pressure numeric, level double precision, quality`
fn numeric(random: &mut Random, number: u64, row: &mut String) {
    let _ = write!(row, "{number}\t{}\t", random.zipf(500) + 1);
    timestamp(number * 1_300_000 + random.below(1_300) * 1_000, row);
    let temperature = 2_000 + random.zipf(500);
    let pressure = 100_000 + random.below(1_000);
    let level = random.below(100_000) as f64 / 100_000.0;
    let _ = write!(row, "\t{}.{:02}00", temperature / 100, temperature % 100);
    let _ = write!(row, "\t{}.{:02}\t{level}\t", pressure / 100, pressure % 100);
    row.push_str(["good", "good", "uncertain", "\\N"][random.zipf(4) as usize]);
}

/// `id, file_name, content bytea`: about 40 kB a row, as images and archives are.
fn bytea(random: &mut Random, number: u64, row: &mut String) {
    let _ = write!(row, "{number}\tscan-{number:06}.jpg\t\\\\x");
    for _ in 0..2_000 + random.below(1_000) {
        let _ = write!(row, "{:016x}", random.next());
    }
}

/// `id, name, email, password_hash, created_at, last_seen, locale`
fn users(random: &mut Random, number: u64, row: &mut String) {
    let mut name = String::new();
    word(random, 4_000, &mut name);
    name.push('.');
    word(random, 4_000, &mut name);
    let _ = write!(row, "{number}\t{name}\t{name}{}@example.com\t", random.below(100));
    let _ = write!(row, "{:016x}{:016x}\t", random.next(), random.next());
    timestamp(number * 900_000_000 + random.below(900_000_000), row);
    row.push('\t');
    timestamp(90_000_000_000_000 + random.below(8_000_000_000_000), row);
    let _ = write!(row, "\t{}", locale(random));
}

/// A line of random bytes in base64, as mail and certificates have them.
fn base64(random: &mut Random, _: u64, row: &mut String) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for _ in 0..76 {
        row.push(char::from(DIGITS[random.below(64) as usize]));
    }
}

fn locale(random: &mut Random) -> &'static str {
    ["en_GB", "de_DE", "fr_FR", "\\N"][random.zipf(4) as usize]
}

/// Sentences of `words` words.
fn prose(random: &mut Random, words: u64, row: &mut String) {
    for i in 0..words {
        if i > 0 {
            row.push_str(if random.below(12) == 0 { ". " } else { " " });
        }
        word(random, 4_000, row);
    }
    row.push('.');
}

/// One of the `vocabulary` commonest words: the first 200 are English, the others are made of syllables.
fn word(random: &mut Random, vocabulary: u64, row: &mut String) {
    let rank = random.zipf(vocabulary);
    if let Some(word) = WORDS.split(' ').nth(rank as usize) {
        row.push_str(word);
        return;
    }
    let mut letters = Random(rank);
    for _ in 0..2 + letters.below(3) {
        let syllable = letters.zipf(SYLLABLES.len() as u64 / 2) as usize;
        row.push_str(&SYLLABLES[2 * syllable..2 * syllable + 2]);
    }
}

const SYLLABLES: &str = "ertionatenorinesarmilotedalrecodesitelvochapulimupobefidugakowyzu";

const WORDS: &str = "the of and to in is was for on that with as it by at from his an were are which this be has \
    also had or their not first its after but new one have who they been two her when time all she during into \
    most may other some only made more year years there over about would will between such where under used up \
    city known while out up then no school state if than these so world three many later can her him university \
    being before through name team part both them people de second war game since well including number because \
    called use season family work best series film until early high company day between what several against \
    around any same found life house group day area those south well end music system house north home set line \
    order delivered payment received customer address account shipping invoice product return request support \
    pending confirmed cancelled refund warehouse quantity discount message subject reply ticket closed open";

/// Microseconds since 2023-01-01 as `timestamp with time zone` is written in COPY text.
fn timestamp(microseconds: u64, row: &mut String) {
    let seconds = microseconds / 1_000_000;
    let (mut day, mut year) = (seconds / 86_400, 2023);
    let length = |year: u64| if year.is_multiple_of(4) { 366 } else { 365 };
    while day >= length(year) {
        day -= length(year);
        year += 1;
    }
    let february = length(year) - 337;
    let mut month = 1;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let _ = write!(
        row,
        "{year}-{month:02}-{:02} {hour:02}:{minute:02}:{second:02}",
        day + 1
    );
    let _ = write!(row, ".{:06}+00", microseconds % 1_000_000);
}
