// An open page brings itself up to date when the server says that something has happened. Hidden tabs hold no connection.
(() => {
  const page = document.querySelector("[data-live]");
  if (!page || !window.EventSource || !window.htmx) return;
  let source = null;
  const refresh = () => {
    const part = document.getElementById("live");
    if (part) htmx.trigger(part, "news");
  };
  const open = () => {
    if (source && source.readyState !== EventSource.CLOSED) return;
    source = new EventSource(page.dataset.live);
    source.addEventListener("changed", refresh);
    source.addEventListener("over", () => { source.close(); location.reload(); });
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) { if (source) source.close(); } else { open(); refresh(); }
  });
  open();
})();
