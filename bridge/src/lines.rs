//! Lines out of a stream that may be hostile: bounded, and never an allocation beyond the bound.

use std::io::{self, BufRead};

/// One step of [`read_line`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A whole line, without its line feed and without a carriage return before it.
    Whole(Vec<u8>),
    /// The stream ended; what stood after the last line feed, possibly nothing.
    End(Vec<u8>),
    /// The limit passed without a line feed. The stream is not usable after this.
    TooLong,
}

/// Reads up to the next line feed.
///
/// # Arguments
///
/// * `limit_bytes` — longest line accepted, without its line end.
///
/// # Errors
///
/// Whatever the stream reports, except interruptions, which are retried.
pub(crate) fn read_line(stream: &mut impl BufRead, limit_bytes: usize) -> io::Result<Line> {
    let mut line = Vec::new();
    loop {
        let buffer = match stream.fill_buf() {
            Ok(buffer) => buffer,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if buffer.is_empty() {
            return Ok(Line::End(line));
        }
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        // One byte of grace for the carriage return, which does not count.
        if line.len() + part.len() > limit_bytes + 1 {
            return Ok(Line::TooLong);
        }
        line.extend_from_slice(part);
        let used = part.len() + usize::from(end.is_some());
        stream.consume(used);
        if end.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(if line.len() > limit_bytes {
                Line::TooLong
            } else {
                Line::Whole(line)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::prelude::*;

    use super::*;

    fn check(input: &[u8], limit_bytes: usize, expect: &[Line]) {
        let mut stream = BufReader::with_capacity(3, input);
        for want in expect {
            let got = read_line(&mut stream, limit_bytes).expect("a slice cannot fail");
            assert_eq!(&got, want, "input {input:?}");
        }
    }

    #[test]
    fn lines_when_ends_differ_then_only_line_feed_counts() {
        let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
        check(
            b"a\nbc\r\n\nrest",
            8,
            &[
                whole("a"),
                whole("bc"),
                whole(""),
                Line::End(b"rest".into()),
            ],
        );
        check(b"", 8, &[Line::End(Vec::new())]);
        check(b"a\rb\n", 8, &[whole("a\rb")]);
    }

    #[test]
    fn line_when_at_the_limit_then_whole_and_one_more_is_too_long() {
        check(b"12345678\n", 8, &[Line::Whole(b"12345678".into())]);
        check(b"12345678\r\n", 8, &[Line::Whole(b"12345678".into())]);
        check(b"123456789\n", 8, &[Line::TooLong]);
        check(b"1234567890123456", 8, &[Line::TooLong]);
    }

    proptest! {
        #[test]
        fn any_bytes_when_read_then_joined_lines_are_the_input(
            input in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'a'), any::<u8>()], 0..200),
            capacity in 1usize..40,
        ) {
            prop_assume!(!input.windows(2).any(|pair| pair == b"\r\n"));
            let mut stream = BufReader::with_capacity(capacity, input.as_slice());
            let mut joined = Vec::new();
            loop {
                match read_line(&mut stream, 1000).expect("a slice cannot fail") {
                    Line::Whole(line) => {
                        joined.extend_from_slice(&line);
                        joined.push(b'\n');
                    }
                    Line::End(rest) => {
                        joined.extend_from_slice(&rest);
                        break;
                    }
                    Line::TooLong => prop_assert!(false, "no line is that long"),
                }
            }
            prop_assert_eq!(joined, input);
        }
    }
}
