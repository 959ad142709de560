import { useEffect, useExternalListener, useRef } from "@odoo/owl";

/** A table wider than its place is scrolled by the arrow keys, so it has to take the focus. */
export function useScrollableTables(refName) {
    const root = useRef(refName);
    const mark = () => {
        for (const table of root.el?.querySelectorAll(".table-responsive") || []) {
            if (table.scrollWidth > table.clientWidth) {
                table.tabIndex = 0;
            } else {
                table.removeAttribute("tabindex");
            }
        }
    };
    useEffect(mark);
    useExternalListener(window, "resize", mark);
}
