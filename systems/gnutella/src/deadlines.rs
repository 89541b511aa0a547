//! One timer for everything under way that may take too long.

use alloc::vec::Vec;
use core::time::Duration;

use overlay_peer::{Context, Link, Time};

use crate::Servent;
use crate::servent::timer;

impl Servent {
    /// Arranges a wake when something under way should be done by `deadline`.
    pub(crate) fn wake_at(&mut self, deadline: Time, cx: &mut Context<'_, Self>) {
        let work = self.work();
        if work.sweep_at.is_none_or(|at| deadline < at) {
            work.sweep_at = Some(deadline);
            cx.wake_after(deadline - cx.now(), timer::SWEEP);
        }
    }

    /// [`timer::SWEEP`]: ends what took too long.
    pub(crate) fn sweep(&mut self, cx: &mut Context<'_, Self>) {
        // Not already when a link comes up: it may be one that only tells of other hosts and closes.
        if self.missing() == 0 {
            self.tries = 0;
        }
        let now = cx.now();
        let Some(work) = self.work.as_mut() else { return };
        if work.sweep_at.is_none_or(|at| now < at) {
            return;
        }
        work.sweep_at = None;
        let late: Vec<Link> =
            work.greetings.iter().filter(|g| g.deadline <= now).map(|g| g.link).collect();
        for link in late {
            cx.close(link);
            self.greeting_closed(link, cx);
        }
        self.sweep_pursuits(cx);
        self.sweep_downloads(cx);
        self.sweep_swarms(cx);
        self.sweep_web_caches(cx);
        self.sweep_uploads(cx);
        let Some(work) = self.work.as_ref() else { return };
        let greetings = work.greetings.iter().map(|greeting| greeting.deadline);
        let downloads = work.downloads.iter().map(|download| download.deadline);
        let uploads = work.uploads.iter().map(|upload| upload.deadline);
        let searches = work.pursuits.iter().map(|pursuit| pursuit.deadline);
        let swarms = work.swarms.iter().map(|swarm| swarm.deadline);
        let web = work.web_caches.iter().map(|cache| cache.deadline);
        let all =
            greetings.chain(downloads).chain(uploads).chain(searches).chain(swarms).chain(web);
        if let Some(next) = all.min() {
            // Not in this very instant again: a write under way keeps a failed download.
            self.wake_at(next.max(now + Duration::from_millis(1)), cx);
        }
    }
}
