import { listen } from "./dom.js";

/** Sets the class `system-dark` of an element as long as the system's theme is dark, until the signal. */
export function followSystemTheme(
  /** @type {Element} */ element,
  /** @type {Window} */ view,
  /** @type {AbortSignal} */ signal,
) {
  const dark = view.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => element.classList.toggle("system-dark", dark.matches);
  listen(dark, { change: apply }, { signal });
  apply();
}
