import { listen } from "./dom.js";

/**
 * Writes which part of the page's viewport is in sight, beside an on-screen keyboard that lies over the page, into the
 * CSS variables `--sight-top`, `--sight-height` and `--sight-bottom` of an element. They stay while a page is zoomed in.
 */
export function followVisualViewport(
  /** @type {HTMLElement} */ element,
  /** @type {Window} */ view,
  /** @type {AbortSignal} */ signal,
) {
  const { visualViewport } = view;
  if (!visualViewport) return;
  const update = () => {
    const { height, scale, offsetTop } = visualViewport;
    if (scale > 1.05) return;
    const bottom = view.document.documentElement.clientHeight - offsetTop - height;
    for (const [name, size] of Object.entries({ top: offsetTop, height, bottom })) {
      element.style.setProperty(`--sight-${name}`, `${size}px`);
    }
  };
  listen(visualViewport, { resize: update, scroll: update }, { signal });
  update();
}
