//! Many callers at once.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::app::{Answer, App};

/// Lets `count` callers act at once. Gives the server back, to be finished by who started it.
pub async fn crowd<F>(app: App, count: usize, act: impl Fn(Arc<App>, usize) -> F) -> (App, Vec<Answer>)
where
    F: Future<Output = Answer> + Send + 'static,
{
    let app = Arc::new(app);
    let mut callers = JoinSet::new();
    for caller in 0..count {
        callers.spawn(act(Arc::clone(&app), caller));
    }
    let answers = callers.join_all().await;
    (Arc::into_inner(app).expect("every caller has left"), answers)
}

/// How many answers have this status and code.
pub fn count(answers: &[Answer], status: u16, code: &str) -> usize {
    answers.iter().filter(|answer| answer.refusal() == (status, code.to_owned())).count()
}
