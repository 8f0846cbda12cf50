//! `holdfast rbac`: prints the rights that it takes, for those who grant them.

use super::args::{Global, Rbac};
use super::{Exit, Failure, out};
use crate::plan::rights::Feature;
use crate::text::names;
use crate::view::rbac::{Subject, Wanted, manifests};

pub(super) fn run(global: &Global, asked: Rbac) -> Result<Exit, Failure> {
    for namespace in &global.namespace {
        names::validate_namespace(namespace).map_err(|error| Failure::new(Exit::Usage, error))?;
    }
    if global.read_only && asked.operator {
        let said = "--read-only (or HOLDFAST_READ_ONLY) and --operator exclude each other: the one is for looking alone, the \
                    other for all that verbs write";
        return Err(Failure::new(Exit::Usage, said));
    }
    let features = match (asked.operator, asked.features.as_slice()) {
        (false, _) => Vec::new(),
        (true, []) => Feature::ALL.to_vec(),
        (true, named) => named.to_vec(),
    };
    let users = asked.user.into_iter().map(Subject::User);
    let groups = asked.group.into_iter().map(Subject::Group);
    let wanted = Wanted {
        features,
        secrets: asked.with_secrets,
        namespaces: global.namespace.clone(),
        name: asked.name,
        subjects: users.chain(groups).chain(asked.service_account).collect(),
    };
    out::print(manifests(&wanted))?;
    Ok(Exit::Fine)
}
