// The operator's page: it asks for the token if one is needed, then shows what the server sends.
import { node } from "../../chat-window/src/dom.js";
import { Attention, noticesOf } from "./attention.js";
import { ConnectionState } from "./connection.js";
import { ErrorsPart } from "./errors.js";
import { LimitsPart } from "./limits.js";
import { Live } from "./live.js";
import { OverviewPart } from "./overview.js";
import { hasToken, json, setToken } from "./server.js";
import { ServicePart } from "./service.js";
import { SessionsPart } from "./sessions.js";
import { SignIn } from "./sign-in.js";
import { askAboutAll, SitesPart } from "./sites.js";
import { TailPart } from "./tail.js";
import { createViews } from "./views.js";
/** @import { Connection } from "./live.js" */
/** @import { ServerError } from "./server.js" */
/** @import { Limits, Overview, Site, Status } from "./data.js" */

/** How often limits and sites are read, in ms: they are not in the stream. */
const POLL_INTERVAL = 5000;

/** The pause, in ms, before a request is repeated that has failed. */
const RETRY_INTERVAL = 3000;

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const [nav, tools, banners, content, announcement] = ["views", "tools", "banners", "content", "announcement"].map(byId);

/** The last data of each kind. */
const data = {
  status: /** @type {Status | undefined} */ (undefined),
  limits: /** @type {Limits | undefined} */ (undefined),
  sites: /** @type {Site[]} */ ([]),
  date: "",
};

let daysTimer = 0;

/** @type {Connection} */
let connection = { kind: "connecting" };

const overview = new OverviewPart();
const errors = new ErrorsPart();
const limits = new LimitsPart();
const attention = new Attention();
const service = new ServicePart();
const sessions = new SessionsPart();
const tail = new TailPart();
const sites = new SitesPart(poll);
const state = new ConnectionState(announcement, () => live.start());
const signIn = new SignIn(openWith);
const pauseAll = node("button", { type: "button", click: () => askAboutAll(data.status?.is_spending_paused ?? false, poll) }, "Pause all");
const resumeAll = node("button", { type: "button", click: () => askAboutAll(true, poll) }, "Resume");
const paused = node(
  "section",
  { class: "banner", "data-tone": "warning", "aria-label": "Pause", hidden: "" },
  node("p", {}, "All spending is paused: nobody gets an answer until you resume it."),
  resumeAll,
);
const lock = node("button", { type: "button", title: "Forget the token", hidden: "", click: () => leave("") }, "Lock");

const live = new Live({
  connection: setConnection,
  event: (name, event) => HANDLERS[name]?.(event),
  needsToken: () => leave("The server does not take this token any more. It may have been changed."),
});

/** What is done with each event of the stream. @type {Record<string, (event: any) => void>} */
const HANDLERS = {
  overview: (/** @type {Overview} */ event) => {
    overview.update(event);
    errors.update(event.total);
    if (event.date !== data.date) loadDays();
    data.date = event.date;
    sessions.setToday(event.date);
  },
  status: (/** @type {Status} */ event) => {
    data.status = event;
    service.update(event);
    showStatus();
  },
  turn: (event) => {
    tail.addTurn(event);
    sessions.addNews();
  },
  session: (event) => {
    tail.addSession(event);
    sessions.addNews();
  },
};

function showStatus() {
  const { status } = data;
  const isLive = connection.kind === "live";
  overview.setStatus(isLive ? status : undefined);
  if (!status) return;
  paused.hidden = !status.is_spending_paused;
  pauseAll.hidden = status.is_spending_paused;
  attention.update(noticesOf(status, data.limits, data.sites));
}

function setConnection(/** @type {Connection} */ next) {
  if (next.kind === "live" && connection.kind === "lost") {
    tail.addGap(connection.since);
    sessions.addNews();
    poll();
  }
  connection = next;
  state.update(next);
  showStatus();
}

/** Reads what is not in the stream. A failure shows in the stream's state, or is mended by the next poll. */
async function poll() {
  const [nextLimits, nextSites] = await Promise.all([json("limits"), json("sites")]).catch(() => []);
  if (!nextLimits) return;
  data.limits = nextLimits;
  data.sites = nextSites;
  limits.update(nextLimits);
  sites.update(nextSites);
  showStatus();
}

/** Reads the figures of earlier days, again and again until that works. */
async function loadDays() {
  clearTimeout(daysTimer);
  const days = await json("days").catch(() => undefined);
  overview.setDays(days);
  if (!days) daysTimer = setTimeout(loadDays, RETRY_INTERVAL);
}

setInterval(() => {
  if (connection.kind === "live") poll();
}, POLL_INTERVAL);

/** Opens the page with a token, or returns the error. */
async function open(/** @type {string} */ token) {
  setToken(token);
  try {
    await json("sites");
  } catch (error) {
    setToken("");
    return /** @type {ServerError} */ (error);
  }
  enter();
}

/** Opens the page with a token that was entered, or returns why that is not possible. */
async function openWith(/** @type {string} */ token) {
  const error = await open(token);
  return error?.needsToken ? "This is not the operator's token. Compare it with ADMIN_TOKEN of the server." : (error?.message ?? "");
}

function enter() {
  lock.hidden = !hasToken();
  nav.hidden = tools.hidden = false;
  content.replaceChildren(...views);
  setConnection({ kind: "connecting" });
  poll();
  live.start();
}

/** Forgets the token and all figures, and asks for the token. */
function leave(/** @type {string} */ problem) {
  live.stop();
  setToken("");
  if (!problem) return location.reload();
  nav.hidden = tools.hidden = true;
  state.banner.hidden = true;
  content.replaceChildren(signIn.element);
  signIn.ask(problem);
}

tools.append(state.mark, pauseAll, lock);
banners.append(state.banner, paused);
const views = createViews(nav, {
  today: [attention.element, overview.element, node("div", { class: "pair wide" }, errors.element, limits.element)],
  sessions: [sessions.element],
  live: [tail.element],
  service: [sites.element, service.element],
});

/** Tries without a token first: at the server's own machine, none may be needed. */
async function start() {
  const error = await open("");
  if (error?.needsToken) {
    content.replaceChildren(signIn.element);
    signIn.ask("");
  } else if (error) {
    content.replaceChildren(node("p", { class: "card", role: "status" }, `${error.message} This page tries again every few seconds.`));
    setTimeout(start, RETRY_INTERVAL);
  }
}

start();
