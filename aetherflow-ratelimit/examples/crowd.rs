//! A hundred clients of one limited server: paced, obedient, impatient.
//!
//! `cargo run --release -p aetherflow-ratelimit --features client --example crowd`

#![expect(clippy::unwrap_used, reason = "as in a test, a panic says that it is wrong")]
#![expect(clippy::print_stdout, reason = "a table is what it is for")]

#[path = "../tests/it/client/simulation.rs"]
mod simulation;

use aetherflow_ratelimit::Plan;
use simulation::{Manner, Outcome, Scene, play};

fn main() {
    println!(
        "| plan and scene | clients | sent | refused | quota used | busiest second, × mean | one client's part |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (plan, hours) in [(Plan::free(), 3), (Plan::pro(), 3), (Plan::enterprise(), 6)] {
        let name = plan.name().to_owned();
        show(&format!("{name}, {hours} h"), &Scene::calm(plan.clone(), hours * 60));
        show(&format!("{name}, {hours} h after an outage"), &Scene::outage(plan, hours * 60));
    }
}

fn show(name: &str, scene: &Scene) {
    for manner in [Manner::Paced, Manner::Obedient, Manner::Impatient] {
        let Outcome { sent, refused, used, busiest, mean, parts: [least, most] } = play(scene, manner, 1);
        let (refused, used, burst) = (refused * 100.0, used * 100.0, f64::from(busiest) / mean);
        print!("| {name} | {manner:?} | {sent} | {refused:.2} % | {used:.2} % | {busiest}, × {burst:.1} ");
        println!("| {least:.2} to {most:.2} |");
    }
}
