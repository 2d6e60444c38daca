//! The shape of what no operation answers itself, so that a client meets one shape a route: limits, wrong methods, and
//! handlers that panicked.

use poem::Response;
use poem::http::Method;

use super::failure::{FamilyA, FamilyC};
use super::organization::FamilyNull;
use super::users::{FamilyEmpty, FamilyList};
use crate::api::problem::{Problem, Unshaped};
use crate::api::reply::problem_response;

/// The first segments of the paths in family C.
const AREAS_OF_C: [&str; 2] = ["devices", "sessions"];

/// The answer to what no operation handled, in the family of the operation at this route.
pub fn outside_operations(method: &Method, pattern: &str, problem: Problem<Unshaped>) -> Response {
    let area = pattern.trim_start_matches('/').split('/').next().unwrap_or_default();
    match (method, pattern) {
        (&Method::GET, "/organization/users") => problem_response(&problem.reshaped::<FamilyList>()),
        (&Method::PUT, "/organization/users/{id}") => problem_response(&problem.reshaped::<FamilyEmpty>()),
        (&Method::GET, "/organization/{orgId}") => problem_response(&problem.reshaped::<FamilyNull>()),
        _ if AREAS_OF_C.contains(&area) => problem_response(&problem.reshaped::<FamilyC>()),
        // Family B announces a superset of what family A says.
        _ => problem_response(&problem.reshaped::<FamilyA>()),
    }
}
