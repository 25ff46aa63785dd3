//! A gzip decoder that forgives nothing, in the manner of Go's and of Mark Adler's puff: codes must be complete, numbers
//! in range, distances within what was written, checksums right, and nothing may follow. Slow and plain.

/// The text of a file of exactly one member, or what is wrong with it.
pub fn decode(member: &[u8]) -> Result<Vec<u8>, String> {
    let (header, trailer) = (&member[..10], &member[member.len() - 8..]);
    if header[..4] != [0x1f, 0x8b, 8, 0] {
        return Err(format!("the header is {header:02x?}"));
    }
    let mut bits = Bits {
        bytes: &member[10..member.len() - 8],
        at: 0,
    };
    let mut text = Vec::new();
    while !block(&mut bits, &mut text)? {}
    while !bits.at.is_multiple_of(8) {
        if bits.take(1)? != 0 {
            return Err("the padding is not zero".into());
        }
    }
    if bits.at / 8 != bits.bytes.len() {
        return Err(format!(
            "{} bytes follow the last block",
            bits.bytes.len() - bits.at / 8
        ));
    }
    let crc = crc32fast::hash(&text).to_le_bytes();
    if trailer[..4] != crc || trailer[4..] != (text.len() as u32).to_le_bytes() {
        return Err("checksum or length is wrong".into());
    }
    Ok(text)
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Result<usize, String> {
        let mut value = 0;
        for i in 0..count {
            let byte = self.bytes.get(self.at / 8).ok_or("the data end within a block")?;
            value |= usize::from(byte >> (self.at % 8) & 1) << i;
            self.at += 1;
        }
        Ok(value)
    }
}

/// Symbols in the order of their codes, and how many codes there are of each length.
struct Code {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Code {
    fn new(lengths: &[usize]) -> Result<Self, String> {
        let mut counts = [0; 16];
        let mut symbols: Vec<usize> = (0..lengths.len()).filter(|s| lengths[*s] > 0).collect();
        symbols.sort_by_key(|s| lengths[*s]);
        symbols.iter().for_each(|s| counts[lengths[*s]] += 1);
        let taken: usize = (1..16).map(|length| counts[length] << (15 - length)).sum();
        if taken != 1 << 15 {
            return Err(format!("a code takes {taken} of 32768 parts of its space"));
        }
        Ok(Code { counts, symbols })
    }

    fn decode(&self, bits: &mut Bits<'_>) -> Result<usize, String> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for length in 1..16 {
            code |= bits.take(1)?;
            if code < first + self.counts[length] {
                return Ok(self.symbols[index + code - first]);
            }
            index += self.counts[length];
            first = (first + self.counts[length]) << 1;
            code <<= 1;
        }
        Err("a code is longer than 15 bits".into())
    }
}

/// Decodes one block; true if it was the last.
fn block(bits: &mut Bits<'_>, text: &mut Vec<u8>) -> Result<bool, String> {
    let last = bits.take(1)? == 1;
    match bits.take(2)? {
        0 => stored(bits, text)?,
        1 => {
            let lengths: Vec<usize> = (0..288)
                .map(|s| 8 + usize::from((144..256).contains(&s)) - usize::from((256..280).contains(&s)))
                .collect();
            symbols(bits, text, &Code::new(&lengths)?, &Code::new(&[5; 32])?)?;
        }
        2 => {
            let (litlen, distance) = dynamic(bits)?;
            symbols(bits, text, &litlen, &distance)?;
        }
        _ => return Err("a block is of type 3".into()),
    }
    Ok(last)
}

fn stored(bits: &mut Bits<'_>, text: &mut Vec<u8>) -> Result<(), String> {
    while !bits.at.is_multiple_of(8) {
        bits.take(1)?;
    }
    let (length, complement) = (bits.take(16)?, bits.take(16)?);
    if length ^ complement != 0xffff {
        return Err("a stored block's lengths disagree".into());
    }
    for _ in 0..length {
        text.push(bits.take(8)? as u8);
    }
    Ok(())
}

fn dynamic(bits: &mut Bits<'_>) -> Result<(Code, Code), String> {
    let (litlen, distance, precode) = (bits.take(5)? + 257, bits.take(5)? + 1, bits.take(4)? + 4);
    if litlen > 286 || distance > 30 {
        return Err(format!("{litlen} literals and lengths, {distance} distances"));
    }
    let mut lengths = [0; 19];
    for symbol in &[16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15][..precode] {
        lengths[*symbol] = bits.take(3)?;
    }
    let precode = Code::new(&lengths)?;
    let mut lengths = Vec::new();
    while lengths.len() < litlen + distance {
        let (length, times) = match precode.decode(bits)? {
            16 => (*lengths.last().ok_or("nothing to repeat")?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length, 1),
        };
        lengths.extend(std::iter::repeat_n(length, times));
    }
    if lengths.len() > litlen + distance || lengths[256] == 0 {
        return Err("too many code lengths, or no end of block".into());
    }
    Ok((Code::new(&lengths[..litlen])?, Code::new(&lengths[litlen..])?))
}

fn symbols(bits: &mut Bits<'_>, text: &mut Vec<u8>, litlen: &Code, distance: &Code) -> Result<(), String> {
    loop {
        let symbol = litlen.decode(bits)?;
        let length = match symbol {
            0..=255 => {
                text.push(symbol as u8);
                continue;
            }
            256 => return Ok(()),
            257..=264 => symbol - 254,
            265..=284 => {
                let extra = (symbol - 261) / 4;
                3 + ((4 + (symbol - 261) % 4) << extra) + bits.take(extra)?
            }
            285 => 258,
            _ => return Err(format!("length symbol {symbol}")),
        };
        let distance = match distance.decode(bits)? {
            symbol @ 0..=3 => symbol + 1,
            symbol @ 4..=29 => {
                let extra = symbol / 2 - 1;
                1 + ((2 + symbol % 2) << extra) + bits.take(extra)?
            }
            symbol => return Err(format!("distance symbol {symbol}")),
        };
        if distance > text.len() {
            return Err(format!("distance {distance} after {} bytes", text.len()));
        }
        for _ in 0..length {
            text.push(text[text.len() - distance]);
        }
    }
}
