//! Arguments of `rbac`.

use crate::plan::rights::Feature;
use crate::view::rbac::Subject;

/// Arguments of `rbac`. With --namespace, given once or several times, what is in namespaces is granted in these alone.
#[derive(Debug, clap::Args)]
pub struct Rbac {
    /// For an operator: looking, and all that verbs write. Without it looking alone; with --read-only
    /// it is refused.
    #[arg(long)]
    pub operator: bool,
    /// Only for these verbs: backup, hooks, restore, restore-in-place, drill, prune, hold, import, sweep, probe, renew,
    /// rotate, rotate-ca, isolate. A release needs what a hold needs, a reissue what a renewal needs, a reconcile
    /// backup,prune,drill, and taking back what the verb itself needs.
    #[arg(long = "for", value_name = "VERB,…", value_delimiter = ',', value_parser = feature, requires = "operator")]
    pub features: Vec<Feature>,
    /// Secrets are looked at, too: all certificates are seen, and whoever has this role may read every key.
    #[arg(long)]
    pub with_secrets: bool,
    /// Name of the roles and bindings; left out, holdfast-read-only or holdfast-operator.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub name: Option<String>,
    /// Bind them to this user; may be given several times, as may the others.
    #[arg(long, value_name = "NAME")]
    pub user: Vec<String>,
    /// Bind them to this group.
    #[arg(long, value_name = "NAME")]
    pub group: Vec<String>,
    /// Bind them to this service account.
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = account)]
    pub service_account: Vec<Subject>,
}

fn feature(text: &str) -> Result<Feature, String> {
    let names = || Feature::ALL.iter().map(|feature| feature.name()).collect::<Vec<_>>().join(", ");
    let found = Feature::ALL.iter().find(|feature| feature.name() == text);
    found.copied().ok_or_else(|| format!("there are rights for {}", names()))
}

fn name(text: &str) -> Result<String, String> {
    crate::text::names::validate_name(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

fn account(text: &str) -> Result<Subject, String> {
    let (namespace, account) = text.split_once('/').ok_or("write NAMESPACE/NAME")?;
    crate::text::names::validate_namespace(namespace).map_err(|error| error.to_string())?;
    Ok(Subject::Account(namespace.to_owned(), name(account)?))
}
