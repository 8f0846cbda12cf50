//! Presses keys and reads the screen.

use holdfast::session::Desk;
use holdfast::tui::{App, Chord, Effect, Input, Theme, draw};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

/// A console on a desk, driven by keys.
pub struct Driven {
    pub app: App,
    pub desk: Desk,
    pub effects: Vec<Effect>,
    size: (u16, u16),
}

impl Driven {
    pub fn new(desk: Desk, columns: u16, lines: u16) -> Self {
        let app = App::new(Theme::named("dark").unwrap(), columns, lines);
        let mut driven = Self { app, desk, effects: Vec::new(), size: (columns, lines) };
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

    pub fn buffer(&self) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        terminal.draw(|frame| draw(&self.app, &self.desk, frame)).unwrap();
        terminal.backend().buffer().clone()
    }

    /// The screen as text.
    pub fn screen(&self) -> String {
        let buffer = self.buffer();
        let line = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
        (0..buffer.area.height).map(|y| line(y).trim_end().to_owned() + "\n").collect()
    }
}
