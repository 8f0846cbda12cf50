//! The one registry of what a person can do: keys, key bar, help, palette and action menu are read from it.
//!
//! It says nothing about how an action is done; that is [`App`](super::App)'s.

use super::layer::{Place, Sort};
use crate::plan::Verb;
use crate::view::Pane;

/// What a person can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is documented in the registry")]
pub enum ActionId {
    Down,
    Up,
    Top,
    Bottom,
    HalfDown,
    HalfUp,
    PageDown,
    PageUp,
    Open,
    StepIn,
    StepOut,
    Back,
    Leave,
    LastView,
    NextPane,
    PreviousPane,
    Volumes,
    RestorePoints,
    Certificates,
    Findings,
    Group,
    Zoom,
    Filter,
    Pin,
    OnlyProblems,
    Sort,
    SortTurn,
    Columns,
    ToggleColumn,
    ResetColumns,
    ColumnsLeft,
    ColumnsRight,
    Mark,
    MarkRange,
    Unmark,
    Menu,
    Backup,
    Restore,
    Drill,
    Prune,
    Hold,
    Release,
    RestoreInPlace,
    Import,
    Sweep,
    Renew,
    Rotate,
    ImportCertificate,
    RotateCa,
    Rotation,
    Isolate,
    Rejoin,
    Runbook,
    GoOn,
    SkipStep,
    TryAgain,
    BreakGlass,
    Approve,
    Note,
    Runs,
    Probe,
    Triage,
    Resume,
    Stop,
    Undo,
    Proceed,
    Logs,
    NextField,
    PreviousField,
    Submit,
    CopyCommand,
    Yaml,
    Copy,
    Wrap,
    Stamps,
    Instance,
    Tree,
    Fold,
    Timeline,
    Earlier,
    Later,
    PanBack,
    PanOn,
    ZoomIn,
    ZoomOut,
    Now,
    Problems,
    Operations,
    Notices,
    Theme,
    Namespaces,
    Context,
    Palette,
    Help,
    Suspend,
    Quit,
}

impl ActionId {
    /// The action that begins with a verb.
    pub const fn of(verb: Verb) -> Self {
        match verb {
            Verb::Backup => Self::Backup,
            Verb::Restore => Self::Restore,
            Verb::Drill => Self::Drill,
            Verb::Undo => Self::Undo,
            Verb::Prune => Self::Prune,
            Verb::Hold => Self::Hold,
            Verb::Release => Self::Release,
            Verb::RestoreInPlace => Self::RestoreInPlace,
            Verb::Import => Self::Import,
            Verb::Sweep => Self::Sweep,
            Verb::Renew => Self::Renew,
            Verb::Rotate => Self::Rotate,
            Verb::RotateCa => Self::RotateCa,
            Verb::Isolate => Self::Isolate,
            Verb::Rejoin => Self::Rejoin,
        }
    }

    /// The verb that an action begins with.
    pub fn verb(self) -> Option<Verb> {
        Verb::ALL.iter().copied().find(|verb| Self::of(*verb) == self)
    }

    /// The action that goes to a pane.
    pub const fn to_pane(pane: Pane) -> Self {
        match pane {
            Pane::Volumes => Self::Volumes,
            Pane::RestorePoints => Self::RestorePoints,
            Pane::Certificates => Self::Certificates,
            Pane::Findings => Self::Findings,
        }
    }
}

/// What an action does to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Risk {
    /// Nothing.
    None,
    /// It leads to writes, after a review and a typed confirmation.
    Writes,
}

/// What an action takes after its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Namespaces, one or several.
    Namespaces,
    /// A kubeconfig context.
    Context,
    /// A theme.
    Theme,
    /// A column of the pane.
    Column,
    /// What findings are put together by.
    Group,
    /// A runbook: one that comes along, or a file.
    Runbook,
}

impl Argument {
    /// How it is written in help, after the action's name.
    pub const fn placeholder(self) -> &'static str {
        match self {
            Self::Namespaces => "NAME…",
            Self::Context | Self::Theme | Self::Runbook => "NAME",
            Self::Column => "COLUMN",
            Self::Group => "WORD",
        }
    }

    /// Whether it can be several values, separated by spaces or commas.
    pub const fn several(self) -> bool {
        matches!(self, Self::Namespaces)
    }
}

/// Whether an action can be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// It can.
    Enabled,
    /// It cannot, and why, in words that say what would help.
    Disabled(Box<str>),
}

/// One entry of the registry.
#[derive(Debug)]
pub struct Action {
    /// Which one.
    pub id: ActionId,
    /// Its name as a command: `:name`.
    pub name: &'static str,
    /// Other names of the command, the one to show first.
    pub aliases: &'static [&'static str],
    /// What the command takes after its name.
    pub argument: Option<Argument>,
    /// What the key bar says.
    pub short: &'static str,
    /// What it does, in a sentence.
    pub doc: &'static str,
    /// Its own keys, the one to show first; which count is the [`Keymap`](super::Keymap)'s.
    pub keys: &'static [&'static str],
    /// Where it applies.
    pub places: Where,
    /// Its letter in the action menu.
    pub menu: Option<char>,
    /// Where it stands in the key bar; zero is not shown there.
    pub bar: u8,
    /// What it does to the cluster.
    pub risk: Risk,
}

impl Action {
    /// The entry of an action.
    pub fn of(id: ActionId) -> &'static Action {
        let found = ACTIONS.iter().find(|action| action.id == id);
        // The registry's test proves that every id has an entry.
        found.unwrap_or(&ACTIONS[0])
    }

    /// Whether it applies in a place.
    pub fn applies(&self, place: Place) -> bool {
        self.places.holds(place)
    }
}

/// In which places an action applies.
#[derive(Clone, Copy, Debug)]
pub enum Where {
    /// Wherever keys are actions, not text.
    Everywhere,
    /// Where there is something to move in.
    Rows,
    /// In views.
    Views,
    /// Only there.
    In(&'static [Place]),
    /// As the first says, but not there: these places need its key for something of their own.
    But(&'static Where, &'static [Place]),
}

impl Where {
    fn holds(self, place: Place) -> bool {
        match self {
            Self::Everywhere => !place.typed(),
            Self::Rows => place.sort() != Sort::Dialog,
            Self::Views => place.sort() == Sort::View,
            Self::In(places) => places.contains(&place),
            Self::But(places, not) => places.holds(place) && !not.contains(&place),
        }
    }
}

const EVERYWHERE: Where = Where::Everywhere;
const ROWS: Where = Where::Rows;
const VIEWS: Where = Where::Views;
const PANES: Where = Where::In(&[Place::Panes]);
const FILTERED: Where = Where::In(&[Place::Panes, Place::Problems, Place::Logs]);
const OBJECTS: Where = Where::In(&[Place::Panes, Place::Detail, Place::Problems, Place::Tree, Place::Rotation]);
const BEGINS: Where =
    Where::In(&[Place::Panes, Place::Detail, Place::Problems, Place::Tree, Place::Rotation, Place::Runs]);
const RUN: Where = Where::In(&[Place::Runs, Place::Run]);
const TAKEN_UP: Where = Where::In(&[Place::Operations, Place::Operation, Place::Runs, Place::Run]);
const GROWING: Where =
    Where::In(&[Place::Panes, Place::Detail, Place::Problems, Place::Tree, Place::Timeline, Place::Rotation]);
const OPENING: Where = Where::In(&[
    Place::Panes,
    Place::Detail,
    Place::Problems,
    Place::Operations,
    Place::Operation,
    Place::Runs,
    Place::Run,
    Place::Menu,
    Place::Sources,
    Place::Tree,
    Place::Timeline,
]);
const STEPPING: Where = Where::But(&OPENING, &[Place::Timeline]);
const OUTWARD: Where = Where::But(&EVERYWHERE, &[Place::Timeline]);
const LAST_VIEW: Where = Where::But(&VIEWS, &[Place::Timeline]);
const TREE: Where = Where::In(&[Place::Tree]);
const TIMELINE: Where = Where::In(&[Place::Timeline]);
const OPERATION: Where = Where::In(&[Place::Operations, Place::Operation]);
const ACTED_ON: Where = Where::In(&[
    Place::Panes,
    Place::Detail,
    Place::Problems,
    Place::Operations,
    Place::Operation,
    Place::Runs,
    Place::Run,
    Place::Tree,
    Place::Rotation,
]);
const COPIED: Where = Where::In(&[
    Place::Panes,
    Place::Detail,
    Place::Problems,
    Place::Operations,
    Place::Operation,
    Place::Runs,
    Place::Run,
    Place::Logs,
    Place::Tree,
    Place::Rotation,
]);
const LOGS: Where = Where::In(&[Place::Logs]);
const LISTS: Where = Where::In(&[Place::Panes, Place::Problems]);
const COLUMNS: Where = Where::In(&[Place::Columns]);
const REVIEW: Where = Where::In(&[Place::Review]);
const FORM: Where = Where::In(&[Place::Form]);
const COMMANDS: Where = Where::In(&[Place::Form, Place::Review]);

macro_rules! actions {
    ($($id:ident $name:literal $short:literal [$($key:literal)*] $places:ident bar $bar:literal menu $menu:expr; $risk:ident $doc:literal
        $(, also $($alias:literal)+)? $(, takes $argument:ident)?
    )*) => {
        /// Every action.
        pub const ACTIONS: &[Action] = &[$(Action {
            id: ActionId::$id, name: $name, short: $short, doc: $doc, keys: &[$($key),*], places: $places,
            menu: $menu, bar: $bar, risk: Risk::$risk, aliases: &[$($($alias),+)?],
            argument: [$(Some(Argument::$argument),)? None][0],
        },)*];
    };
}

actions! {
    Open "open" "open" ["enter"] OPENING bar 1 menu None; None
        "Open the selected row: everything known of it and what it is linked to"
    Proceed "proceed" "to confirmation" ["enter"] REVIEW bar 1 menu None; None
        "Go on to the confirmation, where the name of the object is typed"
    Down "down" "down" ["j" "down"] ROWS bar 0 menu None; None "Move down"
    Up "up" "up" ["k" "up"] ROWS bar 0 menu None; None "Move up"
    Top "top" "top" ["g" "home"] ROWS bar 0 menu None; None "Move to the first row"
    Bottom "bottom" "bottom" ["G" "end"] ROWS bar 0 menu None; None "Move to the last row"
    HalfDown "half-down" "half page down" ["ctrl-d"] ROWS bar 0 menu None; None "Move half a page down"
    HalfUp "half-up" "half page up" ["ctrl-u"] ROWS bar 0 menu None; None "Move half a page up"
    PageDown "page-down" "page down" ["pgdn" "ctrl-f"] ROWS bar 0 menu None; None "Move a page down"
    PageUp "page-up" "page up" ["pgup" "ctrl-b"] ROWS bar 0 menu None; None "Move a page up"
    Menu "actions" "actions" ["x"] ACTED_ON bar 2 menu None; None
        "List what can be done with the selection, and why something cannot"
    Filter "filter" "filter" ["/"] FILTERED bar 3 menu None; None
        "Show only rows that match: word, !word, state:breached, capacity>100Gi, age<2h, label:tier=gold; all must hold"
    Pin "pin" "pin filter" ["P"] LISTS bar 0 menu None; None
        "Let the filter hold in every pane and in the problems, or take that away; also `:pin FILTER`"
    Wrap "wrap" "wrap" ["w"] LOGS bar 4 menu None; None "Let long lines go on below, or cut them"
    Stamps "timestamps" "times" ["t"] LOGS bar 4 menu None; None "Show when each line was written, or leave it out"
    Instance "instance" "instance" ["i"] LOGS bar 4 menu None; None
        "Read the instance of the container before the present one, or the present one again"
    Problems "problems" "problems" ["p"] VIEWS bar 4 menu None; None
        "One list of everything that needs a person, the worst first, with what to do next"
    NextPane "next-pane" "pane" ["tab"] PANES bar 5 menu None; None "Go to the next pane"
    PreviousPane "previous-pane" "pane back" ["shift-tab"] PANES bar 0 menu None; None "Go to the pane before"
    Volumes "volumes" "volumes" ["1"] VIEWS bar 0 menu None; None "Go to the volumes", also "pvc" "vol"
    RestorePoints "restore-points" "restore points" ["2"] VIEWS bar 0 menu None; None "Go to the restore points", also "snap"
    Certificates "certificates" "certificates" ["3"] VIEWS bar 0 menu None; None "Go to the certificates", also "cert"
    Findings "findings" "findings" ["4"] VIEWS bar 0 menu None; None "Go to the findings"
    Sort "sort" "sort" ["s"] PANES bar 6 menu None; None
        "Sort by the next column, or by the one that is named; after the last, the worst first again", takes Column
    SortTurn "sort-turn" "turn sort" ["S"] PANES bar 0 menu None; None "Turn the sort order around"
    Columns "columns" "columns" [] PANES bar 0 menu None; None "Choose which columns of this pane are shown"
    ToggleColumn "toggle-column" "show or take off" ["space" "enter"] COLUMNS bar 1 menu None; None
        "Show the column, or take it off"
    ResetColumns "reset-columns" "show all" ["r"] COLUMNS bar 2 menu None; None "Show every column again"
    ColumnsRight "columns-right" "more columns" [">"] PANES bar 0 menu None; None
        "Scroll to the columns on the right; state and name stay"
    ColumnsLeft "columns-left" "columns back" ["<"] PANES bar 0 menu None; None "Scroll back to the columns on the left"
    OnlyProblems "only-problems" "problems only" ["!"] PANES bar 0 menu None; None
        "Leave out rows that are fine, or show them again"
    Group "group" "group" ["b"] PANES bar 0 menu None; None
        "Put the findings together by workload, rule or file, or by what is named; after the last, one below the other again", takes Group
    Zoom "zoom" "zoom" ["z"] PANES bar 7 menu None; None "Give the whole screen to this pane, or give it back"
    Mark "mark" "mark" ["space"] PANES bar 0 menu None; None "Mark the row, or take the mark away"
    MarkRange "mark-range" "mark range" ["ctrl-space"] PANES bar 0 menu None; None
        "Mark every row from the last marked one to this one"
    Unmark "unmark" "unmark all" ["u"] PANES bar 0 menu None; None "Take all marks of this pane away, hidden ones too"
    Backup "backup" "back up" [] OBJECTS bar 0 menu Some('b'); Writes
        "Take a snapshot of the selected volume: what can be chosen, a plan to read, then a typed confirmation"
    Restore "restore" "restore" [] OBJECTS bar 0 menu Some('v'); Writes
        "Make a new volume from the selected restore point, beside the original"
    Drill "drill" "drill" [] OBJECTS bar 0 menu Some('d'); Writes
        "Prove that the restore point can be restored: in a namespace that goes again"
    Prune "prune" "prune" [] OBJECTS bar 0 menu Some('p'); Writes
        "Delete the copies of the selected volume that no rule keeps: each with its reason, then a typed confirmation"
    Hold "hold" "hold" [] OBJECTS bar 0 menu Some('h'); Writes
        "Keep the selected restore point from being deleted, with a reason and an end"
    Release "release" "release" [] OBJECTS bar 0 menu Some('e'); Writes
        "Take the hold from the selected restore point"
    RestoreInPlace "restore-in-place" "restore in place" [] OBJECTS bar 0 menu Some('i'); Writes
        "Give the selected volume the data of a restore point under its own name: stops its pods, keeps what is there"
    Import "import" "import" [] OBJECTS bar 0 menu Some('m'); Writes
        "Make a restore point of a bundle that `holdfast export` wrote, in the namespace of the selection"
    Sweep "sweep" "sweep" [] OBJECTS bar 0 menu Some('w'); Writes
        "Delete what operations of the selection's namespace left behind: each with its reason, then a typed confirmation"
    Renew "renew" "renew" [] OBJECTS bar 0 menu Some('n'); Writes
        "Have cert-manager issue the selected certificate anew, and restart what would go on with the former one"
    Rotate "rotate" "rotate" [] OBJECTS bar 0 menu Some('f'); Writes
        "Give the selected TLS Secret, which nobody else renews, a new certificate like the present one"
    ImportCertificate "import-certificate" "import certificate" [] OBJECTS bar 0 menu Some('a'); Writes
        "Give the selected TLS Secret a certificate that you have: pasted with its private key, which is not shown, or from files"
    RotateCa "rotate-ca" "rotate CA" [] OBJECTS bar 0 menu Some('A'); Writes
        "Put another CA in the place of the selected one: what comes next of it, or what has to be waited for"
    Isolate "isolate" "isolate" [] OBJECTS bar 0 menu Some('I'); Writes
        "Contain the workload of the selected volume or finding: a NetworkPolicy denies its pods all traffic that is not named"
    Rejoin "rejoin" "rejoin" [] OBJECTS bar 0 menu Some('R'); Writes
        "Let the workload of the selection rejoin: the NetworkPolicy that contains it is deleted"
    Rotation "ca-rotation" "CA rotation" [] OBJECTS bar 0 menu Some('z'); None
        "How far the rotation of the selected CA has come: its gates, what has not converged, what comes next", also "ca"
    Probe "served" "served?" [] OBJECTS bar 0 menu Some('t'); None
        "Shake hands with each pod that uses the certificate, and say whether it serves the stored one"
    Triage "triage" "triage" ["D"] OBJECTS bar 0 menu Some('D'); None
        "Decide on the selected finding, or on all that are marked: what it is worth, why, and until when", also "decide"
    Runbook "runbook" "runbook…" [] BEGINS bar 0 menu Some('B'); Writes
        "Begin a runbook: its parameters begin with the selection; `:runbook FILE` for one of your own", takes Runbook
    GoOn "go-on" "go on" [] RUN bar 0 menu Some('O'); Writes
        "Do what the step asks: say what came of it, choose, or read and confirm its plan"
    SkipStep "skip" "skip" [] RUN bar 0 menu Some('S'); Writes
        "Skip the step that the run is at, with a reason"
    TryAgain "try-again" "try again" [] RUN bar 0 menu Some('T'); Writes
        "Try the step that failed again", also "retry"
    BreakGlass "break-glass" "break glass" [] RUN bar 0 menu Some('X'); Writes
        "Go on without a second person's approval, with a reason that is kept"
    Approve "approve" "approve" [] RUN bar 0 menu Some('P'); Writes
        "Agree to the step of a run that somebody else began, under your own name"
    Note "note" "note" [] RUN bar 0 menu Some('N'); Writes "Note something in the run"
    Resume "resume" "resume" [] TAKEN_UP bar 0 menu Some('r'); Writes
        "Take up the selected operation or run where its journal ends"
    Stop "stop" "stop" [] TAKEN_UP bar 0 menu Some('s'); Writes
        "Stop it after the step under way, what it still owes is done; end a run, with a reason"
    Undo "undo" "undo" [] OPERATION bar 0 menu Some('u'); Writes
        "Take back what the selected operation did: a plan to read, then a typed confirmation"
    Logs "logs" "logs" ["l"] OBJECTS bar 8 menu Some('l'); None
        "Read the logs about the selection; `:logs 15m` for 15 minutes"
    NextField "next-field" "next field" ["tab"] FORM bar 1 menu None; None "Go to the next field of the form"
    PreviousField "previous-field" "field before" ["shift-tab"] FORM bar 0 menu None; None
        "Go to the field before"
    Submit "submit" "plan" ["ctrl-s" "alt-enter"] FORM bar 2 menu None; None
        "Make the plan, or decide, with what the form says; a wrong answer gets the keys instead"
    CopyCommand "copy-command" "copy command" ["ctrl-y"] COMMANDS bar 3 menu None; None
        "Copy the command that would do the same to the clipboard (OSC 52)"
    Yaml "yaml" "yaml" ["y"] OBJECTS bar 8 menu Some('y'); None "Read the selected object from the API server, as YAML"
    Copy "copy" "copy" ["c"] COPIED bar 0 menu Some('c'); None
        "Copy the selection's name, marked names, or log lines (OSC 52)"
    Operations "operations" "operations" ["o"] VIEWS bar 0 menu None; None "List the operations of this console", also "ops"
    Runs "runs" "runs" ["R"] VIEWS bar 0 menu Some('U'); None "List the runs of runbooks, of this console and of others"
    Notices "notices" "notices" ["N"] VIEWS bar 0 menu None; None "List what the console had to say, the newest first"
    Tree "tree" "tree" ["t"] GROWING bar 13 menu None; None
        "Everything that the selected object hangs on and that hangs on it, as a tree"
    Fold "fold" "fold" ["space"] TREE bar 3 menu None; None "Fold the branch, or open it again"
    Timeline "timeline" "timeline" ["T"] VIEWS bar 14 menu None; None
        "Copies, objective, expiry and plans over time: of the selection, of the worst, or `:timeline NAMESPACE`"
    Earlier "earlier" "earlier" ["left"] TIMELINE bar 2 menu None; None "Move the cursor back in time"
    Later "later" "later" ["right"] TIMELINE bar 3 menu None; None "Move the cursor on in time"
    PanBack "pan-back" "pan back" ["h"] TIMELINE bar 4 menu None; None "Show an earlier part of the timeline"
    PanOn "pan-on" "pan on" ["l"] TIMELINE bar 5 menu None; None "Show a later part of the timeline"
    ZoomIn "zoom-in" "zoom in" ["+" "="] TIMELINE bar 6 menu None; None "Show less time, and more of it"
    ZoomOut "zoom-out" "zoom out" ["-"] TIMELINE bar 6 menu None; None "Show more time"
    Now "now" "now" ["0"] TIMELINE bar 6 menu None; None "Go back to now"
    LastView "last-view" "last view" ["-"] LAST_VIEW bar 0 menu None; None "Go back to the view before this one, and back again"
    Theme "theme" "theme" [] VIEWS bar 0 menu None; None "Change the colours", takes Theme
    Namespaces "namespace" "namespaces" ["n"] VIEWS bar 0 menu None; None
        "Choose which namespaces are looked at; `all` is every one", also "ns", takes Namespaces
    Context "context" "contexts" ["C"] VIEWS bar 0 menu None; None
        "Go to another cluster of the kubeconfig; asks when an operation runs", also "ctx", takes Context
    Palette "command" "command" [":"] VIEWS bar 9 menu None; None "Type the name of an action"
    Help "help" "help" ["?"] EVERYWHERE bar 10 menu None; None "What can be done on this screen", also "h"
    StepIn "step-in" "step in" ["right"] STEPPING bar 0 menu None; None
        "Open the row; in a tree open the branch, or go on to what is below it"
    StepOut "step-out" "step out" ["left"] OUTWARD bar 0 menu None; None
        "Close this; in a tree fold the branch, or go back to what it is below"
    Back "back" "back" ["esc"] EVERYWHERE bar 11 menu None; None
        "Close this, or take away the filter, then the marks; never the pinned filter, never leaves the console"
    Leave "leave" "quit" ["q"] EVERYWHERE bar 12 menu None; None "Close this, or leave the console; asks when an operation runs"
    Suspend "suspend" "suspend" ["ctrl-z"] EVERYWHERE bar 0 menu None; None
        "Stop the console and give the terminal back to the shell, whose `fg` brings it back; not while an operation runs"
    Quit "quit" "quit" ["ctrl-c"] EVERYWHERE bar 0 menu None; None "Leave the console; asks when an operation runs", also "q"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_menu_letters_are_unique_and_everything_is_documented() {
        let (mut names, mut letters, mut ids) = (HashSet::new(), HashSet::new(), HashSet::new());
        for action in ACTIONS {
            assert!(names.insert(action.name) && ids.insert(action.id), "{} is there twice", action.name);
            for alias in action.aliases {
                assert!(names.insert(alias), "{alias} is there twice");
                assert!(alias.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{alias}");
            }
            assert!(action.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{}", action.name);
            assert!(action.doc.len() > 5 && !action.short.is_empty(), "{}", action.name);
            assert_eq!(Action::of(action.id).name, action.name);
            assert!(Place::ALL.iter().any(|place| action.applies(*place)), "{} is nowhere", action.name);
            if let Some(letter) = action.menu {
                assert!(letters.insert(letter), "{letter} is there twice");
                let moves = ["j", "k", "g", "G", "q", "x"];
                assert!(!moves.contains(&letter.to_string().as_str()), "{letter} moves in the menu");
            }
        }
    }

    #[test]
    fn nothing_that_writes_has_a_key_of_its_own() {
        for action in ACTIONS.iter().filter(|action| action.risk == Risk::Writes) {
            assert!(action.keys.is_empty() && action.menu.is_some(), "{}", action.name);
        }
    }
}
