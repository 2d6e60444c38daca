//! The contracts that are built, in one list: what the layers around them have to know of each. Those layers know no
//! contract by name.

use poem::Response;
use poem::http::Method;

use super::appmaker::{self, AppMaker};
use super::documents::{Document, of_contract};
use super::finradar::{self, FinRadar};
use super::flashback::{self, Flashback};
use super::limits::published::Published;
use super::mounted::{Mount, place_of};
use super::orbai::{self, OrbAi};
use super::problem::{Problem, Unshaped};
use crate::model::contract::Contract;
use crate::service::policy::Policy;

/// A contract that is built.
pub struct Built {
    pub contract: Contract,
    /// What it has decided.
    pub policy: &'static Policy,
    /// The title of its document.
    pub title: &'static str,
    /// What its document says of it first, in Markdown.
    pub introduction: &'static str,
    /// What it publishes of rates, which all its answers tell of; none where it publishes nothing.
    pub published: Option<&'static Published>,
    /// Its own document.
    pub document: fn() -> Document,
    /// Shapes what no operation handled at a route, given by method and pattern.
    outside: fn(&Method, &str, Problem<Unshaped>) -> Response,
}

/// All that are built, in the order of the documentation.
pub const BUILT: &[Built] = &[
    Built {
        contract: Contract::Flashback,
        policy: &flashback::POLICY,
        title: Flashback::TITLE,
        introduction: Flashback::INTRODUCTION,
        published: None,
        document: || of_contract(Flashback),
        outside: flashback::outside::outside_operations,
    },
    Built {
        contract: Contract::FinRadar,
        policy: &finradar::POLICY,
        title: FinRadar::TITLE,
        introduction: FinRadar::INTRODUCTION,
        published: None,
        document: || of_contract(FinRadar),
        outside: finradar::outside::outside_operations,
    },
    Built {
        contract: Contract::OrbAi,
        policy: &orbai::POLICY,
        title: OrbAi::TITLE,
        introduction: OrbAi::INTRODUCTION,
        published: Some(&orbai::PUBLISHED),
        document: || of_contract(OrbAi),
        outside: orbai::outside::outside_operations,
    },
    Built {
        contract: Contract::AppMaker,
        policy: &appmaker::POLICY,
        title: AppMaker::TITLE,
        introduction: AppMaker::INTRODUCTION,
        published: None,
        document: || of_contract(AppMaker),
        outside: appmaker::outside::outside_operations,
    },
];

/// The contract at the root: its shape is also that of unknown paths and of Latchkey's own routes (DESIGN 11).
const AT_THE_ROOT: &Built = &BUILT[0];

impl Built {
    /// Those of the list that are served.
    pub fn of(served: &[Contract]) -> impl Iterator<Item = &'static Built> {
        BUILT.iter().filter(|built| served.contains(&built.contract))
    }

    /// The one in whose place a path stands.
    pub fn at(path: &str) -> &'static Built {
        let stands_in = |built: &&Built| {
            let place = place_of(built.contract);
            let below = path.strip_prefix(place).filter(|_| !place.is_empty());
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        BUILT.iter().find(stands_in).unwrap_or(AT_THE_ROOT)
    }

    /// The answer to what no operation handled, in the shape that the route's own answers have.
    pub fn outside_operations(&self, method: &Method, pattern: &str, problem: Problem<Unshaped>) -> Response {
        (self.outside)(method, pattern, problem)
    }
}

/// What the contract has decided that an account was made through.
pub fn policy_of(contract: Contract) -> &'static Policy {
    BUILT.iter().find(|built| built.contract == contract).unwrap_or(AT_THE_ROOT).policy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_the_contract_in_whose_place_it_stands() {
        let rows = [
            ("/finradar", Contract::FinRadar),
            ("/finradar/", Contract::FinRadar),
            ("/finradar/api/v1/nowhere", Contract::FinRadar),
            ("/finradars/api/v1", Contract::Flashback),
            ("/orbai/api/v1/auth/login", Contract::OrbAi),
            ("/appmaker/api/v1/auth/login", Contract::AppMaker),
            ("//finradar/api/v1", Contract::Flashback),
            ("/Finradar/api/v1", Contract::Flashback),
            ("/api/v1/auth/login", Contract::Flashback),
            ("/", Contract::Flashback),
        ];
        for (path, contract) in rows {
            assert_eq!(Built::at(path).contract, contract, "{path}");
        }
    }
}
