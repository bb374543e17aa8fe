//! In every order their threads may meet in, tried by loom.

use aetherflow_proof_atomics::revocation;

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
