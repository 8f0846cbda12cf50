//! A sparkline: what a number was over some time, from its least to its greatest.

use jiff::Timestamp;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// At most so many columns of equal time, and not more than there are points; each as high as the last point in it, and
/// empty where there is none. Nothing without two points: one says nothing about time.
pub(super) fn sparkline(points: &[(Timestamp, u64)], width: u16) -> String {
    let ([(first, _), .., (last, _)], 1..) = (points, width) else { return String::new() };
    let width = width.min(u16::try_from(points.len()).unwrap_or(u16::MAX));
    let span = last.duration_since(*first).as_millis().max(1);
    let most = i128::from(width) - 1;
    let mut columns: Vec<Option<u64>> = vec![None; width.into()];
    for (at, value) in points {
        let place = at.duration_since(*first).as_millis() * most / span;
        if let Some(column) = usize::try_from(place).ok().and_then(|place| columns.get_mut(place)) {
            *column = Some(*value);
        }
    }
    let (least, greatest) = points.iter().fold((u64::MAX, 0), |(a, b), (_, value)| (a.min(*value), b.max(*value)));
    let block = |value: u64| {
        let range = u128::from(greatest - least);
        // A line that does not move stands in the middle.
        let height = (u128::from(value - least) * 7).checked_div(range).unwrap_or(3);
        usize::try_from(height).ok().and_then(|height| BLOCKS.get(height)).copied().unwrap_or(' ')
    };
    columns.into_iter().map(|column| column.map_or(' ', block)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[], 8, "")]
    #[case(&[(0, 1)], 8, "")]
    #[case(&[(0, 1), (60, 1)], 4, "▄▄")]
    #[case(&[(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6), (7, 7)], 8, "▁▂▃▄▅▆▇█")]
    #[case(&[(0, 10), (10, 20), (70, 10)], 8, "█ ▁")]
    #[case(&[(0, 0), (1, u64::MAX)], 2, "▁█")]
    #[case(&[(0, 0), (1, 1)], 0, "")]
    fn heights_go_from_the_least_to_the_greatest(
        #[case] points: &[(i64, u64)],
        #[case] width: u16,
        #[case] shown: &str,
    ) {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let points: Vec<_> = points.iter().map(|(second, value)| (at(*second), *value)).collect();
        assert_eq!(sparkline(&points, width), shown);
    }
}
