// Served in place of the module chat-window.js to a `<script>` without `type="module"`: loads the module all the same, and
// names the line to write.
{
  const { src } = document.currentScript;
  console.warn(`AL-Chat's chat-window.js is a module. Write <script type="module" src="${src}"></script>`);
  import(src);
}
