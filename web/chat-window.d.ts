/**
 * The types of `<al-chat-window>`.
 *
 * Attributes:
 * - `api`: the base URL of AL-Chat; the default is the folder that the script was loaded from.
 * - `site`: the id of this website in the server's `al-chat.toml`; the window then gets and renews the visitor's tickets.
 * - `heading`, `greeting`, `placeholder`: texts of this window; an empty greeting shows none.
 * - `username`: the visitor's name; the default is a guest.
 * - `model`: the model that answers, one of those that the operator allows.
 * - `persona`: the persona that answers; its name and greeting are shown unless other texts are set.
 * - `portal`: the server stores the conversation and recognises the visitor by a cookie. Only on AL-Chat's own pages,
 *   without files; questions have at most 500 characters, and the portal's persona answers.
 * - `mode`: `inline` (fills its box) or `bubble` (a button in the corner of the page opens it).
 * - `theme`: `light` or `dark`; the default is that of the visitor's system.
 * - `contact`: the address of a link to a person: `https`, `http`, `mailto`, `tel`, `sms`, or relative to the page.
 * - `handover`: `off` shows no button that asks for a person. Without a `contact`, the button is there once a session of a
 *   server that passes such requests on has started.
 * - `feedback`: visitors can rate answers, and comment on them.
 * - `target`: where links in answers open: `_blank` (the default), `_self`, `_top` or the name of a frame.
 * - `prompts`: questions offered while the conversation is empty, as a JSON list, or one a line.
 * - `strings`: texts as JSON, for other languages; see `Strings`. `dir` is respected.
 * - `id`: windows of one site with different ids have separate conversations.
 *
 * CSS variables: `--al-chat-accent`, `--al-chat-on-accent`, `--al-chat-background`, `--al-chat-surface`,
 * `--al-chat-text`, `--al-chat-muted`, `--al-chat-border`, `--al-chat-question`, `--al-chat-danger`,
 * `--al-chat-radius`, `--al-chat-font`, `--al-chat-font-size`.
 *
 * Parts: `panel`, `header`, `heading`, `log`, `question`, `answer`, `greeting`, `code`, `table`, `reasoning`, `sources`, `chip`,
 * `error`, `retry`, `prompt`, `contact`, `form`, `composer`, `input`, `length`, `drop`, `button` with `send`, `stop`, `attach`,
 * `copy`, `rate`, `latest`, `clear`, `close` and `chat` (which opens a bubble), `unread` (the number of new answers on that
 * button).
 */

/** Every text of the window. */
export interface Strings {
  heading: string;
  greeting: string;
  placeholder: string;
  conversation: string;
  you: string;
  assistant: string;
  send: string;
  stop: string;
  retry: string;
  attach: string;
  /** With `{name}`. */
  remove: string;
  drop: string;
  copy: string;
  copyAnswer: string;
  copied: string;
  /** The title of code blocks without a language. */
  code: string;
  /** The line that unfolds what a model thought before its answer. */
  reasoning: string;
  /** The name of the list of links to the pages that an answer is based on. */
  sources: string;
  clear: string;
  open: string;
  /** With `{count}`: added to the name of the button that opens a bubble. */
  unread: string;
  close: string;
  contact: string;
  /** The button that leads to the end of the conversation. */
  latest: string;
  /** The same button, when there is text that has not been seen. */
  latestNew: string;
  writing: string;
  stopped: string;
  cutShort: string;
  reconnecting: string;
  offline: string;
  unreachable: string;
  /** In place of `unreachable` where the server runs, but the page may not read its answers. */
  notListed: string;
  interrupted: string;
  failed: string;
  tooLarge: string;
  /** With `{status}`. */
  noChat: string;
  /** With `{seconds}`. */
  wait: string;
  /** With `{time}`: in place of `wait` from 99 s on. */
  waitUntil: string;
  /** With `{count}` and `{max}`. */
  tooLong: string;
  noFiles: string;
  /** With `{count}`. */
  tooManyFiles: string;
  /** With `{name}`. */
  fileTooLarge: string;
  /** With `{name}`. */
  fileNotText: string;
  filesLost: string;
  /** The field of the form by which the visitor asks for a person. */
  reach: string;
  /** The button that sends this form. */
  ask: string;
  asked: string;
  cancel: string;
  ok: string;
  /** The name of the two buttons that rate an answer. */
  rate: string;
  good: string;
  bad: string;
  /** The field of the form for a comment on an answer. */
  comment: string;
  sendComment: string;
  commented: string;
  /** By error code, the sentence shown in place of the server's. The window has its own for `limit_reached` and `budget_spent`. */
  errors: Record<string, string>;
}

/** The details of an answer. */
export interface Answer {
  text: string;
  finishReason: "complete" | "length" | "content_filter" | "stopped";
  /** The model that answered; absent when the visitor stopped the answer. */
  model?: string;
  usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number; model: string };
  /** The turn's id at the server. */
  requestId?: string;
  /** The pages that the answer is based on, if the server names any; absent when the visitor stopped the answer. */
  sources?: { title: string; url: string }[];
  /** A sentence of the owner's guard about an answer that it has cut off. */
  notice?: string;
}

/** The details of a failed turn. */
export interface Failure {
  /** The sentence that the visitor reads. */
  message: string;
  /** AL-Chat's error code; absent when AL-Chat could not be reached. */
  code?: string;
  /** The HTTP status; absent when the turn failed within its stream. */
  status?: number;
  requestId?: string;
  /** Seconds to wait before trying again; 0 if the server names none. */
  retryAfter: number;
}

/** The events. All of them bubble and cross shadow roots. */
export interface AlChatWindowEvents {
  /** A session started, with the first question. */
  "al-chat:session": CustomEvent<{ sessionId: string }>;
  /** The visitor sent a question; `files` are names. */
  "al-chat:message": CustomEvent<{ text: string; files: string[] }>;
  /** An answer was completed or stopped. */
  "al-chat:answer": CustomEvent<Answer>;
  /** A turn failed. */
  "al-chat:error": CustomEvent<Failure>;
  /** A failed question is sent again. */
  "al-chat:retry": CustomEvent<null>;
  /** A new conversation was started. */
  "al-chat:clear": CustomEvent<null>;
  /** A bubble was opened. */
  "al-chat:open": CustomEvent<null>;
  /** A bubble was closed. */
  "al-chat:close": CustomEvent<null>;
}

/** The element `<al-chat-window>`. */
export class AlChatWindow extends HTMLElement {
  api: string | null;
  site: string | null;
  heading: string | null;
  greeting: string | null;
  placeholder: string | null;
  username: string | null;
  model: string | null;
  persona: string | null;
  mode: string | null;
  theme: string | null;
  target: string | null;
  contact: string | null;
  handover: string | null;
  feedback: boolean;
  portal: boolean;

  /** Questions offered while the conversation is empty. */
  prompts: string[];

  /** Texts that replace the English ones; they win over those of the attribute. */
  strings: Partial<Strings>;

  /** Whether an answer is being written. */
  readonly busy: boolean;

  /**
   * Sends a question. Without an argument it is the visitor's text; with one, that text stays where it is. Does nothing
   * while `busy`.
   */
  send(text?: string): void;
  /** Stops the answer. The text received so far stays. */
  stop(): void;
  /** Sends a failed question again. */
  retry(): void;
  /** Starts a new conversation. */
  clear(): void;
  /** Opens a bubble. */
  open(): void;
  /** Closes a bubble. */
  close(): void;

  addEventListener<K extends keyof AlChatWindowEvents>(
    type: K,
    listener: (this: AlChatWindow, event: AlChatWindowEvents[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener<K extends keyof HTMLElementEventMap>(
    type: K,
    listener: (this: AlChatWindow, event: HTMLElementEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "al-chat-window": AlChatWindow;
  }
  interface GlobalEventHandlersEventMap extends AlChatWindowEvents {}
}
