//! The shell in every container: a handful of commands, enough for hooks and probes.
//!
//! `sh -c` takes commands joined by `;`, `&&` and `||`, with `&` in the background where they outlive the session,
//! single and double quotes, and redirections into a mounted volume or to `/dev/null`. A command that it does not know
//! is looked for among the scripts. Anything else belongs in a script of its own.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use super::scripts::{Call, Output};

/// What a command writes before it is redirected.
struct Result {
    out: Vec<u8>,
    err: String,
    code: i32,
}

impl Result {
    fn ok(out: impl Into<Vec<u8>>) -> Self {
        Self { out: out.into(), err: String::new(), code: 0 }
    }

    fn failed(code: i32, err: impl Into<String>) -> Self {
        Self { out: Vec::new(), err: err.into(), code }
    }
}

/// Runs the command of a call.
pub(super) async fn run(mut call: Call) -> i32 {
    let command = std::mem::take(&mut call.command);
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    if let ["sh" | "/bin/sh" | "bash" | "/bin/bash", "-c" | "-ec", script, ..] = words.as_slice() {
        return run_script(&mut call, script).await;
    }
    let result = builtin(&mut call, &command).await;
    show(&call.stdout, &call.stderr, &result).await
}

async fn show(stdout: &Output, stderr: &Output, result: &Result) -> i32 {
    if !result.out.is_empty() {
        stdout.write(result.out.clone()).await;
    }
    if !result.err.is_empty() {
        stderr.write(format!("{}\n", result.err)).await;
    }
    result.code
}

fn run_script<'a>(call: &'a mut Call, script: &'a str) -> BoxFuture<'a, i32> {
    async move {
        let mut code = 0;
        for Line { when, words, aside } in lines(script) {
            if when == When::Done && code != 0 || when == When::Failed && code == 0 {
                continue;
            }
            if words.first().is_some_and(|word| word == "exit") {
                return words.get(1).and_then(|code| code.parse().ok()).unwrap_or(code);
            }
            code = if aside {
                let mut other = call.aside();
                tokio::spawn(async move { run_line(&mut other, words).await });
                0
            } else {
                run_line(call, words).await
            };
        }
        code
    }
    .boxed()
}

/// Where a command writes.
#[derive(Default)]
struct Redirections {
    out: Option<(bool, String)>,
    err: Option<String>,
}

/// Takes the redirections out of a command; what it reads is never redirected to anything but nothing.
fn redirections(words: &mut Vec<String>) -> Redirections {
    let mut found = Redirections::default();
    while let Some(at) = words.iter().position(|word| matches!(word.as_str(), ">" | ">>" | "2>" | "<")) {
        let path = if at + 1 < words.len() { words.remove(at + 1) } else { String::new() };
        match words.remove(at).as_str() {
            ">" => found.out = Some((false, path)),
            ">>" => found.out = Some((true, path)),
            "2>" => found.err = Some(path),
            _ => {}
        }
    }
    found
}

async fn run_line(call: &mut Call, mut words: Vec<String>) -> i32 {
    let redirections = redirections(&mut words);
    // Variables mean nothing here.
    let assigned = words.iter().take_while(|word| is_assignment(word)).count();
    words.drain(..assigned);
    let mut result = builtin(call, &words).await;
    if let Some((append, path)) = &redirections.out {
        let mut bytes = if *append { call.read(path).unwrap_or_default() } else { Vec::new() };
        bytes.append(&mut result.out);
        if path != "/dev/null" && !call.write(path, bytes) {
            result = Result::failed(1, format!("sh: {path}: Read-only file system"));
        }
    }
    if redirections.err.is_some() {
        result.err.clear();
    }
    show(&call.stdout, &call.stderr, &result).await
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric()))
}

/// A command that the shell does not know: a script, if one fits.
async fn program(call: &mut Call, words: &[String]) -> Result {
    let inner = call.inner(words);
    let Some(script) = call.files.cluster.scripts.find(&inner) else {
        return Result::failed(127, format!("sh: {}: not found", words.first().map_or("", String::as_str)));
    };
    Result { out: Vec::new(), err: String::new(), code: script(inner).await }
}

async fn builtin(call: &mut Call, words: &[String]) -> Result {
    match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] | ["true" | "sync" | ":", ..] => Result::ok(""),
        ["false", ..] => Result::failed(1, ""),
        ["echo", "-n", rest @ ..] => Result::ok(rest.join(" ")),
        ["echo", rest @ ..] => Result::ok(format!("{}\n", rest.join(" "))),
        ["hostname"] => Result::ok(format!("{}\n", call.pod())),
        ["exit", code] => Result::failed(code.parse().unwrap_or(2), ""),
        ["sleep", seconds] => {
            tokio::time::sleep(Duration::from_secs(seconds.parse().unwrap_or(0))).await;
            Result::ok("")
        }
        ["cat"] | ["cat", "-"] => {
            let mut all = Vec::new();
            while let Some(bytes) = call.stdin.recv().await {
                all.extend_from_slice(&bytes);
            }
            Result::ok(all)
        }
        ["cat", path] => call.read(path).map_or_else(|| missing("cat", path), Result::ok),
        ["rm", "-f", path] => {
            call.remove(path);
            Result::ok("")
        }
        ["rm", path] => {
            if call.remove(path) {
                Result::ok("")
            } else {
                missing("rm", path)
            }
        }
        ["test", "-f" | "-e", path] | ["[", "-f" | "-e", path, "]"] => {
            if call.read(path).is_some() {
                Result::ok("")
            } else {
                Result::failed(1, "")
            }
        }
        ["ls", path] => {
            call.list(path).map_or_else(|| missing("ls", path), |names| Result::ok(names.join("\n") + "\n"))
        }
        ["[", "!", "-e", path, "]"] => {
            if call.read(path).is_none() {
                Result::ok("")
            } else {
                Result::failed(1, "")
            }
        }
        ["setsid" | "exec", ..] => Box::pin(builtin(call, &words[1..])).await,
        ["sh" | "/bin/sh", "-c", script, ..] => {
            let code = run_script(call, script).await;
            Result::failed(code, "")
        }
        _ => program(call, words).await,
    }
}

fn missing(command: &str, path: &str) -> Result {
    Result::failed(1, format!("{command}: {path}: No such file or directory"))
}

/// When a command runs, by how the one before it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Always,
    Done,
    Failed,
}

/// One command of a script.
#[derive(Debug)]
struct Line {
    when: When,
    words: Vec<String>,
    /// Whether it runs in the background.
    aside: bool,
}

fn lines(script: &str) -> Vec<Line> {
    let line = |when| Line { when, words: Vec::new(), aside: false };
    let mut all = vec![line(When::Always)];
    for token in tokens(script) {
        match token {
            Token::Then => all.push(line(When::Done)),
            Token::Else => all.push(line(When::Failed)),
            Token::Next => all.push(line(When::Always)),
            Token::Aside => {
                if let Some(last) = all.last_mut() {
                    last.aside = true;
                }
                all.push(line(When::Always));
            }
            Token::Word(word) => {
                if let Some(last) = all.last_mut() {
                    last.words.push(word);
                }
            }
        }
    }
    all.retain(|line| !line.words.is_empty());
    all
}

enum Token {
    Word(String),
    /// `;` or a line end.
    Next,
    /// `&&`.
    Then,
    /// `||`.
    Else,
    /// `&`.
    Aside,
}

fn tokens(script: &str) -> Vec<Token> {
    let (mut tokens, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, ' ' | '\t') => tokens.extend(word.take().map(Token::Word)),
            (None, ';' | '\n') => {
                tokens.extend(word.take().map(Token::Word));
                tokens.push(Token::Next);
            }
            (None, '|') if chars.next_if_eq(&'|').is_some() => {
                tokens.extend(word.take().map(Token::Word));
                tokens.push(Token::Else);
            }
            (None, '&') => {
                tokens.extend(word.take().map(Token::Word));
                tokens.push(if chars.next_if_eq(&'&').is_some() { Token::Then } else { Token::Aside });
            }
            (None, '<' | '>') => {
                let errors = c == '>' && word.as_deref() == Some("2");
                if errors {
                    word = None;
                }
                tokens.extend(word.take().map(Token::Word));
                let append = c == '>' && chars.next_if_eq(&'>').is_some();
                let how = if errors {
                    "2>"
                } else if append {
                    ">>"
                } else {
                    &c.to_string()
                };
                tokens.push(Token::Word(how.to_owned()));
                if chars.next_if_eq(&'&').is_some() {
                    word = Some("&".to_owned());
                }
            }
            // Inside quotes every character is itself.
            _ => word.get_or_insert_default().push(c),
        }
    }
    tokens.extend(word.take().map(Token::Word));
    tokens
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn scripts_are_split_into_commands() {
        let script = lines("echo 'a b' >/data/x && cat \"/data/x\" || true; sleep 9 </dev/null 2>&1 & exit 3");
        let words: Vec<String> =
            script.iter().map(|line| format!("{:?} {} {}", line.when, line.words.join("|"), line.aside)).collect();
        assert_eq!(
            words,
            [
                "Always echo|a b|>|/data/x false",
                "Done cat|/data/x false",
                "Failed true false",
                "Always sleep|9|<|/dev/null|2>|&1 true",
                "Always exit|3 false",
            ]
        );
    }
}
