//! The rules of restic on moments alone: the newest of each span of time, until a rule has kept its number.

use jiff::{Timestamp, Zoned};

use crate::model::{Bucket, Count, Keep};
use crate::text;

/// For each cut, the newest first, the rules that keep it. Rules do not look at each other. A rule with copies left at
/// the oldest one keeps that too, so that history is as long as it can be. Without a rule everything is kept.
pub(super) fn kept(cuts: &[Timestamp], keep: &Keep) -> Vec<Vec<String>> {
    if keep.is_empty() {
        return cuts.iter().map(|_| vec!["there is no rule that would delete it".to_owned()]).collect();
    }
    let mut kept: Vec<Vec<String>> = cuts.iter().map(|_| Vec::new()).collect();
    for (bucket, count) in keep.counts() {
        let mut left = count;
        let mut last = None;
        for (at, cut) in cuts.iter().enumerate() {
            let here = place(bucket, &cut.to_zoned(keep.zone().clone()), at);
            let new = last != Some(here);
            if left == Count::Of(0) || !(new || at + 1 == cuts.len()) {
                continue;
            }
            if let Count::Of(count) = &mut left {
                *count -= 1;
            }
            last = Some(here);
            let oldest = if new { "" } else { ", the oldest there is" };
            kept[at].push(format!("{} {}{oldest}", bucket.word(), count.word()));
        }
    }
    if let (Some(within), Some(newest)) = (keep.span(), cuts.first()) {
        for (at, cut) in cuts.iter().enumerate() {
            if newest.duration_since(*cut) < within {
                kept[at].push(format!("within {} of the newest", text::quantity::span(within)));
            }
        }
    }
    kept
}

/// Which span of time a copy lies in; of [`Bucket::Last`] each copy in its own.
fn place(bucket: Bucket, cut: &Zoned, at: usize) -> [i64; 4] {
    let (year, month, day) = (i64::from(cut.year()), i64::from(cut.month()), i64::from(cut.day()));
    match bucket {
        Bucket::Last => [i64::try_from(at).unwrap_or(i64::MAX), 0, 0, 0],
        Bucket::Hourly => [year, month, day, i64::from(cut.hour())],
        Bucket::Daily => [year, month, day, 0],
        Bucket::Weekly => {
            let week = cut.date().iso_week_date();
            [i64::from(week.year()), i64::from(week.week()), 0, 0]
        }
        Bucket::Monthly => [year, month, 0, 0],
        Bucket::Yearly => [year, 0, 0, 0],
    }
}
