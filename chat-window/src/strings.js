/**
 * Every text of the window, in English, but for those of what is loaded on demand. Sites replace texts by the attribute or the
 * property `strings`.
 */
export const ENGLISH = {
  heading: "Chat",
  greeting: "Hello! How can I help?",
  placeholder: "Write a message",
  conversation: "Conversation",
  you: "You",
  assistant: "Assistant",
  send: "Send",
  stop: "Stop",
  retry: "Try again",
  attach: "Attach text files",
  remove: "Remove {name}",
  drop: "Drop text files here",
  copy: "Copy",
  copyAnswer: "Copy answer",
  copied: "Copied",
  code: "Code",
  reasoning: "Reasoning",
  sources: "Sources",
  clear: "New conversation",
  open: "Open chat",
  unread: "{count} new",
  close: "Close chat",
  contact: "Talk to a person",
  latest: "To the latest message",
  latestNew: "To the latest message (new text below)",
  writing: "The answer is on its way",
  stopped: "Stopped",
  cutShort: "The answer reached its length limit.",
  reconnecting: "The connection was lost. Reconnecting…",
  offline: "You are offline. The answer goes on when you are back.",
  unreachable: "The chat cannot be reached. Check the connection, then try again.",
  notListed: "The chat does not answer this website. Its owner can list it at the chat's server.",
  interrupted: "The answer was cut off. Try again to ask once more.",
  failed: "Something went wrong. Try again.",
  tooLarge: "The message is too large for this site. Please shorten it, attach less, or start a new conversation.",
  noChat: "The chat was not reached (status {status}). If the network asks you to sign in, do so, then try again.",
  wait: "You can try again in {seconds} s.",
  waitUntil: "You can try again at {time}.",
  tooLong: "The message is too long: {count} of {max} characters.",
  noFiles: "Files cannot be attached here.",
  tooManyFiles: "At most {count} files can be attached.",
  fileTooLarge: "{name} is larger than 1 MB.",
  fileNotText: "{name} is empty or cannot be read as text.",
  filesLost: "The files were too large to be kept. Attach them again.",
  errors: {
    limit_reached: "As many questions as are allowed here have been asked for now.",
    budget_spent: "What the questions of a day may cost here is spent.",
  },
};

/**
 * Replaces each `{name}` in a text by the value of that name.
 * @param {string} text
 * @param {Record<string, unknown>} values
 */
export const fill = (text, values) =>
  text.replace(/\{(\w+)\}/g, (braces, name) => String(values[name] ?? braces));
