//! `holdfast drill`: proves that a restore point can be restored.

use super::args::{Drill, Global};
use super::restore::{KINDS, named};
use super::{Exit, Failure, open, verb};
use crate::plan::Request;
use crate::plan::drill::Options;
use crate::session::Unnamed;

pub(super) async fn run(global: &Global, drill: &Drill) -> Result<Exit, Failure> {
    let (namespace, name) = verb::parse_path(&drill.point, "a restore point is named NAMESPACE/SNAPSHOT")?;
    let global = verb::within(global, &namespace, &drill.point)?;
    let mut session = open::session(&global, KINDS, Unnamed::All)?;
    open::settle(&mut session, KINDS).await?;
    open::warn_of_blind_spots(&session, KINDS);
    let snapshot = named(&session, &namespace, &name)?;
    let defaults = Options::default();
    let options = Options {
        class: drill.class.clone(),
        image: drill.image.clone(),
        at_least: drill.at_least.unwrap_or(defaults.at_least),
        mounted_within: drill.mounted_within.unwrap_or(defaults.mounted_within),
        read_within: drill.read_within.unwrap_or(defaults.read_within),
    };
    let request = Request::Drill { snapshot, options };
    verb::carry_out(&mut session, request, &drill.consent, global.context.as_deref()).await
}
