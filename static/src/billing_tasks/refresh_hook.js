import { onMounted, onWillUnmount } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { ConnectionLostError } from "@web/core/network/rpc";

/**
 * Call `refresh` every few seconds while the page is seen, and never twice at once. An error that
 * is not only a lost connection ends it, so that a user sees it once.
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
        } catch (error) {
            if (!(error instanceof ConnectionLostError)) {
                browser.clearInterval(timer);
            }
            throw error;
        } finally {
            busy = false;
        }
    };
    onMounted(() => {
        timer = browser.setInterval(tick, seconds * 1000);
    });
    onWillUnmount(() => browser.clearInterval(timer));
}

/**
 * Return a function that loads a view's model again as it is. It does nothing while a load is
 * under way: the model keeps the last one only, and what the user asked for would be lost.
 *
 * @param {import("@web/model/relational_model/relational_model").RelationalModel} model
 * @returns {() => Promise<void>}
 */
export function makeReload(model) {
    const load = model.load.bind(model);
    let last = 0;
    let ended = 0;
    let giveWay = () => {};
    model.load = async (params) => {
        const mine = ++last;
        giveWay();
        try {
            await load(params);
        } finally {
            ended = Math.max(ended, mine);
        }
    };
    return async () => {
        await model.mutex.getUnlockedDef();
        if (ended === last) {
            // A load that another one overtakes never ends.
            await Promise.race([load(), new Promise((resolve) => (giveWay = resolve))]);
        }
    };
}
