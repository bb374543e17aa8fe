use std::sync::Arc;

use aetherflow_ratelimit::Plan;

use crate::answer::Tier;
use crate::error::Fault;
use crate::policy::FREE;

/// The plans a gate limits by, found by name.
#[derive(Debug)]
pub(super) struct Tiers {
    all: Vec<Arc<Tier>>,
    free: usize,
}

impl Tiers {
    pub(super) fn new(plans: Vec<Plan>, faults: &mut Vec<Fault>) -> Self {
        for (at, plan) in plans.iter().enumerate() {
            if plans[..at].iter().any(|other| other.name() == plan.name()) {
                faults.push(Fault::DuplicatePlan { plan: plan.name().to_owned() });
            }
        }
        let free = plans.iter().position(|plan| plan.name() == FREE).unwrap_or_else(|| {
            faults.push(Fault::NoFreePlan);
            0
        });
        Self { all: plans.into_iter().map(|plan| Arc::new(Tier::new(plan))).collect(), free }
    }

    pub(super) fn find(&self, name: &str) -> Option<&Arc<Tier>> {
        self.all.iter().find(|tier| tier.plan.name() == name)
    }

    /// The plan of a credential that names none; without one, no gate is built.
    pub(super) fn free(&self) -> &Arc<Tier> {
        &self.all[self.free]
    }
}
