//! The shell in every container: a handful of commands, enough for hooks and probes.
//!
//! `sh -c` takes commands joined by `;` and `&&`, single and double quotes, and `>` and `>>` into a
//! mounted volume. Anything else belongs in a script of its own.

use std::time::Duration;

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

async fn run_script(call: &mut Call, script: &str) -> i32 {
    let mut code = 0;
    for (joined, words) in commands(script) {
        if joined && code != 0 {
            continue;
        }
        if words.first().is_some_and(|word| word == "exit") {
            return words.get(1).and_then(|code| code.parse().ok()).unwrap_or(code);
        }
        code = run_line(call, words).await;
    }
    code
}

async fn run_line(call: &mut Call, mut words: Vec<String>) -> i32 {
    let redirect = words.iter().position(|word| word == ">" || word == ">>");
    let target = redirect.map(|at| words.split_off(at));
    let mut result = builtin(call, &words).await;
    if let Some([how, path, ..]) = target.as_deref() {
        let mut bytes = if how == ">>" { call.read(path).unwrap_or_default() } else { Vec::new() };
        bytes.append(&mut result.out);
        if !call.write(path, bytes) {
            result = Result::failed(1, format!("sh: {path}: Read-only file system"));
        }
    }
    show(&call.stdout, &call.stderr, &result).await
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
        [other, ..] => Result::failed(127, format!("sh: {other}: not found")),
    }
}

fn missing(command: &str, path: &str) -> Result {
    Result::failed(1, format!("{command}: {path}: No such file or directory"))
}

/// The commands of a script: whether each depends on the one before (`&&`), and its words.
fn commands(script: &str) -> Vec<(bool, Vec<String>)> {
    let mut all = vec![(false, Vec::new())];
    for token in tokens(script) {
        match token {
            Token::Then => all.push((true, Vec::new())),
            Token::Next => all.push((false, Vec::new())),
            Token::Word(word) => {
                if let Some((_, words)) = all.last_mut() {
                    words.push(word);
                }
            }
        }
    }
    all.retain(|(_, words)| !words.is_empty());
    all
}

enum Token {
    Word(String),
    /// `;` or a line end.
    Next,
    /// `&&`.
    Then,
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
            (None, ' ' | '\t') => tokens.extend(word.take().map(Token::Word)),
            (None, ';' | '\n') => {
                tokens.extend(word.take().map(Token::Word));
                tokens.push(Token::Next);
            }
            (None, '&') if chars.next_if_eq(&'&').is_some() => {
                tokens.extend(word.take().map(Token::Word));
                tokens.push(Token::Then);
            }
            (None, '>') => {
                tokens.extend(word.take().map(Token::Word));
                let append = chars.next_if_eq(&'>').is_some();
                tokens.push(Token::Word(if append { ">>" } else { ">" }.to_owned()));
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
    use super::commands;

    #[test]
    fn scripts_are_split_into_commands() {
        let script = commands("echo 'a b' >/data/x && cat \"/data/x\"; exit 3");
        let words: Vec<String> = script.iter().map(|(joined, words)| format!("{joined} {}", words.join("|"))).collect();
        assert_eq!(words, ["false echo|a b|>|/data/x", "true cat|/data/x", "false exit|3"]);
    }
}
