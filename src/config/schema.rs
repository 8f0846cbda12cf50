//! The one registry of settings: what a configuration file may say.
//!
//! Reading, checking, the commented file of `holdfast config init` and the README's table all come from here; tests
//! hold it to the structures that the settings end in. What a value may look like is its [`Shape`]'s.

use super::shape::Shape;

/// What holds when a setting is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Without {
    /// This value, as TOML.
    Value(&'static str),
    /// No value; what follows from that.
    Nothing(&'static str),
    /// It cannot be left out.
    Required,
}

/// One entry of the registry.
#[derive(Debug)]
pub struct Setting {
    /// The names of the tables it stands in and its own, joined by dots. `NAME` and `ACTION` stand for any name; `[]`
    /// behind a name says that there may be several such tables.
    pub path: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// What it does, in sentences.
    pub doc: &'static str,
    /// What holds when it is left out.
    pub without: Without,
    /// A value to learn from, as TOML.
    pub example: &'static str,
}

impl Setting {
    /// The parts of its path.
    pub fn parts(&self) -> impl Iterator<Item = &'static str> {
        self.path.split('.')
    }
}

macro_rules! settings {
    ($($path:literal $shape:ident $without:ident $(($value:literal))? like $example:literal; $doc:literal)*) => {
        /// Every setting, in the order in which a file is written.
        pub const SETTINGS: &[Setting] = &[$(Setting {
            path: $path, shape: Shape::$shape, doc: $doc, without: Without::$without $(($value))?, example: $example,
        },)*];
    };
}

settings! {
    "theme" Text Nothing("dark or ansi, as the terminal can show them, and mono where `$NO_COLOR` is set") like "\"dark\"";
        "The colours of the console; `:theme` tries them all."
    "mouse" Flag Value("true") like "false";
        "Whether the console listens to the mouse. With false the terminal keeps it, to select text."
    "bell" Flag Value("false") like "true";
        "Whether the terminal's bell rings with what the console has to say: an operation ended, the connection was lost \
         or came back, a marked or just backed up volume became critical."
    "policy_file" File Nothing("there are no policies beside the rules below") like "\"holdfast.yaml\"";
        "The policy file, YAML: which volumes are backed up when, which of their copies stay, how much may be lost. A \
         name that does not begin with / is one beside this file. `holdfast policy schema` says what may stand in it."
    "runbooks" File Nothing("there are no runbooks but those that come with the program, and files that you name") like "\"runbooks\"";
        "A folder whose *.yaml are runbooks of your own: `holdfast runbook list` lists them, and each is begun by the name \
         that stands in it. A name that does not begin with / is one beside this file."
    "findings.sources[].path" File Required like "\"/srv/sarif\"";
        "A directory whose SARIF files, and those in directories below it, are read and watched; or one file. A name \
         that does not begin with / is one beside this file."
    "findings.sources[].trusted" Flag Value("false") like "true";
        "Whether only your pipeline can write there. What lies elsewhere warns, and never proves that a copy is good."
    "findings.configmaps[].namespace" Namespace Required like "\"ci\"";
        "A namespace in which ConfigMaps with the label `holdfast.dev/sarif` hold SARIF, under keys that end in .sarif, \
         .sarif.json or .sarif.gz. They are watched by the console and by `known-good`."
    "findings.configmaps[].trusted" Flag Value("false") like "true";
        "Whether only your pipeline can write ConfigMaps there, in every cluster that you look at. What lies elsewhere \
         warns, and never proves that a copy is good."
    "findings.registries[].host" Registry Required like "\"registry.example:5000\"";
        "A registry, as names of images begin with it: it is asked for SARIF attached to the digests of its images that \
         run, by the console and by `known-good`. No other registry is ever asked. Docker Hub is docker.io."
    "findings.registries[].trusted" Flag Value("false") like "true";
        "Whether only your pipeline can push there. What lies elsewhere warns, and never proves that a copy is good."
    "findings.registries[].insecure" Flag Value("false") like "true";
        "Whether it is asked over plain HTTP. No login is sent that way."
    "findings.registries[].ca" File Nothing("the system's certificate authorities") like "\"/etc/ssl/registry-ca.pem\"";
        "PEM file of the certificate authorities that it, and where it sends on to, is checked against. A name that \
         does not begin with / is one beside this file."
    "findings.registries[].auth" Login Nothing("it is asked without a login") like "\"docker\"";
        "Where its login is taken from: docker, for `auths` of docker's config.json. Helpers are not asked. It is sent \
         to that host alone."
    "findings.links" File Nothing("findings are tied to workloads by what scans, images and pods say alone") like "\"links.toml\"";
        "The links file, TOML: how findings belong to workloads where nothing else says so, bands that you set, times of \
         compromise. A name that does not begin with / is one beside this file. `holdfast links check` reads it."
    "findings.concern" Band Value("\"high\"") like "\"medium\"";
        "How bad a finding has to be to make copies of the data suspicious: critical, high, medium, low or info."
    "findings.shared" File Nothing("decisions on findings stay in the state directory of this machine") like "\"triage\"";
        "A folder, such as one of a git repository, in which you and others keep what was decided on findings: it is \
         watched, and what you decide is written there. It has to be there, and whoever can write there decides. A name that does not begin with / is one \
         beside this file."
    "findings.author" Text Nothing("your name on this machine, `$USER`") like "\"ada\"";
        "Who decides on findings, as it stands in what is written down."
    "keys.ACTION" Keys Nothing("the key that `holdfast keys` lists") like "[\"p\", \"f2\"]";
        "The keys of an action, in place of its own; an empty list takes them all away. `holdfast keys` lists actions \
         and keys. What writes to a cluster needs ctrl held."
    "policy.default_rpo" Objective Nothing("a volume that no rule matches has no objective") like "\"24h\"";
        "How old the last good copy of a volume may be: a duration, or none to opt out. A volume's own annotation \
         `holdfast.dev/rpo` comes first, then the first rule that matches, then this."
    "policy.rules[].namespace" Namespaces Nothing("every namespace") like "\"shop*\"";
        "The namespaces that the rule is for: a name, or how names begin, followed by *."
    "policy.rules[].labels" Labels Nothing("every volume") like "{ tier = \"gold\" }";
        "Labels that a claim must carry for the rule."
    "policy.rules[].rpo" Objective Required like "\"1h\"";
        "The objective of the volumes that the rule matches."
    "deadlines.cut" Duration Value("\"2m\"") like "\"90s\"";
        "How long a backup waits until the snapshot is cut."
    "deadlines.ready" Duration Value("\"10m\"") like "\"1h\"";
        "How long a backup waits until the snapshot can be restored from."
    "deadlines.lock" Duration Value("\"30s\"") like "\"1m\"";
        "How long an operation holds the data that it works on when its console stops renewing that: after this, another \
         one may take it over."
    "journal.keep" Duration Value("\"400d\"") like "\"90d\"";
        "How long the journal of an operation is kept after its end. One that is open, was interrupted, or left \
         something that can still be taken back stays however old it is."
    "contexts.NAME.read_only" Flag Value("false") like "true";
        "Never write to this cluster, whatever the command line says."
    "contexts.NAME.protected" Flag Value("false") like "true";
        "A confirmation on this cluster takes the context's name and then the object's; --yes takes --context NAME too."
    "contexts.NAME.prometheus" Url Nothing("how full volumes are is Unknown")
        like "\"https://prometheus.example:9090\"";
        "The Prometheus that scrapes this cluster's kubelets: how full volumes are comes from there. The base address, \
         without user name or password."
    "contexts.NAME.prometheus_ca" File Nothing("the system's certificate authorities") like "\"/etc/ssl/monitoring-ca.pem\"";
        "PEM file of the certificate authorities that an https Prometheus is checked against. A name that does not begin \
         with / is one beside this file."
}

/// What stands below a table under some name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Below {
    /// A setting.
    Setting(&'static Setting),
    /// A table; its part of the path.
    Table(&'static str),
    /// Several tables; their part of the path.
    Tables(&'static str),
}

/// What the registry has under a name in a table.
pub(super) fn below(table: &[&str], name: &str) -> Option<Below> {
    entries(table).find_map(|(setting, part, last)| match part.strip_suffix("[]") {
        Some(plain) => (plain == name).then_some(Below::Tables(part)),
        None if part != name && !any(part) => None,
        None if last => Some(Below::Setting(setting)),
        None => Some(Below::Table(part)),
    })
}

/// The names that a table may have; none where any name may stand.
pub(super) fn names(table: &[&str]) -> Vec<&'static str> {
    let mut names: Vec<&str> = entries(table).map(|(_, part, _)| part.trim_end_matches("[]")).collect();
    names.dedup();
    names.retain(|name| !any(name));
    names
}

/// The settings that a table cannot be without.
pub(super) fn required(table: &[&str]) -> Vec<&'static Setting> {
    let required = |setting: &&Setting| setting.without == Without::Required;
    entries(table).filter(|(.., last)| *last).map(|(setting, ..)| setting).filter(required).collect()
}

/// Whether a part of a path stands for any name.
pub(super) fn any(part: &str) -> bool {
    part.chars().all(|c| c.is_ascii_uppercase())
}

/// The settings in and below a table, each with the part of its path that comes next, and whether that is the last.
fn entries(table: &[&str]) -> impl Iterator<Item = (&'static Setting, &'static str, bool)> {
    SETTINGS.iter().filter_map(move |setting| {
        let mut parts = setting.parts();
        let inside = table.iter().all(|part| parts.next() == Some(*part));
        let next = parts.next().filter(|_| inside)?;
        Some((setting, next, parts.next().is_none()))
    })
}
