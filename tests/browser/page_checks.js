// Checks of a page: screenshots, accessibility violations and layout shifts.
import axe from "axe-core";

export const SCREENS = {
  desktop: { viewport: { width: 1200, height: 800 } },
  phone: { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 },
};

/** Stores a screenshot if PICTURES names a folder. */
export const screenshot = (page, name) =>
  process.env.PICTURES && page.screenshot({ path: `${process.env.PICTURES}/${name}.png`, animations: "disabled" });

export async function accessibilityViolations(page) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("; ")}`);
}

/** Returns the layout shifts since the page was opened. */
export const layoutShifts = (page) =>
  page.evaluate(
    () =>
      new Promise((resolve) => {
        const observer = new PerformanceObserver(() => {});
        observer.observe({ type: "layout-shift", buffered: true });
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(observer.takeRecords())));
      }).then((records) => records.map(({ value, sources }) => `${value} ${sources.map(({ node }) => node?.nodeName)}`)),
  );
