//! In every order their threads may meet in, tried by loom.

use aetherflow_proof_atomics::{limiter, retries, revocation};

#[test]
fn whoever_sees_the_feed_proven_sees_what_was_revoked_before() {
    revocation::whoever_sees_the_feed_proven_sees_what_was_revoked_before();
}

#[test]
fn what_is_revoked_while_a_feed_begins_is_in_its_first_look_or_in_its_outbox() {
    revocation::what_is_revoked_while_a_feed_begins_is_in_its_first_look_or_in_its_outbox();
}

#[test]
fn ends_only_grow_whoever_raises_them_first() {
    revocation::ends_only_grow_whoever_raises_them_first();
}

#[test]
fn whoever_sees_the_feed_begun_sees_what_the_host_chose_for_its_loss() {
    revocation::whoever_sees_the_feed_begun_sees_what_the_host_chose_for_its_loss();
}

#[test]
fn a_token_that_was_cleared_is_found_by_whoever_revoked_it() {
    revocation::a_token_that_was_cleared_is_found_by_whoever_revoked_it();
}

#[test]
fn a_token_is_cleared_of_no_more_than_was_looked_at() {
    revocation::a_token_is_cleared_of_no_more_than_was_looked_at();
}

#[test]
fn two_who_come_at_once_get_no_more_than_there_is() {
    limiter::two_who_come_at_once_get_no_more_than_there_is();
}

#[test]
fn two_hits_at_once_are_both_counted() {
    limiter::two_hits_at_once_are_both_counted();
}

#[test]
fn a_key_that_gives_way_while_it_is_asked_keeps_what_it_owes() {
    limiter::a_key_that_gives_way_while_it_is_asked_keeps_what_it_owes();
}

#[test]
fn who_takes_a_slot_is_not_charged_for_its_last_owner_nor_forgotten() {
    limiter::who_takes_a_slot_is_not_charged_for_its_last_owner_nor_forgotten();
}

#[test]
fn two_newcomers_take_two_slots() {
    limiter::two_newcomers_take_two_slots();
}

#[test]
fn two_who_come_at_once_get_what_there_is() {
    limiter::two_who_come_at_once_get_what_there_is();
}

#[test]
fn what_is_given_back_while_another_is_admitted_is_neither_lost_nor_given_twice() {
    limiter::what_is_given_back_while_another_is_admitted_is_neither_lost_nor_given_twice();
}

#[test]
fn what_is_given_back_to_a_key_that_gives_way_is_not_given_to_the_next_owner() {
    limiter::what_is_given_back_to_a_key_that_gives_way_is_not_given_to_the_next_owner();
}

#[test]
fn of_two_who_want_the_last_retry_one_gets_it() {
    retries::of_two_who_want_the_last_retry_one_gets_it();
}

#[test]
fn what_is_earned_while_another_withdraws_is_neither_lost_nor_given_twice() {
    retries::what_is_earned_while_another_withdraws_is_neither_lost_nor_given_twice();
}
