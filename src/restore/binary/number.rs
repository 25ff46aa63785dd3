//! Flags, whole numbers and floating point.

use super::put;

/// Powers of ten, as far as 64 bits hold them.
pub(super) const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut n = 1;
    while n < powers.len() {
        powers[n] = powers[n - 1] * 10;
        n += 1;
    }
    powers
};

/// How many of the next eight bytes are digits up to the first that is none, and the number they are.
///
/// All eight are looked at in one word, as [Lemire](https://lemire.me/blog/2022/01/21/swar-explained-parsing-eight-digits/)
/// does it.
#[inline]
fn up_to_eight(text: &[u8]) -> (usize, u64) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let word = match text.first_chunk() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => {
            let mut eight = [0; 8];
            eight[..text.len()].copy_from_slice(text);
            u64::from_le_bytes(eight)
        }
    };
    let digits = word ^ (EACH * u64::from(b'0'));
    // A carry spoils only bytes behind one that is no digit itself.
    let others = (digits.wrapping_add(EACH * (0x80 - 10)) | digits) & (EACH * 0x80);
    let length = others.trailing_zeros() as usize / 8;
    if length == 0 {
        return (0, 0);
    }
    // Leading zeros in place of what is no digit.
    let eight = digits << (64 - 8 * length);
    let pairs = (eight.wrapping_mul(10) + (eight >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    (length, (fours.wrapping_mul(10_000) + (fours >> 32)) & 0xffff_ffff)
}

/// The digits at the head of the text, up to 19 of them: how many, and the number they are.
#[inline]
pub(super) fn digits(text: &[u8]) -> (usize, u64) {
    let (mut length, mut value) = up_to_eight(text);
    if length < 8 {
        return (length, value);
    }
    let (more, next) = up_to_eight(&text[8..]);
    length += more;
    value = value * POWERS[more] + next;
    if more < 8 {
        return (length, value);
    }
    let (more, next) = up_to_eight(&text[16..text.len().min(19)]);
    (length + more, value * POWERS[more] + next)
}

/// Whether the text has a digit there.
#[inline]
pub(super) fn is_digit(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(u8::is_ascii_digit)
}

/// Whether the digits have zeros in front that nobody writes.
#[inline]
pub(super) fn has_leading_zero(digits: &[u8], length: usize) -> bool {
    length > 1 && digits[0] == b'0'
}

/// The sign at the head of the text, and what is behind it.
#[inline]
pub(super) fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    }
}

pub(super) fn bool(text: &mut &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (value, rest) = match *text {
        [b't', rest @ ..] => (1, rest),
        [b'f', rest @ ..] => (0, rest),
        _ => return None,
    };
    *text = rest;
    put([value], out);
    Some(())
}

#[inline]
fn int(text: &mut &[u8]) -> Option<i64> {
    let (negative, unsigned) = sign(text);
    let (length, value) = digits(unsigned);
    if length == 0 || has_leading_zero(unsigned, length) || (negative && value == 0) {
        return None;
    }
    *text = &unsigned[length..];
    match negative {
        true => 0i64.checked_sub_unsigned(value),
        false => i64::try_from(value).ok(),
    }
}

pub(super) fn int2(text: &mut &[u8], out: &mut Vec<u8>) -> Option<()> {
    let value = i16::try_from(int(text)?).ok()?;
    put(value.to_be_bytes(), out);
    Some(())
}

pub(super) fn int4(text: &mut &[u8], out: &mut Vec<u8>) -> Option<()> {
    let value = i32::try_from(int(text)?).ok()?;
    put(value.to_be_bytes(), out);
    Some(())
}

pub(super) fn int8(text: &mut &[u8], out: &mut Vec<u8>) -> Option<()> {
    put(int(text)?.to_be_bytes(), out);
    Some(())
}

/// A number in decimal, as far as its form tells: `-1.25e-07`.
struct Decimal<'a> {
    text: &'a str,
    negative: bool,
    /// The digits without the point and how many stand behind it, where they are at most 15 and there is no exponent.
    short: Option<(u64, usize)>,
}

impl Decimal<'_> {
    /// Whether it is zero, not only so small that it is rounded to it.
    fn is_zero(&self) -> bool {
        let mut digits = self.text.bytes().take_while(|&b| b != b'e');
        !digits.any(|b| matches!(b, b'1'..=b'9'))
    }
}

/// Takes a number in decimal from the head of the text.
#[inline]
fn decimal<'a>(text: &mut &'a [u8]) -> Option<Decimal<'a>> {
    let whole = *text;
    let (negative, unsigned) = sign(whole);
    let (mut before, value) = digits(unsigned);
    if before == 0 || has_leading_zero(unsigned, before) {
        return None;
    }
    while is_digit(unsigned, before) {
        before += 1;
    }
    let (mut behind, mut fraction) = (0, 0);
    let mut rest = &unsigned[before..];
    if let [b'.', digits_ @ ..] = rest {
        (behind, fraction) = digits(digits_);
        if behind == 0 {
            return None;
        }
        while is_digit(digits_, behind) {
            behind += 1;
        }
        rest = &digits_[behind..];
    }
    let mut short = (before + behind <= 15).then(|| (value * POWERS[behind] + fraction, behind));
    if let [b'e', b'-' | b'+', digits_ @ ..] = rest {
        let (length, _) = digits(digits_);
        if !(2..=3).contains(&length) {
            return None;
        }
        short = None;
        rest = &digits_[length..];
    }
    let (number, rest) = whole.split_at(whole.len() - rest.len());
    *text = rest;
    Some(Decimal {
        text: std::str::from_utf8(number).ok()?,
        negative,
        short,
    })
}

/// The words for what is no number, with what comes behind them.
#[inline]
fn special(text: &[u8]) -> Option<(f64, &[u8])> {
    match text {
        [b'N', b'a', b'N', rest @ ..] => Some((f64::NAN, rest)),
        [b'I', ..] => Some((f64::INFINITY, text.strip_prefix(b"Infinity")?)),
        [b'-', b'I', ..] => Some((f64::NEG_INFINITY, text.strip_prefix(b"-Infinity")?)),
        _ => None,
    }
}

pub(super) fn float8(text: &mut &[u8], out: &mut Vec<u8>) -> Option<()> {
    if let Some((value, rest)) = special(text) {
        *text = rest;
        put(value.to_be_bytes(), out);
        return Some(());
    }
    let decimal = decimal(text)?;
    let value = match decimal.short {
        // Both are exact, so their quotient is rounded once.
        Some((digits, behind)) => {
            let value = digits as f64 / POWERS[behind] as f64;
            if decimal.negative { -value } else { value }
        }
        None => decimal.text.parse::<f64>().ok()?,
    };
    // The server refuses what is too large or too small.
    let fits = value.is_finite() && (value != 0.0 || decimal.is_zero());
    put(value.to_be_bytes(), out);
    fits.then_some(())
}

pub(super) fn float4(text: &mut &[u8], out: &mut Vec<u8>) -> Option<()> {
    /// Whole numbers and powers of ten up to these are exact in 32 bits.
    const EXACT: (u64, usize) = (1 << 24, 10);
    if let Some((value, rest)) = special(text) {
        *text = rest;
        put((value as f32).to_be_bytes(), out);
        return Some(());
    }
    let decimal = decimal(text)?;
    let value = match decimal.short {
        Some((digits, behind)) if digits <= EXACT.0 && behind <= EXACT.1 => {
            let value = digits as f32 / POWERS[behind] as f32;
            if decimal.negative { -value } else { value }
        }
        _ => decimal.text.parse::<f32>().ok()?,
    };
    let fits = value.is_finite() && (value != 0.0 || decimal.is_zero());
    put(value.to_be_bytes(), out);
    fits.then_some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Put = fn(&mut &[u8], &mut Vec<u8>) -> Option<()>;

    fn converted(put: Put, value: &str) -> Option<Vec<u8>> {
        // What follows in a row must not be taken for a part of it.
        let line = format!("{value}\t12345678901234567890\n");
        let (mut text, mut out) = (line.as_bytes(), Vec::new());
        put(&mut text, &mut out)?;
        (text.len() == line.len() - value.len()).then(|| out.split_off(4))
    }

    #[test]
    fn whole_numbers_are_taken_as_far_as_their_type_goes() {
        for (put, lowest, highest) in [
            (int2 as Put, i64::from(i16::MIN), i64::from(i16::MAX)),
            (int4, i64::from(i32::MIN), i64::from(i32::MAX)),
            (int8, i64::MIN, i64::MAX),
        ] {
            let size = converted(put, "0").unwrap().len();
            for value in [lowest, lowest + 1, -10, -1, 0, 7, 99, highest - 1, highest] {
                let want = &value.to_be_bytes()[8 - size..];
                assert_eq!(
                    converted(put, &value.to_string()).as_deref(),
                    Some(want),
                    "{value}"
                );
            }
            for value in [i128::from(lowest) - 1, i128::from(highest) + 1] {
                assert_eq!(converted(put, &value.to_string()), None, "{value}");
            }
            for wrong in [
                "",
                "-",
                "-0",
                "00",
                "01",
                "+1",
                "1.0",
                "1e3",
                "0x1",
                "1_0",
                "٣",
                "99999999999999999999",
            ] {
                assert_eq!(converted(put, wrong), None, "{wrong}");
            }
        }
    }

    #[test]
    fn flags_have_one_letter() {
        assert_eq!(converted(bool, "t"), Some(vec![1]));
        assert_eq!(converted(bool, "f"), Some(vec![0]));
        for wrong in ["", "true", "T", "1", "y"] {
            assert_eq!(converted(bool, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn odd_floats_and_those_out_of_range_are_left_to_the_server() {
        for put in [float4 as Put, float8] {
            for wrong in [
                "", "-", ".5", "5.", "+1", "01", "1e5", "1e+", "1e+1", "1e+1234", "1E+05", "nan", "inf",
                "-NaN", "Infinit", "infinity", "1e+999", "1e-999", "-1e-999", "1.e+10", "0x1p3",
            ] {
                assert_eq!(converted(put, wrong), None, "{wrong}");
            }
        }
        assert_eq!(converted(float4, "1e+39"), None);
        assert_eq!(converted(float4, "1e-46"), None);
        let of = |text: &str| converted(float8, text).map(|b| f64::from_be_bytes(b.try_into().unwrap()));
        for value in [
            0.0,
            -0.0,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            f64::INFINITY,
            -1e22,
            1e-7,
        ] {
            let text = match value {
                f64::INFINITY => "Infinity".to_string(),
                _ => value.to_string(),
            };
            assert_eq!(of(&text).map(f64::to_bits), Some(value.to_bits()), "{text}");
        }
        assert_eq!(of("NaN").unwrap().to_bits(), 0x7ff8_0000_0000_0000);
        assert_eq!(of("-Infinity"), Some(f64::NEG_INFINITY));
        assert_eq!(of("1e+22"), Some(1e22));
        assert_eq!(converted(float4, "NaN"), Some(vec![0x7f, 0xc0, 0, 0]));
    }

    proptest! {
        #[test]
        fn digits_are_read_up_to_the_first_other_byte(number in "[0-9]{0,19}", rest in "[^0-9]?[\u{0}-\u{ff}]{0,20}") {
            let text = format!("{number}{rest}");
            let length = text.bytes().take(19).take_while(u8::is_ascii_digit).count();
            let value = text[..length].parse().unwrap_or(0);
            prop_assert_eq!(digits(text.as_bytes()), (length, value));
        }

        #[test]
        fn floats_are_rounded_as_their_shortest_text_says(bits: u64, digits in 0u64..1_000_000_000_000_000, behind in 0usize..16) {
            let short = format!("{}.{:0behind$}", digits / POWERS[behind], digits % POWERS[behind]);
            let short = if behind == 0 { digits.to_string() } else { short };
            for text in [f64::from_bits(bits).to_string(), short] {
                let finite = text.parse::<f64>().unwrap().is_finite();
                prop_assume!(finite);
                let want = text.parse::<f64>().unwrap().to_be_bytes();
                prop_assert_eq!(converted(float8, &text), Some(want.to_vec()), "{}", text);
            }
            let value = f32::from_bits(bits as u32);
            prop_assume!(value.is_finite());
            for text in [value.to_string(), format!("{:.3}", value)] {
                let want = text.parse::<f32>().unwrap().to_be_bytes();
                prop_assert_eq!(converted(float4, &text), Some(want.to_vec()), "{}", text);
            }
        }
    }
}
