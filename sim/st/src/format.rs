//! Layout of Structured Text: indentation and blanks, and nothing else.
//!
//! Lines stay lines: a table of declarations, a column of comments and a long expression over several
//! lines are the author's. What is set is the depth of each line, the blanks between two tokens (wider
//! gaps, which align columns, are kept), the case of reserved words, and runs of empty lines.
//!
//! **Invariants:** the tokens and comments of the source come out in the same order, with reserved words
//! in capitals and nothing else changed; what was laid out once is not changed by a second time.

use std::fmt::Write as _;

use crate::diagnostic::{Diagnostic, Sink, SourceText};
use crate::lexer::{self, Keyword, Token, TokenKind};
use crate::{ast, parser};

/// Blanks of one level.
const INDENT: usize = 4;

/// Lays a source out anew.
///
/// # Errors
///
/// What is no Structured Text, with its place: a text with such mistakes is not touched. Whether names
/// and types are right does not matter.
///
/// # Examples
///
/// ```
/// let source = "program P\nvar x:INT;end_var\nif x>0 then\nx:=x-1;\nend_if;\nend_program\n";
/// let expected = "PROGRAM P\nVAR x : INT; END_VAR\n    IF x > 0 THEN\n        x := x - 1;\n    END_IF;\nEND_PROGRAM\n";
/// assert_eq!(sim_st::format(source, "p.st").as_deref(), Ok(expected));
/// ```
pub fn format(source: &str, file_name: &str) -> Result<String, Vec<Diagnostic>> {
    let text = SourceText::new(&[(source, file_name)]);
    let mut sink = Sink::new(&text);
    let mut tokens = Vec::new();
    for file in text.ranges() {
        let end = file.end;
        let found = lexer::lex(&mut sink, file);
        parser::parse(&found, end, &mut ast::Library::default(), &mut sink);
        tokens.extend(found);
    }
    if !sink.is_empty() {
        return Err(sink.into_sorted());
    }
    let mut layout = Layout {
        source,
        blocks: Vec::new(),
        at_start: true,
        ends_with_line: false,
        parentheses: 0,
        base: (0, 0),
    };
    Ok(layout.run(&tokens))
}

/// What encloses a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Block {
    /// PROGRAM, FUNCTION, FUNCTION_BLOCK.
    Pou,
    /// CONFIGURATION and RESOURCE.
    Configuration,
    /// VAR sections.
    Variables,
    /// TYPE and STRUCT.
    Types,
    Case,
    /// STEP, TRANSITION, ACTION.
    Element,
    /// IF, FOR, WHILE, REPEAT.
    Statements,
}

struct Layout<'a> {
    source: &'a str,
    blocks: Vec<Block>,
    /// The next token begins a statement, a declaration or a label.
    at_start: bool,
    /// The statement ends where the line does, as the head of a POU.
    ends_with_line: bool,
    parentheses: u32,
    /// Blanks before the statement in the source, and as laid out: what its further lines refer to.
    base: (usize, usize),
}

impl Layout<'_> {
    fn run(&mut self, tokens: &[Token]) -> String {
        let mut out = String::with_capacity(self.source.len());
        let mut at = 0;
        while at < tokens.len() {
            // A token with line ends in it that is no blank, such as a long comment, ends no line.
            let line_end = (at..tokens.len())
                .find(|&index| self.line_ends(tokens[index]) > 0)
                .unwrap_or(tokens.len());
            let first = (at..line_end).find(|&i| tokens[i].kind != TokenKind::Whitespace);
            if let Some(first) = first {
                let blanks = self.source_blanks(tokens[first]);
                self.put_line(tokens, first..line_end, blanks, &mut out);
            }
            // Two line ends in a row are an empty line; more of them are one.
            let is_empty_line = tokens.get(line_end).is_some_and(|t| self.line_ends(*t) > 1);
            if is_empty_line && !out.is_empty() && line_end + 1 < tokens.len() {
                out.push('\n');
            }
            at = line_end + 1;
        }
        if self.source.contains("\r\n") {
            out = out.replace("\r\n", "\n").replace('\n', "\r\n");
        }
        out
    }

    /// Line ends in a blank; 0 for any other token.
    fn line_ends(&self, token: Token) -> usize {
        match token.kind {
            TokenKind::Whitespace => token.span.text(self.source).matches('\n').count(),
            _ => 0,
        }
    }

    /// Blanks in front of a token that is the first of its line; a tab counts as one level.
    fn source_blanks(&self, token: Token) -> usize {
        let before = &self.source[..token.span.start as usize];
        let line = before.rsplit('\n').next().unwrap_or("");
        line.chars()
            .map(|c| if c == '\t' { INDENT } else { 1 })
            .sum()
    }

    fn put_line(
        &mut self,
        tokens: &[Token],
        line: std::ops::Range<usize>,
        blanks: usize,
        out: &mut String,
    ) {
        let lead = tokens[line.start..]
            .iter()
            .position(|token| !is_blank(token.kind));
        let lead = lead.map(|ahead| line.start + ahead);
        let only_comment = lead.is_none_or(|lead| lead >= line.end);
        if lead.is_some_and(|lead| matches!(tokens[lead].kind, TokenKind::Keyword(w) if is_end(w)))
        {
            // Behind the condition of an UNTIL stands no semicolon.
            self.at_start = true;
        }
        let indent = if self.at_start {
            let level = lead.map_or(0, |lead| self.level_of(tokens, lead));
            let indent = level * INDENT;
            if !only_comment {
                self.base = (blanks, indent);
            }
            indent
        } else {
            // A further line of a statement keeps its distance from the first.
            let (was, is) = self.base;
            let may_align = lead.is_some_and(|lead| closes(tokens[lead].kind));
            match blanks.checked_sub(was) {
                Some(more) if more > 0 || may_align => is + more,
                _ => is + INDENT,
            }
        };
        let _ = write!(out, "{:indent$}", "");
        let mut before: Option<Token> = None;
        for index in line.clone() {
            let token = tokens[index];
            if token.kind == TokenKind::Whitespace {
                continue;
            }
            if let Some(before) = before {
                let gap = &self.source[before.span.end as usize..token.span.start as usize];
                let _ = write!(out, "{:1$}", "", self.gap(tokens, index, before, gap));
            }
            match token.kind {
                TokenKind::Keyword(word) => out.push_str(word.text()),
                _ => out.push_str(token.span.text(self.source).trim_end_matches('\r')),
            }
            if !is_blank(token.kind) {
                self.step(tokens, index);
            }
            before = Some(token);
        }
        if self.ends_with_line && !only_comment {
            self.ends_with_line = false;
            self.at_start = true;
        }
        out.push('\n');
    }

    /// Depth of a line whose first token of meaning is `lead`, and which begins a statement.
    fn level_of(&self, tokens: &[Token], lead: usize) -> usize {
        // A section of a POU stands where its body does, not within it.
        let in_section = self.blocks.ends_with(&[Block::Pou, Block::Variables]);
        let depth = self.blocks.len() - usize::from(in_section);
        let outer = depth.saturating_sub(1);
        match tokens[lead].kind {
            TokenKind::Keyword(word) if is_end(word) || is_middle(word) => outer,
            TokenKind::Keyword(word)
                if is_section(word) && self.blocks.last() == Some(&Block::Pou) =>
            {
                outer
            }
            TokenKind::Identifier if self.is_word(tokens[lead], "END_RESOURCE") => outer,
            _ if self.is_label(tokens, lead) => outer,
            _ => depth,
        }
    }

    /// Whether a label of a CASE begins at `lead`: constants and ranges up to a colon.
    fn is_label(&self, tokens: &[Token], lead: usize) -> bool {
        use TokenKind::{Identifier, Integer, Symbol, TypePrefix};
        if self.blocks.last() != Some(&Block::Case) {
            return false;
        }
        let after = tokens[lead..].iter().find(|token| {
            !is_blank(token.kind)
                && !matches!(
                    token.kind,
                    Identifier | Integer | TypePrefix | Symbol("," | ".." | "-")
                )
        });
        after.is_some_and(|token| token.kind == Symbol(":"))
    }

    fn is_word(&self, token: Token, word: &str) -> bool {
        token.span.text(self.source).eq_ignore_ascii_case(word)
    }

    /// Blanks between two tokens of a line.
    fn gap(&self, tokens: &[Token], index: usize, before: Token, gap: &str) -> usize {
        use TokenKind::{Comment, Integer, Pragma, Symbol, TypePrefix};
        let token = tokens[index];
        let kept = if gap.contains('\t') { 1 } else { gap.len() };
        if matches!(token.kind, Comment | Pragma) || matches!(before.kind, Comment | Pragma) {
            return kept.max(1);
        }
        if (before.kind, token.kind) == (Integer, Symbol(".")) {
            // `x.3 .0` without its blank would be the real number 3.0 behind a point.
            return kept.min(1);
        }
        let is_tight = matches!(token.kind, Symbol(";" | "," | ")" | "]" | "." | ".."))
            || matches!(before.kind, Symbol("(" | "[" | "." | "..") | TypePrefix)
            || is_call(before, token)
            || self.is_sign(tokens, index)
            || (token.kind == Symbol(":") && self.is_in_label());
        if is_tight {
            return 0;
        }
        kept.max(1)
    }

    /// Whether the token before is the sign of this one, as in `-x` and `(-1)`.
    fn is_sign(&self, tokens: &[Token], index: usize) -> bool {
        let mut earlier = tokens[..index]
            .iter()
            .rev()
            .filter(|token| !is_blank(token.kind));
        let Some(sign) = earlier.next() else {
            return false;
        };
        if !matches!(sign.kind, TokenKind::Symbol("-" | "+")) {
            return false;
        }
        match earlier.next().map(|token| token.kind) {
            None => true,
            Some(TokenKind::Symbol(")" | "]")) => false,
            Some(TokenKind::Symbol(_) | TokenKind::TypePrefix) => true,
            Some(TokenKind::Keyword(word)) => !matches!(word, Keyword::True | Keyword::False),
            Some(_) => false,
        }
    }

    /// Whether the colon that comes next closes a label, or the head of an element of a chart.
    fn is_in_label(&self) -> bool {
        matches!(self.blocks.last(), Some(Block::Case | Block::Element)) && self.parentheses == 0
    }

    /// Takes note of a token of meaning.
    fn step(&mut self, tokens: &[Token], index: usize) {
        let token = tokens[index];
        let began = std::mem::replace(&mut self.at_start, false);
        match token.kind {
            TokenKind::Symbol("(" | "[") => self.parentheses += 1,
            TokenKind::Symbol(")" | "]") => self.parentheses = self.parentheses.saturating_sub(1),
            TokenKind::Symbol(";") => self.at_start = true,
            TokenKind::Symbol(":") if self.is_in_label() => self.at_start = true,
            TokenKind::Keyword(word) => self.keyword(word, began),
            TokenKind::Identifier if began && self.opens_element(tokens, index) => {
                self.open(Block::Element);
            }
            TokenKind::Identifier if self.blocks.last() == Some(&Block::Configuration) && began => {
                if self.is_word(token, "RESOURCE") {
                    self.open(Block::Configuration);
                } else if self.is_word(token, "END_RESOURCE") {
                    self.close();
                } else if ["VAR_ACCESS", "VAR_CONFIG"]
                    .iter()
                    .any(|word| self.is_word(token, word))
                {
                    self.open(Block::Variables);
                }
            }
            _ => {}
        }
    }

    /// Whether an element of a chart begins here: its word, and a name or a parenthesis.
    fn opens_element(&self, tokens: &[Token], index: usize) -> bool {
        let words = ["INITIAL_STEP", "STEP", "TRANSITION", "ACTION"];
        let mut later = tokens[index + 1..].iter();
        let next = later.find(|token| !is_blank(token.kind));
        let is_transition = self.is_word(tokens[index], "TRANSITION");
        self.blocks.last() == Some(&Block::Pou)
            && words.iter().any(|word| self.is_word(tokens[index], word))
            && next.is_some_and(|next| match next.kind {
                TokenKind::Identifier => true,
                TokenKind::Symbol("(") => is_transition,
                _ => false,
            })
    }

    fn keyword(&mut self, word: Keyword, began: bool) {
        match word {
            // Within a CONFIGURATION a PROGRAM is a declaration.
            Keyword::Program | Keyword::Function | Keyword::FunctionBlock
                if began && self.blocks.is_empty() =>
            {
                self.open(Block::Pou);
            }
            Keyword::Configuration => self.open(Block::Configuration),
            _ if is_section(word) => self.open(Block::Variables),
            Keyword::Type | Keyword::Struct => self.open(Block::Types),
            Keyword::Case => self.blocks.push(Block::Case),
            Keyword::If | Keyword::For | Keyword::While => self.blocks.push(Block::Statements),
            Keyword::Repeat => {
                self.blocks.push(Block::Statements);
                self.at_start = true;
            }
            Keyword::Then | Keyword::Do | Keyword::Else => self.at_start = true,
            // The OF of a CASE; that of an ARRAY stands in declarations.
            Keyword::Of if self.blocks.last() == Some(&Block::Case) => self.at_start = true,
            // In a section the qualifiers belong to its head.
            Keyword::Constant | Keyword::Retain | Keyword::NonRetain => {
                self.at_start = self.blocks.last() == Some(&Block::Variables);
            }
            _ if is_end(word) => self.close(),
            _ => {}
        }
    }

    /// Opens a block whose head ends with the line, or with its first declaration.
    fn open(&mut self, block: Block) {
        self.blocks.push(block);
        self.at_start = block == Block::Variables || block == Block::Types;
        self.ends_with_line = true;
    }

    fn close(&mut self) {
        self.blocks.pop();
        self.at_start = true;
    }
}

/// Whether a parenthesis or bracket belongs to the name before it.
fn is_call(before: Token, token: Token) -> bool {
    use TokenKind::{Identifier, Symbol};
    let named = matches!(before.kind, Identifier | Symbol("]"));
    match token.kind {
        Symbol("(") => named,
        Symbol("[") => named || before.kind == TokenKind::Keyword(Keyword::Array),
        _ => false,
    }
}

/// What may stand below the beginning of its statement: the end of a list, the end of a condition.
fn closes(kind: TokenKind) -> bool {
    use TokenKind::Symbol;
    let words = [Keyword::Then, Keyword::Do, Keyword::Of].map(TokenKind::Keyword);
    matches!(kind, Symbol(")" | "]")) || words.contains(&kind)
}

/// Comments and blanks.
fn is_blank(kind: TokenKind) -> bool {
    matches!(
        kind,
        TokenKind::Whitespace | TokenKind::Comment | TokenKind::Pragma | TokenKind::Unknown
    )
}

fn is_section(word: Keyword) -> bool {
    use Keyword::{Var, VarExternal, VarGlobal, VarInOut, VarInput, VarOutput, VarTemp};
    matches!(
        word,
        Var | VarExternal | VarGlobal | VarInOut | VarInput | VarOutput | VarTemp
    )
}

fn is_end(word: Keyword) -> bool {
    word.text().starts_with("END_")
}

/// Words that stand in the line of the block's own depth.
fn is_middle(word: Keyword) -> bool {
    matches!(word, Keyword::Else | Keyword::Elsif | Keyword::Until)
}
