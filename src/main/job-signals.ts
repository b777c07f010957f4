import { Notification, type BrowserWindow } from 'electron';
import type { Studio } from '../studio/index.js';
import { JobSignals } from './job-signal-rules.js';

/** What the work shows outside of the window: progress on its icon, and a notification when a long job ends unseen. */
export function showJobsOutside(studio: Pick<Studio, 'subscribe'>, window: BrowserWindow): void {
  const signals = new JobSignals({
    isWatched: () => !window.isDestroyed() && window.isFocused(),
    progress: (share, mode) => {
      if (!window.isDestroyed()) window.setProgressBar(share ?? -1, { mode });
    },
    notify: (title, body) => {
      if (!Notification.isSupported()) return;
      const notification = new Notification({ title, body });
      notification.on('click', () => {
        if (window.isDestroyed()) return;
        if (window.isMinimized()) window.restore();
        window.focus();
      });
      notification.show();
    },
  });
  studio.subscribe((event) => signals.onEvent(event));
}
