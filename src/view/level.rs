//! How bad something is, as one scale for all kinds.

/// How bad the state of a row is. Always shown as glyph, word and colour together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Level {
    /// Judged good from live facts.
    Ok,
    /// Worth knowing, nothing to do.
    Info,
    /// Judged good, but from facts that are no longer live.
    Stale,
    /// Needs attention soon.
    Warn,
    /// Not known. Never shown as good.
    Unknown,
    /// Needs attention now.
    Critical,
}

impl Level {
    /// Every level, the worst first.
    pub const ALL: [Level; 6] = [Level::Critical, Level::Unknown, Level::Warn, Level::Stale, Level::Info, Level::Ok];

    /// Its place from best to worst.
    pub const fn rank(self) -> usize {
        match self {
            Self::Ok => 0,
            Self::Info => 1,
            Self::Stale => 2,
            Self::Warn => 3,
            Self::Unknown => 4,
            Self::Critical => 5,
        }
    }

    /// One character that tells levels apart without colour.
    pub const fn glyph(self) -> &'static str {
        match self {
            Self::Ok => "✓",
            Self::Info => "·",
            Self::Stale => "~",
            Self::Warn => "▲",
            Self::Unknown => "?",
            Self::Critical => "✗",
        }
    }

    /// Its word, as JSON output and the filter `level:` say it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Stale => "stale",
            Self::Warn => "warning",
            Self::Unknown => "unknown",
            Self::Critical => "critical",
        }
    }

    /// Whether a person should look at it.
    pub const fn problem(self) -> bool {
        matches!(self, Self::Warn | Self::Unknown | Self::Critical)
    }

    /// What is left of it when its facts are no longer live: bad news stays, good news does not.
    pub const fn when_stale(self) -> Self {
        match self {
            Self::Ok | Self::Info => Self::Stale,
            other => other,
        }
    }
}

impl PartialOrd for Level {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Level {
    /// Worse is greater.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glyphs_and_words_tell_levels_apart() {
        for (i, a) in Level::ALL.iter().enumerate() {
            for b in &Level::ALL[i + 1..] {
                assert!(a > b && a.glyph() != b.glyph() && a.word() != b.word(), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn staleness_takes_good_news_only() {
        assert_eq!(Level::Ok.when_stale(), Level::Stale);
        assert_eq!(Level::Critical.when_stale(), Level::Critical);
        assert_eq!(Level::Unknown.when_stale(), Level::Unknown);
    }
}
