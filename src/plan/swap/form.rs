//! What a person chooses before an in-place restore is planned: as a form, and as options of the command line.

use std::time::Duration;

use super::{From, Options, TRIAL_IMAGE};
use crate::assess::restore_point::{self, Belongs};
use crate::model::{Kind, Pvc, ReclaimPolicy, Uid, VolumeSnapshot, World, annotation};
use crate::plan::hooks::Consistency;
use crate::plan::{Choice, Field, FieldKind, Filled, FormSpec, backup, set};
use crate::text::{self, names, quantity};

/// What a kept volume begins with where restore points and volumes are chosen from one list. No name holds a slash.
const KEPT: &str = "volume/";
/// What a set begins with there.
const SET: &str = "set/";

/// The form for this claim, beginning with `chosen`. `None` when there is nothing to restore from: planning says why.
pub fn form(world: &World, claim: &Uid, chosen: &Options) -> Option<FormSpec> {
    let claim = world.inventory.pvcs.get(claim)?;
    let Sources { choices, first } = sources(world, claim)?;
    let path = claim.meta.reference(Kind::Pvc).path();
    let fields = vec![
        Field::new("from", "Restore from", FieldKind::one_of("restore point", choices))
            .says(
                "What the volume will hold. What was written since then leaves the live volume and is kept beside it.",
            )
            .begins(chosen.from.as_ref().map_or(first, value)),
        Field::new("reason", "Reason", FieldKind::Lines)
            .says(
                "For whoever finds the kept copies later: in the journal and in an annotation of the safety snapshot.",
            )
            .begins(chosen.reason.clone())
            .optional()
            .checked(|answer| backup::reason(answer).map(drop)),
        Field::new("keep", "Keep for", FieldKind::Duration)
            .says("How long the former volume and the safety snapshot are marked as kept, for taking it back.")
            .begins(chosen.keep),
        Field::new("stop", "Stop within", FieldKind::Duration)
            .says("How long its pods may take to end. When one does not, everything is taken back.")
            .begins(chosen.stop_within),
        Field::new("ready", "Ready within", FieldKind::Duration)
            .says(
                "How long the application may take to be ready on the restored data. When it does not, everything is \
                 taken back.",
            )
            .begins(chosen.ready_within),
        Field::new("alone", "Not replicated", FieldKind::YesNo)
            .says(
                "Only for one of several members without the others: yes says that no peer will write its data over \
                 what is restored.",
            )
            .begins(chosen.not_replicated),
        Field::new("images", "Other version", FieldKind::YesNo)
            .says("Yes accepts that a program of another major version than at the cut opens the files.")
            .begins(chosen.accept_image_change),
    ];
    Some(FormSpec { title: format!("restore volume {path} in place"), fields })
}

/// When a restore point was cut, and how much it promises where that is known.
fn said(snapshot: &VolumeSnapshot) -> String {
    let cut = snapshot.cut.map_or_else(
        || "cut at an unknown time".to_owned(),
        |cut| format!("cut {}", cut.strftime("%Y-%m-%d %H:%M:%S UTC")),
    );
    let level = snapshot.meta.annotation(annotation::CONSISTENCY);
    let level = Consistency::ALL.into_iter().find(|known| level == Some(known.word()));
    level.map_or_else(|| cut.clone(), |level| format!("{cut}, {}-consistent", level.word()))
}

/// Sets that hold a restore point of a claim, the newest first, each with how many volumes come back with it.
fn sets(world: &World, claim: &Pvc, points: &[&VolumeSnapshot]) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::new();
    for point in points {
        let Some(id) = point.meta.label(annotation::SET) else { continue };
        let value = format!("{SET}{id}");
        let members = set::members(world, claim.meta.namespace(), id);
        let whole = set::whole(world, id, &members).is_ok() && members.iter().all(|member| member.ready == Some(true));
        if whole && members.len() > 1 && !choices.iter().any(|choice| choice.value == value) {
            let volumes = text::plural(members.len(), "volume", "volumes");
            choices.push(Choice::new(value, format!("the whole set: {volumes}, {}", said(point))));
        }
    }
    choices
}

/// What there is to restore from.
struct Sources {
    choices: Vec<Choice>,
    /// What is restored unless something else is chosen: the newest, or all that was cut with it. Of several members
    /// one alone is hardly ever right.
    first: String,
}

/// Restore points of a claim that are ready, the newest first, then sets of such, and then volumes that were kept.
fn sources(world: &World, claim: &Pvc) -> Option<Sources> {
    let own = claim.meta.uid();
    let ready = world.inventory.snapshots.iter().filter(|snapshot| snapshot.ready == Some(true));
    let mut found: Vec<_> = ready
        .filter(|snapshot| matches!(restore_point::belongs(world, snapshot), Belongs::Claim(uid) if uid == own))
        .collect();
    found.sort_by(|a, b| b.cut.cmp(&a.cut).then_with(|| a.meta.name.cmp(&b.meta.name)));
    let mut choices: Vec<Choice> = found.iter().map(|point| Choice::new(&*point.meta.name, said(point))).collect();
    choices.extend(sets(world, claim, &found));
    let named = |volume: &crate::model::Pv| {
        volume.claim.as_ref().is_some_and(|of| {
            Some(&of.namespace) == claim.meta.namespace.as_ref()
                && of.name == claim.meta.name
                && of.uid != claim.meta.uid
        })
    };
    let kept = world.inventory.pvs.iter().filter(|volume| named(volume) && volume.reclaim == ReclaimPolicy::Retain);
    let mut kept: Vec<String> = kept.map(|volume| format!("{KEPT}{}", volume.meta.name)).collect();
    kept.sort();
    choices.extend(kept.into_iter().map(|value| Choice::new(value, "kept by an earlier restore")));
    let set = found.first().and_then(|newest| newest.meta.label(annotation::SET)).map(|id| format!("{SET}{id}"));
    let set = set.filter(|set| choices.iter().any(|choice| choice.value == *set));
    let first = set.or_else(|| choices.first().map(|choice| choice.value.clone()))?;
    Some(Sources { choices, first })
}

fn value(from: &From) -> String {
    match from {
        From::Snapshot(name) => name.clone(),
        From::Volume(name) => format!("{KEPT}{name}"),
        From::Set(id) => format!("{SET}{id}"),
    }
}

/// Reads what is restored from: the name of a restore point, `volume/NAME`, or `set/ID`.
///
/// # Errors
/// When it is no name.
pub fn from_text(text: &str) -> Result<From, String> {
    let (name, from): (&str, fn(String) -> From) = match (text.strip_prefix(KEPT), text.strip_prefix(SET)) {
        (Some(name), _) => (name, From::Volume),
        (None, Some(id)) => (id, From::Set),
        (None, None) => (text, From::Snapshot),
    };
    names::validate_name(name).map_err(|error| error.to_string())?;
    Ok(from(name.to_owned()))
}

/// Reads an image.
///
/// # Errors
/// When it is empty or holds what an image reference cannot.
pub fn image(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_/:@".contains(c);
    if text.is_empty() || !text.chars().all(fits) {
        return Err(format!("\"{}\" is not an image; write one such as {TRIAL_IMAGE}", text::sanitize(text)));
    }
    Ok(text.to_owned())
}

/// What a filled form chose, on top of what was chosen before.
///
/// # Errors
/// When an answer is not what the form would let pass.
pub fn options(filled: &Filled, before: &Options) -> Result<Options, String> {
    let within = |id: &str, before: Duration| filled.get(id).map_or(Ok(before), backup::deadline);
    Ok(Options {
        from: filled.get("from").map(from_text).transpose()?,
        reason: filled.get("reason").map(backup::reason).transpose()?,
        keep: within("keep", before.keep)?,
        stop_within: within("stop", before.stop_within)?,
        ready_within: within("ready", before.ready_within)?,
        not_replicated: filled.get("alone") == Some("yes"),
        accept_image_change: filled.get("images") == Some("yes"),
        ..before.clone()
    })
}

/// The command that makes the same choices for this claim on this context.
pub fn command(options: &Options, claim: &Pvc, context: &str) -> String {
    let defaults = Options::default();
    let mut words = vec!["holdfast".to_owned(), "restore-in-place".to_owned(), claim.meta.reference(Kind::Pvc).path()];
    let mut option = |name: &str, value: &str| {
        // A value that begins with a dash would be taken for an option.
        if value.starts_with('-') {
            words.push(format!("{name}={value}"));
        } else {
            words.extend([name.to_owned(), value.to_owned()]);
        }
    };
    match &options.from {
        Some(From::Snapshot(name)) => option("--from", name),
        Some(From::Volume(name)) => option("--from-volume", name),
        Some(From::Set(id)) => option("--set", id),
        None => {}
    }
    for (name, chosen) in [("--class", &options.class), ("--reason", &options.reason)] {
        if let Some(chosen) = chosen {
            option(name, chosen);
        }
    }
    if options.trial_image != defaults.trial_image {
        option("--trial-image", &options.trial_image);
    }
    for (name, chosen, default) in [
        ("--stage-within", options.stage_within, defaults.stage_within),
        ("--stop-within", options.stop_within, defaults.stop_within),
        ("--detach-within", options.detach_within, defaults.detach_within),
        ("--cut-within", options.cut_within, defaults.cut_within),
        ("--ready-within", options.ready_within, defaults.ready_within),
        ("--keep", options.keep, defaults.keep),
    ] {
        if chosen != default {
            option(name, &quantity::deadline(chosen));
        }
    }
    if !context.is_empty() {
        option("--context", context);
    }
    for (name, given) in [
        ("--not-replicated", options.not_replicated),
        ("--accept-image-change", options.accept_image_change),
        ("--gitops-paused", options.gitops_paused),
    ] {
        if given {
            words.push(name.to_owned());
        }
    }
    text::command_line(&words)
}
