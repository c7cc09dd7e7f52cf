//! The suite that every adapter must pass: one small test per guarantee of the port, no exceptions.
//!
//! An adapter writes a [`Fixture`] and calls [`conformance_tests!`](crate::conformance_tests) in a test of its own.

pub mod batches;
pub mod claims;
pub mod clocks;
pub mod columns;
pub mod contents;
pub mod deadlines;
pub mod erasure;
pub mod filters;
mod fixture;
pub mod generations;
pub mod holding;
pub mod inline_rows;
pub mod leases;
pub mod lifetimes;
pub mod parking;
pub mod positions;
pub mod product_tables;
mod projecting;
pub mod projections;
pub mod reads;
pub mod releases;
pub mod requests;
mod scene;
pub mod sizes;
pub mod stats;
pub mod steps;
pub mod streams;
mod tables;
pub mod texts;
pub mod versions;
pub mod waiting;
pub mod wishes;
pub mod writers;

pub use fixture::{Fixture, Instances, Setting};
pub use tables::{
    DOCUMENT, DOCUMENTS, NAMED, NOTE, NOTES, NOTES_OF_TOMORROW, PROJECTED_DOCUMENT, SECRET, WORD,
};

/// Makes a test of each guarantee for a [`Fixture`]. The calling crate needs tokio with its macros.
#[macro_export]
macro_rules! conformance_tests {
    ($fixture:ty) => {
        $crate::conformance_tests! { @expand $fixture;
            positions: positions_count_from_one_without_gaps;
            positions: concurrent_writers_share_one_dense_order;
            positions: a_tailing_reader_sees_every_event_once_and_in_order;
            positions: a_refused_append_leaves_no_gap;
            versions: versions_count_from_one_in_each_stream;
            versions: an_append_on_a_stale_version_is_a_conflict;
            versions: an_append_ahead_of_the_head_is_a_conflict;
            versions: an_append_to_a_missing_stream_is_a_conflict;
            versions: creating_a_stream_that_exists_is_a_conflict;
            versions: of_many_appends_on_one_version_one_wins;
            versions: an_append_without_events_needs_the_right_version_too;
            claims: a_claim_has_one_owner;
            claims: a_released_claim_can_be_taken;
            claims: a_moved_claim_frees_one_key_and_holds_another;
            claims: a_claim_cannot_move_to_a_taken_key;
            claims: a_claim_of_somebody_else_cannot_be_given_up;
            claims: one_append_takes_moves_and_releases;
            claims: untouched_claims_stay;
            claims: of_many_appends_that_want_one_claim_one_gets_it;
            claims: claims_are_read_in_pages;
            requests: a_request_id_is_executed_once;
            requests: a_used_request_id_comes_before_a_conflict_and_a_taken_claim;
            requests: a_conflict_comes_before_a_taken_claim;
            requests: a_command_that_changes_nothing_is_remembered;
            requests: a_refused_append_leaves_its_request_id_unused;
            requests: of_many_appends_with_one_request_id_one_is_executed;
            requests: pruning_forgets_the_old_and_keeps_the_young;
            requests: a_forgotten_request_id_can_be_used_again;
            batches: a_refused_append_never_fails_its_batch_mates;
            batches: a_refused_append_leaves_nothing;
            batches: a_malformed_append_is_refused_before_it_has_batch_mates;
            batches: an_append_with_many_events_is_one;
            inline_rows: rows_are_written_with_their_append;
            inline_rows: every_kind_of_value_is_stored_and_so_is_null;
            inline_rows: an_update_writes_all_but_the_fixed_columns;
            inline_rows: a_deleted_row_is_gone;
            inline_rows: two_tables_change_together_or_not_at_all;
            inline_rows: a_row_in_another_version_is_a_conflict;
            inline_rows: a_new_row_that_is_there_already_is_a_conflict;
            inline_rows: a_row_that_is_missing_is_a_conflict;
            inline_rows: a_table_without_versions_is_updated_all_the_same;
            clocks: an_append_is_recorded_when_the_clock_says_so;
            clocks: times_are_cut_to_microseconds;
            clocks: recorded_times_never_go_backwards;
            clocks: recorded_times_do_not_go_backwards_over_a_restart;
            clocks: a_clock_behind_the_log_is_warned_of;
            clocks: a_clock_behind_the_log_is_warned_of_from_the_start;
            clocks: a_clock_that_jumped_stops_appends_until_it_is_accepted;
            clocks: a_clock_that_jumped_back_again_is_trusted;
            contents: data_and_sealed_come_back_byte_for_byte;
            contents: metadata_comes_back;
            contents: types_and_schema_versions_come_back;
            reads: a_stream_is_read_after_a_version_up_to_a_limit;
            reads: the_head_of_a_stream_is_its_latest_event;
            reads: the_log_is_read_after_a_position_up_to_a_limit;
            reads: nothing_new_leaves_the_reader_where_it_is;
            reads: the_log_is_filtered_by_type;
            reads: the_log_is_filtered_by_kind_of_stream;
            reads: a_filter_that_nothing_passes_still_comes_to_the_end;
            reads: an_empty_log_has_an_empty_head;
            reads: the_head_is_the_latest_event;
            reads: the_position_at_a_moment_is_that_of_the_latest_event_by_then;
            product_tables: every_kind_of_value_goes_in_and_comes_out;
            product_tables: parameters_are_found_by_their_numbers;
            product_tables: a_change_says_how_many_rows_it_touched;
            product_tables: a_wrong_statement_is_malformed;
            deadlines: an_append_whose_deadline_has_passed_is_not_begun;
            deadlines: an_append_that_waits_past_its_deadline_is_not_executed;
            deadlines: an_append_that_runs_past_its_deadline_is_unknown_until_it_is_retried;
            deadlines: an_append_whose_caller_has_gone_is_not_begun;
            deadlines: more_appends_than_the_queue_holds_are_shed;
            writers: a_writer_below_the_floor_is_refused;
            writers: a_writer_of_another_generation_is_refused;
            writers: an_admitted_writer_has_no_warnings;
            lifetimes: everything_is_there_after_a_restart;
            lifetimes: a_log_keeps_its_id;
            lifetimes: a_closed_store_takes_no_appends;
            lifetimes: closing_finishes_what_has_begun;
            lifetimes: a_second_instance_shares_the_log_or_is_turned_away;
            lifetimes: history_cannot_be_rewritten;
            columns: every_column_has_a_class;
            stats: appends_are_counted_by_their_end;
            stats: what_waits_is_counted_while_it_waits;
            stats: statements_are_prepared_once_on_a_connection;
            projections: a_new_projection_walks_up_to_the_head;
            projections: in_an_empty_log_it_walks_up_to_the_start;
            projections: an_inline_projection_is_always_at_the_head;
            projections: declaring_again_changes_nothing;
            projections: a_walk_is_remembered;
            projections: projections_that_nobody_declared_are_listed_too;
            projections: a_pause_has_a_reason_and_an_end;
            leases: a_projection_has_one_owner;
            leases: of_many_who_want_it_one_gets_it;
            leases: an_expired_lease_can_be_taken;
            leases: a_lease_that_is_given_back_is_free_at_once;
            leases: whoever_lost_the_lease_cannot_write;
            leases: whoever_gave_the_lease_back_cannot_write;
            leases: nobody_writes_without_a_lease;
            steps: rows_and_progress_move_together;
            steps: a_step_from_elsewhere_is_refused_and_leaves_nothing;
            steps: a_step_of_a_walk_goes_on_from_its_place;
            steps: a_step_of_a_missing_generation_is_refused;
            steps: what_is_put_replaces_and_counters_add;
            steps: deletions_come_before_what_is_put;
            steps: the_state_of_a_stream_is_its_row_with_the_greatest_key;
            steps: rows_are_read_in_pages_in_the_order_of_keys;
            steps: many_rows_are_one_step;
            steps: a_row_that_does_not_fit_is_malformed_and_leaves_nothing;
            steps: rows_of_inline_tables_are_read_whole;
            steps: an_inline_projection_is_mended_at_the_head;
            steps: moments_of_a_step_are_kept;
            generations: a_generation_is_begun_beside_the_live_one;
            generations: a_generation_needs_an_event_to_walk_up_to;
            generations: what_was_begun_before_goes;
            generations: a_swap_puts_the_next_in_the_place_of_the_live_one;
            generations: a_swap_back_is_a_rollback;
            generations: what_is_behind_is_not_swapped;
            generations: a_paused_generation_is_replaced_by_one_that_is_behind;
            generations: a_third_generation_leaves_two;
            generations: a_retired_generation_is_gone;
            generations: a_generation_has_the_indexes_of_the_live_one;
            generations: an_unfinished_build_goes_on_after_a_restart;
            generations: readers_see_one_generation_or_the_other;
            generations: an_inline_projection_is_not_swapped_while_appends_go_on;
            releases: a_newer_release_writes_what_the_log_takes;
            releases: a_switch_turns_the_older_release_away;
            releases: a_look_finds_out_about_a_switch;
            releases: appends_that_waited_for_a_switch_are_written_anew;
            releases: a_switch_back_lets_the_older_release_in_again;
            releases: two_releases_write_side_by_side_through_a_switch;
            holding: held_appends_wait_and_then_go_on;
            holding: steps_go_on_while_appends_are_held;
            holding: a_hold_ends_by_itself;
            holding: a_store_closes_while_appends_are_held;
            holding: an_inline_projection_is_swapped_at_the_head;
            holding: an_inline_generation_that_is_behind_is_not_swapped;
            holding: a_swap_can_turn_writers_away;
            parking: the_parked_are_listed_by_position;
            parking: the_parked_come_back_as_they_went_in;
            parking: what_is_taken_out_is_parked_no_longer;
            parking: what_is_taken_out_can_be_parked_again_in_one_step;
            parking: a_generation_keeps_its_parked_through_a_swap;
            wishes: a_wish_takes_the_place_of_an_earlier_one;
            wishes: a_wish_is_answered_once_it_is_done;
            wishes: only_the_owner_answers;
            wishes: a_wish_outlives_a_restart;
            erasure: an_erasure_reaches_every_generation;
            erasure: an_erasure_reaches_the_other_generations_of_inline_tables;
            erasure: an_append_that_erases_nobody_leaves_what_is_derived;
            erasure: a_refused_erasure_erases_nothing;
            erasure: late_rows_of_somebody_erased_are_not_personal;
            erasure: a_walk_over_somebody_erased_writes_nothing_personal;
            erasure: an_erasure_and_a_step_at_the_same_time_leave_nothing_personal;
            erasure: an_erasure_that_waits_for_held_appends_keeps_no_step_waiting;
            erasure: an_erasure_needs_no_owner;
            streams: streams_are_read_one_after_the_other;
            streams: streams_are_read_up_to_a_position;
            streams: a_place_between_streams_is_a_place_too;
            streams: events_of_streams_come_whole;
            filters: the_log_is_read_from_its_end;
            filters: the_log_is_read_up_to_a_position;
            filters: the_log_is_filtered_by_stream;
            filters: the_log_is_filtered_by_who_did_it;
            filters: the_log_is_filtered_by_what_belongs_together;
            filters: filters_narrow_each_other;
            filters: a_long_way_through_what_nobody_wants_comes_to_an_end;
            waiting: whoever_asks_for_what_is_there_does_not_wait;
            waiting: whoever_waits_sees_what_is_appended;
            waiting: a_wait_for_nothing_ends;
            waiting: a_wait_can_be_given_up;
            sizes: a_store_grows_with_its_events;
            texts: a_text_is_found_wherever_it_stands_and_means_itself;
            texts: what_an_index_cannot_tell_it_does_not_say;
            texts: whatever_holds_a_text_no_longer_is_not_found;
            texts: a_text_is_looked_for_in_the_live_generation;
        }
    };
    (@expand $fixture:ty; $($group:ident: $case:ident;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let fixture = <$fixture as $crate::conformance::Fixture>::fresh().await;
                $crate::conformance::$group::$case(&fixture).await;
            }
        )*
    };
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    /// A case that nobody calls would look like a guarantee that holds.
    #[test]
    fn every_case_is_in_the_macro() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/conformance");
        let list = fs::read_to_string(folder.join("mod.rs")).unwrap();
        let mut cases = 0;
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let group = path.file_stem().unwrap().to_str().unwrap().to_owned();
            for line in fs::read_to_string(&path).unwrap().lines() {
                let Some((name, _)) =
                    line.strip_prefix("pub async fn ").and_then(|rest| rest.split_once("<F: Fixture>"))
                else {
                    continue;
                };
                assert!(list.contains(&format!("{group}: {name};")), "{group}: {name} is not in the macro");
                cases += 1;
            }
        }
        assert!(cases > 50, "the pattern finds the cases");
    }
}
