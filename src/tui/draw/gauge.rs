//! A gauge of used space: a bar with marks where it becomes a warning and an alarm, and the number and word beside it.

use super::super::theme::Meaning;
use crate::assess::used::{FILLING, NEARLY_FULL};
use crate::view::Level;

/// A bar of this many columns and what is said beside it. What is not known is an empty bar that says so.
pub(super) fn gauge(percent: Option<u64>, level: Level, word: &str, width: u16) -> Vec<(String, Meaning)> {
    let width = u64::from(width.max(1));
    let place = |percent: u64| percent * width / 100;
    let filled = percent.map_or(0, |percent| percent.min(100) * width).div_ceil(100);
    let mut pieces: Vec<(String, Meaning)> = Vec::new();
    for cell in 0..width {
        let (glyph, meaning) = match cell {
            _ if cell < filled => ('█', level.into()),
            _ if cell == place(NEARLY_FULL) => ('┊', Meaning::Danger),
            _ if cell == place(FILLING) => ('┊', Meaning::Warn),
            _ if percent.is_none() => ('·', Meaning::Unknown),
            _ => ('░', Meaning::Muted),
        };
        match pieces.last_mut() {
            Some((run, last)) if *last == meaning => run.push(glyph),
            _ => pieces.push((glyph.to_string(), meaning)),
        }
    }
    let beside = match percent {
        Some(percent) => format!(" {} {percent}% {word}", level.glyph()),
        None => format!(" {} not known", Level::Unknown.glyph()),
    };
    pieces.push((beside, percent.map_or(Level::Unknown, |_| level).into()));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Some(0), Level::Ok, "░░░░░░░░░░░░░░░░┊░┊░ ✓ 0% Ok")]
    #[case(Some(1), Level::Ok, "█░░░░░░░░░░░░░░░┊░┊░ ✓ 1% Ok")]
    #[case(Some(50), Level::Ok, "██████████░░░░░░┊░┊░ ✓ 50% Ok")]
    #[case(Some(85), Level::Warn, "█████████████████░┊░ ▲ 85% Ok")]
    #[case(Some(104), Level::Critical, "████████████████████ ✗ 104% Ok")]
    #[case(None, Level::Unknown, "················┊·┊· ? not known")]
    fn a_gauge_says_in_words_what_it_shows(#[case] percent: Option<u64>, #[case] level: Level, #[case] shown: &str) {
        let pieces = gauge(percent, level, "Ok", 20);
        assert_eq!(pieces.iter().map(|(text, _)| text.as_str()).collect::<String>(), shown);
        assert_eq!(pieces.last().map(|(_, meaning)| *meaning), Some(level.into()));
    }

    #[test]
    fn no_width_panics() {
        for width in 0..5 {
            assert!(!gauge(Some(95), Level::Critical, "Nearly full", width).is_empty());
        }
    }
}
