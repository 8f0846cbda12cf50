//! A runbook as Markdown, for the team's wiki: what it does, why each step is there, and what to do when it fails.

use super::book::{Book, Check, Choose, Collect, Each, Param, PlanStep, Reviews, Step, Task};
use super::words::{Values, Words};
use crate::text::markdown::{block, code, escaped, paragraphs};
use crate::text::quantity;

/// The whole book.
pub fn explain(book: &Book) -> String {
    let mut parts = vec![format!("# {}", escaped(&book.title))];
    parts.extend((!book.about.is_empty()).then(|| paragraphs(&book.about)));
    parts.extend(book.link.as_deref().map(more));
    parts.extend(reviews(&book.reviews));
    parts.push(format!("## Run it\n\n{}", block(&commands(book))));
    if !book.params.is_empty() {
        let rows: Vec<String> = book.params.iter().map(param).collect();
        let head = "| parameter | what it is | written as | left out |\n|---|---|---|---|";
        parts.push(format!("## Parameters\n\n{head}\n{}", rows.join("\n")));
    }
    parts.push("## Steps".to_owned());
    parts.extend(steps(&book.steps, ""));
    parts.join("\n\n") + "\n"
}

fn more(link: &str) -> String {
    format!("More: {}", escaped(link))
}

fn reviews(reviews: &[Reviews]) -> Option<String> {
    let said = |one: &Reviews| {
        let every = jiff::SignedDuration::try_from(one.every).unwrap_or(jiff::SignedDuration::MAX);
        format!("{}, due again after {}", one.topic, quantity::span(every))
    };
    let all: Vec<String> = reviews.iter().map(said).collect();
    (!all.is_empty()).then(|| format!("A run that is done proves a review: {}.", all.join("; ")))
}

/// What is typed to run it.
fn commands(book: &Book) -> String {
    let needed = book.params.iter().filter(|param| param.default.is_none());
    let shape = |param: &Param| match param.kind.shape() {
        shape if shape.contains(' ') => param.kind.word().to_uppercase(),
        shape => shape.to_owned(),
    };
    let params: Vec<String> = needed.map(|param| format!(" --param {}={}", param.name, shape(param))).collect();
    format!("holdfast runbook run {}{}", book.name, params.concat())
}

fn param(param: &Param) -> String {
    let shape = match &param.kind {
        super::book::ParamKind::Choice(choices) => choices.join(", "),
        other => other.shape().to_owned(),
    };
    let default = param.default.as_ref().map_or_else(|| "it has to be given".to_owned(), bare);
    format!("| {} | {} | {} | {} |", param.name, escaped(&param.about), escaped(&shape), escaped(&default))
}

fn steps<'a>(steps: &'a [Step], before: &'a str) -> impl Iterator<Item = String> + 'a {
    steps.iter().enumerate().flat_map(move |(at, one)| step(one, &format!("{before}{}", at + 1)))
}

/// One step, and those inside of it.
fn step(step: &Step, number: &str) -> Vec<String> {
    let level = if number.contains('.') { "####" } else { "###" };
    let mut parts = vec![format!("{level} {number}. {}", escaped(&bare(&step.title)))];
    parts.extend(step.when.as_ref().map(|when| format!("Only when {}; else it is not for now.", check(when))));
    parts.push(task(&step.task));
    parts.push(format!("**Why:** {}", escaped(&line(&step.why))));
    parts.push(format!("**If it fails:** {}", escaped(&line(&step.fails))));
    parts.extend(step.link.as_deref().map(more));
    if let Task::Each(each) = &step.task {
        parts.extend(steps(&each.steps, &format!("{number}.")));
    }
    parts
}

fn task(task: &Task) -> String {
    match task {
        Task::Check(of) => format!("*Check:* {}.", check(of)),
        Task::Wait(of, within) => {
            let within = jiff::SignedDuration::try_from(*within).unwrap_or(jiff::SignedDuration::MAX);
            format!("*Wait* until {}, for {} at most.", check(of), quantity::span(within))
        }
        Task::Manual(words) => format!("*By hand,* then say what came of it:\n\n{}", block(&bare(words))),
        Task::Approve(words) => format!("*A second person agrees:*\n\n{}", block(&bare(words))),
        Task::Plan(of) => plan(of),
        Task::Collect(of) => collect(of),
        Task::Choose(of) => choose(of),
        Task::Each(of) => each(of),
    }
}

fn check(check: &Check) -> String {
    format!("of the {} {} {}", check.among.word(), check.expect.said(), matching(&check.filter, "is there"))
}

/// What rows have to be; without a filter they only have to be `there`.
fn matching(filter: &Words, there: &str) -> String {
    if filter.is_empty() { there.to_owned() } else { format!("matches {}", code(&line(filter))) }
}

fn rows(filter: &Words) -> String {
    if filter.is_empty() { String::new() } else { format!(" that match {}", code(&line(filter))) }
}

fn plan(plan: &PlanStep) -> String {
    let with: Vec<String> = plan.with.iter().map(|(field, words)| format!("{field} {}", code(&line(words)))).collect();
    let with = if with.is_empty() { String::new() } else { format!(", with {}", with.join(", ")) };
    let verb = PlanStep::word(plan.verb);
    format!("*Plan* {} of {}{with}: it is shown, confirmed and run.", code(&verb), code(&line(&plan.of)))
}

fn collect(collect: &Collect) -> String {
    let what: Vec<&str> = collect.what.iter().map(|one| one.word()).collect();
    format!("*Collect* {} of {}: hashed, in a bundle.", what.join(", "), code(&line(&collect.of)))
}

fn choose(choose: &Choose) -> String {
    let preferred = choose.prefer.as_ref().map(|prefer| format!("; recommended are those{}", rows(prefer)));
    let rows = rows(&choose.filter);
    format!("*Choose* one of the {}{rows}{}.", choose.among.word(), preferred.unwrap_or_default())
}

fn each(each: &Each) -> String {
    format!("*For each* of the {}{}, called {}:", each.among.word(), rows(&each.filter), code(&each.named))
}

/// A text with its places as they are written.
fn bare(words: &Words) -> String {
    words.said(&Values::new())
}

/// The same on one line.
fn line(words: &Words) -> String {
    bare(words).split_whitespace().collect::<Vec<_>>().join(" ")
}
