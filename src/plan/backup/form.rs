//! What a person chooses before a backup is planned: as a form, and as options of the command line. Both are read
//! by the same functions, and each says the other's words.

use std::time::Duration;

use super::class::{Fitting, fitting};
use super::owner::owners;
use super::scope::selector;
use super::{Options, Owner, Scope, Together, holding};
use crate::model::{DeletionPolicy, Kind, Pvc, SnapshotClass, Uid, World};
use crate::plan::command::CommandLine;
use crate::plan::{Choice, Field, FieldKind, Filled, FormSpec};
use crate::text::{self, quantity};

/// Longest reason, in characters: it is read on one screen, and all annotations of an object share 256 KiB.
const REASON: usize = 1000;

/// The form for a backup of this claim, beginning with `defaults`. `None` when there is nothing to choose: the
/// claim's driver or a class of it is not known, and planning says why.
pub fn form(world: &World, claim: &Uid, defaults: &Options) -> Option<FormSpec> {
    let claim = world.inventory.pvcs.get(claim)?;
    let (driver, _) = world.volume(claim)?.csi.as_ref()?;
    let fits = fitting(world, driver);
    if fits.classes.is_empty() {
        return None;
    }
    let path = claim.meta.reference(Kind::Pvc).path();
    let class = defaults.class.clone().or_else(|| Some(fits.resolved()?.meta.name.to_string()));
    let fields = [
        Field::new("class", "Snapshot class", classes(world, &fits))
            .says(format!(
                "Says how {driver} takes the snapshot, and whether the copy outlives it: a namespace that is deleted \
                 takes its snapshots along."
            ))
            .begins(class),
        Field::new("reason", "Reason", FieldKind::Lines)
            .says(
                "For whoever finds the copy later: kept in the journal and in an annotation of the snapshot, where it \
                 can be read.",
            )
            .begins(defaults.reason.clone())
            .optional()
            .checked(|answer| reason(answer).map(drop)),
        Field::new("cut", "Cut within", FieldKind::Duration)
            .says("How long to wait until the snapshot is cut. What is late is left as it is, and the operation fails.")
            .begins(defaults.cut_within),
        Field::new("ready", "Ready within", FieldKind::Duration)
            .says(
                "How long to wait, after the cut, until the snapshot can be restored from. First copies of large \
                 volumes are slow on some storage.",
            )
            .begins(defaults.ready_within),
    ];
    let together = together(world, claim, defaults);
    let fields = together.into_iter().chain(fields).chain(holding::fields(defaults.quiesce.as_ref())).collect();
    Some(FormSpec { title: format!("back up volume {path}"), fields })
}

/// The questions whether the volume is backed up alone, where its workload has several.
fn together(world: &World, claim: &Pvc, defaults: &Options) -> Vec<Field> {
    let of_several = |owner: &Owner| {
        let claims = world.inventory.pvcs.iter().filter(|other| other.meta.namespace == claim.meta.namespace);
        let count = claims.filter(|claim| owners(world, claim).contains(owner)).count();
        (count > 1).then(|| Choice::new(owner.written(), format!("the whole workload: {count} volumes, all or none")))
    };
    let workloads: Vec<Choice> = owners(world, claim).iter().filter_map(of_several).collect();
    if workloads.is_empty() {
        return Vec::new();
    }
    let alone = Choice::new(ALONE, format!("{} alone", claim.meta.name));
    let chosen = match &defaults.scope {
        Scope::Workload(owner) => owner.written(),
        Scope::Volume | Scope::Selected(_) => ALONE.to_owned(),
    };
    let ways = Together::ALL.map(|way| Choice::new(way.word(), way.says()));
    vec![
        Field::new("scope", "What", FieldKind::one_of("scope", std::iter::once(alone).chain(workloads)))
            .says("Volumes of one workload hold parts of one truth: a set is cut together, and is whole or nothing.")
            .begins(chosen),
        Field::new("together", "Set is cut", FieldKind::one_of("way", ways))
            .says(
                "Only for a whole workload. A group snapshot cuts all volumes at one moment; side by side, writes \
                 fall between the cuts.",
            )
            .begins(defaults.together.word()),
    ]
}

/// Stands for the volume alone.
const ALONE: &str = "volume";

/// What a filled form chose. The class is always named: what was on the screen is what is planned with.
///
/// # Errors
/// When an answer is not what the form would let pass.
pub fn options(filled: &Filled) -> Result<Options, String> {
    let defaults = Options::default();
    let within = |id: &str, default: Duration| filled.get(id).map_or(Ok(default), deadline);
    let workload = filled.get("scope").filter(|scope| *scope != ALONE);
    Ok(Options {
        scope: workload.map(Owner::parse).transpose()?.map_or(Scope::Volume, Scope::Workload),
        together: filled.get("together").map(Together::parse).transpose()?.unwrap_or_default(),
        class: filled.get("class").map(str::to_owned),
        reason: filled.get("reason").map(reason).transpose()?,
        cut_within: within("cut", defaults.cut_within)?,
        ready_within: within("ready", defaults.ready_within)?,
        quiesce: holding::chosen(filled)?,
    })
}

/// Reads a reason.
///
/// # Errors
/// When it is too long to be read, empty, or holds what does not show.
pub fn reason(text: &str) -> Result<String, String> {
    let reason = text.trim();
    let length = reason.chars().count();
    if reason.is_empty() {
        return Err("a reason needs some words".to_owned());
    }
    if length > REASON {
        return Err(format!("{length} characters are too many; {REASON} are kept"));
    }
    match reason.lines().find(|line| text::sanitize(line) != *line) {
        Some(line) => Err(format!("\"{}\" holds a character that does not show; leave it out", text::sanitize(line))),
        None => Ok(reason.to_owned()),
    }
}

/// Reads a deadline.
///
/// # Errors
/// When it is no duration, or none that a wait can have.
pub fn deadline(text: &str) -> Result<Duration, String> {
    let read = quantity::parse_duration(text)?;
    read.try_into().map_err(|_| "needs a duration longer than nothing".to_owned())
}

/// The command that makes the same choices for this claim on this context.
pub fn command(options: &Options, claim: &Pvc, context: &str) -> String {
    let defaults = Options::default();
    let mut line = match &options.scope {
        Scope::Volume => CommandLine::new("backup", &claim.meta.reference(Kind::Pvc).path()),
        Scope::Workload(_) | Scope::Selected(_) => CommandLine::of("backup"),
    };
    match &options.scope {
        Scope::Volume => {}
        Scope::Workload(owner) => line.option("--workload", &owner.written()),
        Scope::Selected(labels) => line.option("--selector", &selector(labels)),
    }
    if options.scope != Scope::Volume {
        line.option("--namespace", claim.meta.namespace());
        if options.together != Together::Auto {
            line.option("--together", options.together.word());
        }
    }
    if let Some(class) = &options.class {
        line.option("--class", class);
    }
    if let Some(reason) = &options.reason {
        line.option("--reason", reason);
    }
    line.deadline("--cut-within", options.cut_within, defaults.cut_within);
    line.deadline("--ready-within", options.ready_within, defaults.ready_within);
    holding::options(options.quiesce.as_ref(), &mut |name, value| line.option(name, value));
    line.on(context)
}

fn classes(world: &World, fits: &Fitting) -> FieldKind {
    let choice = |class: &&SnapshotClass| Choice::new(&*class.meta.name, says(class));
    let mut left_out = Vec::new();
    let others: Vec<_> = world.inventory.snapshot_classes.iter().filter(|class| class.driver != fits.driver).collect();
    let mut named: Vec<_> =
        others.iter().map(|class| format!("{} (driver {})", class.meta.name, class.driver)).collect();
    named.sort();
    if let Some(more) = named.len().checked_sub(3).filter(|more| *more > 0) {
        named.truncate(3);
        named.push(format!("{more} more of other drivers"));
    }
    if !named.is_empty() {
        left_out.push(format!("not offered: {}", text::list(&named)));
    }
    FieldKind::Choice { of: "snapshot class", choices: fits.classes.iter().map(choice).collect(), left_out }
}

/// What choosing a class means.
fn says(class: &SnapshotClass) -> String {
    let default = if class.default { "default, " } else { "" };
    let fate = match class.deletion {
        DeletionPolicy::Delete => "Delete: goes with its snapshot",
        DeletionPolicy::Retain => "Retain: outlives its snapshot",
        DeletionPolicy::Unknown => "deletion policy unknown",
    };
    format!("{default}{fate}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assess::testing::{DRIVER, claim, cluster_meta, put, with_claim};
    use crate::model::{Object, Policies};
    use rstest::rstest;

    fn class(name: &str, driver: &str, deletion: DeletionPolicy, default: bool) -> Object {
        Object::SnapshotClass(SnapshotClass {
            meta: cluster_meta(name),
            driver: driver.into(),
            deletion,
            default,
            ..SnapshotClass::default()
        })
    }

    fn form_with(classes: &[Object]) -> Option<FormSpec> {
        let claim = claim("data", None);
        let mut world = with_claim(&claim, Policies::default());
        put(&mut world, classes.iter().cloned());
        form(&world, &claim.meta.uid(), &Options::default())
    }

    fn answers(spec: &FormSpec) -> Vec<String> {
        spec.fields.iter().map(|field| field.default.clone()).collect()
    }

    #[test]
    fn only_classes_of_the_volumes_driver_are_offered_and_the_others_are_accounted_for() {
        let spec = form_with(&[
            class("kept", DRIVER, DeletionPolicy::Retain, false),
            class("fast", DRIVER, DeletionPolicy::Delete, true),
            class("nfs", "nfs.csi", DeletionPolicy::Delete, true),
        ]);
        let spec = spec.unwrap();
        let FieldKind::Choice { choices, left_out, .. } = &spec.fields[0].kind else { panic!("{spec:?}") };
        let said: Vec<_> = choices.iter().map(|choice| format!("{}: {}", choice.value, choice.says)).collect();
        assert_eq!(said, ["fast: default, Delete: goes with its snapshot", "kept: Retain: outlives its snapshot",]);
        assert_eq!(*left_out, ["not offered: nfs (driver nfs.csi)"]);
        assert_eq!(answers(&spec)[..5], ["fast", "", "2m", "10m", "crash"]);
    }

    #[test]
    fn without_a_default_a_class_has_to_be_chosen_and_without_a_class_there_is_no_form() {
        let two =
            [class("a", DRIVER, DeletionPolicy::Delete, false), class("b", DRIVER, DeletionPolicy::Delete, false)];
        let spec = form_with(&two).unwrap();
        assert_eq!(spec.filled(&answers(&spec)), Err(0));
        assert_eq!(form_with(&two[..1]).unwrap().fields[0].default, "a", "the only one is chosen");
        assert!(form_with(&[class("nfs", "nfs.csi", DeletionPolicy::Delete, true)]).is_none());
    }

    #[test]
    fn an_untouched_form_makes_the_choices_that_the_command_line_makes_without_options() {
        let spec = form_with(&[class("fast", DRIVER, DeletionPolicy::Delete, true)]).unwrap();
        let chosen = options(&spec.filled(&answers(&spec)).unwrap()).unwrap();
        assert_eq!(chosen, Options { class: Some("fast".into()), ..Options::default() });
    }

    #[rstest]
    #[case(Options::default(), "holdfast backup shop/data --context lab")]
    #[case(
        Options { class: Some("kept".into()), reason: Some("before the move".into()), ..Options::default() },
        "holdfast backup shop/data --class kept --reason 'before the move' --context lab"
    )]
    #[case(
        Options { reason: Some("-1".into()), cut_within: Duration::from_secs(90), ..Options::default() },
        "holdfast backup shop/data --reason=-1 --cut-within 1m30s --context lab"
    )]
    fn the_command_says_what_was_chosen(#[case] options: Options, #[case] line: &str) {
        assert_eq!(command(&options, &claim("data", None), "lab"), line);
    }

    #[rstest]
    #[case::a_workload(
        Scope::Workload(Owner { kind: Kind::StatefulSet, name: "db".into() }), Together::Auto,
        "holdfast backup --workload statefulset/db --namespace shop --context lab"
    )]
    #[case::labels(
        Scope::Selected([("app".into(), "db".into()), ("tier".into(), "gold".into())].into()), Together::Parallel,
        "holdfast backup --selector app=db,tier=gold --namespace shop --together parallel --context lab"
    )]
    fn the_command_names_what_is_backed_up_together(
        #[case] scope: Scope,
        #[case] together: Together,
        #[case] line: &str,
    ) {
        let options = Options { scope, together, ..Options::default() };
        assert_eq!(command(&options, &claim("data", None), "lab"), line);
    }

    #[rstest]
    #[case("  before the move \n", Ok("before the move"))]
    #[case("two\nlines", Ok("two\nlines"))]
    #[case(" ", Err("a reason needs some words"))]
    #[case("a\u{202e}b", Err("\"a<U+202E>b\" holds a character that does not show; leave it out"))]
    fn a_reason_is_words_that_show(#[case] text: &str, #[case] read: Result<&str, &str>) {
        assert_eq!(reason(text), read.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn a_reason_has_an_end() {
        assert!(reason(&"ö".repeat(REASON)).is_ok());
        assert_eq!(reason(&"ö".repeat(REASON + 1)).unwrap_err(), "1001 characters are too many; 1000 are kept");
    }
}
