//! The failure modes that operations survive, and the test that proves each.
//!
//! A test is named by its module and its name: of the suite (`faults::…`, which runs on the embedded cluster and on the
//! real one unless it is marked *embedded only*), or of the library (`plan::judge::tests::…`). A test below fails when
//! one of them is no longer there.
//!
//! | mode | case | proved by |
//! |---|---|---|
//! | 1 never ready | the error is on the content alone | `plan::judge::tests::an_error_that_shows_only_on_the_content_is_said_and_is_not_final` |
//! | | not cut: ends at its deadline, with the storage's words | `faults::a_snapshot_that_is_never_cut_fails_at_its_deadline_with_the_storage_s_words` |
//! | | cut and never ready: ends at its deadline, the copy stays | `faults::a_snapshot_that_is_never_ready_fails_at_its_deadline` |
//! | 2 an error, then success | is waited out | `faults::a_snapshot_that_fails_once_becomes_ready` |
//! | 3 cut, ready much later | the application is let go at the cut | `hooks::hooks_hold_the_application_over_the_cut` |
//! | | cut and ready are two steps | `faults::cut_and_ready_are_told_apart` |
//! | 4 a hook that hangs | it timed out and held all the same | `hooks::a_hook_that_times_out_and_held_all_the_same_is_released` |
//! | | the console is killed while it holds: the switch releases | `hooks::a_dead_man_s_switch_releases_when_nobody_comes_back` |
//! | | the next start says what is still held, and releases first | `hooks::killed_while_it_holds_a_backup_releases_first_when_it_is_resumed` |
//! | 5 a broken stream | of a command | `hooks::a_command_whose_stream_breaks_is_released` |
//! | | of a held session | `hooks::a_session_whose_stream_breaks_makes_no_consistent_copy` |
//! | | the pod was replaced between hooks | `hooks::a_pod_that_was_replaced_makes_no_consistent_copy` |
//! | 6 snapshot classes | two defaults, no default, none, of another driver | `backup::which_class_is_never_guessed` |
//! | | every combination | `plan::backup::tests::the_class_is_always_of_the_volumes_driver_and_named` |
//! | 7 sizes and modes | restoreSize absent, zero, odd | `plan::restore::source::tests::the_restore_size_is_whatever_a_driver_made_of_it` |
//! | | restoreSize larger than the request | `restore::a_copy_that_needs_more_room_than_its_volume_had_gets_it` |
//! | | every combination of sizes | `plan::restore::claim::tests::the_size_holds_whatever_was_cut` |
//! | | volumeMode of the copy and of the claim differ | `plan::restore::claim::tests::the_volume_mode_is_the_one_that_was_cut` |
//! | | the StorageClass is gone or of another driver | `restore::what_cannot_be_restored_is_refused_before_anything_is_made` |
//! | 8 a claim that stays Pending | waits for its first consumer: no alarm | `restore::a_class_that_waits_for_its_first_consumer_is_no_alarm` |
//! | | cannot be provisioned: said in the provisioner's words | `restore::what_the_provisioner_says_is_shown_while_it_waits` |
//! | | its source was dropped: called empty | `restore::a_claim_whose_source_was_dropped_is_called_empty` |
//! | | the same in place: halts before anything stops | `in_place::halts::a_volume_that_is_made_without_its_source_halts_it_before_anything_stops` |
//! | 9 what does not let go | a pod that does not end | `in_place::halts::a_pod_that_does_not_end_halts_it` |
//! | | a VolumeAttachment that lingers | `in_place::halts::an_attachment_that_lingers_halts_it` |
//! | | a node that does not answer (embedded only: the lab's nodes are shared) | `in_place::halts::a_node_that_does_not_answer_halts_it` |
//! | 10 somebody starts it again | a pod comes, as of a CronJob | `in_place::meanwhile::a_pod_that_comes_meanwhile_halts_it` |
//! | | the workload is scaled up, as by Argo CD, KEDA or an autoscaler | `in_place::meanwhile::a_workload_that_is_started_meanwhile_halts_it` |
//! | | known ones are paused and get back what they had | `plan::swap::tests::what_would_start_the_workload_meanwhile_is_paused_and_gets_its_former_value_back` |
//! | | a CronJob stands still meanwhile, whatever comes of it | `in_place::meanwhile::a_cron_job_stands_still_meanwhile_and_goes_on_afterwards` |
//! | | unknown or unseen ones are refused | `plan::swap::tests::what_cannot_be_stopped_or_would_undo_the_stop_is_refused` |
//! | | a StatefulSet makes the claim first | `in_place::meanwhile::a_claim_that_a_set_makes_first_is_left_alone_and_the_way_back_waits_for_it` |
//! | 11 the safety snapshot fails | it is not cut | `in_place::halts::a_safety_snapshot_that_is_not_cut_halts_it` |
//! | | it is cut and never ready | `in_place::halts::a_safety_snapshot_that_never_becomes_ready_halts_it` |
//! | 12 a finalizer holds the claim | known beforehand | `in_place::halts::a_finalizer_that_would_hold_the_claim_is_refused` |
//! | | another snapshot that is not ready | `plan::swap::tests::what_cannot_be_stopped_or_would_undo_the_stop_is_refused` |
//! | | it comes while the restore runs | `in_place::meanwhile::a_finalizer_that_comes_meanwhile_halts_it` |
//! | | it comes while the claim is being deleted | `in_place::meanwhile::a_claim_that_is_held_while_it_goes_is_waited_for` |
//! | 13 the API server, at every step of a restore in place | 429, 500 and 503 | `in_place::answers::a_server_that_is_busy_at_every_write_is_asked_again` |
//! | | 403 | `in_place::answers::what_is_forbidden_is_taken_back_whichever_step_it_is` |
//! | | 409 | `in_place::answers::what_conflicts_is_taken_back_whichever_step_it_is` |
//! | | the answer is lost | `in_place::answers::a_server_whose_every_answer_is_lost_is_looked_at` |
//! | | the request is lost | `in_place::answers::a_write_that_never_arrives_is_sent_again` |
//! | | looking fails (500, 410, 429, lost) | `in_place::answers::a_server_that_fails_two_of_seven_looks_is_looked_at_again` |
//! | | a watch whose history is gone (410) | `live::history_that_is_gone_is_listed_anew` |
//! | | the API server is restarted | `faults::a_backup_outlives_a_restart_of_the_api_server` |
//! | | kill -9, and of every other operation beside it | `crash::matrix::a_restore_in_place_of_a_stateful_set` |
//! | | kill -9, and a refusal later | `crash::matrix::a_restore_in_place_that_is_refused_late` |
//! | 14 retention | failed copies fill the count | `assess::retention::tests::what_must_not_go_stays_and_says_why` |
//! | | a copy from the future | `assess::retention::tests::a_copy_in_the_future_changes_nothing_for_the_others` |
//! | | nights on which clocks change, ISO weeks, time zones | `assess::retention::tests::spans_are_those_of_the_time_zone` |
//! | | held, member of a group, being restored from, Retain | `assess::retention::tests::what_ties_a_copy_is_read_from_the_world` |
//! | | the last good copies, whatever the rules | `assess::retention::tests::the_last_good_copies_always_stay` |
//! | | Retain leaves nothing in storage that nobody asked for | `prune::retained_copies_go_with_their_storage_only_when_asked` |
//! | | it is held after the plan was shown | `prune::a_copy_that_is_held_after_the_plan_stays` |
//! | | another pruner was faster | `prune::another_pruner_that_was_faster_is_no_failure` |
//! | | two pruners, each seeing other copies | `assess::retention::tests::pruners_that_see_different_copies_leave_a_good_one_between_them` |
//! | | while the newest copy is not ready | `prune::nothing_is_deleted_while_the_newest_copy_is_not_ready` |
//! | 15 imports and rights | a handle that the storage does not know | `restore::an_import_whose_handle_the_storage_does_not_know_is_refused` |
//! | | a handle whose copy was lost: a drill shows it | `drill::a_drill_of_a_copy_that_the_storage_lost_fails_and_leaves_nothing` |
//! | | two contents with one handle: neither prune nor cleaning up deletes the copy | `restore::a_copy_that_two_contents_stand_for_outlives_its_import` |
//! | | a drill's import keeps the copy | `drill::a_drill_of_a_good_point_proves_it_and_leaves_nothing` |
//! | | the snapshot goes while a claim is made from it | `restore::a_snapshot_that_goes_while_a_claim_is_made_from_it_leaves_nothing_that_passes_for_restored` |
//! | | a content without its snapshot: orphan, or Velero's | `assess::standing::tests::a_content_without_its_snapshot_is_an_orphan_unless_velero_keeps_it_or_it_cannot_be_told` |
//! | | no snapshot kinds at all (embedded only) | `absent::without_snapshots_nothing_is_called_protected_and_nothing_is_written` |
//! | | no group snapshots (embedded only) | `absent::without_group_snapshots_single_ones_are_taken_and_restored` |
//! | | rights that only read: no write is sent | `rights::who_may_only_read_sends_no_write_whatever_is_asked_for` |
//! | | read-only by choice: no write is sent | `read_only::every_command_leaves_no_write_in_the_audit_log` |

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The rows of the table above: its cells.
fn rows() -> Vec<[&'static str; 3]> {
    let table = include_str!("modes.rs").lines().filter_map(|line| line.strip_prefix("//! | "));
    let rows = table.map(|row| row.trim_end_matches(" |").splitn(3, "| ").map(str::trim).collect::<Vec<_>>());
    rows.skip(1).map(|cells| cells.try_into().unwrap_or_else(|row| panic!("not three cells: {row:?}"))).collect()
}

/// The file of a module: of the suite, or of the library.
fn file(module: &[&str]) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let below = |folder: &str| root.join(folder).join(module.join("/")).with_extension("rs");
    [below("tests/suite"), below("src")].into_iter().find(|path| path.exists())
}

/// Why a test is not there.
fn missing(test: &str) -> Option<String> {
    let mut module: Vec<&str> = test.split("::").collect();
    let name = module.pop()?;
    let Some(path) = file(&module) else { return Some(format!("{test}: there is no such module")) };
    let text = std::fs::read_to_string(&path).unwrap();
    let there = text.contains(&format!("fn {name}("));
    (!there).then(|| format!("{test}: it is not in {}", path.display()))
}

#[test]
fn every_mode_has_tests_and_they_are_there() {
    let rows = rows();
    let modes: BTreeSet<u32> = rows.iter().filter_map(|[mode, ..]| mode.split(' ').next()?.parse().ok()).collect();
    assert_eq!(modes, (1..=15).collect());
    let missing: Vec<String> = rows.iter().filter_map(|[_, _, test]| missing(test.trim_matches('`'))).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn a_test_that_is_gone_is_noticed() {
    assert_eq!(missing("modes::a_test_that_is_gone_is_noticed"), None);
    assert!(missing("modes::a_test_that_was_never_there").is_some());
    assert!(missing("nowhere::a_test").is_some());
}
