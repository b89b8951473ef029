//! Characters into tokens.
//!
//! **Invariant:** the spans of the tokens, trivia included, cover the source without a gap or an
//! overlap, whatever the source is. What is no token of the language becomes an
//! [`TokenKind::Unknown`] and a diagnostic, and lexing goes on.
//!
//! Source: IEC 61131-3:2013, 6.1 to 6.3 (character set, comments, pragmas, literals).

use crate::diagnostic::{Sink, Span};
use crate::literal;
use crate::problems;

macro_rules! keywords {
    ($($variant:ident $text:literal)*) => {
        /// A reserved word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Keyword { $($variant),* }

        impl Keyword {
            const ALL: &[(Keyword, &str)] = &[$((Keyword::$variant, $text)),*];

            pub(crate) fn text(self) -> &'static str {
                match self { $(Keyword::$variant => $text),* }
            }
        }
    };
}

keywords! {
    And "AND" Array "ARRAY" At "AT" By "BY" Case "CASE" Configuration "CONFIGURATION"
    Constant "CONSTANT" Continue "CONTINUE" Do "DO" Else "ELSE" Elsif "ELSIF" EndAction "END_ACTION"
    EndCase "END_CASE"
    EndConfiguration "END_CONFIGURATION" EndFor "END_FOR" EndFunction "END_FUNCTION"
    EndFunctionBlock "END_FUNCTION_BLOCK" EndIf "END_IF" EndProgram "END_PROGRAM"
    EndRepeat "END_REPEAT" EndStep "END_STEP" EndStruct "END_STRUCT"
    EndTransition "END_TRANSITION" EndType "END_TYPE" EndVar "END_VAR"
    EndWhile "END_WHILE" Exit "EXIT" False "FALSE" For "FOR" Function "FUNCTION"
    FunctionBlock "FUNCTION_BLOCK" If "IF" Mod "MOD" NonRetain "NON_RETAIN" Not "NOT" Of "OF"
    Or "OR" Program "PROGRAM" Repeat "REPEAT" Retain "RETAIN" Return "RETURN" Struct "STRUCT"
    Then "THEN" To "TO" True "TRUE" Type "TYPE" Until "UNTIL" Var "VAR" VarExternal "VAR_EXTERNAL"
    VarGlobal "VAR_GLOBAL" VarInOut "VAR_IN_OUT" VarInput "VAR_INPUT" VarOutput "VAR_OUTPUT"
    VarTemp "VAR_TEMP" While "WHILE" Xor "XOR"
}

impl Keyword {
    fn from_text(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, word)| word.eq_ignore_ascii_case(text))
            .map(|(word, _)| *word)
    }
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Blanks and line ends.
    Whitespace,
    /// `(* *)`, `/* */` or `//`.
    Comment,
    /// `{ }`.
    Pragma,
    Identifier,
    Keyword(Keyword),
    /// `10`, `1_000`, `16#FF`.
    Integer,
    /// `1.5`, `1.0E-3`.
    Real,
    /// `T#1m30s`.
    Duration,
    /// `D#2024-02-29`, `TOD#12:30:00`, `DT#2024-02-29-12:30:00`.
    Calendar,
    /// `INT#`, the beginning of a typed literal.
    TypePrefix,
    /// `%IX0.0`.
    Direct,
    /// `'text'` or `"text"`.
    Text,
    /// Operators and delimiters, by their spelling.
    Symbol(&'static str),
    /// What no rule knows; already reported.
    Unknown,
    /// Behind the last character.
    EndOfFile,
}

/// A token and its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
}

impl Token {
    /// Whether the parser skips the token.
    pub(crate) fn is_trivia(self) -> bool {
        use TokenKind::{Comment, Pragma, Unknown, Whitespace};
        matches!(self.kind, Whitespace | Comment | Pragma | Unknown)
    }
}

/// Longest first, so that `:=` is not read as `:`.
const SYMBOLS: [&str; 23] = [
    ":=", "=>", "<>", "<=", ">=", "**", "..", "(", ")", "[", "]", ",", ";", ":", ".", "+", "-",
    "*", "/", "=", "<", ">", "&",
];

/// Splits one file of the source into tokens and reports what is none.
pub(crate) fn lex(sink: &mut Sink<'_>, file: std::ops::Range<usize>) -> Vec<Token> {
    // What lies behind the file is of no interest, so that its end is the end of the source.
    let source = &sink.source()[..file.end];
    let mut lexer = Lexer {
        source,
        at: file.start,
        nesting: true,
        paired: true,
        sink,
    };
    let mut tokens = Vec::new();
    while lexer.at < source.len() {
        let start = lexer.at;
        let kind = lexer.next_kind();
        assert!(lexer.at > start, "a token has at least one byte");
        tokens.push(Token {
            kind,
            span: Span::new(start, lexer.at),
        });
    }
    tokens
}

struct Lexer<'a, 's> {
    source: &'s str,
    at: usize,
    /// Whether the comments of the file nest; known to be wrong once one is not closed as often as opened.
    nesting: bool,
    /// The same for the braces of pragmas. Both also keep the time within the length of the file.
    paired: bool,
    sink: &'a mut Sink<'s>,
}

impl Lexer<'_, '_> {
    fn rest(&self) -> &str {
        &self.source[self.at..]
    }

    /// The byte `ahead` of the current one; 0 behind the end.
    fn peek(&self, ahead: usize) -> u8 {
        self.source
            .as_bytes()
            .get(self.at + ahead)
            .copied()
            .unwrap_or(0)
    }

    fn skip_while(&mut self, keep: impl Fn(u8) -> bool) {
        let bytes = self.source.as_bytes();
        while bytes.get(self.at).is_some_and(|&byte| keep(byte)) {
            self.at += 1;
        }
    }

    fn report(&mut self, code: &'static str, start: usize, message: impl Into<String>) {
        self.sink.report(code, Span::new(start, self.at), message);
    }

    fn next_kind(&mut self) -> TokenKind {
        let first = self.peek(0);
        match first {
            b' ' | b'\t' | b'\r' | b'\n' | 0x0B | 0x0C => {
                self.skip_while(|byte| byte.is_ascii_whitespace() || byte == 0x0B);
                TokenKind::Whitespace
            }
            b'(' if self.peek(1) == b'*' => self.comment("(*", "*)"),
            b'/' if self.peek(1) == b'*' => self.comment("/*", "*/"),
            b'/' if self.peek(1) == b'/' => {
                self.skip_while(|byte| byte != b'\n');
                TokenKind::Comment
            }
            b'{' => self.pragma(),
            b'\'' | b'"' => self.text(first),
            b'%' => {
                self.at += 1;
                let first = self.at;
                self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
                // `%I*` is an address that is still to come; in `%IW1*2` the star multiplies.
                if self.at == first + 1 && self.peek(0) == b'*' {
                    self.at += 1;
                }
                TokenKind::Direct
            }
            b'0'..=b'9' => self.number(),
            b'A'..=b'Z' | b'a'..=b'z' | b'_' => self.word(),
            _ => self.symbol(),
        }
    }

    /// Comments nest (IEC 61131-3:2013, 6.1.5), unless the file shows that its own do not.
    fn comment(&mut self, open: &str, close: &str) -> TokenKind {
        let start = self.at;
        if !self.nesting {
            return self.flat_comment(start, close);
        }
        let mut depth = 0usize;
        while self.at < self.source.len() {
            // All delimiters are ASCII, so a byte comparison never cuts a character.
            let rest = &self.source.as_bytes()[self.at..];
            if rest.starts_with(open.as_bytes()) {
                depth += 1;
                self.at += 2;
            } else if rest.starts_with(close.as_bytes()) {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return TokenKind::Comment;
                }
            } else {
                self.at += 1;
            }
        }
        self.flat_comment(start, close)
    }

    /// A comment that ends with the first that closes, whatever opens in between.
    fn flat_comment(&mut self, start: usize, close: &str) -> TokenKind {
        let inside = start + 2;
        if let Some(len) = self.source[inside..].find(close) {
            self.at = inside + len + 2;
            if self.nesting {
                self.nesting = false;
                let span = Span::new(start, start + 2);
                let message = "from here on the comments of this file do not nest";
                self.sink
                    .warn(problems::COMMENTS_DO_NOT_NEST, span, message);
            }
            return TokenKind::Comment;
        }
        self.at = self.source.len();
        let span = Span::new(start, start + 2);
        self.sink
            .report(problems::UNTERMINATED, span, "this comment is never closed");
        TokenKind::Comment
    }

    /// A pragma may hold braces in pairs, such as the C code between `{{` and `}}` of MATIEC; where
    /// they are no pairs, it and all behind it end with the first brace that closes.
    fn pragma(&mut self) -> TokenKind {
        let start = self.at;
        let mut depth = 0usize;
        while self.paired && self.at < self.source.len() {
            match self.peek(0) {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            self.at += 1;
        }
        if depth > 0 || !self.paired {
            self.paired = false;
            self.at = start;
            self.skip_while(|byte| byte != b'}');
        }
        if self.at == self.source.len() {
            let span = Span::new(start, start + 1);
            self.sink
                .report(problems::UNTERMINATED, span, "this pragma is never closed");
        } else {
            self.at += 1;
            let code = self.source[start..self.at].strip_prefix("{{");
            if code.is_some_and(|code| !code.trim_end_matches('}').trim().is_empty()) {
                let span = Span::new(start, start + 2);
                let message = "C code between `{{` and `}}` is left out";
                self.sink.warn(problems::NATIVE_CODE, span, message);
            }
        }
        TokenKind::Pragma
    }

    fn text(&mut self, quote: u8) -> TokenKind {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek(0) {
                byte if byte == quote => {
                    self.at += 1;
                    return TokenKind::Text;
                }
                b'\n' | 0 => break,
                // `$'` is a quote inside the text, and `$$` no beginning of an escape.
                b'$' if self.peek(1) == quote || self.peek(1) == b'$' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.report(
            problems::UNTERMINATED,
            start,
            "this text is not closed on its line",
        );
        TokenKind::Text
    }

    fn number(&mut self) -> TokenKind {
        self.skip_while(|byte| byte.is_ascii_digit() || byte == b'_');
        if self.peek(0) == b'#' {
            self.at += 1;
            self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            return TokenKind::Integer;
        }
        let mut kind = TokenKind::Integer;
        // `1..5` is a range: a point begins a fraction only before a digit.
        if self.peek(0) == b'.' && self.peek(1).is_ascii_digit() {
            self.at += 1;
            self.skip_while(|byte| byte.is_ascii_digit() || byte == b'_');
            kind = TokenKind::Real;
        }
        let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
        if matches!(self.peek(0), b'e' | b'E') && self.peek(1 + sign).is_ascii_digit() {
            self.at += 1 + sign;
            self.skip_while(|byte| byte.is_ascii_digit() || byte == b'_');
            kind = TokenKind::Real;
        }
        if self.peek(0).is_ascii_alphabetic() {
            let start = self.at;
            self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            self.report(
                problems::BAD_LITERAL,
                start,
                "letters follow directly on a number",
            );
        }
        kind
    }

    fn word(&mut self) -> TokenKind {
        let start = self.at;
        self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let word = &self.source[start..self.at];
        if self.peek(0) != b'#' {
            return Keyword::from_text(word).map_or(TokenKind::Identifier, TokenKind::Keyword);
        }
        self.at += 1;
        if crate::calendar::prefix_type(word).is_some() {
            self.skip_while(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b':' | b'.')
            });
            return TokenKind::Calendar;
        }
        if !literal::is_duration_prefix(word) {
            return TokenKind::TypePrefix;
        }
        if matches!(self.peek(0), b'+' | b'-') {
            self.at += 1;
        }
        loop {
            self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if self.peek(0) == b'.' && self.peek(1).is_ascii_digit() {
                self.at += 1;
            } else {
                return TokenKind::Duration;
            }
        }
    }

    fn symbol(&mut self) -> TokenKind {
        if let Some(symbol) = SYMBOLS
            .into_iter()
            .find(|symbol| self.rest().starts_with(symbol))
        {
            self.at += symbol.len();
            return TokenKind::Symbol(symbol);
        }
        let start = self.at;
        let character = self.rest().chars().next().unwrap_or(' ');
        self.at += character.len_utf8();
        let attempts = character == '?' && self.peek(0) == b'=';
        if attempts || character == '^' {
            self.at += usize::from(attempts);
            let word = &self.source[start..self.at];
            let message = format!("`{word}` works on references, which are not supported");
            self.report(problems::UNSUPPORTED, start, message);
            // With an assignment in its place, the rest makes sense.
            return if attempts {
                TokenKind::Symbol(":=")
            } else {
                TokenKind::Unknown
            };
        }
        let message = format!("the character {character:?} has no meaning here");
        self.report(problems::BAD_CHARACTER, start, message);
        TokenKind::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::SourceText;
    use proptest::prelude::*;

    fn lexed(source: &str) -> (Vec<(TokenKind, String)>, usize) {
        let text = SourceText::new(&[(source, "test.st")]);
        let mut sink = Sink::new(&text);
        let tokens = lex(&mut sink, 0..source.len());
        let texts = tokens
            .iter()
            .map(|t| (t.kind, t.span.text(source).to_owned()))
            .collect();
        (texts, sink.into_sorted().len())
    }

    fn check(source: &str, expected: &[(TokenKind, &str)]) {
        let (tokens, problems) = lexed(source);
        let tokens: Vec<_> = tokens
            .iter()
            .filter(|(kind, _)| *kind != TokenKind::Whitespace)
            .map(|(kind, text)| (*kind, text.as_str()))
            .collect();
        assert_eq!(tokens, expected, "{source}");
        assert_eq!(problems, 0, "{source}");
    }

    #[test]
    fn tokens_when_valid_then_have_their_kind() {
        use TokenKind::*;
        check("end_If", &[(Keyword(super::Keyword::EndIf), "end_If")]);
        check(
            "1..5",
            &[(Integer, "1"), (Symbol(".."), ".."), (Integer, "5")],
        );
        check(
            "16#FF_0 2#1010",
            &[(Integer, "16#FF_0"), (Integer, "2#1010")],
        );
        check("1.5E-3 1e6", &[(Real, "1.5E-3"), (Real, "1e6")]);
        check(
            "t#1m30s250ms;",
            &[(Duration, "t#1m30s250ms"), (Symbol(";"), ";")],
        );
        check("T#-0.5s", &[(Duration, "T#-0.5s")]);
        check(
            "INT#-5",
            &[(TypePrefix, "INT#"), (Symbol("-"), "-"), (Integer, "5")],
        );
        check(
            "D#2024-02-29;",
            &[(Calendar, "D#2024-02-29"), (Symbol(";"), ";")],
        );
        check("LT#5ns", &[(Duration, "LT#5ns")]);
        check("'a$'b$$' x", &[(Text, "'a$'b$$'"), (Identifier, "x")]);
        check("%ix0.7 %MW12", &[(Direct, "%ix0.7"), (Direct, "%MW12")]);
        check(
            "(* a (* b *) c *)x",
            &[(Comment, "(* a (* b *) c *)"), (Identifier, "x")],
        );
        check(
            "{p}// c\nq",
            &[(Pragma, "{p}"), (Comment, "// c"), (Identifier, "q")],
        );
        check(
            "a:=b=>c",
            &[
                (Identifier, "a"),
                (Symbol(":="), ":="),
                (Identifier, "b"),
                (Symbol("=>"), "=>"),
                (Identifier, "c"),
            ],
        );
    }

    #[test]
    fn tokens_when_invalid_then_are_reported_once() {
        for source in ["(* open", "{ open", "'open", "ä", "12ab", "(* é"] {
            assert_eq!(lexed(source).1, 1, "{source}");
        }
    }

    proptest! {
        #[test]
        fn lexer_when_given_any_text_then_spans_cover_it(source in "\\PC{0,60}|[(*){}'$%#.:=T0-9a-z \n]{0,60}") {
            let (tokens, _) = lexed(&source);
            let joined: String = tokens.into_iter().map(|(_, text)| text).collect();
            prop_assert_eq!(joined, source);
        }
    }
}
