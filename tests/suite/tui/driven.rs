//! Presses keys, uses the mouse and reads the screen.

use std::time::{Duration, Instant};

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use holdfast::session::Desk;
use holdfast::tui::{App, Chord, Effect, Input, Mouse, Spots, Theme, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

/// A console on a desk, driven by keys.
pub struct Driven {
    pub app: App,
    pub desk: Desk,
    pub effects: Vec<Effect>,
    size: (u16, u16),
    mouse: Mouse,
    clock: Instant,
}

impl Driven {
    pub fn new(desk: Desk, columns: u16, lines: u16) -> Self {
        let app = App::new(Theme::named("dark").unwrap(), columns, lines);
        let (mouse, clock) = (Mouse::default(), Instant::now());
        let mut driven = Self { app, desk, effects: Vec::new(), size: (columns, lines), mouse, clock };
        driven.input(Input::Changed);
        driven
    }

    pub fn input(&mut self, input: Input) {
        let effects = self.app.handle(&self.desk, input);
        self.effects.extend(effects);
    }

    /// Presses keys, separated by spaces; a word that is no key is typed letter by letter.
    pub fn press(&mut self, keys: &str) -> &mut Self {
        for word in keys.split_whitespace() {
            let name = word.strip_prefix('<').and_then(|word| word.strip_suffix('>')).unwrap_or(word);
            match Chord::parse(name) {
                Ok(chord) => self.input(Input::Key(chord.event())),
                Err(_) => {
                    for letter in word.chars() {
                        let chord = Chord::parse(&letter.to_string()).unwrap();
                        self.input(Input::Key(chord.event()));
                    }
                }
            }
        }
        self
    }

    /// Takes from the effects why plans that were read are not run.
    pub fn aborted(&mut self) -> Vec<String> {
        let aborted = self.effects.extract_if(.., |effect| matches!(effect, Effect::Abort(..)));
        let why = |effect| if let Effect::Abort(_, why) = effect { Some(why) } else { None };
        aborted.filter_map(why).collect()
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, columns: u16, lines: u16) -> &mut Self {
        self.size = (columns, lines);
        self.app.resize(&self.desk, columns, lines);
        self
    }

    /// Clicks where this text stands first.
    pub fn click(&mut self, text: &str) -> &mut Self {
        self.clock += Duration::from_secs(1);
        self.mouse(MouseEventKind::Down(MouseButton::Left), self.place(text))
    }

    /// Clicks there twice in a row.
    pub fn double_click(&mut self, text: &str) -> &mut Self {
        self.clock += Duration::from_secs(1);
        let place = self.place(text);
        self.mouse(MouseEventKind::Down(MouseButton::Left), place);
        self.mouse(MouseEventKind::Down(MouseButton::Left), place)
    }

    /// Turns the wheel on this text, downwards if positive.
    pub fn wheel(&mut self, text: &str, turns: i32) -> &mut Self {
        let place = self.place(text);
        let kind = if turns > 0 { MouseEventKind::ScrollDown } else { MouseEventKind::ScrollUp };
        for _ in 0..turns.abs() {
            self.mouse(kind, place);
        }
        self
    }

    /// What a terminal reports of the mouse, on what is drawn now.
    fn mouse(&mut self, kind: MouseEventKind, (column, row): (u16, u16)) -> &mut Self {
        let event = MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE };
        let spots = self.drawn().1;
        if let Some(input) = self.mouse.input(event, &spots, self.clock) {
            self.input(input);
        }
        self
    }

    /// The column and line where a text begins first.
    pub fn place(&self, text: &str) -> (u16, u16) {
        let buffer = self.buffer();
        for y in 0..buffer.area.height {
            let (mut line, mut columns) = (String::new(), Vec::new());
            for x in 0..buffer.area.width {
                columns.extend(std::iter::repeat_n(x, buffer[(x, y)].symbol().len()));
                line.push_str(buffer[(x, y)].symbol());
            }
            if let Some(at) = line.find(text) {
                return (columns[at], y);
            }
        }
        panic!("{text} is not on the screen:\n{}", self.screen());
    }

    fn drawn(&self) -> (Buffer, Spots) {
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        let mut spots = Spots::default();
        terminal.draw(|frame| spots = draw(&self.app, &self.desk, frame)).unwrap();
        (terminal.backend().buffer().clone(), spots)
    }

    /// What stands where on what is drawn now.
    pub fn spots(&self) -> Spots {
        self.drawn().1
    }

    pub fn buffer(&self) -> Buffer {
        self.drawn().0
    }

    /// The screen as text.
    pub fn screen(&self) -> String {
        let buffer = self.buffer();
        let line = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..buffer.area.height).map(|y| line(y).trim_end().to_owned() + "\n").collect()
    }
}
