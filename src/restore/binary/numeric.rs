//! Numbers with any number of digits: in the server groups of four, each a digit to the base of 10,000.

use super::number::{POWERS, digits, has_leading_zero, is_digit, sign};
use super::{close, open};

/// Decimal digits of a group.
const GROUP: usize = 4;

/// Digits behind the point at most.
const MAX_SCALE: usize = 0x3fff;
/// Digits before the point at most.
const MAX_WHOLE: usize = 131_072;

/// What is sent as the sign.
const POSITIVE: u16 = 0x0000;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;
/// From PostgreSQL 14 on; older ones refuse it, as they do the word.
const INFINITY: u16 = 0xd000;
const NEGATIVE_INFINITY: u16 = 0xf000;

/// Digits on either side of the point that are looked at all at once.
const SHORT: usize = 4 * GROUP;

/// What comes before the groups: how many they are, the place of the first before the point (0: the last group there),
/// the sign, and how many digits are shown behind the point.
fn head(groups: usize, weight: i16, sign: u16, scale: usize) -> Option<[u8; 8]> {
    let mut head = [0; 8];
    head[..2].copy_from_slice(&u16::try_from(groups).ok()?.to_be_bytes());
    head[2..4].copy_from_slice(&weight.to_be_bytes());
    head[4..6].copy_from_slice(&sign.to_be_bytes());
    head[6..].copy_from_slice(&u16::try_from(scale).ok()?.to_be_bytes());
    Some(head)
}

#[inline]
pub(super) fn numeric(text: &mut &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (negative, unsigned) = sign(text);
    let (whole, value) = digits(unsigned);
    if whole == 0 {
        return special(text, out);
    }
    let (scale, fraction) = match &unsigned[whole..] {
        [b'.', rest @ ..] => {
            let (scale, fraction) = digits(rest);
            if scale == 0 {
                return None;
            }
            (scale, fraction)
        }
        _ => (0, 0),
    };
    if whole > SHORT || scale > SHORT {
        return long(text, out);
    }
    if has_leading_zero(unsigned, whole) {
        return None;
    }
    *text = &unsigned[whole + scale + usize::from(scale > 0)..];
    short(negative, value, (scale, fraction), out)
}

/// A number of at most 16 digits on either side of the point.
fn short(negative: bool, whole: u64, (scale, fraction): (usize, u64), out: &mut Vec<u8>) -> Option<()> {
    const SIDE: usize = SHORT / GROUP;
    const BASE: u64 = POWERS[GROUP];
    let mut groups = [0u16; 2 * SIDE];
    let (before, behind) = groups.split_at_mut(SIDE);
    for (side, mut value) in [(before, whole), (behind, fraction * POWERS[SHORT - scale])] {
        for group in side.iter_mut().rev() {
            *group = (value % BASE) as u16;
            value /= BASE;
        }
    }
    let first = groups.iter().position(|&group| group != 0);
    let Some(first) = first else {
        return zero(negative, scale, out);
    };
    let last = groups.iter().rposition(|&group| group != 0)?;
    let mut field = [0; 4 + 8 + 2 * (2 * SIDE)];
    let length = 8 + 2 * (last + 1 - first);
    let sign = if negative { NEGATIVE } else { POSITIVE };
    field[..4].copy_from_slice(&(length as u32).to_be_bytes());
    field[4..12].copy_from_slice(&head(
        last + 1 - first,
        SIDE as i16 - 1 - first as i16,
        sign,
        scale,
    )?);
    for (to, group) in field[12..].chunks_exact_mut(2).zip(&groups[first..=last]) {
        to.copy_from_slice(&group.to_be_bytes());
    }
    out.extend_from_slice(&field[..4 + length]);
    Some(())
}

/// Zero, which has no sign.
fn zero(negative: bool, scale: usize, out: &mut Vec<u8>) -> Option<()> {
    super::put(head(0, 0, POSITIVE, scale)?, out);
    (!negative).then_some(())
}

/// A number of any length.
fn long(text: &mut &[u8], out: &mut Vec<u8>) -> Option<()> {
    let run = |text: &[u8]| (0..).take_while(|&at| is_digit(text, at)).count();
    let (negative, unsigned) = sign(text);
    let (whole, mut rest) = unsigned.split_at(run(unsigned));
    let mut fraction: &[u8] = &[];
    if let [b'.', behind @ ..] = rest {
        (fraction, rest) = behind.split_at(run(behind));
    }
    let scale = fraction.len();
    if has_leading_zero(whole, whole.len()) || whole.len() > MAX_WHOLE || scale > MAX_SCALE {
        return None;
    }
    // The point stands between two groups.
    let (start, whole_groups) = whole.split_at(whole.len() % GROUP);
    let value = |digits: &[u8]| {
        digits
            .iter()
            .fold(0, |value, digit| value * 10 + u16::from(digit - b'0'))
    };
    let groups = || {
        let begun = (!start.is_empty()).then_some(start);
        let behind = fraction.chunks(GROUP);
        let behind = behind.map(|digits| value(digits) * POWERS[GROUP - digits.len()] as u16);
        begun
            .into_iter()
            .chain(whole_groups.chunks(GROUP))
            .map(value)
            .chain(behind)
    };
    *text = rest;
    let Some(first) = groups().position(|group| group != 0) else {
        return zero(negative, scale, out);
    };
    let last = groups().enumerate().filter(|&(_, group)| group != 0).last()?.0;
    let weight = i16::try_from(whole.len().div_ceil(GROUP) as i64 - 1 - first as i64).ok()?;
    let sign = if negative { NEGATIVE } else { POSITIVE };
    let field = open(out);
    out.extend_from_slice(&head(last + 1 - first, weight, sign, scale)?);
    out.extend(
        groups()
            .skip(first)
            .take(last + 1 - first)
            .flat_map(u16::to_be_bytes),
    );
    close(field, out)
}

/// What is no number.
fn special(text: &mut &[u8], out: &mut Vec<u8>) -> Option<()> {
    // The scale means nothing, but it is what a server sends.
    let words: [(&[u8], u16, usize); 3] = [
        (b"NaN", NAN, 0),
        (b"Infinity", INFINITY, 32),
        (b"-Infinity", NEGATIVE_INFINITY, 32),
    ];
    let (rest, sign, scale) = words
        .iter()
        .find_map(|&(word, sign, scale)| Some((text.strip_prefix(word)?, sign, scale)))?;
    *text = rest;
    super::put(head(0, 0, sign, scale)?, out);
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The sign, weight, scale and groups.
    type Parts = (u16, i16, u16, Vec<u16>);

    fn by(put: fn(&mut &[u8], &mut Vec<u8>) -> Option<()>, value: &str) -> Option<Parts> {
        let line = format!("{value}\t1\n");
        let (mut text, mut out) = (line.as_bytes(), Vec::new());
        put(&mut text, &mut out)?;
        (text == b"\t1\n").then_some(())?;
        let (length, out) = out.split_first_chunk().unwrap();
        assert_eq!(u32::from_be_bytes(*length) as usize, out.len());
        let words: Vec<_> = out.chunks(2).map(|w| u16::from_be_bytes([w[0], w[1]])).collect();
        let (head, groups) = words.split_at(4);
        assert_eq!(usize::from(head[0]), groups.len());
        Some((head[2], head[1] as i16, head[3], groups.to_vec()))
    }

    #[test]
    fn groups_weight_and_scale_are_the_servers() {
        for (text, want) in [
            ("0", (POSITIVE, 0, 0, vec![])),
            ("0.000", (POSITIVE, 0, 3, vec![])),
            ("1", (POSITIVE, 0, 0, vec![1])),
            ("1.50", (POSITIVE, 0, 2, vec![1, 5000])),
            ("-12345.6789", (NEGATIVE, 1, 4, vec![1, 2345, 6789])),
            ("10000", (POSITIVE, 1, 0, vec![1])),
            ("0.0001", (POSITIVE, -1, 4, vec![1])),
            ("0.00001", (POSITIVE, -2, 5, vec![1000])),
            ("100000000.00000001", (POSITIVE, 2, 8, vec![1, 0, 0, 0, 1])),
            ("NaN", (NAN, 0, 0, vec![])),
            ("Infinity", (INFINITY, 0, 32, vec![])),
            ("-Infinity", (NEGATIVE_INFINITY, 0, 32, vec![])),
            (
                "12345678901234567.1",
                (POSITIVE, 4, 1, vec![1, 2345, 6789, 123, 4567, 1000]),
            ),
            ("0.00000000000000000000012", (POSITIVE, -6, 23, vec![120])),
        ] {
            assert_eq!(by(numeric, text), Some(want), "{text}");
        }
        for wrong in [
            "",
            "-",
            "-0",
            "-0.00",
            "00",
            "01.5",
            ".5",
            "5.",
            "+1",
            "1e5",
            "1.5e3",
            "nan",
            "-NaN",
            "Inf",
            "1_000",
            "0x1",
            "1..2",
            "00000000000000000000",
            "-0.00000000000000000000",
            "1.-5",
        ] {
            assert_eq!(by(numeric, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_longest_numbers_are_taken_and_longer_ones_are_not() {
        let (whole, fraction) = ("9".repeat(131_072), "9".repeat(16_383));
        let (_, weight, scale, groups) = by(numeric, &format!("-{whole}.{fraction}")).unwrap();
        assert_eq!((weight, scale, groups.len()), (32_767, 16_383, 36_864));
        assert_eq!(groups[36_863], 9990);
        let smallest = format!("0.{}1", "0".repeat(16_382));
        assert_eq!(by(numeric, &smallest), Some((POSITIVE, -4096, 16_383, vec![10])));
        assert_eq!(by(numeric, &format!("{whole}9")), None);
        assert_eq!(by(numeric, &format!("0.{fraction}9")), None);
    }

    proptest! {
        #[test]
        fn short_and_long_numbers_are_made_alike(text in "-?(0|[1-9][0-9]{0,15}|[1-9]0{0,15})(\\.[0-9]{1,16}|\\.0{0,15}[0-9])?") {
            prop_assert_eq!(by(numeric, &text), by(long, &text));
        }
    }
}
