// Finds the proof of work for a form while somebody fills it in, and puts it into the form's field `captcha`. Sending
// the form earlier waits for it; typing never does, because the work is done by a worker.

"use strict";

(() => {
  // The server takes an answer for 20 minutes.
  const FRESH_MS = 15 * 60 * 1000;
  // How long a second press of the button is taken for a slip: the answer would be used up by then.
  const SLIP_MS = 3000;

  function solve({ challenge, salt, maxnumber }) {
    return new Promise((tell, fail) => {
      const worker = new Worker("/captcha-worker.js");
      const end = (outcome) => {
        worker.terminate();
        outcome();
      };
      worker.onmessage = ({ data }) =>
        end(() => (Number.isInteger(data) ? tell(data) : fail(new Error("no number solves the challenge"))));
      worker.onerror = () => end(() => fail(new Error("the worker failed")));
      worker.postMessage({ challenge, salt, maxnumber });
    });
  }

  async function answer() {
    const response = await fetch("/captcha/challenge", { cache: "no-store", credentials: "omit" });
    if (!response.ok) throw new Error(`the challenge was refused with ${response.status}`);
    const { algorithm, challenge, maxnumber, salt, signature } = await response.json();
    const number = await solve({ challenge, salt, maxnumber });
    return btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }));
  }

  function attend(field) {
    const form = field.form;
    const status = form.querySelector("[data-captcha-status]");
    let working = null;
    let found = 0;
    let timer = 0;
    let sent = 0;
    let waiting = false;

    const say = (key) => {
      if (status) status.textContent = status.dataset[key];
    };

    // Resolves to whether there is an answer. Asked again in the meantime, it waits for the same one.
    function work() {
      working ??= (async () => {
        clearTimeout(timer);
        field.value = "";
        say("working");
        try {
          field.value = await answer();
          found = Date.now();
          timer = setTimeout(work, FRESH_MS);
          say("done");
          return true;
        } catch {
          say("failed");
          return false;
        } finally {
          working = null;
        }
      })();
      return working;
    }

    // A timer sleeps with its device, so the age is looked at again when the answer is needed.
    const ready = () => field.value !== "" && Date.now() - found < FRESH_MS;

    form.addEventListener("submit", async (event) => {
      const again = waiting || Date.now() - sent < SLIP_MS;
      if (!again && ready()) {
        sent = Date.now();
        return;
      }
      event.preventDefault();
      if (again) return;
      waiting = true;
      const done = await work();
      waiting = false;
      if (done) form.requestSubmit(event.submitter);
    });
    // Shown again by the back button, the answer has been used.
    addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      sent = 0;
      work();
    });
    work();
  }

  document.querySelectorAll("input[data-captcha]").forEach(attend);
})();
