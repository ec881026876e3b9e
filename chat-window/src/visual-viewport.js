/**
 * Writes which part of the page's viewport is in sight, beside an on-screen keyboard that lies over the page, into the
 * CSS variables `--sight-top`, `--sight-height` and `--sight-bottom` of an element. Zooming does not change them.
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
    const top = scale < 1.05 ? offsetTop : 0;
    const whole = view.document.scrollingElement?.clientHeight ?? view.innerHeight;
    const sizes = { top, height: height * scale, bottom: Math.max(0, whole - top - height * scale) };
    for (const [name, size] of Object.entries(sizes)) element.style.setProperty(`--sight-${name}`, `${size}px`);
  };
  for (const type of ["resize", "scroll"]) visualViewport.addEventListener(type, update, { signal });
  update();
}
