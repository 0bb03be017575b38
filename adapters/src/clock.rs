//! The clock that stamps the log, and the timers that the engine asks for.

use engine::time::{Millis, Timer};
use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc::UnboundedReceiver;

/// Wall-clock time that never runs back: the wall clock is read once, and from then on time passes
/// as the monotonic clock says. It starts no earlier than the log ended (invariant I-23).
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: Millis,
    anchor: Instant,
}

impl Clock {
    /// A clock for a log whose last record was written at `last`.
    #[must_use]
    pub fn after(last: Millis) -> Clock {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = Millis(u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX));
        Clock { wall: wall.max(last), anchor: Instant::now() }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Millis {
        self.wall + u64::try_from(self.anchor.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn instant(&self, at: Millis) -> tokio::time::Instant {
        (self.anchor + Duration::from_millis(at.since(self.wall))).into()
    }
}

/// Keeps the timers that arrive on `wishes` and reports each when it is due, in order of time.
/// Ends when nobody can wish any more.
pub async fn keep_timers<F: Future<Output = ()>>(
    clock: Clock,
    mut wishes: UnboundedReceiver<Vec<(Millis, Timer)>>,
    due: impl Fn(Timer) -> F,
) {
    // The count keeps timers of one millisecond in the order in which they were wished.
    let mut waiting: BTreeMap<(Millis, u64), Timer> = BTreeMap::new();
    let mut count = 0u64;
    loop {
        let next = waiting.keys().next().map(|(at, _)| clock.instant(*at));
        tokio::select! {
            wish = wishes.recv() => match wish {
                Some(wished) => {
                    for (at, timer) in wished {
                        waiting.insert((at, count), timer);
                        count += 1;
                    }
                }
                None => return,
            },
            () = tokio::time::sleep_until(next.unwrap_or_else(tokio::time::Instant::now)),
                if next.is_some() =>
            {
                while let Some(entry) = waiting.first_entry() {
                    if entry.key().0 > clock.now() {
                        break;
                    }
                    due(entry.remove()).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::id::PbxId;
    use std::cell::RefCell;

    #[test]
    fn a_clock_never_starts_before_the_end_of_its_log() {
        let far = Millis(u64::MAX / 2);
        assert!(Clock::after(far).now() >= far);
        assert!(Clock::after(Millis(0)).now() > Millis(1_700_000_000_000));
    }

    #[test]
    fn timers_come_due_in_order_of_time_and_then_of_wishing() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime without I/O needs nothing from the system");
        let clock = Clock::after(Millis(0));
        let (wish, wishes) = tokio::sync::mpsc::unbounded_channel();
        let seen = RefCell::new(Vec::new());
        let now = clock.now();
        let timer = |n| Timer::Reconnect(PbxId(0), n);
        for (delay, n) in [(30, 3), (5, 1), (5, 2), (0, 0)] {
            wish.send(vec![(now + delay, timer(n))]).expect("the receiver is alive");
        }
        runtime.block_on(async {
            let keep = keep_timers(clock, wishes, |timer| {
                seen.borrow_mut().push(timer);
                async {}
            });
            let enough = async {
                while seen.borrow().len() < 4 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! { () = keep => {}, () = enough => {} }
        });
        assert_eq!(*seen.borrow(), [0, 1, 2, 3].map(timer));
    }
}
