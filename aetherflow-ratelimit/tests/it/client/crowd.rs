//! The bars that a hundred clients of one server keep, and that they do not keep without a pacer.

use aetherflow_ratelimit::Plan;

use super::simulation::{Manner, Scene, play};

#[test]
fn a_hundred_paced_clients_use_the_quota_and_fewer_than_one_request_in_twenty_is_refused() {
    for (plan, minutes) in [(Plan::pro(), 120), (Plan::enterprise(), 15)] {
        for (name, scene) in
            [("calm", Scene::calm(plan.clone(), minutes)), ("outage", Scene::outage(plan.clone(), minutes))]
        {
            let outcome = play(&scene, Manner::Paced, 7);
            assert!(outcome.used >= 0.95 && outcome.refused < 0.05, "{} {name}: {outcome:?}", plan.name());
        }
    }
}

#[test]
fn after_an_outage_of_which_all_were_told_the_end_paced_clients_do_not_come_back_in_one_second() {
    for plan in [Plan::pro(), Plan::enterprise()] {
        let scene = Scene::outage(plan.clone(), 5);
        let [paced, obedient] = [Manner::Paced, Manner::Obedient].map(|manner| play(&scene, manner, 7));
        assert!(
            f64::from(paced.busiest) < 6.0 * paced.mean && paced.parts[0] > 0.0,
            "{}: {paced:?}",
            plan.name()
        );
        assert!(f64::from(obedient.busiest) > 30.0 * obedient.mean, "{}: {obedient:?}", plan.name());
    }
}

#[test]
fn clients_that_only_obey_or_only_insist_are_refused_more_often_than_not() {
    for manner in [Manner::Obedient, Manner::Impatient] {
        let outcome = play(&Scene::calm(Plan::pro(), 3), manner, 7);
        assert!(outcome.refused > 0.5 && outcome.sent > 1_000, "{manner:?}: {outcome:?}");
    }
}
