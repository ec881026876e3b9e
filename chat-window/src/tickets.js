import { readStored, store } from "./storage.js";
/** @import { Client } from "./client.js" */

// The tickets by which the server knows the visitors of sites. The latest one of a site is stored in the tab, so that the
// visitor stays the same one after a reload.

/** Time before its end at which a ticket is renewed, in seconds: it must still be valid when the question arrives. */
const MARGIN = 60;

const keyOf = (/** @type {Client} */ { base }, /** @type {string} */ site) => `al-chat-ticket ${base} ${site}`;

/**
 * Returns the header with a valid ticket of a site. Requests one if needed: by the previous one, the server
 * knows the visitor.
 * @param {Client} client
 * @param {string} site
 * @returns {Promise<Record<string, string>>}
 */
export async function ticketHeader(client, site) {
  const key = keyOf(client, site);
  let { ticket, renewAt } = Object(readStored(key));
  if (!(Date.now() < renewAt)) {
    const response = await client.post("embed/ticket", { site, previous: ticket });
    const body = await client.jsonFrom(response);
    ticket = body.ticket;
    store(key, { ticket, renewAt: Date.now() + 1000 * (body.expires_in - MARGIN) });
  }
  return { Authorization: `Bearer ${ticket}` };
}

/**
 * Returns whether the server refused the ticket of a site. If so, the next request renews it.
 * @param {Client} client
 * @param {string} site
 * @param {Response} response
 */
export async function isTicketRefused(client, site, response) {
  const key = keyOf(client, site);
  const isRefused = response.status === 401 && /^ticket_/.test((await response.clone().json().catch(() => {}))?.code);
  if (isRefused) store(key, { ...readStored(key), renewAt: 0 });
  return isRefused;
}
