//! The shape of what no operation answers itself: limits, unknown paths, wrong methods, and handlers that panicked.

use poem::Response;
use poem::http::Method;

use super::failure::Sentences;
use crate::api::problem::{Problem, Unshaped};
use crate::api::reply::problem_response;

/// The answer to what no operation handled: one shape for every route.
pub fn outside_operations(_method: &Method, _pattern: &str, problem: Problem<Unshaped>) -> Response {
    problem_response(&problem.reshaped::<Sentences>())
}
