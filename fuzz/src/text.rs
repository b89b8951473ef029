//! Changes of texts by whole tokens and statements, so that many of them compile.

use crate::Random;

/// Values at the ends of ranges, and forms of literals that are rare.
const LITERALS: [&str; 36] = [
    "0",
    "1",
    "-1",
    "2",
    "7",
    "255",
    "256",
    "32767",
    "-32768",
    "32768",
    "65535",
    "2147483647",
    "-2147483648",
    "9223372036854775807",
    "18446744073709551615",
    "16#FFFF_FFFF",
    "2#1",
    "8#7",
    "0.0",
    "-0.0",
    "1.0E38",
    "1.0E-45",
    "1.0E308",
    "T#0s",
    "T#-1ms",
    "T#106751d",
    "LT#1ns",
    "D#1970-01-01",
    "D#2262-04-11",
    "TOD#23:59:59.999",
    "DT#2000-02-29-12:00:00",
    "''",
    "'a$N$27'",
    "\"w$00E9\"",
    "TRUE",
    "FALSE",
];

const OPERATORS: [&str; 17] = [
    "+", "-", "*", "/", "**", "MOD", "AND", "OR", "XOR", "&", "=", "<>", "<", ">", "<=", ">=",
    "NOT",
];

const TYPES: [&str; 28] = [
    "BOOL",
    "SINT",
    "INT",
    "DINT",
    "LINT",
    "USINT",
    "UINT",
    "UDINT",
    "ULINT",
    "BYTE",
    "WORD",
    "DWORD",
    "LWORD",
    "REAL",
    "LREAL",
    "TIME",
    "LTIME",
    "DATE",
    "TOD",
    "DT",
    "STRING",
    "WSTRING",
    "CHAR",
    "STRING[3]",
    "ARRAY[0..2] OF INT",
    "INT(-5..5)",
    "TON",
    "CTU",
];

/// Calls and statements whose pieces come together with what the text declares.
const PIECES: [&str; 30] = [
    "EXIT;",
    "CONTINUE;",
    "RETURN;",
    "IF TRUE THEN ",
    "ELSE ",
    "END_IF;",
    "WHILE TRUE DO ",
    "END_WHILE;",
    "FOR i := 0 TO 3 DO ",
    "END_FOR;",
    "REPEAT ",
    "UNTIL TRUE END_REPEAT;",
    "CASE 1 OF 1: ",
    "END_CASE;",
    "SEL(",
    "MUX(",
    "LIMIT(",
    "CONCAT(",
    "REPLACE(",
    "MID(",
    "FIND(",
    "SHL(",
    "EXPT(",
    "TO_INT(",
    "EN := ",
    "ENO => ",
    ".X",
    ".%X1",
    ".ET",
    "[1]",
];

/// Changes a text in place.
pub fn mutate(text: &str, random: &mut Random) -> String {
    let tokens = tokens(text);
    if tokens.is_empty() {
        return random.choose(&PIECES).to_owned();
    }
    let mut out: Vec<&str> = tokens;
    for _ in 0..=random.below(3) {
        if out.is_empty() {
            break;
        }
        let at = random.below(out.len());
        match random.below(10) {
            0 => {
                out.remove(at);
            }
            1 => out[at] = random.choose(&LITERALS),
            2 => replace_near(&mut out, at, random, is_operator, &OPERATORS),
            3 => replace_near(&mut out, at, random, is_type, &TYPES),
            4 => out.insert(at, random.choose(&PIECES)),
            // Another name of the same text.
            5 | 6 => {
                let from = random.below(out.len());
                let words = |token: &&str| is_word(token);
                let found = out[from..].iter().copied().find(words);
                let target = out[at..].iter().position(words);
                if let (Some(word), Some(target)) = (found, target) {
                    out[at + target] = word;
                }
            }
            7 => {
                let from = random.below(out.len());
                out.swap(at, from);
            }
            // A statement or a declaration, to somewhere else or once more.
            8 => {
                let (start, end) = statement(&out, at);
                let piece = out[start..end].to_vec();
                let (_, to) = {
                    let other = random.below(out.len());
                    statement(&out, other)
                };
                out.splice(to..to, piece);
            }
            _ => {
                let (start, end) = statement(&out, at);
                out.drain(start..end);
            }
        }
    }
    out.concat()
}

/// Exchanges the next token that is of a kind.
fn replace_near(
    out: &mut [&str],
    at: usize,
    random: &mut Random,
    kind: fn(&str) -> bool,
    by: &[&'static str],
) {
    if let Some(found) = out[at..].iter().position(|token| kind(token)) {
        out[at + found] = random.choose(by);
    }
}

/// The tokens from behind one semicolon to behind the next.
fn statement(tokens: &[&str], at: usize) -> (usize, usize) {
    let start = tokens[..at].iter().rposition(|token| *token == ";");
    let end = tokens[at..].iter().position(|token| *token == ";");
    (
        start.map_or(0, |start| start + 1),
        end.map_or(tokens.len(), |end| at + end + 1),
    )
}

/// Words, numbers, blanks, quoted texts and single characters.
fn tokens(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '#');
        let len = if word(first) {
            rest.find(|c| !word(c))
        } else if first.is_whitespace() {
            rest.find(|c: char| !c.is_whitespace())
        } else if first == '\'' {
            rest[1..].find('\'').map(|end| end + 2)
        } else {
            let pairs = [":=", "=>", "<>", "<=", ">=", "**", ".."];
            let is_pair = pairs.iter().any(|pair| rest.starts_with(pair));
            Some(if is_pair { 2 } else { first.len_utf8() })
        };
        let (token, behind) = rest.split_at(len.unwrap_or(rest.len()));
        found.push(token);
        rest = behind;
    }
    found
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

fn is_operator(token: &str) -> bool {
    OPERATORS.contains(&token)
}

fn is_type(token: &str) -> bool {
    TYPES.contains(&token)
}
