//! The "relaxed" forms of headers and bodies (RFC 6376 sections 3.4.2 and 3.4.4): what gateways do to white space does
//! not break a signature.

/// A header as it stands in the message: its name and its value, which may go over several lines.
pub(super) struct Field<'x> {
    name: &'x str,
    value: &'x str,
}

impl Field<'_> {
    /// Whether it has this name, in whatever case.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Its relaxed form, without a line end.
    pub fn relaxed(&self) -> String {
        let value: Vec<&str> =
            self.value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).collect();
        format!("{}:{}", self.name.to_ascii_lowercase(), value.join(" "))
    }
}

/// The headers of a header section, from the top. What is no header, or not ASCII, which no letter of ours has, is left
/// out.
pub(super) fn fields(head: &[u8]) -> Vec<Field<'_>> {
    let head = std::str::from_utf8(head).unwrap_or_default();
    let mut fields = Vec::new();
    let mut rest = head;
    while !rest.is_empty() {
        let end = end_of_field(rest);
        let (field, tail) = rest.split_at(end);
        if let Some((name, value)) = field.split_once(':') {
            fields.push(Field { name: name.trim_end(), value });
        }
        rest = tail;
    }
    fields
}

/// Where the first header ends: at the first line end that no white space follows.
fn end_of_field(text: &str) -> usize {
    text.match_indices("\r\n")
        .map(|(place, line_end)| place + line_end.len())
        .find(|&after| !text[after..].starts_with([' ', '\t']))
        .unwrap_or(text.len())
}

/// The relaxed form of a body: white space within lines becomes one space, at their ends it goes, and so do empty lines
/// at the end.
pub(super) fn body(body: &[u8]) -> Vec<u8> {
    let mut relaxed = Vec::with_capacity(body.len());
    let mut empty_lines = 0;
    let mut rest = body;
    while !rest.is_empty() {
        let end = rest.windows(2).position(|pair| pair == b"\r\n");
        let (line, tail) = match end {
            Some(end) => (&rest[..end], &rest[end + 2..]),
            None => (rest, &[][..]),
        };
        let line = relaxed_line(line);
        if line.is_empty() {
            empty_lines += 1;
        } else {
            relaxed.extend(b"\r\n".repeat(empty_lines));
            empty_lines = 0;
            relaxed.extend(line);
            relaxed.extend(b"\r\n");
        }
        rest = tail;
    }
    relaxed
}

fn relaxed_line(line: &[u8]) -> Vec<u8> {
    let mut relaxed = Vec::with_capacity(line.len());
    let mut gap = false;
    for &byte in line {
        if matches!(byte, b' ' | b'\t') {
            gap = true;
        } else {
            if gap {
                relaxed.push(b' ');
            }
            gap = false;
            relaxed.push(byte);
        }
    }
    relaxed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 6376 section 3.4.5.
    #[test]
    fn the_example_of_the_standard_comes_out_as_it_says() {
        let found: Vec<String> = fields(b"A: X\r\nB : Y\t\r\n\tZ  \r\n").iter().map(Field::relaxed).collect();
        assert_eq!(found, ["a:X", "b:Y Z"]);
        assert_eq!(body(b" C \r\nD \t E\r\n\r\n\r\n"), b" C\r\nD E\r\n");
    }

    #[test]
    fn bodies_end_in_one_line_end_or_are_empty() {
        let rows: [(&[u8], &[u8]); 6] = [
            (b"", b""),
            (b"\r\n\r\n", b""),
            (b" \t\r\n", b""),
            (b"a", b"a\r\n"),
            (b"a\r\n\r\nb\r\n\r\n", b"a\r\n\r\nb\r\n"),
            (b"\r\n.\r\n..a  \r\n", b"\r\n.\r\n..a\r\n"),
        ];
        for (given, relaxed) in rows {
            assert_eq!(body(given), relaxed, "{}", String::from_utf8_lossy(given));
        }
    }
}
