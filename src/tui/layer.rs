//! What lies on the screen above the panes: a stack whose top has the keys. Plain data; `draw` shows it.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ratatui_textarea::TextArea;

use super::action::{ActionId, Argument, Availability};
use super::form::Form;
use super::logs::{LogsLayer, SourcesLayer};
use super::palette::Palette;
use super::rotation::RotationLayer;
use super::runs::{RunLayer, run_key};
use super::timeline::TimelineLayer;
use super::tree::TreeLayer;
use crate::model::{Key, Kind, ObjRef};
use crate::plan::{DryRun, Plan, Refusal};
use crate::runbook::history::{RunId, StepAt};
use crate::session::Desk;
use crate::view::{Detail, Fault, Filter, LineFilter, Pane, Problem};

macro_rules! places {
    ($($(#[$doc:meta])* $place:ident $name:literal $sort:ident,)*) => {
        /// Where the keys go; actions say in which places they apply.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Place { $($(#[$doc])* $place,)* }

        impl Place {
            /// Every place.
            pub const ALL: &'static [Place] = &[$(Place::$place,)*];

            /// Its name, for people.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$place => $name,)* }
            }

            /// What sort of place it is.
            pub const fn sort(self) -> Sort {
                match self { $(Self::$place => Sort::$sort,)* }
            }
        }
    };
}

/// What sort of place it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Shows something of the cluster or the console; takes the whole body, and one goes elsewhere from it.
    View,
    /// Is read and then closed; takes the whole body.
    Page,
    /// A list to choose from, upon what is beneath.
    Menu,
    /// A question upon what is beneath; it has nothing to move in.
    Dialog,
}

places! {
    /// The panes.
    Panes "panes" View,
    /// One object in full.
    Detail "one object" View,
    /// A tree of what hangs together.
    Tree "tree" View,
    /// Lanes over time.
    Timeline "timeline" View,
    /// How far the rotation of a CA has come.
    Rotation "CA rotation" View,
    /// The list of problems.
    Problems "problems" View,
    /// The list of operations.
    Operations "operations" View,
    /// One operation.
    Operation "one operation" View,
    /// The list of runs of runbooks.
    Runs "runs" View,
    /// One run of a runbook.
    Run "one run" View,
    /// What the console had to say.
    Notices "notices" View,
    /// Containers whose logs can be read.
    Sources "where logs are" View,
    /// The log of a container.
    Logs "logs" View,
    /// A plan to read.
    Review "review of a plan" Page,
    /// Why there is no plan.
    Refusal "no plan" Page,
    /// A text to read, such as YAML.
    Text "text" Page,
    /// Help.
    Help "help" Page,
    /// The action menu.
    Menu "action menu" Menu,
    /// The columns of a pane.
    Columns "columns" Menu,
    /// The answers are typed that a plan is made with.
    Form "form" Dialog,
    /// Text is typed: filter, command, confirmation.
    Typing "typing" Dialog,
    /// A question was asked of the cluster.
    Waiting "waiting for an answer" Dialog,
    /// Leave while an operation runs?
    Quit "leaving" Dialog,
}

impl Place {
    /// Whether letters are text there.
    pub fn typed(self) -> bool {
        matches!(self, Self::Typing | Self::Form)
    }
}

/// A list with a cursor that stays on its thing while the list changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// What it stands on; `None` follows the first row.
    pub key: Option<Key>,
    /// Where that was last.
    pub place: usize,
    /// The first row on screen.
    pub top: usize,
}

impl Cursor {
    /// Keeps the cursor on its thing, or near where that was, and on screen.
    pub fn settle(&mut self, found: Option<usize>, len: usize, height: usize) {
        self.place = match (&self.key, found) {
            (None, _) => 0,
            (Some(_), Some(place)) => place,
            (Some(_), None) => self.place.min(len.saturating_sub(1)),
        };
        let height = height.max(1);
        self.top = self.top.min(self.place).max((self.place + 1).saturating_sub(height));
        self.top = self.top.min(len.saturating_sub(height));
    }

    /// Scrolls to another first row; the cursor's place is then as near to where it was as it can be seen.
    pub fn scroll(&mut self, len: usize, height: usize, go: impl Fn(usize) -> usize) -> usize {
        let height = height.max(1);
        self.top = go(self.top).min(len.saturating_sub(height));
        self.place.clamp(self.top, self.top + height - 1)
    }
}

/// One layer.
#[derive(Clone, Debug)]
pub enum Layer {
    /// One object in full.
    Detail(Box<DetailLayer>),
    /// A tree of what hangs together.
    Tree(Box<TreeLayer>),
    /// Lanes over time.
    Timeline(Box<TimelineLayer>),
    /// How far the rotation of a CA has come.
    Rotation(Box<RotationLayer>),
    /// The list of problems.
    Problems(Box<ProblemsLayer>),
    /// The list of operations.
    Operations(Cursor),
    /// One operation, by its id.
    Operation(Arc<str>, usize),
    /// The list of runs of runbooks.
    Runs(Cursor),
    /// One run of a runbook.
    Run(Box<RunLayer>),
    /// What can be done with the selection, and which selection it was opened for.
    Menu(Vec<(ActionId, Availability)>, usize, Option<Key>),
    /// The columns of a pane, and the place of the cursor among them.
    Columns(Pane, usize),
    /// A filter is typed; what stood there before comes back on `esc`.
    Filter(Box<TextArea<'static>>, Filter),
    /// Containers whose logs can be read.
    Sources(Box<SourcesLayer>),
    /// The log of a container.
    Logs(Box<LogsLayer>),
    /// A filter for the lines of a log is typed; what stood there before comes back on `esc`.
    LineFilter(Box<TextArea<'static>>, LineFilter),
    /// A command is typed.
    Palette(Box<Palette>),
    /// Namespaces or a context are chosen.
    Pick(Box<Picker>),
    /// What a plan is to be made with is filled in.
    Form(Box<Form>),
    /// An answer is awaited: its number, and of what.
    Waiting(u64, Box<str>),
    /// A plan to read.
    Review(Box<Offer>, usize),
    /// Why there is no plan.
    Refusal(Box<Refusal>, usize),
    /// The names that prove the target are typed.
    Confirm(Box<Offer>, Box<Naming>),
    /// A text to read.
    Text(ObjRef, Vec<Box<str>>, usize),
    /// Help for a place.
    Help(Place, usize),
    /// What the console had to say.
    Notices(usize),
    /// Leave while an operation runs?
    Quit,
    /// Go to this context while an operation runs?
    Switch(Box<str>),
}

/// A list of values to choose from, narrowed by what is typed.
#[derive(Clone, Debug)]
pub struct Picker {
    /// Values of what.
    pub of: Argument,
    /// What is typed to narrow it.
    pub line: Box<TextArea<'static>>,
    /// Which line has the cursor.
    pub place: usize,
    /// What is marked, where several can be chosen.
    pub marks: BTreeSet<Box<str>>,
}

/// The names that confirm a plan, as they are typed one after the other.
#[derive(Clone, Debug)]
pub struct Naming {
    /// Those that were typed and match.
    pub done: Vec<String>,
    /// The one being typed.
    pub line: Box<TextArea<'static>>,
}

/// The list of problems.
#[derive(Clone, Debug, Default)]
pub struct ProblemsLayer {
    /// What passes the filters, in order; many that say the same are one line.
    pub lines: Vec<Problem>,
    /// How many problems there are.
    pub all: usize,
    /// How many of them pass the filters.
    pub passing: usize,
    /// Terms of its filter that restrict nothing.
    pub faults: Vec<Fault>,
    /// Where its cursor stands.
    pub cursor: Cursor,
    /// Gathered lines that were opened.
    pub open: BTreeSet<Key>,
}

/// One object in full, and the cursor on its links.
#[derive(Clone, Debug)]
pub struct DetailLayer {
    /// Which object.
    pub key: Key,
    /// Its sheet as of the last change; `None` when it is gone.
    pub sheet: Option<Detail>,
    /// The link under the cursor.
    pub link: usize,
    /// Lines of facts that are scrolled away.
    pub scroll: usize,
}

/// A plan that may be confirmed until its object changes.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The plan, exactly as it will run.
    pub plan: Plan,
    /// What the server said of it.
    pub dry_run: DryRun,
    /// The version of the object that was on screen when the plan was shown.
    pub version: Option<Box<str>>,
    /// When a key was last pressed on its confirmation.
    pub touched: Timestamp,
    /// Why it can no longer be confirmed.
    pub died: Option<Box<str>>,
    /// The step of a run that it is the plan of.
    pub of_run: Option<(RunId, StepAt)>,
}

impl Offer {
    /// How long a confirmation waits for the next key: what was read is then no longer what is there.
    pub const PATIENCE: SignedDuration = SignedDuration::from_mins(2);

    /// Why it is too old to be confirmed.
    pub fn expired(&self, now: Timestamp) -> Option<Box<str>> {
        let why = "no key was pressed for 2m, so what the plan says may be old; close this and plan again";
        (now.duration_since(self.touched) >= Self::PATIENCE).then(|| why.into())
    }
}

impl Layer {
    /// Where the keys go while it is on top.
    pub fn place(&self) -> Place {
        match self {
            Self::Detail(_) => Place::Detail,
            Self::Tree(_) => Place::Tree,
            Self::Timeline(_) => Place::Timeline,
            Self::Rotation(_) => Place::Rotation,
            Self::Problems(_) => Place::Problems,
            Self::Operations(_) => Place::Operations,
            Self::Operation(..) => Place::Operation,
            Self::Runs(_) => Place::Runs,
            Self::Run(_) => Place::Run,
            Self::Menu(..) => Place::Menu,
            Self::Columns(..) => Place::Columns,
            Self::Filter(..) | Self::LineFilter(..) | Self::Palette(_) | Self::Pick(_) | Self::Confirm(..) => {
                Place::Typing
            }
            Self::Sources(_) => Place::Sources,
            Self::Logs(_) => Place::Logs,
            Self::Form(_) => Place::Form,
            Self::Waiting(..) => Place::Waiting,
            Self::Review(..) => Place::Review,
            Self::Refusal(..) => Place::Refusal,
            Self::Text(..) => Place::Text,
            Self::Help(..) => Place::Help,
            Self::Notices(_) => Place::Notices,
            Self::Quit | Self::Switch(_) => Place::Quit,
        }
    }

    /// What `enter` does where text is typed.
    pub fn enter_says(&self) -> &'static str {
        match self {
            Self::Form(form) if form.list_open() => "choose",
            Self::Form(form) if form.in_lines() => "new line",
            Self::Form(form) if form.at_end() || !form.touched() => form.purpose.leads_to(),
            Self::Form(_) => "next field",
            _ => "accept",
        }
    }

    /// Whether it is a view one may want to come back to, rather than a question.
    pub fn view(&self) -> bool {
        self.place().sort() == Sort::View
    }

    /// Whether it takes the whole body.
    pub fn covers(&self) -> bool {
        matches!(self.place().sort(), Sort::View | Sort::Page)
    }

    /// What actions are about while it is on top; `None` when they are about what is beneath it.
    pub fn target(&self, desk: &Desk) -> Option<Option<Key>> {
        match self {
            Self::Detail(detail) => Some(Some(detail.key.clone())),
            Self::Tree(tree) => Some(tree.line().and_then(|line| line.object.clone())),
            Self::Timeline(timeline) => Some(timeline.lane().and_then(|lane| lane.object.clone())),
            Self::Problems(list) => {
                // A line that stands for many is no one thing to act on.
                let one = list.lines.get(list.cursor.place).filter(|problem| !problem.many());
                Some(one.map(|problem| match &problem.key {
                    // A rotation of a CA is about the CA.
                    // What threatens trust in the copies of a volume is about the volume.
                    Key::Place(Kind::Pvc, uid, _) => Key::Object(Kind::Pvc, uid.clone()),
                    Key::Place(Kind::TlsSecret, uid, _) => Key::Object(Kind::TlsSecret, uid.clone()),
                    key => key.clone(),
                }))
            }
            Self::Rotation(rotation) => Some(rotation.target(desk)),
            Self::Operations(cursor) => {
                let operation = desk.operations.get(cursor.place);
                Some(operation.map(|operation| Key::Operation(operation.id.clone())))
            }
            Self::Operation(id, _) => Some(Some(Key::Operation(id.clone()))),
            Self::Runs(cursor) => Some(desk.runs.get(cursor.place).map(run_key)),
            Self::Run(run) => Some(Some(Key::Run(run.id.as_str().into()))),
            _ => None,
        }
    }

    /// How far it is scrolled, where it is only read.
    pub fn scroll(&mut self) -> Option<&mut usize> {
        match self {
            Self::Operation(_, scroll)
            | Self::Review(_, scroll)
            | Self::Refusal(_, scroll)
            | Self::Text(_, _, scroll)
            | Self::Help(_, scroll)
            | Self::Notices(scroll) => Some(scroll),
            Self::Rotation(rotation) => Some(&mut rotation.scroll),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Uid;

    #[test]
    fn the_cursor_follows_its_thing_and_stays_near_when_it_goes() {
        let mut cursor = Cursor { key: Some(Key::Object(Kind::Pvc, Uid::from("a"))), place: 3, top: 0 };
        cursor.settle(Some(20), 50, 10);
        assert_eq!((cursor.place, cursor.top), (20, 11));
        cursor.settle(None, 5, 10);
        assert_eq!((cursor.place, cursor.top), (4, 0));
        cursor.key = None;
        cursor.settle(Some(2), 5, 10);
        assert_eq!(cursor.place, 0, "a cursor that was never moved stays at the top");
    }

    #[test]
    fn a_cursor_that_is_scrolled_away_stays_on_screen() {
        let mut cursor = Cursor { key: None, place: 2, top: 0 };
        assert_eq!((cursor.scroll(50, 10, |top| top + 1), cursor.top), (2, 1));
        assert_eq!((cursor.scroll(50, 10, |top| top + 3), cursor.top), (4, 4));
        cursor.place = 49;
        assert_eq!((cursor.scroll(50, 10, |top| top + 90), cursor.top), (49, 40), "the end is where the last row is");
        assert_eq!((cursor.scroll(50, 10, |_| 0), cursor.top), (9, 0));
        assert_eq!((cursor.scroll(3, 10, |top| top + 3), cursor.top), (9, 0), "what fits is not scrolled");
    }
}
