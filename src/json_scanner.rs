//! JSON, piece by piece: checks a document's form, and gives its tokens.

use std::fmt;

/// Why a text is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    reason: &'static str,
    line: usize,
    column: usize,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} at line {} column {}",
            self.reason, self.line, self.column
        )
    }
}

/// A piece of a document.
pub(crate) enum Token<'a> {
    List,
    Object,
    /// The end of the innermost list or object.
    End,
    /// The name of the value that comes next, as it is written between its quotes.
    Name(&'a str),
    Text(&'a str),
    Number(&'a str),
    Word(Option<bool>),
}

/// Gives all tokens of a document, in order.
pub(crate) fn scan(text: &str, take: Take<'_>) -> Result<(), Unreadable> {
    let mut scanner = Scanner { text, at: 0 };
    scanner.scan(take).map_err(|reason| {
        let before = text.as_bytes().get(..scanner.at).unwrap_or_default();
        let lines = || before.split(|byte| *byte == b'\n');
        Unreadable {
            reason,
            line: lines().count(),
            column: lines().last().map_or(0, <[u8]>::len),
        }
    })
}

/// Takes a token, or says why not.
pub(crate) type Take<'a> = &'a mut dyn FnMut(Token<'_>) -> Result<(), &'static str>;

struct Scanner<'a> {
    text: &'a str,
    /// The byte that comes next.
    at: usize,
}

impl<'a> Scanner<'a> {
    fn scan(&mut self, take: Take<'_>) -> Result<(), &'static str> {
        // What ends the lists and objects that are open, the innermost last.
        let mut ends = Vec::new();
        loop {
            match self.next_visible() {
                Some(b'[') => {
                    take(Token::List)?;
                    ends.push(b']');
                    if !self.is_next(b']') {
                        continue;
                    }
                }
                Some(b'{') => {
                    take(Token::Object)?;
                    ends.push(b'}');
                    if !self.is_next(b'}') {
                        self.name(take)?;
                        continue;
                    }
                }
                Some(b'"') => take(Token::Text(self.string()?))?,
                Some(first @ (b'-' | b'0'..=b'9')) => take(Token::Number(self.number(first)?))?,
                Some(b't') => self.word("rue", Some(true), take)?,
                Some(b'f') => self.word("alse", Some(false), take)?,
                Some(b'n') => self.word("ull", None, take)?,
                _ => return Err("expected a value"),
            }
            // Behind a value.
            loop {
                match (ends.last(), self.next_visible()) {
                    (None, None) => return Ok(()),
                    (None, Some(_)) => return Err("expected the end"),
                    (Some(end), Some(byte)) if *end == byte => {
                        take(Token::End)?;
                        ends.pop();
                    }
                    (Some(b']'), Some(b',')) => break,
                    (Some(_), Some(b',')) => {
                        self.name(take)?;
                        break;
                    }
                    (Some(b']'), _) => return Err("expected `,` or `]`"),
                    (Some(_), _) => return Err("expected `,` or `}`"),
                }
            }
        }
    }

    /// A member's name, and the colon.
    fn name(&mut self, take: Take<'_>) -> Result<(), &'static str> {
        if self.next_visible() != Some(b'"') {
            return Err("expected a name in double quotes");
        }
        take(Token::Name(self.string()?))?;
        match self.next_visible() {
            Some(b':') => Ok(()),
            _ => Err("expected `:`"),
        }
    }

    fn word(&mut self, rest: &str, word: Option<bool>, take: Take<'_>) -> Result<(), &'static str> {
        for byte in rest.bytes() {
            if self.next() != Some(byte) {
                return Err("expected a value");
            }
        }
        take(Token::Word(word))
    }

    /// What stands between double quotes, behind the first of them.
    fn string(&mut self) -> Result<&'a str, &'static str> {
        let start = self.at;
        loop {
            match self.next() {
                Some(b'"') => return Ok(self.text.get(start..self.at - 1).unwrap_or_default()),
                Some(b'\\') => self.escape()?,
                Some(0..0x20) => return Err("a control character in a string"),
                Some(_) => {}
                None => return Err("a string without an end"),
            }
        }
    }

    fn escape(&mut self) -> Result<(), &'static str> {
        let digits = match self.next() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 0,
            Some(b'u') => 4,
            _ => return Err("an unknown escape"),
        };
        for _ in 0..digits {
            if !self.next().is_some_and(|byte| byte.is_ascii_hexdigit()) {
                return Err("an unknown escape");
            }
        }
        Ok(())
    }

    /// A number, of which this is the first character.
    fn number(&mut self, first: u8) -> Result<&'a str, &'static str> {
        let start = self.at - 1;
        let first = match first {
            b'-' => self.next(),
            digit => Some(digit),
        };
        match first {
            Some(b'0') => {}
            Some(b'1'..=b'9') => {
                self.digits();
            }
            _ => return Err("not a number"),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    fn some_digits(&mut self) -> Result<(), &'static str> {
        match self.digits() {
            0 => Err("not a number"),
            _ => Ok(()),
        }
    }

    /// Passes digits by; tells how many.
    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - start
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// The next byte that is no space.
    fn next_visible(&mut self) -> Option<u8> {
        loop {
            let byte = self.next()?;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
        }
    }

    /// Whether this is the next byte that is no space. It is not taken.
    fn is_next(&self, byte: u8) -> bool {
        let mut ahead = Scanner { ..*self };
        ahead.next_visible() == Some(byte)
    }
}
