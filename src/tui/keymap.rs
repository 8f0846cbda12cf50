//! Which key does what: the registry's own keys and those of the configuration, in one table.
//!
//! A table that could surprise is not made: a key does one thing in one place, what writes needs ctrl held, and the
//! way back and the way out keep a key. Everything that reads a key or names one asks this table.

use std::collections::HashMap;

use crossterm::event::KeyCode;

use super::action::{ACTIONS, Action, ActionId, Risk};
use super::keys::Chord;
use super::layer::Place;
use crate::config::{KeySetting, Mistake, Written};
use crate::text::{list, nearest};

/// The keys of one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Which action.
    pub id: ActionId,
    /// Its keys, the one to show first.
    pub keys: Vec<Chord>,
    /// Whether the configuration gave them.
    pub changed: bool,
}

/// Which key does what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap(Vec<Binding>);

/// The registry's own keys.
impl Default for Keymap {
    fn default() -> Self {
        // The registry's test proves that all of its keys can be read.
        let keys = |action: &Action| action.keys.iter().filter_map(|key| Chord::parse(key).ok()).collect();
        let binding = |action: &Action| Binding { id: action.id, keys: keys(action), changed: false };
        Self(ACTIONS.iter().map(binding).collect())
    }
}

/// Where the configuration gave a key to an action.
type Given<'a> = HashMap<(ActionId, Chord), &'a Written>;

impl Keymap {
    /// The registry's keys with those of the configuration in their place.
    ///
    /// # Errors
    /// With everything that is wrong and where: unknown actions, texts that are no keys, keys that would do two
    /// things in one place, writes on a bare key, no way back or out.
    pub fn of(settings: &[KeySetting]) -> Result<Self, Vec<Mistake>> {
        let mut keymap = Self::default();
        let (mut given, mut mistakes) = (Given::new(), Vec::new());
        for setting in settings {
            let named = |action: &&Action| action.name == setting.action.text;
            let Some(action) = ACTIONS.iter().find(named) else {
                mistakes.push(unknown(&setting.action));
                continue;
            };
            let (keys, wrong) = read(action, setting, &mut given);
            mistakes.extend(wrong);
            if let Some(binding) = keymap.0.iter_mut().find(|binding| binding.id == action.id) {
                *binding = Binding { id: action.id, changed: !same(action, &keys), keys };
            }
        }
        mistakes.extend(keymap.conflicts(&given));
        mistakes.extend(keymap.no_way(settings));
        mistakes.sort();
        if mistakes.is_empty() { Ok(keymap) } else { Err(mistakes) }
    }

    /// The keys of every action, in the registry's order.
    pub fn bindings(&self) -> &[Binding] {
        &self.0
    }

    /// The keys of an action, the one to show first.
    pub fn keys(&self, id: ActionId) -> &[Chord] {
        self.0.iter().find(|binding| binding.id == id).map_or(&[], |binding| &binding.keys)
    }

    /// The key to show for the first of these actions that has one.
    pub fn key(&self, ids: &[ActionId]) -> Option<Chord> {
        ids.iter().find_map(|id| self.keys(*id).first().copied())
    }

    /// How a person gets to an action, to be named in a text: its key, its letter in the action menu, its name.
    pub fn way(&self, id: ActionId) -> String {
        let by_menu = || Some(format!("{} {}", self.key(&[ActionId::Menu])?, Action::of(id).menu?));
        let key = self.key(&[id]).map(|key| key.to_string());
        key.or_else(by_menu).unwrap_or_else(|| format!(":{}", Action::of(id).name))
    }

    /// The action that a key means in a place. Alt and shift count only where they mean something.
    pub fn bound(&self, chord: Chord, place: Place) -> Option<&'static Action> {
        let exactly = |chord: Chord| {
            let bindings = self.0.iter().filter(|binding| binding.keys.contains(&chord));
            bindings.map(|binding| Action::of(binding.id)).find(|action| action.applies(place))
        };
        exactly(chord).or_else(|| exactly(chord.loose()))
    }

    /// Keys of the configuration that would do two things in one place. The registry's own do not.
    fn conflicts(&self, given: &Given) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for (binding, chord) in self.0.iter().flat_map(|binding| binding.keys.iter().map(move |key| (binding, *key))) {
            let Some(written) = given.get(&(binding.id, chord)) else { continue };
            let action = Action::of(binding.id);
            if let Some(letter) = menu_letter(chord).filter(|_| action.applies(Place::Menu)) {
                let what = format!("chooses {} in the action menu, where {} applies too", letter.name, action.name);
                mistakes.push(taken(written, &what));
            }
            for other in self.0.iter().filter(|other| other.id != binding.id && other.keys.contains(&chord)) {
                // Of two that the configuration gave, the later one is told.
                let earlier = given.get(&(other.id, chord)).is_none_or(|other| other.at < written.at);
                let other = Action::of(other.id);
                let both = |place: &&Place| action.applies(**place) && other.applies(**place);
                let places: Vec<&str> = Place::ALL.iter().filter(both).map(|place| place.name()).collect();
                if earlier && !places.is_empty() {
                    mistakes.push(taken(written, &format!("is the key of {} too, on {}", other.name, list(&places))));
                }
            }
        }
        mistakes
    }

    /// Where the configuration takes the last key for going back or out away.
    fn no_way(&self, settings: &[KeySetting]) -> Vec<Mistake> {
        let ways: [(&[ActionId], &str); 2] = [
            (&[ActionId::Back], "back needs a key: nothing could be closed without it"),
            (&[ActionId::Leave, ActionId::Quit], "leave or quit needs a key: there would be no way out"),
        ];
        let mut mistakes = Vec::new();
        for (ids, what) in ways.into_iter().filter(|(ids, _)| self.key(ids).is_none()) {
            let of = |setting: &&KeySetting| ids.iter().any(|id| Action::of(*id).name == setting.action.text);
            // A key that cannot be read is a mistake of its own.
            let emptied = settings.iter().filter(|setting| setting.keys.is_empty()).find(of);
            mistakes.extend(emptied.map(|setting| Mistake { at: setting.action.at.clone(), what: what.to_owned() }));
        }
        mistakes
    }
}

/// The keys that a setting gives an action, and what is wrong with the others.
fn read<'a>(action: &Action, setting: &'a KeySetting, given: &mut Given<'a>) -> (Vec<Chord>, Vec<Mistake>) {
    let (mut keys, mut mistakes) = (Vec::new(), Vec::new());
    for written in &setting.keys {
        let mut wrong = |what: String| mistakes.push(Mistake { at: written.at.clone(), what });
        match Chord::parse(&written.text) {
            Err(error) => wrong(error.to_string()),
            Ok(chord) if action.risk == Risk::Writes && bare(chord) => wrong(format!(
                "{} writes to the cluster and {chord} is too easily pressed; hold ctrl with a letter other than d, h \
                 and j, as in ctrl-{}",
                action.name,
                action.menu.unwrap_or('x'),
            )),
            Ok(chord) if action.applies(Place::Form) && text(chord) => wrong(format!(
                "{chord} is text while a form is filled in; hold ctrl or alt, or take another key for {}",
                action.name
            )),
            Ok(chord) if keys.contains(&chord) => {}
            Ok(chord) => {
                given.insert((action.id, chord), written);
                keys.push(chord);
            }
        }
    }
    (keys, mistakes)
}

/// Whether a key is pressed without meaning it: anything without ctrl (alt is what terminals make of `esc` and a key
/// after it), and what is half a page down, a backspace, or the end of a pasted line.
fn bare(chord: Chord) -> bool {
    !chord.ctrl || ['d', 'h', 'j'].contains(&chord.loose().code.as_char().unwrap_or_default())
}

/// Whether a key is part of what is typed, or always means the same while something is.
fn text(chord: Chord) -> bool {
    let held = chord.ctrl || chord.alt;
    !held && matches!(chord.code, KeyCode::Char(_) | KeyCode::Enter | KeyCode::Esc)
}

fn same(action: &Action, keys: &[Chord]) -> bool {
    action.keys.iter().map(|key| Chord::parse(key).ok()).eq(keys.iter().map(|key| Some(*key)))
}

/// The action that a key chooses in the action menu.
fn menu_letter(chord: Chord) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.menu.is_some_and(|letter| Chord::letter(letter) == chord))
}

fn taken(written: &Written, what: &str) -> Mistake {
    Mistake { at: written.at.clone(), what: format!("{} {what}; give one of them another key", written.text) }
}

fn unknown(action: &Written) -> Mistake {
    let near = nearest(&action.text, ACTIONS.iter().map(|action| action.name));
    let instead = near.map_or_else(|| "`holdfast keys` lists them".to_owned(), |near| format!("did you mean {near}?"));
    Mistake { at: action.at.clone(), what: format!("there is no action \"{}\"; {instead}", action.text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Reading;
    use proptest::prelude::*;
    use rstest::rstest;
    use std::path::Path;

    fn keymap(keys: &str) -> Result<Keymap, Vec<Mistake>> {
        Keymap::of(&Reading::of(&format!("[keys]\n{keys}"), Path::new("c.toml")).keys)
    }

    fn bound(keymap: &Keymap, key: &str, place: Place) -> Option<&'static str> {
        keymap.bound(Chord::parse(key).unwrap(), place).map(|action| action.name)
    }

    /// What holds of every keymap there can be.
    fn hold(keymap: &Keymap) {
        for place in Place::ALL {
            let mut seen: HashMap<Chord, &str> = HashMap::new();
            for binding in keymap.bindings().iter().filter(|binding| Action::of(binding.id).applies(*place)) {
                let action = Action::of(binding.id);
                for chord in &binding.keys {
                    if let Some(other) = seen.insert(*chord, action.name) {
                        panic!("{place:?}: {chord} is {other} and {}", action.name);
                    }
                    assert!(*place != Place::Menu || menu_letter(*chord).is_none(), "{chord} chooses and moves");
                    assert!(action.risk == Risk::None || !bare(*chord), "{} is on {chord}", action.name);
                }
            }
        }
        assert!(keymap.key(&[ActionId::Back]).is_some() && keymap.key(&[ActionId::Leave, ActionId::Quit]).is_some());
    }

    #[test]
    fn the_registry_makes_a_keymap_with_every_key_it_names() {
        let keymap = Keymap::default();
        hold(&keymap);
        for (binding, action) in keymap.bindings().iter().zip(ACTIONS) {
            let keys: Vec<String> = binding.keys.iter().map(ToString::to_string).collect();
            assert_eq!(keys, action.keys, "{}: not read as written", action.name);
            assert!(!binding.changed);
        }
        let ctrl_d = Place::ALL.iter().filter_map(|place| bound(&keymap, "ctrl-d", *place));
        assert!(ctrl_d.into_iter().all(|name| name == "half-down"));
    }

    #[test]
    fn keys_of_the_configuration_replace_those_of_the_action() {
        let keymap = keymap("problems = ['f2', 'alt-p']\nfilter = ['p']\nyaml = []\nbackup = ['ctrl-k']").unwrap();
        hold(&keymap);
        assert_eq!(bound(&keymap, "f2", Place::Panes), Some("problems"));
        assert_eq!(bound(&keymap, "alt-p", Place::Panes), Some("problems"));
        assert_eq!(bound(&keymap, "p", Place::Panes), Some("filter"));
        assert_eq!(bound(&keymap, "p", Place::Detail), None);
        assert_eq!(bound(&keymap, "/", Place::Panes), None);
        assert_eq!(bound(&keymap, "y", Place::Panes), None);
        let ways = [ActionId::Problems, ActionId::Yaml, ActionId::Backup, ActionId::Resume, ActionId::Theme];
        assert_eq!(ways.map(|id| keymap.way(id)), ["f2", "x y", "ctrl-k", "x r", ":theme"]);
        let changed = keymap.bindings().iter().filter(|binding| binding.changed).count();
        assert_eq!(changed, 4);
    }

    #[test]
    fn saying_what_holds_anyway_changes_nothing() {
        assert_eq!(keymap("problems = ['p']\ndown = ['j', 'down', 'j']").unwrap(), Keymap::default());
    }

    #[test]
    fn alt_and_shift_count_only_where_they_mean_something() {
        let own = Keymap::default();
        assert_eq!(bound(&own, "alt-p", Place::Panes), Some("problems"), "esc and p in one go");
        assert_eq!(bound(&own, "shift-down", Place::Panes), Some("down"));
        let changed = keymap("problems = ['p']\nzoom = ['alt-p']\ntop = ['shift-up']").unwrap();
        assert_eq!(bound(&changed, "alt-p", Place::Panes), Some("zoom"));
        assert_eq!(bound(&changed, "shift-up", Place::Panes), Some("top"));
        let held = keymap("backup = ['ctrl-k']").unwrap();
        assert_eq!(bound(&held, "k", Place::Panes), Some("up"), "ctrl is never left out");
        assert_eq!(bound(&held, "alt-k", Place::Panes), Some("up"));
    }

    #[rstest]
    #[case("problem = ['p']", "2:1: there is no action \"problem\"; did you mean problems?")]
    #[case("fly = ['p']", "2:1: there is no action \"fly\"; `holdfast keys` lists them")]
    #[case("problems = ['p', 'F2']", "2:18: \"F2\" is not a key; did you mean f2?")]
    #[case(
        "problems = ['/']",
        "2:13: / is the key of filter too, on panes, problems and logs; give one of them another key"
    )]
    #[case("zoom = ['f5']\nsort = ['f5']", "3:9: f5 is the key of zoom too, on panes; give one of them another key")]
    #[case(
        "yaml = ['o']",
        "2:9: o is the key of operations too, on panes, one object, tree, CA rotation and problems; give one of them another key"
    )]
    #[case(
        "down = ['v']",
        "2:9: v chooses restore in the action menu, where down applies too; give one of them another key"
    )]
    #[case(
        "backup = ['b']",
        "2:11: backup writes to the cluster and b is too easily pressed; hold ctrl with a letter other than d, h and \
         j, as in ctrl-b"
    )]
    #[case(
        "stop = ['alt-s']",
        "2:9: stop writes to the cluster and alt-s is too easily pressed; hold ctrl with a letter other than d, h and \
         j, as in ctrl-s"
    )]
    #[case(
        "half-down = []\nresume = ['ctrl-d']",
        "3:11: resume writes to the cluster and ctrl-d is too easily pressed; hold ctrl with a letter other than d, h \
         and j, as in ctrl-r"
    )]
    #[case(
        "submit = ['s']",
        "2:11: s is text while a form is filled in; hold ctrl or alt, or take another key for submit"
    )]
    #[case("back = []", "2:1: back needs a key: nothing could be closed without it")]
    #[case("quit = []\nleave = []", "2:1: leave or quit needs a key: there would be no way out")]
    fn a_keymap_that_could_surprise_is_not_made(#[case] keys: &str, #[case] said: &str) {
        let mistakes = keymap(keys).unwrap_err();
        let said_of: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        assert_eq!(said_of, [format!("c.toml:{said}")]);
    }

    #[test]
    fn every_mistake_is_told_in_the_order_of_the_file() {
        let mistakes = keymap("zoom = ['zz']\nfly = []\nbackup = ['b']\nback = []").unwrap_err();
        let lines: Vec<String> = mistakes.iter().map(|mistake| mistake.to_string()[7..8].to_owned()).collect();
        assert_eq!(lines, ["2", "3", "4", "5"]);
    }

    /// Notations that conflict easily, and some that are none.
    fn notation() -> impl Strategy<Value = String> {
        let held = prop::sample::select(vec!["", "", "ctrl-", "alt-", "ctrl-alt-", "shift-"]);
        let key = prop::sample::select(vec!["b", "d", "h", "j", "k", "r", "s", "x", "q", "f3", "enter", "esc", "tab"]);
        (held, key).prop_map(|(held, key)| format!("{held}{key}"))
    }

    proptest! {
        #[test]
        fn no_configuration_makes_a_keymap_that_could_surprise(
            table in prop::collection::btree_map(
                prop::sample::select(ACTIONS.iter().map(|action| action.name).collect::<Vec<_>>()),
                prop::collection::vec(notation(), 0..3),
                0..6,
            )
        ) {
            let lines: Vec<String> = table.iter().map(|(action, keys)| format!("{action} = {keys:?}")).collect();
            let written = lines.join("\n");
            if let Ok(keymap) = keymap(&written) {
                hold(&keymap);
                for place in Place::ALL {
                    for key in ["b", "r", "s", "x", "enter", "f3", "alt-b", "alt-r", "ctrl-d"] {
                        let action = keymap.bound(Chord::parse(key).unwrap(), *place);
                        prop_assert!(action.is_none_or(|action| action.risk == Risk::None), "{} on {}", written, key);
                    }
                }
            }
        }
    }
}
