// What the mailbox does beyond its markup: new letters appear by themselves, and links and codes are copied by a button.
// Without this script a reload shows what is new, and whoever wants to copy selects.

"use strict";

(() => {
  const LOOK_MS = 2000;
  const TOLD_MS = 2000;

  /** Puts a text on the clipboard; also where a page came without TLS and has no clipboard of its own. */
  async function copy(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = document.createElement("textarea");
    field.value = text;
    field.readOnly = true;
    field.className = "unseen";
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    if (!done) throw new Error("the browser copies nothing here");
  }

  function attend(button) {
    const label = button.textContent;
    let timer = 0;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await copy(button.dataset.copy);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Not copied: select it by hand";
      }
      clearTimeout(timer);
      timer = setTimeout(() => (button.textContent = label), TOLD_MS);
    });
  }

  async function text(address) {
    const response = await fetch(address, { cache: "no-store" });
    if (!response.ok) throw new Error(`refused with ${response.status}`);
    return response.text();
  }

  /** Shows the list anew when it has changed; the keyboard's focus stays where it is. */
  function watch(list) {
    let looking = false;

    async function look() {
      if (looking || document.visibilityState === "hidden") return;
      looking = true;
      try {
        if ((await text("/mailbox/newest")) !== list.dataset.live) {
          const page = new DOMParser().parseFromString(await text(location.href), "text/html");
          const fresh = page.querySelector("[data-live]");
          const focused = document.activeElement?.closest("[data-live] a")?.getAttribute("href");
          list.replaceChildren(...document.adoptNode(fresh).childNodes);
          list.dataset.live = fresh.dataset.live;
          if (focused) list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
        }
      } catch {
        // The server may be restarting: the next look finds it again.
      } finally {
        looking = false;
      }
    }

    setInterval(look, LOOK_MS);
    document.addEventListener("visibilitychange", look);
  }

  document.querySelectorAll("button[data-copy]").forEach(attend);
  document.querySelectorAll("[data-live]").forEach(watch);
})();
