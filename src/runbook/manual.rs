//! Procedures written down for people: what a team keeps in its wiki, as Markdown.
//!
//! Each says when it is for, what has to hold before, what is done in which order and what proves each step, how it goes
//! back, and what to do when it is stuck.

use std::fmt::Write;

use crate::assess::succession::Phase;

/// One procedure.
#[derive(Clone, Copy, Debug)]
pub struct Manual {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it does, in a line.
    pub title: &'static str,
    /// When it is for.
    when: &'static str,
    /// What has to hold before.
    before: &'static [&'static str],
    /// How it is begun, and asked for.
    commands: &'static [(&'static str, &'static str)],
    /// What is done, and what proves it.
    steps: fn() -> Vec<(String, &'static str)>,
    /// How it goes back.
    back: &'static [&'static str],
    /// What to do when it is stuck.
    stuck: &'static [(&'static str, &'static str)],
}

/// Every procedure.
pub const MANUALS: &[Manual] = &[RENEW, ROTATE, ROTATE_CA, REISSUE];

const RENEW: Manual = Manual {
    name: "renew",
    title: "Have cert-manager issue a certificate anew",
    when: "A Certificate of cert-manager ends soon, missed its renewal, or its key may be known.",
    before: &[
        "Its issuer is ready, and no issuance is under way.",
        "Exactly one Certificate writes the Secret.",
        "With an ACME issuer: the rate limits leave room for one more.",
    ],
    commands: &[
        ("holdfast renew NAMESPACE/CERTIFICATE --dry-run", "read the plan"),
        ("holdfast renew NAMESPACE/CERTIFICATE", "carry it out"),
        ("holdfast probe NAMESPACE/SECRET", "see what every pod serves"),
    ],
    steps: || {
        of(&[
            ("note revision and fingerprint", "both are in the journal"),
            ("set the condition Issuing, as `cmctl renew` does", "cert-manager takes it up"),
            (
                "wait for the next revision",
                "`status.revision` is one higher and Issuing is gone; `Ready` alone proves nothing",
            ),
            ("see the Secret", "it holds another certificate, and the key belongs to it"),
            ("replace one pod of what cannot see that", "the one in its place is ready and serves the new certificate"),
            ("restart what cannot see that", "every pod is replaced and none from before is left"),
            ("shake hands with every ready pod", "each serves the new certificate"),
        ])
    },
    back: &["It does not go back: cert-manager replaces an older certificate that is put into the Secret, at once."],
    stuck: &[
        (
            "The request is pending",
            "read its reason in the plan or in `holdfast get certificates`: mend the issuer, then renew again",
        ),
        ("The issuer's Secret is missing or broken", "put the CA back; the former certificate goes on being served"),
        ("A pod serves the former certificate", "its program does not reload: renew again with `--restart all`"),
    ],
};

const ROTATE: Manual = Manual {
    name: "rotate",
    title: "Give a TLS Secret that nobody renews a new certificate",
    when: "A certificate in a TLS Secret ends soon or its key may be known, and neither cert-manager nor anything else renews it.",
    before: &[
        "Nothing else writes the Secret, or it is paused (`--managed-elsewhere`).",
        "Its clients trust the CA that will sign; a certificate that signs itself is trusted by whoever has it pinned.",
    ],
    commands: &[
        ("holdfast rotate NAMESPACE/SECRET --dry-run", "read the plan"),
        ("holdfast rotate NAMESPACE/SECRET", "sign it by the CA that signed the present one"),
        (
            "holdfast rotate NAMESPACE/SECRET --certificate FILE --private-key FILE",
            "take a certificate that was issued elsewhere",
        ),
        ("holdfast rotate NAMESPACE/SECRET --compromised", "the key is known: nothing goes back to it"),
    ],
    steps: || {
        of(&[
            (
                "make the new key and certificate in a Secret of its own",
                "openssl and rustls would take it; every name is there",
            ),
            ("keep the present one in another Secret", "it is there, and cannot be changed"),
            ("where API servers pin it, add the new one", "the caBundle holds both"),
            ("store certificate, key and CAs in one write", "the Secret holds it, and the key belongs to it"),
            ("replace one pod of what cannot see that", "the one in its place is ready and serves the new certificate"),
            ("restart what cannot see that", "every pod is replaced and none from before is left"),
            ("shake hands with every ready pod", "each serves the new certificate"),
            ("where API servers pin it, take the former one out", "the caBundle holds the new one alone"),
        ])
    },
    back: &[
        "When a step fails everything goes back by itself.",
        "Later: `holdfast operations undo ID`, while the Secret still holds what it was given and the former certificate holds.",
        "With `--compromised` nothing goes back: the old certificate stays valid until it ends unless clients check revocation.",
    ],
    stuck: &[
        ("A pod serves the former certificate", "its program does not reload: rotate again with `--restart all`"),
        ("Something writes the Secret back", "find out who with the plan's warnings; pause it, then rotate again"),
    ],
};

const ROTATE_CA: Manual = Manual {
    name: "rotate-ca",
    title: "Put another CA in the place of one, with both trusted meanwhile",
    when: "A CA whose key is in a TLS Secret ends before its leaves' next renewals, or its key may be known.",
    before: &[
        "The CA signs itself. An intermediate is replaced by having its root sign another one.",
        "Somebody knows who trusts it outside of the cluster: phones, partners, other clusters, laptops.",
        "No other rotation of what it signed is under way.",
    ],
    commands: &[
        ("holdfast rotate-ca NAMESPACE/SECRET --status", "see how far it has come and what has not converged"),
        (
            "holdfast rotate-ca NAMESPACE/SECRET",
            "do what comes next, again and again until something has to be waited for",
        ),
        ("holdfast rotate-ca NAMESPACE/SECRET --once", "do one step and no more"),
        ("holdfast rotate-ca NAMESPACE/SECRET --attest TEXT", "answer for what cannot be seen from here"),
    ],
    steps: || Phase::ALL.into_iter().map(phase).collect(),
    back: &[
        "Until the former CA is dropped everything can go back, because it stays trusted: `holdfast operations undo ID` takes \
         a phase back while nothing that came later stands on it.",
        "Dropping is taken back by itself when somebody cannot start with the new CA alone, and later by its undo, while the \
         former CA's Secret is there.",
        "Once the former CA's Secret is deleted there is no way back.",
    ],
    stuck: &[
        (
            "A pod does not converge",
            "it is named by `--status`; what nothing makes anew has to be started anew by whoever made it",
        ),
        (
            "A store cannot be written here",
            "add the new CA where it is written down (a chart, a Bundle of trust-manager, a keystore); it is seen once it is there",
        ),
        (
            "The key is known to others",
            "go the same way with `--soak 0s`; whoever still trusts the former CA alone is refused early",
        ),
    ],
};

const REISSUE: Manual = Manual {
    name: super::bulk::NAME,
    title: "Issue many certificates anew, one first, the first failure stopping all",
    when: "Many certificates have something in common that has to go: an issuer, a kind of key, a machine that was broken into.",
    before: &[
        "The filter matches what is meant, and nothing else: `holdfast get certificates --filter TEXT`.",
        "Who signs is ready; with an ACME issuer the rate limits leave room for all of them.",
        "No CA is among them: a CA is rotated by a procedure of its own (`rotate-ca`).",
    ],
    commands: &[
        (
            "holdfast reissue --filter TEXT --dry-run",
            "see which, in which order, what is left out and why, and the plan of the first",
        ),
        ("holdfast reissue --filter TEXT", "confirm their number, and carry it out"),
        ("holdfast reissue --filter TEXT --since TIME", "go on with one that stopped; it printed the line"),
        ("holdfast reissue --filter TEXT --since TIME --status", "see how far it has come"),
    ],
    steps: || {
        of(&[
            ("plan each, and shake hands with who serves it", "what is refused is left out, with its reason"),
            ("confirm all of them", "their number was typed, and on a protected context its name"),
            (
                "**wave 1**: one, which the fewest use of those that are seen to be served; of what is restarted for it one pod \
                 goes before the others",
                "it was issued since, and every server that answers shows the new one; then `go on` is typed",
            ),
            ("**wave 2**: one more", "the same"),
            (
                "**wave 3** and later: a batch (`--batch`, 10 % of all), one after the other",
                "the same of each, and those of the wave before are still served",
            ),
        ])
    },
    back: &[
        "Each is an operation of its own: what goes back of it says `renew` or `rotate`.",
        "The journal of each says who confirmed the procedure, its wave and its place.",
    ],
    stuck: &[
        ("One failed", "mend what it says, then go on with the line that was printed: what is done stays done"),
        (
            "One was issued and a pod serves the former one",
            "start that pod anew, or go on with `--restart all`; nothing more is issued before that",
        ),
        ("It was interrupted", "`holdfast operations resume ID` first, then the line that goes on"),
    ],
};

fn of(steps: &[(&'static str, &'static str)]) -> Vec<(String, &'static str)> {
    steps.iter().map(|(what, proof)| ((*what).to_owned(), *proof)).collect()
}

/// What is done in a phase, and its gate.
fn phase(phase: Phase) -> (String, &'static str) {
    let does = match phase {
        Phase::Make => "make the new CA, with a key and a name of its own, beside the former one",
        Phase::Trust => "add it to every ConfigMap, Secret and caBundle that holds the former one",
        Phase::Stores => "have it added where Holdfast cannot write, or answer for that with `--attest`",
        Phase::Start => "restart every workload that reads one of those, one after the other",
        Phase::Switch => "let CA issuers sign with the new one",
        Phase::Reissue => {
            "issue every certificate anew, the one that the fewest pods use first; stop at the first that fails"
        }
        Phase::Prove => "shake hands with every server of them",
        Phase::Soak => "wait (`--soak`, 24h)",
        Phase::Outside => "answer with `--attest` for those outside of the cluster",
        Phase::Drop => "take the former CA out of every store, and restart who reads them",
        Phase::Retire => "delete the former CA's Secret, with its key",
    };
    (format!("**{}**: {does}", phase.word()), phase.says())
}

/// The procedure of a name.
pub fn find(name: &str) -> Option<&'static Manual> {
    MANUALS.iter().find(|manual| manual.name == name)
}

impl Manual {
    /// The command lines in it.
    pub fn commands(&self) -> impl Iterator<Item = &'static str> {
        self.commands.iter().map(|(command, _)| *command)
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let mut out = format!("# {}\n\n{}\n\n## Before\n\n", self.title, self.when);
        // Writing to a String does not fail.
        let mut line = |text: String| {
            let _ = writeln!(out, "{text}");
        };
        self.before.iter().for_each(|before| line(format!("- [ ] {before}")));
        line("\n## Commands\n\n| command | what for |\n|---|---|".to_owned());
        self.commands.iter().for_each(|(command, what)| line(format!("| `{command}` | {what} |")));
        line("\n## Steps\n\n| | what | it is done when |\n|---|---|---|".to_owned());
        for (number, (what, proof)) in (self.steps)().into_iter().enumerate() {
            line(format!("| {} | {what} | {proof} |", number + 1));
        }
        line("\nA plan is shown before anything is written, and has to be confirmed by what is typed; every step is in the journal \
              (`holdfast operations show ID`).\n\n## Back\n"
            .to_owned());
        self.back.iter().for_each(|back| line(format!("- {back}")));
        line("\n## When it is stuck\n\n| what | what to do |\n|---|---|".to_owned());
        self.stuck.iter().for_each(|(what, then)| line(format!("| {what} | {then} |")));
        out
    }
}
