//! What a person chooses before a prune is planned: as a form, and as options of the command line.

use super::Options;
use crate::model::{Bucket, Keep, Kind, Pvc, Uid, World};
use crate::plan::{Field, FieldKind, Filled, FormSpec};
use crate::text;

/// The form for a prune of this claim's copies, beginning with `defaults`; `None` when the claim is gone.
pub fn form(world: &World, claim: &Uid, defaults: &Options) -> Option<FormSpec> {
    let claim = world.inventory.pvcs.get(claim)?;
    let policy = world.policies.policy(&claim.meta).filter(|policy| !policy.keep.is_empty());
    let minimum = defaults.minimum.or_else(|| world.policies.policy(&claim.meta).map(|policy| policy.minimum));
    let ruled = policy.map_or_else(
        || "No policy says which copies of this volume stay.".to_owned(),
        |policy| format!("Left empty, policy {} says it: {}.", policy.name, policy.keep.said()),
    );
    let fields = vec![
        Field::new("keep", "Keep", FieldKind::Text)
            .says(format!(
                "Rules such as last 3, hourly 24, daily 7, weekly 4, monthly 12, yearly 2, within 2d: a copy stays \
                 when one of them keeps it. Days are those of UTC. {ruled}"
            ))
            .begins(defaults.keep.as_ref().map(Keep::said))
            .optional_when(policy.is_some())
            .checked(|answer| Keep::parse(answer).map(drop)),
        Field::new("minimum", "At least", FieldKind::Number(1..=10_000))
            .says("So many good copies stay whatever the rules say.")
            .begins(minimum.unwrap_or(1).to_string()),
        Field::new("storage", "Also storage", FieldKind::YesNo)
            .says(
                "Whether copies whose deletionPolicy is Retain go too: the policy is set to Delete first, so that \
                 nothing is left in storage. Without this they stay.",
            )
            .begins(defaults.also_storage),
    ];
    let title = format!("prune copies of volume {}", claim.meta.reference(Kind::Pvc).path());
    Some(FormSpec { title, fields })
}

/// What a filled form chose.
///
/// # Errors
/// When an answer is not what the form would let pass.
pub fn options(filled: &Filled) -> Result<Options, String> {
    let minimum = filled.get("minimum").map(|text| text.parse().map_err(|_| format!("{text} is no number")));
    Ok(Options {
        keep: filled.get("keep").map(Keep::parse).transpose()?,
        minimum: minimum.transpose()?,
        also_storage: filled.get("storage") == Some("yes"),
    })
}

/// The command that makes the same choices for this claim on this context.
pub fn command(options: &Options, claim: &Pvc, context: &str) -> String {
    let mut words = vec!["holdfast".to_owned(), "prune".to_owned(), claim.meta.reference(Kind::Pvc).path()];
    let mut option = |name: &str, value: String| words.extend([name.to_owned(), value]);
    if let Some(keep) = &options.keep {
        for (bucket, count) in Bucket::ALL.into_iter().filter_map(|bucket| Some((bucket, keep.count(bucket)?))) {
            option(&format!("--keep-{}", bucket.word()), count.word());
        }
        if let Some(within) = keep.span() {
            option("--keep-within", text::quantity::span(within));
        }
        if let Some(zone) = keep.zone().iana_name().filter(|zone| *zone != "UTC") {
            option("--time-zone", zone.to_owned());
        }
    }
    if let Some(minimum) = options.minimum {
        option("--minimum", minimum.to_string());
    }
    if options.also_storage {
        words.push("--also-storage".to_owned());
    }
    if !context.is_empty() {
        words.extend(["--context".to_owned(), context.to_owned()]);
    }
    text::command_line(&words)
}
