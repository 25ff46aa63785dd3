//! Dates and times, in ISO form, of the common era: days or microseconds since the beginning of the year 2000.

use super::number::{POWERS, digits};
use super::put;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// The last years that the types know: 5874897 in [`date`], 294276 in [`timestamp`].
const LAST_YEAR: [i64; 2] = [5_874_897, 294_276];

/// Days from the first of March of the year 0 to the beginning of 2000.
const EPOCH: i64 = 730_425;

#[inline]
pub(super) fn date(text: &mut &[u8], out: &mut Vec<u8>) -> Option<()> {
    let days = match *text {
        [b'i' | b'-', ..] => infinity(text, i32::MIN, i32::MAX)?,
        _ => i32::try_from(days(text, LAST_YEAR[0])?).ok()?,
    };
    put(days.to_be_bytes(), out);
    Some(())
}

/// Without a time zone, or with UTC.
#[inline]
pub(super) fn timestamp(text: &mut &[u8], in_utc: bool, out: &mut Vec<u8>) -> Option<()> {
    let microseconds = match *text {
        [b'i' | b'-', ..] => infinity(text, i64::MIN, i64::MAX)?,
        _ => {
            let days = days(text, LAST_YEAR[1])?;
            *text = text.strip_prefix(b" ")?;
            let time = time(text)?;
            if in_utc {
                *text = text.strip_prefix(b"+00")?;
            }
            days * DAY + time
        }
    };
    put(microseconds.to_be_bytes(), out);
    Some(())
}

fn infinity<T>(text: &mut &[u8], lowest: T, highest: T) -> Option<T> {
    let (value, rest) = match text.strip_prefix(b"-") {
        Some(rest) => (lowest, rest),
        None => (highest, *text),
    };
    *text = rest.strip_prefix(b"infinity")?;
    Some(value)
}

/// A number of two digits; over 99 if they are none.
#[inline]
fn two(tens: u8, ones: u8) -> i64 {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    match tens < 10 && ones < 10 {
        true => i64::from(tens * 10 + ones),
        false => i64::MAX,
    }
}

/// `2024-02-29`, as days since the beginning of 2000.
#[inline]
fn days(text: &mut &[u8], last_year: i64) -> Option<i64> {
    let (length, year) = digits(text);
    let year = i64::try_from(year).ok()?;
    // Years are filled up with zeros to four digits.
    if length < 4 || (length > 4 && text[0] == b'0') || year < 1 || year > last_year {
        return None;
    }
    let (&[b'-', m, m_, b'-', d, d_], rest) = text[length..].split_first_chunk()? else {
        return None;
    };
    let (month, day) = (two(m, m_), two(d, d_));
    if !(1..=12).contains(&month) || day < 1 || day > days_of_month(year, month) {
        return None;
    }
    *text = rest;
    // Years that begin in March: the day that not all of them have is the last one.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    Some(year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - EPOCH)
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let is_leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap_year => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `23:59:59.999`, in microseconds.
#[inline]
fn time(text: &mut &[u8]) -> Option<i64> {
    let (&[h, h_, b':', m, m_, b':', s, s_], rest) = text.split_first_chunk()? else {
        return None;
    };
    let (hour, minute, second) = (two(h, h_), two(m, m_), two(s, s_));
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut time = ((hour * 60 + minute) * 60 + second) * 1_000_000;
    *text = rest;
    if let [b'.', fraction @ ..] = rest {
        let (length, value) = digits(fraction);
        // Zeros at the end are not written.
        if !(1..=6).contains(&length) || value % 10 == 0 {
            return None;
        }
        time += i64::try_from(value * POWERS[6 - length]).ok()?;
        *text = &fraction[length..];
    }
    Some(time)
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, Days, NaiveDate};

    use super::*;

    type Put = fn(&mut &[u8], &mut Vec<u8>) -> Option<()>;

    const PLAIN: Put = |text, out| timestamp(text, false, out);
    const ZONED: Put = |text, out| timestamp(text, true, out);

    fn converted(put: Put, value: &str) -> Option<i64> {
        let line = format!("{value}\t1\n");
        let (mut text, mut out) = (line.as_bytes(), Vec::new());
        put(&mut text, &mut out)?;
        (text == b"\t1\n").then_some(())?;
        Some(match out.len() {
            8 => i64::from(i32::from_be_bytes(out[4..].try_into().unwrap())),
            _ => i64::from_be_bytes(out[4..].try_into().unwrap()),
        })
    }

    #[test]
    fn every_day_of_ten_thousand_years_is_one_more_than_the_day_before() {
        let epoch = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap();
        let mut day = NaiveDate::from_ymd_opt(1, 1, 1).unwrap();
        let mut number = (day - epoch).num_days();
        while day.year() < 10_000 {
            assert_eq!(converted(date, &day.to_string()), Some(number));
            day = day + Days::new(1);
            number += 1;
        }
        for (text, want) in [
            ("2000-01-01", 0),
            ("10000-01-01", number),
            ("5874897-12-31", 2_145_031_948),
            ("infinity", i64::from(i32::MAX)),
            ("-infinity", i64::from(i32::MIN)),
        ] {
            assert_eq!(converted(date, text), Some(want), "{text}");
        }
    }

    #[test]
    fn times_are_exact_to_the_microsecond() {
        for (text, want) in [
            ("2000-01-01 00:00:00", 0),
            ("1999-12-31 23:59:59.999999", -1),
            ("2000-01-01 00:00:00.5", 500_000),
            ("2000-01-02 03:04:05.000006", DAY + 11_045_000_006),
            ("294276-12-31 23:59:59.999999", 9_223_371_331_199_999_999),
            ("infinity", i64::MAX),
            ("-infinity", i64::MIN),
        ] {
            assert_eq!(converted(PLAIN, text), Some(want), "{text}");
            let zone = if text.contains('f') { "" } else { "+00" };
            assert_eq!(converted(ZONED, &format!("{text}{zone}")), Some(want), "{text}");
        }
    }

    #[test]
    fn what_no_server_writes_in_utc_is_left_to_it() {
        for wrong in [
            "",
            "2000-01-01",
            "2000-01-01T00:00:00",
            "2000-01-01 24:00:00",
            "2000-01-01 23:60:00",
            "2000-01-01 23:59:60",
            "2000-01-01 00:00:00.",
            "2000-01-01 00:00:00.50",
            "2000-01-01 00:00:00.0000001",
            "2000-01-01 00:00",
            "2000-01-01 0:00:00",
            "0000-01-01 00:00:00",
            "294277-01-01 00:00:00",
            "99999999999999999-01-01 00:00:00",
            "2000-02-30 00:00:00",
            "2001-02-29 00:00:00",
            "1900-02-29 00:00:00",
            "2000-13-01 00:00:00",
            "2000-00-01 00:00:00",
            "2000-01-00 00:00:00",
            "02000-01-01 00:00:00",
            "200-01-01 00:00:00",
            "0044-03-15 12:00:00 BC",
            "01/02/2000 00:00:00",
            "2000-01-01  00:00:00",
            "epoch",
            "now",
            "+infinity",
        ] {
            assert_eq!(converted(PLAIN, wrong), None, "{wrong}");
            assert_eq!(converted(ZONED, &format!("{wrong}+00")), None, "{wrong}");
        }
        for wrong in ["", "+01", "+00:30", "-00", " UTC", "Z", "+0"] {
            let text = format!("2000-01-01 00:00:00{wrong}");
            assert_eq!(converted(ZONED, &text), None, "{text}");
        }
        assert_eq!(converted(PLAIN, "2000-01-01 00:00:00+00"), None);
        for wrong in [
            "0044-03-15 BC",
            "5874898-01-01",
            "2000-01-01 00:00:00",
            "0000-12-31",
        ] {
            assert_eq!(converted(date, wrong), None, "{wrong}");
        }
    }
}
