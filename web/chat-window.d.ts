/**
 * The types of `<al-chat-window>`.
 *
 * Attributes:
 * - `api`: where AL-Chat is; without it, where the script came from.
 * - `heading`, `greeting`, `placeholder`: words of this window; an empty greeting shows none.
 * - `username`: who speaks; without it, a guest.
 * - `model`: which model answers, among those that the operator allows.
 * - `persona`: who answers; its name and greeting are the window's, unless other words are given.
 * - `portal`: the conversation is kept by the server, which knows its visitor by a cookie. Only on AL-Chat's own pages,
 *   without files; questions have at most 500 characters, and the portal's persona answers.
 * - `mode`: `inline` (fills its box) or `bubble` (waits in the corner of the page).
 * - `theme`: `light` or `dark`; without it, as the visitor's system has it.
 * - `strings`: words as JSON, for other languages; see `Strings`. `dir` is respected.
 * - `id`: windows of one site with different ids have conversations of their own.
 *
 * CSS variables: `--al-chat-accent`, `--al-chat-on-accent`, `--al-chat-background`, `--al-chat-surface`,
 * `--al-chat-text`, `--al-chat-muted`, `--al-chat-border`, `--al-chat-question`, `--al-chat-danger`,
 * `--al-chat-radius`, `--al-chat-font`.
 *
 * Parts: `panel`, `header`, `heading`, `log`, `question`, `answer`, `greeting`, `code`, `table`, `chip`, `error`,
 * `retry`, `composer`, `input`, `drop`, `button` with `send`, `stop`, `attach`, `clear`, `close` and `chat` (which opens
 * a bubble).
 */

/** Every word of the window. */
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
  copied: string;
  /** What stands over code of no named language. */
  code: string;
  clear: string;
  open: string;
  close: string;
  writing: string;
  stopped: string;
  cutShort: string;
  reconnecting: string;
  offline: string;
  unreachable: string;
  interrupted: string;
  failed: string;
  /** With `{seconds}`. */
  wait: string;
  /** With `{count}`. */
  tooManyFiles: string;
  /** With `{name}`. */
  fileTooLarge: string;
  /** With `{name}`. */
  fileNotText: string;
  filesLost: string;
  /** By an error's code, what is said instead of the server's own sentence. */
  errors: Record<string, string>;
}

/** What is told of an answer. */
export interface Answer {
  text: string;
  finishReason: "complete" | "length" | "stopped";
  /** The model that answered; absent when the visitor stopped it. */
  model?: string;
  usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number; model: string };
  /** The turn's id at the server. */
  requestId?: string;
}

/** What is told of a turn that failed. */
export interface Failure {
  /** As the visitor reads it. */
  message: string;
  /** AL-Chat's code; absent when it could not be reached. */
  code?: string;
  /** The HTTP status; absent when the turn failed within its stream. */
  status?: number;
  requestId?: string;
  /** Seconds to wait before trying again; 0 when that isn't said. */
  retryAfter: number;
}

/** The events, all of which bubble and leave shadow trees. */
export interface AlChatWindowEvents {
  /** A session has begun, with the first question. */
  "al-chat:session": CustomEvent<{ sessionId: string }>;
  /** The visitor has asked something; `files` are names. */
  "al-chat:message": CustomEvent<{ text: string; files: string[] }>;
  /** The answer is complete, or was stopped. */
  "al-chat:answer": CustomEvent<Answer>;
  "al-chat:error": CustomEvent<Failure>;
  /** What has failed is asked again. */
  "al-chat:retry": CustomEvent<null>;
  /** A new conversation was begun. */
  "al-chat:clear": CustomEvent<null>;
  /** A bubble was opened. */
  "al-chat:open": CustomEvent<null>;
  /** A bubble was closed. */
  "al-chat:close": CustomEvent<null>;
}

/** The element. */
export class AlChatWindow extends HTMLElement {
  api: string | null;
  heading: string | null;
  greeting: string | null;
  placeholder: string | null;
  username: string | null;
  model: string | null;
  persona: string | null;
  mode: string | null;
  theme: string | null;
  portal: boolean;

  /** Words that replace the English ones; they win over those of the attribute. */
  strings: Partial<Strings>;

  /** Whether an answer is being written. */
  readonly busy: boolean;

  /** Asks this, or without a text what the visitor has written, which else stays. Does nothing while `busy`. */
  send(text?: string): void;
  /** Stops the answer; what was said so far stays. */
  stop(): void;
  /** Asks again what has failed. */
  retry(): void;
  /** Begins a new conversation. */
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
