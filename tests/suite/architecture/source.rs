//! Reads Rust source as far as the architecture test needs it: which paths a file names, on which line, and
//! whether in test code. Comments, strings and characters are skipped; `use` trees are spread out.

use std::collections::BTreeSet;

/// A path as written in a file, `super` resolved to `crate` where it reaches a floor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its segments.
    pub path: Vec<String>,
    /// Line, from 1.
    pub line: usize,
    /// Whether it stands in code that is only compiled for tests.
    pub test: bool,
}

/// What was found in one file.
#[derive(Debug, Default)]
pub struct Source {
    /// Every path of two or more segments, and every single name that is imported.
    pub named: Vec<Named>,
    /// Keywords that a pure floor must not have (`async`, `await`), by line.
    pub asynchronous: Vec<Named>,
    /// Modules in files of their own that are declared `#[cfg(test)]`.
    pub test_files: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Token {
    text: String,
    line: usize,
}

/// Reads a file that is the module `depth` levels below the crate root (0 for lib.rs and main.rs).
pub fn read(text: &str, depth: usize) -> Source {
    let tokens = tokens(text);
    let mut reader = Reader { tokens: &tokens, at: 0, braces: Vec::new(), found: Source::default() };
    reader.run(depth);
    reader.found
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    /// Open braces: whether each opens a module, and whether that is test code.
    braces: Vec<(bool, bool)>,
    found: Source,
}

impl Reader<'_> {
    fn word(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |token| &token.text)
    }

    fn run(&mut self, depth: usize) {
        let mut cfg_test = false;
        while self.at < self.tokens.len() {
            let line = self.tokens[self.at].line;
            let inside = |braces: &[(bool, bool)]| depth + braces.iter().filter(|(module, _)| *module).count();
            let test = cfg_test || self.braces.iter().any(|(_, test)| *test);
            match self.word(0) {
                "#" if self.is_cfg_test() => {
                    cfg_test = true;
                    self.at += 7;
                    continue;
                }
                "mod" if self.word(2) == ";" => {
                    if cfg_test {
                        self.found.test_files.insert(self.word(1).to_owned());
                    }
                    self.at += 2;
                    cfg_test = false;
                }
                "mod" if self.word(2) == "{" => {
                    self.braces.push((true, cfg_test));
                    self.at += 2;
                    cfg_test = false;
                }
                "{" => {
                    self.braces.push((false, cfg_test));
                    cfg_test = false;
                }
                "}" => {
                    self.braces.pop();
                }
                ";" => cfg_test = false,
                word @ ("async" | "await") => {
                    let named = Named { path: vec![word.to_owned()], line, test };
                    self.found.asynchronous.push(named);
                }
                // `use<'a>` in a signature captures lifetimes and names no module.
                "use" if self.word(1) != "<" => {
                    self.at += 1;
                    let depth = inside(&self.braces);
                    self.tree(&mut Vec::new(), depth, test);
                    cfg_test = false;
                    continue;
                }
                word if is_name(word) && self.word(1) == "::" && !self.continues() => {
                    let depth = inside(&self.braces);
                    self.inline(depth, test);
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn is_cfg_test(&self) -> bool {
        ["#", "[", "cfg", "(", "test", ")", "]"].iter().enumerate().all(|(ahead, text)| self.word(ahead) == *text)
    }

    /// Whether this name goes on a path that began before.
    fn continues(&self) -> bool {
        self.at > 0 && self.tokens[self.at - 1].text == "::" && self.at > 1 && is_name(&self.tokens[self.at - 2].text)
    }

    fn inline(&mut self, depth: usize, test: bool) {
        let line = self.tokens[self.at].line;
        let mut path = vec![self.word(0).to_owned()];
        self.at += 1;
        while self.word(0) == "::" && is_name(self.word(1)) {
            path.push(self.word(1).to_owned());
            self.at += 2;
        }
        self.keep(&path, line, depth, test);
    }

    /// Reads a use tree up to its `;`, `,` or `}`, which is left to the caller.
    fn tree(&mut self, prefix: &mut Vec<String>, depth: usize, test: bool) {
        let before = prefix.len();
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        let mut grouped = false;
        while self.at < self.tokens.len() {
            match self.word(0) {
                ";" | "," | "}" => break,
                "{" => {
                    grouped = true;
                    self.at += 1;
                    while self.at < self.tokens.len() && !["}", ";"].contains(&self.word(0)) {
                        self.tree(prefix, depth, test);
                        if self.word(0) == "," {
                            self.at += 1;
                        }
                    }
                }
                "as" => self.at += 1,
                "*" => prefix.push("*".to_owned()),
                name if is_name(name) => prefix.push(name.to_owned()),
                _ => {}
            }
            self.at += 1;
        }
        if !grouped {
            let path = prefix.clone();
            self.keep(&path, line, depth, test);
        }
        prefix.truncate(before);
    }

    fn keep(&mut self, path: &[String], line: usize, depth: usize, test: bool) {
        let ups = path.iter().take_while(|part| *part == "super").count();
        let mut path: Vec<String> = path.iter().filter(|part| *part != "self").cloned().collect();
        if ups > 0 {
            if ups < depth {
                return; // stays within its floor
            }
            path.splice(..ups, ["crate".to_owned()]);
        }
        self.found.named.push(Named { path, line, test });
    }
}

fn is_name(word: &str) -> bool {
    word.chars().next().is_some_and(|first| first.is_alphabetic() || first == '_') && word != "as"
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut at, mut line, mut tokens) = (0, 1, Vec::new());
    while at < chars.len() {
        let end = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => line_end(&chars, at),
            '/' if chars.get(at + 1) == Some(&'*') => comment_end(&chars, at),
            '"' => string_end(&chars, at),
            '\'' => char_end(&chars, at),
            c if c.is_alphanumeric() || c == '_' => {
                let mut end = at;
                while end < chars.len() && (chars[end].is_alphanumeric() || chars[end] == '_') {
                    end += 1;
                }
                let word: String = chars[at..end].iter().collect();
                if let Some(end) = raw_string_end(&chars, end, &word) {
                    end
                } else {
                    tokens.push(Token { text: word, line });
                    end
                }
            }
            ':' if chars.get(at + 1) == Some(&':') => {
                tokens.push(Token { text: "::".into(), line });
                at + 2
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push(Token { text: c.into(), line });
                }
                at + 1
            }
        };
        line += chars[at..end.min(chars.len())].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    tokens
}

fn line_end(chars: &[char], at: usize) -> usize {
    chars[at..].iter().position(|c| *c == '\n').map_or(chars.len(), |length| at + length)
}

fn comment_end(chars: &[char], mut at: usize) -> usize {
    let mut depth = 0;
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// A character literal's end; a lifetime is one token long and means nothing here.
fn char_end(chars: &[char], at: usize) -> usize {
    match (chars.get(at + 1), chars.get(at + 2)) {
        (Some('\\'), _) => {
            chars[at + 3..].iter().position(|c| *c == '\'').map_or(chars.len(), |length| at + length + 4)
        }
        (Some(_), Some('\'')) => at + 3,
        _ => at + 1,
    }
}

/// The end of `r"…"`, `r#"…"#`, `br#"…"#` whose prefix is `word`.
fn raw_string_end(chars: &[char], at: usize, word: &str) -> Option<usize> {
    if !matches!(word, "r" | "br" | "cr") {
        return None;
    }
    let hashes = chars[at..].iter().take_while(|c| **c == '#').count();
    if chars.get(at + hashes) != Some(&'"') {
        return None;
    }
    let mut end = at + hashes + 1;
    while end < chars.len() {
        if chars[end] == '"' && chars[end + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes {
            return Some(end + 1 + hashes);
        }
        end += 1;
    }
    Some(chars.len())
}
