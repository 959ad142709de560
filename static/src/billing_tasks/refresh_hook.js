import { onMounted, onWillUnmount } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";

/**
 * Call `refresh` every few seconds while the page is seen, and never twice at once.
 *
 * @param {() => Promise<void>} refresh
 * @param {number} seconds
 */
export function useRefresh(refresh, seconds) {
    let timer = null;
    let busy = false;
    const tick = async () => {
        if (busy || document.visibilityState === "hidden") {
            return;
        }
        busy = true;
        try {
            await refresh();
        } finally {
            busy = false;
        }
    };
    onMounted(() => {
        timer = browser.setInterval(tick, seconds * 1000);
    });
    onWillUnmount(() => browser.clearInterval(timer));
}
