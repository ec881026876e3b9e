// Answers with a given text, and what is rendered of them.

import { startService } from "./service.js";

/** Starts the service with a tab of the demo page, and what shows answers in it. */
export async function startAnswers() {
  const service = await startService();
  const tab = await service.tab();
  return { service, tab, answers: new AnswerTab(service, tab) };
}

/** A tab that shows answers with given texts. */
class AnswerTab {
  #service;
  #questions = 0;

  constructor(service, tab) {
    this.#service = service;
    this.tab = tab;
  }

  /** Makes the model send this text in pieces of `size`, and waits for the end. */
  async show(text, size = text.length) {
    const pieces = [];
    for (let at = 0; at < text.length; at += size) pieces.push(text.slice(at, at + size));
    const question = this.whenAsked((call) => (call.say(...pieces), call.done()));
    await this.tab.window.evaluate((window) => window.clear());
    await this.tab.askAndWait(question);
  }

  /** Sets how the model behaves for a new question, and returns the question. */
  whenAsked(behave) {
    const question = `Question ${(this.#questions += 1)}`;
    this.#service.model.when(question, behave);
    return question;
  }

  /** Returns the answer's HTML without the directions of its texts. */
  async html() {
    return (await this.tab.answer.innerHTML()).replace(/ dir="\w+"/g, "");
  }

  /** Returns what `read` returns for all elements of the answer that match a selector. */
  all(selector, read) {
    return this.tab.answer.locator(selector).evaluateAll(read);
  }
}

/** Answers every question by a stream whose `done` event has these fields besides the usual ones. */
export async function answerWith(tab, fields) {
  const id = "01890000-0000-7000-8000-000000000001";
  const done = { message: "Green tea.", finish_reason: "complete", model: "m", usage: {}, request_id: id, ...fields };
  const events = [["start", { request_id: id }], ["delta", { content: "Green tea." }], ["done", done]];
  const body = events.map(([name, data], at) => `id: ${at + 1}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join("");
  const headers = { "x-request-id": id };
  await tab.page.route("**/api/chat", (route) => route.fulfill({ contentType: "text/event-stream", headers, body }));
}

/** Returns the HTML of a link in the window. */
export const link = (address, text) =>
  `<a href="${address}" target="_blank" rel="noopener noreferrer nofollow">${text}</a>`;
